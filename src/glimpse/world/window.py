"""The window: which rectangle of the image plane becomes the image, and what of the person it would show.

A coarse grid of rays over the whole person (`probe`) answers both "what does this occluder hide" and "what
does this crop keep" before anything is rendered.
"""

# ruff: noqa: ANN001, ANN201, ANN202
# mypy: disable-error-code="no-untyped-def"

import math

from glimpse.world import intersect as w
from glimpse.world import lens as ln
from glimpse.world import stage
from glimpse.world.jit import inner
from glimpse.world.skeleton import BONES

PROBE_ROWS, PROBE_COLUMNS = 56, 28
BOX_LEFT, BOX_RIGHT, BOX_BOTTOM, BOX_TOP = 0, 1, 2, 3
OCCLUDER_BONE = BONES
_TRIES = 7  # halvings when an occluder or a crop is adjusted


@inner
def person_box(work, person, box):
    """The rectangle that holds the first `person` solids, with a pattern-free guess of their outline."""
    box[0], box[1], box[2], box[3] = 1e30, -1e30, 1e30, -1e30
    for k in range(person):
        box[0] = min(box[0], work[k, w.LEFT])
        box[1] = max(box[1], work[k, w.RIGHT])
        box[2] = min(box[2], work[k, w.BOTTOM])
        box[3] = max(box[3], work[k, w.TOP])


@inner
def nearest(work, start, stop, view, x, y):
    """(distance, index) of the nearest of the solids `start` to `stop` along the ray through (x, y)."""
    dx = view[stage.AHEAD, 0] + x * view[stage.ACROSS, 0] + y * view[stage.UP, 0]
    dy = view[stage.AHEAD, 1] + x * view[stage.ACROSS, 1] + y * view[stage.UP, 1]
    dz = view[stage.AHEAD, 2] + x * view[stage.ACROSS, 2] + y * view[stage.UP, 2]
    best, which = w.MISS, -1
    for k in range(start, stop):
        if x < work[k, w.LEFT] or x > work[k, w.RIGHT] or y < work[k, w.BOTTOM] or y > work[k, w.TOP]:
            continue
        if work[k, w.NEAR] > best:
            continue
        lx = work[k, 0] * dx + work[k, 1] * dy + work[k, 2] * dz
        ly = work[k, 3] * dx + work[k, 4] * dy + work[k, 5] * dz
        lz = work[k, 6] * dx + work[k, 7] * dy + work[k, 8] * dz
        t = w.hit(work, k, work[k, w.EYE], work[k, w.EYE + 1], work[k, w.EYE + 2], lx, ly, lz)
        if t < best:
            best, which = t, k
    return best, which


@inner
def probe_person(work, person, view, box, depths):
    """Distances to the person over the box, `depths [PROBE_ROWS, PROBE_COLUMNS]`; then shrink the box to fit.

    Returns how many rays meet the person.
    """
    total = 0
    left, right, bottom, top = PROBE_COLUMNS, -1, -1, PROBE_ROWS
    for r in range(PROBE_ROWS):
        y = box[3] - (r + 0.5) * (box[3] - box[2]) / PROBE_ROWS
        for c in range(PROBE_COLUMNS):
            x = box[0] + (c + 0.5) * (box[1] - box[0]) / PROBE_COLUMNS
            depth, _ = nearest(work, 0, person, view, x, y)
            depths[r, c] = depth
            if depth < w.MISS:
                total += 1
                left, right, bottom, top = min(left, c), max(right, c), max(bottom, r), min(top, r)
    depths[PROBE_ROWS, 0], depths[PROBE_ROWS, 1] = left, right + 1
    depths[PROBE_ROWS, 2], depths[PROBE_ROWS, 3] = top, bottom + 1
    return total


@inner
def unhidden(work, person, count, view, box, depths, total):
    """The fraction of the probed person that the solids from `person` to `count` leave visible."""
    left, right, bottom, top = 1e30, -1e30, 1e30, -1e30
    for k in range(person, count):
        left, right = min(left, work[k, w.LEFT]), max(right, work[k, w.RIGHT])
        bottom, top = min(bottom, work[k, w.BOTTOM]), max(top, work[k, w.TOP])
    hidden = 0
    for r in range(PROBE_ROWS):
        y = box[3] - (r + 0.5) * (box[3] - box[2]) / PROBE_ROWS
        if y < bottom or y > top:
            continue
        for c in range(PROBE_COLUMNS):
            depth = depths[r, c]
            if depth == w.MISS:
                continue
            x = box[0] + (c + 0.5) * (box[1] - box[0]) / PROBE_COLUMNS
            if x < left or x > right:
                continue
            t, _ = nearest(work, person, count, view, x, y)
            if t < depth:
                hidden += 1
    return 1.0 - hidden / max(total, 1)


@inner
def place_occluder(work, rows, person, count, first_row, bones, is_passer, view, lens, i, box, depths, total):
    """Put the occluder where the person's visible fraction is nearest to the one that is wanted.

    A thing from the side slides in; a wall or a bush rises. Either hides more the further it comes, so the
    way is halved; of three distances in front of the person the first that can hide enough is taken.
    """
    wanted = lens[i, ln.WANTED]
    best_gap, best_way, best_error = lens[i, ln.OCCLUDER_GAPS], 1.0, 1e9
    for attempt in range(3):
        gap = lens[i, ln.OCCLUDER_GAPS + attempt]
        low, high = 0.0, 1.0
        for turn in range(_TRIES + 1):
            way = 1.0 if turn == 0 else 0.5 * (low + high)
            _put_occluder(work, rows, person, count, first_row, bones, is_passer, view, lens, i, gap, way)
            seen = unhidden(work, person, count, view, box, depths, total)
            error = abs(seen - wanted)
            if error < best_error:
                best_gap, best_way, best_error = gap, way, error
            if turn == 0 and seen > wanted:
                break
            if seen > wanted:
                low = way
            else:
                high = way
        if best_error < 0.03:
            break
    _put_occluder(work, rows, person, count, first_row, bones, is_passer, view, lens, i, best_gap, best_way)


@inner
def _put_occluder(work, rows, person, count, first_row, bones, is_passer, view, lens, i, gap, way):
    """Move the occluder's frame (or a passer-by's bones, which were placed at the origin) and its solids."""
    side = lens[i, ln.OCCLUDER_SIDE]
    if lens[i, ln.RISES] > 0.0:
        x, z = 0.25 * side * lens[i, ln.HALF_WIDTH], -(1.0 - way) * lens[i, ln.OCCLUDER_TALL]
    else:
        x, z = side * (1.0 - way) * (lens[i, ln.HALF_WIDTH] + 0.75), 0.0
    if is_passer:
        move_x = x - bones[OCCLUDER_BONE + 1, 9]
        move_y = -gap - bones[OCCLUDER_BONE + 1, 10]
        for bone in range(OCCLUDER_BONE + 1, OCCLUDER_BONE + 1 + BONES):
            bones[bone, 9] += move_x
            bones[bone, 10] += move_y
    else:
        c, q = math.cos(lens[i, ln.OCCLUDER_TURN]), math.sin(lens[i, ln.OCCLUDER_TURN])
        o = OCCLUDER_BONE
        bones[o, 0], bones[o, 1], bones[o, 2] = c, -q, 0.0
        bones[o, 3], bones[o, 4], bones[o, 5] = q, c, 0.0
        bones[o, 6], bones[o, 7], bones[o, 8] = 0.0, 0.0, 1.0
        bones[o, 9], bones[o, 10], bones[o, 11] = x, -gap, z
    for k in range(person, count):
        row = first_row + k - person
        bone = OCCLUDER_BONE + 1 + int(rows[row, 1]) if is_passer else OCCLUDER_BONE
        stage.put(work, k, rows, row, bones, bone, 1.0, view, lens, i, 0.25)


@inner
def choose_window(lens, i, box, depths, total, window):
    """The image's rectangle: the person's box, off by the detector's error, cropped for partial shots.

    `box` becomes the rectangle that holds the whole person.
    """
    wide, tall = (box[1] - box[0]) / PROBE_COLUMNS, (box[3] - box[2]) / PROBE_ROWS
    left = box[0] + (depths[PROBE_ROWS, 0] - 0.5) * wide
    right = box[0] + (depths[PROBE_ROWS, 1] + 0.5) * wide
    top = box[3] - (depths[PROBE_ROWS, 2] - 0.5) * tall
    bottom = box[3] - (depths[PROBE_ROWS, 3] + 0.5) * tall
    # Detectors seldom give very slim boxes.
    slim = 0.5 * max(0.0, 0.36 * (top - bottom) - (right - left))
    across, up = right - left + 2.0 * slim, top - bottom
    window[0] = left - slim - across * lens[i, ln.MARGINS]
    window[1] = right + slim + across * lens[i, ln.MARGINS + 1]
    window[2] = bottom - up * lens[i, ln.MARGINS + 2]
    window[3] = top + up * lens[i, ln.MARGINS + 3]
    if lens[i, ln.KIND] == 2.0:
        _crop(lens, i, box, depths, total, window, left, right, bottom, top)


@inner
def _crop(lens, i, box, depths, total, window, left, right, bottom, top):
    side = int(lens[i, ln.SIDE])  # 0 upper, 1 lower, 2 left, 3 right is kept
    low, high = 0.08, 1.0
    for _ in range(_TRIES + 2):
        keep = 0.5 * (low + high)
        seen = 0
        for r in range(PROBE_ROWS):
            for c in range(PROBE_COLUMNS):
                if depths[r, c] < w.MISS:
                    x = box[0] + (c + 0.5) * (box[1] - box[0]) / PROBE_COLUMNS
                    y = box[3] - (r + 0.5) * (box[3] - box[2]) / PROBE_ROWS
                    inside = (
                        (side == 0 and y > top - keep * (top - bottom))
                        or (side == 1 and y < bottom + keep * (top - bottom))
                        or (side == 2 and x < left + keep * (right - left))
                        or (side == 3 and x > right - keep * (right - left))
                    )
                    seen += inside
        if seen > lens[i, ln.WANTED] * total:
            high = keep
        else:
            low = keep
    keep = 0.5 * (low + high)
    if side == 0:
        window[2] = top - keep * (top - bottom)
    elif side == 1:
        window[3] = bottom + keep * (top - bottom)
    elif side == 2:
        window[1] = left + keep * (right - left)
    else:
        window[0] = right - keep * (right - left)
