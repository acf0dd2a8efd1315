"""MARS: tracks by name, queries by the authors' numbers."""

import numpy as np
import pytest
from scipy.io import savemat

from glimpse.errors import LayoutError
from glimpse.records import DISTRACTOR, JUNK

TRAIN = [f"0001/0001C{camera}T0001F{frame:03d}.jpg" for camera in (1, 2) for frame in (1, 2)]
TEST = [
    *(f"00-1/00-1C1T0001F{frame:03d}.jpg" for frame in (1, 2)),
    *(f"0000/0000C1T0001F{frame:03d}.jpg" for frame in (1, 2)),
    *(f"0002/0002C1T0001F{frame:03d}.jpg" for frame in (1, 2, 3)),
    *(f"0002/0002C2T0001F{frame:03d}.jpg" for frame in (1, 2)),
    *(f"0004/0004C2T0001F{frame:03d}.jpg" for frame in (1, 2)),
]
TRACKS = np.array([[1, 2, -1, 1], [3, 4, 0, 1], [5, 7, 2, 1], [8, 9, 2, 2], [10, 11, 4, 2]], np.float64)


@pytest.fixture
def mars(plant):
    root = plant(*(f"bbox_train/{n}" for n in TRAIN), *(f"bbox_test/{n}" for n in TEST), root="MARS")
    (root / "info").mkdir()
    (root / "info" / "test_name.txt").write_text("\n".join(name.split("/")[1] for name in TEST))
    savemat(root / "info" / "tracks_test_info.mat", {"track_test_info": TRACKS})
    savemat(root / "info" / "query_IDX.mat", {"query_IDX": np.array([[3]], np.uint16)})
    return root


def test_frames_know_their_tracks_and_queries_are_those_that_are_numbered(mars, quietly, own_problems):
    dataset = quietly("mars", mars)
    assert own_problems(dataset) == []
    assert sorted(set(dataset.train.extra["tracklet"])) == ["0001C1T0001", "0001C2T0001"]
    protocol = dataset.protocol()
    assert set(protocol.query.extra["tracklet"]) == {"0002C1T0001"}
    assert len(protocol.query) == 3
    assert len(protocol.gallery) == len(TEST)  # whoever asks is searched as well
    assert set(protocol.gallery.person) == {JUNK, DISTRACTOR, 2, 4}
    assert protocol.query.time.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("held", "sentence"),
    [
        ({"query_IDX.mat": {"query_IDX": np.array([[6]])}}, "must number tracks from 1 to 5"),
        ({"query_IDX.mat": {"query_IDX": np.array([[0]])}}, "must number tracks from 1 to 5"),
        ({"query_IDX.mat": {"other": np.array([[1]])}}, "does not hold MARS's matrix query_IDX"),
        (
            {"tracks_test_info.mat": {"track_test_info": TRACKS[:, :3]}},
            r"must be \[tracks, 4\]",
        ),
        ({"tracks_test_info.mat": {"track_test_info": TRACKS + 20}}, "must number lines of test_name.txt"),
    ],
)
def test_numbers_of_nothing_are_refused(mars, quietly, held, sentence):
    for name, variables in held.items():
        savemat(mars / "info" / name, variables)
    with pytest.raises(LayoutError, match=sentence):
        quietly("mars", mars)
