"""Scores of chosen rows and the best of them, against plain loops."""

import numpy as np
import pytest
from galleries import DIM, some
from hypothesis import given
from hypothesis import strategies as st

from glimpse.gallery.ranking import best, best_groups, combined, groups, people_of, scores
from glimpse.gallery.snapshot import Part, Snapshot
from glimpse.gallery.store import pa
from glimpse.similarity import Cosine, Euclidean, MaskedCosine, SetJaccard


@pytest.mark.parametrize("similarity", [Cosine(), MaskedCosine(), SetJaccard(), Euclidean()])
@pytest.mark.parametrize("chosen", [range(0), range(60), range(3, 60, 7), [0, 1, 2, 30, 31, 59]])
def test_scores_are_the_similaritys_own(similarity, chosen, monkeypatch):
    monkeypatch.setattr("glimpse.gallery.ranking.VECTOR_TILE", 64 * DIM)
    _, every = some(60, masked=True)
    _, query = some(3, 100, masked=True)
    ids = np.zeros((60, 32), np.uint8)
    # rows 0 to 29 are in the first part, with two between them that are gone
    here = np.delete(np.arange(32), [5, 9])
    first = every[np.insert(np.arange(30), [5, 8], 0)]
    parts = (Part(first, ids, ids, here), Part(every[30:], ids, ids, np.arange(30)))
    snapshot = Snapshot(1, pa.table({"id": ["x"] * 60}), parts)
    rows = np.array(list(chosen), np.int64)
    found = scores(similarity, query, snapshot, rows)
    np.testing.assert_allclose(found, similarity.pairwise(query, every[rows]), atol=1e-6)


def test_one_person_is_one_group_and_so_is_one_track_of_one_source():
    table = pa.table(
        {
            "person": pa.array([7, -1, 7, -1, -1, -1, -1, 0], pa.int64()),
            "source": ["a", "a", "b", "a", "b", "a", "a", "a"],
            "track": ["1", "1", "1", "1", "1", "", "", ""],
        }
    )
    found = groups(table).tolist()
    assert found[0] == found[2]
    assert found[1] == found[3]
    assert len(set(found)) == 6
    assert groups(table.slice(0, 0)).tolist() == []


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), max_size=30), st.integers(1, 6))
def test_the_best_groups_are_those_of_a_plain_loop(rows, k):
    total = np.array([score for score, _ in rows], np.float32)
    group = np.array([number for _, number in rows], np.int64)
    wanted = []
    for row in sorted(range(len(rows)), key=lambda row: (-total[row], row)):
        if group[row] not in wanted:
            wanted.append(int(group[row]))
    assert best_groups(total, group, k).tolist() == wanted[:k]
    order = sorted(range(len(rows)), key=lambda row: (-total[row], row))
    assert best(total, k).tolist() == order[:k]


def test_counterexamples_weigh_half():
    found = np.array([[0.4, 0.8], [0.6, 0.4], [1.0, 0.2], [0.0, 0.6]], np.float32)
    np.testing.assert_allclose(combined(found, 2), [0.5 - 0.25, 0.6 - 0.2], rtol=1e-6)
    np.testing.assert_allclose(combined(found[:1], 1), found[0])


def test_people_have_their_best_images_first():
    names = ("id", "path", "source", "track", "kind", "modality", "caption")
    columns = {name: [f"{name}{row}" for row in range(4)] for name in names}
    columns |= {"person": [3, -1, 3, 3], "camera": [1, -1, 2, 2], "time": pa.array([1.0, None, 2.0, 3.0])}
    table = pa.table(columns)
    total = np.array([0.1, 0.5, 0.9, 0.3], np.float32)
    first, second = people_of(table, total, 5, 2, group=True)
    assert [match.id for match in first.matches] == ["id2", "id3"]
    assert (first.images, first.best.person, first.best.camera, first.best.time) == (3, 3, 2, 2.0)
    assert (second.best.person, second.best.camera, second.best.time) == (None, None, None)
    alone = people_of(table, total, 3, 2, group=False)
    assert [(found.best.id, found.images) for found in alone] == [("id2", 1), ("id1", 1), ("id3", 1)]
