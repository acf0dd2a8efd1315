"""What a surface shows at a point: cloth patterns, faces, hair, brick, leaves.

A point comes in its bone's coordinates, so that a pattern follows the limb. The answer is a mix: how much of
the second color (0 to 1), and a factor on the brightness.
"""

# ruff: noqa: ANN001, ANN201, ANN202
# mypy: disable-error-code="no-untyped-def"

import math

from glimpse.world.jit import inner
from glimpse.world.noise import smooth, uniform
from glimpse.world.skeleton import CHEST
from glimpse.world.solids import BRICK, CANOPY, CAR, CLOTH, FACE, HAIR, LEAF, SHOE, STRIPED_POLE, WOOD

PLAIN, STRIPES, PLAID, DOTS, BLOTCHES, PRINT = range(6)
PRINT_HEIGHT, PRINT_HALF = 0.345, 0.088  # of a chest print, in meters above the hips


@inner
def look(finish, pattern, scale, wrap, raised, opening, grain, bone, x, y, z):
    """(share of the second color, brightness) at (x, y, z) of the bone."""
    if finish == CLOTH:
        return _cloth(pattern, scale, wrap, raised, opening, grain, bone, x, y, z)
    if finish == FACE:
        return _face(scale, x, y, z + raised)
    if finish == HAIR:
        angle = math.atan2(x, y)
        return 0.0, 0.70 + 0.6 * smooth(angle * 9.0, z * 7.0 + angle, int(grain))
    if finish == SHOE:
        return (1.0, 1.0) if z + raised < 0.016 else (0.0, 1.0)
    if finish == LEAF:
        seed = int(grain)
        clump = smooth(x * 9.0 + z * 5.0, y * 9.0 + z * 8.0, seed)
        leaf = smooth(x * 46.0 + z * 21.0, y * 43.0 + z * 38.0, seed + 1)
        return clump * 0.6, 0.35 + 1.1 * leaf * (0.4 + 0.6 * clump)
    if finish == BRICK:
        return brick(x + y, z, int(grain), scale)
    if finish == CAR:
        return 0.0, 1.0
    if finish == WOOD:
        return smooth(x * 3.0, z * 90.0 + y * 60.0, int(grain)) * 0.6, 1.0
    if finish == STRIPED_POLE:
        return (1.0 if (z / 0.5) % 1.0 < 0.5 else 0.0), 1.0
    if finish == CANOPY:
        rib = abs((math.atan2(x + 0.14, y + 0.10) * (8.0 / 6.2831853)) % 1.0 - 0.5)
        return 0.0, 0.80 if rib < 0.05 else 1.0
    return 0.0, 1.0


@inner
def _cloth(pattern, scale, wrap, raised, opening, grain, bone, x, y, z):
    if opening > 0.0 and y > 0.0:
        edge = abs(x) - opening
        if edge < 0.0:
            return 1.0, 1.0
        if edge < 0.012:
            return 0.0, 0.62
    if pattern == PLAIN:
        return 0.0, 1.0
    v = z + raised
    if pattern == STRIPES:
        return (1.0 if (v / scale) % 1.0 < 0.45 else 0.0), 1.0
    if pattern == PRINT:
        return (
            _print(x, v - PRINT_HEIGHT, grain) if bone == CHEST and (y > 0.0) == (opening == 0.0) else 0.0
        ), 1.0
    u = math.atan2(x, y) * wrap
    if pattern == PLAID:
        bars = (v / scale) % 1.0 < 0.40
        posts = (u / scale) % 1.0 < 0.40
        return 0.5 * bars + 0.5 * posts, 1.0
    if pattern == DOTS:
        row = math.floor(v / scale * 1.15)
        a = (u / scale + 0.5 * (row % 2.0)) % 1.0 - 0.5
        b = (v / scale * 1.15) % 1.0 - 0.5
        return (1.0 if a * a + b * b < 0.092 else 0.0), 1.0
    seed = int(grain * 64.0)
    field = 0.65 * smooth(u / scale, v / scale, seed) + 0.35 * smooth(
        2.3 * u / scale, 2.3 * v / scale, seed + 7
    )
    return (1.0 if field > 0.52 else 0.0), 1.0


@inner
def _print(x, v, grain):
    """A motif on the chest: a disc, a ring, a cross, a bar, a triangle or a block of lines."""
    a, b = x / PRINT_HALF, v / PRINT_HALF
    which = int(grain * 100.0) % 6
    r = math.sqrt(a * a + b * b)
    inside = False
    if which == 0:
        inside = r < 1.0
    elif which == 1:
        inside = 0.5 < r < 1.0
    elif which == 2:
        inside = (abs(a) < 0.36 or abs(b) < 0.36) and max(abs(a), abs(b)) < 1.0
    elif which == 3:
        inside = abs(b) < 0.45 and abs(a) < 1.25
    elif which == 4:
        inside = abs(a) < 0.55 * (1.0 - b) and b > -0.9
    else:
        inside = max(abs(a), abs(b)) < 1.0 and (b * 1.5) % 1.0 < 0.6
    return 1.0 if inside else 0.0


@inner
def _face(k, x, y, v):
    """Eyes, brows, mouth: dark places of a face; the second color is the hair's."""
    if y < 0.03:
        return 0.0, 1.0
    side = abs(x) / k
    high = v / k
    brow = abs(high - 0.041 + 0.25 * max(0.0, side - 0.036)) < 0.0050 and 0.013 < side < 0.052
    if brow:
        return 0.75, 0.85
    e, f = (side - 0.031) / 0.0175, (high - 0.018) / 0.0095
    r = e * e + f * f
    if r < 1.0:
        return (0.0, 0.10) if e * e * 3.4 + f * f < 0.9 else (0.0, 1.25)
    if r < 2.0:
        return 0.0, 0.82
    if abs(high + 0.064 - 0.1 * side) < 0.0085 and side < 0.028:
        return 0.0, 0.50
    if abs(high + 0.026) < 0.008 and side < 0.014:
        return 0.0, 0.72
    return 0.0, 1.0


@inner
def brick(along, z, seed, scale):
    """Bricks of `scale` meters: (mortar share, brightness)."""
    row = math.floor(z / (0.36 * scale))
    b = z / (0.36 * scale) - row
    shifted = along / scale + 0.5 * (row % 2.0)
    column = math.floor(shifted)
    a = shifted - column
    if b < 0.11 or a < 0.05:
        return 1.0, 1.0
    return 0.0, 0.82 + 0.36 * uniform(int(column), int(row), seed)
