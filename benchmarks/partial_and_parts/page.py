"""The page, its twin for programs and its figure, from all runs that are there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.evidence import Verdict, interval_figure, keep_page, percent, points, verdict_table
from benchmarks.occluded.study import NEAR
from benchmarks.partial_and_parts.arms import PARTS_SHOWN, SETS_SHOWN, SHOWN, TRAINED
from benchmarks.partial_and_parts.study import Values, by_seed
from glimpse.evaluation.intervals import Estimate, over_seeds, paired_gain

MEASURES = {"rank1": "Rank-1", "map": "mAP"}
QUESTIONS = {"sets": ("partial", "occluded", "whole"), "parts": ("occluded", "whole")}
HEADINGS = {"sets": "MoS", "parts": "SAP"}
SEEDS = 5
FIRST = {"sets": "Euclidean", "parts": "ViT baseline"}
BOTH, MOS = "both (SAP, stripes)", "+ conflict penalty (MoS)"


@dataclass(frozen=True)
class Claim:
    """That one arm is better than another, in mAP.

    Attributes:
        text: in words.
        better: the name of an arm.
        worse: of the other.
        question: what both are asked.
        wanted: see `Verdict`.
    """

    text: str
    better: str
    worse: str
    question: str = "occluded"
    wanted: str = "gain"

    @property
    def family(self) -> str:
        """Of both arms."""
        return "sets" if self.better in SETS_SHOWN else "parts"


def _steps(tail: str) -> tuple[Claim, ...]:
    euclidean, at_test, trained, penalized = (
        f"{name}{tail}" for name in ("Euclidean", "Jaccard at test only", "+ Jaccard triplet", MOS)
    )
    return (
        Claim(f"MoS{tail}, partial: Jaccard at test gains on Euclidean", at_test, euclidean, "partial"),
        Claim(f"MoS{tail}, partial: training by it gains more", trained, at_test, "partial"),
        Claim(f"MoS{tail}, partial: the conflict penalty gains more", penalized, trained, "partial"),
        Claim(f"MoS{tail}, partial: it beats its Euclidean baseline", penalized, euclidean, "partial"),
    )


CLAIMS = (
    *_steps(""),
    *_steps(" IBN"),
    Claim("MoS, partial: it beats BoT", MOS, "BoT", "partial"),
    Claim("MoS, partial: it beats TransReID", MOS, "TransReID", "partial"),
    Claim("SAP, occluded: patches gain", "+ patch", "ViT baseline"),
    Claim("SAP, occluded: proxies gain", "+ proxy", "ViT baseline"),
    Claim("SAP, occluded: both are more than patches alone", BOTH, "+ patch"),
    Claim("SAP, occluded: both are more than proxies alone", BOTH, "+ proxy"),
    Claim("SAP, occluded: without refinement it loses", BOTH, "SAP without refinement"),
    Claim("SAP, occluded: without supervision dropout it loses", BOTH, "SAP without dropout"),
    Claim("SAP, occluded: it beats its ViT baseline with stripes alone", BOTH, "ViT baseline"),
    Claim("SAP, occluded: pose is a better teacher than stripes", "SAP, pose", BOTH),
    Claim("SAP, occluded: parsing is a better teacher than pose", "SAP, parsing truth", "SAP, pose"),
    Claim(
        "SAP, occluded: the truth is a better teacher than one with half of its labels wrong",
        "SAP, parsing truth",
        "SAP, truth, 50 % noise",
    ),
    Claim("SAP, occluded: it beats TransReID", BOTH, "TransReID"),
    Claim("SAP, whole: it loses nothing", BOTH, "ViT baseline", "whole", "no-loss"),
)
"""What the sources say, and what is asked of both methods: decided before the runs.

A verdict is in mAP, on final networks of the size `micro`, over the seeds that both arms have.
"""


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained and studied network.

    Attributes:
        study: its figures.
        record: of the run.
    """

    study: Values
    record: Mapping[str, Any]


Runs = Mapping[str, Mapping[str, Mapping[str, Mapping[int, Trained]]]]
"""By size, family, training and seed."""


@dataclass(frozen=True)
class About:
    """What must be known to read the figures.

    Attributes:
        command: that made them.
        commit: of the code that wrote the page.
        hardware: that they were made on.
        worlds: the seed of each layout.
    """

    command: str
    commit: str | None
    hardware: str
    worlds: Mapping[str, int]


def keep(evidence: Path, about: About, runs: Runs) -> None:
    """Write partial-and-parts.md, .json and .svg."""
    keep_page(evidence, "partial-and-parts", page(about, runs), values(about, runs), figure(runs))


def of_arm(runs: Runs, size: str, family: str, shown: str, question: str, *keys: str) -> dict[int, float]:
    """A figure of each seed of an arm."""
    arm = SHOWN[family][shown]
    studies = {
        seed: one.study for seed, one in runs.get(size, {}).get(family, {}).get(arm.training, {}).items()
    }
    return by_seed(studies, "figures", question, arm.reading, *keys)


def verdicts(runs: Runs, size: str = "micro", measure: str = "map") -> list[Verdict]:
    """Of all claims."""
    return [
        Verdict(
            one.text,
            paired_gain(
                of_arm(runs, size, one.family, one.better, one.question, measure),
                of_arm(runs, size, one.family, one.worse, one.question, measure),
            ),
            one.wanted,
        )
        for one in CLAIMS
    ]


def figure(runs: Runs) -> str:
    """Gains over the baselines where it matters: MoS on partial queries, SAP on occluded ones."""
    groups: dict[str, dict[str, Estimate]] = {}
    for family, question in (("sets", "partial"), ("parts", "occluded")):
        group: dict[str, Estimate] = {}
        for name in SHOWN[family]:
            tail = " IBN" if name.endswith(" IBN") else ""
            first = FIRST[family] + tail
            gain = paired_gain(
                of_arm(runs, "micro", family, name, question, "map"),
                of_arm(runs, "micro", family, first, question, "map"),
            )
            if name != first and gain is not None:
                group[name] = gain
        groups[f"{HEADINGS[family]}: {question} queries, over {FIRST[family]}"] = group
    return interval_figure("Sets and parts against their baselines (micro)", "points of mAP", groups)


TOP = """# Partial and occluded people, by sets (MoS) and by parts (SAP)

![Gains over the baselines](partial-and-parts.svg)

Verdicts: points of mAP, means of differences seed by seed with the 95 % interval of Student's t. A gain holds
if its whole interval lies above zero. The claims, and that they are in mAP at the size `micro`, were decided
before the runs.{incomplete}

{verdicts}

Written by `{command}`; a killed run goes on with the same command.
Trained at commit {commits}; {hardware}.

Worlds: {worlds}.
Nothing was chosen on them; they were rendered for this page. MoS is trained on the Market layout, where
everybody is whole, and asked with its queries (`whole`), with those of the partial layout and with those of
the occluded one. SAP is trained on the Occluded-Duke layout and asked with its queries and with whole images
of the same persons. All arms of a method see the same rows in as many epochs, and start from the weights that
ship with Glimpse; figures are of the networks after the last epoch."""


def page(about: About, runs: Runs) -> str:
    """The page in Markdown."""
    top = TOP.format(
        incomplete=_incomplete(runs),
        verdicts=verdict_table(verdicts(runs)),
        command=about.command,
        commits=", ".join(_commits(runs)),
        hardware=about.hardware,
        worlds=", ".join(f"{layout} of seed {seed}" for layout, seed in about.worlds.items()),
    )
    parts = [
        part for size, families in runs.items() for family in families for part in _family(runs, size, family)
    ]
    return "\n\n".join([top, *parts, "## What is trained", _trainings(runs)]) + "\n"


def _incomplete(runs: Runs) -> str:
    """Which methods' arms have fewer seeds than a verdict is meant to rest on."""
    found = []
    for family, heading in HEADINGS.items():
        seeds = [
            len(of_arm(runs, "micro", family, name, QUESTIONS[family][0], "map")) for name in SHOWN[family]
        ]
        if min(seeds) < SEEDS:
            found.append(f"those of {heading} have {min(seeds)} to {max(seeds)}")
    return f" NOT COMPLETE: arms are to have {SEEDS} seeds, {' and '.join(found)}." if found else ""


def _commits(runs: Runs) -> list[str]:
    return sorted({str(one.record["commit"]) for one in _all(runs)})


def _family(runs: Runs, size: str, family: str) -> list[str]:
    questions = QUESTIONS[family]
    first = FIRST[family]
    lines = [
        "| arm | seeds | "
        + " | ".join(f"{question}: {MEASURES[m]}" for question in questions for m in MEASURES)
        + f" | {questions[0]}: mAP over {first} |",
        "|---|---:|" + "---:|" * (2 * len(questions) + 1),
    ]
    for name in SHOWN[family]:
        found = {
            (question, measure): of_arm(runs, size, family, name, question, measure)
            for question in questions
            for measure in MEASURES
        }
        if not any(found.values()):
            continue
        base = first + (" IBN" if name.endswith(" IBN") else "")
        gain = paired_gain(found[questions[0], "map"], of_arm(runs, size, family, base, questions[0], "map"))
        cells = [percent(over_seeds(list(one.values()))) if one else "-" for one in found.values()]
        seeds = len(next(iter(found.values())))
        lines.append(f"| {name} | {seeds} | {' | '.join(cells)} | {points(gain) if name != base else '-'} |")
    counts = {
        question: next(
            (
                f"{one.study['figures'][question]['own']['valid']:,} valid, "
                f"{one.study['figures'][question]['own']['skipped']:,} skipped"
                for of_training in runs[size][family].values()
                for one in of_training.values()
            ),
            "none",
        )
        for question in questions
    }
    asked = "; ".join(f"{question}: {count}" for question, count in counts.items())
    parts = [f"## {HEADINGS[family]}, `{size}`", "\n".join(lines), f"Queries: {asked}."]
    penalties = _penalties(runs, size) if family == "sets" else ""
    more = [penalties] if penalties else []
    if family == "parts":
        more = [_readings(runs, size), _locality(runs, size)]
    return [*parts, *(one for one in more if one), _by_visible(runs, size, family)]


def _penalties(runs: Runs, size: str) -> str:
    found = {
        name: [one.study["penalty"] for one in of_training.values()]
        for name, of_training in runs[size]["sets"].items()
        if name.startswith("jaccard")
    }
    if not found:
        return ""
    said = "; ".join(
        f"{name}: {', '.join(f'{weight:.3g}' for weight in weights)}" for name, weights in found.items()
    )
    return f"Weights of the conflict penalty that held-out training persons chose, by seed: {said}."


def _readings(runs: Runs, size: str) -> str:
    """What the class token and the parts do alone."""
    lines = [
        "mAP on occluded queries of the whole descriptor, of its class token alone and of its parts alone:",
        "",
        "| arm | all | class token | parts |",
        "|---|---:|---:|---:|",
    ]
    for name, arm in PARTS_SHOWN.items():
        studies = {seed: one.study for seed, one in runs[size]["parts"].get(arm.training, {}).items()}
        found = [
            by_seed(studies, "figures", "occluded", reading, "map") for reading in ("own", "first", "parts")
        ]
        if found[1]:
            cells = " | ".join(percent(over_seeds(list(one.values()))) for one in found)
            lines.append(f"| {name} | {cells} |")
    return "\n".join(lines) if len(lines) > 4 else ""


LOCALITY = """How local are the parts? Each query's shot is taken again with less and less of the person
visible; the error of a part is how far its vector turns from that of the whole shot. R² of these errors from
what is hidden of the whole person, from what is hidden of the own stripe, and from both: vectors that see
their own stripe alone would have all of it from their own.

| arm | whole person | own stripe | both |
|---|---:|---:|---:|"""


def _locality(runs: Runs, size: str) -> str:
    lines = [LOCALITY]
    for name, arm in PARTS_SHOWN.items():
        studies = {seed: one.study for seed, one in runs[size]["parts"].get(arm.training, {}).items()}
        found = [by_seed(studies, "locality", key) for key in ("whole", "own", "both")]
        if found[0]:
            cells = " | ".join(f"{over_seeds(list(one.values())).mean:.2f}" for one in found)
            lines.append(f"| {name} | {cells} |")
    return "\n".join(lines) if len(lines) > 1 else ""


def _by_visible(runs: Runs, size: str, family: str) -> str:
    question = QUESTIONS[family][0]
    lines = [
        f"mAP on {question} queries by how much of the person is visible, in percent:",
        "",
        "| arm | " + " | ".join(f"about {near}" for near in NEAR) + " |",
        "|---|" + "---:|" * len(NEAR),
    ]
    for name in SHOWN[family]:
        found = [of_arm(runs, size, family, name, question, "by_visible", near, "map") for near in NEAR]
        if any(found):
            cells = [percent(over_seeds(list(one.values()))) if one else "-" for one in found]
            lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _trainings(runs: Runs) -> str:
    lines = ["| name | size | trained as | teacher | epochs | seconds |", "|---|---|---|---|---:|---:|"]
    for size, families in runs.items():
        for family, trainings in families.items():
            for name, by_number in trainings.items():
                made = TRAINED[family][name]
                as_what = made.method + (f" with {', '.join(made.settings)}" if made.settings else "")
                seconds = [sum(one.record["seconds"].values()) for one in by_number.values()]
                epochs = next(iter(by_number.values())).record["recipe"]["epochs"]
                lines.append(
                    f"| {name} | {size} | {as_what} | {made.teacher or '-'} | {epochs} | "
                    f"{sum(seconds) / len(seconds):.0f} |"
                )
    return "\n".join(lines)


def values(about: About, runs: Runs) -> dict[str, Any]:
    """Everything on the page; figures are [mean, low, high], shares from 0 to 1."""
    arms = [
        {
            "name": name,
            "family": HEADINGS[family],
            "size": size,
            "layout": question,
            "seeds": sorted(of_arm(runs, size, family, name, question, "map")),
            **{
                measure: over_seeds(list(found.values())).to_json()
                for measure in MEASURES
                if (found := of_arm(runs, size, family, name, question, measure))
            },
        }
        for size, families in runs.items()
        for family in families
        for name in SHOWN[family]
        for question in QUESTIONS[family]
        if of_arm(runs, size, family, name, question, "map")
    ]
    return {
        "command": about.command,
        "commit": _commits(runs),
        "hardware": about.hardware,
        "worlds": dict(about.worlds),
        "seeds": sorted({seed for one in arms for seed in one["seeds"]}),
        "arms": arms,
        "verdicts": [one.to_json() for one in verdicts(runs)],
        "comparisons": [
            {"size": size, "measure": measure, **one.to_json()}
            for size in runs
            for measure in MEASURES
            if (size, measure) != ("micro", "map")
            for one in verdicts(runs, size, measure)
        ],
        "studies": {
            f"{size}/{family}/{name}/seed-{seed}": {
                "commit": one.record["commit"],
                "penalty": one.study["penalty"],
                "locality": one.study.get("locality"),
                "figures": one.study["figures"],
            }
            for size, families in runs.items()
            for family, trainings in families.items()
            for name, by_number in trainings.items()
            for seed, one in by_number.items()
        },
    }


def _all(runs: Runs) -> list[Trained]:
    return [
        one
        for families in runs.values()
        for trainings in families.values()
        for by_number in trainings.values()
        for one in by_number.values()
    ]
