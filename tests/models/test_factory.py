import pytest
import torch

from glimpse.choices import Size
from glimpse.errors import OptionError, StorageError
from glimpse.models.factory import EmbeddingNetwork, NetworkCard, TextNetwork, build_network
from glimpse.models.storage import load_network, save_network
from glimpse.models.taken import Taken
from glimpse.records import Capture

CARDS = [
    NetworkCard("bot", Size.MICRO, (64, 32), options={"ibn": True}),
    NetworkCard("transreid", Size.MICRO, (64, 32), cameras=(1, 4), options={"jigsaw": True, "stride": 12}),
    NetworkCard("clip-reid", Size.MICRO, (64, 32), cameras=(1, 4)),
    NetworkCard("clip", Size.MICRO, (64, 32)),
]
IMAGES = torch.randn(3, 3, 64, 32, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.method)
def test_every_network_embeds_and_comes_back_from_disk(card, tmp_path):
    network = build_network(card).eval()
    assert isinstance(network, EmbeddingNetwork)
    taken = Taken.of(Capture.given(3, [4, 1, 9], ["rgb", "ir", None]), card)
    with torch.inference_mode():
        vectors = network.embed(IMAGES, taken)
        save_network(tmp_path / "net", card, network.state_dict())
        same_card, again = load_network(tmp_path / "net")
        assert vectors.shape == (3, network.dim)
        assert same_card == card
        torch.testing.assert_close(again.embed(IMAGES, taken), vectors, rtol=0, atol=0)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.method)
def test_what_is_not_told_is_unknown(card):
    network = build_network(card).eval()
    with torch.inference_mode():
        unknown = torch.full((3,), -1)
        expected = network.embed(IMAGES, Taken(unknown, unknown))
        torch.testing.assert_close(network.embed(IMAGES), expected)
        torch.testing.assert_close(network.embed(IMAGES, Taken()), expected)


def test_known_cameras_change_the_vectors_of_networks_that_ask_for_them():
    network = build_network(CARDS[1]).eval()
    with torch.inference_mode():
        first, second = (network.embed(IMAGES, Taken(torch.full((3,), place))) for place in (0, 1))
    assert not torch.allclose(first, second)


def test_only_clip_embeds_texts():
    assert [isinstance(build_network(card), TextNetwork) for card in CARDS] == [False, False, False, True]


def test_an_unknown_method_is_named_with_those_that_are_known():
    with pytest.raises(OptionError, match="no method is called 'bat'; there are bot, transreid"):
        build_network(NetworkCard("bat", Size.MICRO, (64, 32)))


def test_weights_of_another_network_are_refused(tmp_path):
    other = build_network(CARDS[0])
    save_network(tmp_path, CARDS[3], other.state_dict())
    with pytest.raises(StorageError, match="do not belong to its card"):
        load_network(tmp_path)


def test_a_folder_without_a_network_is_refused(tmp_path):
    with pytest.raises(OptionError, match="there is no network"):
        load_network(tmp_path)


def test_weights_that_are_cut_off_are_refused(tmp_path):
    save_network(tmp_path, CARDS[0], build_network(CARDS[0]).state_dict())
    weights = tmp_path / "network.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(StorageError, match="damaged"):
        load_network(tmp_path)
