"""CUHK-PEDES, and caption files that are refused."""

import os

import pytest
from caption_files import entry, write

from glimpse.errors import LayoutError

CUHK = [
    entry(1, "CUHK01/0363004.png", ["a man in red", "red shirt"], "train"),
    entry(1, "cam_a/001_45.bmp", ["a man", "him", "him again"], "train"),
    entry(2, "Market/0002_c1.jpg", ["a woman", "a lady"], "val"),
    entry(3, "test_query/p1.jpg", ["a boy", "a child"], "test"),
    entry(3, "test_query/p2.jpg", ["a boy"], "test"),
]


@pytest.fixture
def cuhk(plant):
    root = plant(*(f"CUHK-PEDES/imgs/{e['file_path']}" for e in CUHK)) / "CUHK-PEDES"
    return write(root, "reid_raw.json", CUHK)


def test_cuhk_pedes_parses_to_known_records(cuhk, quietly, own_problems):
    dataset = quietly("cuhk_pedes", cuhk)
    assert own_problems(dataset) == []
    assert dataset.train.filter(modality="rgb").person.tolist() == [1, 1]
    captions = dataset.train.filter(modality="text")
    assert captions.caption.tolist() == ["a man in red", "red shirt", "a man", "him", "him again"]
    assert captions.path[2] == str(cuhk / "imgs" / "cam_a" / "001_45.bmp")
    test = dataset.protocol("test")
    assert (len(test.query), len(test.gallery)) == (3, 2)
    assert test.comparison(test.trials[0]).matches_per_query().tolist() == [2, 2, 2]


def test_models_are_chosen_on_validation_and_measured_on_test(cuhk, quietly):
    dataset = quietly("cuhk_pedes", cuhk)
    assert list(dataset.protocols) == ["test", "val"]
    assert dataset.selection == "val"
    assert dataset.model_selection is dataset.protocols["val"]
    assert dataset.protocol().name == "test"


def test_the_captions_own_image_is_left_out_only_when_asked(cuhk, quietly):
    protocol = quietly("cuhk_pedes", cuhk, exclude_matching_image=True).protocol()
    assert protocol.comparison(protocol.trials[0]).matches_per_query().tolist() == [1, 1, 1]
    assert "own image does not count" in protocol.note


def test_cuhk_pedes_as_lgur_leaves_out_three_persons_and_logs_it(cuhk, quietly, own_problems):
    write(cuhk, "reid_raw.json", [{**e, "id": 4116 if e["id"] == 1 else e["id"]} for e in CUHK])
    dataset = quietly("cuhk_pedes", cuhk, as_lgur=True)
    assert len(dataset.train) == 0
    assert own_problems(dataset) == ["three training persons were left out as LGUR does, as asked"]


def test_ids_from_0_are_kept(cuhk, quietly):
    write(cuhk, "reid_raw.json", [{**e, "id": e["id"] - 1} for e in CUHK])
    assert quietly("cuhk_pedes", cuhk).train.persons.tolist() == [0]


def without(key, number=1):
    return [{k: v for k, v in e.items() if i != number or k != key} for i, e in enumerate(CUHK)]


def changed(number=1, **values):
    return [{**e, **values} if i == number else e for i, e in enumerate(CUHK)]


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (without("split"), "entry 1: split must be train, val or test, got None"),
        (without("file_path"), "entry 1: expected an image under file_path or img_path"),
        (without("captions"), "entry 1: expected a list of captions, got None"),
        (without("id"), "entry 1: id must be a whole number from 0, got None"),
        (changed(split="trian"), "got 'trian'"),
        (changed(captions=[]), r"expected a list of captions, got \[\]"),
        (changed(captions=["ok", "  "]), "a caption must be a sentence"),
        (changed(id="7"), "id must be a whole number"),
        (changed(id=-1), "id must be a whole number"),
        (changed(file_path="../../secret.jpg"), "lies outside the data set"),
        (changed(file_path="/etc/passwd.jpg"), "lies outside the data set"),
        (changed(file_path="CUHK01/0363004.png"), "lists the image CUHK01/0363004.png twice"),
        (changed(file_path="none.jpg"), "1 of the 2 images listed in the train split are missing"),
        ({"train": []}, "must hold a list of images, got dict"),
        ([3], "entry 0 must be an object, got int"),
    ],
)
def test_a_bad_caption_file_is_refused_by_entry_and_key(cuhk, quietly, entries, message):
    write(cuhk, "reid_raw.json", entries)
    with pytest.raises(LayoutError, match=message):
        quietly("cuhk_pedes", cuhk)


@pytest.mark.parametrize("text", ["", "[", "\x00", "[" * 100_000])
def test_a_file_that_is_no_json_is_refused(cuhk, quietly, text):
    (cuhk / "reid_raw.json").write_text(text)
    with pytest.raises(LayoutError, match="cannot read the captions"):
        quietly("cuhk_pedes", cuhk)


def test_a_caption_file_that_is_no_file_is_refused(cuhk, quietly):
    (cuhk / "reid_raw.json").unlink()
    os.mkfifo(cuhk / "reid_raw.json")
    with pytest.raises(LayoutError, match=r"reid_raw\.json: it is not a regular file"):
        quietly("cuhk_pedes", cuhk)
    (cuhk / "reid_raw.json").unlink()
    (cuhk / "reid_raw.json").symlink_to("nowhere")
    with pytest.raises(LayoutError, match=r"no reid_raw\.json or"):
        quietly("cuhk_pedes", cuhk)


def test_captions_without_splits_name_the_file_that_has_them(cuhk, quietly):
    (cuhk / "reid_raw.json").rename(cuhk / "caption_all.json")
    with pytest.raises(LayoutError, match=r"caption_all\.json gives captions without splits; needed is reid"):
        quietly("cuhk_pedes", cuhk)
