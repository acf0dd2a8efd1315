"""`glimpse import-weights`: other people's checkpoints as encoders of ours."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated

import typer

from glimpse.errors import OptionError


def import_weights(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A checkpoint, or a hub name such as timm/... or openai/...")
    ],
    out: Annotated[Path, typer.Option("--out", help="A folder, or a .safetensors file for one tower.")],
    style: Annotated[str, typer.Option(help="Whose names the file has; auto tells it from them.")] = "auto",
    image: Annotated[
        str | None, typer.Option(metavar="HxW", help="Fit positions to this image size, as 256x128.")
    ] = None,
    stride: Annotated[int | None, typer.Option(help="Fit positions to this patch stride.")] = None,
    made_for: Annotated[
        str | None, typer.Option(metavar="HxW[/S]", help="Image size and stride the file was made for.")
    ] = None,
    allow_left_over: Annotated[
        list[str] | None, typer.Option(metavar="PREFIX", help="Keys that may be left over start like this.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Import somebody else's weights, with a report of every tensor; a partial import is refused.

    Example: glimpse import-weights vit_base_transreid.pth --out weights/transreid
    """
    from glimpse.encoders.weights import MadeFor, import_encoders, save_encoder
    from glimpse.files import atomic_write

    source, _, source_stride = (made_for or "").partition("/")
    imported = import_encoders(
        file,
        style_name=None if style == "auto" else style,
        image=_size(image) if image else None,
        stride=stride,
        made_for=MadeFor(_size(source), _whole(source_stride)) if made_for else MadeFor(),
        allow_left_over=allow_left_over or (),
    )
    single = out.suffix == ".safetensors"
    if single and len(imported.encoders) > 1:
        raise OptionError(f"{file} has {' and '.join(imported.encoders)} towers: give a folder, not {out}")
    folder = out.parent if single else out
    folder.mkdir(parents=True, exist_ok=True)
    paths = {tower: out if single else out / f"{tower}.safetensors" for tower in imported.encoders}
    for tower, encoder in imported.encoders.items():
        save_encoder(encoder, paths[tower])
    report = {**imported.report.to_json(), "files": {tower: str(path) for tower, path in paths.items()}}
    if not single:
        with atomic_write(out / "report.json") as written:
            written.write(json.dumps(report, indent=2).encode())
    if as_json:
        typer.echo(json.dumps(report, indent=2))
        return
    typer.echo("\n".join(imported.report.lines()))
    typer.echo("\n".join(f"written: {tower} tower to {path}" for tower, path in paths.items()))


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if not match:
        raise OptionError(f"a size is given as HEIGHTxWIDTH, like 256x128, got {text!r}")
    return int(match[1]), int(match[2])


def _whole(text: str) -> int | None:
    if text and not text.isdigit():
        raise OptionError(f"a stride is a whole number, got {text!r}")
    return int(text) if text else None
