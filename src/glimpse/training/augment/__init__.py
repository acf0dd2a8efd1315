"""Augmentation of whole batches on the device, from parameters drawn per image."""

from glimpse.training.augment.color import ChannelExchange, ColorJitter, exchanged, jittered
from glimpse.training.augment.erasing import Erasing, Rectangles, erased
from glimpse.training.augment.geometry import FlipAndCrop, Placement, placed
from glimpse.training.augment.pipeline import Augmentation, Draws, MapRule, normalized

__all__ = [
    "Augmentation",
    "ChannelExchange",
    "ColorJitter",
    "Draws",
    "Erasing",
    "FlipAndCrop",
    "MapRule",
    "Placement",
    "Rectangles",
    "erased",
    "exchanged",
    "jittered",
    "normalized",
    "placed",
]
