"""Identity losses against their golden values and naive twins, and by gradcheck."""

import math

import pytest
import torch
from loss_cases import IMAGES, LABELS, TEXTS, softmax
from torch.autograd import gradcheck

from glimpse.errors import ShapeError
from glimpse.training import losses as L


def test_label_smoothing_golden_value():  # baselines.md, "Golden values"
    logits = torch.tensor([[2.0, 1.0, 0.0, -1.0]])
    assert L.cross_entropy(logits, torch.tensor([0]), 0.1).item() == pytest.approx(0.590190, abs=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_with_ignored_classes_equals_leaving_them_out(smoothing):
    logits, labels = torch.randn(4, 5, dtype=torch.float64), torch.tensor([0, 1, 2, 3])
    ignored = torch.tensor([3, -1, 2, 0])  # the third sample's own class stays
    expected = []
    for row, label, out in zip(logits.tolist(), labels.tolist(), ignored.tolist(), strict=True):
        kept = [c for c in range(5) if c != out or c == label]
        log_p = dict(zip(kept, map(math.log, softmax([row[c] for c in kept])), strict=True))
        expected.append(-(1 - smoothing) * log_p[label] - smoothing * sum(log_p.values()) / len(kept))
    got = L.cross_entropy(logits, labels, smoothing, ignored).item()
    assert got == pytest.approx(sum(expected) / 4)


def test_an_ignored_class_gets_no_gradient_and_nothing_is_nan():
    logits = torch.randn(2, 4, requires_grad=True)
    L.cross_entropy(logits, torch.tensor([0, 1]), 0.1, torch.tensor([2, -1])).backward()
    assert logits.grad[0, 2] == 0
    assert torch.isfinite(logits.grad).all()
    assert (logits.grad[1] != 0).all()


def test_center_loss_is_the_mean_squared_distance():
    centers = torch.randn(3, 5, dtype=torch.float64)
    naive = sum(math.dist(IMAGES[i].tolist(), centers[LABELS[i]].tolist()) ** 2 for i in range(6)) / 6
    assert L.center_loss(IMAGES, centers, LABELS).item() == pytest.approx(naive)


@pytest.mark.parametrize(
    "loss",
    [
        lambda x, y: L.cross_entropy(x, torch.tensor([0, 1, 2, 3, 4, 0]), 0.1),
        lambda x, y: L.cross_entropy(
            x, torch.tensor([0, 1, 2, 3, 4, 0]), 0.1, torch.tensor([1, 1, 0, 0, 0, 2])
        ),
        lambda x, y: L.center_loss(x, y, LABELS),
    ],
)
def test_gradients_are_those_of_finite_differences(loss):
    assert gradcheck(loss, (IMAGES.clone().requires_grad_(), TEXTS.clone().requires_grad_()))


def test_wrong_shapes_are_refused_with_what_was_expected():
    with pytest.raises(ShapeError, match=r"expected logits \[B, C\]"):
        L.cross_entropy(torch.zeros(3), torch.zeros(3))
