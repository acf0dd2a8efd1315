"""Camera and modality reach a network as places in its card's tables; what is not told is unknown."""

import torch
from micro_retrievers import ToldApart, told_apart

from glimpse.choices import Size
from glimpse.models.card import NetworkCard
from glimpse.models.factory import EmbeddingNetwork
from glimpse.models.taken import Taken, cameras_of
from glimpse.records import Capture

CAPTURE = Capture.given(4, cameras=[7, 2, 3, -1], modalities=["ir", "rgb", None, "ir"])


def test_numbers_of_the_data_set_become_places_in_the_cards_tables():
    taken = Taken.of(CAPTURE, told_apart().card)
    assert taken.cameras.tolist() == [1, 0, -1, -1]
    assert taken.modalities.tolist() == [1, 0, -1, 1]
    assert taken.cameras.dtype == taken.modalities.dtype == torch.int64
    nothing = Taken.of(CAPTURE, NetworkCard("bot", Size.MICRO, (64, 32)))
    assert nothing.cameras.tolist() == nothing.modalities.tolist() == [-1] * 4


def test_some_rows_are_taken_with_what_they_were_taken_with():
    taken = Taken.of(CAPTURE, told_apart().card)
    for rows in (slice(1, 3), torch.tensor([1, 2])):
        assert taken[rows].cameras.tolist() == [0, -1]
        assert taken[rows].modalities.tolist() == [0, -1]
    assert Taken()[1:].cameras is None
    assert Taken(modalities=taken.modalities)[1:].modalities.tolist() == [0, -1, 1]


def test_cameras_alone():
    cameras = torch.tensor([1])
    assert cameras_of(None) is None
    assert cameras_of(Taken()) is None
    assert cameras_of(Taken(cameras)) is cameras


def test_a_network_that_tells_modalities_apart_needs_the_signature_only():
    network = ToldApart()
    assert isinstance(network, EmbeddingNetwork)
    images = torch.zeros(4, 3, 8, 4)
    told = network.embed(images, Taken.of(CAPTURE, told_apart().card))[:, 3:]
    assert told.tolist() == [[8, 2], [4, 1], [0, 0], [8, 0]]
    assert network.embed(images)[:, 3:].abs().max() == 0
    assert network.embed(images, Taken())[:, 3:].abs().max() == 0
