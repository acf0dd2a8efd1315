"""Dressing a person: from attributes to the solids that are rendered."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from glimpse.world import skeleton as bones
from glimpse.world.body import Girth, add_hands, add_head, girths
from glimpse.world.clothes import add_lower, add_shoes, add_upper
from glimpse.world.frame import CARRIED, THINGS
from glimpse.world.hair import add_hair, add_hat
from glimpse.world.person import Person, Thing
from glimpse.world.solids import BAG, CANOPY, Builder, Surface, Tag, pack


@lru_cache(maxsize=4096)
def dressed(person: Person) -> NDArray[np.float64]:
    """The packed solids of a person, `[S, COLUMNS]`; kept, since a person is imaged many times."""
    build = Builder()
    girth = girths(person)
    add_head(build, person, girth)
    add_hair(build, person, girth)
    add_hands(build, person, girth)
    add_upper(build, person, girth)
    add_lower(build, person, girth)
    add_shoes(build, person, girth)
    for thing in person.carried:
        {"backpack": _backpack, "handbag": _handbag, "hat": add_hat, "umbrella": _umbrella}[thing.kind](
            build, thing, girth
        )
    rows = pack(build.solids)
    rows.setflags(write=False)
    return rows


def _bag(thing: Thing) -> Surface:
    dark = tuple(0.45 * x for x in thing.color.rgb)
    return Surface(thing.color.rgb, "bag", (dark[0], dark[1], dark[2]), finish=BAG)


def _backpack(build: Builder, thing: Thing, girth: Girth) -> None:
    tag = Tag(bones.CHEST, CARRIED, THINGS.index("backpack"))
    look = _bag(thing)
    rise, k = girth.shoulder_height, girth.scale
    back = -0.66 * girth.chest - 0.075
    build.cone(tag, look, (0, back, 0.06), (0, back, rise - 0.14), (0.165 * k, 0.150 * k), 0.62)
    build.cone(tag, look, (0, back - 0.075, 0.04), (0, back - 0.075, 0.12), (0.105 * k, 0.105 * k), 0.55)
    strap = Surface(tuple(0.7 * x for x in thing.color.rgb), "bag")  # type: ignore[arg-type]
    front = 0.68 * (girth.chest + 0.018) + 0.020
    for sign in (1, -1):
        x = sign * 0.52 * girth.shoulder_half
        over, low = (x, 0.0, rise + 0.008), (x * 1.30, front * 0.82, 0.10)
        top = (x, front * 0.86, rise - 0.085)
        build.cone(tag, strap, (x, -0.09, rise - 0.02), over, (0.020, 0.022))
        build.cone(tag, strap, over, top, (0.022, 0.022))
        build.cone(tag, strap, top, low, (0.022, 0.020))


def _handbag(build: Builder, thing: Thing, girth: Girth) -> None:
    tag = Tag(bones.HANG_L, CARRIED, THINGS.index("handbag"))
    look = _bag(thing)
    build.slab(tag, look, (0, 0.02, -0.285), (0.055, 0.155, 0.105))
    build.cone(tag, look, (0, -0.115, -0.165), (0, 0.155, -0.165), (0.056, 0.056))
    strap = Surface(tuple(0.6 * x for x in thing.color.rgb), "bag")  # type: ignore[arg-type]
    for end in (-0.11, 0.15):
        build.cone(tag, strap, (0, 0.02, -0.005), (0, end, -0.14), (0.012, 0.012))


def _umbrella(build: Builder, thing: Thing, girth: Girth) -> None:
    tag = Tag(bones.HANG_R, CARRIED, THINGS.index("umbrella"))
    canopy = Surface(thing.color.rgb, "canopy", finish=CANOPY)
    pole = Surface((0.25, 0.25, 0.26), "metal")
    rise = 0.80 * girth.scale
    x, y = -0.14, -0.10  # it leans over the head
    build.cone(tag, pole, (0, 0.02, -0.10), (x, y, rise), (0.011, 0.009))
    build.ball(tag, canopy, (x, y, rise - 0.21), (0.46, 0.46, 0.22), keep=(0, 0, 1, -0.12))
