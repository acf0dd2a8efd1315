"""The skeleton: sixteen bones, their lengths from a `Body`, and forward kinematics from a `Pose`.

A bone's frame is x to the person's right, y forward, z up when the person stands at attention; limbs
extend along -z. Proportions are fractions of stature as drawing books give them; the spreads are our choice.
"""

# ruff: noqa: ANN001, ANN201, ANN202
# mypy: disable-error-code="no-untyped-def"

import math

import numpy as np
from numpy.typing import NDArray

from glimpse.world.frame import Pose
from glimpse.world.jit import inner
from glimpse.world.person import Body

ROOT, PELVIS, CHEST, SKULL = 0, 1, 2, 3
ARM_R, ARM_L, FOREARM_R, FOREARM_L, HANG_R, HANG_L = 4, 5, 6, 7, 8, 9
THIGH_R, THIGH_L, SHANK_R, SHANK_L, FOOT_R, FOOT_L = 10, 11, 12, 13, 14, 15
BONES = 16
BONE_NUMBERS = 12  # a rotation (9, by rows) and an origin (3)

# Lengths in meters, as columns of the array that `lengths` gives.
WAIST, SHOULDER, NECK, SHOULDER_HALF, HIP_HALF, UPPER_ARM, FOREARM, THIGH, SHANK, ANKLE, HEAD_HALF = range(11)
LENGTHS = 11

# Numbers of a pose, as columns of the array that `pose_numbers` gives.
POSE_NUMBERS = 12


def lengths(body: Body) -> NDArray[np.float64]:
    """The bone lengths of a body, `[LENGTHS]`; waist, shoulder and neck are heights above the joint below."""
    tall = body.height
    legs = 1.0 + 0.07 * (body.legs - 0.5)
    thigh, shank, ankle = 0.243 * tall * legs, 0.240 * tall * legs, 0.045 * tall
    waist = 0.095 * tall
    head_half = tall * (0.066 + 0.006 * (body.head - 0.5))
    shoulder = 0.818 * tall - (thigh + shank + ankle) - waist
    neck = shoulder + 0.022 * tall
    return np.array(
        [
            waist,
            shoulder,
            neck,
            tall * (0.104 + 0.020 * (body.shoulders - 0.5) + 0.012 * (body.build - 0.5)),
            tall * (0.050 + 0.012 * (body.hips - 0.5)),
            0.168 * tall,
            0.146 * tall,
            thigh,
            shank,
            ankle,
            head_half,
        ]
    )


def pose_numbers(pose: Pose) -> NDArray[np.float64]:
    """A pose as the row of numbers that `place_bones` reads, `[POSE_NUMBERS]`."""
    return np.array(
        [
            pose.phase,
            pose.stride,
            pose.swing,
            pose.lean,
            *pose.arms_out,
            *pose.arms_forward,
            *pose.elbows,
            pose.head_turn,
            pose.head_nod,
        ]
    )


@inner
def _turn(bones, bone, parent, x, y, z, about_x, about_y, about_z):
    """Hang `bone` at (x, y, z) of `parent`, turned about z, then x, then y of its own frame."""
    cx, sx = math.cos(about_x), math.sin(about_x)
    cy, sy = math.cos(about_y), math.sin(about_y)
    cz, sz = math.cos(about_z), math.sin(about_z)
    # Rz · Ry · Rx, so that a limb first swings forward and is then led away from the body.
    m00, m01, m02 = cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx
    m10, m11, m12 = sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx
    m20, m21, m22 = -sy, cy * sx, cy * cx
    for row in range(3):
        a, b, c = bones[parent, 3 * row], bones[parent, 3 * row + 1], bones[parent, 3 * row + 2]
        bones[bone, 3 * row] = a * m00 + b * m10 + c * m20
        bones[bone, 3 * row + 1] = a * m01 + b * m11 + c * m21
        bones[bone, 3 * row + 2] = a * m02 + b * m12 + c * m22
        bones[bone, 9 + row] = bones[parent, 9 + row] + a * x + b * y + c * z


@inner
def place_bones(bones, first_bone, size, who, pose, at, x, y, yaw):
    """Fill `BONES` rows of `bones` from `first_bone` for someone standing at (x, y).

    The bone lengths are `size[who]`, the pose is `pose[at]`.


    `yaw` turns the person's forward direction counter-clockwise, seen from above, from +y.
    """
    first = int(first_bone)  # comes as a float: a literal int would compile once per value
    root = first + ROOT
    for i in range(12):
        bones[root, i] = 0.0
    bones[root, 0] = math.cos(yaw)
    bones[root, 1] = -math.sin(yaw)
    bones[root, 3] = math.sin(yaw)
    bones[root, 4] = math.cos(yaw)
    bones[root, 8] = 1.0
    phase, stride, swing = pose[at, 0], pose[at, 1], pose[at, 2]
    step = math.sin(phase)
    hip_height = size[who, THIGH] + size[who, SHANK] + size[who, ANKLE]
    _turn(bones, first + PELVIS, root, 0.0, 0.0, hip_height, 0.0, 0.0, 0.25 * stride * step)
    _turn(
        bones,
        first + CHEST,
        first + PELVIS,
        0.0,
        0.0,
        size[who, WAIST],
        -pose[at, 3],
        0.0,
        -0.5 * stride * step,
    )
    _turn(
        bones,
        first + SKULL,
        first + CHEST,
        0.0,
        0.012,
        size[who, NECK],
        -pose[at, 11] + 0.6 * pose[at, 3],
        0.0,
        pose[at, 10] + 0.25 * stride * step,
    )
    for side in range(2):
        sign = 1.0 - 2.0 * side  # +1 on the right, -1 on the left
        arm = -sign * swing * step + pose[at, 6 + side]
        shoulder_z = size[who, SHOULDER] - 0.062
        _turn(
            bones,
            first + ARM_R + side,
            first + CHEST,
            sign * size[who, SHOULDER_HALF],
            0.0,
            shoulder_z,
            arm,
            -sign * pose[at, 4 + side],
            0.0,
        )
        elbow = pose[at, 8 + side] + 0.35 * swing * max(0.0, -sign * step)
        _turn(
            bones,
            first + FOREARM_R + side,
            first + ARM_R + side,
            0.0,
            0.0,
            -size[who, UPPER_ARM],
            elbow,
            sign * 0.12,
            sign * 0.25,
        )
        for i in range(9):
            bones[first + HANG_R + side, i] = bones[root, i]
        hand = first + FOREARM_R + side
        for row in range(3):
            reach = -(size[who, FOREARM] + 0.05)
            bones[first + HANG_R + side, 9 + row] = bones[hand, 9 + row] + bones[hand, 3 * row + 2] * reach
        hip = sign * stride * step
        bend = max(0.0, sign * math.cos(phase))
        knee = 0.04 + stride * (0.25 + 1.5 * bend * bend)
        _turn(
            bones,
            first + THIGH_R + side,
            first + PELVIS,
            sign * size[who, HIP_HALF],
            0.0,
            0.0,
            hip + 0.35 * knee * min(1.0, 2.0 * stride),
            -sign * 0.03,
            0.0,
        )
        _turn(
            bones,
            first + SHANK_R + side,
            first + THIGH_R + side,
            0.0,
            0.0,
            -size[who, THIGH],
            -knee,
            sign * 0.03,
            0.0,
        )
        # The foot keeps near level: it undoes most of the leg's pitch.
        level = -(hip + 0.35 * knee * min(1.0, 2.0 * stride) - knee)
        _turn(
            bones,
            first + FOOT_R + side,
            first + SHANK_R + side,
            0.0,
            0.0,
            -size[who, SHANK],
            0.6 * level if level > 0.0 else level,
            0.0,
            -sign * 0.12,
        )
    low = min(bones[first + FOOT_R, 11], bones[first + FOOT_L, 11])
    for bone in range(BONES):
        bones[first + bone, 9] += x
        bones[first + bone, 10] += y
        if bone != ROOT:
            bones[first + bone, 11] += size[who, ANKLE] - low
