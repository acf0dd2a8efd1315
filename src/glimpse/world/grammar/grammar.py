"""`Grammar`: rules read from a language's file, and the random choice among them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from glimpse.errors import OptionError
from glimpse.world.grammar.template import Choice, Slot, Template, parse, slots

Facts = Mapping[str, str]
"""What can be said: `{"upper.kind": "shirt", "upper.color": "navy", "view": "back"}`."""


@dataclass(frozen=True)
class AnyOf:
    """Alternatives; one that the facts allow is drawn. In order, the first that can be."""

    phrases: tuple[Template, ...]
    in_order: bool = False


@dataclass(frozen=True)
class ByFact:
    """Phrases that depend on a fact; nothing can be said where the fact is unknown."""

    fact: str
    phrases: Mapping[str, AnyOf]


@dataclass(frozen=True)
class Listing:
    """Items joined as a list, in order or shuffled; those that cannot be said fall out.

    Of three or more, one of the `droppable` ones may be left out for brevity.
    """

    items: tuple[str, ...]
    droppable: frozenset[str]
    between: str
    last: str
    shuffled: bool


Rule = AnyOf | ByFact | Listing


@dataclass(frozen=True)
class Grammar:
    """The phrases of one language.

    Attributes:
        language: its name.
        rules: by name; what each says depends on facts only through `ByFact` rules.
        finish: patterns and replacements that are applied at last, for articles and elisions.
    """

    language: str
    rules: Mapping[str, Rule]
    finish: tuple[tuple[re.Pattern[str], str], ...] = field(default=())

    def say(self, rule: str, facts: Facts, rng: np.random.Generator, detail: float = 0.5) -> str | None:
        """A phrase of that rule, or None if the facts do not allow one.

        Args:
            rule: where to start.
            facts: all that may be said.
            rng: chooses among phrases.
            detail: the chance that a part which may be left out is said.

        >>> english = load_grammar("english")
        >>> english.say("shoes", {"shoes.colour": "red"}, np.random.default_rng(0)) is not None
        True
        >>> english.say("shoes", {}, np.random.default_rng(0)) is None
        True
        """
        text = _Saying(self, facts, rng, detail).rule(rule)
        if text is None:
            return None
        for pattern, replacement in self.finish:
            text = pattern.sub(replacement, text)
        return re.sub(r"(^|[.!?] )(\w)", lambda found: found[1] + found[2].upper(), text)

    def facts_used(self) -> set[str]:
        """The names of all facts on which some phrase depends."""
        return {rule.fact for rule in self.rules.values() if isinstance(rule, ByFact)}


@dataclass(frozen=True)
class _Saying:
    """One walk through the rules."""

    grammar: Grammar
    facts: Facts
    rng: np.random.Generator
    detail: float

    def rule(self, name: str) -> str | None:
        rule = self.grammar.rules[name]
        if isinstance(rule, AnyOf):
            return self._any(rule)
        if isinstance(rule, ByFact):
            value = self.facts.get(rule.fact)
            return None if value is None or value not in rule.phrases else self._any(rule.phrases[value])
        return self._listing(rule)

    def _any(self, rule: AnyOf) -> str | None:
        count = len(rule.phrases)
        order = range(count) if rule.in_order else self.rng.permutation(count).tolist()
        return next((text for i in order if (text := self._template(rule.phrases[i])) is not None), None)

    def _listing(self, rule: Listing) -> str | None:
        order = self.rng.permutation(len(rule.items)).tolist() if rule.shuffled else range(len(rule.items))
        names = [rule.items[i] for i in order]
        said = {name: text for name in names if (text := self.rule(name)) is not None}
        droppable = [name for name in said if name in rule.droppable]
        if len(said) > 2 and droppable and self.rng.random() > self.detail:
            del said[droppable[int(self.rng.integers(len(droppable)))]]
        texts = list(said.values())
        if len(texts) < 2:
            return texts[0] if texts else None
        return rule.between.join(texts[:-1]) + rule.last + texts[-1]

    def _template(self, template: Template) -> str | None:
        """The text of a template, or None as soon as a part that it needs cannot be said."""
        texts: list[str] = []
        for piece in template:
            if isinstance(piece, str):
                text: str | None = piece
            elif isinstance(piece, Slot):
                text = self.rule(piece.name)
            elif isinstance(piece, Choice):
                text = self._any(AnyOf(piece.options))
            else:
                said = self._template(piece.body) if self.rng.random() < self.detail else None
                text = said or ""
            if text is None:
                return None
            texts.append(text)
        return "".join(texts)


def load_grammar(language: str | Path = "english") -> Grammar:
    """Read a grammar: the name of one that comes with Glimpse, or the path of a JSON file."""
    if isinstance(language, Path):
        name, source = language.stem, language
    else:
        name, source = language, resources.files(__package__) / f"{language}.json"  # type: ignore[assignment]
    try:
        content = json.loads(source.read_text(encoding="utf-8"))
        words = content.get("words", {})
        rules = {key: _rule(key, rule, words) for key, rule in content["rules"].items()}
        finish = tuple((re.compile(pattern), text) for pattern, text in content.get("finish", []))
    except OSError as missing:
        raise OptionError(f"no grammar for the language {name!r}: {missing}") from missing
    except (ValueError, KeyError, TypeError, AttributeError, re.error) as wrong:
        raise OptionError(f"the grammar {name!r} is malformed: {wrong!r}") from wrong
    for key, rule in rules.items():
        unknown = _needs(rule) - rules.keys()
        if unknown:
            raise OptionError(f"the grammar {name!r}: {key} uses {min(unknown)}, which is no rule")
    return Grammar(name, rules, finish)


def _rule(name: str, rule: Any, words: Mapping[str, Mapping[str, list[str]]]) -> Rule:
    """A list of phrases; or an object with `first`, with `list`, or with `by` and phrases per value."""
    if isinstance(rule, list):
        return AnyOf(tuple(parse(text) for text in rule))
    if "first" in rule:
        return AnyOf(tuple(parse(text) for text in rule["first"]), in_order=True)
    if "list" in rule:
        return Listing(
            tuple(rule["list"]),
            frozenset(rule.get("droppable", ())),
            rule["between"],
            rule["last"],
            bool(rule.get("shuffled", False)),
        )
    table = words[rule["words"]] if "words" in rule else {k: v for k, v in rule.items() if k != "by"}
    phrases = {value: AnyOf(tuple(parse(text) for text in texts)) for value, texts in table.items()}
    return ByFact(str(rule["by"]), phrases)


def _needs(rule: Rule) -> set[str]:
    if isinstance(rule, Listing):
        return set(rule.items)
    groups = [rule] if isinstance(rule, AnyOf) else list(rule.phrases.values())
    return {name for group in groups for phrase in group.phrases for name in slots(phrase)}
