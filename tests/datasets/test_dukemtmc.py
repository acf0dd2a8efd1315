"""DukeMTMC-reID: a tree of a few images with known answers."""

from duke_tree import DUKE

from glimpse.protocols import Validity


def test_duke_parses_to_known_records(plant, quietly, own_problems):
    dataset = quietly("dukemtmc", plant(*(f"DukeMTMC-reID/{name}" for name in DUKE)))
    assert own_problems(dataset) == []
    assert dataset.layout.withdrawn
    assert dataset.train.person.tolist() == [1, 5]
    assert dataset.train.camera.tolist() == [2, 8]
    assert dataset.train.time.tolist() == [46182, 42]
    assert dataset.protocol().validity() == (Validity(1, 0),)
