"""From the studies of single networks to figures over seeds."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.occluded.study import ANOTHERS, NEAR, OWN, PLAIN, STATIC
from glimpse.ablation.summary import BEST, FINAL, Measurement, measurement
from glimpse.evaluation import Result
from glimpse.evaluation.intervals import Estimate, over_seeds, paired_gain
from glimpse.training.run_record import read_run
from glimpse.training.stage_run import RUN_FILE

DATA = "occluded_duke"
SHOTS = {"series": "the queries' shots taken again", "test": "the layout's own queries"}
THREE = 0.03  # wanted of the full method: points of Rank-1, as a share
PROTOCOLS = ("test", "whole")
CONTROLS = (PLAIN, STATIC, ANOTHERS)
BySeed = dict[int, float]


@dataclass(frozen=True, eq=False)
class Run:
    """One trained network.

    Attributes:
        study: of its final network.
        measurements: of its networks, by the layout's protocols.
        results: of its final network, by protocol.
        epochs: as its recipe says.
        stages: epochs of each stage of its training.
        seconds: that the training took.
        commit: of the code that trained it.
    """

    study: Mapping[str, Any]
    measurements: tuple[Measurement, ...]
    results: Mapping[str, Result]
    epochs: int
    stages: Mapping[str, int]
    seconds: float
    commit: str | None


Runs = Mapping[str, Mapping[int, Run]]
"""By arm and seed."""
Recipes = Callable[[str, int], Mapping[str, Any]]
"""The recipe of an arm and a seed, as the record of a run says it."""


def gathered(folders: Mapping[str, Mapping[int, Path]], recipes: Recipes) -> dict[str, dict[int, Run]]:
    """Every run that was trained, measured and studied, whichever command did it.

    Args:
        folders: of runs, by arm and seed; some may not be there.
        recipes: what the runs must have been trained by, as their records say it: one by another recipe is
            no arm of this ablation any more.
    """
    found: dict[str, dict[int, Run]] = {}
    for arm, by_number in folders.items():
        for seed, folder in by_number.items():
            if not (folder / "study.json").is_file():
                continue
            record = read_run(folder / RUN_FILE)
            if record["recipe"] == recipes(arm, seed):
                found.setdefault(arm, {})[seed] = _run(arm, seed, folder, record)
    return found


def _run(arm: str, seed: int, folder: Path, record: Mapping[str, Any]) -> Run:
    kept = {path.parent.parent.name: path.parent for path in folder.glob(f"results/*/{DATA}/test.json")}
    # the last epoch may have been the best one: then its results stand for both
    measured = {FINAL: kept[FINAL], BEST: kept.get(BEST, kept[FINAL])}
    return Run(
        study=json.loads((folder / "study.json").read_bytes()),
        measurements=tuple(
            measurement(arm, network, seed, DATA, Result.load(where / f"{protocol}.json"))
            for network, where in measured.items()
            for protocol in PROTOCOLS
        ),
        results={protocol: Result.load(kept[FINAL] / f"{protocol}.json") for protocol in PROTOCOLS},
        epochs=int(record["recipe"]["epochs"]),
        stages=record["stages"],
        seconds=float(sum(record["seconds"].values())),
        commit=record["commit"],
    )


def masked(of_arm: Mapping[int, Run]) -> bool:
    """Whether an arm's networks give masks."""
    return any(run.study["masks"] for run in of_arm.values())


def measurements(runs: Runs) -> list[Measurement]:
    """Of all networks."""
    return [one for of_arm in runs.values() for run in of_arm.values() for one in run.measurements]


def by_seed(runs: Mapping[int, Run], *keys: str) -> BySeed:
    """A figure of the study of each seed that has it.

    Args:
        runs: of one arm.
        keys: where the figure is.
    """
    values = {seed: _at(run.study, keys) for seed, run in runs.items()}
    return {seed: float(value) for seed, value in values.items() if value is not None}


def _at(values: Any, keys: tuple[str, ...]) -> Any:
    for key in keys:
        if values is None:
            return None
        values = values.get(key)
    return values


def estimate(values: BySeed) -> Estimate | None:
    """Over the seeds; None without any."""
    return over_seeds(list(values.values())) if values else None


def control_figures(runs: Mapping[int, Run], protocol: str, measure: str) -> dict[str, Estimate | None]:
    """An arm's score with its own masks and with each control, and how much the own one is better."""
    values = {one: by_seed(runs, "controls", protocol, one, measure) for one in (OWN, *CONTROLS)}
    return {
        **{one: estimate(found) for one, found in values.items()},
        **{f"over {one}": paired_gain(values[OWN], values[one]) for one in CONTROLS},
    }


def visible_figures(
    runs: Runs, arm: str, first: str, shots: str, measure: str
) -> dict[str, dict[str, Estimate | None]]:
    """An arm's score by visible fraction, and its gain over the first arm there."""
    figures = {}
    for near in NEAR:
        own = by_seed(runs[arm], "visible", shots, near, OWN, measure)
        others = by_seed(runs.get(first, {}), "visible", shots, near, OWN, measure)
        gain = paired_gain(own, others) if arm != first else None
        figures[near] = {"value": estimate(own), "gain": gain}
    return figures


KNOWN: Mapping[str, tuple[str, ...]] = {
    "dropped": ("dropped",),
    "narrowed": ("narrowed",),
    "entropy, whole": ("entropy", "whole"),
    "entropy, occluded": ("entropy", "occluded"),
    "spread, whole": ("spread", "whole"),
    "spread, occluded": ("spread", "occluded"),
    "participation, whole": ("participation", "whole"),
    "participation, occluded": ("participation", "occluded"),
    "mean, whole": ("mean", "whole"),
    "mean, occluded": ("mean", "occluded"),
    "over images": ("variation", "over_images"),
    "over dimensions": ("variation", "over_dimensions"),
    "own share": ("variation", "own"),
    "stripes, pooled": ("stripes", "pooled"),
    "stripes, within": ("stripes", "within"),
}
"""What is told of masks, and where it stands in a study."""


def known_figures(runs: Mapping[int, Run], shots: str) -> dict[str, Estimate | None]:
    """What an arm's masks know, over seeds; entropies of occluded images less those of whole ones too."""
    values = {name: by_seed(runs, "knows", shots, *keys) for name, keys in KNOWN.items()}
    more = {
        f"{name}, occluded - whole": paired_gain(values[f"{name}, occluded"], values[f"{name}, whole"])
        for name in ("entropy", "spread")
    }
    return {**{name: estimate(found) for name, found in values.items()}, **more}


@dataclass(frozen=True)
class Verdict:
    """What the figures say of an arm against the first one; None while there is no pair of runs.

    Attributes:
        gain: in Rank-1 on the layout's occluded queries.
        whole: in Rank-1 on whole images.
        over_anothers: how much better its own masks are than other queries', in Rank-1 on occluded queries;
            None without masks.
    """

    gain: Estimate | None
    whole: Estimate | None
    over_anothers: Estimate | None

    @property
    def gains(self) -> bool | None:
        """Whether the gain's interval lies above zero."""
        return _above_zero(self.gain)

    @property
    def gains_three(self) -> bool | None:
        """Whether, besides, the gain is 3 points or more."""
        return None if self.gains is None or self.gain is None else self.gains and self.gain.mean >= THREE

    @property
    def keeps_whole(self) -> bool | None:
        """Whether nothing is lost on whole images beyond noise.

        No where the interval lies below zero; yes where the mean does not, or where the interval excludes
        a loss as large as the gain that is wanted; otherwise the noise is too wide to know.
        """
        if self.whole is None or self.whole.low is None or self.whole.high is None:
            return None
        if self.whole.high < 0:
            return False
        return True if self.whole.mean >= 0 or self.whole.low > -THREE else None

    @property
    def mask_is_its_own(self) -> bool | None:
        """Whether other queries' masks are worse, with an interval above zero."""
        return _above_zero(self.over_anothers)


def _above_zero(found: Estimate | None) -> bool | None:
    """None where one seed says nothing of others."""
    return None if found is None or found.low is None else found.low > 0


def verdict(runs: Runs, arm: str, first: str) -> Verdict:
    """The verdict on an arm: its final networks against those of the first one, seed by seed."""

    def gain(protocol: str) -> Estimate | None:
        mine, others = (
            by_seed(runs.get(name, {}), "controls", protocol, OWN, "rank1") for name in (arm, first)
        )
        return paired_gain(mine, others)

    anothers = control_figures(runs[arm], "test", "rank1")[f"over {ANOTHERS}"]
    return Verdict(gain("test"), gain("whole"), anothers)
