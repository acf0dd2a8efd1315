"""The rungs: what is trained, all of it for the same number of epochs on the same rows."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from glimpse.ladder.rungs import Rung
from glimpse.methods.dpm.presets import DPM_RUNGS

RUNGS: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {name: ("dpm", settings) for name, settings in DPM_RUNGS.items()}
)
"""Name, method, and what is set otherwise than in the method's recipe for the world, as `--set` takes it."""

BASELINE = "baseline"
"""Gains are counted from it."""
FULL = "dpm"
"""The rung that the verdict is about."""


def rung(name: str, epochs: int | None = None) -> Rung:
    """A rung of the table, perhaps with other epochs.

    >>> rung("mask", 1).settings
    ('enrichment-weight=0', 'epochs=1')
    """
    method, settings = RUNGS[name]
    return Rung(name, method, settings if epochs is None else (*settings, f"epochs={epochs}"))
