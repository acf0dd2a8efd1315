"""Checkpoints: folders that are whole or not there, from which a run goes on bit for bit.

    checkpoints/000000001200/
      weights.safetensors     the method's state
      average.safetensors     its moving average, if there is one
      optimizers.pt           their states, read back with `weights_only=True`
      state.json              where training was, and the checksums of the files beside it and of itself

Random generators are not stored: each step seeds them from its own number (`glimpse.training.seeding`).
"""

from __future__ import annotations

import hashlib
import json
import shutil
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load as load_safetensors
from safetensors.torch import save as save_safetensors
from torch import Tensor

from glimpse.errors import StorageError
from glimpse.files import storage_error, temporary_name
from glimpse.serial import from_plain

_STATE = "state.json"
_TENSORS = ".safetensors"
_OPTIMIZERS = "optimizers.pt"


class CheckpointWarning(UserWarning):
    """A checkpoint is damaged and an older one is used."""


@dataclass(frozen=True)
class Position:
    """The step that comes next.

    Attributes:
        stage: number of the stage, from 0.
        epoch: from 1; one more than the stage has when the stage is done.
        step: of the epoch, from 0.
        done: steps done since the run began.
    """

    stage: int = 0
    epoch: int = 1
    step: int = 0
    done: int = 0


@dataclass(frozen=True, eq=False)
class Snapshot:
    """All that a run needs to go on.

    Attributes:
        position: where.
        tensors: by name of the file: "weights", perhaps "average".
        optimizers: the state of each optimizer of the stage.
        notes: further values that JSON can hold.
    """

    position: Position
    tensors: Mapping[str, Mapping[str, Tensor]]
    optimizers: Sequence[Mapping[str, Any]] = ()
    notes: Mapping[str, Any] = field(default_factory=dict)


def save_snapshot(folder: Path, snapshot: Snapshot, *, keep: int) -> Path:
    """Write a checkpoint into `folder`, then remove all but the last `keep`."""
    target = folder / f"{snapshot.position.done:012d}"
    building = folder / temporary_name()
    try:
        building.mkdir(parents=True)
        files = {name + _TENSORS: tensor_bytes(tensors) for name, tensors in snapshot.tensors.items()}
        buffer = BytesIO()
        torch.save([dict(state) for state in snapshot.optimizers], buffer)
        files[_OPTIMIZERS] = buffer.getvalue()
        state = {
            "position": asdict(snapshot.position),
            "notes": dict(snapshot.notes),
            "sha256": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
        }
        sealed = {"state": state, "sha256": _digest(state)}
        # not forced to the disk, which may take a second: after a power cut the checksums tell
        for name, data in {**files, _STATE: json.dumps(sealed, indent=1).encode()}.items():
            (building / name).write_bytes(data)
        if target.exists():  # written before, then found damaged: the run came here a second time
            shutil.rmtree(target)
        building.rename(target)
    except OSError as error:
        raise storage_error(target, error) from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
    for old in _checkpoints(folder)[:-keep]:
        shutil.rmtree(old, ignore_errors=True)
    return target


def latest_snapshot(folder: Path) -> Snapshot | None:
    """The last checkpoint that is whole, or None; damaged ones are passed over with a warning."""
    for path in reversed(_checkpoints(folder)):
        try:
            return _load(path)
        except (OSError, StorageError) as damage:
            warnings.warn(
                f"the checkpoint {path} is damaged ({damage}); an older one is used if there is any",
                CheckpointWarning,
                stacklevel=2,
            )
    return None


def sweep(folder: Path) -> None:
    """Remove what a killed run left half-written."""
    for leftover in folder.glob(".tmp-*"):
        shutil.rmtree(leftover, ignore_errors=True)


def tensor_bytes(tensors: Mapping[str, Tensor]) -> bytes:
    """Tensors as a safetensors file; tensors that share memory are written each."""
    return bytes(
        save_safetensors({name: t.detach().cpu().clone().contiguous() for name, t in tensors.items()})
    )


def _checkpoints(folder: Path) -> list[Path]:
    """All checkpoints, oldest first."""
    return sorted(path for path in folder.glob("[0-9]*") if path.is_dir()) if folder.is_dir() else []


def _load(path: Path) -> Snapshot:
    state = _state(path)
    files = {}
    for name, digest in state["sha256"].items():
        files[name] = (path / name).read_bytes()
        if hashlib.sha256(files[name]).hexdigest() != digest:
            raise StorageError(f"{name} is not what was written")
    try:
        return Snapshot(
            position=from_plain(Position, state["position"], complete=True),
            optimizers=torch.load(BytesIO(files.pop(_OPTIMIZERS)), weights_only=True, map_location="cpu"),
            tensors={name.removesuffix(_TENSORS): load_safetensors(data) for name, data in files.items()},
            notes=state["notes"],
        )
    except Exception as error:  # whatever torch makes of files that something else has written, and signed
        raise StorageError(f"it holds something else than a checkpoint, {type(error).__name__}") from error


def _state(path: Path) -> dict[str, Any]:
    """What `state.json` says of the files beside it, if it is what was written."""
    try:
        sealed = json.loads((path / _STATE).read_bytes())
        # versions before the checksum of its own have the state alone
        state = sealed.get("state", sealed)
        whole = {"position", "notes", "sha256"} == state.keys()
        if whole and (state is sealed or sealed["sha256"] == _digest(state)):
            return dict(state)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise StorageError(f"{_STATE} is not what was written") from error
    raise StorageError(f"{_STATE} is not what was written")


def _digest(state: Mapping[str, Any]) -> str:
    """A checksum of values that JSON holds, however they are written down."""
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()
