"""The sections of the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.occluded.arms import BASELINE, FULL
from benchmarks.occluded.study import ANOTHERS, NEAR, OWN, PERMUTATIONS, PLAIN
from benchmarks.occluded.summary import (
    CONTROLS,
    DATA,
    PROTOCOLS,
    SHOTS,
    THREE,
    Runs,
    Verdict,
    control_figures,
    known_figures,
    masked,
    verdict,
    visible_figures,
)
from glimpse.ablation.table import About, percent
from glimpse.evaluation import Result
from glimpse.evaluation.intervals import Estimate

VERDICT = """## Verdict

Computed from what is below: final networks, points of Rank-1, means of differences seed by seed with the
95 % interval of Student's t. A gain counts if its whole interval lies above zero. Something is lost on
whole images if the whole interval lies below zero, and nothing if the mean does not lie below zero or if
the interval excludes a loss of 3 points; otherwise it is not known, as with a single seed."""
ABLATION = """## 1. The ablation

`test` is the layout's protocol: all queries are occluded. `whole` asks with the whole gallery images of
the same persons: the same gallery, in which the camera rule leaves out the image itself."""
CONTROLLED = f"""## 2. Does the mask do it: controls at test time

Rank-1 of final networks. The masks of the queries are their own; none (the plain cosine); the same for
all, the mean mask of the gallery; another query's, mean over {PERMUTATIONS} permutations in which nobody
keeps the own. Differences are own minus control, seed by seed."""
CONTROLLED_ON = {
    "test": "The layout's occluded queries",
    "whole": "Whole queries",
    "series": "Each query's shot at five visible fractions, all together; masks go from any to any",
}
OTHER_PERSONS = """What other persons would say: of one seed, the test persons are drawn anew 1,000 times
with all their queries (paired bootstrap, 95 % interval). Points of Rank-1, of masks on `test`; another's
mask by the first permutation."""
VISIBLE = """## 3. Accuracy by visible fraction

The layout's queries show 34 to 90 % of a person. So each query's shot is taken again with 100, 80, 60, 40
and 20 % of the person wanted visible: person, camera, pose, light and moment are the query's, only what
stands in front differs. Columns are intervals of the measured visible fraction: from 90 %, 70 to 90, 50
to 70, 30 to 50, below 30. The gallery is the layout's. The layout's own queries are below, by the same
intervals."""
KNOWN = """## 4. Does the mask know what is hidden

`dropped` and `narrowed` are Spearman's rank correlations, over queries, of 1 - mean mask and of 1 -
participation ratio with the fraction of the person that is truly hidden: 0 for a mask that does not know,
1 for one that orders all images rightly. `stripes`, of networks whose descriptor has a block for each
horizontal stripe of the image, are those of 1 - mean mask of a block with the hidden share of its
stripe: `pooled` over images and stripes; `within` among an image's own stripes, mean over images,
which a mask cannot get by telling occluded images from whole ones.

`entropy` is the mean over dimensions of the binary entropy of m, in bits: 1 undecided, 0 decided.
`spread` is the entropy of m / sum m over log D: 1 for an even mask. Whole images show 90 % and more,
occluded ones less than 70 %. `over images` is how far a dimension's trust strays from image to image (the
root of its variance over all queries, averaged over dimensions), `over dimensions` how far the mean mask
strays from dimension to dimension, `own share` how much of the two variances is over images: 0 for a
static mask. Figures, not percent."""
KNOWN_COLUMNS = (
    ("dropped", "narrowed", "stripes, pooled", "stripes, within"),
    (
        "entropy, whole",
        "entropy, occluded",
        "entropy, occluded - whole",
        "spread, whole",
        "spread, occluded",
        "spread, occluded - whole",
    ),
    (
        "mean, whole",
        "mean, occluded",
        "participation, whole",
        "participation, occluded",
        "over images",
        "over dimensions",
        "own share",
    ),
)


def head(runs: Runs, about: About, world: Mapping[str, Any]) -> str:
    """What was done, on what, with which budget."""
    epochs = sorted({run.epochs for of_arm in runs.values() for run in of_arm.values()})
    budget = f"All arms are trained for {epochs[0]} epochs on the same rows" if len(epochs) == 1 else ""
    unequal = f"THE BUDGETS DIFFER: arms are trained for {' or '.join(map(str, epochs))} epochs"
    counts = ", ".join(f"{part} {rows:,} of {persons:,}" for part, (persons, rows) in world["counts"].items())
    make = (
        f"glimpse world make worlds/{DATA} --layout {DATA} --seed {world['seed']} --people {world['people']} "
        f"--images-per-person {world['images_per_person']}"
    )
    rows = [
        [
            name,
            about.arms[name],
            str(len(of_arm)),
            " + ".join(f"{stage} {count}" for stage, count in next(iter(of_arm.values())).stages.items()),
            f"{np.mean([run.seconds for run in of_arm.values()]):,.0f}",
        ]
        for name, of_arm in runs.items()
    ]
    return f"""# Occluded people on the rendered world

Written by `{about.command}`; a killed run goes on with the same command,
and `--seeds 3 4 --only ARM` adds seeds to an arm.
Commit {about.commit or "unknown"}; {about.hardware}; seeds {", ".join(map(str, about.seeds))}.

Data: `{make}`,
hardness {world["hardness"]:g}, {world["height"]}x{world["width"]} pixels; images of persons: {counts}.

Recipes are those for the world, and start from the weights that ship with Glimpse, which were trained on
another world. {budget or unequal}, in the same batches; what an arm adds to a batch,
as occluded copies, comes on top, and its price is in the last column. Nothing was chosen on test persons;
docs/occluded.md says what made us look again.
Figures are of the networks after the last epoch; where a table says best, after the epoch that was best on
persons set aside from the training rows.

{table(["arm", "trained as", "seeds", "epochs of its stages", "seconds of a training"], rows, left=2)}"""


def said(runs: Runs) -> str:
    """The verdict."""
    found = {name: verdict(runs, name, BASELINE) for name in runs if name != BASELINE}
    header = [
        "arm",
        f"Rank-1 over {BASELINE}",
        "a gain",
        f"of {100 * THREE:.0f} or more",
        f"whole images over {BASELINE}",
        "nothing lost",
        f"own mask over {ANOTHERS}",
        "own is better",
    ]
    rows = [
        [
            f"**{name}**" if name == FULL else name,
            points(one.gain, "+"),
            yes(one.gains),
            yes(one.gains_three),
            points(one.whole, "+"),
            yes(one.keeps_whole),
            points(one.over_anothers, "+"),
            yes(one.mask_is_its_own),
        ]
        for name, one in found.items()
    ]
    answers = _answers(found[FULL]) if FULL in found else f"The arm {FULL} is not trained yet."
    return f"{VERDICT}\n\n{answers}\n\n{table(header, rows, left=1)}"


def _answers(one: Verdict) -> str:
    questions = (
        (
            f"Does {FULL} beat {BASELINE} on occluded queries, by {100 * THREE:.0f} points or more",
            one.gain,
            one.gains_three,
        ),
        ("Does it lose nothing on whole images beyond noise", one.whole, one.keeps_whole),
        ("Is another query's mask worse than the true one", one.over_anothers, one.mask_is_its_own),
    )
    return "\n".join(
        f"- {asked}? {points(found, '+')}: **{yes(answer)}**." for asked, found, answer in questions
    )


def ablation(page: str) -> str:
    """The tables of an ablation's page."""
    tables = page[page.index("Percent.") :].replace("\n## ", "\n### ").rstrip()
    return f"{ABLATION}\n\n{tables}"


def controls(runs: Runs) -> str:
    """Scores with masks that must do worse."""
    header = ["arm", OWN, *CONTROLS, *(f"own over {control}" for control in CONTROLS)]
    parts = [CONTROLLED]
    for protocol, title in CONTROLLED_ON.items():
        rows = []
        for name, of_arm in runs.items():
            if masked(of_arm):
                found = control_figures(of_arm, protocol, "rank1")
                scores = [points(found[one]) for one in (OWN, *CONTROLS)]
                rows.append([name, *scores, *(points(found[f"over {one}"], "+") for one in CONTROLS)])
        parts.append(f"{title}:\n\n{table(header, rows, left=1)}")
    return "\n\n".join([*parts, OTHER_PERSONS, _bootstrap(runs)])


def _bootstrap(runs: Runs) -> str:
    rows = []
    for name, of_arm in runs.items():
        seed, run = next(iter(of_arm.items()))
        base = runs.get(BASELINE, {}).get(seed)
        over = ["-"] * len(PROTOCOLS)
        if base is not None and name != BASELINE:
            over = [_over(run.results[protocol], base.results[protocol]) for protocol in PROTOCOLS]
        drawn = run.study["bootstrap"]["test"]
        masks = [_interval(drawn[one]["rank-1"]) if one in drawn else "-" for one in (PLAIN, ANOTHERS)]
        rows.append([name, str(seed), *over, *masks])
    gains = [f"over {BASELINE}, {protocol}" for protocol in PROTOCOLS]
    return table(["arm", "seed", *gains, f"own mask over {PLAIN}", f"own over {ANOTHERS}"], rows, left=2)


def _over(result: Result, base: Result) -> str:
    found = result.compare(base, np.random.default_rng(0))["rank-1"]
    return _interval([found.value, found.low, found.high])


def by_visible(runs: Runs) -> str:
    """Accuracy by visible fraction."""
    parts = [VISIBLE]
    for shots, title in SHOTS.items():
        studied = (run.study["visible"][shots] for of_arm in runs.values() for run in of_arm.values())
        some: Mapping[str, Any] = next(studied, {})
        there = [near for near in reversed(NEAR) if near in some]
        for measure, called in (("rank1", "Rank-1"), ("map", "mAP")):
            rows = [
                ["queries", *(f"{some[near]['queries']:,}" for near in there)],
                ["mean visible", *(f"{100 * some[near]['mean_visible']:.0f} %" for near in there)],
            ]
            for name in runs:
                found = visible_figures(runs, name, BASELINE, shots, measure)
                rows.append([name, *(points(found[near]["value"]) for near in there)])
                if name != BASELINE:
                    gains = [points(found[near]["gain"], "+") for near in there]
                    rows.append([f"{name} over {BASELINE}", *gains])
            header = ["arm", *(f"{near} %" for near in there)]
            parts.append(f"{called}, {title}:\n\n{table(header, rows, left=1)}")
    return "\n\n".join(parts)


def known(runs: Runs) -> str:
    """What masks know."""
    parts = [KNOWN]
    for shots, title in SHOTS.items():
        found = {name: known_figures(of_arm, shots) for name, of_arm in runs.items() if masked(of_arm)}
        for columns in KNOWN_COLUMNS:
            # the layout's own queries are all occluded: they have no figures of whole ones
            names = [one for one in columns if any(figures[one] is not None for figures in found.values())]
            rows = [[name, *(figure(figures[one]) for one in names)] for name, figures in found.items()]
            if names:
                parts.append(f"Over {title}:\n\n{table(['arm', *names], rows, left=1)}")
    return "\n\n".join(parts)


def points(found: Estimate | None, sign: str = "") -> str:
    """In percent, with the interval."""
    return "-" if found is None else percent(found, sign)


def figure(found: Estimate | None) -> str:
    """As it is, with the interval.

    >>> figure(Estimate(0.5, None, None, 1)), figure(Estimate(0.5, 0.25, 0.75, 3)), figure(None)
    ('0.500', '0.500 [0.250, 0.750]', '-')
    """
    if found is None:
        return "-"
    if found.low is None or found.high is None:
        return f"{found.mean:.3f}"
    return f"{found.mean:.3f} [{found.low:.3f}, {found.high:.3f}]"


def _interval(values: Sequence[float]) -> str:
    value, low, high = (100 * one for one in values)
    return f"{value:+.1f} [{low:+.1f}, {high:+.1f}]"


def yes(found: bool | None) -> str:
    """In a word."""
    return "not known" if found is None else "yes" if found else "no"


def table(header: Sequence[str], rows: Iterable[Sequence[str]], left: int) -> str:
    """Markdown; the first `left` columns are words."""
    lines = [f"| {' | '.join(header)} |", f"|{'---|' * left}{'---:|' * (len(header) - left)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])
