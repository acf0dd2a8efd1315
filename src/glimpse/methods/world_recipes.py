"""What is set otherwise for the rendered world: small encoders, few images, a CPU; all our choice.

They start from the weights that ship with Glimpse, so few epochs do; rates were chosen on validation persons.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from glimpse.encoders.size import Size
from glimpse.methods.catalog import recipe_of
from glimpse.methods.recipe import scaled
from glimpse.training.recipes import with_settings


def _adamw(name: str, rate: str = "1e-3") -> tuple[str, ...]:
    """The published SGD suits published weights; a small transformer needs Adam."""
    return (
        f"{name}.kind=adamw",
        f"{name}.rate={rate}",
        f"{name}.weight-decay=0.05",
        f"{name}.warmup=2",
    )


WORLD_SETTINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "bot": (
            "epochs=20",
            "optimiser.rate=1e-3",
            "optimiser.warmup=2",
            "optimiser.milestones=12,17",
        ),
        "transreid": (
            "epochs=20",
            *_adamw("optimiser"),
        ),
        "dpm": (
            "epochs=20",
            "mask=light",
            "form=joint",
            "stride=16",
            "margin=0.3",
            "enrichment-weight=0.64",
            # the form that does no harm, on the features that the masks are trained on
            "train-side=subspace",
            "test-side=subspace",
            "tap=after",
            *_adamw("optimiser"),
            *_adamw("mask-optimiser"),
            "mask-optimiser.course=cosine",
        ),
        "dpm++": (
            "prompt-epochs=10",
            "prompt-optimiser.rate=1e-2",
            "adapt-epochs=2",
            "epochs=20",
            "form=joint",
            "stride=12",
            "head-rate=1",
            "identity-weight=0.75",
            "margin=0.3",
            "enrichment-weight=0.064",
            # harder pairs, and copies among the triplets, do harm in so short a training
            "pair-weight=0.05",
            "triplet-copies=false",
            # at a half, copies cost two points of Rank-1 on whole pictures and gain nothing more
            "transfer.share=0.25",
            "visibility-weight=0.5",
            "stripes=3",
            "stripe-weight=1",
            # the form that does no harm, on the features that the masks are trained on
            "train-side=subspace",
            "test-side=subspace",
            "tap=after",
            *_adamw("optimiser", "3e-3"),
            "optimiser.course=cosine",
            "optimiser.milestones=",
            "optimiser.clip=none",
            *_adamw("mask-optimiser", "1e-2"),
            "mask-optimiser.course=cosine",
            "mask-optimiser.milestones=",
            "mask-optimiser.clip=none",
        ),
        "spt": (
            "epochs=20",
            "optimiser.kind=adamw",
            "optimiser.rate=1e-3",
            "optimiser.weight-decay=0.05",
            "optimiser.warmup=2",
        ),
        "clip-reid": (
            "prompt-epochs=10",
            "prompt-optimiser.rate=1e-2",
            "epochs=20",
            # new layers start small and three triplets pull at the class token: at 1e-3 too little is learned
            *_adamw("optimiser", "3e-3"),
            "optimiser.course=cosine",
            "identity-weight=1",
        ),
    }
)
"""Per method, as `--set` takes them."""


def world_recipe(method: str, size: Size) -> Any:
    """The method's recipe for the rendered world.

    >>> world_recipe("bot", Size.MICRO).augment.size
    (64, 32)
    """
    published = scaled(recipe_of(method), size)
    settings = WORLD_SETTINGS.get(method.lower().replace("_", "-"), ())
    # worlds have few persons: a tenth of them would be too few to tell one epoch from the next
    return with_settings(published, (*settings, "validation.share=0.2"))
