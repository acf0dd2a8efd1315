"""DPM++'s recipe on other data sets than Occluded-Duke, and on ImageNet's encoder (dpm_family 6.10).

Occluded-REID, Partial-REID and Partial-iLIDS have no training rows: train on Market-1501 for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

# as DPM's for these data sets (dpm_family 6.6): a smaller margin, a tenth of the enrichment
_MARKET_AND_DUKE = ("margin=0.3", "enrichment-weight=0.64")

# cameras of the other data set are unknown (dpm_family 6.4); jitter as DPM has it
_FROM_MARKET = (
    *_MARKET_AND_DUKE,
    "cameras=false",
    "augment.brightness=0.3",
    "augment.contrast=0.3",
    "augment.saturation=0.2",
    "augment.hue=0.2",
)

DPMPP_SETTINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "occluded_duke": (),
        "market1501-to-occluded_reid": _FROM_MARKET,
        "market1501-to-partial_reid": _FROM_MARKET,
        "market1501-to-partial_ilids": _FROM_MARKET,
        "market1501": _MARKET_AND_DUKE,
        "dukemtmc": _MARKET_AND_DUKE,
        "msmt17": _MARKET_AND_DUKE,
    }
)
"""By data set, or by source and target: what the recipe changes, as `--set` takes it; all our choice."""

IMAGENET: tuple[str, ...] = (
    "tower=vit",
    "text=false",
    "epochs=150",
    "smoothing=0",
    "identity-weight=0.5",
    "masked-weight=0.5",
    "triplet-margin=none",
    "side-weight=3",
    "drop-path=0.1",
    "head-rate=1",
    "optimiser.kind=sgd",
    "optimiser.rate=0.008",
    "optimiser.course=cosine",
    "optimiser.warmup=5",
    "optimiser.warmup-start=0.01",
    "optimiser.milestones=",
    "mask-optimiser.kind=sgd",
    "mask-optimiser.rate=0.008",
    "mask-optimiser.course=cosine",
    "mask-optimiser.warmup=5",
    "mask-optimiser.warmup-start=0.01",
    "mask-optimiser.milestones=",
)
"""The form without texts: DPM's recipe, with copies, pair loss and budget (dpm_family 6.10)."""
