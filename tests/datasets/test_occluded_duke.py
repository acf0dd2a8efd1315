"""Occluded-Duke: trees of a few images with known answers."""

import pytest
from duke_tree import DUKE

from glimpse.errors import LayoutError
from glimpse.protocols import Validity

OCCLUDED_QUERY = "0006_c1_f0002000.jpg"  # also a gallery image, as 1,870 of the real 2,210 queries are


def test_occluded_duke_queries_that_are_gallery_images_are_no_trivial_hits(plant, quietly, own_problems):
    dataset = quietly("occluded_duke", plant(*DUKE, f"query/{OCCLUDED_QUERY}"))
    assert own_problems(dataset) == []
    protocol = dataset.protocol()
    assert set(protocol.query.kind) == {"occluded"}
    comparison = protocol.comparison(protocol.trials[0])
    queries = protocol.query.path.tolist().index(f"{dataset.root}/query/{OCCLUDED_QUERY}")
    counted = comparison.gallery_key != comparison.query_key[queries]
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
