"""The tensors in a TorchScript archive, such as OpenAI's CLIP, without running anything that is in it.

Such an archive is a zip file: `NAME/data.pkl` describes a tree of modules in the operations of a pickle,
`NAME/data/KEY` holds the numbers of a storage, the rest is code. The operations are read as data here: what
they would import, make or call is only noted, so that nothing of the archive can run, and all sizes are
checked against what is stored.
"""

from __future__ import annotations

import math
import pickletools
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from glimpse.errors import WeightsError
from glimpse.files import printable

# CLIP's ViT-B/16 takes a few hundred kilobytes, 300 modules, 9 levels: these are far above any network
_MOST_BYTES, _MOST_PARTS, _DEEPEST, _LONGEST_NAME = 4 << 20, 20_000, 32, 256

_DTYPES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}
# Operations that push the value which is written behind them, and those that push a constant.
_LITERALS = {
    "BININT",
    "BININT1",
    "BININT2",
    "LONG1",
    "BINFLOAT",
    "BINUNICODE",
    "SHORT_BINSTRING",
    "BINSTRING",
}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


@dataclass(frozen=True)
class _Name:
    """What an import would give: `module name`, as pickletools writes it."""

    name: str


@dataclass(eq=False)
class _Object:
    """What a class would make; its attributes come later, once."""

    attributes: dict[Any, Any] | None = None


@dataclass(frozen=True, eq=False)
class _Call:
    """What a function would be called with."""

    function: Any
    arguments: Any


@dataclass(frozen=True, eq=False)
class _Stored:
    """What is said of a storage."""

    about: Any


@dataclass(eq=False)
class _Machine:
    """The stack that a pickle's operations work on."""

    stack: list[Any] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def popped(self, count: int) -> list[Any]:
        if not 0 <= count <= len(self.stack):
            raise ValueError("the stack is too short")
        start = len(self.stack) - count
        taken = self.stack[start:]
        del self.stack[start:]
        return taken

    def marked(self) -> list[Any]:
        """What was pushed since the last mark."""
        return self.popped(len(self.stack) - self.marks.pop())

    def do(self, operation: str, argument: Any) -> None:
        """One operation; what TorchScript does not write is refused."""
        if operation in _LITERALS:
            self.stack.append(argument)
        elif operation in _CONSTANTS:
            self.stack.append(_CONSTANTS[operation])
        elif operation in _TUPLES:
            self.stack.append(tuple(self.popped(_TUPLES[operation])))
        elif operation == "TUPLE":
            self.stack.append(tuple(self.marked()))
        elif operation == "EMPTY_LIST":
            self.stack.append([])
        elif operation == "EMPTY_DICT":
            self.stack.append({})
        elif operation == "MARK":
            self.marks.append(len(self.stack))
        elif operation in ("BINPUT", "LONG_BINPUT"):
            self.memo[argument] = self.stack[-1]
        elif operation in ("BINGET", "LONG_BINGET"):
            self.stack.append(self.memo[argument])
        elif operation == "GLOBAL":
            self.stack.append(_Name(argument))
        elif operation == "NEWOBJ":
            self.popped(2)
            self.stack.append(_Object())
        elif operation == "REDUCE":
            self.stack.append(_Call(*self.popped(2)))
        elif operation == "BINPERSID":
            self.stack.append(_Stored(*self.popped(1)))
        elif operation in ("APPEND", "APPENDS"):
            values = self.marked() if operation == "APPENDS" else self.popped(1)
            self._top(list).extend(values)
        elif operation in ("SETITEM", "SETITEMS"):
            values = self.marked() if operation == "SETITEMS" else self.popped(2)
            # keys of other types could be as deep as one likes, and are hashed
            if not all(isinstance(key, str | int | float) for key in values[::2]):
                raise ValueError("a key is no word and no number")
            self._top(dict).update(zip(values[::2], values[1::2], strict=True))
        elif operation == "BUILD":
            (state,) = self.popped(1)
            made = self._top(_Object)
            if made.attributes is not None:
                raise ValueError("an object has two states")
            made.attributes = state if isinstance(state, dict) else {}
        elif operation != "PROTO":
            raise ValueError(f"TorchScript does not write {operation}")

    def _top(self, kind: type[Any]) -> Any:
        top = self.stack[-1]
        if not isinstance(top, kind):
            raise ValueError(f"expected a {kind.__name__.strip('_').lower()}")
        return top


def is_archive(path: Path) -> bool:
    """Whether a zip file is a TorchScript archive: those have constants beside the data."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("/constants.pkl") for name in archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False


def read_archive(path: Path) -> dict[str, Tensor]:
    """The tensors of the modules in a TorchScript archive, by the names of its state dict.

    Nothing in it is run. Tensors keep their dtype; those of one storage share memory.

    Raises:
        WeightsError: if it is damaged, or describes more than it stores.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            tensors = _tensors(archive, path.stat().st_size)
    except (
        ArithmeticError,
        EOFError,
        LookupError,
        NotImplementedError,
        OSError,
        RuntimeError,
        TypeError,
        ValueError,
        zipfile.BadZipFile,
    ) as error:
        reason = printable(str(error)[:200])  # it may hold names from the archive
        raise WeightsError(f"{printable(path)} is a damaged TorchScript archive: {reason}") from error
    if not tensors:
        raise WeightsError(
            f"{printable(path)} is a TorchScript archive without weights in its modules (frozen?), and what "
            f"it runs is not run here: save the state dict of the network that it was made of"
        )
    return tensors


def _tensors(archive: zipfile.ZipFile, size: int) -> dict[str, Tensor]:
    """The tensors of the archive, whose file has that size."""
    (described,) = (
        name for name in archive.namelist() if name.count("/") == 1 and name.endswith("/data.pkl")
    )
    folder = described.removesuffix("data.pkl")
    if f"{folder}byteorder" in archive.namelist() and _stored(archive, f"{folder}byteorder", 9) != b"little":
        raise ValueError("its numbers are big-endian")
    storages: dict[tuple[str, str], Tensor] = {}
    tensors: dict[str, Tensor] = {}
    budget = 2 * size  # a network may list a tensor twice; a bomb lists it a million times
    for name, call in _calls(_read(_stored(archive, described, _MOST_BYTES))):
        key, kind, offset, shape, stride = _layout(call)
        if (key, kind) not in storages:
            content = bytearray(_stored(archive, f"{folder}data/{key}", size))
            usable = len(content) // _DTYPES[kind].itemsize
            storages[key, kind] = (
                torch.frombuffer(content, dtype=_DTYPES[kind], count=usable)
                if usable
                else torch.empty(0, dtype=_DTYPES[kind])
            )
        storage = storages[key, kind]
        budget -= math.prod(shape) * storage.itemsize
        reach = sum((n - 1) * step for n, step in zip(shape, stride, strict=True)) if all(shape) else -1
        if offset + reach >= len(storage) or budget < 0:
            raise ValueError(f"{name} has more numbers than are stored")
        tensors[name] = storage.as_strided(shape, stride, offset)
    return tensors


def _stored(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """A record, which torch writes as it is; compressed ones could be of any size."""
    record = archive.getinfo(name)
    if record.compress_type != zipfile.ZIP_STORED or record.file_size > most:
        raise ValueError(f"{name} is compressed or too large")
    return archive.read(record)


def _read(pickled: bytes) -> Any:
    """What a pickle describes, with notes in place of everything that it would import, make or call."""
    machine = _Machine()
    for operation, argument, _ in pickletools.genops(pickled):
        if operation.name == "STOP":
            break
        machine.do(operation.name, argument)
    (result,) = machine.popped(1)
    return result


def _calls(root: Any) -> Iterator[tuple[str, _Call]]:
    """The calls among the attributes of a tree of modules that would make tensors, with their names."""
    left = _MOST_PARTS
    open_modules = [("", root, 0)]
    while open_modules:
        prefix, module, depth = open_modules.pop()
        if not isinstance(module, _Object) or depth > _DEEPEST:
            raise ValueError("its modules are no tree")
        inside = []
        for name, value in (module.attributes or {}).items():
            left -= 1
            if left < 0 or not isinstance(name, str) or len(name) > _LONGEST_NAME or "." in name:
                raise ValueError("its modules are no tree")
            if isinstance(value, _Object):
                inside.append((f"{prefix}{name}.", value, depth + 1))
            elif isinstance(value, _Call) and value.function == _Name("torch._utils _rebuild_tensor_v2"):
                yield f"{prefix}{name}", value
        open_modules += reversed(inside)


def _layout(call: _Call) -> tuple[str, str, int, tuple[int, ...], tuple[int, ...]]:
    """Key and kind of a tensor's storage, and where it lies in it: offset, shape and strides."""
    match call.arguments:
        case (
            _Stored(("storage", _Name(kind), str() as key, *_)),
            int() as offset,
            tuple() as shape,
            tuple() as stride,
            *_,
        ):
            numbers = (offset, *shape, *stride)
            kind = kind.removeprefix("torch ")
            if (
                kind in _DTYPES
                and len(shape) == len(stride) <= 8
                and all(isinstance(number, int) and 0 <= number < 2**40 for number in numbers)
            ):
                return key, kind, offset, shape, stride
    raise ValueError("a tensor is described in an unknown way")
