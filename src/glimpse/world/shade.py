"""Light: what the camera receives from a point, in visible light, near infrared or thermal."""

# ruff: noqa: ANN001, ANN201, ANN202
# mypy: disable-error-code="no-untyped-def"

import math

from glimpse.world import intersect as w
from glimpse.world import lens as ln
from glimpse.world import solids as s
from glimpse.world import stage
from glimpse.world.jit import inner
from glimpse.world.noise import smooth, uniform
from glimpse.world.scenery import backdrop_look, ground_look
from glimpse.world.texture import look

# Near-infrared reflectance and apparent temperature of grounds and backdrops, in the order of their kinds.
GROUND_INFRARED = (0.16, 0.34, 0.78, 0.40, 0.30, 0.52)
BACKDROP_INFRARED = (0.36, 0.42, 0.80, 0.38, 0.30, 0.55)


LIGHT_CELLS = 24  # along each side of the grid of solids as the sun sees them


@inner
def list_light(work, count, softness, grid, lists):
    """List for each cell of a grid across the sun's direction the solids that could shade it.

    `grid` becomes low u, cells per meter along u, and the same of v; a list begins with its length.
    """
    wide = 6.0 * softness
    low_u, high_u, low_v, high_v = 1e30, -1e30, 1e30, -1e30
    for k in range(count):
        r = work[k, w.LIGHT_R] + wide
        low_u, high_u = min(low_u, work[k, w.LIGHT_X] - r), max(high_u, work[k, w.LIGHT_X] + r)
        low_v, high_v = min(low_v, work[k, w.LIGHT_Y] - r), max(high_v, work[k, w.LIGHT_Y] + r)
    grid[0], grid[1] = low_u, LIGHT_CELLS / (high_u - low_u)
    grid[2], grid[3] = low_v, LIGHT_CELLS / (high_v - low_v)
    for cell in range(LIGHT_CELLS * LIGHT_CELLS):
        lists[cell, 0] = 0
    for k in range(count):
        r = work[k, w.LIGHT_R] + wide
        c0 = max(0, int((work[k, w.LIGHT_X] - r - low_u) * grid[1]))
        c1 = min(LIGHT_CELLS - 1, int((work[k, w.LIGHT_X] + r - low_u) * grid[1]))
        r0 = max(0, int((work[k, w.LIGHT_Y] - r - low_v) * grid[3]))
        r1 = min(LIGHT_CELLS - 1, int((work[k, w.LIGHT_Y] + r - low_v) * grid[3]))
        for row in range(r0, r1 + 1):
            for column in range(c0, c1 + 1):
                cell = row * LIGHT_CELLS + column
                lists[cell, 0] += 1
                lists[cell, lists[cell, 0]] = k


@inner
def sunlit(work, grid, lists, view, lens, i, x, y, z, seed_a, seed_b):
    """Whether the sun reaches a point: 1 or 0 along one ray, drawn within the sun's disc."""
    softness = lens[i, ln.SUN_WIDTH]
    sx, sy, sz = lens[i, ln.SUN], lens[i, ln.SUN + 1], lens[i, ln.SUN + 2]
    u = x * view[stage.SUN_U, 0] + y * view[stage.SUN_U, 1] + z * view[stage.SUN_U, 2]
    v = x * view[stage.SUN_V, 0] + y * view[stage.SUN_V, 1] + z * view[stage.SUN_V, 2]
    column, row = int((u - grid[0]) * grid[1]), int((v - grid[2]) * grid[3])
    if u < grid[0] or v < grid[2] or column >= LIGHT_CELLS or row >= LIGHT_CELLS:
        return 1.0
    cell = row * LIGHT_CELLS + column
    along = x * sx + y * sy + z * sz
    du, dv = 0.0, 0.0
    if softness > 0.0:
        seed = int(lens[i, ln.SEED])
        du = softness * (2.0 * uniform(seed_a, seed_b, seed) - 1.0)
        dv = softness * (2.0 * uniform(seed_b, seed_a, seed + 1) - 1.0)
        sx += du * view[stage.SUN_U, 0] + dv * view[stage.SUN_V, 0]
        sy += du * view[stage.SUN_U, 1] + dv * view[stage.SUN_V, 1]
        sz += dv * view[stage.SUN_V, 2]
    for n in range(lists[cell, 0]):
        k = int(lists[cell, n + 1])
        reach = work[k, w.LIGHT_FAR] - along
        if reach <= 0.0:
            continue
        a, b = work[k, w.LIGHT_X] - u, work[k, w.LIGHT_Y] - v
        r = work[k, w.LIGHT_R] + softness * reach * 1.5
        if a * a + b * b > r * r:
            continue
        dx = work[k, 0] * sx + work[k, 1] * sy + work[k, 2] * sz
        dy = work[k, 3] * sx + work[k, 4] * sy + work[k, 5] * sz
        dz = work[k, 6] * sx + work[k, 7] * sy + work[k, 8] * sz
        ox = work[k, 0] * x + work[k, 1] * y + work[k, 2] * z + work[k, w.SHIFT]
        oy = work[k, 3] * x + work[k, 4] * y + work[k, 5] * z + work[k, w.SHIFT + 1]
        oz = work[k, 6] * x + work[k, 7] * y + work[k, 8] * z + work[k, w.SHIFT + 2]
        if w.hit(work, k, ox, oy, oz, dx, dy, dz) < w.MISS:
            return 0.0
    return 1.0


@inner
def solid_light(work, grid, lists, rows, bones, view, lens, i, k, t, dx, dy, dz, a, b, lit):
    """Light from the point at `t` of a camera ray on solid `k`: linear RGB, one number thrice in infrared.

    `lit` is whether the sun reaches it, negative if that is to be found out; it is the fourth of the answer.
    """
    lx = work[k, 0] * dx + work[k, 1] * dy + work[k, 2] * dz
    ly = work[k, 3] * dx + work[k, 4] * dy + work[k, 5] * dz
    lz = work[k, 6] * dx + work[k, 7] * dy + work[k, 8] * dz
    qx, qy, qz = w.normal(
        work, k, work[k, w.EYE] + t * lx, work[k, w.EYE + 1] + t * ly, work[k, w.EYE + 2] + t * lz
    )
    nx = work[k, 0] * qx + work[k, 3] * qy + work[k, 6] * qz
    ny = work[k, 1] * qx + work[k, 4] * qy + work[k, 7] * qz
    nz = work[k, 2] * qx + work[k, 5] * qy + work[k, 8] * qz
    scale = 1.0 / math.sqrt(nx * nx + ny * ny + nz * nz)
    if nx * dx + ny * dy + nz * dz > 0.0:
        scale = -scale
    nx, ny, nz = nx * scale, ny * scale, nz * scale
    x, y, z = view[stage.PLACE, 0] + t * dx, view[stage.PLACE, 1] + t * dy, view[stage.PLACE, 2] + t * dz
    length = 1.0 / math.sqrt(dx * dx + dy * dy + dz * dz)
    facing = -(nx * dx + ny * dy + nz * dz) * length
    bone, row = int(work[k, w.BONE]), int(work[k, w.ROW])
    rx, ry, rz = x - bones[bone, 9], y - bones[bone, 10], z - bones[bone, 11]
    px = bones[bone, 0] * rx + bones[bone, 3] * ry + bones[bone, 6] * rz
    py = bones[bone, 1] * rx + bones[bone, 4] * ry + bones[bone, 7] * rz
    pz = bones[bone, 2] * rx + bones[bone, 5] * ry + bones[bone, 8] * rz
    finish = int(rows[row, s.FINISH])
    pattern = int(rows[row, s.PATTERN])
    band = lens[i, ln.BAND]
    grain = rows[row, s.GRAIN]
    if band == 1.0:
        pattern = int(rows[row, s.INFRARED_PATTERN])  # most dyes do not show in near infrared
    elif band == 2.0:
        pattern = 0
    share, bright = look(
        finish,
        pattern,
        rows[row, s.SCALE],
        rows[row, s.WRAP],
        rows[row, s.RAISE],
        rows[row, s.OPENING],
        grain,
        bone % 17,
        px,
        py,
        pz,
    )
    folds = rows[row, s.FOLDS]
    if folds > 0.0 and band != 2.0:
        p, q = (
            17.0 * px + 11.0 * pz + grain,
            23.0 * pz - 9.0 * px + 2.0 * math.sin(9.0 * pz + 5.0 * py + grain),
        )
        f, g = folds * math.cos(p + 1.5 * math.sin(7.0 * pz)), folds * math.cos(q)
        nx += f * bones[bone, 0] + g * bones[bone, 2]
        ny += f * bones[bone, 3] + g * bones[bone, 5]
        nz += f * bones[bone, 6] + g * bones[bone, 8]
        scale = 1.0 / math.sqrt(nx * nx + ny * ny + nz * nz)
        nx, ny, nz = nx * scale, ny * scale, nz * scale
    if band == 2.0:
        warm = (
            rows[row, s.WARMTH] * (0.72 + 0.28 * facing) * (0.92 + 0.16 * smooth(px * 14.0, pz * 14.0, bone))
        )
        if finish == s.FACE and bright < 0.6:
            warm *= 0.95
        warm *= warm  # developing takes the root again
        return warm, warm, warm, lit
    if band == 1.0:
        albedo = rows[row, s.INFRARED] * (1.0 - share) + rows[row, s.INFRARED_SECOND] * share
        lamp = _lamp(lens, i, t) * max(0.0, -(nx * dx + ny * dy + nz * dz) * length)
        value = albedo * bright * (lamp + lens[i, ln.AMBIENT] * (0.7 + 0.3 * nz))
        return value, value, value, lit
    shine = nx * lens[i, ln.SUN] + ny * lens[i, ln.SUN + 1] + nz * lens[i, ln.SUN + 2]
    gloss = 0.0
    if shine > 0.0:
        if lens[i, ln.SUN_LIGHT + 1] > 0.02:
            if lit < 0.0:
                lit = sunlit(
                    work, grid, lists, view, lens, i, x + 0.004 * nx, y + 0.004 * ny, z + 0.004 * nz, a, b
                )
            shine *= lit
        gloss = rows[row, s.GLOSS]
        if gloss > 0.0:
            hx = lens[i, ln.SUN] - dx * length
            hy = lens[i, ln.SUN + 1] - dy * length
            hz = lens[i, ln.SUN + 2] - dz * length
            half = (nx * hx + ny * hy + nz * hz) / math.sqrt(hx * hx + hy * hy + hz * hz)
            half = max(0.0, half)
            half *= half
            half *= half
            half *= half
            gloss *= half * half * shine
    else:
        shine = 0.0
    up = 0.5 + 0.5 * nz
    # Sides that face away from the sky, and places near the ground, get less of it.
    open_sky = (0.35 + 0.65 * facing) * (0.72 + 0.28 * min(1.0, z))
    out_r, out_g, out_b = 0.0, 0.0, 0.0
    for channel in range(3):
        albedo = rows[row, s.COLOUR + channel] * (1.0 - share) + rows[row, s.SECOND + channel] * share
        light = (
            lens[i, ln.SUN_LIGHT + channel] * shine
            + (lens[i, ln.SKY_LIGHT + channel] * up + lens[i, ln.BOUNCE_LIGHT + channel] * (1.0 - up))
            * open_sky
        )
        value = albedo * bright * light + gloss * lens[i, ln.SUN_LIGHT + channel]
        if finish == s.CAR:
            value += _sheen(lens, i, nx, ny, nz, facing, channel)
        if channel == 0:
            out_r = value
        elif channel == 1:
            out_g = value
        else:
            out_b = value
    return out_r, out_g, out_b, lit


@inner
def _sheen(lens, i, nx, ny, nz, facing, channel):
    """Sky mirrored in paint or glass, stronger at grazing angles."""
    edge = 1.0 - facing
    return lens[i, ln.SKY_LIGHT + channel] * (0.03 + 0.25 * edge * edge * edge) * max(0.0, nz + 0.4)


@inner
def _lamp(lens, i, t):
    """The camera's infrared lamp at distance `t`: it falls off with the square, to 1 at the person."""
    ratio = lens[i, ln.DISTANCE] / max(t, 0.5)
    return lens[i, ln.ILLUMINATOR] * min(3.0, ratio * ratio)


@inner
def scene_light(work, grid, lists, view, lens, i, dx, dy, dz, a, b, lit):
    """Light along a ray that meets no solid: ground, backdrop or sky; `lit` as in `solid_light`."""
    ox, oy, oz = view[stage.PLACE, 0], view[stage.PLACE, 1], view[stage.PLACE, 2]
    band = lens[i, ln.BAND]
    seed = int(lens[i, ln.SCENE_SEED])
    slope = lens[i, ln.BACKDROP_SLOPE]
    wall = (lens[i, ln.BACKDROP_AWAY] - oy + slope * ox) / (dy - slope * dx)
    ground = -oz / dz if dz < -1e-6 else w.MISS
    if ground < wall:
        x, y = ox + ground * dx, oy + ground * dy
        c, q = lens[i, ln.TURN_COS], lens[i, ln.TURN_SIN]
        gx, gy = c * x - q * y + lens[i, ln.SCENE_X], q * x + c * y + lens[i, ln.SCENE_Y]
        kind = int(lens[i, ln.GROUND])
        share, bright = ground_look(kind, gx, gy, seed)
        near = math.exp(-(x * x + y * y) * 7.0)
        if band == 2.0:
            warm = 0.20 + 0.08 * smooth(gx * 0.7, gy * 0.7, seed) + 0.03 * bright
            warm *= warm
            return warm, warm, warm, lit
        if band == 1.0:
            steep = -dz / math.sqrt(dx * dx + dy * dy + dz * dz)
            value = GROUND_INFRARED[kind] * bright * (_lamp(lens, i, ground) * steep + lens[i, ln.AMBIENT])
            value *= 1.0 - 0.3 * near
            return value, value, value, lit
        sun = max(0.0, lens[i, ln.SUN + 2])
        if lens[i, ln.SUN_LIGHT + 1] > 0.02:
            if lit < 0.0:
                lit = sunlit(work, grid, lists, view, lens, i, x, y, 0.002, a, b)
            sun *= lit
        return _scene_rgb(lens, i, ln.GROUND_COLOUR, share, bright, sun, 1.0 - 0.45 * near, lit)
    x, z = ox + wall * dx, oz + wall * dz
    if z > lens[i, ln.BACKDROP_TALL] or wall < 0.0:
        if band == 2.0:
            return 0.001, 0.001, 0.001, lit
        if band == 1.0:
            return 0.01, 0.01, 0.01, lit
        glow = 1.25 + 0.3 * smooth(x * 0.15, z * 0.3, seed)
        return (
            lens[i, ln.SKY_LIGHT] * glow,
            lens[i, ln.SKY_LIGHT + 1] * glow,
            lens[i, ln.SKY_LIGHT + 2] * glow,
            lit,
        )
    along = x + lens[i, ln.SCENE_X]
    kind = int(lens[i, ln.BACKDROP])
    share, bright = backdrop_look(kind, along, z, seed)
    if band == 2.0:
        warm = 0.14 + 0.08 * smooth(along * 0.5, z * 0.5, seed) + 0.10 * share
        warm *= warm
        return warm, warm, warm, lit
    if band == 1.0:
        value = BACKDROP_INFRARED[kind] * bright * (1.0 - 0.5 * share)
        value *= _lamp(lens, i, wall) + lens[i, ln.AMBIENT]
        return value, value, value, lit
    sun = max(0.0, -lens[i, ln.SUN + 1])
    if sun > 0.0 and lens[i, ln.SUN_LIGHT + 1] > 0.02:
        y = oy + wall * dy
        if lit < 0.0:
            lit = sunlit(work, grid, lists, view, lens, i, x, y - 0.01, z, a, b)
        sun *= lit
    return _scene_rgb(lens, i, ln.BACKDROP_COLOUR, share, bright, sun, 0.75, lit)


@inner
def _scene_rgb(lens, i, color, share, bright, sun, open_sky, lit):
    r = (lens[i, color] * (1.0 - share) + lens[i, color + 3] * share) * bright
    g = (lens[i, color + 1] * (1.0 - share) + lens[i, color + 4] * share) * bright
    b = (lens[i, color + 2] * (1.0 - share) + lens[i, color + 5] * share) * bright
    return (
        r * (lens[i, ln.SUN_LIGHT] * sun + lens[i, ln.SKY_LIGHT] * open_sky),
        g * (lens[i, ln.SUN_LIGHT + 1] * sun + lens[i, ln.SKY_LIGHT + 1] * open_sky),
        b * (lens[i, ln.SUN_LIGHT + 2] * sun + lens[i, ln.SKY_LIGHT + 2] * open_sky),
        lit,
    )
