"""`glimpse pretrain`: train an encoder on a rendered world, for methods to start from."""

from __future__ import annotations

import dataclasses
import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glimpse.choices import Dtype, Size
from glimpse.cli.options import Device, PassDtype, Threads, engine_of, resumable

if TYPE_CHECKING:
    from glimpse.methods.fit import Fitted


class BackboneName(StrEnum):
    """What is pre-trained."""

    VIT = "vit"
    RESNET = "resnet"
    CLIP = "clip"


@resumable("the same command and --resume")
def pretrain(
    backbone: Annotated[BackboneName, typer.Argument(help="What is trained; clip has a text side too.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="A new folder for the run.")],
    size: Annotated[Size, typer.Option(help="Of the backbone.")] = Size.MICRO,
    people: Annotated[int, typer.Option(min=1, max=100_000, help="Who is trained on.")] = 2000,
    cameras: Annotated[int, typer.Option(min=2, max=200, help="That see everybody.")] = 8,
    takes: Annotated[int, typer.Option(min=1, max=1000, help="Images of each person from each camera.")] = 3,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A key of the recipe, like epochs=6."),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where rendered images are kept; within --out by default."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    device: Device = "auto",
    dtype: PassDtype = Dtype.FLOAT32,
    threads: Threads = None,
    checkpoint_steps: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="Steps between checkpoints.")
    ] = 200,
    as_json: Annotated[bool, typer.Option("--json", help="Print figures as JSON.")] = False,
) -> None:
    """Render a world of people whom no evidence is measured on, and train on it.

    Runs of one size and the same people may share --images. A killed run goes on with the same command and
    --resume.

    Example: glimpse pretrain vit --size micro --people 500 --set epochs=4 --out runs/vit-micro
    """
    from glimpse.pretraining.pretrain import Architecture, pretraining_recipe
    from glimpse.pretraining.pretrain import pretrain as train
    from glimpse.pretraining.world_rows import Site
    from glimpse.recipes.provenance import with_settings
    from glimpse.runtime import torch_device
    from glimpse.training.distributed import joined

    kind = Architecture(backbone.value)
    recipe = with_settings(pretraining_recipe(kind, size), settings or [])
    site = Site(people=people, cameras=cameras, takes=takes)
    engine = engine_of(device, dtype, None, checkpoint_steps, threads, validate_every=recipe.validation.every)
    command = ["glimpse pretrain", kind.value, f"--size {size.value} --people {people}"]
    command += [f"--cameras {cameras} --takes {takes}", *(f"--set {setting}" for setting in settings or [])]
    # until the report is written: it is the first process's alone
    with joined(torch_device(engine.device)) as group:
        fitted = train(kind, recipe, site, out, engine=engine, resume=resume, quiet=False, images=images)
        if group.first:
            _report(fitted, " ".join(command), out, as_json)


def _report(fitted: Fitted, command: str, out: Path, as_json: bool) -> None:
    """Print what the best network measures, and save it as a retriever that says where it is from."""
    from glimpse.files import printable
    from glimpse.models.storage import WEIGHTS
    from glimpse.pretraining.pretrain import about_weights
    from glimpse.retriever import Retriever

    network = fitted.best or fitted.final
    measures = dict(fitted.outcome.best_measures if fitted.best else fitted.outcome.measures)
    record = json.loads((out / "run.json").read_bytes())
    about = about_weights(command, record, measures)
    retriever = Retriever.load(network)
    dataclasses.replace(retriever, about=about).save(out / "retriever", replace=True)
    size = (network / WEIGHTS).stat().st_size
    if as_json:
        typer.echo(
            json.dumps({"measures": measures, "bytes": size, "folder": str(out / "retriever")}, indent=2)
        )
        return
    typer.echo(f"held-out people: rank-1 {100 * measures['rank1']:.1f}, mAP {100 * measures['map']:.1f}")
    typer.echo(f"{printable(out / 'retriever')}: {size / 2**20:.1f} MiB of weights")
