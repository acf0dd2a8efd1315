"""Ranked lists: what counts, what is right, and how it is framed."""

import numpy as np
import pytest
from PIL import Image

from glimpse.explain.drawing import FAINT
from glimpse.explain.ranked_lists import RIGHT, WRONG, Answer, counted_rows, draw_ranked, ranked_lists
from glimpse.protocols import single_query
from glimpse.records import DISTRACTOR, JUNK, Records


def test_right_wrong_and_unknown_answers_have_their_own_frames(tmp_path):
    paths = []
    for name in "qabc":
        Image.fromarray(np.zeros((16, 8, 3), np.uint8)).save(tmp_path / f"{name}.png")
        paths.append(str(tmp_path / f"{name}.png"))
    image = np.asarray(draw_ranked([Answer(paths[0], tuple(paths[1:]), (True, False, None))]))
    colors = {tuple(color) for color in image.reshape(-1, 3).tolist()}
    assert {RIGHT, WRONG, FAINT} <= colors
    row = image[100].tolist()
    assert row.index(list(RIGHT)) < row.index(list(WRONG)) < row.index(list(FAINT))


GALLERY = Records.from_columns(["a", "b", "c", "d", "e"], [7, 7, 9, JUNK, DISTRACTOR], camera=[1, 2, 1, 2, 2])


def test_a_images_own_camera_and_junk_do_not_count():
    queries = Records.from_columns(["q"], [7], camera=[1])
    counted = counted_rows(queries, single_query(queries, GALLERY))
    assert counted.tolist() == [[False, True, True, False, True]]


def test_a_image_of_nobody_known_is_searched_for_everywhere_but_in_junk():
    known = Records.from_columns(["q"], [7], camera=[1])
    loose = Records.from_columns(["photo"], [JUNK])
    assert counted_rows(loose, single_query(known, GALLERY)).tolist() == [[True, True, True, False, True]]


def test_lists_are_the_best_counted_rows_ties_by_row():
    queries = Records.from_columns(["q", "r"], [7, JUNK], camera=[1, 1])
    counted = np.array([[False, True, True, False, True]] * 2)
    scores = np.array([[9, 0.5, 0.5, 9, 0.7], [0, 0.1, 0.3, 9, 0.2]], np.float32)
    known, unknown = ranked_lists(queries, GALLERY, counted, scores, 2, "note")
    assert known == Answer("q", ("e", "b"), (False, True), "note")
    assert unknown == Answer("r", ("c", "e"), (None, None), "note")


@pytest.mark.parametrize(
    ("right", "words"),
    [((True, True), "right at 1, 2 of 2"), ((False,), "none of 1 right"), ((None,), "1 answers, of an")],
)
def test_a_list_can_be_said_in_words(right, words):
    assert Answer("q", tuple("ab"[: len(right)]), right).in_words().startswith(words)
