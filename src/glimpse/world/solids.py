"""Solids: the few shapes that everything is built of, and their packing into rows for the kernels.

A solid is a shape in its own coordinates, placed in a bone's frame by an affine map. Scaling along an
axis turns balls into ellipsoids and cones into limbs of elliptic section, with one intersection routine
per shape.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from glimpse.world.colors import RGB
from glimpse.world.dyes import reflectance
from glimpse.world.materials import MATTER

BALL, CONE, SLAB, TUBE = range(4)  # unit ball, rounded cone along z, cube of half-side 1, open tube along z

# Finishes: how a point of the surface gets its color.
CLOTH, FACE, HAIR, SHOE, SKIN, BRICK, LEAF, CAR, WOOD, STRIPED_POLE, CANOPY, BAG = range(12)

# Columns of a packed row.
SHAPE, BONE, PART, THING, SIZES = 0, 1, 2, 3, 4  # four sizes
PLACE, ORIGIN, INVERSE = 8, 17, 20  # local to bone: 3 x 3 and an origin; bone to local: 3 x 3
FINISH, PATTERN, SCALE, WRAP, RAISE, OPENING = 29, 30, 31, 32, 33, 34
COLOUR, SECOND = 35, 38
INFRARED, INFRARED_SECOND, WARMTH, FOLDS, GLOSS, GRAIN, SWAY = 41, 42, 43, 44, 45, 46, 47
INFRARED_PATTERN = 48
COLUMNS = 49

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Surface:
    """The look of a solid.

    Attributes:
        color, second: sRGB; `second` is a pattern's other color, or what an opening shows.
        matter, matter_second: names of `MATTER`.
        finish: one of the finishes above.
        pattern: index into `person.PATTERNS`.
        scale: size of the pattern in meters.
        opening: half-width in meters of an opening in front, 0 for none.
        grain: a number that shifts the pattern and the folds.
    """

    color: RGB
    matter: str
    second: RGB = (0.5, 0.5, 0.5)
    matter_second: str = ""
    finish: int = CLOTH
    pattern: int = 0
    scale: float = 0.1
    opening: float = 0.0
    grain: float = 0.0


@dataclass(frozen=True)
class Solid:
    """A placed shape.

    Attributes:
        sizes: for a ball the plane (a, b, c, d) of which the side ax + by + cz + d >= 0 is kept; for a cone
            its length and the radii at its start and end; for a tube the same and the half-width of a slit
            in front.
        wrap: the radius that turns an angle about the bone into meters for the pattern.
        raised: what is added to the height in the pattern.
        sway: how much a tube's end widens with the step.
    """

    shape: int
    bone: int
    part: int
    thing: int
    sizes: tuple[float, float, float, float]
    place: NDArray[np.float64]
    origin: Vector
    surface: Surface
    wrap: float = 0.1
    raised: float = 0.0
    sway: float = 0.0


@dataclass(frozen=True)
class Tag:
    """To what a solid belongs: the bone it follows, its part value, the index of its thing (-1 none)."""

    bone: int
    part: int
    thing: int = -1


@dataclass
class Builder:
    """Collects solids; the methods are the words in which bodies and objects are described."""

    solids: list[Solid] = field(default_factory=list)

    def ball(
        self,
        tag: Tag,
        surface: Surface,
        center: Vector,
        radii: Vector,
        keep: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 1.0),
        turn: Vector = (0.0, 0.0, 0.0),
        raised: float = 0.0,
    ) -> None:
        """An ellipsoid, of which the side of a plane (in coordinates of the unit ball) may be kept."""
        place = rotation(turn) @ np.diag(radii)
        self.solids.append(
            Solid(BALL, tag.bone, tag.part, tag.thing, keep, place, center, surface, raised=raised)
        )

    def slab(
        self,
        tag: Tag,
        surface: Surface,
        center: Vector,
        halves: Vector,
        turn: Vector = (0.0, 0.0, 0.0),
    ) -> None:
        """A box with the given half-sides."""
        place = rotation(turn) @ np.diag(halves)
        self.solids.append(Solid(SLAB, tag.bone, tag.part, tag.thing, (0, 0, 0, 0), place, center, surface))

    def cone(
        self,
        tag: Tag,
        surface: Surface,
        start: Vector,
        end: Vector,
        radii: tuple[float, float],
        depth: float = 1.0,
        wrap: float | None = None,
        raised: float = 0.0,
    ) -> None:
        """A rounded cone from `start` to `end`; `depth` scales its section front to back."""
        place, length = _along(start, end, depth)
        sizes = (length, radii[0], radii[1], 0.0)
        self.solids.append(
            Solid(
                CONE,
                tag.bone,
                tag.part,
                tag.thing,
                sizes,
                place,
                start,
                surface,
                wrap=max(radii) if wrap is None else wrap,
                raised=raised,
            )
        )

    def tube(
        self,
        tag: Tag,
        surface: Surface,
        start: Vector,
        end: Vector,
        radii: tuple[float, float],
        depth: float = 1.0,
        slit: float = 0.0,
        sway: float = 0.0,
        wrap: float | None = None,
        raised: float = 0.0,
    ) -> None:
        """A thin open tube from `start` to `end`: sleeves, skirts, hems, perhaps with a slit in front."""
        place, length = _along(start, end, depth)
        sizes = (length, radii[0], radii[1], slit)
        self.solids.append(
            Solid(
                TUBE,
                tag.bone,
                tag.part,
                tag.thing,
                sizes,
                place,
                start,
                surface,
                wrap=max(radii) if wrap is None else wrap,
                raised=raised,
                sway=sway,
            )
        )


def rotation(turn: Vector) -> NDArray[np.float64]:
    """The rotation about x, then y, then z, `[3, 3]`."""
    (cx, cy, cz), (sx, sy, sz) = [math.cos(a) for a in turn], [math.sin(a) for a in turn]
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    turned: NDArray[np.float64] = about_z @ about_y @ about_x
    return turned


def _along(start: Vector, end: Vector, depth: float) -> tuple[NDArray[np.float64], float]:
    """Axes with z from `start` to `end`, and the second axis (scaled by `depth`) as near to y as can be."""
    axis = np.subtract(end, start).astype(np.float64)
    length = float(np.linalg.norm(axis))
    axis /= length
    forward = np.array([0.0, 1.0, 0.0]) if abs(axis[1]) < 0.9 else np.array([0.0, 0.0, 1.0])
    across = np.cross(forward, axis)
    across /= np.linalg.norm(across)
    return np.column_stack([across, depth * np.cross(axis, across), axis]), length


def linear(rgb: RGB) -> NDArray[np.float64]:
    """SRGB to linear light, by a power of 2.2 (the camera develops by its inverse)."""
    return np.asarray(rgb, dtype=np.float64) ** 2.2


def pack(solids: Sequence[Solid]) -> NDArray[np.float64]:
    """Solids as rows of numbers, `[len(solids), COLUMNS]`."""
    rows = np.zeros((len(solids), COLUMNS))
    for row, solid in zip(rows, solids, strict=True):
        surface = solid.surface
        matter = MATTER[surface.matter]
        row[SHAPE : SIZES + 4] = (solid.shape, solid.bone, solid.part, solid.thing, *solid.sizes)
        row[PLACE : PLACE + 9] = solid.place.ravel()
        row[ORIGIN : ORIGIN + 3] = solid.origin
        row[INVERSE : INVERSE + 9] = np.linalg.inv(solid.place).ravel()
        row[FINISH:COLOUR] = (
            surface.finish,
            surface.pattern,
            surface.scale,
            solid.wrap,
            solid.raised,
            surface.opening,
        )
        row[COLOUR : COLOUR + 3] = linear(surface.color)
        row[SECOND : SECOND + 3] = linear(surface.second)
        near = reflectance(
            surface.matter, surface.color, surface.matter_second, surface.second, surface.pattern
        )
        row[INFRARED:COLUMNS] = (
            near.first,
            near.second,
            matter.warmth,
            matter.folds,
            matter.gloss,
            surface.grain,
            solid.sway,
            near.pattern,
        )
    return rows
