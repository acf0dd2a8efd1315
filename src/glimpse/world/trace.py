"""Casting the rays of one image: the truth along each pixel's middle, then the light of every sample.

Solids are sorted by depth and listed per tile of pixels, so a ray meets only what could be in its way.
"""

# ruff: noqa: ANN001, ANN201, ANN202, RUF046
# mypy: disable-error-code="no-untyped-def"

import math

import numpy as np

from glimpse.world import frame, shade, stage
from glimpse.world import intersect as w
from glimpse.world import lens as ln
from glimpse.world.jit import inner
from glimpse.world.skeleton import CHEST

TILE = 8
_UPPER, _CHEST_THING = frame.THINGS.index("upper"), frame.THINGS.index("chest")
_OCCLUDER, _HEAD = frame.OCCLUDER, frame.HEAD
_PARTS = len(frame.PARTS)

# Where a pixel's samples lie, from its middle: the first is the truth's, the rest surround it.
SAMPLES = np.array(
    [
        (0.0, 0.0),
        (0.34, 0.16),
        (-0.30, 0.26),
        (-0.05, -0.38),
        (-0.36, -0.14),
        (0.20, -0.32),
        (0.10, 0.40),
        (0.42, -0.10),
    ]
)


@inner
def _by_depth(work, count):
    """The order of the solids by their nearest depth; a plain insertion sort, which compiles fast."""
    order = np.empty(count, np.int64)
    for n in range(count):
        m = n
        while m > 0 and work[order[m - 1], w.NEAR] > work[n, w.NEAR]:
            order[m] = order[m - 1]
            m -= 1
        order[m] = n
    return order


@inner
def list_tiles(work, count, grid, tiles_x, tiles_y, counts, lists):
    """For each tile the solids whose boxes touch it, nearest first.

    `grid` is the image plane: left, top, pixel width, pixel height.
    """
    order = _by_depth(work, count)
    for tile in range(tiles_x * tiles_y):
        counts[tile] = 0
    for n in range(count):
        k = order[n]
        c0 = max(0, int(math.floor((work[k, w.LEFT] - grid[0]) / grid[2] / TILE - 0.07)))
        c1 = min(tiles_x - 1, int(math.floor((work[k, w.RIGHT] - grid[0]) / grid[2] / TILE + 0.07)))
        r0 = max(0, int(math.floor((grid[1] - work[k, w.TOP]) / grid[3] / TILE - 0.07)))
        r1 = min(tiles_y - 1, int(math.floor((grid[1] - work[k, w.BOTTOM]) / grid[3] / TILE + 0.07)))
        for r in range(r0, r1 + 1):
            for c in range(c0, c1 + 1):
                tile = r * tiles_x + c
                lists[tile, counts[tile]] = k
                counts[tile] += 1


@inner
def _nearest_in_tile(work, counts, lists, tile, person, x, y, dx, dy, dz):
    """(distance, index) of the nearest occluding solid, then of the nearest of the person's."""
    other_t, other, own_t, own = w.MISS, -1, w.MISS, -1
    for n in range(counts[tile]):
        k = int(lists[tile, n])
        mine = k < person
        best = own_t if mine else other_t
        if x < work[k, w.LEFT] or x > work[k, w.RIGHT] or y < work[k, w.BOTTOM] or y > work[k, w.TOP]:
            continue
        if work[k, w.NEAR] > best:
            continue
        lx = work[k, 0] * dx + work[k, 1] * dy + work[k, 2] * dz
        ly = work[k, 3] * dx + work[k, 4] * dy + work[k, 5] * dz
        lz = work[k, 6] * dx + work[k, 7] * dy + work[k, 8] * dz
        t = w.hit(work, k, work[k, w.EYE], work[k, w.EYE + 1], work[k, w.EYE + 2], lx, ly, lz)
        if t < best:
            if mine:
                own_t, own = t, k
            else:
                other_t, other = t, k
    return other_t, other, own_t, own


@inner
def truth(
    work, person, count, bones, view, window, box, height, width, n, parts, tally, seen, things, first, depth
):
    """The part map of image `n` and the counts behind its fractions.

    The pixels' grid is continued beyond the image as far as the person reaches: `tally[n, p]` counts the
    pixels of part p there without occluders, `seen[n, p]` those that the image shows. `first` and
    `depth` get the solid under each pixel's middle and how far away it is.
    """
    step_x, step_y = (window[1] - window[0]) / width, (window[3] - window[2]) / height
    left = max(0, int(math.ceil((window[0] - box[0]) / step_x)))
    right = max(0, int(math.ceil((box[1] - window[1]) / step_x)))
    above = max(0, int(math.ceil((box[3] - window[3]) / step_y)))
    below = max(0, int(math.ceil((window[2] - box[2]) / step_y)))
    all_x, all_y = left + width + right, above + height + below
    tiles_x, tiles_y = (all_x + TILE - 1) // TILE, (all_y + TILE - 1) // TILE
    counts = np.empty(tiles_x * tiles_y, np.int64)
    lists = np.empty((tiles_x * tiles_y, count), np.int16)
    grid = (window[0] - left * step_x, window[3] + above * step_y, step_x, step_y)
    list_tiles(work, count, grid, tiles_x, tiles_y, counts, lists)
    for row in range(all_y):
        y = grid[1] - (row + 0.5) * step_y
        for column in range(all_x):
            x = grid[0] + (column + 0.5) * step_x
            tile = (row // TILE) * tiles_x + column // TILE
            inside = above <= row < above + height and left <= column < left + width
            own, other, own_t, other_t = -1, -1, w.MISS, w.MISS
            dx = view[stage.AHEAD, 0] + x * view[stage.ACROSS, 0] + y * view[stage.UP, 0]
            dy = view[stage.AHEAD, 1] + x * view[stage.ACROSS, 1] + y * view[stage.UP, 1]
            dz = view[stage.AHEAD, 2] + x * view[stage.ACROSS, 2] + y * view[stage.UP, 2]
            if counts[tile] > 0:
                other_t, other, own_t, own = _nearest_in_tile(
                    work, counts, lists, tile, person, x, y, dx, dy, dz
                )
            if own >= 0:
                tally[n, int(work[own, w.PART]) - _HEAD] += 1
            if inside:
                r, c = row - above, column - left
                if other_t < own_t:
                    parts[n, r, c] = _OCCLUDER
                    first[r, c] = other
                    depth[r, c] = other_t
                elif own >= 0:
                    part = int(work[own, w.PART])
                    parts[n, r, c] = part
                    first[r, c] = own
                    depth[r, c] = own_t
                    seen[n, part - _HEAD] += 1
                    thing = int(work[own, w.THING])
                    if thing >= 0:
                        things[n, thing] += 1
                    if thing == _UPPER and int(work[own, w.BONE]) == CHEST:
                        px = view[0, 0] + own_t * dx - bones[CHEST, 9]
                        py = view[0, 1] + own_t * dy - bones[CHEST, 10]
                        pz = view[0, 2] + own_t * dz - bones[CHEST, 11]
                        ahead = bones[CHEST, 1] * px + bones[CHEST, 4] * py + bones[CHEST, 7] * pz
                        if ahead > 0.03:
                            things[n, _CHEST_THING] += 1
                else:
                    parts[n, r, c] = 0
                    first[r, c] = -1


@inner
def expose(work, count, rows, bones, view, lens, i, window, height, width, samples, first, depth, light):
    """The linear light of every pixel, `light [H, W, 3]`, as the mean of its samples."""
    step_x, step_y = (window[1] - window[0]) / width, (window[3] - window[2]) / height
    tiles_x, tiles_y = (width + TILE - 1) // TILE, (height + TILE - 1) // TILE
    counts = np.empty(tiles_x * tiles_y, np.int64)
    lists = np.empty((tiles_x * tiles_y, count), np.int16)
    list_tiles(work, count, (window[0], window[3], step_x, step_y), tiles_x, tiles_y, counts, lists)
    softness = lens[i, ln.SUN_WIDTH]
    light_grid = np.empty(4)
    light_lists = np.empty((shade.LIGHT_CELLS * shade.LIGHT_CELLS, count + 1), np.int16)
    shade.list_light(work, count, softness, light_grid, light_lists)
    for row in range(height):
        for column in range(width):
            tile = (row // TILE) * tiles_x + column // TILE
            red, green, blue = 0.0, 0.0, 0.0
            lit, last = -1.0, -2
            for sample in range(samples):
                x = window[0] + (column + 0.5 + SAMPLES[sample, 0]) * step_x
                y = window[3] - (row + 0.5 + SAMPLES[sample, 1]) * step_y
                dx = view[stage.AHEAD, 0] + x * view[stage.ACROSS, 0] + y * view[stage.UP, 0]
                dy = view[stage.AHEAD, 1] + x * view[stage.ACROSS, 1] + y * view[stage.UP, 1]
                dz = view[stage.AHEAD, 2] + x * view[stage.ACROSS, 2] + y * view[stage.UP, 2]
                best, which = w.MISS, count
                listed = counts[tile]
                if sample == 0:  # the truth has been there
                    listed = 0
                    if first[row, column] >= 0:
                        best, which = depth[row, column], int(first[row, column])
                for n in range(listed):
                    k = int(lists[tile, n])
                    if work[k, w.NEAR] > best:
                        break
                    if (
                        x < work[k, w.LEFT]
                        or x > work[k, w.RIGHT]
                        or y < work[k, w.BOTTOM]
                        or y > work[k, w.TOP]
                    ):
                        continue
                    lx = work[k, 0] * dx + work[k, 1] * dy + work[k, 2] * dz
                    ly = work[k, 3] * dx + work[k, 4] * dy + work[k, 5] * dz
                    lz = work[k, 6] * dx + work[k, 7] * dy + work[k, 8] * dz
                    t = w.hit(work, k, work[k, w.EYE], work[k, w.EYE + 1], work[k, w.EYE + 2], lx, ly, lz)
                    if t < best:
                        best, which = t, k
                a, b = row * 8 + sample, column
                if sample % 2 == 0 or which != last:
                    lit = -1.0  # a sample shares its neighbor's shadow where both see the same solid
                last = which
                if which < count:
                    r, g, u, lit = shade.solid_light(
                        work,
                        light_grid,
                        light_lists,
                        rows,
                        bones,
                        view,
                        lens,
                        i,
                        which,
                        best,
                        dx,
                        dy,
                        dz,
                        a,
                        b,
                        lit,
                    )
                else:
                    r, g, u, lit = shade.scene_light(
                        work, light_grid, light_lists, view, lens, i, dx, dy, dz, a, b, lit
                    )
                red += r
                green += g
                blue += u
            light[row, column, 0] = red / samples
            light[row, column, 1] = green / samples
            light[row, column, 2] = blue / samples
