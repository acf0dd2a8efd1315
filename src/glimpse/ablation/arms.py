"""Arms, seeds and data sets as the command line names them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from glimpse.errors import OptionError
from glimpse.ranges import Seed
from glimpse.recipes.registry import trained_methods
from glimpse.serial import from_text

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_BETWEEN = re.compile(r",(?=[A-Za-z][\w.-]*=)")  # not the commas within a value, as in milestones=24,34


@dataclass(frozen=True)
class Arm:
    """One method or recipe, trained with every seed; or a retriever that is only measured.

    Attributes:
        name: of the arm.
        made_of: a method's name, or a retriever's name or folder.
        settings: keys of the recipe, as `key=value`.
        trained: whether it is a method.
    """

    name: str
    made_of: str
    settings: tuple[str, ...] = ()
    trained: bool = True

    def __str__(self) -> str:
        if not self.trained:
            return f"the retriever {self.made_of}, not trained here"
        return self.made_of + (f" with {', '.join(self.settings)}" if self.settings else "")


def parse_arm(text: str) -> Arm:
    """An arm from `NAME=METHOD[:key=value,...]`, or `NAME=RETRIEVER`.

    >>> parse_arm("ibn=bot:ibn=true,optimizer.milestones=24,34").settings
    ('ibn=true', 'optimizer.milestones=24,34')
    >>> parse_arm("plain=colors").trained
    False
    """
    name, equals, rest = text.partition("=")
    if not equals or not rest:
        raise OptionError(f"an arm is given as NAME=METHOD or NAME=METHOD:key=value,..., got {text!r}")
    method, _, settings = rest.partition(":")
    plain = method.lower().replace("_", "-")
    if plain not in trained_methods():
        return Arm(_name(name), rest, trained=False)
    pairs = tuple(_BETWEEN.split(settings)) if settings else ()
    if any(pair.partition("=")[0].strip() == "seed" for pair in pairs):
        raise OptionError(f"the arm {name} sets seed: an ablation's seeds are given by --seeds")
    return Arm(_name(name), plain, pairs)


def parse_baseline(retriever: str) -> Arm:
    """A retriever that is only measured, called as it or its folder is named.

    >>> parse_baseline("colors")
    Arm(name='colors', made_of='colors', settings=(), trained=False)
    """
    if retriever.lower().replace("_", "-") in trained_methods():
        raise OptionError(f"the baseline {retriever} is a method: give it as an arm, NAME={retriever}")
    return Arm(_name(re.split(r"[/\\]", retriever.rstrip("/\\"))[-1]), retriever, trained=False)


def check_arms(arms: Sequence[Arm]) -> None:
    """Refuse an ablation without arms, or with two of one name."""
    if not arms:
        raise OptionError("an ablation needs at least one --arm NAME=METHOD")
    names = [arm.name for arm in arms]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise OptionError(f"two arms are called {twice[0]}: give them different names")


def parse_seeds(text: str) -> tuple[int, ...]:
    """Seeds from `0,1,2`.

    >>> parse_seeds("0, 7")
    (0, 7)
    """
    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdecimal() for word in words):
        raise OptionError(f"seeds are whole numbers with commas between them, like 0,1,2, got {text!r}")
    seeds = tuple(from_text("seed", word, Seed) for word in words)
    if len(set(seeds)) != len(seeds):
        raise OptionError(f"each seed counts once, got {text!r}")
    return seeds


def data_names(sources: Iterable[tuple[str, str]]) -> Mapping[str, tuple[str, str]]:
    """A short name for each (layout, folder): the layout's, with a number if it is there more than once.

    >>> list(data_names([("market1501", "a"), ("regdb", "b"), ("market1501", "c")]))
    ['market1501-1', 'regdb', 'market1501-2']
    """
    listed = list(dict.fromkeys(sources))
    layouts = [layout for layout, _ in listed]
    names: dict[str, tuple[str, str]] = {}
    for number, (layout, folder) in enumerate(listed):
        several = layouts.count(layout) > 1
        names[f"{layout}-{layouts[: number + 1].count(layout)}" if several else layout] = (layout, folder)
    return names


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise OptionError(
            f"an arm's name is made of letters, digits and . _ + -, and begins with one of the first two, "
            f"got {text!r}"
        )
    return text
