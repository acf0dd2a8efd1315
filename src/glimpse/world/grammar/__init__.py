"""Turning facts into sentences: an engine without words, and a file of words for each language."""

from glimpse.world.grammar.grammar import Facts, Grammar, load_grammar

__all__ = ["Facts", "Grammar", "load_grammar"]
