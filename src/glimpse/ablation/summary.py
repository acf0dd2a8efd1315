"""An ablation: methods (arms) over several seeds, summed up as one row per arm, data set and protocol."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from glimpse.evaluation.intervals import Estimate, over_seeds, paired_gain
from glimpse.evaluation.result import Result

FINAL, BEST, UNTRAINED = "final", "best", "untrained"
"""The network after the last epoch; after the one that validated best; one that was not trained here."""
MEASURES = {"rank1": "Rank-1", "map": "mAP", "minp": "mINP"}
"""What an ablation shows, and how tables call it."""


@dataclass(frozen=True)
class Place:
    """What a result is measured on.

    Attributes:
        data: the name of the data set in this ablation.
        protocol: one of its protocols.
    """

    data: str
    protocol: str


@dataclass(frozen=True)
class Measurement:
    """One network on one protocol.

    Attributes:
        arm: its name.
        network: `final`, `best` or `untrained`.
        seed: of its training; None if it was not trained.
        place: data set and protocol.
        values: shares from 0 to 1, by the names in `MEASURES`.
        valid: answered queries of each trial.
        skipped: queries of each trial without a right answer.
    """

    arm: str
    network: str
    seed: int | None
    place: Place
    values: Mapping[str, float]
    valid: tuple[int, ...]
    skipped: tuple[int, ...]


def measurement(arm: str, network: str, seed: int | None, data: str, result: Result) -> Measurement:
    """What an ablation keeps of a result."""
    return Measurement(
        arm=arm,
        network=network,
        seed=seed,
        place=Place(data, result.protocol),
        values={"rank1": result.rank_k(1), "map": result.mean_ap, "minp": result.mean_inp},
        valid=tuple(result.valid.tolist()),
        skipped=tuple(result.skipped.tolist()),
    )


@dataclass(frozen=True)
class Row:
    """One arm on one protocol, over its seeds.

    Attributes:
        arm: its name.
        network: `final`, `best` or `untrained`.
        place: data set and protocol.
        seeds: that were measured, ascending; empty if it was not trained.
        values: by measure.
        of_seeds: by measure, the value of each seed, in the order of `seeds`; one value if not trained.
        gains: over the first arm, by measure; None for the first arm itself.
        valid: answered queries of each trial.
        skipped: queries of each trial without a right answer.
    """

    arm: str
    network: str
    place: Place
    seeds: tuple[int, ...]
    values: Mapping[str, Estimate]
    of_seeds: Mapping[str, tuple[float, ...]]
    gains: Mapping[str, Estimate] | None
    valid: tuple[int, ...]
    skipped: tuple[int, ...]


def ablation_rows(measurements: Iterable[Measurement], first: str) -> list[Row]:
    """A row per arm, network and place, places together, arms in the order in which they came.

    Args:
        measurements: of all runs.
        first: the arm that gains are counted from. Final networks are compared with its final ones, best
            with its best, untrained with its final; an untrained first arm with everything.
    """
    groups: dict[tuple[Place, str, str], list[Measurement]] = {}
    for one in measurements:
        groups.setdefault((one.place, one.arm, one.network), []).append(one)
    places = dict.fromkeys(place for place, _, _ in groups)
    rows = []
    for place in places:
        for (where, arm, network), members in groups.items():
            if where == place:
                rows.append(_row(members, _of_first(groups, place, first, network, arm)))
    return rows


def difference(ones: Sequence[Measurement], others: Sequence[Measurement], measure: str) -> Estimate | None:
    """How much higher a measure is, seed by seed; what was not trained counts as itself for every seed."""
    values, against = _by_seed(ones, measure), _by_seed(others, measure)
    if None in values and None in against:
        return over_seeds([values[None] - against[None]])
    seeds = {seed for seed in (*values, *against) if seed is not None}

    def of(found: Mapping[int | None, float]) -> dict[int, float]:
        if None in found:
            return dict.fromkeys(seeds, found[None])
        return {seed: value for seed, value in found.items() if seed is not None}

    return paired_gain(of(values), of(against))


def _by_seed(members: Sequence[Measurement], measure: str) -> dict[int | None, float]:
    return {one.seed: one.values[measure] for one in members}


def _of_first(
    groups: Mapping[tuple[Place, str, str], list[Measurement]],
    place: Place,
    first: str,
    network: str,
    arm: str,
) -> list[Measurement]:
    """The first arm's measurements that a row is compared with; none for its own rows."""
    if arm == first:
        return []
    wanted = FINAL if network == UNTRAINED else network
    return groups.get((place, first, UNTRAINED)) or groups.get((place, first, wanted), [])


def _row(members: Sequence[Measurement], first: Sequence[Measurement]) -> Row:
    one = members[0]
    ordered = sorted(members, key=lambda member: member.seed or 0)
    of_seeds = {name: tuple(member.values[name] for member in ordered) for name in MEASURES}
    gains = {name: difference(members, first, name) for name in MEASURES} if first else {}
    known = {name: gain for name, gain in gains.items() if gain is not None}
    return Row(
        arm=one.arm,
        network=one.network,
        place=one.place,
        seeds=tuple(member.seed for member in ordered if member.seed is not None),
        values={name: over_seeds(values) for name, values in of_seeds.items()},
        of_seeds=of_seeds,
        gains=known or None,
        valid=one.valid,
        skipped=one.skipped,
    )
