"""Which numbers make sense, declared where a number's type is: `epochs: Annotated[int, Range(1, 1000)]`.

The named types are what recipes and options have in common. A type checker sees a plain number.
"""

from __future__ import annotations

import typing
from dataclasses import dataclass
from typing import Annotated, Any

from glimpse.errors import OptionError


@dataclass(frozen=True)
class Range:
    """Numbers from `least` to `most`; what is no number is in no range.

    Attributes:
        least: the smallest.
        most: the largest.
        above: whether `least` itself is left out.
        below: whether `most` itself is left out.

    >>> 1 in Range(0, 1), 1 in Range(0, 1, below=True), float("nan") in Range(0, 1)
    (True, False, False)
    >>> print(Range(0, 1000, above=True))
    above 0, at most 1,000
    """

    least: float
    most: float
    above: bool = False
    below: bool = False

    def __contains__(self, value: float) -> bool:
        return (value > self.least if self.above else value >= self.least) and (
            value < self.most if self.below else value <= self.most
        )

    def __str__(self) -> str:
        least, most = (f"{bound:,}" for bound in (self.least, self.most))
        if self.above:
            return f"above {least}, {'below' if self.below else 'at most'} {most}"
        return f"from {least} to {most}" + (f", {most} excluded" if self.below else "")


LARGEST_SEED = 2**63 - 1
Share = Annotated[float, Range(0, 1)]
ShareBelowOne = Annotated[float, Range(0, 1, below=True)]
ShareAboveZero = Annotated[float, Range(0, 1, above=True)]
Positive = Annotated[float, Range(0, 1000, above=True)]
Weight = Annotated[float, Range(0, 1_000_000)]
"""Of a part of a loss."""
Margin = Annotated[float, Range(0, 1000)]
Factor = Annotated[float, Range(0, 1000)]
LearningRate = Annotated[float, Range(0, 100)]
Epochs = Annotated[int, Range(1, 100_000)]
EpochsOrNone = Annotated[int, Range(0, 100_000)]
Count = Annotated[int, Range(1, 100_000)]
CountOrNone = Annotated[int, Range(0, 100_000)]
BatchSize = Annotated[int, Range(1, 16_384)]
Stride = Annotated[int, Range(1, 16)]
Pixels = Annotated[int, Range(1, 2048)]
Seed = Annotated[int, Range(0, LARGEST_SEED)]


def check(name: str, value: Any, hint: Any) -> None:
    """Refuse a value that lies in no range of its type, the parts of a tuple each.

    >>> check("smoothing", 0.1, Share)
    >>> check("smoothing", float("nan"), Share | None)
    Traceback (most recent call last):
    ...
    glimpse.errors.OptionError: smoothing must be from 0 to 1, got nan
    """
    bare, limits = parts(hint)
    if limits is not None and value not in limits:
        raise OptionError(f"{name} must be {limits}, got {value}")
    if isinstance(value, tuple):
        kinds = typing.get_args(bare)
        if kinds and kinds[-1] is Ellipsis:
            kinds = (kinds[0],) * len(value)
        for part, kind in zip(value, kinds, strict=False):
            check(name, part, kind)
    elif value is not None and limits is None:
        for choice in typing.get_args(bare):
            check(name, value, choice)


def parts(hint: Any) -> tuple[Any, Range | None]:
    """A type without its range, and the range if it has one."""
    if typing.get_origin(hint) is not Annotated:
        return hint, None
    bare, *more = typing.get_args(hint)
    return bare, next((one for one in more if isinstance(one, Range)), None)


def in_words(hint: Any) -> str:
    """The ranges of a type; nothing if it has none.

    >>> in_words(tuple[Share, Share]), in_words(Positive | None), in_words(bool)
    ('from 0 to 1', 'above 0, at most 1,000', '')
    """
    bare, limits = parts(hint)
    found = [str(limits)] if limits is not None else [in_words(kind) for kind in typing.get_args(bare)]
    return "; ".join(dict.fromkeys(filter(None, found)))
