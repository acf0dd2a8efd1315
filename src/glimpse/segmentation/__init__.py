"""Where the person is in a training image, found without a network (dpmpp.md, "Person masks")."""

from glimpse.segmentation.base import GrabCutSettings, MaskSource
from glimpse.segmentation.grabcut import GrabCutMasks

__all__ = ["GrabCutMasks", "GrabCutSettings", "MaskSource"]
