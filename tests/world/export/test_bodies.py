"""Occluded-REID, Partial-REID and Partial-iLIDS as they are planned."""

from collections import Counter

import pytest

from glimpse.records import NO_CAMERA
from glimpse.world.export import WRITERS, make_options


@pytest.mark.parametrize(
    ("layout", "images", "kinds"),
    [
        ("occluded_reid", 10, {"occluded": 5, "whole": 5}),
        ("partial_reid", 9, {"partial": 3, "occluded": 3, "whole": 3}),
        ("partial_ilids", 2, {"partial": 1, "whole": 1}),
    ],
)
def test_every_person_has_as_many_images_of_each_kind_and_no_camera(layout, images, kinds):
    tree = WRITERS[layout].plan(make_options(layout, people=10, images_per_person=images))
    found = Counter((image.person, image.kind) for image in tree.images)
    assert found == {(person, kind): count for person in range(10) for kind, count in kinds.items()}
    assert {image.printed_camera for image in tree.images} == {NO_CAMERA}
    gallery = next(count for part, count in tree.counts.items() if part.endswith("gallery"))
    assert gallery == (10, 10 * kinds["whole"])
