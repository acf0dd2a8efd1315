"""Results that were measured before: read again if network and rows are the same, else measured anew."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from glimpse.datasets import Dataset
from glimpse.errors import StorageError
from glimpse.evaluation import Result, evaluate, evaluate_reranked
from glimpse.files import atomic_write, fingerprint, storage_error
from glimpse.progress import Progress
from glimpse.protocols import Protocol
from glimpse.retriever import Retriever
from glimpse.retriever.folder import find
from glimpse.retriever.protocol_embeddings import embed_protocols
from glimpse.runtime import preserved_threads
from glimpse.training.run_record import fingerprint as rows_fingerprint
from glimpse.version import __version__

STAMP = "stamp.json"
Results = Mapping[str, Mapping[str, Result]]
"""By data set, then by protocol."""


def measured(
    retriever: str | Path, tests: Mapping[str, Dataset], folder: Path, *, device: str, progress: Progress
) -> Results:
    """The results of a retriever by every test protocol of each data set.

    Args:
        retriever: a folder or a shipped name; it is compared, and re-ranked, as its card says.
        tests: data sets by name.
        folder: where results are kept: `DATA/PROTOCOL.json`.
        device: where it computes.
        progress: what shows the progress.
    """
    stamp = {
        "glimpse": __version__,
        "retriever": retriever_fingerprint(find(retriever)),
        "rows": {name: _rows(dataset) for name, dataset in tests.items()},
    }
    if _read(folder / STAMP) == stamp:
        try:
            return {
                name: {one.name: Result.load(_path(folder, name, one.name)) for one in tested(data)}
                for name, data in tests.items()
            }
        except StorageError:
            pass  # somebody removed or changed one: measured anew
    with preserved_threads():  # the next run trains on as many threads as the first
        results = {name: _measure(retriever, data, device, progress) for name, data in tests.items()}
    for name, by_protocol in results.items():
        for protocol, result in by_protocol.items():
            path = _path(folder, name, protocol)
            _make(path.parent)
            result.save(path)
    with atomic_write(folder / STAMP) as file:
        file.write((json.dumps(stamp, indent=1) + "\n").encode())
    return results


def tested(dataset: Dataset) -> list[Protocol]:
    """All protocols but the one that chooses models, whose rows are no test rows."""
    return [one for name, one in dataset.protocols.items() if name != dataset.selection]


def retriever_fingerprint(folder: Path) -> str:
    """SHA-256 over the files of a retriever's folder."""
    files = {path.name: fingerprint(path) for path in sorted(folder.iterdir()) if path.is_file()}
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()


def _measure(retriever: str | Path, dataset: Dataset, device: str, progress: Progress) -> dict[str, Result]:
    loaded = Retriever.load(retriever, device=device)
    protocols = tested(dataset)
    results = {}
    for protocol, pair in zip(protocols, embed_protocols(loaded, protocols, progress=progress), strict=True):
        if loaded.reranker is None:
            result = evaluate(pair, protocol, similarity=loaded.similarity)
        else:
            result = evaluate_reranked(pair, protocol, loaded.reranker, similarity=loaded.similarity)
        results[protocol.name] = result
    return results


def _rows(dataset: Dataset) -> dict[str, Any]:
    return {
        protocol.name: [rows_fingerprint(side) for side in (protocol.query, protocol.gallery)]
        for protocol in tested(dataset)
    }


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


def _path(folder: Path, data: str, protocol: str) -> Path:
    return folder / data / f"{protocol}.json"


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(folder, error) from error
