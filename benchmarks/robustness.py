"""Damaged files, odd commands, kills and full disks, counted: the tests below tests/fuzz at length.

Run with `make fuzz`, or with `python -m benchmarks.robustness --inputs 20000 --seeds 0 1`; `--only` and
`--kinds` choose the tests. With `--evidence` the counts of each kind are added to
docs/evidence/robustness.json as soon as it is done, and robustness.md, which sums them up, is written anew:
runs of several kinds and seeds add up, a kind that is tried again by the same seed counts once.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from benchmarks.__main__ import EVIDENCE, ROOT
from glimpse.files import atomic_write
from glimpse.runtime import hardware
from glimpse.training.run_record import git_commit

JSON, PAGE = EVIDENCE / "robustness.json", EVIDENCE / "robustness.md"
Row = dict[str, Any]

CLASSES = {
    "test_tables.py::test_a_damaged_file": {
        "image.": "damaged images",
        "table.": "damaged tables of records",
        "vectors.": "damaged embeddings",
        "file.": "damaged embeddings",
        "": "damaged captions, lists, draws, results and keypoints",
    },
    "test_tables.py::test_columns": {"": "tables with odd columns"},
    "test_tables.py::test_an_edited_pixel_cache": {"": "edited pixel caches"},
    "test_models.py::test_cards": {"": "edited cards"},
    "test_models.py::test_networks": {"": "edited cards"},
    "test_models.py::test_bytes_of_a_retriever": {"": "damaged retrievers and backbones"},
    "test_models.py::test_bytes_of_a_backbone": {"": "damaged retrievers and backbones"},
    "test_models.py::test_embeddings": {"": "damaged embeddings"},
    "test_models.py::test_bytes_of_checkpoints": {"": "damaged checkpoints"},
    "test_models.py::test_state_dicts": {"": "odd checkpoints"},
    "test_models.py::test_onnx_models": {"": "odd ONNX models"},
    "test_commands.py::": {"": "commands with random words"},
    "test_writing.py::test_a_command_that_is_killed": {"": "kills"},
    "test_writing.py::test_a_command_on_a_full_disk": {"": "full disks"},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=2000, help="of each kind")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--only", nargs="+", default=["tests/fuzz"], metavar="PATH", help="tests")
    parser.add_argument("--kinds", metavar="WORDS", help="of these the ones that pytest's -k chooses")
    parser.add_argument("--processes", default="auto", metavar="N", help="at the same time")
    parser.add_argument("--evidence", action="store_true", help="add the counts to docs/evidence")
    options = parser.parse_args()
    words = ["-n", options.processes, *(["-k", options.kinds] if options.kinds else []), *options.only]
    about = {"commit": (git_commit(ROOT) or "unknown")[:12], "on": hardware()}
    kept: list[Row] = []
    failed = False
    for seed in options.seeds:
        for row in tried(words, options.inputs, seed):
            failed |= row["failed"] > 0
            if options.evidence:  # another run may have added its own
                kept = json.loads(JSON.read_bytes())["rows"] if JSON.is_file() else []
            kept = merged(kept, {**row, "seed": seed, **about})
            if options.evidence:
                write(kept)
    if not options.evidence:
        print(page(kept))
    sys.exit(failed)


def tried(words: Sequence[str], inputs: int, seed: int) -> Iterator[Row]:
    """A row for each test of a run of pytest, as soon as it is done."""
    reading, writing = os.pipe()
    environment = {
        "GLIMPSE_FUZZ": str(inputs),
        "GLIMPSE_FUZZ_SEED": str(seed),
        "GLIMPSE_FUZZ_REPORT": f"/dev/fd/{writing}",
    }
    command = [sys.executable, "-m", "pytest", "-q", "-m", "slow or not slow", *words]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    running = subprocess.Popen(command, cwd=ROOT, env={**inherited, **environment}, pass_fds=[writing])
    os.close(writing)
    with os.fdopen(reading) as lines:
        for line in lines:
            told = json.loads(line)
            yield {
                "kind": told["test"].removeprefix("tests/fuzz/"),
                "tried": told.get("tried", 1),
                "refused": told.get("refused"),
                "failed": int(told["outcome"] == "failed"),
                "seconds": round(told["seconds"], 1),
            }
    running.wait()


def merged(rows: Iterable[Row], new: Row) -> list[Row]:
    """The rows with a new one, in place of one of the same kind and seed."""
    others = [row for row in rows if (row["kind"], row["seed"]) != (new["kind"], new["seed"])]
    return sorted([*others, new], key=lambda row: (row["kind"], row["seed"]))


def write(rows: list[Row]) -> None:
    """Keep the rows, and the page of them."""
    for path, text in ((JSON, json.dumps({"rows": rows}, indent=1) + "\n"), (PAGE, page(rows))):
        with atomic_write(path) as file:
            file.write(text.encode())


def class_of(row: Mapping[str, Any]) -> str:
    """What a row tried, in a few words."""
    test, _, variant = str(row["kind"]).partition("[")
    for prefix, names in CLASSES.items():
        if test.startswith(prefix):
            return next(name for start, name in names.items() if variant.startswith(start))
    return test


def summed(rows: Iterable[Row], name: Callable[[Row], str]) -> dict[str, Row]:
    """The rows of each name added up, in the order of the names."""
    sums: dict[str, Row] = {}
    for row in rows:
        nothing: Row = {
            "tried": 0,
            "refused": None,
            "failed": 0,
            "seconds": 0.0,
            "kinds": set(),
            "seeds": set(),
        }
        total = sums.setdefault(name(row), nothing)
        total["tried"] += row["tried"]
        if row["refused"] is not None:
            total["refused"] = (total["refused"] or 0) + row["refused"]
        total["failed"] += row["failed"]
        total["seconds"] += row["seconds"]
        total["kinds"].add(row["kind"])
        total["seeds"].add(row["seed"])
    return dict(sorted(sums.items()))


def page(rows: list[Row]) -> str:
    """The counts as a page."""
    total = sum(row["tried"] for row in rows)
    failed = sorted({row["kind"] for row in rows if row["failed"]})
    verdict = "none failed" if not failed else f"**{len(failed)} failed**: {', '.join(failed)}"
    lines = [
        "# Robustness",
        "",
        "Damaged files, cards and caches, odd commands, and commands that are killed or meet a full disk:",
        "each input must be read rightly or refused in one sentence with exit code 2, within seconds; a",
        "command that was stopped, begun again, must end as if nothing had happened. The tests are in",
        "`tests/fuzz`: a few inputs of each kind in every test run, many by `make fuzz`, which is",
        "`python -m benchmarks.robustness --inputs 2000 --seeds 0` and takes other numbers, kinds and seeds.",
        "",
        f"{total:,} inputs of {len({row['kind'] for row in rows})} kinds, seeds "
        f"{listed({row['seed'] for row in rows})}: {verdict}. "
        f"At {', '.join(f'`{commit}`' for commit in sorted({row['commit'] for row in rows}))}, "
        f"on {', '.join(sorted({row['on'] for row in rows}))}.",
        "",
        "| what is tried | kinds | inputs | refused | failed | seconds |",
        "|---|---:|---:|---:|---:|---:|",
        *(
            f"| {name} | {len(sums['kinds'])} | {numbers(sums)} |"
            for name, sums in summed(rows, class_of).items()
        ),
        "",
        "| kind | seeds | inputs | refused | failed | seconds |",
        "|---|---:|---:|---:|---:|---:|",
        *(
            f"| {name.replace('|', ' ')} | {listed(sums['seeds'])} | {numbers(sums)} |"
            for name, sums in summed(rows, lambda row: str(row["kind"])).items()
        ),
    ]
    return "\n".join(lines) + "\n"


def numbers(sums: Row) -> str:
    """The cells of a sum; where refusals are not counted, an empty one."""
    refused = "" if sums["refused"] is None else f"{sums['refused']:,}"
    return f"{sums['tried']:,} | {refused} | {sums['failed']} | {sums['seconds']:,.0f}"


def listed(seeds: Iterable[int]) -> str:
    """Seeds in order, those in a row by their ends.

    >>> listed([3, 0, 1, 2, 7])
    '0-3, 7'
    """
    runs: list[list[int]] = []
    for seed in sorted(seeds):
        if runs and seed == runs[-1][1] + 1:
            runs[-1][1] = seed
        else:
            runs.append([seed, seed])
    return ", ".join(f"{first}-{last}" if last > first else str(first) for first, last in runs)


if __name__ == "__main__":
    main()
