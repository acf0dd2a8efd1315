"""A person's parts as capsules along the limbs between keypoints.

All lengths are in statures, the person's standing height in pixels, which is estimated from the keypoints
themselves. Geometry and constants are our choice, after the body proportions of Drillis and Contini (1966)
with room for clothes; docs/part-maps.md says how far they agree with the world's own part maps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glimpse.segmentation.part_labels import POSE

COCO = (
    *("nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder"),
    *("left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip"),
    *("left_knee", "right_knee", "left_ankle", "right_ankle"),
)
JOINTS = (*COCO, "left_heel", "right_heel", "left_toe", "right_toe")
"""What bodies are drawn from; COCO's 17 keypoints come first, in their order."""

VISIBLE = 0.3
"""Keypoints that score less are not seen, and what needs them is not drawn."""

GEOMETRY = 1  # to be raised with every change of what is drawn

Point = NDArray[np.float64]  # [2], x and y


class Limb(NamedTuple):
    """A capsule from one joint to another, its radius going over from one to the other; in statures.

    `beyond` is how far it reaches past its end: hands, and feet that have no keypoints of their own.
    """

    start: str
    end: str
    start_radius: float
    end_radius: float
    beyond: float = 0.0


# by layer, from the back to the front, and by the part's name without its side
LIMBS: Mapping[str, tuple[Limb, ...]] = {
    "upper_leg": (Limb("hip", "knee", 0.050, 0.048),),
    "lower_leg": (Limb("knee", "ankle", 0.046, 0.036),),
    "foot": (Limb("ankle", "heel", 0.028, 0.026), Limb("heel", "toe", 0.026, 0.024)),
    "upper_arm": (Limb("shoulder", "elbow", 0.042, 0.036),),
    "lower_arm": (Limb("elbow", "wrist", 0.034, 0.024, beyond=0.055),),
}
SHOULDER, HIP, SPINE = 0.042, 0.070, 0.085  # radii of the torso's outline and of its middle
SKULL, SKULL_LONG, NECK_SHARE = 0.055, 0.045, 0.35
FOOT_LONG, FOOT = 0.035, 0.030  # without heel and toe: past the ankle, along the lower leg

# a segment's length, for the stature: foreshortening makes it look shorter, never longer
SEGMENTS: Mapping[tuple[str, str], float] = {
    ("shoulder", "elbow"): 0.186,
    ("elbow", "wrist"): 0.146,
    ("hip", "knee"): 0.245,
    ("knee", "ankle"): 0.246,
}
TRUNK, SHOULDERS = 0.288, 0.230


def draw_parts(
    joints: NDArray[np.float64], shape: tuple[int, int], size: tuple[int, int], visible: float = VISIBLE
) -> NDArray[np.uint8]:
    """The part map of one person.

    Every part is a union of capsules, the torso with the quadrilateral of shoulders and hips. Parts are
    drawn one over the other: torso, upper legs, lower legs, feet, upper arms, lower arms, head; where two
    sides of one part meet, a pixel belongs to the one that it is deeper in.

    Args:
        joints: `[21, 3]`, x, y and score of each of `JOINTS`; pixels of the image, whose corner is (0, 0).
        shape: height and width of the image.
        size: height and width of the map.
        visible: the least score of a keypoint that is seen.

    Returns:
        uint8 `[height, width]` of the labels `POSE`.
    """
    result = np.zeros(size, np.uint8)
    seen = {name: joint[:2] for name, joint in zip(JOINTS, joints, strict=True) if joint[2] >= visible}
    canvas = _Canvas(shape, size)
    unit = stature(seen) or float(shape[0])
    _paint(result, {"torso": _torso(canvas, seen, unit)})
    for part, limbs in LIMBS.items():
        _paint(
            result,
            {f"{side}_{part}": _limbs(canvas, seen, unit, side, part, limbs) for side in ("left", "right")},
        )
    _paint(result, {"head": _head(canvas, seen, unit)})
    return result


def stature(seen: Mapping[str, Point]) -> float | None:
    """The person's height in pixels if they stood upright, from what is seen; None if that is too little.

    Every segment gives an estimate, its length over `SEGMENTS`; the second largest counts, for the largest
    may be a keypoint gone astray.
    """
    ends = [
        ((f"{side}_{one}", f"{side}_{other}"), share)
        for side in ("left", "right")
        for (one, other), share in SEGMENTS.items()
    ]
    ends.append((("left_shoulder", "right_shoulder"), SHOULDERS))
    found = [
        _length(seen[one] - seen[other]) / share
        for (one, other), share in ends
        if {one, other} <= seen.keys()
    ]
    top, bottom = _middle(seen, "shoulder"), _middle(seen, "hip")
    if top is not None and bottom is not None:
        found.append(_length(top - bottom) / TRUNK)
    found = sorted(estimate for estimate in found if estimate > 0)
    return found[-2] if len(found) > 1 else found[0] if found else None


class _Canvas:
    """Where the pixels of a map lie in its image, and how deep they are in a capsule."""

    def __init__(self, shape: tuple[int, int], size: tuple[int, int]) -> None:
        (height, width), (rows, columns) = shape, size
        self.size = size
        self.y = (np.arange(rows) + 0.5) * height / rows
        self.x = (np.arange(columns) + 0.5) * width / columns

    def nothing(self) -> NDArray[np.float64]:
        """No pixel is in it."""
        return np.full(self.size, np.inf)

    def capsule(
        self, start: Point, end: Point, start_radius: float, end_radius: float
    ) -> NDArray[np.float64]:
        """Distance from the axis over the radius there, `[height, width]`: below 1 inside, inf far off."""
        depth = self.nothing()
        reach = max(start_radius, end_radius)
        low, high = np.minimum(start, end) - reach, np.maximum(start, end) + reach
        rows = slice(*np.searchsorted(self.y, (low[1], high[1])))
        columns = slice(*np.searchsorted(self.x, (low[0], high[0])))
        x, y = self.x[columns][None] - start[0], self.y[rows][:, None] - start[1]
        along = end - start
        share = np.clip((x * along[0] + y * along[1]) / max(float(along @ along), 1e-12), 0, 1)
        distance = np.hypot(x - share * along[0], y - share * along[1])
        depth[rows, columns] = distance / (start_radius + share * (end_radius - start_radius))
        return depth

    def inside(self, corners: Sequence[Point]) -> NDArray[np.bool_]:
        """Which pixels a polygon holds, by crossings of a ray to the right."""
        odd = np.zeros(self.size, bool)
        x, y = self.x[None], self.y[:, None]
        for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
            if y0 != y1:
                crossing = x0 + (y - y0) * (x1 - x0) / (y1 - y0)
                odd ^= ((y0 <= y) != (y1 <= y)) & (x < crossing)
        return odd


def _paint(result: NDArray[np.uint8], depths: Mapping[str, NDArray[np.float64]]) -> None:
    """Write the part over what is there, where a pixel is in it; of several the one it is deepest in."""
    deepest = np.stack(list(depths.values()))
    labels = np.array([POSE.index(name) for name in depths], np.uint8)
    inside = deepest.min(0) < 1
    result[inside] = labels[deepest.argmin(0)[inside]]


def _limbs(
    canvas: _Canvas, seen: Mapping[str, Point], unit: float, side: str, part: str, limbs: Iterable[Limb]
) -> NDArray[np.float64]:
    depth = canvas.nothing()
    for limb in limbs:
        start, end = seen.get(f"{side}_{limb.start}"), seen.get(f"{side}_{limb.end}")
        if start is not None and end is not None:
            tip = end + _direction(end - start) * limb.beyond * unit
            depth = np.minimum(
                depth, canvas.capsule(start, tip, limb.start_radius * unit, limb.end_radius * unit)
            )
    knee, ankle = seen.get(f"{side}_knee"), seen.get(f"{side}_ankle")
    unseen = not {f"{side}_heel", f"{side}_toe"} & seen.keys()
    if part == "foot" and unseen and knee is not None and ankle is not None:
        tip = ankle + _direction(ankle - knee) * FOOT_LONG * unit
        depth = np.minimum(depth, canvas.capsule(ankle, tip, FOOT * unit, FOOT * unit))
    return depth


def _torso(canvas: _Canvas, seen: Mapping[str, Point], unit: float) -> NDArray[np.float64]:
    """The spine, and what lies between shoulders and hips if all four are seen."""
    top, bottom = _middle(seen, "shoulder"), _middle(seen, "hip")
    if top is None or bottom is None:
        return canvas.nothing()
    depth = canvas.capsule(top, bottom, SPINE * unit, SPINE * unit)
    corners = [seen.get(name) for name in ("left_shoulder", "right_shoulder", "right_hip", "left_hip")]
    known = [corner for corner in corners if corner is not None]
    if len(known) == len(corners):
        left, right, below, beside = known
        depth[canvas.inside(known)] = 0
        depth = np.minimum(depth, canvas.capsule(left, right, SHOULDER * unit, SHOULDER * unit))
        depth = np.minimum(depth, canvas.capsule(beside, below, HIP * unit, HIP * unit))
    return depth


def _head(canvas: _Canvas, seen: Mapping[str, Point], unit: float) -> NDArray[np.float64]:
    """From within the neck through the middle of the face to the hair; upright if no shoulder is seen."""
    face = [seen[name] for name in COCO[:5] if name in seen]
    if not face:
        return canvas.nothing()
    ears = _middle(seen, "ear") if {"left_ear", "right_ear"} <= seen.keys() else None
    center: Point = np.mean(face, axis=0) if ears is None else ears
    neck = _middle(seen, "shoulder")
    up = np.array([0.0, -1.0]) if neck is None else _direction(center - neck)
    below = center - up * SKULL_LONG * unit if neck is None else center + NECK_SHARE * (neck - center)
    return canvas.capsule(center + up * SKULL_LONG * unit, below, SKULL * unit, SKULL * unit)


def _middle(seen: Mapping[str, Point], joint: str) -> Point | None:
    """Between the two sides of a joint; the one that is seen if the other is not."""
    found = [seen[name] for name in (f"left_{joint}", f"right_{joint}") if name in seen]
    if not found:
        return None
    middle: Point = np.mean(found, axis=0)
    return middle


def _length(vector: Point) -> float:
    return float(np.hypot(vector[0], vector[1]))


def _direction(vector: Point) -> Point:
    """Of length 1, or 0 if the vector is."""
    unit: Point = vector / max(_length(vector), 1e-12)
    return unit
