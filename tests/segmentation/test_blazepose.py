import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_blazepose import SURE, landmarks, onnx_model, tflite_model

from glimpse.errors import MissingExtraError, OptionError, StorageError
from glimpse.segmentation import world_parts
from glimpse.segmentation.blazepose import REACH, SHARE, SIDE, blazepose_parts, framed
from glimpse.segmentation.capsules import draw_parts
from glimpse.segmentation.keypoints import BLAZEPOSE
from glimpse.segmentation.part_labels import POSE
from glimpse.world.export import export_world

RED, BLUE = (255, 90, 0), (0, 90, 255)
REAL = "GLIMPSE_BLAZEPOSE"


def saved(path, content):
    path.write_bytes(content)
    return path


def image_of(path, shape, *boxes):
    """A black image with colored boxes `(color, top, bottom, left, right)`, as shares of height and width."""
    pixels = np.zeros((*shape, 3), np.uint8)
    for color, top, bottom, left, right in boxes:
        rows = slice(round(top * shape[0]), round(bottom * shape[0]))
        pixels[rows, round(left * shape[1]) : round(right * shape[1])] = color
    Image.fromarray(pixels).save(path)
    return str(path)


def capsules(points, shape):
    """The parts along landmarks of the model's input, drawn in an image that lies in the middle of it."""
    scale = SIDE * SHARE / max(shape)
    joints = points[list(BLAZEPOSE)].astype(float)[:, [0, 1, 3]]
    joints[:, :2] = (joints[:, :2] - SIDE / 2) / scale + np.array(shape[::-1]) / 2
    joints[:, 2] = joints[:, 2] > 0
    return draw_parts(joints, shape, shape)


@pytest.fixture
def model(tmp_path):
    return saved(tmp_path / "tiny.onnx", onnx_model())


@pytest.mark.parametrize("shape", [(256, 128), (128, 64), (200, 260), (130, 130)])
def test_landmarks_and_mask_come_back_to_where_they_are_in_the_image(model, tmp_path, shape):
    path = image_of(tmp_path / "0.png", shape, (RED, 0, 1, 0, 1))
    labels = blazepose_parts(model, "own").parts([path], shape)[0]
    drawn = capsules(landmarks(), shape)
    assert {"head", "torso", "left_upper_arm", "right_upper_leg"} <= {
        POSE[label] for label in np.unique(drawn)
    }
    inside = drawn > 0
    # the image is scaled to whole pixels of the input: half a pixel of it may differ
    assert np.mean(labels[inside] == drawn[inside]) > 0.97


def test_what_the_mask_leaves_out_is_background_and_what_it_adds_is_the_nearest_part(model, tmp_path):
    shape = (256, 128)
    path = image_of(tmp_path / "0.png", shape, (RED, 0, 0.5, 0, 1), (BLUE, 0.5, 1, 0, 1))
    labels = blazepose_parts(model, "own").parts([path], shape)[0]
    drawn = capsules(landmarks(), shape)
    assert drawn[130:].any()
    assert not labels[130:].any()
    rows, columns = np.nonzero(drawn)
    y, x = np.mgrid[:126, :128]
    away = np.sqrt(((y[..., None] - rows) ** 2 + (x[..., None] - columns) ** 2).min(-1))
    reach = REACH * shape[0]
    assert labels[:126][away < reach - 2].all()
    assert not labels[:126][away > reach + 2].any()
    added = (labels[:126] > 0) & (drawn[:126] == 0)
    assert added.sum() > 500
    face = 128 + (47 - 128) * shape[0] // round(SIDE * SHARE)
    assert POSE[labels[face, columns[rows == face].min() - 5]] == "head"


def test_an_image_in_which_nobody_is_found_is_all_background(model, tmp_path):
    paths = [
        image_of(tmp_path / "0.png", (128, 64)),
        image_of(tmp_path / "1.png", (128, 64), (RED, 0, 1, 0, 1)),
        image_of(tmp_path / "2.png", (128, 64), (BLUE, 0, 1, 0, 1)),  # found, and the mask sees nothing
    ]
    maps = blazepose_parts(model).parts(paths, (64, 32))
    assert [bool(one.any()) for one in maps] == [False, True, False]


def test_landmarks_that_are_not_seen_draw_nothing(tmp_path):
    points = landmarks()
    points[[15, 16], 3] = -SURE  # the wrists
    model = saved(tmp_path / "tiny.onnx", onnx_model(points))
    path = image_of(tmp_path / "0.png", (128, 64), (RED, 0, 1, 0, 1))
    labels = blazepose_parts(model, "own").parts([path], (128, 64))[0]
    missing = {POSE[n] for n in range(len(POSE))} - {POSE[n] for n in np.unique(labels)}
    assert missing - {"background"} == {"left_lower_arm", "right_lower_arm"}


def test_a_merge_table_of_pose_labels_applies(model, tmp_path):
    path = image_of(tmp_path / "0.png", (128, 64), (RED, 0, 1, 0, 1))
    own, common = (blazepose_parts(model, merge) for merge in ("own", "common"))
    assert common.names == ("background", "head", "torso", "arms", "legs", "feet")
    expected = common.table.merged(own.parts([path], (64, 32))[0], "")
    np.testing.assert_array_equal(common.parts([path], (64, 32))[0], expected)


def test_the_image_lies_in_the_middle_and_its_border_goes_on(tmp_path):
    pixels = np.zeros((205, 60, 3), np.uint8)
    pixels[0] = 100, 150, 200
    given, frame = framed(pixels)
    assert frame == (25, 98, 205, 60)
    assert given.dtype == np.float32
    np.testing.assert_allclose(
        given[:25].reshape(-1, 3), np.tile([100, 150, 200], (25 * SIDE, 1)) / 255, rtol=1e-6
    )
    assert not given[26:].any()


def test_channels_may_come_first(model, tmp_path):
    path = image_of(tmp_path / "0.png", (128, 64), (RED, 0, 0.6, 0, 1), (BLUE, 0.6, 1, 0, 1))
    other = saved(tmp_path / "first.onnx", onnx_model(channels_first=True))
    one, two = (blazepose_parts(file).parts([path], (64, 32)) for file in (model, other))
    assert one.any()
    np.testing.assert_array_equal(one, two)


def test_tflite_gives_what_onnx_gives(model, tmp_path, capfd):
    pytest.importorskip("ai_edge_litert", reason="the extra pose is not installed")
    path = image_of(tmp_path / "0.png", (128, 64), (RED, 0, 0.6, 0, 1), (BLUE, 0.6, 1, 0, 1))
    other = saved(tmp_path / "tiny.tflite", tflite_model())
    one, two = (blazepose_parts(file).parts([path], (64, 32)) for file in (model, other))
    assert one.any()
    np.testing.assert_array_equal(one, two)
    assert capfd.readouterr().err == ""  # no remarks of the runtime


def test_the_key_tells_models_merges_and_versions_of_images(model, tmp_path):
    path = image_of(tmp_path / "0.png", (128, 64))
    same = saved(tmp_path / "copy.onnx", model.read_bytes())
    points = landmarks()
    points[0] += 1
    other = saved(tmp_path / "other.onnx", onnx_model(points))
    key = blazepose_parts(model).key([path])
    assert blazepose_parts(same).key([path]) == key
    assert blazepose_parts(other).key([path]) != key
    assert blazepose_parts(model, "common").key([path]) != key
    image_of(tmp_path / "0.png", (128, 64), (RED, 0, 1, 0, 1))
    assert blazepose_parts(model).key([path]) != key
    assert "tiny.onnx" in blazepose_parts(model).truth


@pytest.mark.parametrize(
    ("content", "error", "sentence"),
    [
        (None, OptionError, r"the pose model .*model\.any cannot be read"),
        (b"<html>not found</html>", StorageError, "is no model in TFLite or ONNX that can be run"),
        (b"", StorageError, "is no model in TFLite or ONNX that can be run"),
        (onnx_model()[:-200], StorageError, "is no model in TFLite or ONNX that can be run"),
        (onnx_model(side=128), OptionError, r"it must take \[1, 256, 256, 3\], it takes \[1, 128, 128, 3\]"),
        (onnx_model(without=("Identity_2",)), OptionError, r"it must give .*it gives \[1, 117\], \[1, 195\]"),
        (onnx_model(without=("Identity_1",)), OptionError, "is no landmark model of BlazePose: it must give"),
        (onnx_model(landmarks() * np.nan), StorageError, "gives no finite numbers: the file is damaged"),
    ],
)
def test_what_is_no_pose_model_is_one_sentence(tmp_path, content, error, sentence):
    file = tmp_path / "model.any"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(error, match=sentence) as raised:
        blazepose_parts(file)
    assert "\n" not in str(raised.value)


def test_a_damaged_tflite_file_is_one_sentence(tmp_path):
    pytest.importorskip("ai_edge_litert", reason="the extra pose is not installed")
    content = tflite_model()
    for cut in (10, 200, len(content) // 2, len(content) - 100):
        with pytest.raises(StorageError, match="is no TFLite model that can be run"):
            blazepose_parts(saved(tmp_path / "model.tflite", content[:cut]))


@pytest.mark.parametrize(
    ("module", "content", "extra"),
    [("ai_edge_litert.interpreter", b"\0\0\0\0TFL3", "pose"), ("onnxruntime", onnx_model(), "onnx")],
)
def test_a_missing_extra_is_named(tmp_path, monkeypatch, module, content, extra):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf'pip install "glimpse\[{extra}\]"'):
        blazepose_parts(saved(tmp_path / "model", content))


@pytest.mark.skipif(REAL not in os.environ, reason=f"set {REAL} to a pose_landmark_*.tflite or .onnx")
def test_a_real_model_finds_the_parts_of_rendered_people(tmp_path):
    export_world("market1501", tmp_path / "world", people=12, images_per_person=4, seed=3)
    paths = sorted(map(str, (tmp_path / "world" / "bounding_box_train").glob("*.jpg")))
    truth = world_parts(tmp_path / "world", "common").parts(paths, (128, 64))
    maps = blazepose_parts(Path(os.environ[REAL]), "common").parts(paths, (128, 64))
    overlap = [
        ((maps == part) & (truth == part)).sum() / ((maps == part) | (truth == part)).sum()
        for part in range(6)
    ]
    for part, (found, least) in enumerate(zip(overlap, (0.8, 0.5, 0.3, 0.25, 0.45, 0.2), strict=True)):
        assert found > least, (part, overlap)
