import json

import numpy as np
import pytest

from glimpse.errors import OptionError
from glimpse.world.grammar import load_grammar

# Another language is a file: French agrees in gender and elides, and no code knows of it.
FRENCH = {
    "words": {
        "masculine": {"green": ["vert"], "white": ["blanc"]},
        "feminine": {"green": ["verte"], "white": ["blanche"]},
    },
    "rules": {
        "caption": ["{person} porte {clothes}."],
        "person": ["une personne"],
        "clothes": {"list": ["upper", "lower"], "between": ", ", "last": " et "},
        "upper": {
            "by": "upper.kind",
            "coat": ["un manteau {upper.m}"],
            "jacket": ["une veste {upper.f}"],
        },
        "lower": {"by": "lower.kind", "skirt": ["une jupe {lower.f}"]},
        "upper.m": {"by": "upper.colour", "words": "masculine"},
        "upper.f": {"by": "upper.colour", "words": "feminine"},
        "lower.f": {"by": "lower.colour", "words": "feminine"},
    },
    "finish": [["\\bde (?=[aeiou])", "d'"]],
}


def grammar_of(tmp_path, content):
    path = tmp_path / "grammar.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return load_grammar(path)


def rules(tmp_path, **rules):
    return grammar_of(tmp_path, {"rules": rules})


def said(grammar, rule, facts=None, detail=0.5, draws=60):
    return {grammar.say(rule, facts or {}, np.random.default_rng(seed), detail) for seed in range(draws)}


def test_another_language_is_a_file(tmp_path):
    french = grammar_of(tmp_path, FRENCH)
    facts = {"upper.kind": "jacket", "upper.colour": "green", "lower.kind": "skirt", "lower.colour": "white"}
    assert said(french, "caption", facts) == {"Une personne porte une veste verte et une jupe blanche."}
    facts["upper.kind"] = "coat"
    assert said(french, "caption", facts) == {"Une personne porte un manteau vert et une jupe blanche."}


def test_what_no_fact_supports_is_not_said(tmp_path):
    grammar = rules(tmp_path, start=["{what} here", "nothing here"], what={"by": "what", "dog": ["a dog"]})
    assert said(grammar, "start", {"what": "dog"}) == {"A dog here", "Nothing here"}
    assert said(grammar, "start", {"what": "cat"}) == {"Nothing here"}
    assert said(grammar, "what") == {None}


def test_a_part_that_may_be_left_out_depends_on_the_detail(tmp_path):
    grammar = rules(tmp_path, start=["seen[ {what}]"], what={"by": "what", "dog": ["a dog"]})
    assert said(grammar, "start", {"what": "dog"}, detail=1.0) == {"Seen a dog"}
    assert said(grammar, "start", {"what": "dog"}, detail=0.0) == {"Seen"}
    assert said(grammar, "start", {"what": "dog"}) == {"Seen", "Seen a dog"}
    assert said(grammar, "start", {}, detail=1.0) == {"Seen"}


def test_the_first_phrase_that_can_be_said_wins_where_order_counts(tmp_path):
    grammar = rules(tmp_path, start={"first": ["{what}", "plain"]}, what={"by": "what", "dog": ["a dog"]})
    assert said(grammar, "start", {"what": "dog"}) == {"A dog"}
    assert said(grammar, "start") == {"Plain"}


def test_a_list_joins_what_can_be_said_and_drops_only_what_it_may(tmp_path):
    listing = {"list": ["one", "two", "three"], "droppable": ["two"], "between": ", ", "last": " and "}
    grammar = rules(tmp_path, start=listing, one=["one"], two={"by": "two", "yes": ["two"]}, three=["three"])
    assert said(grammar, "start", {"two": "yes"}, detail=1.0) == {"One, two and three"}
    assert said(grammar, "start", {"two": "yes"}) == {"One, two and three", "One and three"}
    assert said(grammar, "start", {}) == {"One and three"}


def test_a_shuffled_list_comes_in_every_order(tmp_path):
    listing = {"list": ["one", "two"], "between": ", ", "last": " and ", "shuffled": True}
    assert said(rules(tmp_path, start=listing, one=["one"], two=["two"]), "start") == {
        "One and two",
        "Two and one",
    }


def test_english_articles_agree_with_what_follows():
    english = load_grammar("english")
    facts = {"upper.kind": "jacket", "upper.colour": "orange"}
    phrases = {text.lower() for text in said(english, "upper", facts)}
    assert any("an orange" in text for text in phrases)
    assert any("An open" in text for text in said(english, "upper", facts | {"upper.inner": "red"}))
    assert not any(" a o" in f" {text}" for text in phrases)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"rules": {"start": ["{nobody}"]}}, "nobody, which is no rule"),
        ({"rules": {"start": ["{open"]}}, "closing brace"),
        ({"rules": {"start": {"by": "what", "words": "missing"}}}, "malformed"),
        ({"rules": {"start": 3}}, "malformed"),
        ([], "malformed"),
        ({"rules": {}, "finish": [["(", ""]]}, "malformed"),
    ],
)
def test_a_malformed_grammar_is_one_sentence(tmp_path, content, message):
    with pytest.raises(OptionError, match=message):
        grammar_of(tmp_path, content)


def test_a_language_without_a_file_is_one_sentence():
    with pytest.raises(OptionError, match="no grammar for the language 'klingon'"):
        load_grammar("klingon")
