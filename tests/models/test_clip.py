"""CLIP's network: two backbones, one space."""

import pytest
import torch

from glimpse.choices import Size
from glimpse.errors import OptionError
from glimpse.models.card import NetworkCard
from glimpse.models.clip import ClipNetwork
from glimpse.models.taken import Taken
from glimpse.records import Capture

IMAGE = (64, 32)


def test_images_and_texts_are_comparable_and_keep_their_rows():
    network = ClipNetwork(Size.MICRO, IMAGE).eval()
    images, ids = torch.rand(3, 3, *IMAGE), torch.randint(1, 50, (2, 9))
    with torch.no_grad():
        seen, read = network.embed(images), network.embed_text(ids, torch.tensor([8, 4]))
        assert seen.shape == (3, network.dim)
        assert read.shape == (2, network.dim)
        torch.testing.assert_close(network.embed(images[1:2]), seen[1:2])


def test_what_images_were_taken_with_means_nothing():
    card = NetworkCard("clip", Size.MICRO, IMAGE)
    network, images = ClipNetwork(Size.MICRO, IMAGE).eval(), torch.rand(2, 3, *IMAGE)
    with torch.no_grad():
        assert torch.equal(
            network.embed(images, Taken.of(Capture.unknown(2), card, "cpu")), network.embed(images)
        )


def test_a_card_has_nothing_else_to_say():
    assert (
        ClipNetwork.from_card(NetworkCard("clip", Size.MICRO, IMAGE)).dim
        == ClipNetwork(Size.MICRO, IMAGE).dim
    )
    with pytest.raises(OptionError, match="stride"):
        ClipNetwork.from_card(NetworkCard("clip", Size.MICRO, IMAGE, options={"stride": 12}))
