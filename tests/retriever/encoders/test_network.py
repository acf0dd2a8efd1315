"""A network as an encoder."""

import numpy as np
import pytest
import torch
from micro_retrievers import micro_encoder

from glimpse.errors import OptionError, ShapeError
from glimpse.records import Capture
from glimpse.retriever import NetworkEncoder
from glimpse.retriever.encoders.network import normalized


@pytest.fixture(scope="module")
def encoder():
    return micro_encoder()


@pytest.fixture(scope="module")
def pixels(encoder):
    return np.random.default_rng(0).integers(0, 256, (3, *encoder.card.image, 3), dtype=np.uint8)


def test_pixels_are_normalized_as_the_card_says(encoder, pixels):
    found = normalized(torch.from_numpy(pixels), encoder.card).numpy()
    expected = (pixels / 255 - np.array(encoder.card.mean)) / np.array(encoder.card.std)
    np.testing.assert_allclose(found, expected.transpose(0, 3, 1, 2), atol=1e-5)


def test_vectors_are_the_networks(encoder, pixels):
    with torch.inference_mode():
        expected = encoder.network.embed(normalized(torch.from_numpy(pixels), encoder.card))
    found = encoder.embed(pixels, Capture.unknown(3))
    np.testing.assert_array_equal(found.vectors, expected.numpy())
    assert found.dim == encoder.dim
    assert found.masks is None


def test_flip_averages_with_the_mirrored_image(encoder, pixels):
    both = NetworkEncoder(encoder.network, encoder.card, flip=True).embed(pixels, Capture.unknown(3))
    alone, mirrored = (
        encoder.embed(np.ascontiguousarray(part), Capture.unknown(3)).vectors
        for part in (pixels, pixels[:, :, ::-1])
    )
    np.testing.assert_allclose(both.vectors, (alone + mirrored) / 2, atol=1e-5)


def test_masks_come_with_the_vectors(pixels):
    encoder = micro_encoder("dpm")
    found = encoder.embed(pixels, Capture.unknown(3))
    assert found.masks.shape == found.vectors.shape
    assert ((found.masks >= 0) & (found.masks <= 1)).all()


def test_what_it_wrote_is_read_again(encoder, pixels, tmp_path):
    flipping = NetworkEncoder(encoder.network, encoder.card, flip=True)
    again = NetworkEncoder.read(tmp_path, flipping.write(tmp_path))
    assert again.flip
    first, second = (one.embed(pixels, Capture.unknown(3)).vectors for one in (flipping, again))
    np.testing.assert_array_equal(first, second)
    with pytest.raises(OptionError, match="a card says of a network only `flip`"):
        NetworkEncoder.read(tmp_path, {"flip": "yes"})


def test_what_cannot_be_embedded_is_said(encoder, pixels):
    with pytest.raises(ShapeError, match="expected prepared pixels"):
        encoder.embed(pixels[:, 1:], Capture.unknown(3))
    with pytest.raises(OptionError, match="the method transreid has no text side"):
        encoder.embed_texts(["a man"])
    with pytest.raises(OptionError, match="the text side of clip needs a tokenizer, and none was saved"):
        micro_encoder("clip").embed_texts(["a man"])
    with pytest.raises(OptionError, match="Linear is no network that embeds"):
        NetworkEncoder(torch.nn.Linear(2, 2), encoder.card)
