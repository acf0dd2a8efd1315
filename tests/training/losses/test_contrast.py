"""Image-text losses against their golden values and naive twins, and by gradcheck."""

import math

import pytest
import torch
from loss_cases import IMAGES, LABELS, TEXTS, dot, softmax, unit
from torch.autograd import gradcheck

from glimpse.errors import ShapeError
from glimpse.training import losses as L


def test_supervised_contrast_golden_values():  # clip-reid.md, "Golden values"
    images = torch.tensor([[1, 0], [0.5, 0.5], [0, 1]])
    texts = torch.tensor([[1, 0.2], [1, 0.2], [0.1, 0.8]])
    labels = torch.tensor([0, 0, 1])
    assert L.supervised_contrast(images, texts, labels).item() == pytest.approx(0.890025, abs=1e-6)
    assert L.supervised_contrast(texts, images, labels).item() == pytest.approx(0.897179, abs=1e-6)


def test_contrast_with_one_positive_per_row_is_cross_entropy():  # clip-reid.md, "Invariants"
    ours = L.supervised_contrast(IMAGES, TEXTS, torch.arange(6))
    assert ours.item() == pytest.approx(L.cross_entropy(IMAGES @ TEXTS.T, torch.arange(6)).item())


def naive_divergence(similarity, labels):
    total = 0.0
    for i, row in enumerate(similarity):
        count = labels.count(labels[i])
        for p, label in zip(softmax(row), labels, strict=True):
            total += p * (math.log(p) - math.log((label == labels[i]) / count + 1e-8)) if p else 0
    return total / len(labels)


def test_similarity_and_projection_matching_equal_their_naive_twins():
    labels = LABELS.tolist()
    cosine = [[dot(unit(v), unit(t)) / 0.02 for t in TEXTS] for v in IMAGES]
    sdm = naive_divergence(cosine, labels) + naive_divergence(list(zip(*cosine, strict=True)), labels)
    assert L.similarity_matching(IMAGES, TEXTS, LABELS).item() == pytest.approx(sdm)
    onto_texts = [[dot(v, unit(t)) for t in TEXTS] for v in IMAGES]
    onto_images = [[dot(t, unit(v)) for v in IMAGES] for t in TEXTS]
    cmpm = naive_divergence(onto_texts, labels) + naive_divergence(onto_images, labels)
    assert L.projection_matching(IMAGES, TEXTS, LABELS).item() == pytest.approx(cmpm)


@pytest.mark.parametrize("masked", [False, True])
def test_image_text_contrast_equals_the_naive_twin(masked):
    total = 0.0
    for a, b in ((IMAGES, TEXTS), (TEXTS, IMAGES)):
        for i in range(6):
            kept = [j for j in range(6) if j == i or not masked or LABELS[j] != LABELS[i]]
            shares = softmax([dot(unit(a[i]), unit(b[j])) / 0.07 for j in kept])
            total -= math.log(shares[kept.index(i)]) / 12
    got = L.image_text_contrast(IMAGES, TEXTS, 0.07, LABELS if masked else None)
    assert got.item() == pytest.approx(total)


@pytest.mark.parametrize(
    "loss",
    [
        lambda x, y: L.supervised_contrast(x, y, LABELS),
        lambda x, y: L.image_text_contrast(x, y, 0.5, LABELS),
        lambda x, y: L.similarity_matching(x, y, LABELS, 0.5),
        lambda x, y: L.projection_matching(x, y, LABELS),
    ],
)
def test_gradients_are_those_of_finite_differences(loss):
    assert gradcheck(loss, (IMAGES.clone().requires_grad_(), TEXTS.clone().requires_grad_()))


def test_wrong_shapes_are_refused_with_what_was_expected():
    with pytest.raises(ShapeError, match=r"expected two tensors \[B, D\]"):
        L.supervised_contrast(torch.zeros(3, 2), torch.zeros(3, 3), torch.zeros(3))
