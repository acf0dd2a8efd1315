"""Text as the site has it: examples become code, names become links to where they are defined."""

from __future__ import annotations

import re
from collections.abc import Callable

from links import FENCE, outside

EXAMPLE = re.compile(r"^(?P<indent> *)>>> .*\n?(?:(?P=indent)\S.*\n?)*", flags=re.M)
GLUED = re.compile(r"^(?P<text>(?![-*+|#>]|\d+\. )\S.*)\n(?=(?:[-*+]|1\.) )", flags=re.M)
# a link or a heading is left as it is
NAME = re.compile(r"\[[^\]]*\]\([^)]*\)|^#.*$|(?<!`)`(?P<name>[A-Za-z_][\w.]*)(?:\(\))?`(?!`)", flags=re.M)


def with_lists(text: str) -> str:
    """Markdown with the blank line before each list that the generator wants, and GitHub does without."""
    return outside(FENCE, text, lambda prose: GLUED.sub(r"\g<text>\n\n", prose))


def with_examples(doc: str) -> str:
    """A docstring with its examples in fences, each part between blank lines in one of its own."""

    def fenced(example: re.Match[str]) -> str:
        return f"{example['indent']}```pycon\n{example[0].rstrip()}\n{example['indent']}```\n"

    return EXAMPLE.sub(fenced, doc)


def with_links(text: str, place_of: Callable[[str], str | None]) -> str:
    """Markdown whose names in backticks are links where `place_of` knows them; links and headings stay."""

    def link(found: re.Match[str]) -> str:
        place = place_of(found["name"]) if found["name"] else None
        return f"[{found[0]}][{place}]" if place else found[0]

    return outside(FENCE, text, lambda prose: NAME.sub(link, prose))
