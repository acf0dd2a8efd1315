"""`glimpse import-weights FILE.onnx`: anybody's model as a retriever, with its preprocessing in the card."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path

import typer

from glimpse.errors import OptionError, StorageError


class Filter(StrEnum):
    """How pictures are resized."""

    BICUBIC = "bicubic"
    BILINEAR = "bilinear"


class ChannelOrder(StrEnum):
    """The order of colours that the model wants."""

    RGB = "rgb"
    BGR = "bgr"


def import_onnx(
    file: Path,
    out: Path,
    size: tuple[int, int] | None,
    mean: str | None,
    deviation: str | None,
    interpolation: Filter | None,
    channels: ChannelOrder | None,
    *,
    as_json: bool,
) -> None:
    """Save the retriever and say how its model is fed."""
    from glimpse import pixels
    from glimpse.files import printable
    from glimpse.retriever import Channels, Feeding, OnnxEncoder, Retriever
    from glimpse.retriever.folder import fingerprint
    from glimpse.retriever.onnx_encoder import IMAGENET_DEVIATION, IMAGENET_MEAN, MODEL, input_size

    if out.suffix in (".safetensors", ".onnx"):
        raise OptionError(f"an ONNX model becomes a retriever in a folder: give a folder, not {out}")
    try:
        model = file.read_bytes()
    except OSError as error:
        raise StorageError(f"cannot read the model {printable(file)}: {error.strerror}") from error
    size = size or input_size(model)
    if size is None:
        raise OptionError(f"{file.name} takes images of any size: say with --image HxW which it is fed")
    feeding = Feeding(
        size=size,
        mean=_three("mean", mean) if mean else IMAGENET_MEAN,
        deviation=_three("deviation", deviation) if deviation else IMAGENET_DEVIATION,
        interpolation=pixels.Filter((interpolation or Filter.BILINEAR).value),
        channels=Channels((channels or ChannelOrder.RGB).value),
    )
    encoder = OnnxEncoder(model, feeding)
    fed = _in_words(feeding.size, feeding.mean, feeding.deviation, feeding.interpolation, feeding.channels)
    about = {"what": f"the ONNX model {file.name}, sha256 {fingerprint(file)}", "fed": fed}
    Retriever(encoder, about=about).save(out)
    if as_json:
        said = json.loads((out / "card.json").read_bytes())["encoder"]
        figures = {"retriever": str(out), "model": MODEL, "dim": encoder.dim, "fed": said}
        typer.echo(json.dumps(figures, indent=2))
        return
    typer.echo(f"written: a retriever of {encoder.dim} dimensions to {printable(out)}")
    typer.echo(f"fed with {fed}")
    if mean is None or deviation is None:
        typer.echo("ImageNet's normalisation is taken for granted: give --mean and --deviation if it is not")


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
    deviation: tuple[float, float, float],
    interpolation: str,
    channels: str,
) -> str:
    def listed(values: tuple[float, float, float]) -> str:
        return ", ".join(f"{value:g}" for value in values)

    return (
        f"float32 [N, 3, {size[0]}, {size[1]}], {channels.upper()}, resized {interpolation}, "
        f"(pixel / 255 - mean) / deviation with mean {listed(mean)} and deviation {listed(deviation)}"
    )
