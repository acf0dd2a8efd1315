"""Partial-REID with and without its occluded images."""

import pytest

from glimpse.errors import OptionError
from glimpse.protocols import Validity


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
