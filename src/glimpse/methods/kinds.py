"""The words that recipes of several methods choose by; kept apart from the code, which needs torch."""

from enum import StrEnum


class Tap(StrEnum):
    """Where the embedding is taken: before the neck's batch norm or after it."""

    BEFORE = "before"
    AFTER = "after"
