"""CLIP-ReID: words are learned for every person, then the image tower is trained towards them."""

from glimpse.methods.clip_reid.network import ClipReIDFeatures, ClipReIDNetwork, ClipReIDOptions

__all__ = ["ClipReIDFeatures", "ClipReIDNetwork", "ClipReIDOptions"]
