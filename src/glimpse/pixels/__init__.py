"""Pixels: safe decoding, resizing, and the cache that decodes each picture once."""

from glimpse.pixels.decode import MAX_PIXELS, decode
from glimpse.pixels.resize import Filter, resize

__all__ = ["MAX_PIXELS", "Filter", "decode", "resize"]
