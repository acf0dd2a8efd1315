"""SYSU-MM01: its records, person lists and galleries."""

import numpy as np
import pytest
from scipy.io import savemat

from glimpse.datasets.sysu_mm01 import Draw
from glimpse.errors import LayoutError
from glimpse.protocols import Validity

# camera: persons that it sees; 1 and 2 train, 3 validates, 6 and 10 test, 50 is seen in one modality only
SYSU = {1: (1, 3, 6), 2: (1, 2, 6), 3: (1, 2, 3, 6), 4: (2, 10, 50), 5: (10,), 6: (1, 2, 10)}


@pytest.fixture
def sysu(plant):
    root = plant(
        *(f"cam{c}/{p:04d}/{n:04d}.jpg" for c, persons in SYSU.items() for p in persons for n in (1, 2, 3))
    )
    (root / "exp").mkdir()
    for name, persons in (("train_id", "1,2"), ("val_id", "3"), ("test_id", "6,10\n")):
        (root / "exp" / f"{name}.txt").write_text(persons)
    return root


def test_sysu_parses_to_known_records(sysu, quietly, own_problems):
    dataset = quietly("sysu_mm01", sysu)
    assert own_problems(dataset) == []
    assert dataset.train.persons.tolist() == [1, 2, 3]
    assert dataset.train.cameras.tolist() == [1, 2, 3, 4, 6]
    assert set(dataset.train.filter(camera=[3, 6]).modality) == {"ir"}
    assert set(dataset.train.filter(camera=[1, 2, 4, 5]).modality) == {"rgb"}
    protocol = dataset.protocol("all-single")
    assert sorted(set(zip(protocol.query.person.tolist(), protocol.query.camera.tolist(), strict=True))) == [
        (6, 3),
        (10, 6),
    ]
    assert [len(t.gallery) for t in protocol.trials] == [4] * 10  # 6 in cameras 1, 2; 10 in cameras 4, 5
    # person 6 in camera 3 still has camera 1
    assert protocol.validity()[0] == Validity(6, 0)
    assert dataset.protocol("indoor-multi").validity()[0] == Validity(3, 3)


def test_sysu_validation_persons_are_set_aside_when_asked(sysu, quietly):
    dataset = quietly("sysu_mm01", sysu, with_validation=False)
    assert dataset.train.persons.tolist() == [1, 2]
    assert dataset.validation.persons.tolist() == [3]


def test_sysu_validation_persons_are_rebuilt_from_both_modalities(sysu, quietly, own_problems):
    (sysu / "exp" / "val_id.txt").unlink()
    dataset = quietly("sysu_mm01", sysu)
    assert dataset.train.persons.tolist() == [1, 2, 3]  # not 50, which no infrared camera saw
    assert "took the 1 persons seen in both modalities" in own_problems(dataset)[0]


@pytest.mark.parametrize("wrong", ["empty", "text", "words"])
def test_a_damaged_person_list_is_one_sentence(sysu, quietly, wrong):
    (sysu / "exp" / "train_id.txt").unlink()
    matlab = sysu / "exp" / "train_id.mat"
    if wrong == "words":
        savemat(matlab, {"id": np.array(["one", "two"])})
    else:
        matlab.write_bytes(b"" if wrong == "empty" else b"1,2,3")
    with pytest.raises(LayoutError, match=r"train_id\.mat"):
        quietly("sysu_mm01", sysu)


def test_sysu_person_lists_may_be_matlab_files(sysu, quietly):
    plain = quietly("sysu_mm01", sysu)
    for name, persons in (("train_id", [1, 2]), ("val_id", [3]), ("test_id", [6, 10])):
        (sysu / "exp" / f"{name}.txt").unlink()
        savemat(sysu / "exp" / f"{name}.mat", {"id": np.array([persons], np.uint16)})
    assert quietly("sysu_mm01", sysu).train == plain.train


def permutations(images=3):
    outer = np.empty((6, 1), object)
    for camera in range(6):
        inner = np.empty((333, 1), object)
        for person in range(333):
            seen = person + 1 in SYSU[camera + 1]
            inner[person, 0] = np.tile(np.arange(images, 0, -1), (10, 1)) if seen else np.empty((0, 0))
        outer[camera, 0] = inner
    return outer


def test_sysu_gallery_follows_the_official_permutations_where_they_are(sysu, quietly):
    seeded = quietly("sysu_mm01", sysu).protocol()
    assert "seeded" in seeded.note
    savemat(sysu / "exp" / "rand_perm_cam.mat", {"rand_perm_cam": permutations()})
    official = quietly("sysu_mm01", sysu).protocol()
    assert "official" in official.note
    drawn = official.gallery.path[official.trials[0].gallery]
    assert {path.rsplit("/", 1)[1] for path in drawn} == {"0003.jpg"}
    again = quietly("sysu_mm01", sysu, draw=Draw.SEEDED).protocol()
    assert [t.gallery.tolist() for t in again.trials] == [t.gallery.tolist() for t in seeded.trials]


def test_sysu_permutations_of_other_images_are_refused(sysu, quietly):
    savemat(sysu / "exp" / "rand_perm_cam.mat", {"rand_perm_cam": permutations(images=2)})
    with pytest.raises(LayoutError, match=r"must be \[>0, 3\] as there are 3 images"):
        quietly("sysu_mm01", sysu)


def test_sysu_without_its_lists_or_its_permutations_says_so(sysu, quietly):
    with pytest.raises(LayoutError, match=r"official draw needs .*rand_perm_cam\.mat"):
        quietly("sysu_mm01", sysu, draw=Draw.OFFICIAL)
    (sysu / "exp" / "train_id.txt").write_text("one,two")
    with pytest.raises(LayoutError, match="must hold comma-separated persons"):
        quietly("sysu_mm01", sysu)
    (sysu / "exp" / "train_id.txt").unlink()
    with pytest.raises(LayoutError, match="needs train_id and test_id"):
        quietly("sysu_mm01", sysu)
