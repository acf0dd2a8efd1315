"""The one kernel that the world renders with: images in parallel, each on one thread.

An image reads its own rows only and all its randomness is hashed from its seed, so neither the batch it is
in nor the number of threads changes a byte.
"""

# ruff: noqa: ANN001, ANN201, ANN202, RUF046
# mypy: disable-error-code="no-untyped-def"

import math

import numpy as np

from glimpse.world import intersect as w
from glimpse.world import lens as ln
from glimpse.world import skeleton as k
from glimpse.world import stage
from glimpse.world.develop import develop
from glimpse.world.jit import entry, inner, source_digest
from glimpse.world.trace import expose, truth
from glimpse.world.window import (
    OCCLUDER_BONE,
    PROBE_COLUMNS,
    PROBE_ROWS,
    choose_window,
    person_box,
    place_occluder,
    probe_person,
)

# Columns of the index table `cast [N, CAST]`: where an image finds its rows.
PERSON_FIRST, PERSON_COUNT, PERSON_SIZE, OCCLUDER_FIRST, OCCLUDER_COUNT, PASSER_SIZE = range(6)
CAST = 6


@inner
def render_one(n, given, filled):
    """Render image `n`: pose, stage, occluder, window, truth, light, image."""
    cast, rows, sizes, poses, passer_poses, lens, samples = given
    images, parts, tally, seen, things, keypoints = filled
    height, width = images.shape[1], images.shape[2]
    person, occluders = cast[n, PERSON_COUNT], cast[n, OCCLUDER_COUNT]
    count = person + occluders
    bones = np.zeros((2 * k.BONES + 1, k.BONE_NUMBERS))
    view = np.empty((6, 3))
    work = np.empty((count, w.WORK))
    box, window = np.empty(4), np.empty(4)
    depths = np.empty((PROBE_ROWS + 1, PROBE_COLUMNS))
    size = cast[n, PERSON_SIZE]
    k.place_bones(bones, 0.0, sizes, size, poses, n, 0.0, 0.0, lens[n, ln.YAW])
    stage.aim(view, lens, n, bones[k.PELVIS, 11])
    spread = abs(poses[n, 1] * math.sin(poses[n, 0]))
    for m in range(person):
        row = cast[n, PERSON_FIRST] + m
        stage.put(work, m, rows, row, bones, int(rows[row, 1]), -1.0, view, lens, n, spread)
    person_box(work, person, box)
    total = probe_person(work, person, view, box, depths)
    if occluders > 0:
        passer = cast[n, PASSER_SIZE] >= 0
        if passer:
            k.place_bones(
                bones,
                float(OCCLUDER_BONE + 1),
                sizes,
                cast[n, PASSER_SIZE],
                passer_poses,
                n,
                0.0,
                0.0,
                lens[n, ln.PASSER_YAW],
            )
        place_occluder(
            work,
            rows,
            person,
            count,
            cast[n, OCCLUDER_FIRST],
            bones,
            passer,
            view,
            lens,
            n,
            box,
            depths,
            total,
        )
    choose_window(lens, n, box, depths, total, window)
    first = np.empty((height, width), np.int16)
    depth = np.empty((height, width))
    truth(
        work,
        person,
        count,
        bones,
        view,
        window,
        box,
        height,
        width,
        n,
        parts,
        tally,
        seen,
        things,
        first,
        depth,
    )
    _keypoints(bones, sizes, size, view, window, height, width, parts, n, keypoints)
    light = np.empty((height, width, 3), np.float32)
    expose(work, count, rows, bones, view, lens, n, window, height, width, samples, first, depth, light)
    develop(light, lens, n, images, n)


@inner
def _keypoints(bones, sizes, size, view, window, height, width, parts, n, keypoints):
    """Project the joints, in the order of `frame.KEYPOINTS`."""
    head = 2.0 * sizes[size, k.HEAD_HALF]
    _joint(bones, k.SKULL, 0.01, 0.06 + head * 0.93, view, window, height, width, parts, n, 0.0, keypoints)
    _joint(bones, k.SKULL, 0.0, 0.0, view, window, height, width, parts, n, 1.0, keypoints)
    for side in range(2):
        base = 2.0 + 3.0 * side
        _joint(bones, k.ARM_R + side, 0.0, 0.0, view, window, height, width, parts, n, base, keypoints)
        _joint(
            bones, k.FOREARM_R + side, 0.0, 0.0, view, window, height, width, parts, n, base + 1.0, keypoints
        )
        wrist = -sizes[size, k.FOREARM]
        _joint(
            bones,
            k.FOREARM_R + side,
            0.0,
            wrist,
            view,
            window,
            height,
            width,
            parts,
            n,
            base + 2.0,
            keypoints,
        )
        base = 8.0 + 3.0 * side
        _joint(bones, k.THIGH_R + side, 0.0, 0.0, view, window, height, width, parts, n, base, keypoints)
        _joint(
            bones, k.SHANK_R + side, 0.0, 0.0, view, window, height, width, parts, n, base + 1.0, keypoints
        )
        _joint(bones, k.FOOT_R + side, 0.0, 0.0, view, window, height, width, parts, n, base + 2.0, keypoints)


@inner
def _joint(bones, bone, ahead, up, view, window, height, width, parts, n, place, keypoints):
    index = int(place)  # whole numbers come as floats: a literal int would compile once per value
    px = bones[bone, 9] + bones[bone, 1] * ahead + bones[bone, 2] * up - view[0, 0]
    py = bones[bone, 10] + bones[bone, 4] * ahead + bones[bone, 5] * up - view[0, 1]
    pz = bones[bone, 11] + bones[bone, 7] * ahead + bones[bone, 8] * up - view[0, 2]
    depth = px * view[stage.AHEAD, 0] + py * view[stage.AHEAD, 1] + pz * view[stage.AHEAD, 2]
    u = (px * view[stage.ACROSS, 0] + py * view[stage.ACROSS, 1] + pz * view[stage.ACROSS, 2]) / depth
    v = (px * view[stage.UP, 0] + py * view[stage.UP, 1] + pz * view[stage.UP, 2]) / depth
    x = (u - window[0]) / (window[1] - window[0]) * width
    y = (window[3] - v) / (window[3] - window[2]) * height
    keypoints[n, index, 0] = x
    keypoints[n, index, 1] = y
    column, row = int(math.floor(x)), int(math.floor(y))
    shown = 0.0
    if 0 <= column < width and 0 <= row < height and parts[n, row, column] >= 2:
        shown = 1.0
    keypoints[n, index, 2] = shown


def _compiled(sources):
    @entry
    def render_range(start, stop, given, filled):
        """Render the images from `start` to `stop`.

        `given` are cast, rows, sizes, poses, passers' poses, lens and samples; `filled` are images, parts,
        tally, seen, things and keypoints.
        """
        made_from = sources  # part of the closure, and so of the key under which the cache keeps this
        for n in range(start, stop):
            render_one(n, given, filled)
        return made_from

    return render_range


render_range = _compiled(source_digest())  # type: ignore[no-untyped-call]
