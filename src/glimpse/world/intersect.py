"""Rays against solids, in closed form: a ray is taken into a solid's own coordinates.

The distance along the ray is the same number in both coordinates, since the direction is mapped without
being normalized. `work` is one image's table of solids, made by `stage.py`.
"""

# ruff: noqa: ANN001, ANN201, ANN202
# mypy: disable-error-code="no-untyped-def"

import math

from glimpse.world.jit import inner
from glimpse.world.solids import BALL, CONE, SLAB

# Columns of a work row.
A, EYE, SHIFT, SHAPE, SIZES, NEAR = 0, 9, 12, 15, 16, 20
LEFT, RIGHT, BOTTOM, TOP = 21, 22, 23, 24  # in the image plane
LIGHT_X, LIGHT_Y, LIGHT_R, LIGHT_FAR = 25, 26, 27, 28  # the bounding disc as the sun sees it
PART, ROW, THING, BONE = 29, 30, 31, 32
WORK = 33

MISS = 1e30


@inner
def hit(work, k, ox, oy, oz, dx, dy, dz):
    """Distance along a ray, given in the solid's own coordinates, to solid `k`; `MISS` if there is none."""
    shape = work[k, SHAPE]
    if shape == CONE:
        return _hit_cone(work[k, SIZES], work[k, SIZES + 1], work[k, SIZES + 2], ox, oy, oz, dx, dy, dz)
    if shape == BALL:
        return _hit_ball(work, k, ox, oy, oz, dx, dy, dz)
    if shape == SLAB:
        return _hit_slab(ox, oy, oz, dx, dy, dz)
    return _hit_tube(work, k, ox, oy, oz, dx, dy, dz)


@inner
def _hit_ball(work, k, ox, oy, oz, dx, dy, dz):
    a = dx * dx + dy * dy + dz * dz
    b = ox * dx + oy * dy + oz * dz
    c = ox * ox + oy * oy + oz * oz - 1.0
    disc = b * b - a * c
    if disc < 0.0:
        return MISS
    root = math.sqrt(disc)
    for sign in range(2):
        t = (-b - root) / a if sign == 0 else (-b + root) / a
        if t > 0.0:
            kept = (
                work[k, SIZES] * (ox + t * dx)
                + work[k, SIZES + 1] * (oy + t * dy)
                + work[k, SIZES + 2] * (oz + t * dz)
                + work[k, SIZES + 3]
            )
            if kept >= 0.0:
                return t
    return MISS


@inner
def _hit_cone(length, start, end, ox, oy, oz, dx, dy, dz):
    # The surface is that of a ball which rolls from one end to the other while its radius changes: a cone
    # between two circles of contact, and a cap of a ball at either end.
    dd = dx * dx + dy * dy + dz * dz
    od = ox * dx + oy * dy + oz * dz
    oo = ox * ox + oy * oy + oz * oz
    shrink = start - end
    slant = length * length - shrink * shrink
    along_o, along_d = length * oz, length * dz
    k2 = slant * dd - along_d * along_d
    k1 = slant * od - along_o * along_d + along_d * shrink * start
    k0 = slant * oo - along_o * along_o + 2.0 * along_o * shrink * start - length * length * start * start
    disc = k1 * k1 - k0 * k2
    if disc < 0.0:
        return MISS
    t = (-math.sqrt(disc) - k1) / k2
    foot = along_o - start * shrink + t * along_d
    if 0.0 < foot < slant:
        return t if t > 0.0 else MISS
    best = MISS
    disc = od * od - dd * (oo - start * start)
    if disc > 0.0:
        t = (-od - math.sqrt(disc)) / dd
        if t > 0.0:
            best = t
    top = oz - length
    od = ox * dx + oy * dy + top * dz
    disc = od * od - dd * (ox * ox + oy * oy + top * top - end * end)
    if disc > 0.0:
        t = (-od - math.sqrt(disc)) / dd
        if 0.0 < t < best:
            best = t
    return best


@inner
def _hit_slab(ox, oy, oz, dx, dy, dz):
    ix, iy, iz = 1.0 / dx, 1.0 / dy, 1.0 / dz
    nx, ny, nz = ix * ox, iy * oy, iz * oz
    kx, ky, kz = abs(ix), abs(iy), abs(iz)
    enter = max(max(-nx - kx, -ny - ky), -nz - kz)
    leave = min(min(-nx + kx, -ny + ky), -nz + kz)
    if enter > leave or enter <= 0.0:
        return MISS
    return enter


@inner
def _hit_tube(work, k, ox, oy, oz, dx, dy, dz):
    length, start, end, slit = work[k, SIZES], work[k, SIZES + 1], work[k, SIZES + 2], work[k, SIZES + 3]
    slope = (end - start) / length
    radius = start + slope * oz
    rate = slope * dz
    a = dx * dx + dy * dy - rate * rate
    b = ox * dx + oy * dy - radius * rate
    c = ox * ox + oy * oy - radius * radius
    disc = b * b - a * c
    if disc < 0.0:
        return MISS
    root = math.sqrt(disc)
    low, high = (-b - root) / a, (-b + root) / a
    if low > high:
        low, high = high, low
    for turn in range(2):
        t = low if turn == 0 else high
        z = oz + t * dz
        # The second nappe of the cone has a negative radius.
        if t > 0.0 and 0.0 <= z <= length and radius + t * rate > 0.0:
            y = oy + t * dy
            # The second axis of a tube that hangs down points forward, as that of one that stands up.
            if slit == 0.0 or y < 0.0 or abs(ox + t * dx) > slit * (0.4 + z / length):
                return t
    return MISS


@inner
def normal(work, k, x, y, z):
    """The outward normal at a point of solid `k`, in its own coordinates, not normalized."""
    shape = work[k, SHAPE]
    if shape == BALL:
        return x, y, z
    if shape == SLAB:
        ax, ay, az = abs(x), abs(y), abs(z)
        if ax >= ay and ax >= az:
            return math.copysign(1.0, x), 0.0, 0.0
        if ay >= az:
            return 0.0, math.copysign(1.0, y), 0.0
        return 0.0, 0.0, math.copysign(1.0, z)
    length, start, end = work[k, SIZES], work[k, SIZES + 1], work[k, SIZES + 2]
    across = math.sqrt(x * x + y * y) + 1e-12
    if shape == CONE:
        sine = (start - end) / length
        if z < start * sine:
            return x, y, z
        if z > length + end * sine:
            return x, y, z - length
        cosine = math.sqrt(max(0.0, 1.0 - sine * sine))
        return x / across * cosine, y / across * cosine, sine
    return x / across, y / across, (start - end) / length
