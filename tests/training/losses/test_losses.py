"""Every loss against its golden value, against a naive twin in plain loops, and by gradcheck."""

import math

import pytest
import torch
from torch.autograd import gradcheck

from glimpse.errors import ShapeError
from glimpse.training import losses as L

LABELS = torch.tensor([0, 0, 1, 2, 1, 0])
IMAGES = torch.randn(6, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
TEXTS = torch.randn(6, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def softmax(values):
    top = max(values)
    exponents = [math.exp(v - top) for v in values]
    return [e / sum(exponents) for e in exponents]


def dot(a, b):
    return sum(x * y for x, y in zip(a.tolist(), b.tolist(), strict=True))


def unit(v):
    return v / v.norm()


def naive_distances(features):
    return [[math.dist(a.tolist(), b.tolist()) for b in features] for a in features]


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


def test_label_smoothing_golden_value():  # baselines.md, "Golden values"
    logits = torch.tensor([[2.0, 1.0, 0.0, -1.0]])
    assert L.cross_entropy(logits, torch.tensor([0]), 0.1).item() == pytest.approx(0.590190, abs=1e-6)


def test_soft_triplet_golden_value():  # baselines.md, "Golden values": d_ap 1.2, d_an 1.5
    corners = torch.tensor([[0.0, 0.0], [1.2, 0.0], [-1.5, 0.0]], dtype=torch.float64)
    farthest, nearest = L.batch_hard(L.euclidean(corners), torch.tensor([0, 0, 1]))
    assert torch.nn.functional.softplus(farthest[0] - nearest[0]).item() == pytest.approx(0.554355, abs=1e-6)


def test_supervised_contrast_golden_values():  # clip-reid.md, "Golden values"
    images = torch.tensor([[1, 0], [0.5, 0.5], [0, 1]])
    texts = torch.tensor([[1, 0.2], [1, 0.2], [0.1, 0.8]])
    labels = torch.tensor([0, 0, 1])
    assert L.supervised_contrast(images, texts, labels).item() == pytest.approx(0.890025, abs=1e-6)
    assert L.supervised_contrast(texts, images, labels).item() == pytest.approx(0.897179, abs=1e-6)


def test_contrast_with_one_positive_per_row_is_cross_entropy():  # clip-reid.md, "Invariants"
    ours = L.supervised_contrast(IMAGES, TEXTS, torch.arange(6))
    assert ours.item() == pytest.approx(L.cross_entropy(IMAGES @ TEXTS.T, torch.arange(6)).item())


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
        lambda x, y: L.cross_entropy(x, torch.tensor([0, 1, 2, 3, 4, 0]), 0.1),
        lambda x, y: L.cross_entropy(
            x, torch.tensor([0, 1, 2, 3, 4, 0]), 0.1, torch.tensor([1, 1, 0, 0, 0, 2])
        ),
        lambda x, y: L.center_loss(x, y, LABELS),
        lambda x, y: L.soft_triplet(x, LABELS),
        lambda x, y: L.margin_triplet(x, LABELS),
        lambda x, y: L.weighted_triplet(x, LABELS),
        lambda x, y: L.supervised_contrast(x, y, LABELS),
        lambda x, y: L.image_text_contrast(x, y, 0.5, LABELS),
        lambda x, y: L.similarity_matching(x, y, LABELS, 0.5),
        lambda x, y: L.projection_matching(x, y, LABELS),
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
    with pytest.raises(ShapeError, match=r"expected logits \[B, C\]"):
        L.cross_entropy(torch.zeros(3), torch.zeros(3))
    with pytest.raises(ShapeError, match=r"expected distances \[B, B\]"):
        L.batch_hard(torch.zeros(3, 2), torch.zeros(3))
    with pytest.raises(ShapeError, match=r"expected two tensors \[B, D\]"):
        L.supervised_contrast(torch.zeros(3, 2), torch.zeros(3, 3), torch.zeros(3))
