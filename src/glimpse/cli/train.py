"""`glimpse train`: train a method on a data set, then measure what it learned."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glimpse.choices import Dtype, Size
from glimpse.cli.options import (
    Average,
    CheckpointSteps,
    CompileWith,
    Device,
    Merge,
    Parts,
    PassDtype,
    Tensorboard,
    Threads,
    engine_of,
    load_retriever,
    read_source,
    resumable,
)
from glimpse.recipes.presets import Preset, preset_recipe

if TYPE_CHECKING:
    from glimpse.datasets import Dataset
    from glimpse.methods.fit import Fitted
    from glimpse.protocols import Protocol


@resumable("the same command and --resume")
def train(
    method: Annotated[str, typer.Argument(help="A method that `glimpse recipes` lists.")],
    data: Annotated[str, typer.Option("--data", metavar="NAME:DIR", help="A layout and its folder.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="A new folder for the run.")],
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="A key of the recipe: `glimpse recipes show METHOD`."
        ),
    ] = None,
    preset: Annotated[
        Preset, typer.Option(help="The recipe as published, or for the rendered world on a CPU.")
    ] = Preset.PUBLISHED,
    size: Annotated[
        Size | None, typer.Option(help="Of the encoder, with images to match; base, or micro in the world.")
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            "--protocol",
            help="One of the data set's: tested by it, and validated likewise; the first if left out.",
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    options: Annotated[
        list[str] | None,
        typer.Option("--reader", metavar="KEY=VALUE", help="An option of the data set's reader."),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Prepared pixels, to be shared by runs; by default in --out."),
    ] = None,
    masks: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="A patch selector that `glimpse train spt` left, to say where persons are if the recipe "
            "transfers patches; GrabCut if left out.",
        ),
    ] = None,
    parts: Parts = None,
    merge: Merge = None,
    device: Device = "auto",
    dtype: PassDtype = Dtype.FLOAT32,
    compile_with: CompileWith = None,
    checkpoint_steps: CheckpointSteps = None,
    threads: Threads = None,
    average: Average = None,
    tensorboard: Tensorboard = False,
    test: Annotated[bool, typer.Option(help="Measure on the test rows at the end, once.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print figures as JSON.")] = False,
) -> None:
    """Train a method. A killed run goes on with the same command and --resume.

    Example: glimpse train bot --data market1501:worlds/market --preset world --out runs/bot
    """
    from glimpse.errors import OptionError
    from glimpse.files import check_apart
    from glimpse.methods.fit import fit
    from glimpse.methods.spt_masks import SelectorMasks
    from glimpse.methods.validation import check_answers
    from glimpse.models.pretrained import start_of
    from glimpse.progress import terminal_bar
    from glimpse.runtime import torch_device
    from glimpse.segmentation.sources import named_parts
    from glimpse.training.distributed import joined

    recipe = preset_recipe(method, preset, size, settings or [])
    engine = engine_of(
        device,
        dtype,
        compile_with,
        checkpoint_steps,
        threads,
        validate_every=recipe.validation.every,
        average=average,
        tensorboard=tensorboard,
    )
    dataset = read_source(data, options or [])
    check_apart(out, dataset.root)
    like = dataset.protocol(protocol) if dataset.protocols or protocol else None
    if not len(dataset.train):
        raise OptionError(f"{data} has no rows to train on; the literature trains on another data set")
    untested = _untested(method, dataset, like, data) if test and like else ""
    measured = like if test and not untested else None
    if measured:
        check_answers(measured, ": train without it by --no-test", what="test")
    start = start_of(recipe)
    # until the report is written: it is the first process's alone
    with joined(torch_device(engine.device)) as group:
        if group.first and start is not None:
            typer.echo(f"starting from {start}", err=as_json)
        if group.first and untested:
            typer.echo(f"no test: {untested}", err=True)
        fitted = fit(
            method.lower().replace("_", "-"),
            recipe,
            dataset.train,
            out,
            validation=dataset.model_selection,
            like=like,
            cache=cache,
            masks=None if masks is None else SelectorMasks.load(masks),
            parts=None if parts is None else named_parts(parts, merge),
            engine=engine,
            resume=resume,
            progress=terminal_bar,
            quiet=False,
        )
        if group.first:
            _report(fitted, measured, device, out, as_json)


def _untested(method: str, dataset: Dataset, protocol: Protocol, data: str) -> str:
    """Why a protocol of the data set would be no test of what the method learns from it, or nothing."""
    from glimpse.files import printable
    from glimpse.methods.rows import can_answer, trained_images

    if not can_answer(method, protocol):
        return f"{printable(data)} has captions as queries, which {method} does not read"
    count = trained_images(dataset.train, protocol)
    if not count:
        return ""
    return (
        f"{count:,} images of query and gallery of {printable(data)} are trained on: divide its rows into "
        "train, query and gallery to have a test"
    )


def _report(fitted: Fitted, protocol: Protocol | None, device: str, out: Path, as_json: bool) -> None:
    """Print and keep what the final and the best network measure."""
    from glimpse.files import atomic_write, printable

    networks = {"final": fitted.final} | ({"best": fitted.best} if fitted.best else {})
    validation = {"final": dict(fitted.outcome.measures), "best": dict(fitted.outcome.best_measures)}
    measures: dict[str, Any] = {"start": fitted.start, "validation": validation, "test": {}}
    if protocol is not None:
        measures["protocol"] = protocol.name
        measures["test"] = {name: _tested(folder, protocol, device) for name, folder in networks.items()}
    with atomic_write(out / "measures.json") as file:
        file.write((json.dumps(measures, indent=2) + "\n").encode())
    if as_json:
        typer.echo(json.dumps(measures, indent=2))
        return
    typer.echo(f"started from {fitted.start}")
    for part in ("validation", "test"):
        for name, values in measures[part].items():
            if values:
                typer.echo(
                    f"{part}, {name}: rank-1 {100 * values['rank1']:.1f}, mAP {100 * values['map']:.1f}"
                )
    typer.echo(f"networks: {', '.join(printable(folder) for folder in networks.values())}")


def _tested(folder: Path, protocol: Protocol, device: str) -> dict[str, float]:
    """Rank-1 and mean average precision of a network on a protocol's rows."""
    from glimpse.evaluation import evaluate
    from glimpse.progress import terminal_bar

    retriever = load_retriever(str(folder), device=device)
    query, gallery = (
        retriever.embed(part, progress=terminal_bar) for part in (protocol.query, protocol.gallery)
    )
    result = evaluate((query, gallery), protocol, similarity=retriever.similarity)
    return {"rank1": result.rank_k(1), "map": result.mean_ap}
