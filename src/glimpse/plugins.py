"""What other packages add to Glimpse by entry points, and one sentence for what cannot be loaded."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from glimpse.errors import OptionError


class PluginWarning(UserWarning):
    """Something that another package adds is left out."""


def points(group: str) -> tuple[EntryPoint, ...]:
    """The entry points of a group, sorted by name; nothing is imported for it."""
    return tuple(sorted(entry_points(group=group), key=lambda point: (point.name, point.value)))


def cannot_load(noun: str, name: str, value: str, error: Exception) -> OptionError:
    """The error for what another package names but fails to give.

    >>> print(cannot_load("method", "mine", "my_package:ROW", ValueError("too small")))
    the method 'mine' of another package cannot be loaded from my_package:ROW: ValueError: too small
    """
    reason = " ".join(str(error).split())
    return OptionError(
        f"the {noun} {name!r} of another package cannot be loaded from {value}: "
        f"{type(error).__name__}: {reason}"
    )
