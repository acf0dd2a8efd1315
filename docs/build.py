"""Write the parts of the documentation that the code knows best; `make docs` runs it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from glimpse.datasets import LAYOUTS

DOCS = Path(__file__).parent
GALLERY = ("add", "search", "delete", "expire", "erase", "audit", "info", "compact")
COMMANDS = (
    (),
    ("demo",),
    ("world",),
    ("world", "make"),
    ("world", "show"),
    ("datasets",),
    ("datasets", "check"),
    ("recipes",),
    ("recipes", "show"),
    ("train",),
    ("pretrain",),
    ("embed",),
    ("gallery",),
    *(("gallery", verb) for verb in GALLERY),
    ("evaluate",),
    ("explain",),
    ("ablation",),
    ("export",),
    ("import-weights",),
)


def layout_table() -> str:
    """The table of layouts, from the readers' own facts."""
    lines = ["| name | data set | task | published | who grants it |", "|---|---|---|---|---|"]
    for layout in LAYOUTS:
        counts = "<br>".join(f"{part}: {count}" for part, count in layout.published.items()) or "-"
        grants = f"**withdrawn**: {layout.grants}" if layout.withdrawn else layout.grants
        lines.append(f"| `{layout.name}` | {layout.title} | {layout.task} | {counts} | {grants} |")
    return "\n".join(lines)


def datasets_page(page: str) -> str:
    """`datasets.md` with its table renewed."""
    start = "<!-- table of layouts: written by `make docs` -->"
    end = "<!-- end of table -->"
    return re.sub(
        f"{re.escape(start)}.*{re.escape(end)}",
        lambda _: f"{start}\n{layout_table()}\n{end}",
        page,
        flags=re.S,
    )


def commands_page() -> str:
    """The help of every command."""
    parts = ["# Commands\n\nWritten by `make docs` from the commands' own help.\n"]
    for command in COMMANDS:
        shown = subprocess.run(
            [sys.executable, "-m", "glimpse", *command, "--help"],
            capture_output=True,
            text=True,
            check=True,
            env={"COLUMNS": "100", "PYTHONPATH": ":".join(sys.path), "PATH": ""},
        ).stdout
        title = " ".join(("glimpse", *command))
        parts.append(f"## {title}\n\n```\n{shown.replace('python -m glimpse', 'glimpse').rstrip()}\n```\n")
    return "\n".join(parts)


def pages() -> dict[Path, str]:
    """Every page that is written here, in whole or in part."""
    datasets = DOCS / "datasets.md"
    return {
        datasets: datasets_page(datasets.read_text(encoding="utf-8")),
        DOCS / "commands.md": commands_page(),
    }


def main() -> None:
    """Write the pages."""
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
