import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from glimpse.embeddings import Embeddings
from glimpse.errors import ShapeError
from glimpse.similarity import SetJaccard
from glimpse.training.losses import batch_hard, jaccard_triplet, soft_jaccard
from glimpse.training.losses import jaccard as module

A, B = torch.tensor([[1.0, 0, 2]]), torch.tensor([[0.0, 1, 2]])


def sets(rows, channels, seed=0):
    random = np.random.default_rng(seed)
    values = random.gamma(1.0, size=(rows, channels)) * (random.random((rows, channels)) < 0.7)
    return torch.from_numpy(values.astype(np.float32))


def by_softmax(a, b, tau):
    """The definition: softmaxes over the two of -tau and +tau times the activations."""
    both = torch.stack([a, b])
    smaller = ((-tau * both).softmax(0) * both).sum()
    larger = ((tau * both).softmax(0) * both).sum()
    return smaller / larger


@pytest.mark.parametrize(("tau", "value"), [(1, 0.733044), (5, 0.505036), (10, 0.500034)])
def test_golden_values(tau, value):
    assert soft_jaccard(A, B, tau).item() == pytest.approx(value, abs=1e-6)


@given(st.integers(0, 1000), st.floats(0.1, 50))
def test_the_closed_form_is_the_definition_symmetric_bounded_and_blind_to_the_order_of_channels(seed, tau):
    a, b = sets(2, 9, seed).split(1)
    if not (a + b).any():
        return
    value = soft_jaccard(a, b, tau)
    torch.testing.assert_close(value.squeeze(), by_softmax(a[0], b[0], tau), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(value, soft_jaccard(b, a, tau).T)
    torch.testing.assert_close(value, soft_jaccard(a.flip(1), b.flip(1), tau))
    hard = torch.minimum(a, b).sum() / torch.maximum(a, b).sum()
    assert hard - 1e-5 <= value.item() <= 1 + 1e-6
    assert not a.any() or soft_jaccard(a, a, tau).item() == pytest.approx(1, abs=1e-4)


def test_it_is_what_the_similarity_computes():
    a, b = sets(7, 30), sets(5, 30, 1)
    expected = SetJaccard(tau=10).pairwise(Embeddings(a.numpy()), Embeddings(b.numpy()))
    np.testing.assert_allclose(soft_jaccard(a, b, 10.0).numpy(), expected, atol=1e-6)


@pytest.mark.parametrize("at_once", [1, 40, 2**22])
def test_gradients_are_those_of_the_plain_formula_in_blocks_of_any_size(monkeypatch, at_once):
    monkeypatch.setattr(module, "_AT_ONCE", at_once)
    a, b = sets(6, 20).double().requires_grad_(), sets(4, 20, 1).double().requires_grad_()
    weights = torch.randn(6, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    apart = a[:, None] - b
    gap = (apart * (5 * apart).tanh()).sum(2)
    total = a.sum(1)[:, None] + b.sum(1)
    expected = torch.autograd.grad((weights * (total - gap) / (total + gap + 1e-6)).sum(), (a, b))
    found = torch.autograd.grad((weights * soft_jaccard(a, b, 10.0)).sum(), (a, b))
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one.double(), other, rtol=1e-4, atol=1e-5)


def test_gradcheck():
    a = (sets(3, 4).double() + 0.1).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: module._Gap.apply(x, x.flip(0), 3.0), (a,))


def test_empty_sets_share_nothing_and_have_a_finite_gradient():
    empty = torch.zeros(2, 4, requires_grad=True)
    value = soft_jaccard(empty, empty, 10.0)
    assert value.tolist() == [[0, 0], [0, 0]]
    value.sum().backward()
    assert torch.isfinite(empty.grad).all()


def test_the_triplet_loss_takes_the_hardest_of_each_anchor():
    features, labels = sets(8, 16), torch.tensor([0, 0, 1, 1, 2, 2, 2, 3])
    distances = 1 - soft_jaccard(features, features, 10.0)
    expected = []
    for anchor, label in enumerate(labels):
        same, others = labels == label, labels != label
        gap = distances[anchor][same].max() - distances[anchor][others].min() + 0.3
        expected.append(gap.clamp(min=0))
    torch.testing.assert_close(jaccard_triplet(features, labels, 10.0, 0.3), torch.stack(expected).mean())
    assert batch_hard(distances, labels)[0].shape == (8,)


def test_the_loss_of_bfloat16_features_is_computed_in_float32():
    features, labels = sets(8, 512).bfloat16(), torch.arange(8) // 2
    with torch.autocast("cpu", torch.bfloat16):
        found = jaccard_triplet(features, labels, 10.0, 0.3)
    assert found.dtype is torch.float32
    torch.testing.assert_close(found, jaccard_triplet(features.float(), labels, 10.0, 0.3))


def test_wrong_shapes_are_refused():
    with pytest.raises(ShapeError, match=r"got \[2, 3\] and \[2, 4\]"):
        soft_jaccard(torch.zeros(2, 3), torch.zeros(2, 4), 1.0)
