"""Options given as `key=value` text, read with the types that a function's keywords declare."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from typing import Any, Union

from glimpse.errors import OptionError

_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


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
        values[key] = typed_value(key, text.strip(), hints[key])
    return values


def typed_value(name: str, text: str, kind: Any) -> Any:
    """Read one value as `kind`: bool, int, float, str, Path, an Enum, one of these or None, or a tuple.

    >>> typed_value("draw", "none", int | None) is None
    True
    >>> typed_value("split", "three", int)
    Traceback (most recent call last):
    ...
    glimpse.errors.OptionError: the option split must be a whole number, got 'three'
    """
    if typing.get_origin(kind) is tuple:
        return _typed_tuple(name, text, typing.get_args(kind))
    choices = typing.get_args(kind) if typing.get_origin(kind) in (Union, types.UnionType) else (kind,)
    if type(None) in choices and text.lower() == "none":
        return None
    wanted = [choice for choice in choices if choice is not type(None)]
    # `Path | str` stands for anything that names a path: the first choice decides
    target = wanted[0]
    try:
        if target is bool:
            return _BOOLEANS[text.lower()]
        if isinstance(target, type) and issubclass(target, Enum):
            return target(text.lower())
        if target in (int, float, str, Path):
            return target(text)
    except (ValueError, KeyError):
        raise OptionError(f"the option {name} must be {_named(target)}, got {text!r}") from None
    raise TypeError(f"the option {name} has the type {kind}, which no text can be read as")


def _typed_tuple(name: str, text: str, kinds: tuple[Any, ...]) -> tuple[Any, ...]:
    parts = [part.strip() for part in text.split(",")] if text else []
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(parts)
    if len(parts) != len(kinds):
        raise OptionError(f"the key {name} needs {len(kinds)} values with commas between them, got {text!r}")
    return tuple(typed_value(name, part, kind) for part, kind in zip(parts, kinds, strict=True))


def _named(target: Any) -> str:
    names = {bool: "true or false", int: "a whole number", float: "a number"}
    if isinstance(target, type) and issubclass(target, Enum):
        return "one of " + ", ".join(str(member.value) for member in target)
    return names.get(target, str(target))


def _hint(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=2)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"there are {', '.join(known)}" if known else "there are none"
