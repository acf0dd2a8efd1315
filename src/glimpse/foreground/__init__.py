"""Where the person is in a training picture, found without a network (dpm_family 6.7)."""

from glimpse.foreground.grabcut_masks import GrabCutMasks
from glimpse.foreground.settings import GrabCutSettings
from glimpse.foreground.source import MaskSource

__all__ = ["GrabCutMasks", "GrabCutSettings", "MaskSource"]
