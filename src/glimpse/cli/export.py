"""`glimpse export`: a retriever's network as an ONNX file."""

from __future__ import annotations

import json
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from glimpse.retriever import Retriever


_NUMBERED = {
    "cameras": "numbers as in the data it was trained on",
    "modalities": "0 for visible, 1 for infrared",
}


class Format(StrEnum):
    """What can be written."""

    ONNX = "onnx"


def export(
    retriever: Annotated[
        str, typer.Argument(metavar="RETRIEVER", help="A folder, or the name of one that comes with Glimpse.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The file to write.")],
    format: Annotated[Format, typer.Option("--format", help="What to write.")] = Format.ONNX,
    plain: Annotated[
        bool,
        typer.Option("--plain", help="Input `images`, float32 NCHW, resized and normalized by whoever asks."),
    ] = False,
    int8: Annotated[bool, typer.Option("--int8", help="Quantize the weights to eight bits.")] = False,
    data: Annotated[
        str | None,
        typer.Option("--data", metavar="NAME:DIR", help="Also measure the written model on a data set."),
    ] = None,
    protocol: Annotated[
        str | None, typer.Option("--protocol", help="One of the data set's protocols; the first if left out.")
    ] = None,
    tolerance: Annotated[
        float,
        typer.Option(min=0, max=1, help="The largest difference from torch, relative to the largest value."),
    ] = 1e-4,
    as_json: Annotated[bool, typer.Option("--json", help="Print figures as JSON.")] = False,
) -> None:
    """Write a retriever's network for any ONNX runtime, checked against torch.

    Example: glimpse export my-retriever --format onnx --out my-retriever.onnx --int8
    """
    from glimpse.errors import OptionError
    from glimpse.retriever import Retriever
    from glimpse.retriever.codec import comparison_to_texts
    from glimpse.retriever.export import Form, export_onnx

    if protocol is not None and data is None:
        raise OptionError("--protocol is one of a data set's: give --data NAME:DIR")
    loaded = Retriever.load(retriever)
    form = Form.PLAIN if plain else Form.PIXELS
    metadata = comparison_to_texts(loaded.similarity, loaded.reranker)
    exported = export_onnx(loaded.encoder, out, form=form, int8=int8, tolerance=tolerance, metadata=metadata)
    figures = asdict(exported) | {"file": str(out)}
    accuracy = None if data is None else _accuracy(loaded, out, data, protocol)
    if as_json:
        typer.echo(json.dumps(figures | {"accuracy": accuracy}, indent=2))
        return
    height, width = exported.size
    if plain:
        given = f"`images`, float32 [N, 3, {height}, {width}], RGB, (value / 255 - mean) / deviation with "
        given += f"mean {exported.mean} and deviation {exported.std}, ImageNet's"
        if exported.own is not None:
            given += "; the graph turns that into the network's own {} and {}".format(*exported.own)
    else:
        given = f"`pixels`, uint8 [N, H, W, 3], RGB, resized inside to {height} x {width}"
    typer.echo(f"{out}: {exported.bytes / 1e6:.1f} MB")
    typer.echo(f"input  {given}")
    for name in exported.told:
        typer.echo(f"input  `{name}`, int64 [N], may be left out: {_NUMBERED[name]}, -1 for unknown")
    outputs = "outputs `vectors` and `masks`" if exported.masked else "output `vectors`"
    typer.echo(f"{outputs}, float32 [N, D]")
    if exported.texts:
        typer.echo("left out: the network's side for texts; the model embeds images only")
    parity = exported.parity
    typer.echo(
        f"parity: at most {parity.difference:.2g} from torch on {parity.images} random and extreme "
        f"images, where values reach {parity.scale:.2g}"
    )
    if exported.cosine is not None:
        mean, lowest = exported.cosine
        typer.echo(f"int8: cosine of its vectors with torch's {mean:.5f} on average, {lowest:.5f} at worst")
    for name, measured in (accuracy or {}).items():
        typer.echo(f"{name}: Rank-1 {100 * measured['rank1']:.2f}, mAP {100 * measured['map']:.2f}")


def _accuracy(loaded: Retriever, model: Path, data: str, protocol: str | None) -> dict[str, dict[str, Any]]:
    """Rank-1 and mAP before and after, on one protocol."""
    from glimpse.cli.options import read_source
    from glimpse.evaluation import evaluate
    from glimpse.progress import terminal_bar
    from glimpse.retriever import NetworkEncoder, Retriever
    from glimpse.retriever.encoders.onnx import open_session
    from glimpse.retriever.export import ModelEncoder

    measured = read_source(data).protocol(protocol)
    assert isinstance(loaded.encoder, NetworkEncoder)  # nothing else was exported
    written = ModelEncoder(open_session(model.read_bytes()), loaded.encoder)
    figures = {}
    for what, encoder in (("torch", loaded.encoder), ("exported", written)):
        one = Retriever(encoder, loaded.similarity)
        pair = tuple(one.embed(rows, progress=terminal_bar) for rows in (measured.query, measured.gallery))
        result = evaluate((pair[0], pair[1]), measured, similarity=loaded.similarity)
        figures[what] = {"rank1": result.rank_k(1), "map": result.mean_ap}
    return figures
