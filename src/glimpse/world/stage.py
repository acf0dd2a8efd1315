"""Scene setup of one image: solids in world coordinates, their bounds for camera and sun."""

# ruff: noqa: ANN001, ANN201, ANN202
# mypy: disable-error-code="no-untyped-def"

import math

from glimpse.world import intersect as w
from glimpse.world import lens as ln
from glimpse.world import solids as s
from glimpse.world.jit import inner

# Rows of `view`: the camera's place and its axes right, up and forward; two axes across the sun's direction.
PLACE, ACROSS, UP, AHEAD, SUN_U, SUN_V = range(6)


@inner
def aim(view, lens, i, look_height):
    """Place the camera of image `i` in `view [6, 3]`, looking at the middle of the person."""
    distance, height = lens[i, ln.DISTANCE], lens[i, ln.HEIGHT]
    view[PLACE, 0], view[PLACE, 1], view[PLACE, 2] = 0.0, -distance, height
    drop = height - look_height
    length = math.sqrt(distance * distance + drop * drop)
    fy, fz = distance / length, -drop / length
    view[AHEAD, 0], view[AHEAD, 1], view[AHEAD, 2] = 0.0, fy, fz
    c, q = math.cos(lens[i, ln.ROLL]), math.sin(lens[i, ln.ROLL])
    view[ACROSS, 0], view[ACROSS, 1], view[ACROSS, 2] = c, -fz * q, fy * q
    view[UP, 0], view[UP, 1], view[UP, 2] = -q, -fz * c, fy * c
    sx, sy, sz = lens[i, ln.SUN], lens[i, ln.SUN + 1], lens[i, ln.SUN + 2]
    flat = math.sqrt(sx * sx + sy * sy) + 1e-9
    view[SUN_U, 0], view[SUN_U, 1], view[SUN_U, 2] = -sy / flat, sx / flat, 0.0
    view[SUN_V, 0], view[SUN_V, 1], view[SUN_V, 2] = -sz * sx / flat, -sz * sy / flat, flat


@inner
def put(work, k, rows, row, bones, bone, part, view, lens, i, spread):
    """Fill work row `k` from solid `row` on `bone`; `part` replaces the solid's own unless negative."""
    for r in range(3):
        for c in range(3):
            total = 0.0
            for m in range(3):
                total += rows[row, s.INVERSE + 3 * r + m] * bones[bone, 3 * c + m]
            work[k, w.A + 3 * r + c] = total
    x0, y0, z0 = _to_world(bones, bone, rows[row, s.ORIGIN], rows[row, s.ORIGIN + 1], rows[row, s.ORIGIN + 2])
    for r in range(3):
        a, b, c = work[k, w.A + 3 * r], work[k, w.A + 3 * r + 1], work[k, w.A + 3 * r + 2]
        shift = -(a * x0 + b * y0 + c * z0)
        work[k, w.SHIFT + r] = shift
        work[k, w.EYE + r] = a * view[PLACE, 0] + b * view[PLACE, 1] + c * view[PLACE, 2] + shift
    shape = rows[row, s.SHAPE]
    work[k, w.SHAPE] = shape
    for m in range(4):
        work[k, w.SIZES + m] = rows[row, s.SIZES + m]
    work[k, w.SIZES + 2] += rows[row, s.SWAY] * spread
    work[k, w.PART] = rows[row, s.PART] if part < 0.0 else part
    work[k, w.ROW] = row
    work[k, w.THING] = rows[row, s.THING] if part < 0.0 else -1.0
    work[k, w.BONE] = bone
    _bound(work, k, rows, row, bones, bone, view, lens, i)


@inner
def _to_world(bones, bone, x, y, z):
    return (
        bones[bone, 0] * x + bones[bone, 1] * y + bones[bone, 2] * z + bones[bone, 9],
        bones[bone, 3] * x + bones[bone, 4] * y + bones[bone, 5] * z + bones[bone, 10],
        bones[bone, 6] * x + bones[bone, 7] * y + bones[bone, 8] * z + bones[bone, 11],
    )


@inner
def _bound(work, k, rows, row, bones, bone, view, lens, i):
    """Bounds of solid `k`: its box in the image plane, its nearest depth, its disc towards the sun."""
    lx, ly, lz, hx, hy, hz = _extent(work, k)
    near, left, right, bottom, top = 1e30, 1e30, -1e30, 1e30, -1e30
    far = -1e30
    low_u, high_u, low_v, high_v = 1e30, -1e30, 1e30, -1e30
    for corner in range(8):
        x = lx if corner & 1 else hx
        y = ly if corner & 2 else hy
        z = lz if corner & 4 else hz
        bx = (
            rows[row, s.ORIGIN]
            + rows[row, s.PLACE] * x
            + rows[row, s.PLACE + 1] * y
            + rows[row, s.PLACE + 2] * z
        )
        by = (
            rows[row, s.ORIGIN + 1]
            + rows[row, s.PLACE + 3] * x
            + rows[row, s.PLACE + 4] * y
            + rows[row, s.PLACE + 5] * z
        )
        bz = (
            rows[row, s.ORIGIN + 2]
            + rows[row, s.PLACE + 6] * x
            + rows[row, s.PLACE + 7] * y
            + rows[row, s.PLACE + 8] * z
        )
        px, py, pz = _to_world(bones, bone, bx, by, bz)
        u = px * view[SUN_U, 0] + py * view[SUN_U, 1] + pz * view[SUN_U, 2]
        v = px * view[SUN_V, 0] + py * view[SUN_V, 1] + pz * view[SUN_V, 2]
        low_u, high_u, low_v, high_v = min(low_u, u), max(high_u, u), min(low_v, v), max(high_v, v)
        far = max(far, px * lens[i, ln.SUN] + py * lens[i, ln.SUN + 1] + pz * lens[i, ln.SUN + 2])
        px, py, pz = px - view[PLACE, 0], py - view[PLACE, 1], pz - view[PLACE, 2]
        depth = px * view[AHEAD, 0] + py * view[AHEAD, 1] + pz * view[AHEAD, 2]
        near = min(near, depth)
        if depth > 0.05:
            u = (px * view[ACROSS, 0] + py * view[ACROSS, 1] + pz * view[ACROSS, 2]) / depth
            v = (px * view[UP, 0] + py * view[UP, 1] + pz * view[UP, 2]) / depth
            left, right, bottom, top = min(left, u), max(right, u), min(bottom, v), max(top, v)
    if near <= 0.05:  # it reaches behind the camera: it may be anywhere in the image
        near, left, right, bottom, top = 0.0, -1e6, 1e6, -1e6, 1e6
    work[k, w.NEAR] = near
    work[k, w.LEFT], work[k, w.RIGHT], work[k, w.BOTTOM], work[k, w.TOP] = left, right, bottom, top
    work[k, w.LIGHT_X], work[k, w.LIGHT_Y] = 0.5 * (low_u + high_u), 0.5 * (low_v + high_v)
    work[k, w.LIGHT_R] = 0.5 * math.sqrt((high_u - low_u) ** 2 + (high_v - low_v) ** 2)
    work[k, w.LIGHT_FAR] = far


@inner
def _extent(work, k):
    """The box of solid `k` in its own coordinates: low x, y, z, then high x, y, z."""
    shape = work[k, w.SHAPE]
    if shape == s.BALL or shape == s.SLAB:
        return -1.0, -1.0, -1.0, 1.0, 1.0, 1.0
    length, start, end = work[k, w.SIZES], work[k, w.SIZES + 1], work[k, w.SIZES + 2]
    wide = max(start, end)
    if shape == s.TUBE:
        return -wide, -wide, 0.0, wide, wide, length
    return -wide, -wide, -start, wide, wide, length + end
