"""Where the person is in a training image, found without a network (dpm_family 6.7)."""

from glimpse.segmentation.base import GrabCutSettings, MaskSource
from glimpse.segmentation.grabcut import GrabCutMasks

__all__ = ["GrabCutMasks", "GrabCutSettings", "MaskSource"]
