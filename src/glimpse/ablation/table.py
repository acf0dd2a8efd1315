"""An ablation for people, as Markdown, and for programs, as JSON: both from the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from glimpse.ablation.summary import MEASURES, UNTRAINED, Place, Row
from glimpse.evaluation.intervals import LEVEL, Estimate

METHOD = (
    f"Percent. Means over seeds, in brackets the {LEVEL:.0%} interval for the mean by Student's t with one "
    "degree of freedom less than there are seeds; one seed has no interval. A gain over the first arm is "
    "the mean of the differences seed by seed, with the interval of these differences. Intervals say what "
    "the seeds of training do, not what other test persons would."
)


@dataclass(frozen=True)
class About:
    """What must be known to read the figures.

    Attributes:
        command: that made them.
        commit: of the code, a plus if files differed from it.
        hardware: that they were made on.
        seeds: of the training runs.
        trained_on: the data set of all training runs, or nothing.
        data: for each data set's name its layout and folder, as the command gave them.
        arms: for each arm's name what it is.
    """

    command: str
    commit: str | None
    hardware: str
    seeds: Sequence[int]
    trained_on: str | None
    data: Mapping[str, tuple[str, str]]
    arms: Mapping[str, str]


def ablation_json(about: About, rows: Sequence[Row], first: str) -> dict[str, Any]:
    """JSON values: figures are [mean, low, high], shares from 0 to 1; null where one run has no interval."""
    return {
        "command": about.command,
        "commit": about.commit,
        "hardware": about.hardware,
        "seeds": list(about.seeds),
        "trained_on": about.trained_on,
        "data": {name: f"{layout}:{folder}" for name, (layout, folder) in about.data.items()},
        "methods": dict(about.arms),
        "interval": METHOD,
        "arms": [
            {
                "name": row.arm,
                "layout": about.data[row.place.data][0],
                "data": row.place.data,
                "protocol": row.place.protocol,
                "network": row.network,
                "seeds": list(row.seeds),
                "valid": list(row.valid),
                "skipped": list(row.skipped),
                **{name: row.values[name].to_json() for name in MEASURES},
                "of_seeds": {name: list(values) for name, values in row.of_seeds.items()},
                "gain": None if row.gains is None else {n: g.to_json() for n, g in row.gains.items()},
            }
            for row in rows
        ],
        "claims": _claims(rows, first),
    }


def ablation_markdown(about: About, rows: Sequence[Row], first: str) -> str:
    """One page: what was done, then a table for each protocol of each data set."""
    lines = [
        "# Ablation",
        "",
        f"`{about.command}`",
        "",
        f"Commit {about.commit or 'unknown'}; {about.hardware}; seeds {', '.join(map(str, about.seeds))}"
        + (f"; trained on {about.trained_on}." if about.trained_on else "."),
        "",
        *(f"- {name}: {text}" for name, text in about.arms.items()),
        "",
        METHOD,
    ]
    for place in dict.fromkeys(row.place for row in rows):
        here = [row for row in rows if row.place == place]
        lines += ["", *_section(about, place, here, first)]
    return "\n".join(lines) + "\n"


def _section(about: About, place: Place, rows: Sequence[Row], first: str) -> list[str]:
    layout, folder = about.data[place.data]
    gains = [f"{MEASURES[name]} over {first}" for name in ("rank1", "map")]
    header = ["arm", "network", "seeds", *MEASURES.values(), *gains, "valid", "skipped"]
    return [
        f"## {place.data}: {layout} in {folder}, protocol {place.protocol}",
        "",
        f"| {' | '.join(header)} |",
        f"|{'---|' * 3}{'---:|' * (len(header) - 3)}",
        *(f"| {' | '.join(_cells(row))} |" for row in rows),
    ]


def _cells(row: Row) -> list[str]:
    gains = [row.gains.get(name) if row.gains else None for name in ("rank1", "map")]
    return [
        row.arm,
        row.network,
        str(len(row.seeds)) if row.network != UNTRAINED else "-",
        *(percent(row.values[name], "") for name in MEASURES),
        *("-" if gain is None else percent(gain, "+") for gain in gains),
        _span(row.valid),
        _span(row.skipped),
    ]


def percent(estimate: Estimate, sign: str) -> str:
    """As `41.2 [38.0, 44.4]`; no minus before a zero."""
    mean = f"{100 * estimate.mean:{sign}z.1f}"
    if estimate.low is None or estimate.high is None:
        return mean
    return f"{mean} [{100 * estimate.low:{sign}z.1f}, {100 * estimate.high:{sign}z.1f}]"


def _span(counts: Sequence[int]) -> str:
    low, high = min(counts), max(counts)
    return f"{low:,}" if low == high else f"{low:,}-{high:,}"


def _claims(rows: Sequence[Row], first: str) -> list[dict[str, Any]]:
    """That each trained arm is better than the first one; it holds where the whole interval is above 0."""
    return [
        {
            "claim": f"{row.arm} has a higher {MEASURES[name]} than {first} on {row.place.data}, protocol "
            f"{row.place.protocol}, {row.network} network",
            "value": gain.to_json(),
            "holds": gain.low > 0,
        }
        for row in rows
        if row.gains is not None and row.network != UNTRAINED
        for name, gain in row.gains.items()
        if gain.low is not None
    ]
