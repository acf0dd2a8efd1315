"""Checkpoints: folders that are whole or not there, from which a run goes on bit for bit.

    checkpoints/000000001200/
      weights.safetensors     the method's state
      average.safetensors     its moving average, if there is one
      optimizers.pt           their states, read back with `weights_only=True`
      state.json              where training was, and the checksums of the files beside it

Random generators are not stored: each step seeds them from its own number (`glimpse.training.seeding`).
"""

from __future__ import annotations

import hashlib
import json
import secrets
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
from glimpse.files import storage_error

_STATE = "state.json"
_TENSORS = ".safetensors"
_OPTIMISERS = "optimizers.pt"


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
    building = folder / f".tmp-{secrets.token_hex(8)}"
    try:
        building.mkdir(parents=True)
        files = {name + _TENSORS: tensor_bytes(tensors) for name, tensors in snapshot.tensors.items()}
        buffer = BytesIO()
        torch.save([dict(state) for state in snapshot.optimizers], buffer)
        files[_OPTIMISERS] = buffer.getvalue()
        state = {
            "position": asdict(snapshot.position),
            "notes": dict(snapshot.notes),
            "sha256": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
        }
        # not forced to the disk, which may take a second: after a power cut the checksums tell
        for name, data in {**files, _STATE: json.dumps(state, indent=1).encode()}.items():
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
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, StorageError) as damage:
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
    state = json.loads((path / _STATE).read_bytes())
    files = {}
    for name, digest in state["sha256"].items():
        files[name] = (path / name).read_bytes()
        if hashlib.sha256(files[name]).hexdigest() != digest:
            raise StorageError(f"{name} is not what was written")
    optimizers = torch.load(BytesIO(files.pop(_OPTIMISERS)), weights_only=True, map_location="cpu")
    return Snapshot(
        position=Position(**state["position"]),
        tensors={name.removesuffix(_TENSORS): load_safetensors(data) for name, data in files.items()},
        optimizers=optimizers,
        notes=state["notes"],
    )
