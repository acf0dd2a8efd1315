"""What readers share: find the folder, list and parse file names, report problems, compare counts."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from glimpse.datasets.counts import differences, part_counts, world_counts
from glimpse.datasets.dataset import Dataset
from glimpse.datasets.layout import Layout
from glimpse.errors import LayoutError, StorageError
from glimpse.files import printable, read_file
from glimpse.protocols import Protocol
from glimpse.records import Records

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"})

Row = dict[str, Any]


class DatasetWarning(UserWarning):
    """Something about a data set on disk that its user should know."""


@dataclass
class Reading:
    """One run of a reader over one folder, and the problems found."""

    layout: Layout
    root: Path
    problems: list[str] = field(default_factory=list)

    @classmethod
    def begin(cls, layout: Layout, root: Path | str, *needed: str | tuple[str, ...]) -> Reading:
        """Find the folder that holds the layout: `root` itself, or a known name inside it.

        Args:
            layout: what is looked for.
            root: where.
            needed: names that must be there; a tuple means any one of them.
        """
        given = Path(root)
        if not given.is_dir():
            raise LayoutError(f"{layout.name}: {given} is not a folder")
        places = [
            given,
            *(given / name for name in layout.folders),
            *(given / name / name for name in layout.folders),
        ]
        names = [need if isinstance(need, tuple) else (need,) for need in needed]
        for place in places:
            if all(any((place / name).exists() for name in choices) for choices in names):
                return cls(layout, place)
        near = [place for place in places if place.is_dir()]
        lacking = [
            " or ".join(need) for need in names if not any((near[-1] / name).exists() for name in need)
        ]
        raise LayoutError(
            f"{layout.name}: no {', '.join(lacking)} in {' nor in '.join(map(str, near))} "
            f"(also looked for the folders {', '.join(layout.folders)}); {advice(layout)}"
        )

    def folder(self, *names: str) -> Path:
        """The first of these folders that exists."""
        for name in names:
            if (self.root / name).is_dir():
                return self.root / name
        raise LayoutError(
            f"{self.layout.name}: no folder {' or '.join(names)} in {self.root}; {advice(self.layout)}"
        )

    def parse(
        self,
        folder: Path,
        *patterns: re.Pattern[str],
        row: Callable[[re.Match[str]], Row],
        deep: bool = False,
        among: Iterable[str] | None = None,
    ) -> Records:
        """The images of a folder whose names a pattern understands, sorted by name.

        Args:
            folder: where the images are.
            patterns: tried in order on the name without its ending; the whole of it must match.
            row: the columns that a match gives, without `path`.
            deep: also look into sub-folders.
            among: names relative to `folder` to read instead of what is there.
        """
        names = sorted(among) if among is not None else image_names(folder, deep=deep)
        if among is None and not names:
            self.problems.append(f"{folder.name}: there are no images in this folder")
        rows: list[Row] = []
        strange: list[str] = []
        for name in names:
            stem = os.path.splitext(os.path.basename(name))[0]  # noqa: PTH119, PTH122 (half a million names)
            match = next((found for pattern in patterns if (found := pattern.fullmatch(stem))), None)
            if match is None:
                strange.append(name)
            else:
                rows.append({"path": f"{folder}{os.sep}{name}", **row(match)})
        if strange:
            self.problems.append(
                f"{folder.name}: {len(strange)} image names are not understood and were left out, "
                f"the first is {strange[0]!r}"
            )
        return Records.from_rows(rows)

    def require_images(self, records: Records, listed_in: str) -> None:
        """Refuse a list that names images which are not there."""
        missing = [path for path in records.path.tolist() if not os.path.isfile(path)]  # noqa: PTH113 (speed)
        if missing:
            raise LayoutError(
                f"{self.layout.name}: {len(missing)} of the {len(records)} images listed in {listed_in} "
                f"are missing, the first is {missing[0]}"
            )

    def check_closed(self, train: Records, *tests: Records) -> None:
        """Report persons that are in both training and test rows."""
        known = set(train.persons.tolist())
        shared = sorted(known.intersection(*[set().union(*(test.persons.tolist() for test in tests))]))
        if shared:
            self.problems.append(f"{len(shared)} persons are in train and in test, the first is {shared[0]}")

    def finish(
        self,
        train: Records,
        protocols: Sequence[Protocol],
        *,
        validation: Records | None = None,
        selection: str | None = None,
    ) -> Dataset:
        """Compare the counts with the published ones, warn of every problem, and hand out the data set."""
        by_name = {protocol.name: protocol for protocol in protocols}
        rendered = world_counts(self.root)
        expected = self.layout.published if rendered is None else rendered
        problems = [*self.problems, *differences(part_counts(train, by_name), expected)]
        valid = self.layout.published_valid if rendered is None else {}
        for name, wanted in valid.items():
            got = by_name[name].validity()[0].valid
            if got != wanted:
                problems.append(f"{name}: found {got:,} valid queries, expected {wanted:,}")
        for problem in problems:
            warnings.warn(f"{self.layout.name} in {self.root}: {problem}", DatasetWarning, stacklevel=3)
        return Dataset(
            self.layout,
            self.root,
            train,
            by_name,
            Records.empty() if validation is None else validation,
            selection,
            tuple(problems),
            expected,
            rendered is not None,
        )


def advice(layout: Layout) -> str:
    """The sentence on who grants the data set, and on rendering one instead."""
    grants = f"{layout.grants}" if not layout.withdrawn else f"withdrawn by its owners: {layout.grants}"
    world = (
        f"; or render a stand-in: glimpse world make DIR --layout {layout.name}" if layout.rendered else ""
    )
    return f"expected {layout.tree}; {grants}{world}"


def image_names(folder: Path, *, deep: bool = False) -> list[str]:
    """Names of the images in a folder, relative to it and sorted, whatever the case of their ending."""
    found: list[str] = []
    # with the folders around each, as links may lead back into one of them
    pending = [("", frozenset([_identity(os.stat(folder))]))]  # noqa: PTH116 (as entries give it)
    while pending:
        prefix, around = pending.pop()
        with os.scandir(folder / prefix) as entries:
            for entry in entries:
                if deep and _is_folder(entry):
                    this = _identity(entry.stat())
                    if this not in around:
                        pending.append((f"{prefix}{entry.name}{os.sep}", around | {this}))
                elif os.path.splitext(entry.name)[1].lower() in IMAGE_SUFFIXES:  # noqa: PTH122 (speed)
                    found.append(prefix + entry.name)
    return sorted(found)


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def read_lines(path: Path) -> list[str]:
    """The lines of a list; a last line without a line break keeps its last letter.

    See protocols.md, "Pitfalls".
    """
    try:
        text = read_file(path, "list").decode("utf-8-sig")
    except StorageError as wrong:
        raise LayoutError(str(wrong)) from wrong
    except UnicodeDecodeError as wrong:
        raise LayoutError(f"cannot read the list {printable(path)}: {wrong}") from wrong
    return [line.rstrip("\r") for line in text.split("\n") if line.strip()]


def person_row(**same: object) -> Callable[[re.Match[str]], Row]:
    """A row function for names that give only a person; `same` is what every row shares."""
    return lambda name: {"person": int(name["person"]), **same}


def read_persons(path: Path) -> set[int]:
    """The persons of a list like `1,2,5`, as SYSU-MM01 and LLCM write them."""
    words = ",".join(read_lines(path)).split(",")
    try:
        return {int(word) for word in words if word.strip()}
    except ValueError as wrong:
        raise LayoutError(f"{path} must hold comma-separated persons: {wrong}") from wrong
