"""`glimpse import-weights`: other people's checkpoints as backbones, their ONNX models as retrievers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated

import typer

from glimpse.choices import ChannelOrder, Filter
from glimpse.errors import OptionError, StorageError


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
    stride: Annotated[
        int | None, typer.Option(min=1, max=64, help="Fit positions to this patch stride.")
    ] = None,
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
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Import somebody else's weights, with a report of every tensor; a partial import is refused.

    Example: glimpse import-weights vit_base_transreid.pth --out weights/transreid

    An ONNX model becomes a retriever whose card states how it is fed:
    glimpse import-weights osnet.onnx --image 256x128 --out retrievers/osnet
    """
    of_onnx = {"mean": mean, "std": std, "interpolation": interpolation, "channels": channels}
    of_checkpoints = {
        "style": None if style == "auto" else style,
        "stride": stride,
        "made-for": made_for,
        "allow-left-over": allow_left_over,
    }
    onnx = Path(file).suffix == ".onnx"
    for option, value in (of_checkpoints if onnx else of_onnx).items():
        if value is not None:
            raise OptionError(f"--{option} is for {'checkpoints, not for ' if onnx else ''}ONNX models")
    if onnx:
        size = _size(image) if image else None
        import_onnx(Path(file), out, size, mean, std, interpolation, channels, as_json=as_json)
        return
    from glimpse.files import atomic_write
    from glimpse.models.weights import MadeFor, import_backbones, save_backbone

    source, _, source_stride = (made_for or "").partition("/")
    imported = import_backbones(
        file,
        style_name=None if style == "auto" else style,
        image=_size(image) if image else None,
        stride=stride,
        made_for=MadeFor(_size(source), _whole(source_stride)) if made_for else MadeFor(),
        allow_left_over=allow_left_over or (),
    )
    single = out.suffix == ".safetensors"
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
    if not single:
        with atomic_write(out / "report.json") as written:
            written.write(json.dumps(report, indent=2).encode())
    if as_json:
        typer.echo(json.dumps(report, indent=2))
        return
    typer.echo("\n".join(imported.report.lines()))
    typer.echo("\n".join(f"written: {modality} backbone to {path}" for modality, path in paths.items()))


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if not match:
        raise OptionError(f"a size is given as HEIGHTxWIDTH, like 256x128, got {text!r}")
    return int(match[1]), int(match[2])


def _whole(text: str) -> int | None:
    if text and not text.isdigit():
        raise OptionError(f"a stride is a whole number, got {text!r}")
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
    as_json: bool,
) -> None:
    """Save the retriever and say how its model is fed."""
    from glimpse.files import fingerprint, printable
    from glimpse.retriever import OnnxEncoder, Preprocessing, Retriever
    from glimpse.retriever.codec import comparison_from_texts
    from glimpse.retriever.encoders.onnx import IMAGENET_MEAN, IMAGENET_STD, MODEL, input_size
    from glimpse.similarity import Cosine

    if out.suffix in (".safetensors", ".onnx"):
        raise OptionError(f"an ONNX model becomes a retriever in a folder: give a folder, not {out}")
    try:
        model = file.read_bytes()
    except OSError as error:
        raise StorageError(f"cannot read the model {printable(file)}: {error.strerror}") from error
    size = size or input_size(model)
    if size is None:
        raise OptionError(f"{file.name} takes images of any size: say with --image HxW which it is fed")
    preprocessing = Preprocessing(
        size=size,
        mean=_three("mean", mean) if mean else IMAGENET_MEAN,
        std=_three("std", std) if std else IMAGENET_STD,
        interpolation=interpolation or Filter.BILINEAR,
        channels=channels or ChannelOrder.RGB,
    )
    encoder = OnnxEncoder(model, preprocessing)
    fed = _in_words(
        preprocessing.size,
        preprocessing.mean,
        preprocessing.std,
        preprocessing.interpolation,
        preprocessing.channels,
    )
    about = {"what": f"the ONNX model {file.name}, sha256 {fingerprint(file)}", "fed": fed}
    said = comparison_from_texts(encoder.metadata)
    similarity, reranker = said or (Cosine(), None)
    Retriever(encoder, similarity, reranker, about=about).save(out)
    if as_json:
        card = json.loads((out / "card.json").read_bytes())
        figures = {"retriever": str(out), "model": MODEL, "dim": encoder.dim, "fed": card["encoder"]}
        figures["similarity"] = card["similarity"]["name"]
        typer.echo(json.dumps(figures, indent=2))
        return
    typer.echo(f"written: a retriever of {encoder.dim} dimensions to {printable(out)}")
    typer.echo(f"fed with {fed}")
    if said is not None:
        typer.echo(f"compared as the retriever that it was exported from: {type(similarity).__name__}")
    if mean is None or std is None:
        typer.echo("ImageNet's normalization is taken for granted: give --mean and --std if it is not")


def _three(name: str, text: str) -> tuple[float, float, float]:
    try:
        first, second, third = (float(part) for part in text.split(","))
    except ValueError:
        raise OptionError(
            f"--{name} is three numbers with commas between them, like 0.5,0.5,0.5, got {text!r}"
        ) from None
    return first, second, third


def _in_words(
    size: tuple[int, int],
    mean: tuple[float, float, float],
    std: tuple[float, float, float],
    interpolation: str,
    channels: str,
) -> str:
    def listed(values: tuple[float, float, float]) -> str:
        return ", ".join(f"{value:g}" for value in values)

    return (
        f"float32 [N, 3, {size[0]}, {size[1]}], {channels.upper()}, resized {interpolation}, "
        f"(pixel / 255 - mean) / deviation with mean {listed(mean)} and deviation {listed(std)}"
    )
