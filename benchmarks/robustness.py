"""Damaged files, odd commands and kills, counted: `make fuzz` runs the tests below tests/fuzz at length.

Run with `python -m benchmarks.robustness --inputs 20000 --seeds 0 1`. With `--evidence` the counts are kept
in docs/evidence/robustness.json and robustness.md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.__main__ import EVIDENCE, ROOT
from glimpse.files import atomic_write
from glimpse.runtime import hardware
from glimpse.training.run_record import git_commit

JSON, PAGE = EVIDENCE / "robustness.json", EVIDENCE / "robustness.md"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=2000, help="of each kind")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--only", nargs="+", default=["tests/fuzz"], metavar="PATH", help="tests")
    parser.add_argument("--evidence", action="store_true", help="keep the counts in docs/evidence")
    options = parser.parse_args()
    runs = [run(seed, options.inputs, options.only) for seed in options.seeds]
    rows = merged(row for found in runs for row in found)
    words = ["--inputs", str(options.inputs), "--seeds", *map(str, options.seeds)]
    if options.only != parser.get_default("only"):
        words += ["--only", *options.only]
    told = page(rows, options.seeds, " ".join(words))
    print(told)
    if options.evidence:
        about = {
            "inputs": options.inputs,
            "seeds": options.seeds,
            "commit": git_commit(ROOT),
            "on": hardware(),
        }
        for path, text in ((JSON, json.dumps({**about, "rows": rows}, indent=1) + "\n"), (PAGE, told)):
            with atomic_write(path) as file:
                file.write(text.encode())
    sys.exit(any(row["failed"] for row in rows))


def run(seed: int, inputs: int, only: list[str]) -> list[dict[str, Any]]:
    """The tests by one seed; a row for each."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        environment = {
            "GLIMPSE_FUZZ": str(inputs),
            "GLIMPSE_FUZZ_SEED": str(seed),
            "GLIMPSE_FUZZ_REPORT": str(report),
        }
        words = [sys.executable, "-m", "pytest", "-q", "-m", "slow or not slow", "-n", "auto", *only]
        subprocess.run(words, cwd=ROOT, env={**os.environ, **environment}, check=False)
        rows: list[dict[str, Any]] = json.loads(report.read_text())
        return rows


def merged(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A row for each test, over all seeds."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        name = row["test"].removeprefix("tests/fuzz/")
        nothing = {"test": name, "tried": 0, "refused": None, "failed": 0, "seconds": 0.0}
        total = found.setdefault(name, nothing)
        total["tried"] += row.get("tried", 1)
        if "refused" in row:
            total["refused"] = (total["refused"] or 0) + row["refused"]
        total["failed"] += row["outcome"] == "failed"
        total["seconds"] += row["seconds"]
    return sorted(found.values(), key=lambda row: str(row["test"]))


def page(rows: list[dict[str, Any]], seeds: list[int], words: str) -> str:
    """The counts as a page."""
    tried, refused = sum(row["tried"] for row in rows), sum(row["refused"] or 0 for row in rows)
    failed = [row["test"] for row in rows if row["failed"]]
    verdict = "none failed" if not failed else f"**{len(failed)} failed**: {', '.join(failed)}"
    lines = [
        "# Robustness",
        "",
        "Damaged files, cards and caches, odd commands, and commands that are killed: each input must be",
        "read rightly or refused in one sentence with exit code 2, within seconds; a killed command, begun",
        "again, must end as if nothing had happened. The tests are in `tests/fuzz`: a few inputs of each",
        "kind in every test run, many by",
        "",
        "```",
        f"python -m benchmarks.robustness {words} --evidence",
        "```",
        "",
        f"{tried:,} inputs of {len(rows)} kinds, seeds {', '.join(map(str, seeds))}: {verdict}; "
        f"where it is counted, {refused:,} were refused. "
        f"At commit `{(git_commit(ROOT) or 'unknown')[:12]}`, on {hardware()}.",
        "",
        "| kind | tried | refused | failed | seconds |",
        "|---|---:|---:|---:|---:|",
        *(
            f"| {row['test'].replace('|', ' ')} | {row['tried']:,} | {row['refused'] or ''} "
            f"| {row['failed']} | {row['seconds']:.0f} |"
            for row in rows
        ),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
