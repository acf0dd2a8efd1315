"""The facts about an image that captions may state: only what it shows, in the detail that it shows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glimpse.world.frame import ARMS, FEET, HEAD, KEYPOINTS, LEGS, PARTS, THINGS, TORSO, Frames
from glimpse.world.person import THING_KINDS, Person

# All limits are our choice: what a person who looks at an image of 64 x 128 pixels would say.
MIN_AREA = 0.0025
"""A thing is named from this fraction of the image on: 20 pixels of 64 x 128."""
MIN_PART = 0.3
"""A property of a part is named where at least this much of the part is visible."""
_FRONT, _BACK = np.radians(50.0), np.radians(130.0)
_BEHIND_FULLY = np.radians(145.0)
_STILL, _WALKING = 0.1, 0.16  # strides; between the two an image does not tell
_SLIM, _HEAVY = 0.25, 0.75


def frame_facts(frames: Frames, row: int, person: Person) -> dict[str, str]:
    """The facts of one image; of infrared and thermal ones nothing that is a color or a pattern."""
    facts = visible_facts(
        person,
        float(frames.heading[row]),
        frames.visible[row],
        frames.things[row],
        frames.keypoints[row],
        frames.images.shape[1] * frames.images.shape[2],
        frames.shots[row].pose.stride,
    )
    if frames.shots[row].band == "rgb":
        return facts
    return {name: value for name, value in facts.items() if name in _COLOURLESS}


_COLOURLESS = frozenset({"view", "motion", "build", "hair.style", "upper.kind", "upper.sleeve", "lower.kind"})


def visible_facts(
    person: Person,
    heading: float,
    visible: NDArray[np.float32],
    things: NDArray[np.int32],
    keypoints: NDArray[np.float32],
    area: int,
    stride: float,
) -> dict[str, str]:
    """What may be said of one image, under the names that a grammar knows.

    Args:
        person: who is on it.
        heading: 0 towards the camera, pi away, positive towards the right of the image.
        visible: `[6]`, fractions of the parts that are visible.
        things: `[10]`, pixels of each thing.
        keypoints: `[14, 3]`, the last column tells which are visible.
        area: pixels of the image.
        stride: 0 where the person stands.
    """
    shown = {
        name: int(count) >= max(4.0, MIN_AREA * area) for name, count in zip(THINGS, things, strict=True)
    }
    parts = {part: float(visible[part - HEAD]) >= MIN_PART for part in range(HEAD, HEAD + len(PARTS))}
    points = {name: bool(point[2] > 0) for name, point in zip(KEYPOINTS, keypoints, strict=True)}
    facts = {"view": view(heading)}
    if parts[LEGS]:
        facts |= _motion(stride)
    if parts[TORSO] and shown["upper"] and not _SLIM <= person.body.build <= _HEAVY:
        facts["build"] = "slim" if person.body.build < _SLIM else "heavy"
    facts |= _hair(person, shown, parts[HEAD], facts["view"])
    if shown["upper"]:
        facts |= _upper(person, heading, shown, parts, points)
    if shown["lower"] and person.lower.kind != "none" and _either(points, "knee"):
        facts |= _lower(person)
    if shown["shoes"] and parts[FEET]:
        facts["shoes.colour"] = person.shoes.name
    for kind in THING_KINDS:
        thing = person.carries(kind)
        if thing is not None and shown[kind]:
            facts[f"{kind}.colour"] = thing.color.name
    return facts


def _motion(stride: float) -> dict[str, str]:
    if stride >= _WALKING:
        return {"motion": "walking"}
    return {"motion": "standing"} if stride <= _STILL else {}


def view(heading: float) -> str:
    """`front`, `back`, or the side of the image towards which the person faces.

    >>> [view(angle) for angle in (0.0, 1.5, -1.5, 3.1, -3.1, 6.2)]
    ['front', 'right', 'left', 'back', 'back', 'front']
    """
    turned = _turned(heading)
    if abs(turned) <= _FRONT:
        return "front"
    if abs(turned) >= _BACK:
        return "back"
    return "right" if turned > 0 else "left"


def _turned(heading: float) -> float:
    """The same heading from -pi to pi."""
    return float((heading + np.pi) % (2 * np.pi) - np.pi)


def _hair(person: Person, shown: dict[str, bool], head: bool, seen: str) -> dict[str, str]:
    covered = person.carries("hat") is not None
    if person.hair.style == "bald":
        # a hat or an umbrella could hide hair as well as its absence
        bare = head and shown["face"] and not covered and person.carries("umbrella") is None
        return {"hair.style": "bald"} if bare else {}
    if not shown["hair"]:
        return {}
    style = person.hair.style
    tied_behind = style in ("ponytail", "bun") and seen == "front"
    return {
        "hair.style": "unclear" if covered or not head or tied_behind else style,
        "hair.colour": person.hair.color.name,
    }


def _upper(
    person: Person, heading: float, shown: dict[str, bool], parts: dict[int, bool], points: dict[str, bool]
) -> dict[str, str]:
    upper = person.upper
    hem = upper.kind in ("coat", "dress") and parts[LEGS] and _either(points, "knee")
    unclear = not parts[TORSO] or (upper.kind in ("coat", "dress") and not hem)
    kind: str = upper.kind
    if unclear:  # a long garment is told from a short one by its hem, and from a skirt by what is above
        kind = "garment" if hem else "top"
    facts = {"upper.kind": kind, "upper.colour": upper.cloth.color.name}
    open_in_front = upper.kind in ("jacket", "coat")
    if upper.cloth.pattern not in ("plain", "print"):
        facts |= {"upper.pattern": upper.cloth.pattern, "upper.second": upper.cloth.second.name}
    if open_in_front and shown["chest"] and not unclear:
        facts["upper.inner"] = upper.cloth.second.name
    if upper.cloth.pattern == "print" and parts[TORSO]:
        behind = abs(_turned(heading)) >= _BEHIND_FULLY and person.carries("backpack") is None
        if open_in_front and behind:
            facts |= {"print.place": "back", "print.colour": upper.cloth.second.name}
        if not open_in_front and shown["chest"]:
            facts |= {"print.place": "chest", "print.colour": upper.cloth.second.name}
    if parts[ARMS] and _either(points, "elbow") and not open_in_front:
        facts["upper.sleeve"] = upper.sleeve
    return facts


def _lower(person: Person) -> dict[str, str]:
    cloth = person.lower.cloth
    facts = {"lower.kind": person.lower.kind, "lower.colour": cloth.color.name}
    if cloth.pattern not in ("plain", "print"):
        facts |= {"lower.pattern": cloth.pattern, "lower.second": cloth.second.name}
    return facts


def _either(points: dict[str, bool], joint: str) -> bool:
    return points[f"right_{joint}"] or points[f"left_{joint}"]
