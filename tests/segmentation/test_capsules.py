import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glimpse.segmentation.capsules import JOINTS, SEGMENTS, TRUNK, draw_parts, stature
from glimpse.segmentation.part_labels import POSE, merge_table, mirror_table
from glimpse.world.frame import KEYPOINTS
from glimpse.world.world import World

SHAPE = (256, 128)
TALL = 230.0


def standing(tall=TALL, x=64.0, top=12.0):
    """`[21, 3]`: somebody who faces the camera, by the proportions that statures are told by."""
    ankle = top + tall * 0.961
    heights = {
        **dict.fromkeys(("nose", "left_eye", "right_eye", "left_ear", "right_ear"), top + 0.07 * tall),
        "shoulder": top + 0.182 * tall,
        "elbow": top + 0.368 * tall,
        "wrist": top + 0.514 * tall,
        "hip": top + 0.470 * tall,
        "knee": top + 0.715 * tall,
        "ankle": ankle,
        "heel": ankle + 0.02 * tall,
        "toe": ankle + 0.03 * tall,
    }
    aside = {"shoulder": 0.115, "elbow": 0.13, "wrist": 0.135, "eye": 0.015, "ear": 0.03, "nose": 0.0}
    joints = np.zeros((len(JOINTS), 3))
    for row, name in enumerate(JOINTS):
        side, _, joint = name.rpartition("_")
        y = heights.get(name, heights.get(joint))
        # who faces the camera has the left hand on the image's right
        joints[row] = x + {"left": 1, "right": -1, "": 0}[side] * aside.get(joint, 0.06) * tall, y, 1
    return joints


def hide(joints, *names):
    joints = joints.copy()
    for name in names:
        joints[JOINTS.index(name), 2] = 0.1
    return joints


def drawn(joints, shape=SHAPE, size=SHAPE):
    return {POSE[label] for label in np.unique(draw_parts(joints, shape, size))} - {"background"}


def at(joints, *names):
    """The label of the map at the middle of joints."""
    x, y = np.mean([joints[JOINTS.index(name), :2] for name in names], axis=0)
    return POSE[draw_parts(joints, SHAPE, SHAPE)[int(y), int(x)]]


def test_every_part_is_where_its_joints_are():
    joints = standing()
    assert drawn(joints) == set(POSE[1:])
    assert at(joints, "nose") == "head"
    assert at(joints, "left_shoulder", "right_shoulder", "left_hip", "right_hip") == "torso"
    for side in ("left", "right"):
        assert at(joints, f"{side}_shoulder", f"{side}_elbow") == f"{side}_upper_arm"
        assert at(joints, f"{side}_elbow", f"{side}_wrist") == f"{side}_lower_arm"
        assert at(joints, f"{side}_hip", f"{side}_knee") == f"{side}_upper_leg"
        assert at(joints, f"{side}_knee", f"{side}_ankle") == f"{side}_lower_leg"
        assert at(joints, f"{side}_heel", f"{side}_toe") == f"{side}_foot"


@pytest.mark.parametrize(
    ("hidden", "gone"),
    [
        (["left_wrist"], {"left_lower_arm"}),
        (["left_elbow"], {"left_lower_arm", "left_upper_arm"}),
        (["right_knee"], {"right_upper_leg", "right_lower_leg"}),
        (["right_ankle", "right_heel", "right_toe"], {"right_lower_leg", "right_foot"}),
        (["left_hip", "right_hip"], {"torso", "left_upper_leg", "right_upper_leg"}),
        (["left_shoulder"], {"left_upper_arm"}),
        (["nose", "left_eye", "right_eye", "left_ear", "right_ear"], {"head"}),
        (["left_heel", "left_toe", "right_heel", "right_toe"], set()),  # feet are where legs end
        (JOINTS, set(POSE[1:])),
    ],
)
def test_what_is_not_seen_hides_its_part_and_no_other(hidden, gone):
    joints = standing()
    assert drawn(hide(joints, *hidden)) == set(POSE[1:]) - gone


def test_hidden_joints_may_lie_anywhere():
    joints = hide(standing(), "left_wrist")
    other = joints.copy()
    other[JOINTS.index("left_wrist"), :2] = -1e5, 1e5
    assert np.array_equal(draw_parts(joints, SHAPE, SHAPE), draw_parts(other, SHAPE, SHAPE))


@given(st.integers(0, 2**32 - 1))
def test_the_mirrored_person_has_the_mirrored_map_with_sides_exchanged(seed):
    random = np.random.default_rng(seed)
    joints = standing()
    joints[:, :2] += random.normal(0, 12, (len(JOINTS), 2))
    joints[:, 2] = random.random(len(JOINTS)) > 0.15
    swapped = [name.replace("left", "x").replace("right", "left").replace("x", "right") for name in JOINTS]
    mirrored = joints[[JOINTS.index(name) for name in swapped]].copy()
    mirrored[:, 0] = SHAPE[1] - mirrored[:, 0]
    one, other = draw_parts(joints, SHAPE, SHAPE), draw_parts(mirrored, SHAPE, SHAPE)
    # a pixel on a border may fall either way by rounding
    assert np.mean(mirror_table(POSE)[one[:, ::-1]] != other) < 1e-4


@pytest.mark.parametrize("scale", [0.5, 2.0, 3.0])
def test_larger_persons_have_larger_limbs(scale):
    joints = standing()
    larger = joints.copy()
    larger[:, :2] *= scale
    shape = (int(SHAPE[0] * scale), int(SHAPE[1] * scale))
    assert np.array_equal(draw_parts(joints, SHAPE, (64, 32)), draw_parts(larger, shape, (64, 32)))


def test_a_map_of_another_size_is_the_same_map_seen_at_its_pixels():
    whole = draw_parts(standing(), SHAPE, (3 * 256, 3 * 128))
    third = draw_parts(standing(), SHAPE, SHAPE)
    assert np.array_equal(whole[1::3, 1::3], third)


def test_the_stature_is_told_by_any_two_segments_and_not_by_one_that_went_astray():
    joints = standing()
    seen = {name: joint[:2] for name, joint in zip(JOINTS, joints, strict=True)}
    assert stature(seen) == pytest.approx(TALL, rel=0.01)
    astray = {**seen, "left_wrist": seen["left_wrist"] + 300}
    assert stature(astray) == pytest.approx(TALL, rel=0.01)
    legs = {name: seen[name] for name in ("left_hip", "left_knee", "left_ankle")}
    assert stature(legs) == pytest.approx(TALL, rel=0.01)
    assert stature({"nose": seen["nose"]}) is None
    assert stature({"left_hip": seen["left_hip"], "left_knee": seen["left_hip"]}) is None
    assert sum(SEGMENTS.values()) + TRUNK < 1.2  # shares of one body


def test_a_lone_face_is_drawn_by_the_height_of_the_image():
    others = [name for name in JOINTS if name != "nose"]
    assert drawn(hide(standing(), *others)) == {"head"}


def test_joints_far_outside_the_image_cost_nothing_and_draw_nothing():
    joints = standing(x=5e5)
    assert not draw_parts(joints, SHAPE, SHAPE).any()


def test_parts_of_true_keypoints_lie_on_the_worlds_own_parts():
    world = World(seed=2, people=16, cameras=6)
    frames = world.render([world.shot(p, p % 6, p, "whole", "rgb") for p in range(16)], size=SHAPE, samples=1)
    own, ours = merge_table("world", "common"), merge_table("pose", "common")
    both, either = np.zeros(6), np.zeros(6)
    for truth, keypoints in zip(frames.parts, frames.keypoints, strict=True):
        place = dict(zip(KEYPOINTS, keypoints, strict=True))
        joints = np.zeros((len(JOINTS), 3))
        for name in KEYPOINTS[2:]:
            joints[JOINTS.index(name)] = place[name]
        joints[0] = (place["head_top"] + place["neck"]) / 2  # somewhere in the face
        labels = ours.merged(draw_parts(joints, SHAPE, SHAPE), "ours")
        expected = own.merged(truth, "own")
        for part in range(6):
            both[part] += ((labels == part) & (expected == part)).sum()
            either[part] += ((labels == part) | (expected == part)).sum()
    overlap = dict(zip(ours.names, both / either, strict=True))
    # dresses, bags and hair are no part of a skeleton: half is much
    assert overlap["background"] > 0.7
    assert overlap["head"] > 0.4
    assert overlap["torso"] > 0.3
    assert overlap["arms"] > 0.4
    assert overlap["legs"] > 0.4
    assert overlap["feet"] > 0.1
