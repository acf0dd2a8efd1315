"""Saved rows are found by path from the data set's folder on, captions by their words too."""

from pathlib import Path

import pytest

from glimpse.errors import RecordsError
from glimpse.evaluation.alignment import rows_by_path
from glimpse.records import TEXT, Records

ROOT = Path("data/market")


@pytest.mark.parametrize(
    "prefix", ["", "./", "data/market/", "./data/market/", f"{ROOT.absolute().as_posix()}/"]
)
def test_a_path_may_begin_at_the_root_or_before_it(prefix):
    wanted = Records.from_columns(["data/market/query/1.jpg", "data/market/query/2.jpg"], [1, 2])
    saved = Records.from_columns([f"{prefix}query/2.jpg", f"{prefix}query/1.jpg"], [2, 1])
    assert rows_by_path(wanted, saved, ROOT, "query").tolist() == [1, 0]


def test_backslashes_are_slashes():
    wanted = Records.from_columns(["data/market/query/1.jpg"], [1])
    assert rows_by_path(wanted, Records.from_columns([r"query\1.jpg"], [1]), ROOT, "query").tolist() == [0]


def test_captions_of_one_image_are_told_apart_by_their_words():
    def captions(*words):
        return Records.from_columns(
            ["1.jpg"] * len(words), [1] * len(words), modality=TEXT, caption=list(words)
        )

    image = Records.from_columns(["1.jpg"], [1])
    saved = Records.concat([captions("a red coat", "a blue bag"), image, captions("a red coat")])
    assert rows_by_path(captions("a blue bag", "a red coat"), saved, ROOT, "query").tolist() == [1, 0]
    assert rows_by_path(image, saved, ROOT, "gallery").tolist() == [2]
    with pytest.raises(RecordsError, match=r"1 of the 1 query rows .* '1\.jpg' with 'a hat'"):
        rows_by_path(captions("a hat"), saved, ROOT, "query")
