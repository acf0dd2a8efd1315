"""`glimpse import-weights`: other people's checkpoints as backbones, their ONNX models as retrievers."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glimpse.choices import ChannelOrder, Filter
from glimpse.errors import OptionError
from glimpse.files import printable

if TYPE_CHECKING:
    from glimpse.model_check import Checked
    from glimpse.models.weights import Backbone
    from glimpse.retriever import Encoder

_WRITTEN = {"image.safetensors", "text.safetensors", "report.json"}


def import_weights(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="A checkpoint, a hub name such as timm/... or openai/..., or an .onnx model."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="A folder, or a .safetensors file for one backbone.")],
    style: Annotated[str, typer.Option(help="Whose names the file has; auto tells it from them.")] = "auto",
    image: Annotated[
        str | None,
        typer.Option(
            metavar="HxW", help="Fit positions to this image size, as 256x128; what an ONNX model is fed."
        ),
    ] = None,
    stride: Annotated[int | None, typer.Option(min=1, help="Fit positions to this patch stride.")] = None,
    made_for: Annotated[
        str | None, typer.Option(metavar="HxW[/S]", help="Image size and stride the file was made for.")
    ] = None,
    allow_left_over: Annotated[
        list[str] | None, typer.Option(metavar="PREFIX", help="Keys that may be left over start like this.")
    ] = None,
    mean: Annotated[
        str | None,
        typer.Option(metavar="R,G,B", help="ONNX: subtracted from pixel / 255; ImageNet's if not given."),
    ] = None,
    std: Annotated[
        str | None, typer.Option(metavar="R,G,B", help="ONNX: what is divided by; ImageNet's if not given.")
    ] = None,
    interpolation: Annotated[
        Filter | None, typer.Option(help="ONNX: how images are resized; bilinear if not given.")
    ] = None,
    channels: Annotated[
        ChannelOrder | None,
        typer.Option(help="ONNX: the order of colors, of mean and deviation too; rgb if not given."),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="ONNX: a retriever that is in the folder makes way.")
    ] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Run it on rendered people: does it tell them apart, is it fed as it wants to be?"
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Import somebody else's weights, with a report of every tensor; a partial import is refused.

    Example: glimpse import-weights vit_base_transreid.pth --out weights/transreid

    An ONNX model becomes a retriever whose card states how it is fed:
    glimpse import-weights osnet.onnx --image 256x128 --out retrievers/osnet
    """
    of_onnx: dict[str, object] = {
        "mean": mean,
        "std": std,
        "interpolation": interpolation,
        "channels": channels,
    }
    of_onnx["replace"] = replace or None
    of_checkpoints = {
        "style": None if style == "auto" else style,
        "stride": stride,
        "made-for": made_for,
        "allow-left-over": allow_left_over,
    }
    _refuse_openvino(Path(file))
    onnx = Path(file).suffix == ".onnx"
    for option, value in (of_checkpoints if onnx else of_onnx).items():
        if value is not None:
            raise OptionError(f"--{option} is for {'checkpoints, not for ' if onnx else ''}ONNX models")
    if onnx:
        size = _size(image) if image else None
        import_onnx(
            *(Path(file), out, size, mean, std, interpolation, channels),
            replace=replace,
            check=check,
            as_json=as_json,
        )
        return
    from glimpse.files import atomic_write
    from glimpse.models.weights import MadeFor, import_backbones, save_backbone

    single = out.suffix == ".safetensors"
    if not single:
        _only_ours(out)
    source, _, source_stride = (made_for or "").partition("/")
    imported = import_backbones(
        file,
        style_name=None if style == "auto" else style,
        image=_size(image) if image else None,
        stride=stride,
        made_for=MadeFor(_size(source), _whole(source_stride)) if made_for else MadeFor(),
        allow_left_over=allow_left_over or (),
    )
    if single and len(imported.backbones) > 1:
        raise OptionError(
            f"{file} has {' and '.join(imported.backbones)} backbones: give a folder, not {out}"
        )
    folder = out.parent if single else out
    folder.mkdir(parents=True, exist_ok=True)
    paths = {modality: out if single else out / f"{modality}.safetensors" for modality in imported.backbones}
    for modality, encoder in imported.backbones.items():
        save_backbone(encoder, paths[modality])
    report = {**imported.report.to_json(), "files": {modality: str(path) for modality, path in paths.items()}}
    checked = _checked_backbone(imported.backbones) if check else None
    if checked is not None:
        report["check"] = checked.to_json()
    if not single:
        with atomic_write(out / "report.json") as written:
            written.write(json.dumps(report, indent=2).encode())
    if as_json:
        typer.echo(json.dumps(report, indent=2))
        return
    typer.echo("\n".join(imported.report.lines()))
    typer.echo("\n".join(f"written: {modality} backbone to {path}" for modality, path in paths.items()))
    for line in checked.lines() if checked else []:
        typer.echo(line)


def _refuse_openvino(file: Path) -> None:
    """Say what to do with OpenVINO's two files."""
    if file.suffix == ".xml" or (file.suffix == ".bin" and file.with_suffix(".xml").is_file()):
        raise OptionError(
            f"{printable(file)} is OpenVINO's format, which is not read here: export the network that it was "
            "made from to ONNX and import that"
        )


def _checked_backbone(backbones: Mapping[str, Backbone]) -> Checked:
    if "image" not in backbones:
        raise OptionError("--check shows images, and this file has a text backbone only")
    from glimpse.model_check import check_backbone
    from glimpse.progress import terminal_bar

    return check_backbone(backbones["image"], progress=terminal_bar)


def _only_ours(folder: Path) -> None:
    """Refuse a folder that holds anything but an earlier import of a checkpoint."""
    present = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    others = sorted(name for name in present - _WRITTEN if not name.startswith(".tmp-"))
    if others:
        raise OptionError(
            f"{printable(folder)} holds {printable(others[0])}, which no import wrote: "
            "choose a new or an empty folder"
        )


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,9})x(\d{1,9})", text)
    if not match:
        raise OptionError(f"a size is given as HEIGHTxWIDTH, like 256x128, got {text!r}")
    return int(match[1]), int(match[2])


def _whole(text: str) -> int | None:
    if text and not re.fullmatch(r"0*[1-9]\d{0,8}", text):
        raise OptionError(f"a stride is a whole number from 1 on, got {text!r}")
    return int(text) if text else None


def import_onnx(
    file: Path,
    out: Path,
    size: tuple[int, int] | None,
    mean: str | None,
    std: str | None,
    interpolation: Filter | None,
    channels: ChannelOrder | None,
    *,
    replace: bool,
    check: bool,
    as_json: bool,
) -> None:
    """Save the retriever and say how its model is fed."""
    from glimpse.retriever.encoders.onnx import MODEL
    from glimpse.retriever.folder import check_free
    from glimpse.retriever.foreign import of_onnx

    if out.suffix in (".safetensors", ".onnx"):
        raise OptionError(f"an ONNX model becomes a retriever in a folder: give a folder, not {out}")
    check_free(out, replace=replace, advice="give --replace, or another folder")
    imported = of_onnx(
        file,
        size=size,
        mean=_three("mean", mean) if mean else None,
        std=_three("std", std) if std else None,
        interpolation=interpolation,
        channels=channels,
    )
    retriever = imported.retriever
    checked = _checked(retriever.encoder) if check else None
    if checked is not None:
        retriever = dataclasses.replace(
            retriever, about={**retriever.about, "check": " ".join(checked.lines())}
        )
    retriever.save(out, replace=replace)
    dim = retriever.encoder.dim
    if as_json:
        card = json.loads((out / "card.json").read_bytes())
        figures = {"retriever": str(out), "model": MODEL, "dim": dim, "fed": card["encoder"]}
        figures["similarity"] = card["similarity"]["name"]
        typer.echo(json.dumps(figures | ({} if checked is None else {"check": checked.to_json()}), indent=2))
        return
    typer.echo(f"written: a retriever of {dim} dimensions to {printable(out)}")
    typer.echo(f"fed with {retriever.about['fed']}")
    if imported.compared:
        name = type(retriever.similarity).__name__
        typer.echo(f"compared as the retriever that it was exported from: {name}")
    if not imported.normalized and (mean is None or std is None):
        typer.echo("ImageNet's normalization is taken for granted: give --mean and --std if it is not")
    for line in checked.lines() if checked else []:
        typer.echo(line)


def _checked(encoder: Encoder) -> Checked:
    """How well a model tells rendered people apart."""
    from glimpse.model_check import check_encoder
    from glimpse.progress import terminal_bar

    return check_encoder(encoder, progress=terminal_bar)


def _three(name: str, text: str) -> tuple[float, float, float]:
    try:
        first, second, third = (float(part) for part in text.split(","))
    except ValueError:
        raise OptionError(
            f"--{name} is three numbers with commas between them, like 0.5,0.5,0.5, got {text!r}"
        ) from None
    return first, second, third
