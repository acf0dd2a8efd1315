"""Options given as `key=value` text, read with the types that a function's keywords declare."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Iterable
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
    options: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        name = key.strip().replace("-", "_")
        if not equals:
            raise OptionError(f"an option is given as key=value, got {pair!r}")
        if name not in known:
            raise OptionError(f"no option is called {key.strip()!r}; {_hint(name, known)}")
        if name in options:
            raise OptionError(f"the option {name} is given twice")
        options[name] = typed_value(name, value.strip(), hints[name])
    return options


def typed_value(name: str, text: str, kind: Any) -> Any:
    """Read one value as `kind`: bool, int, float, str, Path, an Enum, or one of these or None.

    >>> typed_value("draw", "none", int | None) is None
    True
    >>> typed_value("split", "three", int)
    Traceback (most recent call last):
    ...
    glimpse.errors.OptionError: the option split must be a whole number, got 'three'
    """
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
