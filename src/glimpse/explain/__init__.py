"""Reports on a retriever: attribution maps, masks, ranked lists, synthetic occlusions."""

from glimpse.explain.explain import chosen_queries, explain, loose_images
from glimpse.explain.options import ReportOptions
from glimpse.explain.report import Figure, Report, Section, ready

__all__ = [
    "Figure",
    "Report",
    "ReportOptions",
    "Section",
    "chosen_queries",
    "explain",
    "loose_images",
    "ready",
]
