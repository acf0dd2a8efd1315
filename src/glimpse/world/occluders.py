"""The things that stand between a camera and a person, each camera's own."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from glimpse.world import colors
from glimpse.world.colors import RGB
from glimpse.world.frame import OCCLUDER
from glimpse.world.person import Person
from glimpse.world.solids import BRICK, CAR, LEAF, STRIPED_POLE, WOOD, Builder, Surface, Tag, pack
from glimpse.world.wardrobe import dressed

OccluderKind = Literal["car", "wall", "pole", "bush", "bench", "railing", "pedestrian"]
OCCLUDER_KINDS: tuple[OccluderKind, ...] = ("car", "wall", "pole", "bush", "bench", "railing", "pedestrian")

# The least of a person that each kind can leave visible: our measurement, on the safe side.
LEAST_VISIBLE: dict[OccluderKind, float] = {
    "car": 0.35,
    "wall": 0.2,
    "pole": 0.5,
    "bush": 0.2,
    "bench": 0.6,
    "railing": 0.7,
    "pedestrian": 0.25,
}
_TAG = Tag(0, OCCLUDER)


@dataclass(frozen=True)
class Occluder:
    """One occluder of a camera.

    Attributes:
        kind: what it is.
        color, second: sRGB.
        size: a factor on its dimensions.
        grain: a number that shifts its texture.
        turn: yaw in radians.
        passer: who it is, for a pedestrian; nobody out of `World.people`.
    """

    kind: OccluderKind
    color: RGB
    second: RGB
    size: float
    grain: float
    turn: float
    passer: Person | None = None

    @property
    def rises(self) -> bool:
        """Whether it hides more by standing higher rather than by standing nearer to the middle."""
        return self.kind in ("wall", "bush")

    @property
    def half_width(self) -> float:
        """Half of how wide it is, in meters."""
        return {
            "car": 2.1,
            "wall": 1.6,
            "pole": 0.2,
            "bush": 0.9,
            "bench": 0.95,
            "railing": 1.5,
            "pedestrian": 0.35,
        }[self.kind] * self.size

    @property
    def tall(self) -> float:
        """How tall it is, in meters."""
        return 2.3 * self.size

    @property
    def gaps(self) -> tuple[float, float]:
        """How far in front of the person it stands, in meters, near and far."""
        return {
            "car": (1.3, 2.4),
            "wall": (0.6, 2.0),
            "pole": (0.6, 3.5),
            "bush": (0.9, 2.0),
            "bench": (0.6, 1.2),
            "railing": (0.6, 1.6),
            "pedestrian": (0.7, 2.2),
        }[self.kind]


def draw_occluder(kind: OccluderKind, passer: Person | None, rng: np.random.Generator) -> Occluder:
    """An occluder of that kind, in colors of its own."""
    names = tuple(colors.CLOTH)
    palette: dict[OccluderKind, tuple[RGB, RGB]] = {
        "car": (colors.CLOTH[names[int(rng.integers(len(names)))]], (0.1, 0.1, 0.1)),
        "wall": ((0.58, 0.36, 0.28) if rng.random() < 0.5 else (0.62, 0.61, 0.58), (0.72, 0.70, 0.66)),
        "pole": ((0.42, 0.43, 0.44), (0.80, 0.66, 0.20)),
        "bush": ((0.16, 0.34, 0.13), (0.36, 0.46, 0.16)),
        "bench": ((0.46, 0.30, 0.17), (0.30, 0.19, 0.11)),
        "railing": ((0.50, 0.52, 0.54), (0.2, 0.2, 0.2)),
        "pedestrian": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    }
    first, second = palette[kind]
    turn = 0.25 if kind in ("car", "bench", "wall") else 1.0
    return Occluder(
        kind,
        colors.jittered(first, 0.05, rng),
        colors.jittered(second, 0.05, rng),
        size=float(rng.uniform(0.88, 1.15)) if kind != "pedestrian" else 1.0,
        grain=float(rng.integers(1000)),
        turn=float(rng.uniform(-turn, turn)),
        passer=passer,
    )


@lru_cache(maxsize=4096)
def built(occluder: Occluder) -> NDArray[np.float64]:
    """The packed solids of an occluder, `[S, COLUMNS]`."""
    if occluder.passer is not None:
        return dressed(occluder.passer)
    build = Builder()
    {"car": _car, "wall": _wall, "pole": _pole, "bush": _bush, "bench": _bench, "railing": _railing}[
        occluder.kind
    ](build, occluder)
    rows = pack(build.solids)
    rows.setflags(write=False)
    return rows


def _car(build: Builder, it: Occluder) -> None:
    paint = Surface(it.color, "paint", finish=CAR)
    glass = Surface((0.12, 0.15, 0.18), "paint", finish=CAR)
    rubber = Surface((0.05, 0.05, 0.05), "rubber")
    rim = Surface((0.55, 0.56, 0.58), "metal")
    k = it.size
    # The body, with its bonnet and boot; then glass, roof and pillars of the cabin.
    build.cone(
        _TAG, paint, (-1.72 * k, 0, 0.64 * k), (1.70 * k, 0, 0.66 * k), (0.33 * k, 0.35 * k), depth=2.4
    )
    build.slab(_TAG, paint, (0, 0, 0.50 * k), (1.96 * k, 0.80 * k, 0.22 * k))
    build.cone(
        _TAG, glass, (-0.62 * k, 0, 0.98 * k), (0.86 * k, 0, 0.98 * k), (0.42 * k, 0.42 * k), depth=1.48
    )
    build.ball(_TAG, paint, (0.12 * k, 0, 1.385 * k), (0.98 * k, 0.66 * k, 0.085 * k))
    for x, lean in ((-0.82, 0.55), (0.14, 0.0), (1.04, -0.45)):
        for y in (-0.66, 0.66):
            foot, head = (x * k, y * k, 0.90 * k), ((x + 0.55 * lean) * k, y * 0.86 * k, 1.37 * k)
            build.cone(_TAG, paint, foot, head, (0.045 * k, 0.040 * k))
    for x in (-1.22, 1.22):
        for y in (-0.78, 0.78):
            build.ball(_TAG, rubber, (x * k, y * k, 0.32 * k), (0.32 * k, 0.12 * k, 0.32 * k))
            build.ball(_TAG, rim, (x * k, y * 1.10 * k, 0.32 * k), (0.19 * k, 0.05 * k, 0.19 * k))
    for x in (-1.98, 1.98):
        lamp = Surface((0.90, 0.87, 0.75) if x < 0 else (0.70, 0.08, 0.06), "paint")
        for y in (-0.58, 0.58):
            build.ball(_TAG, lamp, (x * k, y * k, 0.68 * k), (0.06 * k, 0.16 * k, 0.07 * k))
    build.slab(_TAG, rim, (0, -0.815 * k, 0.74 * k), (0.09 * k, 0.012, 0.018 * k))


def _wall(build: Builder, it: Occluder) -> None:
    brick = Surface(it.color, "brick", it.second, finish=BRICK, scale=0.34, grain=it.grain)
    cap = Surface(it.second, "brick")
    tall = it.tall
    build.slab(_TAG, brick, (0, 0, tall / 2 - 0.6), (it.half_width, 0.14, tall / 2 + 0.55))
    build.slab(_TAG, cap, (0, 0, tall - 0.03), (it.half_width + 0.04, 0.19, 0.045))


def _pole(build: Builder, it: Occluder) -> None:
    striped = it.grain % 3 == 0
    steel = Surface(it.color, "metal", it.second, finish=STRIPED_POLE if striped else 0)
    radius = 0.13 * it.size if not striped else 0.17 * it.size
    build.cone(_TAG, steel, (0, 0, 0.0), (0, 0, 5.2), (radius, radius * 0.9))
    build.cone(_TAG, steel, (0, 0, 0.0), (0, 0, 0.32), (radius * 1.4, radius * 1.3))
    if it.grain % 3 == 1:  # a sign on it
        sign = Surface((0.15, 0.30, 0.62), "metal")
        build.slab(_TAG, sign, (0, -radius, 2.35), (0.32, 0.02, 0.26))


def _bush(build: Builder, it: Occluder) -> None:
    leaf = Surface(it.color, "leaf", it.second, finish=LEAF, grain=it.grain)
    rng = np.random.default_rng(int(it.grain))
    tall, half = it.tall, it.half_width
    build.ball(_TAG, leaf, (0, 0, 0.38 * tall), (0.78 * half, 0.42, 0.34 * tall))
    for step in range(11):
        x = (step / 10 - 0.5) * 1.6 * half
        z = float(rng.uniform(0.45, 0.84)) * tall * (1.0 - 0.25 * abs(x) / half)
        r = float(rng.uniform(0.22, 0.34))
        build.ball(
            _TAG, leaf, (x, float(rng.uniform(-0.2, 0.1)), z), (r, r * 0.9, r * float(rng.uniform(0.8, 1.3)))
        )
    for x in (-0.55, 0.0, 0.55):
        build.ball(_TAG, leaf, (x * half, -0.05, 0.1 * tall), (0.5 * half, 0.42, 0.5 * tall))


def _bench(build: Builder, it: Occluder) -> None:
    wood = Surface(it.color, "wood", it.second, finish=WOOD, grain=it.grain)
    iron = Surface((0.16, 0.16, 0.17), "metal")
    half, k = it.half_width, it.size
    for n in range(4):
        build.slab(_TAG, wood, (0, -0.22 + 0.13 * n, 0.46 * k), (half, 0.055, 0.020))
    for n in range(4):
        build.slab(_TAG, wood, (0, 0.26 + 0.02 * n, (0.58 + 0.125 * n) * k), (half, 0.018, 0.050))
    for x in (-0.8 * half, 0.8 * half):
        build.slab(_TAG, iron, (x, -0.18, 0.22 * k), (0.03, 0.03, 0.23 * k))
        build.slab(_TAG, iron, (x, 0.29, 0.50 * k), (0.03, 0.03, 0.52 * k))


def _railing(build: Builder, it: Occluder) -> None:
    steel = Surface(it.color, "metal")
    half, k = it.half_width, it.size
    for z in (1.08, 0.20):
        build.cone(_TAG, steel, (-half, 0, z * k), (half, 0, z * k), (0.032, 0.032))
    posts = 11
    for n in range(posts):
        x = half * (2.0 * n / (posts - 1) - 1.0)
        thick = 0.036 if n % 5 == 0 else 0.017
        build.cone(_TAG, steel, (x, 0, 0.0), (x, 0, 1.08 * k), (thick, thick))
