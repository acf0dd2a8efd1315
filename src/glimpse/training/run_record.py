"""`run.json`: what was trained on what, with which settings and versions, where and for how long."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from glimpse.errors import TrainingError
from glimpse.files import atomic_write, printable
from glimpse.records import Records
from glimpse.version import __version__

_PACKAGES = ("numpy", "pillow", "safetensors", "tokenizers")
_FIXED = ("recipe", "seed", "data", "stages", "engine")
"""What a resumed run must share with the run it continues; machine and versions may change."""
_FORMER = {"precision": "dtype"}  # what earlier versions called settings of the engine


def fingerprint(records: Records) -> dict[str, Any]:
    """Rows, persons, and a hash over who is on which image, wherever the folder lies and in any order.

    Paths count from the folder that all of them are in.
    """
    paths = records.path.tolist()
    folders = {os.path.dirname(path) for path in paths}  # noqa: PTH120 (half a million paths)
    root = os.path.commonpath(folders) if folders and all(folders) else ""
    lines = sorted(
        f"{os.path.relpath(path, root) if root else path}\t{person}\t{camera}\t{modality}\t{caption}"
        for path, person, camera, modality, caption in zip(
            paths,
            records.person.tolist(),
            records.camera.tolist(),
            records.modality.tolist(),
            records.caption.tolist(),
            strict=True,
        )
    )
    digest = hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
    return {"rows": len(records), "persons": len(records.persons), "sha256": digest}


def describe_run(
    *,
    recipe: Mapping[str, Any],
    seed: int,
    data: Records,
    stages: Mapping[str, int],
    engine: Mapping[str, Any],
    device: torch.device,
) -> dict[str, Any]:
    """The record of a run that begins."""
    return {
        "recipe": dict(recipe),
        "seed": seed,
        "data": fingerprint(data),
        "stages": dict(stages),
        "engine": dict(engine),
        "versions": {
            "glimpse": __version__,
            "python": platform.python_version(),
            "torch": str(
                torch.__version__
            ),  # with its build, such as +cu130, which a package's version lacks
            **{name: _version(name) for name in _PACKAGES},
        },
        "commit": git_commit(Path(__file__).parents[1]),
        "hardware": {
            "device": torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine(),
            "processes": int(os.environ.get("WORLD_SIZE", "1")),
            "threads": torch.get_num_threads(),
            "system": platform.system(),
        },
        "started": now(),
        "resumed": [],
        "seconds": {},
        "finished": None,
    }


def check_same_run(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Refuse to continue a run with other settings or on other data."""
    # through JSON, as `before` went: there tuples become lists
    known = json.loads(json.dumps({name: after[name] for name in _FIXED}))
    for name in _FIXED:
        if name == "engine" and name not in before:  # a run of a version that did not record it
            continue
        was, now_is = before.get(name), known[name]
        if name == "engine" and isinstance(was, dict):  # as earlier versions recorded it
            was = {_FORMER.get(k, k): v for k, v in was.items() if (k, v) != ("workers", 1)}
        if was == now_is:
            continue
        if isinstance(was, dict) and isinstance(now_is, dict):
            key = next(k for k in (*was, *now_is) if (k in was, was.get(k)) != (k in now_is, now_is.get(k)))
            name, was, now_is = f"{name}.{key}", was.get(key), now_is.get(key)
        raise TrainingError(
            f"cannot resume: the run was made with {name} {was}, now it is {now_is}; "
            "give the same settings or train into another folder"
        )


def read_run(path: Path) -> dict[str, Any]:
    """A record that `write_run` wrote."""
    try:
        record = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise TrainingError(f"cannot resume: {printable(path)} is missing or damaged ({error})") from error
    if not isinstance(record, dict) or not isinstance(record.get("resumed"), list):
        raise TrainingError(f"cannot resume: {printable(path)} is not the record of a run")
    return record


def write_run(path: Path, record: Mapping[str, Any]) -> None:
    """Write the record, all or nothing."""
    with atomic_write(path) as file:
        file.write((json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode())


def now() -> str:
    """The time, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def git_commit(folder: Path) -> str | None:
    """The commit that is checked out, with a plus if files in `folder` differ from it; None without git."""
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        return commit + ("+" if _git(folder, "status", "--porcelain", "--untracked-files=no", ".") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=10, check=True
    )
    return done.stdout.strip()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
