from dataclasses import replace

import numpy as np
import pytest
import torch

from glimpse.choices import Mixing
from glimpse.errors import OptionError
from glimpse.models.backbones.vit import ViT, ViTConfig
from glimpse.segmentation.base import PERSON
from glimpse.training.batches import Batch
from glimpse.training.losses import cross_entropy, euclidean, ignored_pairs, soft_triplet, supervised_contrast
from glimpse.training.transfer.mixing import mixed_images, mixed_patches
from glimpse.training.transfer.pairing import PairingRule
from glimpse.training.transfer.transfer import PatchTransfer


@pytest.fixture
def batch():
    torch.manual_seed(0)
    masks = torch.zeros(4, 16, 8, dtype=torch.uint8)
    masks[:2], masks[2:, 8:] = 1, 1  # two whole persons, two hidden from above
    numbers = torch.arange(4)
    return Batch(
        numbers, torch.tensor([0, 1, 2, 2]), numbers, numbers, torch.randn(4, 3, 16, 8), {PERSON: masks}
    )


def test_images_without_donor_stay_and_nothing_is_mixed_twice():
    images = torch.randn(3, 3, 8, 4)
    windows = torch.zeros(3, 4, 2, dtype=torch.bool)
    chain = torch.tensor([1, 2, -1])
    mixed = mixed_images(images, windows, chain, torch.zeros(3, dtype=torch.int64))
    assert torch.equal(mixed, images[[1, 2, 2]])


def test_without_overlap_mixing_pixels_is_mixing_embeddings():
    torch.manual_seed(1)
    backbone = ViT(ViTConfig(image=(64, 32), patch=8, stride=8, width=32, depth=2, heads=4)).eval()
    images = torch.randn(4, 3, 64, 32)
    windows, donors = torch.rand(4, 8, 4) < 0.5, torch.tensor([1, -1, 0, 2])
    in_pixels = backbone(mixed_images(images, windows, donors, torch.zeros(4, dtype=torch.int64))).class_token
    in_embedding = backbone(images, mix=lambda x: mixed_patches(x, windows, donors)).class_token
    torch.testing.assert_close(in_pixels, in_embedding)


def test_labels_stay_and_the_donor_is_ignored_unless_it_is_the_same_person(batch):
    transfer = PatchTransfer(1.0, (4, 2), rule=PairingRule(overlap=0.4, candidates=1.0))
    found = set()
    for seed in range(20):
        mixed = transfer.apply(batch, np.random.default_rng(seed))
        assert torch.equal(mixed.labels, batch.labels)
        assert ((mixed.ignored == -1) | (mixed.ignored != mixed.labels)).all()
        assert mixed.ignored.max() <= 2
        found |= set(mixed.ignored.tolist())
    assert found == {-1, 0, 1, 2}


def test_the_same_generator_gives_the_same_batch(batch):
    transfer = PatchTransfer(0.5, (4, 2), rule=PairingRule(candidates=1.0))
    first, second = (transfer.apply(batch, np.random.default_rng(5)) for _ in range(2))
    assert torch.equal(first.images, second.images)
    assert torch.equal(first.ignored, second.ignored)


def test_embeddings_are_mixed_later_and_the_pixels_stay(batch):
    transfer = PatchTransfer(1.0, (4, 2), Mixing.EMBEDDING, PairingRule(candidates=1.0))
    mixed = transfer.apply(batch, np.random.default_rng(0))
    assert mixed.images is batch.images
    patches = torch.randn(4, 8, 3)
    assert not torch.equal(mixed.mix(patches), patches)


def test_what_cannot_be_done_is_said(batch):
    with pytest.raises(OptionError, match="needs the map 'person'"):
        PatchTransfer(1.0, (4, 2)).apply(replace(batch, maps={}), np.random.default_rng(0))
    with pytest.raises(OptionError, match="rolled targets need mixing=pixels"):
        PatchTransfer(1.0, (4, 2), Mixing.EMBEDDING, PairingRule(rolled=True))


def test_an_ignored_class_has_no_mass_and_no_gradient():
    logits = torch.randn(3, 5, requires_grad=True)
    cross_entropy(logits, torch.tensor([0, 1, 2]), 0.1, torch.tensor([4, -1, 3])).backward()
    assert logits.grad[0, 4] == logits.grad[2, 3] == 0
    assert (logits.grad[1] != 0).all()


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_an_ignored_class_has_no_mass_whatever_its_logit(smoothing):
    logits = torch.randn(1, 5)
    label, ignored = torch.tensor([2]), torch.tensor([4])
    without = cross_entropy(logits[:, :4], label, smoothing)
    for value in (-30.0, 0.0, 30.0):
        logits[0, 4] = value
        torch.testing.assert_close(cross_entropy(logits, label, smoothing, ignored), without)


def test_with_a_share_of_zero_every_image_stays(batch):
    mixed = PatchTransfer(0.0, (4, 2), rule=PairingRule(overlap=0.1, candidates=1.0)).apply(
        batch, np.random.default_rng(0)
    )
    assert torch.equal(mixed.images, batch.images)
    assert (mixed.ignored == -1).all()
    features, labels = torch.randn(4, 6), batch.labels
    torch.testing.assert_close(
        cross_entropy(features, labels, ignored=mixed.ignored), cross_entropy(features, labels)
    )
    apart = ignored_pairs(mixed.ignored, labels)
    assert soft_triplet(features, labels, apart) == soft_triplet(features, labels)


def test_an_ignored_person_is_no_negative_of_a_triplet():
    features = torch.tensor([[0.0], [1.0], [1.2], [9.0]], requires_grad=True)
    labels, ignored = torch.tensor([0, 0, 1, 2]), torch.tensor([1, -1, -1, -1])
    apart = ignored_pairs(ignored, labels)
    expected = euclidean(features)
    by_hand = [
        expected[0, 1] - expected[0, 3],
        expected[1, 0] - expected[1, 2],
        -expected[2, 1],
        -expected[3, 2],
    ]
    wanted = torch.nn.functional.softplus(torch.stack(by_hand)).mean()
    torch.testing.assert_close(soft_triplet(features, labels, apart), wanted, rtol=0, atol=1e-5)


def test_an_ignored_person_is_no_negative_of_a_contrast():
    images, texts = torch.randn(4, 3), torch.randn(4, 3, requires_grad=True)
    labels = torch.tensor([0, 0, 1, 2])
    ignored = torch.tensor([2, 2, 2, -1])
    loss = supervised_contrast(images[:3], texts[:3], labels[:3], ignored=ignored[:3])
    torch.testing.assert_close(loss, supervised_contrast(images[:3], texts[:3], labels[:3]))
    supervised_contrast(images, texts, labels, ignored=torch.tensor([2, 2, 2, 2])).backward()
    # the text of person 2 meets only its own image, whose softmax over itself and others remains
    alone = torch.softmax(images[3] @ texts.T, 0)[3].detach()
    torch.testing.assert_close(texts.grad[3], -(1 - alone) * images[3] / 4)
