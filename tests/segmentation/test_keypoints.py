import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from glimpse.errors import GlimpseError, LayoutError, OptionError
from glimpse.segmentation import keypoint_parts
from glimpse.segmentation.capsules import COCO, JOINTS, draw_parts
from glimpse.segmentation.keypoints import BLAZEPOSE
from glimpse.segmentation.part_labels import merge_table

SIZE = (64, 32)
NAMES = ("background", "head", "torso", "upper_arms", "lower_arms", "upper_legs", "lower_legs")


def person(count=17, shift=0.0):
    """Keypoints of somebody in an image of 64 x 32."""
    ys = dict(
        zip(("shoulder", "elbow", "wrist", "hip", "knee", "ankle"), (12, 22, 31, 31, 46, 60), strict=True)
    )
    joints = np.zeros((len(JOINTS), 3))
    for row, name in enumerate(JOINTS):
        side, _, joint = name.rpartition("_")
        x = 16 + shift + {"left": 1, "right": -1, "": 0}[side] * (7 if joint in ("elbow", "wrist") else 4)
        joints[row] = x, ys.get(joint, 61.5 if joint in ("heel", "toe") else 6), 0.9
    if count == 17:
        return joints[:17]
    points = np.random.default_rng(0).uniform(1, 30, (33, 3)) * (1, 1, 0)
    points[list(BLAZEPOSE)] = joints
    return points


def expected(points):
    joints = np.concatenate([points, np.zeros((4, 3))]) if len(points) == 17 else points[list(BLAZEPOSE)]
    return merge_table("pose", "pascal").merged(draw_parts(joints, SIZE, SIZE), "")


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "train" / "0001.jpg"
    path.parent.mkdir()
    Image.new("RGB", SIZE[::-1]).save(path)
    return str(path)


def written(tmp_path, values):
    file = tmp_path / "keypoints.json"
    file.write_text(json.dumps(values))
    return file


def annotation(points=None, **more):
    return {"image_id": 7, "keypoints": (person() if points is None else points).ravel().tolist(), **more}


IMAGES = [{"id": 7, "file_name": "train/0001.jpg"}]


@pytest.mark.parametrize("count", [17, 33])
def test_all_forms_of_files_give_the_same_maps(count, image, tmp_path):
    points = person(count)
    arrays = tmp_path / "points.npz"
    np.savez(arrays, paths=np.array(["train/0001.jpg"]), keypoints=points[None].astype(np.float64))
    files = [arrays]
    for n, values in enumerate(
        [
            {"train/0001.jpg": points.tolist()},
            {"annotations": [annotation(points)], "images": IMAGES},
            {"annotations": [annotation(points)], "images": [{**IMAGES[0], "height": 64, "width": 32}]},
            {"annotations": [annotation(points) | {"image_id": "0001.jpg"}]},
            {"annotations": [{"image": "0001.jpg", "keypoints": points.tolist()}]},
            [annotation(points, score=0.9) | {"image_id": "train/0001.jpg"}],
        ]
    ):
        files.append(tmp_path / f"{n}.json")
        files[-1].write_text(json.dumps(values))
    for file in files:
        source = keypoint_parts(file)
        assert source.names == NAMES
        maps = source.parts([image], SIZE)
        assert maps.dtype == np.uint8
        assert np.array_equal(maps[0], expected(points)), file
    assert set(np.unique(expected(points))) == set(range(7))


def test_blazepose_places_are_those_of_its_landmarks():
    # as MediaPipe numbers them: shoulders 11, 12; wrists 15, 16; hips 23, 24; ankles 27, 28; toes 31, 32
    place = dict(zip(JOINTS, BLAZEPOSE, strict=True))
    chosen = ("nose", "left_eye", "right_ear", "left_shoulder", "right_wrist", "right_hip", "left_ankle")
    assert [place[name] for name in chosen] == [0, 2, 8, 11, 16, 24, 27]
    assert [place[name] for name in ("left_heel", "right_heel", "left_toe", "right_toe")] == [29, 30, 31, 32]
    assert JOINTS[:17] == COCO


def test_sides_are_kept_where_they_are_asked_for(image, tmp_path):
    source = keypoint_parts(written(tmp_path, {"0001.jpg": person().tolist()}), "own")
    (map_,) = source.parts([image], SIZE)
    # the person faces the camera: the left arm is on the image's right
    columns = {
        name: np.nonzero(map_ == source.names.index(name))[1].mean()
        for name in ("left_lower_arm", "right_lower_arm")
    }
    assert columns["left_lower_arm"] > 20 > 12 > columns["right_lower_arm"]


def test_the_best_of_several_persons_is_drawn(image, tmp_path):
    near, far = person(), person(shift=6)
    far[:, 2] = 0.8
    by_keypoints = {"annotations": [annotation(far), annotation(near)], "images": IMAGES}
    by_score = {"annotations": [annotation(far, score=0.9), annotation(near, score=0.2)], "images": IMAGES}
    for values, best in ((by_keypoints, near), (by_score, far)):
        assert np.array_equal(
            keypoint_parts(written(tmp_path, values)).parts([image], SIZE)[0], expected(best)
        )


def test_cocos_visibility_2_is_seen_and_1_is_not(image, tmp_path):
    points = person()
    points[:, 2] = 2
    points[COCO.index("left_wrist"), 2] = 1
    points[COCO.index("right_ankle")] = 0
    values = {"annotations": [annotation(points)], "images": IMAGES}
    plain = points.copy()
    plain[:, 2] = points[:, 2] == 2
    assert np.array_equal(keypoint_parts(written(tmp_path, values)).parts([image], SIZE)[0], expected(plain))


def test_keypoints_below_the_threshold_hide_their_part(image, tmp_path):
    points = person()
    points[[COCO.index("left_wrist"), COCO.index("right_wrist")], 2] = 0.4
    file = written(tmp_path, {"0001.jpg": points.tolist()})
    low, high = (keypoint_parts(file, visible=v).parts([image], SIZE) for v in (0.4, 0.41))
    assert (low == 4).any()
    assert not (high == 4).any()
    points[COCO.index("left_wrist")] = np.nan, np.nan, 0  # a network that says nothing of it
    assert not (
        keypoint_parts(written(tmp_path, {"0001.jpg": points.tolist()}), visible=0.41).parts([image], SIZE)
        == 4
    ).any()


def test_where_nobody_was_found_all_is_background(image, tmp_path):
    for values in ({"0001.jpg": []}, {"annotations": [], "images": IMAGES}):
        assert not keypoint_parts(written(tmp_path, values)).parts([image], SIZE).any()
    source = keypoint_parts(written(tmp_path, {"0002.jpg": []}))
    with pytest.raises(LayoutError, match=r"there is nothing for the image .*0001\.jpg"):
        source.parts([image], SIZE)


def test_fractions_of_width_and_height_are_scaled(image, tmp_path):
    points = person(33) / (32, 64, 1)
    file = written(tmp_path, {"0001.jpg": points.tolist()})
    assert np.array_equal(keypoint_parts(file, fractions=True).parts([image], SIZE)[0], expected(person(33)))
    with pytest.raises(LayoutError, match="look like shares of width and height"):
        keypoint_parts(file)
    with pytest.raises(LayoutError, match="look like pixels"):
        keypoint_parts(written(tmp_path, {"0001.jpg": person().tolist()}), fractions=True)


def test_the_size_that_a_file_tells_counts(tmp_path):
    values = {"annotations": [annotation()], "images": [{**IMAGES[0], "height": 64, "width": 32}]}
    source = keypoint_parts(written(tmp_path, values))
    # no image is opened
    assert np.array_equal(source.parts(["elsewhere/0001.jpg"], SIZE)[0], expected(person()))


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (3, "neither COCO's annotations nor"),
        ({}, "neither COCO's annotations nor"),
        ([3], "entry 0 has no keypoints"),
        ([{"keypoints": []}], "entry 0 names no image"),
        ([annotation()], "entry 0 names no image: image_id must be one of images"),
        ({"annotations": [annotation()], "images": 3}, "entry 0 of images has no file_name"),
        ({"annotations": [], "images": [{"file_name": "a", "id": []}]}, "entry 0 of images has no usable id"),
        ([annotation(score="much") | {"image_id": "a.jpg"}], "a score that is no number"),
        ({"a.jpg": person()[:16].tolist()}, r"17 \(COCO\) or 33 \(BlazePose\) a person, got 16"),
        ({"a.jpg": person().tolist(), "b.jpg": person(33).tolist()}, "got 17, 33"),
        ({"a.jpg": "much"}, r"those of a\.jpg are not \[x, y, score\] each"),
        ({"a.jpg": [[1, 2]]}, r"are not \[x, y, score\] each"),
        ({"a.jpg": {"x": 1}}, r"are not \[x, y, score\] each"),
        ({"a.jpg": (person() * (1, 1, 2)).tolist()}, r"scores of a\.jpg do not lie in 0\.\.1"),
        ({"a.jpg": (person() * (1, 1, float("nan"))).tolist()}, r"scores of a\.jpg do not lie"),
        ({"a.jpg": (person() * (float("inf"), 1, 1)).tolist()}, r"coordinates of a\.jpg are not finite"),
        ({"a.jpg": (person() * (1, 1e9, 1)).tolist()}, "lie far outside any image"),
    ],
)
def test_what_is_no_file_of_keypoints_is_refused(values, sentence, tmp_path):
    with pytest.raises(OptionError, match=sentence):
        keypoint_parts(written(tmp_path, values))


def test_damaged_files_are_refused(tmp_path):
    file = tmp_path / "points"
    good = np.zeros((1, 17, 3))
    with pytest.raises(OptionError, match=r"cannot be read \(No such file"):
        keypoint_parts(file)
    for content in (b"", b"\x80\x04pickle", b"[" * 100_000, b"\xff\xfe"):
        file.write_bytes(content)
        with pytest.raises(OptionError, match=r"neither JSON nor \.npz"):
            keypoint_parts(file)
    file = tmp_path / "points.npz"
    np.savez(file, paths=np.array(["a.jpg"]), keypoints=good)
    content = file.read_bytes()
    for broken in (content[:200], content[:-30], content[:90] + bytes(40) + content[130:]):
        file.write_bytes(broken)
        with pytest.raises(OptionError, match="the file is damaged"):
            keypoint_parts(file)
    with zipfile.ZipFile(file, "w") as archive:  # numpy gives such a member as bytes
        archive.writestr("paths.npy", b"a.jpg")
        archive.writestr("keypoints.npy", b"no array")
    with pytest.raises(OptionError, match="the file is damaged"):
        keypoint_parts(file)
    for arrays, sentence in (
        ({"paths": np.array(["a.jpg"])}, "lack the array"),
        ({"paths": np.array(["a.jpg"], object), "keypoints": good}, "damaged"),  # a pickle, which nobody runs
        ({"paths": np.array([1]), "keypoints": good}, r"must hold paths \[N\] \(text\)"),
        ({"paths": np.array(["a.jpg", "b.jpg"]), "keypoints": good}, r"keypoints \[N, K, 3\]"),
        ({"paths": np.array(["a.jpg"]), "keypoints": good[:, :, :2]}, r"float64 \[1, 17, 2\]"),
        ({"paths": np.array(["a.jpg"]), "keypoints": np.zeros((1, 17, 3), "U1")}, r"must hold paths"),
    ):
        np.savez(file, **arrays)
        with pytest.raises(OptionError, match=sentence):
            keypoint_parts(file)


def test_impossible_thresholds_are_refused(tmp_path):
    file = written(tmp_path, {"a.jpg": person().tolist()})
    for wrong in (0, -1, 1.5, float("nan")):
        with pytest.raises(OptionError, match="the least score of a visible keypoint"):
            keypoint_parts(file, visible=wrong)
    with pytest.raises(GlimpseError, match="pose has no merge table 'lip'"):
        keypoint_parts(file, "lip")


def test_the_key_follows_the_content_and_every_setting(image, tmp_path):
    file = written(tmp_path, {"0001.jpg": person().tolist()})
    keys = [
        keypoint_parts(file).key([image]),
        keypoint_parts(file, "own").key([image]),
        keypoint_parts(file, visible=0.5).key([image]),
        keypoint_parts(written(tmp_path, {"0001.jpg": person(shift=1).tolist()})).key([image]),
    ]
    assert len(set(keys)) == 4
    assert keypoint_parts(written(tmp_path, {"0001.jpg": person().tolist()})).key([image]) == keys[0]
