"""Sentences about images, written from the facts that they show."""

from __future__ import annotations

import numpy as np

from glimpse.errors import OptionError
from glimpse.world.grammar import Facts, Grammar, load_grammar

LONG_WORDS = 23
"""RSTPReid asks for sentences of at least this many words: given by the source (protocols.md, "RSTPReid")."""

_DETAIL = 0.55  # our choice: enough omissions that two sentences about one image differ
_TRIES = 12


def write_captions(
    facts: Facts,
    rng: np.random.Generator,
    count: int = 2,
    *,
    at_least: int = 0,
    grammar: Grammar | None = None,
) -> list[str]:
    """Sentences about one image, different ones wherever its facts allow that.

    Args:
        facts: all that may be said, from `glimpse.world.facts`.
        rng: chooses words, order and omissions.
        count: how many sentences.
        at_least: words in each of them.
        grammar: of another language than English.

    >>> facts = {"view": "back", "upper.kind": "shirt", "upper.colour": "olive"}
    >>> for caption in write_captions(facts, np.random.default_rng(2)):
    ...     print(caption)
    An individual in an olive green shirt, seen from the back.
    This individual in an olive shirt, seen from the back.
    """
    if count < 1:
        raise OptionError(f"an image gets at least one caption, got {count}")
    chosen = load_grammar() if grammar is None else grammar
    written: list[str] = []
    for _ in range(count):
        for _ in range(_TRIES):
            caption = _long(facts, rng, chosen, at_least) if at_least else _short(facts, rng, chosen)
            if caption not in written:
                break
        written.append(caption)
    return written


def _short(facts: Facts, rng: np.random.Generator, grammar: Grammar) -> str:
    return _said("caption", facts, rng, grammar, _DETAIL)


def _long(facts: Facts, rng: np.random.Generator, grammar: Grammar, at_least: int) -> str:
    """The more is said of the person, the fewer general remarks are needed to fill the length."""
    texts = [_said("long", facts, rng, grammar, 0.75)]
    if len(texts[0].split()) < at_least:
        texts = [_said("long", facts, rng, grammar, 1.0)]
    while sum(len(text.split()) for text in texts) < at_least:
        remark = _said("padding", facts, rng, grammar, 1.0)
        if remark not in texts or len(texts) > _TRIES:
            texts.append(remark)
    return " ".join(texts)


def _said(rule: str, facts: Facts, rng: np.random.Generator, grammar: Grammar, detail: float) -> str:
    text = grammar.say(rule, facts, rng, detail)
    if text is None:
        raise OptionError(f"the grammar {grammar.language!r} has nothing to say by {rule!r} of {dict(facts)}")
    return text
