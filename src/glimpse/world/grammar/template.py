"""The little language in which a grammar's phrases are written.

`{name}` is the phrase of that rule, `[...]` may be left out, `(one|other)` is a choice. Parts nest.
"""

from __future__ import annotations

from dataclasses import dataclass

from glimpse.errors import OptionError

_SPECIAL = "{}[]()|"


@dataclass(frozen=True)
class Slot:
    """The phrase of another rule goes here."""

    name: str


@dataclass(frozen=True)
class Perhaps:
    """A part that may be left out, and is where it cannot be said."""

    body: Template


@dataclass(frozen=True)
class Choice:
    """One of several parts."""

    options: tuple[Template, ...]


Piece = str | Slot | Perhaps | Choice
Template = tuple[Piece, ...]


def parse(text: str) -> Template:
    """Read a template.

    >>> parse("a {colour} (hat|cap)[ too]")  # doctest: +ELLIPSIS
    ('a ', Slot(name='colour'), ' ', Choice(options=(('hat',), ('cap',))), Perhaps(body=(' too',)))
    """
    options, end = _options(text, 0, "")
    if end != len(text) or len(options) != 1:
        raise OptionError(f"the template {text!r} has a stray {text[end : end + 1] or '|'!r}")
    return options[0]


def slots(template: Template) -> set[str]:
    """The names of all rules that a template may use."""
    found: set[str] = set()
    for piece in template:
        if isinstance(piece, Slot):
            found.add(piece.name)
        elif isinstance(piece, Perhaps):
            found |= slots(piece.body)
        elif isinstance(piece, Choice):
            found |= set().union(*(slots(option) for option in piece.options))
    return found


def _options(text: str, start: int, closing: str) -> tuple[tuple[Template, ...], int]:
    """Templates separated by bars, up to the bracket `closing` or the end of the text."""
    options: list[Template] = []
    pieces: list[Piece] = []
    place = start
    while place < len(text) and text[place] != closing:
        mark = text[place]
        if mark == "|":
            options.append(tuple(pieces))
            pieces = []
            place += 1
        elif mark == "{":
            end = text.find("}", place)
            if end < 0:
                raise OptionError(f"the template {text!r} lacks a closing brace")
            pieces.append(Slot(text[place + 1 : end]))
            place = end + 1
        elif mark in "[(":
            inner, end = _options(text, place + 1, "]" if mark == "[" else ")")
            if end >= len(text):
                raise OptionError(f"the template {text!r} lacks a closing bracket")
            choice = inner[0] if len(inner) == 1 else (Choice(inner),)
            pieces.extend((Perhaps(choice),) if mark == "[" else choice)
            place = end + 1
        elif mark in "])}":
            break
        else:
            end = next((i for i in range(place, len(text)) if text[i] in _SPECIAL), len(text))
            pieces.append(text[place:end])
            place = end
    options.append(tuple(pieces))
    return tuple(options), place
