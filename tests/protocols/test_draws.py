import random

import numpy as np
import pytest
from scipy.io import savemat

from glimpse.errors import LayoutError
from glimpse.protocols import official_draw, read_permutations, seeded_draw
from glimpse.records import Records


def gallery(counts):
    """Rows sorted by path for counts[(person, camera)] images."""
    rows = [(p, c, n) for (p, c), count in sorted(counts.items()) for n in range(count)]
    return Records.from_columns(
        [f"cam{c}/{p:04d}/{n:04d}.jpg" for p, c, n in rows],
        [p for p, _, _ in rows],
        camera=[c for _, c, _ in rows],
    )


COUNTS = {(6, 1): 3, (6, 2): 2, (10, 1): 4, (10, 4): 1}


@pytest.mark.parametrize("trial", [0, 3, 9])
def test_the_seeded_draw_is_the_published_loop_over_persons_then_cameras(trial):
    records = gallery(COUNTS)
    random.seed(trial)  # the published code seeds the global generator
    expected = []
    for person in (6, 10):
        for camera in (1, 2, 4, 5):
            files = sorted(p for p in records.path if p.startswith(f"cam{camera}/{person:04d}/"))
            if files:
                expected.append(random.choice(files))
    drawn = seeded_draw(records, (1, 2, 4, 5), 1, trial)
    assert records.path[drawn].tolist() == expected


def test_several_shots_are_drawn_without_repetition_and_at_most_all():
    records = gallery(COUNTS)
    drawn = seeded_draw(records, (1, 2), 3, trial=0)
    assert sorted(records.path[drawn]) == sorted(
        {*records.filter(person=6).path, *records.path[drawn][records.person[drawn] == 10]}
    )
    assert len(set(drawn.tolist())) == len(drawn) == 3 + 2 + 3


def test_the_official_draw_takes_the_first_places_of_the_permutation():
    records = gallery({(6, 1): 3})
    order = {(1, 6): np.array([[3, 1, 2], [2, 3, 1]])}
    assert records.path[official_draw(records, (1,), 2, 0, order)].tolist() == [
        "cam1/0006/0002.jpg",
        "cam1/0006/0000.jpg",
    ]
    assert official_draw(records, (1,), 1, 1, order).tolist() == [1]


@pytest.mark.parametrize("order", [{}, {(1, 6): np.array([[1, 2]])}])
def test_permutations_that_do_not_fit_the_images_are_refused(order):
    with pytest.raises(
        LayoutError, match=r"permutations for camera 1, person 6 must be .*there are 3 images"
    ):
        official_draw(gallery({(6, 1): 3}), (1,), 1, 0, order)


def cells(permutations, cameras=6, persons=12):
    """MATLAB's nested cell arrays as the published file holds them."""
    outer = np.empty((cameras, 1), object)
    for camera in range(cameras):
        inner = np.empty((persons, 1), object)
        for person in range(persons):
            inner[person, 0] = permutations.get((camera + 1, person + 1), np.empty((0, 0)))
        outer[camera, 0] = inner
    return outer


def test_the_matlab_file_is_read_by_camera_and_person(tmp_path):
    order = np.array([[2, 1, 3]] * 10, np.uint16)
    savemat(tmp_path / "p.mat", {"rand_perm_cam": cells({(1, 6): order, (4, 12): order[:, :1] * 0 + 1})})
    found = read_permutations(tmp_path / "p.mat")
    assert set(found) == {(1, 6), (4, 12)}
    assert found[1, 6].tolist() == order.tolist()


@pytest.mark.parametrize(
    "content", [{"other": np.zeros(3)}, {"rand_perm_cam": cells({(1, 1): np.array([[1, 1]])})}]
)
def test_a_matlab_file_of_something_else_is_refused(tmp_path, content):
    savemat(tmp_path / "p.mat", content)
    with pytest.raises(LayoutError, match=r"p\.mat"):
        read_permutations(tmp_path / "p.mat")


@pytest.mark.parametrize("content", [b"", b"not this", b"compressed and cut off"])
def test_a_file_that_is_no_matlab_file_is_refused(tmp_path, content):
    if content.startswith(b"compressed"):
        savemat(tmp_path / "p.mat", {"rand_perm_cam": cells({})}, do_compression=True)
        content = (tmp_path / "p.mat").read_bytes()[:-20]
    (tmp_path / "p.mat").write_bytes(content)
    with pytest.raises(LayoutError, match=r"p\.mat does not hold"):
        read_permutations(tmp_path / "p.mat")
