"""Read a file of weights without running anything that is in it."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from glimpse.errors import WeightsError
from glimpse.files import printable
from glimpse.models.weights.archive import is_archive, read_archive

# Under these names training scripts keep the state dict beside epochs and scores.
_WRAPPERS = ("state_dict", "model", "net", "model_state_dict", "network")
# DataParallel and torch.compile put these before every key.
_PREFIXES = ("module.", "_orig_mod.")
_DEEPEST = 8  # our choice: how many wrappers may lie in one another


def read_checkpoint(path: str | Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a checkpoint by name, and the metadata of a safetensors file.

    Either safetensors; or a torch file read with `weights_only=True`, whose wrappers (`state_dict`,
    `model`, `net`) are opened; or a TorchScript archive (`glimpse.models.weights.archive`). Prefixes that
    all keys share (`module.`) are removed.
    """
    path = Path(path)
    if not path.is_file():
        raise WeightsError(f"there is no file of weights at {printable(path)}")
    if _is_torch(path):
        return _flat(_load_torch(path), path), {}
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
            metadata = file.metadata() or {}
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise WeightsError(
            f"{printable(path)} is no file of weights: neither safetensors nor a torch checkpoint"
        ) from error
    return _without_prefixes(tensors), metadata


def _is_torch(path: Path) -> bool:
    """A zip archive, or a bare pickle of the time before them (protocol 2 onwards starts with 0x80)."""
    with path.open("rb") as file:
        start = file.read(4)
    # a safetensors file starts with the length of its header, whose third byte is far below 'P' and 'K'
    return start == b"PK\x03\x04" or (start[:1] == b"\x80" and start[1:2] in b"\x02\x03\x04\x05")


def _load_torch(path: Path) -> Any:
    if is_archive(path):
        return read_archive(path)
    try:
        # opened here: by its name alone torch would take some files for what they are not
        with _numpy_scores(), warnings.catch_warnings(), path.open("rb") as file:
            warnings.simplefilter("ignore")  # of old or odd pickles: they are read, or refused below
            return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"{printable(path)} holds more than tensors, and unpickling that could run a stranger's code: "
            f"save its state dict alone, at best as safetensors"
        ) from error
    except Exception as error:  # whatever the bytes of a damaged file lead its unpickler to
        raise WeightsError(f"{printable(path)} is damaged: torch cannot read it") from error


def _numpy_scores() -> AbstractContextManager[Any]:
    """Let numpy numbers and arrays through: AGW's training script keeps its scores beside the weights.

    They are data, and may not bring objects of other classes along. numpy 1 pickled them under a module
    name that numpy 2 has moved.
    """
    multiarray: Any = np._core.multiarray  # type: ignore[attr-defined]
    made_by = [
        (getattr(multiarray, function), f"numpy.{package}.multiarray.{function}")
        for function in ("scalar", "_reconstruct")
        for package in ("core", "_core")
    ]
    kinds = [type(np.dtype(kind)) for kind in (np.float64, np.float32, np.int64, np.int32, np.bool_)]
    return torch.serialization.safe_globals([*made_by, np.ndarray, np.dtype, *kinds])


def _flat(content: Any, path: Path) -> dict[str, Tensor]:
    for _ in range(_DEEPEST):
        if not isinstance(content, Mapping):
            raise WeightsError(f"{printable(path)} holds a {type(content).__name__}, not a state dict")
        inner = [content[name] for name in _WRAPPERS if isinstance(content.get(name), Mapping)]
        if not inner:
            break
        content = inner[0]
    else:
        raise WeightsError(f"{printable(path)} wraps its state dict more than {_DEEPEST} times, or in itself")
    tensors = {
        str(key): _plain(value, str(key)) for key, value in content.items() if isinstance(value, Tensor)
    }
    if not tensors:
        found = ", ".join(map(str, list(content)[:5])) or "nothing"
        raise WeightsError(
            f"{printable(path)} holds no tensors: expected a state dict, or one under "
            f"{', '.join(_WRAPPERS)}; found {found}"
        )
    return _without_prefixes(tensors)


def _plain(value: Tensor, key: str) -> Tensor:
    """The tensor, if its numbers are there, one for one."""
    kind = (
        "sparse"
        if value.layout is not torch.strided
        else "quantized"
        if value.is_quantized
        else "without its numbers"
        if value.device.type != "cpu"
        # one number may stand for any many
        else "larger than what is stored of it"
        if value.numel() * value.element_size() > value.untyped_storage().nbytes()
        else None
    )
    if kind is not None:
        raise WeightsError(f"{printable(key)} is {kind}: save the weights as plain, dense tensors")
    return value.detach()


def _without_prefixes(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    for prefix in _PREFIXES:
        if all(key.startswith(prefix) for key in tensors):
            tensors = {key.removeprefix(prefix): value for key, value in tensors.items()}
    return tensors
