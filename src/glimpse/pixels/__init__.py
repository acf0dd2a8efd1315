"""Pixels: safe decoding, resizing, and the cache that decodes each image once."""

from glimpse.choices import Filter
from glimpse.pixels.cache import BuildReport, OnBroken, PixelCache
from glimpse.pixels.decode import MAX_PIXELS, decode
from glimpse.pixels.resize import resize
from glimpse.progress import silent, terminal_bar

__all__ = [
    "MAX_PIXELS",
    "BuildReport",
    "Filter",
    "OnBroken",
    "PixelCache",
    "decode",
    "resize",
    "silent",
    "terminal_bar",
]
