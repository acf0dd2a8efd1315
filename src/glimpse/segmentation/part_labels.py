"""Label sets of human parsers, poses and worlds, and how their labels merge into parts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glimpse.errors import LayoutError, OptionError
from glimpse.files import printable, read_json
from glimpse.world.frame import PART_NAMES as WORLD_LABELS

BACKGROUND = "background"
IGNORE = 255
"""A label of no part, for whoever lets losses leave pixels out; no source gives it."""

PASCAL = ("background", "head", "torso", "upper_arms", "lower_arms", "upper_legs", "lower_legs")
LIP = (
    *("background", "hat", "hair", "glove", "sunglasses", "upper_clothes", "dress", "coat", "socks", "pants"),
    *("jumpsuits", "scarf", "skirt", "face", "left_arm", "right_arm", "left_leg", "right_leg"),
    *("left_shoe", "right_shoe"),
)
ATR = (
    *("background", "hat", "hair", "sunglasses", "upper_clothes", "skirt", "pants", "dress", "belt"),
    *("left_shoe", "right_shoe", "face", "left_leg", "right_leg", "left_arm", "right_arm", "bag", "scarf"),
)
POSE = (
    *("background", "head", "torso", "left_upper_arm", "right_upper_arm", "left_lower_arm"),
    *("right_lower_arm", "left_upper_leg", "right_upper_leg", "left_lower_leg", "right_lower_leg"),
    *("left_foot", "right_foot"),
)
LABELS: Mapping[str, tuple[str, ...]] = {
    "pascal": PASCAL,  # Pascal-Person-Part
    "lip": LIP,
    "atr": ATR,
    "pose": POSE,  # what `glimpse.segmentation.keypoints` draws
    "world": WORLD_LABELS,
}
"""By label set: its labels, in the order of their numbers. The first three are numbered as SCHP does."""

OWN, COMMON = "own", "common"
DEFAULT_MERGE = {"pascal": COMMON, "lip": COMMON, "atr": COMMON, "pose": "pascal"}
"""How a label set is merged if nobody says; those not named here keep their own labels."""


def _merged(**labels: str) -> Mapping[str, str]:
    """`part="label label"` as label to part."""
    return {label: part for part, names in labels.items() for label in names.split()}


# Which label belongs to which part is our choice; labels that are not named are background.
MERGES: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "pascal": {
        COMMON: _merged(
            head="head", torso="torso", arms="upper_arms lower_arms", legs="upper_legs lower_legs"
        )
    },
    "lip": {
        COMMON: _merged(
            head="hat hair sunglasses face",
            torso="upper_clothes dress coat jumpsuits scarf",
            arms="glove left_arm right_arm",
            legs="pants skirt left_leg right_leg",
            feet="socks left_shoe right_shoe",
        )
    },
    "atr": {
        COMMON: _merged(
            head="hat hair sunglasses face",
            torso="upper_clothes dress belt scarf",
            arms="left_arm right_arm",
            legs="skirt pants left_leg right_leg",
            feet="left_shoe right_shoe",
            carried="bag",
        )
    },
    "pose": {
        "pascal": _merged(
            head="head",
            torso="torso",
            upper_arms="left_upper_arm right_upper_arm",
            lower_arms="left_lower_arm right_lower_arm",
            upper_legs="left_upper_leg right_upper_leg",
            lower_legs="left_lower_leg right_lower_leg left_foot right_foot",
        ),
        COMMON: _merged(
            head="head",
            torso="torso",
            arms="left_upper_arm right_upper_arm left_lower_arm right_lower_arm",
            legs="left_upper_leg right_upper_leg left_lower_leg right_lower_leg",
            feet="left_foot right_foot",
        ),
    },
    "world": {
        COMMON: _merged(head="head", torso="torso", arms="arms", legs="legs", feet="feet", carried="carried")
    },
}
"""By label set and name: the part of each label; parts are numbered in the order they are named in."""


@dataclass(frozen=True)
class MergeTable:
    """Which part each label of a source belongs to; made by `merge_table`.

    Attributes:
        source: the label set, for messages.
        names: of the parts by number, the background first.
        numbers: label to part, of all labels that a map may hold.
    """

    source: str
    names: tuple[str, ...]
    numbers: Mapping[int, int]

    def merged(self, labels: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
        """The part map of a map of labels; `name` is what errors call it."""
        for label in np.flatnonzero(np.bincount(labels.ravel(), minlength=1)).tolist():
            if label not in self.numbers:
                known = ", ".join(map(str, self.numbers)) if len(self.numbers) < 30 else "others"
                raise LayoutError(
                    f"the part map {printable(name)} holds the label {label}, which {self.source} does not "
                    f"have (it has {known})"
                )
        table = np.zeros(256, np.uint8)
        table[list(self.numbers)] = list(self.numbers.values())
        return table[labels]

    def key(self) -> str:
        """A cache key that differs whenever the merged maps may differ."""
        return json.dumps([self.names, sorted(self.numbers.items())])


def merge_table(
    labels: str | Sequence[str] | None, merge: str | Path | Mapping[str, str] | None = None
) -> MergeTable:
    """The merge table of a label set.

    Args:
        labels: a name of `LABELS`, the labels themselves in the order of their numbers, or None for labels
            that have numbers only.
        merge: `own` keeps every label as a part; another name is one of `MERGES`; a JSON file or a mapping
            says `{"label": "part"}`, where labels that are not named become background. Labels without
            names are written as numbers, and a map may then hold no others but 0. If not given,
            `DEFAULT_MERGE` says.

    >>> merge_table("atr").names
    ('background', 'head', 'torso', 'arms', 'legs', 'feet', 'carried')
    >>> merge_table(None, {"3": "Head", "4": "head"}).numbers
    {0: 0, 3: 1, 4: 1}
    """
    source, known = _labels(labels)
    if isinstance(labels, str) and merge is None:
        merge = DEFAULT_MERGE.get(labels, OWN)
    if merge is None or merge == OWN:
        if not known:
            raise OptionError("labels without names cannot keep their own: give a table of label to part")
        merge = {label: label for label in known}
    elif isinstance(merge, str) and not merge.endswith(".json"):
        offered = MERGES.get(labels, {}) if isinstance(labels, str) else {}
        if merge not in offered:
            raise OptionError(
                f"{source} has no merge table {merge!r}; it has {', '.join((OWN, *offered))}, "
                "or give a JSON file of label to part"
            )
        merge = offered[merge]
    elif isinstance(merge, str | Path):
        merge = _merge_file(Path(merge))
    return _checked(source, known, merge)


def _labels(labels: str | Sequence[str] | None) -> tuple[str, tuple[str, ...]]:
    """What to call a label set, and its labels; none for mere numbers."""
    if labels is None:
        return "the merge table", ()
    if isinstance(labels, str):
        if labels not in LABELS:
            raise OptionError(f"there is no label set {labels!r}; there are {', '.join(LABELS)}")
        return labels, LABELS[labels]
    known = tuple(_word(label, "label") for label in labels)
    twice = [label for at, label in enumerate(known) if label in known[:at]]
    if twice:
        raise OptionError(f"the label {twice[0]!r} is listed twice")
    if not 2 <= len(known) <= IGNORE:
        raise OptionError(f"a list of labels has 2 to {IGNORE} of them, got {len(known)}")
    return "the list of labels", known


def _checked(source: str, known: tuple[str, ...], merge: Mapping[str, str]) -> MergeTable:
    """The table of `{"label": "part"}`, or what is wrong with it."""
    if not isinstance(merge, Mapping):
        raise OptionError('a merge table is a JSON object {"label": "part"}')
    parts: dict[int, str] = {}
    for given, part in merge.items():
        label = _word(given, "label")
        if not known and not (label.isascii() and label.isdigit() and int(label) < IGNORE):
            raise OptionError(f"the labels have no names, only numbers 0 to {IGNORE - 1}, got {given!r}")
        if known and label not in known:
            raise OptionError(
                f"the merge table names the label {given!r}, which {source} does not have; it has "
                + ", ".join(known)
            )
        number = known.index(label) if known else int(label)
        if number in parts:
            raise OptionError(f"the merge table names the label {given!r} twice")
        parts[number] = _word(part, "part")
    names = (BACKGROUND, *(name for name in dict.fromkeys(parts.values()) if name != BACKGROUND))
    if len(names) == 1:
        raise OptionError("the merge table leaves nothing but background")
    mirror_table(names)  # which says if a side lacks its other
    allowed = range(len(known)) if known else sorted({0, *parts})
    return MergeTable(
        source, names, {number: names.index(parts.get(number, BACKGROUND)) for number in allowed}
    )


def _word(text: Any, what: str) -> str:
    """The name of a label or part, in one spelling: `Left-arm`, `left arm` and `left_arm` are the same."""
    if not isinstance(text, str) or not text.strip() or not text.isprintable():
        raise OptionError(f"the name of a {what} must be printable text, got {text!r}")
    return text.strip().lower().replace("-", "_").replace(" ", "_")


def _merge_file(path: Path) -> Mapping[str, str]:
    sizes: list[tuple[int, int]] = []

    def counted(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        sizes.append((len(pairs), len(found)))
        return found

    values = read_json(path, "merge table", object_pairs_hook=counted)
    if any(told != kept for told, kept in sizes):
        raise OptionError(f"the merge table {printable(path)} names a label twice")
    if not isinstance(values, dict):
        raise OptionError(f'the merge table {printable(path)} is not a JSON object {{"label": "part"}}')
    return values


def mirror_table(names: Sequence[str]) -> NDArray[np.uint8]:
    """The label `[256]` that each label becomes in the mirror: `left_X` and `right_X` change places.

    >>> mirror_table(["background", "left_arm", "head", "right_arm"])[:4].tolist()
    [0, 3, 2, 1]
    """
    table = np.arange(256, dtype=np.uint8)
    other = {"left_": "right_", "right_": "left_"}
    for number, name in enumerate(names):
        for side in other:
            if name.startswith(side):
                opposite = other[side] + name.removeprefix(side)
                if opposite not in names:
                    raise OptionError(
                        f"the part {name} lacks its other side {opposite}: mirrored images would need it"
                    )
                table[number] = names.index(opposite)
    return table
