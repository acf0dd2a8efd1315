"""Garments and shoes: solids that hang from the bones, patterned in the bones' coordinates."""

from dataclasses import replace

from glimpse.world import skeleton as bones
from glimpse.world.body import Girth, add_bare_arm, add_bare_leg
from glimpse.world.colors import RGB
from glimpse.world.frame import ARMS, FEET, LEGS, THINGS, TORSO
from glimpse.world.person import PATTERNS, Cloth, Person
from glimpse.world.solids import CLOTH, SHOE, SKIN, Builder, Surface, Tag

UPPER, LOWER, SHOES = (THINGS.index(name) for name in ("upper", "lower", "shoes"))

# How large a pattern is drawn, in meters: our choice, coarse enough for 64 pixels across.
_PATTERN_SCALE = {
    "plain": 0.1,
    "stripes": 0.085,
    "plaid": 0.13,
    "dots": 0.105,
    "blotches": 0.11,
    "print": 0.10,
}
_THICK = {"t-shirt": 0.006, "shirt": 0.008, "jacket": 0.020, "coat": 0.024, "dress": 0.006}
_SLEEVE_THICK = {"t-shirt": 0.006, "shirt": 0.007, "jacket": 0.012, "coat": 0.014, "dress": 0.005}
_OPENING = {"jacket": 0.050, "coat": 0.034}


def cloth_surface(cloth: Cloth, grain: float, opening: float = 0.0) -> Surface:
    """The look of a cloth."""
    return Surface(
        cloth.color.rgb,
        cloth.material,
        cloth.second.rgb,
        "cotton" if opening else cloth.material,
        finish=CLOTH,
        pattern=PATTERNS.index(cloth.pattern),
        scale=_PATTERN_SCALE[cloth.pattern],
        opening=opening,
        grain=grain,
    )


def add_upper(build: Builder, person: Person, girth: Girth) -> None:
    """Torso, sleeves and hem of the upper garment."""
    upper = person.upper
    thick = _THICK[upper.kind]
    opening = _OPENING.get(upper.kind, 0.0)
    grain = 0.37 * person.family
    look = cloth_surface(upper.cloth, grain, opening)
    waist, rise = girth.waist_height, girth.shoulder_height
    chest, belly, hips = girth.chest + thick, girth.waist + thick, girth.hips + thick
    wrap = girth.chest
    tag = Tag(bones.CHEST, TORSO, UPPER)
    build.cone(
        tag, look, (0, 0, -0.01), (0, 0.004, rise - 0.145 * girth.scale), (belly, chest), 0.70, wrap, waist
    )
    half = girth.shoulder_half
    top = rise - 0.062
    strap = 0.55 if upper.sleeve == "none" else 0.93
    build.cone(
        tag,
        look,
        (-half * strap, 0, top - 0.012),
        (half * strap, 0, top - 0.012),
        (0.050, 0.050),
        1.0,
        wrap,
        waist,
    )
    for sign in (1, -1):
        build.cone(
            tag,
            look,
            (sign * 0.028, -0.012, rise + 0.006),
            (sign * half * 0.85, -0.004, top + 0.006),
            (0.050, 0.046),
            1.0,
            wrap,
            waist,
        )
    if upper.kind in ("shirt", "jacket", "coat"):
        collar = replace(look, pattern=0, opening=opening * 0.6)
        build.tube(
            tag,
            collar,
            (0, -0.010, rise - 0.005),
            (0, -0.004, rise + 0.055),
            (0.078, 0.062),
            1.05,
            wrap=wrap,
            raised=waist,
        )
    _add_hem(build, person, girth, look, (belly, hips))
    for side in range(2):
        _add_sleeve(build, person, girth, look, side)


def _add_hem(build: Builder, person: Person, girth: Girth, look: Surface, radii: tuple[float, float]) -> None:
    """What hangs below the waist: a shirt's hem, a coat's tails, a dress's skirt."""
    kind, waist = person.upper.kind, girth.waist_height
    belly, hips = radii
    tag = Tag(bones.PELVIS, TORSO, UPPER)
    wrap = girth.chest
    start = (0.0, 0.0, waist + 0.02)
    drop = {"t-shirt": 0.050, "shirt": 0.085, "jacket": 0.055, "coat": 0.060, "dress": 0.050}[kind]
    build.tube(
        tag,
        look,
        start,
        (0, 0, -drop),
        (belly + 0.006, hips + 0.018),
        0.78,
        sway=0.0 if kind in ("dress", "coat") else 0.10,
        wrap=wrap,
    )
    legs = Tag(bones.PELVIS, LEGS, UPPER)
    if kind == "dress":
        length = 0.95 * girth.thigh_length
        build.tube(
            legs, look, (0, 0, -drop), (0, 0, -length), (hips + 0.018, hips + 0.085), 0.78, 0.0, 0.16, wrap
        )
    if kind == "coat":
        length = 0.92 * girth.thigh_length
        build.tube(
            legs, look, (0, 0, -drop), (0, 0, -length), (hips + 0.018, hips + 0.052), 0.78, 0.055, 0.14, wrap
        )


def _add_sleeve(build: Builder, person: Person, girth: Girth, look: Surface, side: int) -> None:
    thick = _SLEEVE_THICK[person.upper.kind]
    upper, fore = Tag(bones.ARM_R + side, ARMS, UPPER), Tag(bones.FOREARM_R + side, ARMS, UPPER)
    look = replace(look, opening=0.0, pattern=0 if look.pattern == PATTERNS.index("print") else look.pattern)
    arm, elbow, wrist = (radius + thick for radius in (girth.arm, girth.elbow, girth.wrist))
    sleeve = person.upper.sleeve
    raised = girth.waist_height + girth.shoulder_height
    if sleeve == "none":
        add_bare_arm(build, person, girth, side, whole=True)
        return
    if sleeve == "short":
        add_bare_arm(build, person, girth, side, whole=False)
        build.cone(upper, look, (0, 0, 0.0), (0, 0, -0.20 * girth.upper_arm), (arm, arm), 1.0, None, raised)
        end = -0.56 * girth.upper_arm
        build.tube(upper, look, (0, 0, -0.02), (0, 0, end), (arm, arm + 0.012), 1.0, raised=raised)
        return
    loose = 0.006
    build.cone(upper, look, (0, 0, 0), (0, 0, -girth.upper_arm), (arm, elbow + loose), 1.0, None, raised)
    low = raised - girth.upper_arm
    build.cone(
        fore, look, (0, 0, 0), (0, 0, -0.9 * girth.forearm), (elbow + loose, wrist + loose), 1.0, arm, low
    )
    cuff = wrist + loose + 0.003
    build.tube(
        fore,
        look,
        (0, 0, -0.8 * girth.forearm),
        (0, 0, -1.0 * girth.forearm),
        (cuff, cuff + 0.003),
        wrap=arm,
        raised=low,
    )


def add_lower(build: Builder, person: Person, girth: Girth) -> None:
    """Hips and legs: trousers, shorts or a skirt; bare legs under a dress."""
    lower = person.lower
    grain = 0.61 * person.family + 0.5
    under_dress = lower.kind == "none"
    look = cloth_surface(person.upper.cloth if under_dress else lower.cloth, grain)
    tag = Tag(bones.PELVIS, LEGS, UPPER if under_dress else LOWER)
    hips, waist = girth.hips, girth.waist
    build.cone(
        tag,
        look,
        (0, 0, -0.035),
        (0, 0, 0.62 * girth.waist_height),
        (hips * 0.93, waist * 0.88),
        0.70,
        wrap=hips,
    )
    if lower.kind == "skirt":
        length = 0.98 * girth.thigh_length
        build.tube(tag, look, (0, 0, 0.08), (0, 0, -0.07), (waist + 0.02, hips + 0.014), 0.74, wrap=hips)
        build.tube(
            tag, look, (0, 0, -0.07), (0, 0, -length), (hips + 0.014, hips + 0.095), 0.74, 0.0, 0.18, hips
        )
    for side in range(2):
        if lower.kind in ("trousers",):
            _add_trouser_leg(build, girth, look, side)
            continue
        add_bare_leg(build, person, girth, side)
        if lower.kind == "shorts":
            _add_short_leg(build, girth, look, side)


def _add_trouser_leg(build: Builder, girth: Girth, look: Surface, side: int) -> None:
    upper, lower = Tag(bones.THIGH_R + side, LEGS, LOWER), Tag(bones.SHANK_R + side, LEGS, LOWER)
    thick = 0.012
    thigh, knee, ankle = girth.thigh + thick, girth.knee + thick, girth.ankle + thick + 0.006
    build.cone(upper, look, (0, 0, 0), (0, 0, -girth.thigh_length), (thigh, knee), wrap=thigh)
    low = -girth.thigh_length
    build.cone(lower, look, (0, 0, 0), (0, 0, -0.92 * girth.shank), (knee, ankle), 1.0, thigh, low)
    build.tube(
        lower,
        look,
        (0, 0, -0.80 * girth.shank),
        (0, -0.006, -1.02 * girth.shank),
        (ankle + 0.004, ankle + 0.016),
        wrap=thigh,
        raised=low,
    )


def _add_short_leg(build: Builder, girth: Girth, look: Surface, side: int) -> None:
    tag = Tag(bones.THIGH_R + side, LEGS, LOWER)
    thigh = girth.thigh + 0.012
    build.cone(tag, look, (0, 0, 0), (0, 0, -0.25 * girth.thigh_length), (thigh, thigh), wrap=thigh)
    build.tube(
        tag,
        look,
        (0, 0, -0.02),
        (0, 0, -0.80 * girth.thigh_length),
        (thigh + 0.002, thigh + 0.012),
        wrap=thigh,
    )


def add_shoes(build: Builder, person: Person, girth: Girth) -> None:
    """A shoe with its sole on each foot, and a sock's length of ankle."""
    color: RGB = person.shoes.rgb
    shoe = Surface(color, "shoe", (0.82, 0.82, 0.80), "rubber", finish=SHOE)
    k = girth.scale
    drop = -girth.ankle_height
    for side in range(2):
        tag = Tag(bones.FOOT_R + side, FEET, SHOES)
        build.cone(
            tag,
            shoe,
            (0, -0.040 * k, drop + 0.044),
            (0, 0.155 * k, drop + 0.034),
            (0.044, 0.036),
            0.95,
            raised=-drop,
        )
        build.cone(tag, shoe, (0, -0.035 * k, drop + 0.05), (0, 0.0, -0.005), (0.042, 0.044), raised=-drop)
        ankle = Tag(bones.SHANK_R + side, FEET)
        sock = Surface(person.skin.rgb, "skin", finish=SKIN)
        build.cone(ankle, sock, (0, 0, -0.9 * girth.shank), (0, 0, -girth.shank), (girth.ankle, girth.ankle))
