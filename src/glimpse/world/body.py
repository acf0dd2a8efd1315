"""Girths of a body in meters, and the bare body: neck, head, face, limbs of skin."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glimpse.world import skeleton as bones
from glimpse.world.frame import ARMS, HEAD, LEGS, THINGS
from glimpse.world.person import Person
from glimpse.world.solids import FACE, SKIN, Builder, Surface, Tag

FACE_THING = THINGS.index("face")


@dataclass(frozen=True)
class Girth:
    """Half-widths and radii in meters, with the bone lengths they belong to."""

    long: NDArray[np.float64]
    scale: float
    waist: float
    chest: float
    hips: float
    thigh: float
    knee: float
    ankle: float
    arm: float
    elbow: float
    wrist: float

    @property
    def waist_height(self) -> float:
        """From hips to waist."""
        return float(self.long[bones.WAIST])

    @property
    def shoulder_height(self) -> float:
        """From waist to shoulder."""
        return float(self.long[bones.SHOULDER])

    @property
    def shoulder_half(self) -> float:
        """From the spine to the shoulder joint."""
        return float(self.long[bones.SHOULDER_HALF])

    @property
    def upper_arm(self) -> float:
        """From shoulder to elbow."""
        return float(self.long[bones.UPPER_ARM])

    @property
    def forearm(self) -> float:
        """From elbow to wrist."""
        return float(self.long[bones.FOREARM])

    @property
    def thigh_length(self) -> float:
        """From hip to knee."""
        return float(self.long[bones.THIGH])

    @property
    def shank(self) -> float:
        """From knee to ankle."""
        return float(self.long[bones.SHANK])

    @property
    def ankle_height(self) -> float:
        """From the ground to the ankle."""
        return float(self.long[bones.ANKLE])

    @property
    def head_center(self) -> float:
        """From the base of the neck to the middle of the head."""
        return 0.160 * self.scale * 1.71 - float(self.long[bones.HEAD_HALF])


def girths(person: Person) -> Girth:
    """How wide a body is; the bands are our choice, after adult anthropometry."""
    body = person.body
    scale = body.height / 1.71
    stout = scale * (0.86 + 0.40 * body.build)
    return Girth(
        long=bones.lengths(body),
        scale=scale,
        waist=stout * (0.128 + 0.02 * (body.build - 0.5)),
        chest=stout * (0.150 + 0.015 * (body.shoulders - 0.5)),
        hips=stout * (0.158 + 0.022 * (body.hips - 0.5)),
        thigh=stout * 0.083,
        knee=stout * 0.058,
        ankle=stout * 0.040,
        arm=stout * 0.050,
        elbow=stout * 0.041,
        wrist=stout * 0.030,
    )


def add_head(build: Builder, person: Person, girth: Girth) -> None:
    """Neck, skull, jaw, nose and ears."""
    scale, center = girth.scale, girth.head_center
    face = Surface(person.skin.rgb, "skin", person.hair.color.rgb, "hair", finish=FACE, scale=scale)
    tag = Tag(bones.SKULL, HEAD, FACE_THING)
    half = float(girth.long[bones.HEAD_HALF])
    # The face's finish reads height above the middle of the head, so each piece is lowered by it.
    build.ball(
        tag, face, (0, 0.008, center + 0.012), (0.076 * scale, 0.096 * scale, half - 0.008), raised=-center
    )
    build.ball(
        tag,
        face,
        (0, 0.026, center - 0.048 * scale),
        (0.058 * scale, 0.068 * scale, 0.064 * scale),
        raised=-center,
    )
    build.ball(
        tag,
        face,
        (0, 0.106 * scale, center - 0.014),
        (0.015, 0.022, 0.026),
        turn=(-0.35, 0.0, 0.0),
        raised=-center,
    )
    for sign in (1, -1):
        build.ball(
            tag, face, (sign * 0.076 * scale, 0.0, center - 0.008), (0.012, 0.022, 0.032), raised=-center
        )
    skin = Surface(person.skin.rgb, "skin", finish=SKIN)
    neck = Tag(bones.SKULL, HEAD)
    build.cone(
        neck, skin, (0, -0.012, -0.05), (0, 0.006, center - 0.05), (0.054 * scale, 0.050 * scale), raised=-1
    )


def add_hands(build: Builder, person: Person, girth: Girth) -> None:
    """Palm with fingers, and a thumb, on each forearm."""
    skin = Surface(person.skin.rgb, "skin", finish=SKIN)
    for side in range(2):
        sign = 1 - 2 * side
        tag = Tag(bones.FOREARM_R + side, ARMS)
        end = -girth.forearm
        build.ball(tag, skin, (0, 0.008, end - 0.062), (0.022, 0.040, 0.078), turn=(0.12, 0, 0))
        build.cone(
            tag, skin, (-sign * 0.008, 0.022, end - 0.02), (-sign * 0.012, 0.055, end - 0.075), (0.014, 0.010)
        )


def add_bare_arm(build: Builder, person: Person, girth: Girth, side: int, whole: bool) -> None:
    """Skin of one arm; `whole` includes the shoulder and upper arm, else from above the elbow."""
    skin = Surface(person.skin.rgb, "skin", finish=SKIN)
    upper, fore = Tag(bones.ARM_R + side, ARMS), Tag(bones.FOREARM_R + side, ARMS)
    start = 0.0 if whole else -0.3 * girth.upper_arm
    build.cone(
        upper,
        skin,
        (0, 0, start),
        (0, 0, -girth.upper_arm),
        (girth.arm if whole else girth.arm * 0.95, girth.elbow),
    )
    build.cone(fore, skin, (0, 0, 0), (0, 0, -girth.forearm), (girth.elbow, girth.wrist))


def add_bare_leg(build: Builder, person: Person, girth: Girth, side: int) -> None:
    """Skin of one leg, with its calf."""
    skin = Surface(person.skin.rgb, "skin", finish=SKIN)
    upper, lower = Tag(bones.THIGH_R + side, LEGS), Tag(bones.SHANK_R + side, LEGS)
    build.cone(upper, skin, (0, 0, -0.05), (0, 0, -girth.thigh_length), (girth.thigh * 0.96, girth.knee))
    build.cone(lower, skin, (0, 0, 0), (0, 0, -girth.shank), (girth.knee * 0.97, girth.ankle))
    build.ball(
        lower,
        skin,
        (0, -0.016, -0.30 * girth.shank),
        (girth.knee * 0.98, girth.knee * 1.05, 0.30 * girth.shank),
    )
