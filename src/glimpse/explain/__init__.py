"""Seeing what a retriever does: which patches count, what masks keep, who is found, what is transferred."""

from glimpse.explain.explain import chosen_queries, explain, loose_pictures
from glimpse.explain.options import Wish
from glimpse.explain.report import Figure, Report, Section, ready

__all__ = ["Figure", "Report", "Section", "Wish", "chosen_queries", "explain", "loose_pictures", "ready"]
