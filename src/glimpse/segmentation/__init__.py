"""Where the person and its parts are in a training image (dpmpp.md, "Person masks"; part-maps.md)."""

from glimpse.segmentation.base import GrabCutSettings, MaskSource
from glimpse.segmentation.grabcut import GrabCutMasks
from glimpse.segmentation.keypoints import keypoint_parts
from glimpse.segmentation.label_maps import label_maps, world_parts
from glimpse.segmentation.part_labels import merge_table
from glimpse.segmentation.parts import PartSource

__all__ = [
    "GrabCutMasks",
    "GrabCutSettings",
    "MaskSource",
    "PartSource",
    "keypoint_parts",
    "label_maps",
    "merge_table",
    "world_parts",
]
