"""Grounds and backdrops: endless planes with a texture of their own."""

# ruff: noqa: ANN001, ANN201, RUF046
# mypy: disable-error-code="no-untyped-def"

import math

from glimpse.world.jit import inner
from glimpse.world.noise import smooth, uniform
from glimpse.world.texture import brick

GROUNDS = ("asphalt", "paving", "grass", "tiles", "cobbles", "planks")
BACKDROPS = ("brick", "facade", "hedge", "concrete", "shop", "panels")
ASPHALT, PAVING, GRASS, TILES, COBBLES, PLANKS = range(6)
BRICKS, FACADE, HEDGE, CONCRETE, SHOP, PANELS = range(6)


@inner
def ground_look(kind, x, y, seed):
    """(share of the ground's second color, brightness) at a point of the ground, in meters."""
    worn = 0.86 + 0.28 * smooth(x * 0.9, y * 0.9, seed)
    if kind == ASPHALT:
        # A painted line every few meters.
        line = 1.0 if abs((x * 0.8 + y * 0.6) % 3.4 - 1.7) < 0.07 else 0.0
        return line, worn * (0.82 + 0.36 * smooth(x * 55.0, y * 55.0, seed + 1))
    if kind == PAVING:
        a, b = (x / 0.52) % 1.0, (y / 0.52) % 1.0
        if a < 0.035 or b < 0.035:
            return 0.0, 0.55 * worn
        return 0.0, worn * (0.86 + 0.28 * uniform(int(math.floor(x / 0.52)), int(math.floor(y / 0.52)), seed))
    if kind == GRASS:
        blade = smooth(x * 34.0, y * 21.0, seed + 1)
        return smooth(x * 1.7, y * 1.7, seed + 2) * 0.8, worn * (0.5 + 0.9 * blade)
    if kind == TILES:
        a, b = math.floor(x / 0.45), math.floor(y / 0.45)
        return (a + b) % 2.0, 1.0
    if kind == COBBLES:
        row = math.floor(y / 0.15)
        a = (x / 0.19 + 0.5 * (row % 2.0)) % 1.0 - 0.5
        b = (y / 0.15) % 1.0 - 0.5
        bump = 1.0 - 2.2 * (a * a * a * a + b * b * b * b) * 8.0
        return 0.0, worn * max(0.45, 0.55 + 0.5 * bump)
    plank = math.floor(y / 0.16)
    if (y / 0.16) % 1.0 < 0.06:
        return 0.0, 0.5
    return 0.5 * smooth(x * 1.5, y * 30.0, seed + 3), 0.8 + 0.4 * uniform(int(plank), seed, seed)


@inner
def backdrop_look(kind, x, z, seed):
    """(share of the backdrop's second color, brightness) at a point of the wall, in meters."""
    if kind == BRICKS:
        share, bright = brick(x, z, seed, 0.42)
        return 0.7 * share, bright
    if kind == FACADE:
        a, b = x % 2.6, z % 3.1
        if 0.7 < a < 1.9 and 1.0 < b < 2.5:
            frame = a < 0.78 or a > 1.82 or b < 1.08 or b > 2.42 or abs(a - 1.3) < 0.03
            if frame:
                return 0.0, 1.35
            return 1.0, 0.6 + 0.8 * uniform(int(math.floor(x / 2.6)), int(math.floor(z / 3.1)), seed)
        return 0.0, 0.92 + 0.16 * smooth(x * 2.0, z * 2.0, seed)
    if kind == HEDGE:
        clump = smooth(x * 4.0, z * 4.0, seed)
        return clump * 0.6, (0.35 + 0.9 * smooth(x * 24.0, z * 24.0, seed + 1)) * (0.5 + 0.7 * clump)
    if kind == CONCRETE:
        seam = (x % 2.4) < 0.04 or (z % 1.3) < 0.03
        return 0.0, 0.6 if seam else 0.85 + 0.3 * smooth(x * 0.8, z * 1.6, seed)
    if kind == SHOP:
        a = x % 3.2
        if z < 0.45 or a < 0.12 or z > 2.7:
            return 0.0, 1.0
        # A lit window with things on shelves.
        shelf = uniform(int(math.floor(x / 0.34)), int(math.floor(z / 0.55)), seed)
        return 1.0, 0.45 + 1.0 * shelf
    a = (x / 1.2) % 1.0
    if a < 0.03:
        return 1.0, 0.7
    return (0.6 if z < 0.95 else 0.0), 0.94 + 0.1 * uniform(int(math.floor(x / 1.2)), seed, seed)
