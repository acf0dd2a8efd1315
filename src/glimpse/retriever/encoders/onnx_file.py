"""An ONNX model as bytes that stand alone, with the weights of files beside it (extra `onnx`)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from glimpse.errors import StorageError
from glimpse.extras import require
from glimpse.files import printable, read_file

PURPOSE = "reading an ONNX model"
METADATA = "glimpse"
# protobuf's limit, less what the graph itself may take
_MOST_BYTES = 2**31 - 2**24
# our choice: a network that embeds images needs none, and a file must not keep a machine busy for ever
_MOST_ROUNDS = 10_000


def read_model(path: str | Path) -> bytes:
    """The model in a file, with the weights that it keeps in files beside it.

    Those are read from the model's own folder, whatever the current one is: what lies elsewhere, by its
    name or through a link, is refused. The bytes depend on no other file.

    Raises:
        StorageError: if the model or its weights cannot be read, or together pass ONNX's 2 GiB.
    """
    path = Path(path)
    model = read_file(path, "model")
    if not _may_refer(model):
        return model
    parsed = parse_model(model)
    room = _MOST_BYTES - len(model)
    for tensor in _external(parsed):
        data = _data_of(tensor, path, room)
        room -= len(data)
        tensor.ClearField("external_data")
        tensor.ClearField("data_location")
        tensor.raw_data = data
    return bytes(parsed.SerializeToString())


def require_alone(model: bytes) -> None:
    """Refuse a model that refers to other files: a runtime would look for them in the current folder."""
    if _may_refer(model) and any(True for _ in _external(parse_model(model))):
        raise StorageError(
            "the ONNX model keeps weights in another file, which may have changed: import it again from "
            "where both lie"
        )


def require_bounded(model: bytes) -> None:
    """Refuse a model with a loop that may never end: the rounds of each are a constant, and not too many.

    How long an image takes otherwise is the model's affair.
    """
    if b"Loop" in model:
        parsed = parse_model(model)
        _check_rounds(parsed.graph, {}, 1)
        if any(node.op_type == "Loop" for function in parsed.functions for node in _nodes(function)):
            raise StorageError("the ONNX model has a loop within a function: export it without")


def _check_rounds(graph: Any, constants: Mapping[str, Any], rounds: int) -> None:
    """Of the loops of a graph that itself is run so many times; constants of outer graphs are seen in it."""
    numpy_helper = require("onnx.numpy_helper", extra="onnx", purpose=PURPOSE)
    own = {value.name: None for value in graph.input}
    own |= {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        told = [attribute.t for attribute in node.attribute if attribute.name == "value"]
        own |= dict.fromkeys(node.output, told[0] if node.op_type == "Constant" and told else None)
    seen = {**constants, **own}
    for node in graph.node:
        inner = rounds
        if node.op_type == "Loop":
            limit = seen.get(node.input[0]) if node.input else None
            if limit is None:
                raise StorageError("the ONNX model has a loop without a constant number of rounds")
            inner *= max(1, int(numpy_helper.to_array(limit).max(initial=0)))
            if inner > _MOST_ROUNDS:
                raise StorageError(
                    f"a loop of the ONNX model has {inner:,} rounds, more than {_MOST_ROUNDS:,}"
                )
        for part in _subgraphs(node):
            _check_rounds(part, seen, inner)


def _subgraphs(node: Any) -> Iterator[Any]:
    for attribute in node.attribute:
        yield from ([attribute.g] if attribute.HasField("g") else [])
        yield from attribute.graphs


def _nodes(graph: Any) -> Iterator[Any]:
    """The nodes of a graph or a function, and of the graphs in it."""
    for node in graph.node:
        yield node
        for part in _subgraphs(node):
            yield from _nodes(part)


def parse_model(model: bytes) -> Any:
    """The model as `onnx` has it."""
    onnx = require("onnx", extra="onnx", purpose=PURPOSE)
    errors = require("google.protobuf.message", extra="onnx", purpose=PURPOSE)
    try:
        return onnx.load_model_from_string(model)
    except errors.DecodeError as error:
        raise StorageError("this is not an ONNX model that can be run: it cannot be parsed") from error


def _may_refer(model: bytes) -> bool:
    """Whether it is worth parsing: a reference to a file has this key."""
    return b"location" in model


def _external(message: Any) -> Iterator[Any]:
    """The tensors below a message whose numbers are in another file: of graphs, attributes and functions."""
    if message.DESCRIPTOR.name == "TensorProto":
        if message.data_location == message.EXTERNAL or message.external_data:
            yield message
        return
    for field, value in message.ListFields():
        if field.message_type is not None:
            for part in value if _is_list(value) else [value]:
                yield from _external(part)


def _is_list(value: Any) -> bool:
    return not hasattr(value, "DESCRIPTOR")


def _data_of(tensor: Any, model: Path, room: int) -> bytes:
    """The bytes that a tensor's reference leads to."""
    said = {entry.key: entry.value for entry in tensor.external_data}
    file = _beside(model, said.get("location", ""))
    try:
        size = file.stat().st_size
        offset = _whole(said.get("offset") or "0")
        length = _whole(said["length"]) if said.get("length") else size - offset
        if not 0 <= offset <= offset + length <= size:
            raise StorageError(
                f"the model {printable(model)} wants bytes {offset} to {offset + length} of its file "
                f"{printable(file.name)}, which has {size}: one of the two is damaged or of another version"
            )
        if length > room:
            raise StorageError(
                f"the model {printable(model)} and its weights have more than the 2 GiB of one ONNX file, "
                "and a retriever keeps one: use a smaller model or half precision"
            )
        with file.open("rb") as opened:
            opened.seek(offset)
            return opened.read(length)
    except OSError as error:
        raise StorageError(f"cannot read the model's weights {printable(file)}: {error.strerror}") from error


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise StorageError(f"the ONNX model places its weights at {text[:40]!r}, which is no whole number")
    return int(text)


def _beside(model: Path, location: str) -> Path:
    """The file in the model's folder, or in that of the file which a link `model` leads to."""
    folder = model.absolute().parent
    parts = location.replace("\\", "/").split("/")
    if not location.isprintable() or Path(location).is_absolute() or {"", "..", "~"} & set(parts):
        raise StorageError(
            f"the model {printable(model)} refers to {printable(location)!r}: weights are read from files "
            "beside the model only"
        )
    file = folder / location
    if not file.is_file():
        raise StorageError(
            f"the model {printable(model)} keeps weights in the file {location}, which must lie beside it"
        )
    real = Path(os.path.realpath(file))
    homes = {Path(os.path.realpath(folder)), Path(os.path.realpath(model)).parent}
    if not any(real.is_relative_to(home) for home in homes):
        raise StorageError(
            f"the file {location} of the model {printable(model)} is a link out of its folder: put the file "
            "itself beside the model"
        )
    return file
