"""Results and calibrations as JSON: a few plain numbers for people, and columns for our own reading."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from glimpse.errors import StorageError
from glimpse.evaluation.precision import AveragePrecision
from glimpse.evaluation.result import TIES, Result
from glimpse.files import atomic_write
from glimpse.protocols import Cmc

FORMAT = "glimpse-result-1"
_COLUMNS = {
    "query": np.int64,
    "trial": np.int64,
    "person": np.int64,
    "matches": np.int64,
    "rank": np.int64,
    "precision": np.float64,
    "inp": np.float64,
    "skipped_query": np.int64,
    "skipped_trial": np.int64,
}


def headline(result: Result) -> dict[str, Any]:
    """What people want to read of a result, as plain values."""
    return {
        "protocol": result.protocol,
        "note": result.note,
        "ap": result.ap.value,
        "cmc_counts": result.cmc_counts.value,
        "ties": TIES,
        "max_rank": result.max_rank,
        "trials": result.trials,
        "valid": result.valid.tolist(),
        "skipped": result.skipped.tolist(),
        "summary": result.summary(),
        "cmc": result.cmc.tolist(),
        "trial_map": result.trial_map.tolist(),
        "trial_minp": result.trial_minp.tolist(),
        "trial_rank1": result.trial_cmc[:, 0].tolist(),
    }


def save_result(result: Result, path: Path) -> None:
    """Write a result, all or nothing."""
    columns = {name: getattr(result, name).tolist() for name in _COLUMNS}
    write_json({"format": FORMAT, **headline(result), "per_query": columns}, path)


def load_result(path: Path) -> Result:
    """Read a result; anything else is refused with a sentence."""
    held = read_json(path, FORMAT)
    try:
        columns: dict[str, Any] = {
            name: np.array(held["per_query"][name], dtype) for name, dtype in _COLUMNS.items()
        }
        columns["rank"] = columns["rank"].reshape(len(columns["query"]), -1)
        result = Result(
            protocol=str(held["protocol"]),
            note=str(held["note"]),
            ap=AveragePrecision(held["ap"]),
            cmc_counts=Cmc(held["cmc_counts"]),
            max_rank=int(held["max_rank"]),
            trials=int(held["trials"]),
            **columns,
        )
    except (KeyError, TypeError, ValueError) as damage:
        raise StorageError(f"{path} is not a whole result of an evaluation: {damage}") from damage
    answered = ("trial", "person", "matches", "rank", "precision", "inp")
    if any(len(getattr(result, name)) != len(result) for name in answered):
        raise StorageError(f"{path} is not a whole result of an evaluation: its columns differ in length")
    return result


def write_json(held: Mapping[str, Any], path: Path) -> None:
    """Write JSON, all or nothing; a value that JSON has no word for is a defect."""
    text = json.dumps(held, indent=1, allow_nan=False)
    with atomic_write(path) as file:
        file.write(text.encode() + b"\n")


def read_json(path: Path, expected: str) -> dict[str, Any]:
    """Read JSON that says which format it is."""
    try:
        held = json.loads(path.read_bytes())
    except FileNotFoundError as missing:
        raise StorageError(f"there is no file {path}") from missing
    except (OSError, ValueError) as damage:
        raise StorageError(f"{path} cannot be read as JSON: {damage}") from damage
    if not isinstance(held, dict) or held.get("format") != expected:
        got = held.get("format") if isinstance(held, dict) else type(held).__name__
        raise StorageError(f"{path} must be of format {expected}, got {got}")
    return held
