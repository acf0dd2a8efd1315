"""Seeing what a retriever does: which patches count, what masks keep, who is found, what is transferred."""

from glimpse.explain.asked import chosen_queries, loose_pictures
from glimpse.explain.explain import explain
from glimpse.explain.parts import Figure, Section
from glimpse.explain.report import Report, ready
from glimpse.explain.wish import Wish

__all__ = ["Figure", "Report", "Section", "Wish", "chosen_queries", "explain", "loose_pictures", "ready"]
