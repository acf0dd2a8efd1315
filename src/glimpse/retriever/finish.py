"""What a method adds to its retriever after training: a fitted similarity, a re-ranking, arrays, a threshold.

In the folder of a network (`glimpse.models.storage`), whose card names these files with their fingerprints:

    finish.json             similarity, re-ranking and calibration as JSON, and the names of the arrays
    comparing.safetensors   the arrays of the similarity (`glimpse.retriever.codec`)
    finish.safetensors      the other arrays
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glimpse.errors import OptionError, ShapeError, StorageError
from glimpse.evaluation import Calibration
from glimpse.files import atomic_write, printable
from glimpse.reranking import Reranker
from glimpse.retriever.codec import (
    ARRAYS,
    RERANKERS,
    SIMILARITIES,
    Arrays,
    from_json,
    read_arrays,
    to_json,
    write_arrays,
)
from glimpse.serial import parse_json
from glimpse.similarity import Similarity

FINISH, FINISH_ARRAYS = "finish.json", "finish.safetensors"
_FORMAT = "glimpse-finish-1"
_KEYS = {"format", "similarity", "reranker", "calibration", "arrays"}


@dataclass(frozen=True, eq=False)
class Finished:
    """What a method adds once the network was trained, much of it fitted to the training rows.

    Attributes:
        similarity: compares the network's embeddings; None for the one that its card names.
        reranker: betters the scores of whole query sets; None for none.
        arrays: further arrays by name, of booleans or numbers.
        calibration: from which score of the similarity on two images are called one person, or None.
    """

    similarity: Similarity | None = None
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    calibration: Calibration | None = None
    reranker: Reranker | None = None

    def __post_init__(self) -> None:
        for name, array in self.arrays.items():
            if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf" or array.itemsize > 8:
                got = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
                raise OptionError(f"{name} must be an array of booleans or of numbers to be kept, got {got}")


def write_finished(folder: Path, finished: Finished) -> list[str]:
    """Write it beside a network; the names of the files, for the network's card."""
    of_similarity: Arrays = {}
    similarity, calibration = finished.similarity, finished.calibration
    values = {
        "format": _FORMAT,
        "similarity": None if similarity is None else to_json(similarity, SIMILARITIES, of_similarity),
        "reranker": None if finished.reranker is None else to_json(finished.reranker, RERANKERS, {}),
        "calibration": None if calibration is None else calibration.as_dict(),
        "arrays": sorted(finished.arrays),
    }
    written = [FINISH]
    for name, arrays in ((ARRAYS, of_similarity), (FINISH_ARRAYS, dict(finished.arrays))):
        if arrays:
            write_arrays(folder, arrays, name)
            written.append(name)
    with atomic_write(folder / FINISH) as file:
        file.write((json.dumps(values, indent=1, allow_nan=False) + "\n").encode())
    return written


def read_finished(folder: Path) -> Finished:
    """What `write_finished` wrote; nothing fitted if it wrote nothing."""
    if not (folder / FINISH).is_file():
        return Finished()
    try:
        values = parse_json((folder / FINISH).read_bytes())
        if isinstance(values, dict):
            values = {"reranker": None, **values}  # none was kept before there were any
        if not isinstance(values, dict) or set(values) != _KEYS or values["format"] != _FORMAT:
            raise OptionError(f"it must be of format {_FORMAT} and have the keys {', '.join(sorted(_KEYS))}")
        similarity, calibration, names = values["similarity"], values["calibration"], values["arrays"]
        reranker = values["reranker"]
        others = read_arrays(folder, FINISH_ARRAYS) if names else {}
        if not isinstance(names, list) or sorted(others) != names:
            raise OptionError(f"it names the arrays {names}, and {FINISH_ARRAYS} holds {sorted(others)}")
        return Finished(
            similarity=None
            if similarity is None
            else from_json(similarity, SIMILARITIES, read_arrays(folder)),
            arrays=others,
            calibration=None if calibration is None else Calibration.from_dict(calibration),
            reranker=None if reranker is None else from_json(reranker, RERANKERS, {}),
        )
    except (OSError, ValueError, OptionError, ShapeError, StorageError) as wrong:
        raise StorageError(
            f"the {FINISH} of the network {printable(folder)} cannot be used: {wrong}"
        ) from wrong
