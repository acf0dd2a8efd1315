"""Options given as `key=value` text, read with the types that a function's keywords declare."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from glimpse.errors import OptionError
from glimpse.serial import from_text


def typed_options(function: Callable[..., Any], pairs: Iterable[str]) -> dict[str, Any]:
    """Read `key=value` pairs as keyword arguments of `function`.

    >>> def read(root, *, split: int = 0, with_validation: bool = True): ...
    >>> typed_options(read, ["split=3", "with-validation=no"])
    {'split': 3, 'with_validation': False}
    >>> typed_options(read, ["splt=3"])
    Traceback (most recent call last):
    ...
    glimpse.errors.OptionError: no option is called 'splt'; did you mean split?
    """
    hints = typing.get_type_hints(function)
    known = [
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    ]
    return typed_pairs(pairs, {name: hints[name] for name in known}, "option", lambda key: _hint(key, known))


def typed_pairs(
    pairs: Iterable[str], hints: Mapping[str, Any], noun: str, advice: Callable[[str], str]
) -> dict[str, Any]:
    """Read `key=value` pairs by the type of each key.

    Args:
        pairs: as a user wrote them; dashes in keys stand for underscores.
        hints: of every key there is.
        noun: what errors call a key.
        advice: what errors tell the writer of an unknown key.
    """
    values: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        key = name.strip().replace("-", "_")
        if not equals:
            raise OptionError(f"the {noun} {pair!r} has no value: key=value is expected")
        if key not in hints:
            raise OptionError(f"no {noun} is called {name.strip()!r}; {advice(key)}")
        if key in values:
            raise OptionError(f"the {noun} {key} is given twice")
        values[key] = from_text(key, text.strip(), hints[key])
    return values


def _hint(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=2)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"there are {', '.join(known)}" if known else "there are none"
