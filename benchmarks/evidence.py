"""What evidence pages share: verdicts, comparisons, one figure, and the two files of a page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from glimpse.ablation import table
from glimpse.evaluation.intervals import Estimate
from glimpse.files import atomic_write


@dataclass(frozen=True)
class Verdict:
    """A claim that was made before the run, and what was measured.

    Attributes:
        claim: in words.
        value: a difference, as a share; None while there is no pair of runs.
        wanted: what the difference must be: `gain` (the interval above zero), `no-loss` (not below it).
    """

    claim: str
    value: Estimate | None
    wanted: str = "gain"

    @property
    def holds(self) -> bool | None:
        """None while one seed says nothing of others."""
        if self.value is None or self.value.low is None or self.value.high is None:
            return None
        return self.value.low > 0 if self.wanted == "gain" else self.value.high >= 0

    def to_json(self) -> dict[str, Any]:
        """As evidence files have it."""
        return {"claim": self.claim, "value": _json(self.value), "wanted": self.wanted, "holds": self.holds}

    def markdown(self) -> str:
        """A row of the table of verdicts."""
        said = {True: "**holds**", False: "**does not hold**", None: "not known"}[self.holds]
        return f"| {self.claim} | {points(self.value)} | {said} |"


def verdict_table(verdicts: Sequence[Verdict]) -> str:
    """The verdicts as Markdown."""
    head = "| claim | difference | |\n|---|---:|---|\n"
    return head + "\n".join(one.markdown() for one in verdicts)


def percent(value: Estimate | None) -> str:
    """A measure in percent, with its interval if there are several seeds.

    >>> percent(Estimate(0.5, 0.4, 0.6, 5))
    '50.0 [40.0, 60.0]'
    """
    return "-" if value is None else table.percent(value, "")


def points(value: Estimate | None) -> str:
    """A difference in points, with its sign.

    >>> points(Estimate(0.01, -0.0002, 0.04, 5))
    '+1.0 [+0.0, +4.0]'
    """
    return "-" if value is None else table.percent(value, "+")


ROW, LEFT, WIDTH, RIGHT, TOP = 22, 250, 420, 150, 34  # of the figure, in pixels


def interval_figure(title: str, unit: str, groups: Mapping[str, Mapping[str, Estimate]]) -> str:
    """Differences and their intervals as an SVG: a row for each, in groups with headings.

    Args:
        title: above all.
        unit: under the axis.
        groups: differences as shares, by heading and name.
    """
    ends = [
        100 * end
        for group in groups.values()
        for one in group.values()
        for end in (one.mean, one.low, one.high)
        if end is not None
    ]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    span = (high - low) or 1.0
    rows = sum(1 + len(group) for group in groups.values())
    height = TOP + ROW * rows + 44

    def x(value: float) -> float:
        return round(LEFT + WIDTH * (value - low) / span, 1)

    bottom = TOP + ROW * rows
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + RIGHT}" height="{height}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="{LEFT + WIDTH + RIGHT}" height="{height}" fill="white"/>',
        f'<text x="12" y="20" font-weight="bold">{escape(title)}</text>',
        f'<line x1="{x(0)}" y1="{TOP}" x2="{x(0)}" y2="{bottom}" stroke="#888"/>',
    ]
    y = TOP
    for heading, group in groups.items():
        y += ROW
        parts.append(f'<text x="12" y="{y - 6}" font-weight="bold" fill="#444">{escape(heading)}</text>')
        for name, one in group.items():
            y += ROW
            middle, mean = y - 10, 100 * one.mean
            clear = one.low is not None and one.high is not None and (one.low > 0 or one.high < 0)
            color = ("#0072b2" if mean > 0 else "#d55e00") if clear else "#777777"
            parts.append(f'<text x="{LEFT - 10}" y="{y - 6}" text-anchor="end">{escape(name)}</text>')
            if one.low is not None and one.high is not None:
                parts.append(
                    f'<line x1="{x(100 * one.low)}" y1="{middle}" x2="{x(100 * one.high)}" y2="{middle}" '
                    f'stroke="{color}" stroke-width="2"/>'
                )
            parts.append(f'<circle cx="{x(mean)}" cy="{middle}" r="4" fill="{color}"/>')
            parts.append(f'<text x="{LEFT + WIDTH + 12}" y="{y - 6}">{escape(points(one))}</text>')
    step = next(size for size in (0.5, 1, 2, 5, 10, 20, 50, 100) if span / size <= 10)
    tick = int(low / step) * step
    while tick <= high:
        parts.append(f'<line x1="{x(tick)}" y1="{bottom}" x2="{x(tick)}" y2="{bottom + 5}" stroke="#888"/>')
        parts.append(f'<text x="{x(tick)}" y="{bottom + 18}" text-anchor="middle">{tick:g}</text>')
        tick += step
    parts.append(f'<text x="{LEFT + WIDTH / 2}" y="{bottom + 36}" text-anchor="middle">{escape(unit)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def keep_page(folder: Path, name: str, page: str, values: Mapping[str, Any], figure: str) -> None:
    """Write NAME.md, NAME.json and NAME.svg."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    for suffix, content in (("svg", figure), ("json", text), ("md", page)):
        with atomic_write(folder / f"{name}.{suffix}") as file:
            file.write(content.encode())


def _json(value: Estimate | None) -> Any:
    return None if value is None else value.to_json()
