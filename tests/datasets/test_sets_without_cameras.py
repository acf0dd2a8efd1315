"""Occluded-REID, the partial sets, P-DukeMTMC-reID and P-ETHZ."""

import pytest

from glimpse.errors import OptionError
from glimpse.protocols import Validity
from glimpse.records import NO_CAMERA

OCCLUDED_REID = {
    "original": (
        "Occluded_REID/occluded_body_images/001/001_01.tif",
        "Occluded_REID/occluded_body_images/002/002_01.tif",
        "Occluded_REID/whole_body_images/001/001_01.tif",
        "Occluded_REID/whole_body_images/002/002_05.tif",
    ),
    "repackaged": (
        "OccludedREID/query/001_01.jpg",
        "OccludedREID/query/002_01.jpg",
        "OccludedREID/gallery/001_01.jpg",
        "OccludedREID/gallery/002_05.jpg",
    ),
    "renamed": (
        "query/0001_c1s1_000050_00.tif",
        "query/0002_c1s1_000060_00.tif",
        "gallery/0001_c3s3_000050_00.tif",
        "gallery/0002_c3s3_000010_00.tif",
    ),
}


@pytest.mark.parametrize("form", OCCLUDED_REID)
def test_occluded_reid_reads_alike_in_its_three_forms(plant, quietly, own_problems, form):
    dataset = quietly("occluded_reid", plant(*OCCLUDED_REID[form]))
    assert own_problems(dataset) == []
    protocol = dataset.protocol()
    assert (protocol.query.person.tolist(), protocol.gallery.person.tolist()) == ([1, 2], [1, 2])
    assert set(protocol.query.kind) == {"occluded"}
    assert set(protocol.gallery.kind) == {"whole"}
    assert protocol.trained_on == "market1501"
    assert len(dataset.train) == 0


@pytest.mark.parametrize("form", OCCLUDED_REID)
def test_the_number_of_an_image_is_never_its_camera(plant, quietly, form):
    protocol = quietly("occluded_reid", plant(*OCCLUDED_REID[form])).protocol()
    assert set(protocol.query.camera) == set(protocol.gallery.camera) == {NO_CAMERA}
    # query 001_01 and gallery 001_01 share a number: with it as a camera, the match would be dropped
    assert protocol.validity() == (Validity(2, 0),)


def partial_reid(*folders):
    return [
        f"Partial_REID/{folder}_body_images/{p:03d}_{n:03d}.jpg"
        for folder in folders
        for p in (1, 2)
        for n in (1, 2)
    ]


def test_partial_reid_asks_partial_images_unless_told_otherwise(plant, quietly, own_problems):
    dataset = quietly("partial_reid", plant(*partial_reid("partial", "occluded", "whole")))
    assert own_problems(dataset) == []
    assert list(dataset.protocols) == ["partial", "occluded"]
    assert set(dataset.protocol().query.kind) == {"partial"}
    assert set(dataset.protocol("occluded").query.kind) == {"occluded"}
    assert dataset.protocol().query.person.tolist() == [1, 1, 2, 2]
    assert dataset.protocol().validity() == (Validity(4, 0),)


def test_partial_reid_without_occluded_images_has_one_protocol(plant, quietly):
    dataset = quietly("partial_reid", plant(*partial_reid("partial", "whole")))
    assert list(dataset.protocols) == ["partial"]
    assert not any("occluded" in problem for problem in dataset.problems)
    with pytest.raises(OptionError, match="has no protocol 'occluded'; there are partial"):
        dataset.protocol("occluded")


@pytest.mark.parametrize(
    "names",
    [
        ("Partial_iLIDS/partial_body_images/1.jpg", "Partial_iLIDS/whole_body_images/1.jpg"),
        ("PartialiLIDS/query/1_3.jpg", "PartialiLIDS/gallery/1_8.jpg"),
        ("Probe/001.jpg", "Gallery/001.jpg"),
    ],
)
def test_partial_ilids_reads_alike_in_its_three_forms(plant, quietly, own_problems, names):
    dataset = quietly("partial_ilids", plant(*names))
    assert own_problems(dataset) == []
    assert dataset.protocol().query.person.tolist() == [1]
    assert dataset.protocol().query.kind.tolist() == ["partial"]
    assert dataset.protocol().validity() == (Validity(1, 0),)


def test_p_duke_has_two_settings_over_the_same_rows(plant, quietly, own_problems):
    dataset = quietly(
        "p_dukemtmc",
        plant(
            "P-DukeMTMC-reid/train/whole_body_images/0001/0001_c1_f0044158.jpg",
            "P-DukeMTMC-reid/train/occluded_body_images/0001/0001_c6_f0044159.jpg",
            "P-DukeMTMC-reid/test/occluded_body_images/0004/0004_c1_f0044160.jpg",
            "P-DukeMTMC-reid/test/whole_body_images/0004/0004_c1_f0044161.jpg",
        ),
    )
    assert own_problems(dataset) == []
    assert dataset.train.kind.tolist() == ["whole", "occluded"]
    settings = {p.name: p.trained_on for p in dataset.protocols.values()}
    assert settings == {"supervised": "p_dukemtmc", "transfer": "market1501"}
    assert dataset.protocol("supervised").query == dataset.protocol("transfer").query
    # same camera in the name, and still a right answer: the set is measured without cameras
    assert dataset.protocol().validity() == (Validity(1, 0),)


def p_ethz(persons):
    return [
        f"P_ETHZ/{kind}_body_images/{p:03d}/{p:03d}_0{n}.png"
        for kind in ("occluded", "whole")
        for p in range(1, persons + 1)
        for n in (1, 2)
    ]


def test_p_ethz_halves_its_persons_anew_with_each_seed(plant, quietly):
    root = plant(*p_ethz(5))
    splits = [quietly("p_ethz", root, split=split) for split in range(10)]
    for dataset in splits:
        train, test = set(dataset.train.persons), set(dataset.protocol().query.persons)
        assert (len(train), len(test)) == (3, 2)
        assert train | test == {1, 2, 3, 4, 5}
        assert set(dataset.protocol().gallery.persons) == test
        assert set(dataset.train.kind) == {"occluded", "whole"}
        assert dataset.protocol().validity() == (Validity(4, 0),)
    assert len({tuple(dataset.train.persons) for dataset in splits}) > 1
    assert quietly("p_ethz", root, split=3).train == splits[3].train


def test_p_ethz_says_both_counts_and_refuses_an_eleventh_split(plant, quietly):
    root = plant(*p_ethz(2))
    assert (
        "both kinds: found 2 persons / 8 rows, expected 85 persons / 3,897 rows"
        in quietly("p_ethz", root).problems
    )
    with pytest.raises(OptionError, match="splits 0 to 9, got 10"):
        quietly("p_ethz", root, split=10)
