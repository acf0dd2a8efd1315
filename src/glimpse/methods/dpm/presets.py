"""DPM's recipe on other data sets than Occluded-Duke, and its rungs (dpm_family 3.7, 6.11).

Occluded-REID, Partial-REID and Partial-iLIDS have no training rows: train on Market-1501 for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

# read in the authors' code: stride and margin of the Market and Duke configurations
_MARKET_AND_DUKE = ("stride=12", "margin=0.3")

# read in the authors' code and its issues: 50 epochs, .01 on the sum over a batch of 64, ColorJitter
_FROM_MARKET = (
    *_MARKET_AND_DUKE,
    "epochs=50",
    "enrichment-weight=0.64",
    "augment.brightness=0.3",
    "augment.contrast=0.3",
    "augment.saturation=0.2",
    "augment.hue=0.2",
)

DPM_SETTINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "occluded_duke": (),
        "market1501-to-occluded_reid": _FROM_MARKET,
        # our choice: as for Occluded-REID, the sources are silent
        "market1501-to-partial_reid": _FROM_MARKET,
        "market1501-to-partial_ilids": _FROM_MARKET,
        # our choice: Duke's 150 epochs; the released Market configuration is made for Occluded-REID
        "market1501": _MARKET_AND_DUKE,
        "dukemtmc": _MARKET_AND_DUKE,
        # our choice: as for Market and Duke, the sources are silent
        "msmt17": _MARKET_AND_DUKE,
    }
)
"""By data set, or by source and target: what the recipe changes, as `--set` takes it."""

_UNMASKED = ("mask=none",)
_ONE_CLASSIFICATION = (*_UNMASKED, "masked-weight=0", "identity-weight=1")

DPM_RUNGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "baseline": (*_ONE_CLASSIFICATION, "enrichment-weight=0"),
        "enrichment": _ONE_CLASSIFICATION,
        "arcface": (*_UNMASKED, "enrichment-weight=0"),
        "static-mask": ("mask=static", "enrichment-weight=0"),
        "mask": ("enrichment-weight=0",),
        "dpm": (),
    }
)
"""The rungs of DPM's ladder: what the recipe changes. Everything else, the ViT too, is the same in all.

`arcface` and `static-mask` are controls: a gain that they show as well is none of the mask's. Controls at
test time, without a mask or with another query's, are in `glimpse.methods.dpm.controls`.
"""
