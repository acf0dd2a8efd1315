"""Occluded-REID in its three forms."""

import pytest

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
