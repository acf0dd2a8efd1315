"""What images were taken with, from records or as a caller says it."""

import numpy as np
import pytest

from glimpse.errors import OptionError, ShapeError
from glimpse.records import IR, NO_CAMERA, NO_MODALITY, RGB, TEXT, Capture, Records, modality_numbers


def test_records_tell_it_and_captions_tell_nothing():
    records = Records.from_columns(
        ["a", "b", "c", "a"],
        1,
        camera=[3, NO_CAMERA, 5, 3],
        modality=[IR, RGB, NO_MODALITY, TEXT],
        caption=["", "", "", "a red coat"],
    )
    capture = Capture.of(records)
    assert len(capture) == 4
    assert capture.cameras.tolist() == [3, -1, 5, -1]
    assert capture.modalities.tolist() == [1, 0, -1, -1]
    for rows in (slice(1, 3), [1, 2], np.array([False, True, True, False])):
        assert capture[rows].cameras.tolist() == [-1, 5]
        assert capture[rows].modalities.tolist() == [0, -1]


def test_records_keep_an_unknown_modality_apart_from_visible_ones(tmp_path):
    records = Records.from_columns(["a", "b"], 1, modality=[NO_MODALITY, RGB])
    assert records.filter(modality=RGB).path.tolist() == ["b"]
    records.save(tmp_path / "records.csv")
    assert Records.load(tmp_path / "records.csv") == records


@pytest.mark.parametrize(
    ("given", "numbers"),
    [
        (None, [-1, -1, -1]),
        ("ir", [1, 1, 1]),
        (0, [0, 0, 0]),
        (["rgb", None, "ir"], [0, -1, 1]),
        (["rgb", "", "ir"], [0, -1, 1]),
        (np.array(["rgb", "ir", "ir"]), [0, 1, 1]),
        ([-1, 1, 0], [-1, 1, 0]),
    ],
)
def test_modalities_are_given_by_name_or_by_number(given, numbers):
    capture = Capture.given(3, modalities=given)
    assert capture.modalities.tolist() == numbers
    assert capture.modalities.dtype == np.int64
    assert capture.cameras.tolist() == [NO_CAMERA] * 3


def test_nothing_is_known_of_no_images_either():
    assert modality_numbers([]).tolist() == []
    assert len(Capture.unknown(0)) == len(Capture.given(0, [], [])) == 0


@pytest.mark.parametrize("wrong", ["text", ["rgb", "thermal"], 2, [0, -2], [0.5], [True], [["rgb"], ["x"]]])
def test_a_modality_that_no_image_has_is_refused(wrong):
    with pytest.raises(OptionError, match=r"the modality of an image is rgb \(0\), ir \(1\) or unknown"):
        modality_numbers(wrong)


def test_as_many_are_given_as_there_are_images():
    with pytest.raises(ShapeError, match=r"cameras must be integers \[2\], got int64 \[3\]"):
        Capture.given(2, cameras=[1, 2, 3])
    with pytest.raises(ShapeError, match=r"cameras must be integers \[1\], got float64"):
        Capture.given(1, cameras=[1.0])
    with pytest.raises(ShapeError, match=r"modalities must be \[2\], got \[1\]"):
        Capture.given(2, modalities=["rgb"])
