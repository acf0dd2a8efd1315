"""What a trained network scores, compared in several ways, whole and by how much of the person is visible."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.occluded.shots import Shots
from benchmarks.occluded.study import measures, nearest, whole_queries
from benchmarks.partial_and_parts.locality import locality
from glimpse.ablation.results_cache import retriever_fingerprint
from glimpse.datasets import Dataset
from glimpse.embeddings import Embeddings
from glimpse.evaluation import evaluate
from glimpse.files import atomic_write
from glimpse.models.mos import MosNetwork
from glimpse.models.sap import SapNetwork
from glimpse.protocols import Protocol
from glimpse.records import Records
from glimpse.retriever import NetworkEncoder, Retriever
from glimpse.retriever.protocol_embeddings import embed_protocols
from glimpse.similarity import ConflictPenalized, Cosine, SetJaccard, Similarity
from glimpse.training.run_record import fingerprint

Values = dict[str, Any]
_VERSION = 1  # of the figures; another one studies anew


@dataclass(frozen=True, eq=False)
class Question:
    """A protocol under the name that tables call it by, and the visible fraction of each query's person."""

    name: str
    protocol: Protocol
    visible: NDArray[np.float64]

    def stamp(self) -> list[str]:
        """What tells it from others."""
        sides = (self.protocol.query, self.protocol.gallery)
        return [self.name, *(json.dumps(fingerprint(side), sort_keys=True) for side in sides)]


def question(name: str, dataset: Dataset, protocol: str) -> Question:
    """A protocol of a rendered layout."""
    asked = dataset.protocol(protocol)
    return Question(name, asked, _visible(dataset, asked.query))


def whole_question(dataset: Dataset) -> Question:
    """The whole gallery images of the persons of an occluded layout as queries (`whole_queries`)."""
    truth = _truth(dataset)
    kinds = dict(zip(truth.path.tolist(), truth.kind.tolist(), strict=True))
    asked = whole_queries(dataset.protocol("test"), kinds, dataset.root)
    return Question("whole", asked, _visible(dataset, asked.query))


def studied(
    network: Path,
    questions: Sequence[Question],
    readings: Sequence[str],
    kept: Path,
    series: Shots | None = None,
) -> Values:
    """The study of the network in a folder; read again if it was asked the same before.

    Args:
        network: the folder.
        questions: what it is asked.
        readings: the ways to compare, see `_read`.
        kept: the file of the study.
        series: shots for `locality`, of a network whose parts are stripes.
    """
    stamp = {
        "version": _VERSION,
        "network": retriever_fingerprint(network),
        "readings": list(readings),
        "asked": [one.stamp() for one in questions],
        "series": None if series is None else json.dumps(fingerprint(series.records), sort_keys=True),
    }
    if kept.is_file():
        before: Values = json.loads(kept.read_bytes())
        if before["stamp"] == stamp:
            return before
    retriever = Retriever.load(network)
    sides = embed_protocols(retriever, [one.protocol for one in questions])
    study: Values = {
        "stamp": stamp,
        "penalty": _penalty(retriever.similarity),
        "locality": None if series is None else _locality(retriever, series),
        "figures": {
            one.name: {reading: _figures(retriever, pair, one, reading) for reading in readings}
            for one, pair in zip(questions, sides, strict=True)
        },
    }
    kept.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(kept) as file:
        file.write((json.dumps(study, indent=1, allow_nan=False) + "\n").encode())
    return study


def _figures(
    retriever: Retriever, sides: tuple[Embeddings, Embeddings], asked: Question, reading: str
) -> Values:
    read_as, similarity = _read(retriever, reading)
    query, gallery = (read_as(side) for side in sides)
    result = evaluate((query, gallery), asked.protocol, similarity=similarity)
    near = nearest(asked.visible)
    return {
        **measures([result]),
        "valid": int(result.valid[0]),
        "skipped": int(result.skipped[0]),
        "by_visible": {
            name: {"queries": len(part), **measures([part])} for name, part in result.by(near).items()
        },
    }


def _read(retriever: Retriever, reading: str) -> tuple[Any, Similarity]:
    """How embeddings are read, and what compares them.

    `own` is the retriever's way; `jaccard` the hard Jaccard coefficient of a set; `neck` the cosine of a
    set behind its neck, as BoT has it; `first` and `parts` the cosine of SAP's class token alone and of its
    parts alone.
    """
    network = retriever.encoder.network if isinstance(retriever.encoder, NetworkEncoder) else None
    if reading == "own":
        return _as_they_are, retriever.similarity
    if reading == "jaccard":
        return _as_they_are, SetJaccard()
    if reading == "neck":
        assert isinstance(network, MosNetwork)
        neck = network.neck.cpu().eval()

        def behind(side: Embeddings) -> Embeddings:
            with torch.no_grad():
                return Embeddings(neck(torch.from_numpy(np.ascontiguousarray(side.vectors))).numpy())

        return behind, Cosine()
    assert isinstance(network, SapNetwork)
    width = network.backbone.config.width
    some = slice(0, width) if reading == "first" else slice(width, None)
    return lambda side: Embeddings(np.ascontiguousarray(side.vectors[:, some])), Cosine()


def _locality(retriever: Retriever, series: Shots) -> Values:
    assert isinstance(retriever.encoder, NetworkEncoder)
    network = retriever.encoder.network
    assert isinstance(network, SapNetwork)
    return locality(retriever, series, len(network.names), network.backbone.config.width)


def _as_they_are(side: Embeddings) -> Embeddings:
    return side


def _penalty(similarity: Similarity) -> float | None:
    """The weight of the conflict penalty that was chosen, 0 where none was better."""
    if isinstance(similarity, ConflictPenalized):
        return similarity.weight
    return 0.0 if isinstance(similarity, SetJaccard) else None


def _truth(dataset: Dataset) -> Records:
    return Records.load(dataset.root / "ground_truth" / "records.csv")


def _visible(dataset: Dataset, query: Records) -> NDArray[np.float64]:
    truth = _truth(dataset)
    known = dict(zip(truth.path.tolist(), truth.extra["visible"].tolist(), strict=True))
    paths = (Path(path).relative_to(dataset.root).as_posix() for path in query.path.tolist())
    return np.array([known[path] for path in paths], np.float64)


def by_seed(studies: Mapping[int, Values], *keys: str) -> dict[int, float]:
    """A figure of each seed's study that has it."""
    found = {}
    for seed, study in studies.items():
        value: Any = study
        for key in keys:
            value = None if value is None else value.get(key)
        if value is not None:
            found[seed] = float(value)
    return found
