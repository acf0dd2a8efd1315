"""The rungs: what is trained, all of it from the same weights, on the same rows, in as many steps."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from glimpse.ladder.rungs import Rung

_NO_COPIES = ("transfer.share=0", "pair-weight=0")
_UNMASKED = ("mask=none", "masked-weight=0", "identity-weight=1")
_NO_TEXT = ("text=false",)
_NO_PAIRS = ("pair-weight=0", "participation=0", "wider-weight=0", "visibility-weight=0")
_NO_HEADS = ("enrichment-weight=0",)
_BASELINE = (*_UNMASKED, *_NO_TEXT, *_NO_HEADS)

RUNGS: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {
        "baseline": ("dpm++", (*_BASELINE, *_NO_COPIES)),
        # copies make a batch half as large again: this one passes as many pictures in more epochs
        "baseline-longer": ("dpm++", (*_BASELINE, *_NO_COPIES, "epochs=30")),
        "arcface": ("dpm++", ("mask=none", *_NO_TEXT, *_NO_HEADS, *_NO_COPIES)),
        "static-mask": ("dpm++", ("mask=static", *_NO_TEXT, *_NO_HEADS, *_NO_COPIES)),
        "mask": ("dpm++", (*_NO_TEXT, *_NO_HEADS, *_NO_COPIES)),
        "enrichment": ("dpm++", (*_NO_TEXT, *_NO_COPIES)),
        "transfer": ("dpm++", (*_NO_TEXT, *_NO_PAIRS)),
        "transfer-only": ("dpm++", (*_BASELINE, "pair-weight=0")),
        "text": ("dpm++", _NO_PAIRS),
        "dpm++": ("dpm++", ()),
        "erasing": ("dpm++", ("transfer.kind=erasing",)),
    }
)
"""Name, method, and what is set otherwise than in the method's recipe for the world, as `--set` takes it.

From `mask` to `dpm++` each rung adds one part to the one before. `arcface`, `static-mask`, `transfer-only`
(copies without a mask) and `erasing` (rectangles of noise instead of transfer) are controls.
"""

BASELINE = "baseline"
"""Gains are counted from it."""
FULL = "dpm++"
"""The rung that the verdict is about."""


def rung(name: str, epochs: int | None = None) -> Rung:
    """A rung of the table, perhaps with other epochs.

    >>> rung("erasing", 1).settings
    ('transfer.kind=erasing', 'epochs=1')
    """
    method, settings = RUNGS[name]
    kept = tuple(pair for pair in settings if epochs is None or not pair.startswith("epochs="))
    return Rung(name, method, kept if epochs is None else (*kept, f"epochs={epochs}"))
