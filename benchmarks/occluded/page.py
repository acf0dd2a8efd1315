"""The page and its twin for programs, from all runs that are there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.occluded import sections
from benchmarks.occluded.arms import BASELINE
from benchmarks.occluded.summary import (
    SHOTS,
    Runs,
    Verdict,
    control_figures,
    known_figures,
    masked,
    measurements,
    verdict,
    visible_figures,
)
from glimpse.ablation.summary import ablation_rows
from glimpse.ablation.table import About, ablation_json, ablation_markdown
from glimpse.evaluation.intervals import Estimate
from glimpse.files import atomic_write

Values = dict[str, Any]


def keep_page(runs: Runs, about: About, world: Path, evidence: Path) -> None:
    """Write occluded.md and occluded.json.

    Args:
        runs: all that are there.
        about: the command, where it ran, and what the arms are.
        world: the folder of the rendered layout.
        evidence: where the two files go.
    """
    card = json.loads((world / "glimpse-world.json").read_bytes())
    about = replace(about, seeds=sorted({seed for of_arm in runs.values() for seed in of_arm}))
    values = json.dumps(page_json(runs, about, card), indent=1, ensure_ascii=False, allow_nan=False)
    evidence.mkdir(parents=True, exist_ok=True)
    for name, text in (("json", values + "\n"), ("md", page_markdown(runs, about, card))):
        with atomic_write(evidence / f"occluded.{name}") as file:
            file.write(text.encode())


def page_markdown(runs: Runs, about: About, world: Mapping[str, Any]) -> str:
    """The page."""
    ablation = ablation_markdown(about, ablation_rows(measurements(runs), BASELINE), BASELINE)
    parts = [
        sections.head(runs, about, world),
        sections.said(runs),
        sections.ablation(ablation),
        sections.controls(runs),
        sections.by_visible(runs),
        sections.known(runs),
    ]
    return "\n\n".join(parts) + "\n"


def page_json(runs: Runs, about: About, world: Mapping[str, Any]) -> Values:
    """Everything on the page, figures as [mean, low, high], and the studies of the single seeds."""
    with_masks = {name: of_arm for name, of_arm in runs.items() if masked(of_arm)}
    return {
        **ablation_json(about, ablation_rows(measurements(runs), BASELINE), BASELINE),
        "world": dict(world),
        "runs": {
            f"{name}/seed-{seed}": {
                "commit": run.commit,
                "epochs": run.epochs,
                "stages": dict(run.stages),
                "seconds": run.seconds,
            }
            for name, of_arm in runs.items()
            for seed, run in of_arm.items()
        },
        "verdicts": {name: _of_verdict(verdict(runs, name, BASELINE)) for name in runs if name != BASELINE},
        "controls": {
            name: {
                protocol: {m: _json(control_figures(of_arm, protocol, m)) for m in ("rank1", "map", "minp")}
                for protocol in ("test", "whole", "series")
            }
            for name, of_arm in with_masks.items()
        },
        "by_visible": {
            shots: {
                name: {
                    m: {near: _json(f) for near, f in visible_figures(runs, name, BASELINE, shots, m).items()}
                    for m in ("rank1", "map", "minp")
                }
                for name in runs
            }
            for shots in SHOTS
        },
        "known": {
            shots: {name: _json(known_figures(r, shots)) for name, r in with_masks.items()} for shots in SHOTS
        },
        "studies": {
            name: {
                str(seed): {key: value for key, value in run.study.items() if key != "stamp"}
                for seed, run in of_arm.items()
            }
            for name, of_arm in runs.items()
        },
    }


def _of_verdict(one: Verdict) -> Values:
    return {
        **_json({"gain": one.gain, "whole": one.whole, "over_anothers": one.over_anothers}),
        "gains": one.gains,
        "gains_three": one.gains_three,
        "keeps_whole": one.keeps_whole,
        "mask_is_its_own": one.mask_is_its_own,
    }


def _json(figures: Mapping[str, Estimate | None]) -> Values:
    return {name: None if found is None else found.to_json() for name, found in figures.items()}
