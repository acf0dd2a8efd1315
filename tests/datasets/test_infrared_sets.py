"""SYSU-MM01, RegDB and LLCM."""

import numpy as np
import pytest
from scipy.io import savemat

from glimpse.datasets.sysu_mm01 import Draw
from glimpse.errors import LayoutError, OptionError
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


@pytest.fixture
def regdb(plant):
    folders = (("Visible", "v"), ("Thermal", "t"))
    root = plant(
        *(f"RegDB/{f}/{p}/img_{s}_{n}.bmp" for f, s in folders for p in (1, 2, 3, 40) for n in (1, 2))
    )
    root = root / "RegDB"
    (root / "idx").mkdir()
    for split in range(1, 11):
        persons = {"train": (2, 40), "test": (1, 3)} if split == 1 else {"train": (1, 2), "test": (3, 40)}
        for part, chosen in persons.items():
            for (folder, suffix), side in zip(folders, ("visible", "thermal"), strict=True):
                lines = [
                    f"{folder}/{p}/img_{suffix}_{n}.bmp {i}" for i, p in enumerate(chosen) for n in (1, 2)
                ]
                (root / "idx" / f"{part}_{side}_{split}.txt").write_text("\n".join(lines) + "\n")
    return root


def test_regdb_persons_are_folders_because_labels_start_at_0_in_train_and_test(regdb, quietly, own_problems):
    dataset = quietly("regdb", regdb)
    assert own_problems(dataset) == []
    assert dataset.train.persons.tolist() == [2, 40]
    assert dataset.protocol().query.persons.tolist() == [1, 3]
    assert set(dataset.train.modality) == {"rgb", "ir"}
    assert list(dataset.protocols) == ["visible-to-thermal", "thermal-to-visible"]
    assert dataset.protocol("thermal-to-visible").query.camera.tolist() == [2] * 4
    assert all(p.validity() == (Validity(4, 0),) for p in dataset.protocols.values())


def test_regdb_split_is_a_train_and_test_set_of_its_own(regdb, quietly):
    assert quietly("regdb", regdb, split=7).train.persons.tolist() == [1, 2]
    with pytest.raises(OptionError, match="splits 1 to 10, got 0"):
        quietly("regdb", regdb, split=0)


def test_regdb_lists_with_backslashes_are_read(regdb, quietly):
    path = regdb / "idx" / "test_visible_1.txt"
    before = quietly("regdb", regdb).protocol().query
    path.write_text(path.read_text().replace("/", "\\"))
    assert quietly("regdb", regdb).protocol().query == before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Visible/1/img_v_1.bmp\n", "line 1: expected like"),
        ("Visible/1/img_v_1.bmp x\n", "line 1: expected like"),
        ("Visible/1/img_v_1.bmp 0\nVisible/3/img_v_1.bmp 0\n", "line 2: label 0 is folder 1 and 3"),
        ("Visible/1/none.bmp 0\n", "1 of the 1 images listed in test_visible_1.txt are missing"),
    ],
)
def test_regdb_lists_that_do_not_fit_are_refused(regdb, quietly, text, message):
    (regdb / "idx" / "test_visible_1.txt").write_text(text)
    with pytest.raises(LayoutError, match=message):
        quietly("regdb", regdb)


def test_regdb_without_lists_draws_halves_and_says_they_are_not_comparable(regdb, quietly, own_problems):
    for path in (regdb / "idx").iterdir():
        path.unlink()
    (regdb / "idx").rmdir()
    dataset = quietly("regdb", regdb, split=2)
    assert len(dataset.train.persons) == len(dataset.protocol().query.persons) == 2
    assert not set(dataset.train.persons) & set(dataset.protocol().query.persons)
    assert "not comparable" in own_problems(dataset)[0]
    assert quietly("regdb", regdb, split=2).train == dataset.train


@pytest.fixture
def llcm(plant):
    root = (
        plant(
            "LLCM/vis/0001/0001_c01_s185535_f7010_vis.jpg",
            "LLCM/nir/0001/0001_c02_s185535_f7011_nir.jpg",
            "LLCM/test_vis/cam1/0003/0003_c01_s185734_f3195_vis.jpg",
            "LLCM/test_vis/cam1/0003/0003_c01_s185734_f3196_vis.jpg",
            "LLCM/test_vis/cam2/0003/0003_c02_s185734_f3197_vis.jpg",
            "LLCM/test_nir/cam1/0003/0003_c01_s185734_f3198_nir.jpg",
            "LLCM/test_nir/cam1/0099/0099_c01_s185734_f3199_nir.jpg",
        )
        / "LLCM"
    )
    (root / "idx").mkdir()
    (root / "idx" / "train_vis.txt").write_text("vis/0001/0001_c01_s185535_f7010_vis.jpg 0\n")
    (root / "idx" / "train_nir.txt").write_text("nir/0001/0001_c02_s185535_f7011_nir.jpg 0\n")
    (root / "idx" / "test_id.txt").write_text("3")
    return root


def test_llcm_parses_to_known_records(llcm, quietly, own_problems):
    dataset = quietly("llcm", llcm)
    assert own_problems(dataset) == []
    assert dataset.train.modality.tolist() == ["rgb", "ir"]
    assert dataset.train.camera.tolist() == [1, 2]
    protocol = dataset.protocol("infrared-to-visible")
    assert protocol.query.person.tolist() == [3]  # 99 is not a test person
    assert len(protocol.trials) == 10
    assert [len(t.gallery) for t in protocol.trials] == [2] * 10
    assert protocol.validity()[0] == Validity(1, 0)
    # the other way, the only infrared image is of camera 1: queries of camera 1 have no answer left
    assert dataset.protocol("visible-to-infrared").validity()[0] == Validity(1, 2)
