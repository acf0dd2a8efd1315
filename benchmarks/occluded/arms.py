"""The arms: what is trained, all of it from the same weights, on the same rows, in as many steps."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from glimpse.ablation.arms import Arm

_NO_COPIES = ("transfer.share=0", "pair-weight=0")
_UNMASKED = ("mask=none", "masked-weight=0", "identity-weight=1")
_NO_TEXT = ("text=false",)
_NO_PAIRS = ("pair-weight=0", "participation=0", "wider-weight=0", "visibility-weight=0")
_NO_HEADS = ("enrichment-weight=0",)
_NO_STRIPES = ("stripes=0", "stripe-weight=0")
_BASELINE = (*_UNMASKED, *_NO_TEXT, *_NO_HEADS)

ARMS: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {
        "baseline": ("dpm++", (*_BASELINE, *_NO_COPIES, *_NO_STRIPES)),
        # copies make a batch a quarter larger, stripes a pass twice as long: this one computes as much
        "baseline-longer": ("dpm++", (*_BASELINE, *_NO_COPIES, *_NO_STRIPES, "epochs=50")),
        "arcface": ("dpm++", ("mask=none", *_NO_TEXT, *_NO_HEADS, *_NO_COPIES, *_NO_STRIPES)),
        "static-mask": ("dpm++", ("mask=static", *_NO_TEXT, *_NO_HEADS, *_NO_COPIES, *_NO_STRIPES)),
        "mask": ("dpm++", (*_NO_TEXT, *_NO_HEADS, *_NO_COPIES, *_NO_STRIPES)),
        "enrichment": ("dpm++", (*_NO_TEXT, *_NO_COPIES, *_NO_STRIPES)),
        "transfer": ("dpm++", (*_NO_TEXT, *_NO_PAIRS, *_NO_STRIPES)),
        "transfer-only": ("dpm++", (*_BASELINE, "pair-weight=0", *_NO_STRIPES)),
        "text": ("dpm++", (*_NO_PAIRS, *_NO_STRIPES)),
        "pairs": ("dpm++", _NO_STRIPES),
        "stripes-only": ("dpm++", (*_BASELINE, *_NO_COPIES)),
        "dpm++": ("dpm++", ()),
        "erasing": ("dpm++", ("transfer.kind=erasing",)),
    }
)
"""Name, method, and what is set otherwise than in the method's recipe for the world, as `--set` takes it.

From `mask` to `dpm++` each arm adds one part to the one before: masks, head enrichment, patch transfer,
words, pair and budget losses, stripes. `arcface`, `static-mask`, `transfer-only` (copies without a mask),
`stripes-only` (stripes without mask and copies) and `erasing` (rectangles of noise instead of transfer) are
controls.
"""

BASELINE = "baseline"
"""Gains are counted from it."""
FULL = "dpm++"
"""The arm that the verdict is about."""


def arm(name: str, epochs: int | None = None) -> Arm:
    """An arm of the table, perhaps with other epochs, of which each stage has its share.

    >>> arm("erasing", 1).settings
    ('transfer.kind=erasing', 'epochs=1', 'adapt-epochs=0', 'prompt-epochs=1')
    """
    method, settings = ARMS[name]
    if epochs is None:
        return Arm(name, method, settings)
    kept = tuple(pair for pair in settings if not pair.startswith("epochs="))
    shares = f"epochs={epochs}", f"adapt-epochs={epochs // 10}", f"prompt-epochs={max(epochs // 2, 1)}"
    return Arm(name, method, (*kept, *shares))
