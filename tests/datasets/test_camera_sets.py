"""Market-1501, DukeMTMC-reID, Occluded-Duke and MSMT17: trees of a few images with known answers."""

import pytest

from glimpse.errors import LayoutError
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


DUKE = (
    "bounding_box_train/0001_c2_f0046182.jpg",
    "bounding_box_train/0005_c8_f0000042.jpg",
    "query/0006_c1_f0001000.jpg",
    "bounding_box_test/0006_c1_f0002000.jpg",
    "bounding_box_test/0006_c2_f0003000.jpg",
    "bounding_box_test/0009_c3_f0004000.jpg",
)


def test_duke_parses_to_known_records(plant, quietly, own_problems):
    dataset = quietly("dukemtmc", plant(*(f"DukeMTMC-reID/{name}" for name in DUKE)))
    assert own_problems(dataset) == []
    assert dataset.layout.withdrawn
    assert dataset.train.person.tolist() == [1, 5]
    assert dataset.train.camera.tolist() == [2, 8]
    assert dataset.train.time.tolist() == [46182, 42]
    assert dataset.protocol().validity() == (Validity(1, 0),)


OCCLUDED_QUERY = "0006_c1_f0002000.jpg"  # also a gallery image, as 1,870 of the real 2,210 queries are


def test_occluded_duke_queries_that_are_gallery_images_are_no_trivial_hits(plant, quietly, own_problems):
    dataset = quietly("occluded_duke", plant(*DUKE, f"query/{OCCLUDED_QUERY}"))
    assert own_problems(dataset) == []
    protocol = dataset.protocol()
    assert set(protocol.query.kind) == {"occluded"}
    comparison = protocol.comparison(protocol.trials[0])
    asked = protocol.query.path.tolist().index(f"{dataset.root}/query/{OCCLUDED_QUERY}")
    counted = comparison.gallery_key != comparison.query_key[asked]
    right = counted & (comparison.gallery_person == 6)
    assert [p.split("/")[-1] for p in protocol.gallery.path[comparison.gallery_rows[right]]] == [
        "0006_c2_f0003000.jpg"
    ]


@pytest.mark.parametrize("place", ["Occluded_Duke", "."])
def test_occluded_duke_lists_find_their_images_in_duke(plant, quietly, own_problems, place):
    root = plant(*(f"DukeMTMC-reID/{name}" for name in DUKE))
    lists = root / place
    lists.mkdir(exist_ok=True)
    (lists / "train.list").write_text("0001_c2_f0046182.jpg\n")
    (lists / "query.list").write_text(f"0006_c1_f0001000.jpg\r\n{OCCLUDED_QUERY}")  # no line break at the end
    (lists / "gallery.list").write_text("".join(f"{n.split('/')[1]}\n" for n in DUKE[3:]))
    dataset = quietly("occluded_duke", root)
    assert own_problems(dataset) == []
    assert len(dataset.train) == 1
    assert sorted(p.split("DukeMTMC-reID/")[1] for p in dataset.protocol().query.path) == [
        f"bounding_box_test/{OCCLUDED_QUERY}",
        "query/0006_c1_f0001000.jpg",
    ]
    assert dataset.protocol().validity() == (Validity(2, 0),)
    assert quietly("occluded_duke", lists, images=root / "DukeMTMC-reID").train == dataset.train


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("0001_c2_f0046182.jpg\n0001_c2_f0046182.jpg\n", "names 1 images twice"),
        ("0009_c9_f0000001.jpg\n", "1 of the 1 images in .* are missing .*0009_c9_f0000001.jpg"),
    ],
)
def test_occluded_duke_lists_that_do_not_fit_are_refused(plant, quietly, names, message):
    root = plant(*(f"DukeMTMC-reID/{name}" for name in DUKE))
    for name in ("train", "query", "gallery"):
        (root / f"{name}.list").write_text(names)
    with pytest.raises(LayoutError, match=message):
        quietly("occluded_duke", root)


def test_occluded_duke_lists_without_duke_say_what_to_bring(plant, quietly):
    root = plant("train.list", "query.list", "gallery.list")
    with pytest.raises(LayoutError, match=r"no DukeMTMC-reID with .*withdrawn by its owners"):
        quietly("occluded_duke", root)


def msmt(root, version):
    train, test = (
        f"{root}/{name}"
        for name in (("train", "test") if version == 1 else ("mask_train_v2", "mask_test_v2"))
    )
    lists = {
        "list_train.txt": [
            "0000/0000_000_01_0303morning_0008_0.jpg 0",
            "0001/0001_004_14_0302noon_0020_1_ex.jpg 1",
        ],
        "list_val.txt": ["0001/0001_005_15_0303afternoon_0021_1.jpg 1"],
        "list_query.txt": ["0000/0000_000_02_0114morning_0001_0.jpg 0"],
        "list_gallery.txt": [
            "0000/0000_001_03_0114morning_0002_0.jpg 0",
            "0001/0001_000_03_0114morning_0003_0.jpg 1",
        ],
    }
    images = [
        f"{train if name in ('list_train.txt', 'list_val.txt') else test}/{line.split()[0]}"
        for name, lines in lists.items()
        for line in lines
    ]
    return images, {name: "\n".join(lines) for name, lines in lists.items()}


@pytest.fixture(params=[1, 2])
def msmt_root(request, plant):
    images, lists = msmt(f"MSMT17_V{request.param}", request.param)
    root = plant(*images)
    for name, text in lists.items():
        (root / f"MSMT17_V{request.param}" / name).write_text(text)
    return root


def test_msmt_train_and_test_persons_both_from_0_are_kept_apart(msmt_root, quietly, own_problems):
    dataset = quietly("msmt17", msmt_root)
    assert own_problems(dataset) == []
    assert dataset.train.person.tolist() == [0, 1, 1]
    assert dataset.train.camera.tolist() == [1, 14, 15]
    assert dataset.train.extra["session"].tolist() == ["0303morning", "0302noon", "0303afternoon"]
    assert dataset.protocol().gallery.person.tolist() == [2, 3]
    assert not set(dataset.train.persons) & set(dataset.protocol().gallery.persons)
    assert dataset.protocol().validity() == (Validity(1, 0),)


def test_msmt_validation_rows_are_trained_on_only_when_asked(msmt_root, quietly):
    dataset = quietly("msmt17", msmt_root, with_validation=False)
    assert len(dataset.train) == 2
    assert dataset.validation.person.tolist() == [1]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0000/0000_000_01_0303morning_0008_0.jpg", "line 1: expected a path and a person"),
        ("0000/0000_000_01_0303morning_0008_0.jpg 5", "to another person than its name"),
        (
            "0000/0000_999_01_0303morning_0008_0.jpg 0",
            "1 of the 1 images listed in list_train.txt are missing",
        ),
    ],
)
def test_msmt_lists_that_do_not_fit_are_refused(msmt_root, quietly, line, message):
    next(msmt_root.glob("*/list_train.txt")).write_text(line)
    with pytest.raises(LayoutError, match=message):
        quietly("msmt17", msmt_root)
