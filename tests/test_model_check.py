"""Rendered people tell a trained network from an untrained one, and how it wants to be fed."""

import dataclasses

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from glimpse.choices import ChannelOrder, Size
from glimpse.errors import OptionError
from glimpse.model_check import check_backbone, check_encoder, separation
from glimpse.models.card import NetworkCard
from glimpse.models.factory import build_network
from glimpse.retriever import ColorEncoder, NetworkEncoder, Retriever
from glimpse.retriever.export import Form, export_onnx
from glimpse.retriever.foreign import of_onnx

pytestmark = pytest.mark.usefixtures("rendered_once")


class Wanting(nn.Module):
    """A network that wants to be fed otherwise than its card says."""

    def __init__(self, encoder, bytes_=False, turned=False):
        super().__init__()
        self.inner, self.dim = encoder.network, encoder.dim
        self.bytes_, self.turned = bytes_, turned

    def embed(self, images, taken=None):
        # the shipped networks' own mean and deviation are 0.5
        images = (images / 255 - 0.5) / 0.5 if self.bytes_ else images
        return self.inner.embed(images.flip(1) if self.turned else images, taken)


def exported(encoder, folder, **changes):
    """The model as somebody else would have it: of images, no more said than its size."""
    path = folder / "m.onnx"
    export_onnx(encoder, path, form=Form.PLAIN)
    model = onnx.load(path)
    del model.metadata_props[:]
    path.write_bytes(model.SerializeToString())
    return of_onnx(path, **changes)[0].encoder


@pytest.fixture(scope="module")
def trained():
    return Retriever.load("vit-micro").encoder


def test_a_trained_network_that_is_fed_rightly_is_praised_in_one_line(trained, tmp_path):
    found = check_encoder(exported(trained, tmp_path))
    assert found.scores["as stated"] > 0.95
    assert len(found.lines()) == 1


def test_a_network_that_wants_bytes_is_told(trained, tmp_path):
    network = Wanting(trained, bytes_=True)
    # exported as it is: what ImageNet's normalization makes of images is not undone
    card = dataclasses.replace(trained.card, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    found = check_encoder(exported(NetworkEncoder(network, card), tmp_path))
    assert "it seems to want values from 0 to 255" in found.lines()[1]
    right = exported(NetworkEncoder(network, card), tmp_path, mean=(0, 0, 0), std=(0.0039216,) * 3)
    assert len(check_encoder(right).lines()) == 1


def test_a_network_that_wants_the_other_order_of_colors_is_told(trained, tmp_path):
    swapped = NetworkEncoder(Wanting(trained, turned=True), trained.card)
    found = check_encoder(exported(swapped, tmp_path))
    assert "it seems to want --channels bgr" in found.lines()[1]
    right = exported(swapped, tmp_path, channels=ChannelOrder.BGR)
    assert len(check_encoder(right).lines()) == 1


def test_an_untrained_network_is_told(tmp_path):
    torch.manual_seed(0)
    card = NetworkCard("bot", Size.MICRO, (64, 32))
    found = check_encoder(exported(NetworkEncoder(build_network(card), card), tmp_path))
    assert "It tells nearly nobody from anybody" in found.lines()[1]


def test_backbones_are_checked_by_their_features(trained):
    good = check_backbone(trained.network.backbone)
    torch.manual_seed(0)
    bad = check_backbone(build_network(trained.card).backbone)
    assert len(good.lines()) == 1
    assert "It tells nearly nobody from anybody" in bad.lines()[1]
    assert good.to_json()["scores"]["as stated"] > 0.9


def test_the_measure_is_the_share_of_pairs_that_are_right():
    rng = np.random.default_rng(0)
    person, camera = np.repeat(np.arange(6), 4), np.tile(np.arange(4), 6)
    vectors = rng.normal(size=(24, 3)).round(1)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    right = []
    pairs = [(a, b) for a in range(24) for b in range(24) if camera[a] < camera[b]]
    for a, b in pairs:
        for c, d in pairs:
            if person[a] == person[b] and person[c] != person[d]:
                same, other = (unit[a] @ unit[b]).round(12), (unit[c] @ unit[d]).round(12)
                right.append(0.5 if same == other else float(same > other))
    assert separation(vectors, person, camera) == pytest.approx(np.mean(right), abs=1e-12)
    assert separation(np.ones((24, 3)), person, camera) == 0.5


def test_what_is_no_model_from_elsewhere_is_not_checked():
    with pytest.raises(OptionError, match="only models from elsewhere"):
        check_encoder(ColorEncoder())
