"""Rows of detections are those that DeepSORT's own tool writes."""

import numpy as np
import pytest

from glimpse.embeddings import Embeddings
from glimpse.errors import RecordsError
from glimpse.records import Records
from glimpse.retriever.detections import detection_rows, detections

BOXES = np.array([[5, 6, 20, 40], [1, 2, 10, 30], [7, 8, 9, 10]], np.float32)


def table(**columns):
    return Records.from_columns(["a", "b", "c"], [1, 2, 3], **columns)


def test_rows_have_the_columns_of_mot_challenge_and_then_the_vector():
    records = table(
        extra={"frame": np.array([3, 1, 3]), "box": BOXES, "confidence": np.array([0.5, 0.25, 1])}
    )
    vectors = np.arange(6, dtype=np.float32).reshape(3, 2)
    rows = detection_rows(detections(records), Embeddings(vectors))
    assert rows.tolist() == [
        [1, -1, 1, 2, 10, 30, 0.25, -1, -1, -1, 2, 3],
        [3, -1, 5, 6, 20, 40, 0.5, -1, -1, -1, 0, 1],
        [3, -1, 7, 8, 9, 10, 1, -1, -1, -1, 4, 5],
    ]


def test_the_frame_may_be_the_time_and_a_detection_without_confidence_is_sure():
    rows = detections(table(time=[2.0, 4.0, 6.0], extra={"box": BOXES}))
    assert rows[:, 0].tolist() == [2, 4, 6]
    assert rows[:, 6].tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"extra": {"frame": np.arange(3)}}, "need a column box in the table of images, which has frame"),
        ({"extra": {"box": BOXES}}, "row 0: a detection needs the number of its frame, got nan"),
        ({"extra": {"box": BOXES, "frame": np.array([1, 1.5, 2])}}, "row 1: .* got 1.5"),
        ({"extra": {"box": BOXES[:, :3], "frame": np.arange(3)}}, r"column box .* of shape \[4\] per row"),
        ({"extra": {"box": BOXES * [1, 1, 0, 1], "frame": np.arange(3)}}, "row 0, column box"),
    ],
)
def test_what_is_no_detection_is_refused(columns, sentence):
    with pytest.raises(RecordsError, match=sentence):
        detections(table(**columns))
