"""The page and its twin for programs, from all runs that are there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.occluded.rungs import BASELINE, FULL, RUNGS, rung
from benchmarks.occluded.study import ANOTHERS, NEAR, OWN, PERMUTATIONS, PLAIN
from benchmarks.occluded.summary import (
    CONTROLS,
    DATA,
    Run,
    Runs,
    Verdict,
    control_figures,
    estimate,
    gathered,
    known_figures,
    verdict,
    visible_figures,
)
from glimpse.evaluation.ladder import ladder_rows
from glimpse.evaluation.ladder_table import About, ladder_json, ladder_markdown, percent
from glimpse.evaluation.seeds import Estimate
from glimpse.files import atomic_write

SHOTS = {"series": "the queries' shots again", "test": "the layout's own queries"}
Values = dict[str, Any]


def keep_page(folder: Path, about: About, evidence: Path) -> None:
    """Write occluded.md and occluded.json from every run below `folder`."""
    runs = gathered(folder / "ladders", RUNGS)
    card = json.loads((folder / "worlds" / DATA / "glimpse-world.json").read_bytes())
    about = replace(
        about,
        seeds=sorted({seed for of_rung in runs.values() for seed in of_rung}),
        rungs={name: str(rung(name)) for name in runs},
    )
    evidence.mkdir(parents=True, exist_ok=True)
    with atomic_write(evidence / "occluded.json") as file:
        text = json.dumps(page_json(runs, about, card), indent=1, ensure_ascii=False, allow_nan=False)
        file.write((text + "\n").encode())
    with atomic_write(evidence / "occluded.md") as file:
        file.write(page_markdown(runs, about, card).encode())


def page_json(runs: Runs, about: About, world: Mapping[str, Any]) -> Values:
    """Everything on the page, figures as [mean, low, high], and the single seeds."""
    return {
        "world": dict(world),
        **ladder_json(about, _rows(runs), BASELINE),
        "runs": {
            f"{name}/seed-{seed}": {"epochs": run.epochs, "seconds": run.seconds}
            for name, of_rung in runs.items()
            for seed, run in of_rung.items()
        },
        "controls": {
            name: {
                protocol: {m: _json(control_figures(of_rung, protocol, m)) for m in ("rank1", "map")}
                for protocol in ("test", "whole", "series")
            }
            for name, of_rung in runs.items()
            if _masked(of_rung)
        },
        "by_visible": {
            shots: {
                name: {
                    m: {n: _json(f) for n, f in visible_figures(runs, name, BASELINE, shots, m).items()}
                    for m in ("rank1", "map")
                }
                for name in runs
            }
            for shots in SHOTS
        },
        "known": {
            shots: {name: _json(known_figures(r, shots)) for name, r in runs.items() if _masked(r)}
            for shots in SHOTS
        },
        "verdicts": {name: _verdict_json(verdict(runs, name, BASELINE)) for name in runs if name != BASELINE},
        "studies": {
            name: {str(seed): _without_stamp(run.study) for seed, run in of_rung.items()}
            for name, of_rung in runs.items()
        },
    }


def page_markdown(runs: Runs, about: About, world: Mapping[str, Any]) -> str:
    """The page."""
    parts = [
        _head(runs, about, world),
        _verdict(runs),
        _ladder(runs, about),
        _controls(runs),
        _visible(runs),
        _knows(runs),
    ]
    return "\n\n".join(parts) + "\n"


def _head(runs: Runs, about: About, world: Mapping[str, Any]) -> str:
    epochs = sorted({run.epochs for of_rung in runs.values() for run in of_rung.values()})
    budget = (
        f"every rung is trained for {epochs[0]} epochs"
        if len(epochs) == 1
        else f"THE BUDGETS DIFFER: rungs are trained for {', '.join(map(str, epochs))} epochs"
    )
    return f"""# Occluded people on the rendered world

Written by `{about.command}` (a killed run goes on with the same command), commit
{about.commit or "unknown"}; {about.hardware}; seeds {", ".join(map(str, about.seeds))}.

Data: `glimpse world make worlds/{DATA} --layout {DATA} --seed {world["seed"]} --people {world["people"]}
--images-per-person {world["images_per_person"]}`, hardness {world["hardness"]:g}, {world["height"]}x{world["width"]}
pixels: {_counts(world)}. Training, sizes and rates are each method's recipe for the world; {budget}, on the
same rows, from the weights that ship with Glimpse, which were trained on another world. Nothing was chosen on test
persons. Final networks unless a table says best, which is best on validation persons taken from the training rows.

{_budget_table(runs)}"""


def _counts(world: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{part} {rows:,} pictures of {persons:,} persons"
        for part, (persons, rows) in world["counts"].items()
    )


def _budget_table(runs: Runs) -> str:
    rows = [
        [
            f"{name}: {rung(name)}",
            str(len(of_rung)),
            "/".join(sorted({str(run.epochs) for run in of_rung.values()})),
            f"{np.mean([run.seconds for run in of_rung.values()]):,.0f}",
        ]
        for name, of_rung in runs.items()
    ]
    return _table(["rung", "seeds", "epochs", "seconds of a training"], rows, left=1)


def _ladder(runs: Runs, about: About) -> str:
    page = ladder_markdown(about, _rows(runs), BASELINE)
    tables = page[page.index("Percent.") :].replace("\n## ", "\n### ")
    return f"""## 1. The ladder

`test` is the layout's protocol: all queries are occluded. `whole` asks with the whole gallery pictures of the same
persons; the same gallery, where the camera rule leaves out the picture itself.

{tables.rstrip()}"""


def _controls(runs: Runs) -> str:
    lines = [
        f"""## 2. Does the mask do it: controls at test time

Rank-1 of final networks on the layout's occluded queries, the masks being the query's own; none (plain cosine); the
same for all, the mean mask of the gallery; another query's, mean over {PERMUTATIONS} permutations without fixed
points. Differences are own minus control, seed by seed."""
    ]
    for protocol, title in (
        ("test", "The layout's occluded queries"),
        ("whole", "Whole queries"),
        ("series", "Each query's shot at five visible fractions, together; masks are exchanged among all"),
    ):
        header = ["rung", OWN, *CONTROLS, *(f"own over {control}" for control in CONTROLS)]
        rows = []
        for name, of_rung in runs.items():
            if _masked(of_rung):
                found = control_figures(of_rung, protocol, "rank1")
                rows.append(
                    [
                        name,
                        *(_percent(found[one]) for one in (OWN, *CONTROLS)),
                        *(_percent(found[f"over {one}"], "+") for one in CONTROLS),
                    ]
                )
        lines.append(f"{title}:\n\n{_table(header, rows, left=1)}")
    return "\n\n".join([*lines, _bootstrap(runs)])


def _bootstrap(runs: Runs) -> str:
    """What other test persons would say, for one seed of each rung."""
    rows = []
    for name, of_rung in runs.items():
        seed, run = next(iter(of_rung.items()))
        base = runs.get(BASELINE, {}).get(seed)
        over = "-"
        if base is not None and name != BASELINE:
            found = run.result.compare(base.result, np.random.default_rng(0))["rank-1"]
            over = _span(found.value, found.low, found.high)
        drawn = run.study["bootstrap"]["test"]
        rows.append(
            [name, str(seed), over]
            + [_span(*drawn[one]["rank-1"]) if one in drawn else "-" for one in (PLAIN, ANOTHERS)]
        )
    header = ["rung", "seed", f"over {BASELINE}", f"own mask over {PLAIN}", f"own over {ANOTHERS}"]
    return f"""What other persons would say: one seed, the test persons drawn anew 1,000 times with all their queries
(paired bootstrap, 95 % interval), points of Rank-1 on occluded queries; another's mask by the first permutation:

{_table(header, rows, left=2)}"""


def _visible(runs: Runs) -> str:
    lines = [
        """## 3. Accuracy by visible fraction

The layout's queries show 34 to 90 % of a person. So each query's shot is rendered again with 100, 80, 60, 40 and
20 % of the person wanted visible: person, camera, pose, light and moment are the query's, only the occluder's place
and, where a camera's first choice cannot hide as much, its kind differ. The columns are intervals of the
measured visible fraction: from 90 %, 70 to 90, 50 to 70, 30 to 50, below 30. The gallery is the layout's. The
second pair of tables has the layout's own queries."""
    ]
    for shots, title in SHOTS.items():
        for measure, called in (("rank1", "Rank-1"), ("map", "mAP")):
            counts = _bin_counts(runs, shots)
            if not counts:
                continue
            header = ["rung", *(f"{near} %" for near in counts)]
            rows = [
                ["queries", *(f"{queries:,}" for queries, _ in counts.values())],
                ["mean visible", *(f"{100 * mean:.0f} %" for _, mean in counts.values())],
            ]
            for name in runs:
                found = visible_figures(runs, name, BASELINE, shots, measure)
                rows.append([name, *(_percent(found[near]["value"]) for near in counts)])
                if name != BASELINE:
                    rows.append(
                        [f"{name} over {BASELINE}", *(_percent(found[near]["gain"], "+") for near in counts)]
                    )
            lines.append(f"{called}, {title}:\n\n{_table(header, rows, left=1)}")
    return "\n\n".join(lines)


def _bin_counts(runs: Runs, shots: str) -> dict[str, tuple[int, float]]:
    """Queries and their mean visible fraction in each interval; the same for every network."""
    some = next((run for of_rung in runs.values() for run in of_rung.values()), None)
    found = some.study["visible"][shots] if some else {}
    return {near: (found[near]["queries"], found[near]["mean_visible"]) for near in NEAR if near in found}


def _knows(runs: Runs) -> str:
    lines = [
        """## 4. Does the mask know what is hidden

Spearman's rank correlation between what a query's mask drops and the fraction of the person that is truly hidden:
`dropped` is 1 - mean mask, `narrowed` is 1 - participation ratio. 0 is a mask that does not know, 1 one that orders
all pictures rightly. `entropy` is the mean over dimensions of the binary entropy of m, in bits (1: undecided, 0: decided);
`spread` the entropy of m / sum m over log D (1: even). Whole pictures show 90 % and more, occluded ones less than
70 %. `over images` is the root of the variance of a dimension over images, averaged over dimensions; `over
dimensions` that of the mean mask over dimensions; `own share` what of both variances is over images: 0 for a static
mask. `stripes`, for networks whose descriptor has a block for each horizontal stripe of the picture: 1 - mean mask of a
block against the hidden share of its stripe, `pooled` over pictures and stripes, `within` the mean over
pictures of the correlation among a picture's own stripes. Figures, not percent."""
    ]
    columns = {
        "dropped, narrowed": ("dropped", "narrowed", "stripes, pooled", "stripes, within"),
        "entropy": (
            "entropy, whole",
            "entropy, occluded",
            "entropy, occluded - whole",
            "spread, whole",
            "spread, occluded",
            "spread, occluded - whole",
        ),
        "width and variation": (
            "mean, whole",
            "mean, occluded",
            "participation, whole",
            "participation, occluded",
            "over images",
            "over dimensions",
            "own share",
        ),
    }
    for shots, title in SHOTS.items():
        known = {name: known_figures(r, shots) for name, r in runs.items() if _masked(r)}
        for names in columns.values():
            rows = [[name, *(_figure(found[one]) for one in names)] for name, found in known.items()]
            lines.append(f"{title[0].upper()}{title[1:]}:\n\n{_table(['rung', *names], rows, left=1)}")
    return "\n\n".join(lines)


def _verdict(runs: Runs) -> str:
    found = {name: verdict(runs, name, BASELINE) for name in runs if name != BASELINE}
    header = [
        "rung",
        f"Rank-1 over {BASELINE}",
        "above zero",
        "and 3 points or more",
        "whole pictures",
        "nothing lost",
        f"own mask over {ANOTHERS}",
        "own is better",
    ]
    rows = [
        [
            f"**{name}**" if name == FULL else name,
            _percent(one.gain, "+"),
            _yes(one.gains),
            _yes(one.gains_three),
            _percent(one.whole, "+"),
            _yes(one.keeps_whole),
            _percent(one.over_anothers, "+"),
            _yes(one.mask_is_its_own),
        ]
        for name, one in found.items()
    ]
    said = _sentences(found[FULL]) if FULL in found else f"The rung {FULL} is not trained yet."
    return f"""## Verdict

Computed from the figures below: final networks, points of Rank-1, means of differences seed by seed with the 95 %
interval of Student's t; "above zero" means the whole interval. "Nothing lost" means that the interval on whole
pictures does not lie below zero. One seed decides nothing.

{said}

{_table(header, rows, left=1)}"""


def _sentences(one: Verdict) -> str:
    lines = [
        f"- Does {FULL} beat {BASELINE} on occluded queries by 3 points of Rank-1 or more, with an interval that "
        f"excludes zero? {_percent(one.gain, '+')}: **{_yes(one.gains_three)}**.",
        f"- Does it lose nothing on whole pictures beyond noise? {_percent(one.whole, '+')}: "
        f"**{_yes(one.keeps_whole)}**.",
        f"- Is another query's mask worse than the true one? {_percent(one.over_anothers, '+')}: "
        f"**{_yes(one.mask_is_its_own)}**.",
    ]
    return "\n".join(lines)


def _verdict_json(one: Verdict) -> Values:
    return {
        **_json({"gain": one.gain, "whole": one.whole, "over_anothers": one.over_anothers}),
        "gains": one.gains,
        "gains_three": one.gains_three,
        "keeps_whole": one.keeps_whole,
        "mask_is_its_own": one.mask_is_its_own,
    }


def _rows(runs: Runs) -> list[Any]:
    return ladder_rows(
        [m for of_rung in runs.values() for run in of_rung.values() for m in run.measurements], BASELINE
    )


def _masked(of_rung: Mapping[int, Run]) -> bool:
    return any(run.study["masks"] for run in of_rung.values())


def _without_stamp(study: Mapping[str, Any]) -> Values:
    return {name: value for name, value in study.items() if name != "stamp"}


def _json(figures: Mapping[str, Estimate | None]) -> Values:
    return {name: None if found is None else found.to_json() for name, found in figures.items()}


def _percent(found: Estimate | None, sign: str = "") -> str:
    return "-" if found is None else percent(found, sign)


def _figure(found: Estimate | None) -> str:
    if found is None:
        return "-"
    if found.low is None or found.high is None:
        return f"{found.mean:.3f}"
    return f"{found.mean:.3f} [{found.low:.3f}, {found.high:.3f}]"


def _span(value: float, low: float, high: float) -> str:
    return f"{100 * value:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"


def _yes(found: bool | None) -> str:
    return "not known" if found is None else "yes" if found else "no"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]], left: int) -> str:
    lines = [f"| {' | '.join(header)} |", f"|{'---|' * left}{'---:|' * (len(header) - left)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])
