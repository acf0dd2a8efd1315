"""Every benchmark in turn, each in a process of its own; `make bench` runs it.

A name may carry options, in quotes: `"training_engine --sizes base"` is a benchmark of its own.
With `--evidence`, what they print is kept in docs/evidence/kernels.json and kernels.md, in place of what
the same benchmarks printed before.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from glimpse.files import atomic_write
from glimpse.runtime import hardware

ROOT = Path(__file__).parents[1]
EVIDENCE = ROOT / "docs" / "evidence"
BENCHMARKS = (
    "evaluation_scores",
    "evaluation_embeddings",
    "evaluation_sysu",
    "evaluation_single_shot",
    "masked_cosine",
    "set_jaccard",
    "sim",
    "sim_online",
    "k_reciprocal",
    "pixel_cache",
    "world_rendering",
    "embedding",
    "training_engine",
    "color_jitter",
    "dpm_step",
    "mos",
    "patch_transfer",
    "foreground_masks",
)
PACKAGES = ("numpy", "numba", "torch", "scipy", "pillow", "faiss-cpu")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"these instead of all: {', '.join(BENCHMARKS)}"
    )
    parser.add_argument("--evidence", action="store_true", help="keep what is printed in docs/evidence")
    parser.add_argument("--commit", help="what is measured, where no git can tell")
    options = parser.parse_args()
    printed: dict[str, str] = {}
    failed = []
    for name in options.names or BENCHMARKS:
        print(f"\n== {name}", flush=True)
        command = [sys.executable, "-m", *f"benchmarks.{name}".split()]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
        print(done.stdout.rstrip(), flush=True)
        printed[name] = done.stdout.rstrip()
        if done.returncode:
            failed.append(name)
    if options.evidence:
        keep(printed, options.commit)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def keep(printed: dict[str, str], commit: str | None) -> None:
    """Write the JSON and, from it, the page; what other benchmarks printed earlier stays."""
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    about = {
        "commit": (commit or head.stdout.strip() or "unknown")[:12],
        "hardware": hardware(),
        "versions": {name: _version(name) for name in PACKAGES},
    }
    kept = EVIDENCE / "kernels.json"
    before = json.loads(kept.read_bytes()) if kept.is_file() else {}
    record = merged(before, {name: {**about, "printed": text} for name, text in printed.items()})
    EVIDENCE.mkdir(parents=True, exist_ok=True)
    with atomic_write(kept) as file:
        file.write((json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode())
    with atomic_write(EVIDENCE / "kernels.md") as file:
        file.write(page(record).encode())


def merged(before: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Sections by name, the new ones in place of older ones, in the order of `BENCHMARKS`.

    What a benchmark printed with options comes after what it printed without.
    """
    both = before | new
    return {name: both[name] for first in BENCHMARKS for name in sorted(both) if name.split()[0] == first}


def page(record: dict[str, Any]) -> str:
    """The page that `kernels.json` becomes."""
    parts = [
        "# Speed of the numeric paths",
        "Each part is what `python -m benchmarks NAME --evidence` printed last, NAME being its title.\n"
        "Every ratio is against a peer measured in the same run; a time alone says little elsewhere.",
    ]
    for name, section in record.items():
        versions = ", ".join(f"{package} {number}" for package, number in section["versions"].items())
        about = f"At commit `{section['commit']}`, on {section['hardware']}. {versions}."
        parts.append(f"## {name}\n\n{about}\n\n```\n{section['printed']}\n```")
    return "\n\n".join(parts) + "\n"


def _version(name: str) -> str:
    try:
        return version(name)
    except ImportError:
        return "absent"


if __name__ == "__main__":
    main()
