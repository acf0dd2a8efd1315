"""What one trained network does: its score against controls, by visible fraction, and what its masks know."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.occluded.knowing import stripe_knowledge, whole_knowledge
from benchmarks.occluded.shots import Shots
from glimpse.ablation.results_cache import retriever_fingerprint
from glimpse.embeddings import Embeddings
from glimpse.evaluation import Result, evaluate
from glimpse.evaluation.masks import with_permuted_masks, with_static_mask, without_masks
from glimpse.files import atomic_write
from glimpse.models.dpmpp import DpmppNetwork
from glimpse.protocols import Protocol, single_query
from glimpse.retriever import NetworkEncoder, Retriever
from glimpse.retriever.protocol_embeddings import embed_protocols
from glimpse.training.run_record import fingerprint as rows_fingerprint

OWN, PLAIN, STATIC, ANOTHERS = "own mask", "no mask", "static mask", "another's mask"
PERMUTATIONS = 5
NEAR = {"20": 0.0, "40": 0.3, "60": 0.5, "80": 0.7, "100": 0.9}
"""Visible fractions by the number that they lie around, in percent, and where each interval begins."""
_VERSION = 1  # of the figures; another one studies anew
Values = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Questions:
    """What every network is asked.

    Attributes:
        test: the layout's own protocol.
        whole: whole images of the same persons against the same gallery.
        own: the truth about the queries of `test`, in their order.
        series: its queries again, with less and less visible.
    """

    test: Protocol
    whole: Protocol
    own: Shots
    series: Shots

    @property
    def protocols(self) -> tuple[Protocol, ...]:
        """`test`, `whole` and `series`, all with one gallery."""
        asked = single_query(self.series.records, self.test.gallery, name="series")
        return self.test, self.whole, asked

    def stamp(self) -> list[str]:
        """What tells these questions from others."""
        return [
            json.dumps(rows_fingerprint(side), sort_keys=True)
            for one in self.protocols
            for side in (one.query, one.gallery)
        ]


def whole_queries(test: Protocol, kinds: Mapping[str, str], root: Path) -> Protocol:
    """Whole gallery images of the persons who are asked for, as queries against the same gallery.

    An image does not find itself: the camera rule leaves out its person in its camera.

    Args:
        test: the layout's protocol.
        kinds: `whole` or `occluded` by path below the root.
        root: of the layout.
    """
    gallery = test.gallery
    paths = [Path(path).relative_to(root).as_posix() for path in gallery.path.tolist()]
    is_whole = np.array([kinds[path] == "whole" for path in paths])
    asked = np.isin(gallery.person, test.query.person)
    return single_query(gallery[is_whole & asked], gallery, name="whole")


def nearest(visible: NDArray[np.float64]) -> NDArray[np.str_]:
    """The name in `NEAR` of each visible fraction.

    >>> nearest(np.array([0.2, 0.31, 0.9, 1.0])).tolist()
    ['20', '40', '100', '100']
    """
    place = np.searchsorted(list(NEAR.values())[1:], visible, side="right")
    names: NDArray[np.str_] = np.array(list(NEAR))[place]
    return names


def studied(network: Path, questions: Questions, kept: Path) -> Values:
    """The study of the network in a folder; read again if this very network was asked the same before."""
    stamp = {"version": _VERSION, "network": retriever_fingerprint(network), "asked": questions.stamp()}
    try:
        before: Values = json.loads(kept.read_bytes())
    except (OSError, ValueError):
        before = {}
    if before.get("stamp") == stamp:
        return before
    study = {"stamp": stamp, **_study(Retriever.load(network), questions)}
    kept.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(kept) as file:
        file.write((json.dumps(study, indent=1, allow_nan=False) + "\n").encode())
    return study


def _study(retriever: Retriever, questions: Questions) -> Values:
    sides = embed_protocols(retriever, questions.protocols)
    results = {
        protocol.name: controlled(retriever, *pair, protocol)
        for protocol, pair in zip(questions.protocols, sides, strict=True)
    }
    study: Values = {
        "masks": sides[0][0].masks is not None,
        "controls": {name: control_values(found) for name, found in results.items()},
        "bootstrap": {name: _against_own(found) for name, found in results.items()},
        "visible": {
            "series": by_visible(results["series"], questions.series.visible),
            "test": by_visible(results["test"], questions.own.visible),
        },
    }
    if study["masks"]:
        study["knows"] = {
            "series": _knows(retriever, sides[2][0], questions.series),
            "test": _knows(retriever, sides[0][0], questions.own),
        }
    return study


def controlled(
    retriever: Retriever, query: Embeddings, gallery: Embeddings, protocol: Protocol
) -> dict[str, list[Result]]:
    """Results by control, several for other queries' masks; without masks only `OWN`, the score itself."""

    def result(asked: Embeddings) -> Result:
        return evaluate((asked, gallery), protocol, similarity=retriever.similarity)

    found = {OWN: [result(query)]}
    if query.masks is None or gallery.masks is None:
        return found
    found[PLAIN] = [
        evaluate((without_masks(query), without_masks(gallery)), protocol, similarity=retriever.similarity)
    ]
    found[STATIC] = [result(with_static_mask(query, gallery.masks.mean(0, dtype=np.float64)))]
    found[ANOTHERS] = [
        result(with_permuted_masks(query, np.random.default_rng(seed))) for seed in range(PERMUTATIONS)
    ]
    return found


def measures(results: Sequence[Result]) -> dict[str, float]:
    """Means over results, by the names that an ablation uses."""
    return {
        "rank1": float(np.mean([one.rank_k(1) for one in results])),
        "map": float(np.mean([one.mean_ap for one in results])),
        "minp": float(np.mean([one.mean_inp for one in results])),
    }


def control_values(found: Mapping[str, Sequence[Result]]) -> Values:
    """The measures of each control, and of what they say of masks."""
    first = found[OWN][0]
    return {
        "valid": int(first.valid[0]),
        "skipped": int(first.skipped[0]),
        **{name: measures(results) for name, results in found.items()},
    }


def by_visible(found: Mapping[str, Sequence[Result]], visible: NDArray[np.float64]) -> Values:
    """The measures of each control in each interval of visible fractions that has queries."""
    names = nearest(visible)
    groups = [(control, [one.by(names) for one in results]) for control, results in found.items()]
    return {
        name: {
            "queries": len(groups[0][1][0][name]),
            "mean_visible": float(visible[names == name].mean()),
            **{control: measures([group[name] for group in several]) for control, several in groups},
        }
        for name in NEAR
        if name in groups[0][1][0]
    }


def _against_own(found: Mapping[str, Sequence[Result]]) -> Values:
    """How much better the own mask is than each control, the persons drawn anew; the first permutation."""
    own = found[OWN][0]
    return {
        control: {
            measure: [difference.value, difference.low, difference.high]
            for measure, difference in own.compare(results[0], np.random.default_rng(0)).items()
            if measure in ("rank-1", "mAP")
        }
        for control, results in found.items()
        if control != OWN
    }


def _knows(retriever: Retriever, query: Embeddings, shots: Shots) -> Values:
    assert query.masks is not None
    known = whole_knowledge(query.masks, shots.visible)
    stripes = stripes_of(retriever)
    if stripes:
        blocks = np.stack([query.masks[:, block].mean(1) for block in stripes], axis=1)
        known["stripes"] = stripe_knowledge(blocks, shots.hidden(len(stripes)))
    return known


def stripes_of(retriever: Retriever) -> list[slice]:
    """Which dimensions describe which horizontal stripe of an image, from the top; none of most networks.

    DPM++'s descriptor is a block of `width` for the whole image and one for each of its `stripes`.
    """
    network = retriever.encoder.network if isinstance(retriever.encoder, NetworkEncoder) else None
    if not isinstance(network, DpmppNetwork):
        return []
    return [slice(k * network.width, (k + 1) * network.width) for k in range(1, network.stripes + 1)]
