"""Market-1501: trees of a few images with known answers."""

import pytest

from glimpse.protocols import Validity
from glimpse.records import DISTRACTOR, JUNK

MARKET = (
    "bounding_box_train/0002_c1s1_000451_03.jpg",
    "bounding_box_train/0002_c2s1_000776_01.jpg",
    "bounding_box_train/0007_c3s3_077419_03.JPG",
    "query/0001_c1s1_001051_00.jpg",
    "query/0003_c6s3_100000_00.jpg",
    "bounding_box_test/0001_c1s1_001051_03.jpg",
    "bounding_box_test/0001_c2s1_000301_02.jpg",
    "bounding_box_test/0003_c6s3_100000_01.jpg",
    "bounding_box_test/0000_c1s1_000151_01.jpg",
    "bounding_box_test/-1_c1s1_000401_00.jpg",
    "bounding_box_test/Thumbs.db",
)


@pytest.mark.parametrize("inside", [".", "Market-1501-v15.09.15", "market1501"])
def test_market_parses_to_known_records(plant, quietly, own_problems, inside):
    root = plant(*(f"{inside}/{name}" for name in MARKET))
    dataset = quietly("market1501", root)
    assert own_problems(dataset) == []
    assert dataset.train.person.tolist() == [2, 2, 7]
    assert dataset.train.camera.tolist() == [1, 2, 3]
    assert dataset.train.time.tolist() == [451, 776, 77419]
    assert dataset.train.extra["sequence"].tolist() == [1, 1, 3]
    gallery = dataset.protocol().gallery
    assert dict(zip((p.split("/")[-1] for p in gallery.path), gallery.person.tolist(), strict=True)) == {
        "-1_c1s1_000401_00.jpg": JUNK,
        "0000_c1s1_000151_01.jpg": DISTRACTOR,
        "0001_c1s1_001051_03.jpg": 1,
        "0001_c2s1_000301_02.jpg": 1,
        "0003_c6s3_100000_01.jpg": 3,
    }


def test_market_query_seen_only_by_its_own_camera_is_skipped(plant, quietly):
    protocol = quietly("market1501", plant(*MARKET)).protocol()
    assert protocol.validity() == (Validity(1, 1),)
    comparison = protocol.comparison(protocol.trials[0])
    assert len(comparison.gallery_rows) == 4  # junk is left out, the distractor is not


def test_market_distractors_make_a_second_larger_protocol(plant, quietly):
    dataset = quietly("market1501", plant(*MARKET, "images/000001.jpg", "images/000002.jpg"))
    assert list(dataset.protocols) == ["test", "test+500k"]
    larger = dataset.protocol("test+500k")
    assert len(larger.gallery) == len(dataset.protocol().gallery) + 2
    assert larger.gallery.person.tolist().count(DISTRACTOR) == 3
    assert larger.validity() == dataset.protocol().validity()


def test_names_that_are_not_understood_are_reported_not_guessed(plant, quietly, own_problems):
    strange = ("query/0001_c1.jpg", "query/x0001_c1s1_001051_00.jpg", "query/0001_c1s1_001051_00_flip.jpg")
    dataset = quietly("market1501", plant(*MARKET, *strange))
    assert len(dataset.protocol().query) == 2
    assert own_problems(dataset) == [
        "query: 3 image names are not understood and were left out, the first is '0001_c1.jpg'"
    ]


def test_a_person_in_train_and_test_is_reported(plant, quietly, own_problems):
    dataset = quietly("market1501", plant(*MARKET, "query/0002_c1s1_000451_00.jpg"))
    assert own_problems(dataset) == ["1 persons are in train and in test, the first is 2"]
