"""What every layout plans with: who is seen where, and how rows are counted."""

from collections import Counter

import numpy as np
import pytest

from glimpse.records import DISTRACTOR, JUNK
from glimpse.world.export import make_options
from glimpse.world.export.tree import Image, counted, layout_rng, sightings


@pytest.mark.parametrize(("images", "cameras"), [(1, 6), (3, 6), (9, 2), (12, 6)])
def test_every_camera_that_sees_somebody_sees_them_twice_or_more(images, cameras):
    seen = sightings(np.random.default_rng(0), images, cameras)
    assert len(seen) == images
    assert set(seen) <= set(range(cameras))
    assert min(Counter(seen).values()) >= min(2, images)
    assert len(set(seen)) == max(1, min(cameras, images // 2))


def test_neither_junk_nor_distractors_are_persons_but_each_name_is_a_row():
    images = [
        Image(("query/a", "gallery/a"), 0, 0, 0, 7, 1),
        Image(("gallery/b",), 1, 0, 0, JUNK, 1),
        Image(("gallery/c",), 2, 0, 0, DISTRACTOR, 1),
    ]
    assert counted(images) == (1, 4)
    assert counted(images, "gallery/") == (1, 3)


def test_the_choices_of_a_layout_follow_the_seed():
    draws = [
        layout_rng(make_options("regdb", seed=seed)).integers(1 << 30, size=4).tolist() for seed in (1, 1, 2)
    ]
    assert draws[0] == draws[1] != draws[2]
