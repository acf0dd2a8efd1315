"""Triplet losses against their golden values and naive twins, and by gradcheck."""

import math

import pytest
import torch
from loss_cases import IMAGES, LABELS, TEXTS, naive_distances, softmax
from torch.autograd import gradcheck

from glimpse.errors import ShapeError
from glimpse.training import losses as L


def naive_hard(features, labels, ignored=None):
    d, n = naive_distances(features), range(len(labels))
    farthest = [max(d[i][j] for j in n if labels[j] == labels[i]) for i in n]
    nearest = [
        min(
            (d[i][j] for j in n if labels[j] != labels[i] and not (ignored is not None and ignored[i][j])),
            default=math.inf,
        )
        for i in n
    ]
    return farthest, nearest


def test_soft_triplet_golden_value():  # baselines.md, "Golden values": d_ap 1.2, d_an 1.5
    corners = torch.tensor([[0.0, 0.0], [1.2, 0.0], [-1.5, 0.0]], dtype=torch.float64)
    farthest, nearest = L.batch_hard(L.euclidean(corners), torch.tensor([0, 0, 1]))
    assert torch.nn.functional.softplus(farthest[0] - nearest[0]).item() == pytest.approx(0.554355, abs=1e-6)


def test_batch_hard_and_both_triplets_equal_the_naive_twin():
    farthest, nearest = naive_hard(IMAGES, LABELS.tolist())
    ours = L.batch_hard(L.euclidean(IMAGES), LABELS)
    assert ours[0].tolist() == pytest.approx(farthest, abs=1e-6)  # the root is clamped at 1e-6
    assert ours[1].tolist() == pytest.approx(nearest)
    pairs = list(zip(farthest, nearest, strict=True))
    soft = sum(math.log1p(math.exp(p - n)) for p, n in pairs) / 6
    hard = sum(max(0.0, p - n + 0.3) for p, n in pairs) / 6
    assert L.soft_triplet(IMAGES, LABELS).item() == pytest.approx(soft, abs=1e-6)
    assert L.margin_triplet(IMAGES, LABELS).item() == pytest.approx(hard, abs=1e-6)


def test_ignored_pairs_are_no_negatives():
    ignored = torch.zeros(6, 6, dtype=torch.bool)
    ignored[0, 2] = ignored[0, 4] = ignored[3, 1] = True
    _, expected = naive_hard(IMAGES, LABELS.tolist(), ignored.tolist())
    _, nearest = L.batch_hard(L.euclidean(IMAGES), LABELS, ignored)
    assert nearest.tolist() == pytest.approx(expected)
    assert expected != naive_hard(IMAGES, LABELS.tolist())[1]


@pytest.mark.parametrize("labels", [[4], [4, 4, 4]])
def test_without_any_negative_the_triplets_are_zero_with_finite_gradients(labels):
    features = torch.randn(len(labels), 3, requires_grad=True)
    for loss in (L.soft_triplet, L.margin_triplet):
        value = loss(features, torch.tensor(labels))
        assert value.item() == 0
        (gradient,) = torch.autograd.grad(value, features)
        assert (gradient == 0).all()


def test_equal_features_give_finite_gradients():
    features = torch.ones(4, 3, requires_grad=True)
    L.soft_triplet(features, torch.tensor([0, 0, 1, 1])).backward()
    assert torch.isfinite(features.grad).all()


def test_weighted_triplet_equals_the_naive_twin():
    d, labels, total = naive_distances(IMAGES), LABELS.tolist(), 0.0
    for i in range(6):
        positive = [d[i][j] for j in range(6) if labels[j] == labels[i]]
        negative = [d[i][j] for j in range(6) if labels[j] != labels[i]]
        p = sum(w * v for w, v in zip(softmax(positive), positive, strict=True))
        n = sum(w * v for w, v in zip(softmax([-v for v in negative]), negative, strict=True))
        total += math.log1p(math.exp(p - n)) / 6
    assert L.weighted_triplet(IMAGES, LABELS).item() == pytest.approx(total, abs=1e-6)
    with pytest.raises(ShapeError, match="at least two persons"):
        L.weighted_triplet(IMAGES, torch.zeros(6))


@pytest.mark.parametrize(
    "loss",
    [
        lambda x, y: L.soft_triplet(x, LABELS),
        lambda x, y: L.margin_triplet(x, LABELS),
        lambda x, y: L.weighted_triplet(x, LABELS),
    ],
)
def test_gradients_are_those_of_finite_differences(loss):
    assert gradcheck(loss, (IMAGES.clone().requires_grad_(), TEXTS.clone().requires_grad_()))


@pytest.mark.parametrize("loss", [L.soft_triplet, L.margin_triplet, L.weighted_triplet])
def test_inside_autocast_the_metric_losses_stay_in_full_precision(loss):
    features = (1000 + torch.randn(6, 64)).requires_grad_()
    outside = loss(features, LABELS)
    with torch.autocast("cpu", torch.bfloat16):
        inside = loss(features, LABELS)
        half = loss(features.bfloat16(), LABELS)
    assert inside.dtype == half.dtype == torch.float32
    assert inside.item() == outside.item()


def test_wrong_shapes_are_refused_with_what_was_expected():
    with pytest.raises(ShapeError, match=r"expected distances \[B, B\]"):
        L.batch_hard(torch.zeros(3, 2), torch.zeros(3))
