"""dpm.md, "Masked ArcFace", the invariants of 3.12 and the golden numbers of D1 to D3."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError, ShapeError
from glimpse.methods.dpm_losses import (
    LARGEST,
    arcface,
    head_enrichment,
    masked_arcface,
    masked_cosines,
    participation,
    participation_floor,
)
from glimpse.similarity import MaskedCosine, MaskSide, participation_ratio
from glimpse.training.losses import cross_entropy

QUERY = torch.tensor([[1.0, 2, 2]]).double()
PROTOTYPES = torch.tensor([[2.0, 1, 2], [0, 3, 4]]).double()
MASK = torch.tensor([[0.9, 0.5, 0.1]]).double()
SIDES = [MaskSide.QUERY, MaskSide.SUBSPACE]


def drawn(seed, rows=5, persons=4, width=6):
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(rows, width, generator=generator, dtype=torch.float64)
    masks = torch.rand(rows, width, generator=generator, dtype=torch.float64)
    prototypes = torch.randn(persons, width, generator=generator, dtype=torch.float64)
    labels = torch.randint(0, persons, (rows,), generator=generator)
    return features, masks, prototypes, labels


def naive_cosines(features, masks, prototypes, side):
    """Row by row, as the released code does: a masked copy of all prototypes for each image."""
    rows = []
    for feature, mask in zip(features, masks, strict=True):
        ours = feature / feature.norm()
        if side is MaskSide.SUBSPACE:
            ours = mask * ours / (mask * ours).norm()
        row = []
        for prototype in prototypes:
            theirs = mask * (prototype / prototype.norm())
            row.append(ours @ (theirs / theirs.norm()))
        rows.append(torch.stack(row))
    return torch.stack(rows)


def naive_arcface(cosines, labels, margin):
    result = cosines.clone()
    for row, label in enumerate(labels.tolist()):
        cosine = cosines[row, label].item()
        angle = math.acos(cosine) + margin
        result[row, label] = math.cos(angle) if angle < math.pi else cosine - margin * math.sin(margin)
    return result


@pytest.mark.parametrize(
    ("mask", "wanted"),
    [
        (None, (0.888889, 0.933333)),
        ([0.9, 0.5, 0.1], (0.567729, 0.815932)),
        ([1.0, 1.0, 0.0], (0.596285, 0.666667)),
    ],
)
def test_the_golden_cosines(mask, wanted):  # D1
    masks = None if mask is None else torch.tensor([mask]).double()
    assert masked_cosines(QUERY, masks, PROTOTYPES)[0].tolist() == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize(
    ("cosine", "margin", "wanted"),
    [(0.8, 0.5, 0.414411), (0.0, 0.5, -0.479426), (-0.9, 0.5, -1.139713), (0.8, 0.3, 0.586957)],
)
def test_the_golden_arcface(cosine, margin, wanted):  # D2
    cosines = torch.tensor([[0.25, cosine]]).double()
    got = arcface(cosines, torch.tensor([1]), margin)
    assert got.tolist() == [pytest.approx([0.25, wanted], abs=1e-6)]


def test_the_golden_loss():  # D3
    labels = torch.tensor([0])
    logits = 30 * arcface(masked_cosines(QUERY, MASK, PROTOTYPES), labels, 0.5)
    assert logits[0].tolist() == pytest.approx([3.106770, 24.477952], abs=1e-5)
    loss = masked_arcface(QUERY, MASK, PROTOTYPES, labels, scale=30, margin=0.5)
    assert loss.item() == pytest.approx(21.371182, abs=1e-5)


@pytest.mark.parametrize("side", SIDES)
@given(st.integers(0, 10_000), st.integers(1, 7))
def test_two_products_are_the_loop(side, seed, rows):  # T3
    features, masks, prototypes, labels = drawn(seed, rows=rows)
    cosines = masked_cosines(features, masks, prototypes, side)
    wanted = naive_cosines(features, masks, prototypes, side)
    torch.testing.assert_close(cosines, wanted, atol=1e-6, rtol=0)
    torch.testing.assert_close(
        arcface(cosines, labels, 0.5), naive_arcface(cosines, labels, 0.5), atol=1e-9, rtol=0
    )


@pytest.mark.parametrize("side", SIDES)
def test_training_and_retrieval_compare_alike(side):
    features, masks, prototypes, _ = drawn(3)
    wanted = MaskedCosine(side).pairwise(
        Embeddings(features.numpy(), masks.numpy()), Embeddings(prototypes.numpy())
    )
    got = masked_cosines(features, masks, prototypes, side)
    torch.testing.assert_close(got, torch.from_numpy(wanted).double(), atol=1e-6, rtol=0)


@pytest.mark.parametrize("side", SIDES)
def test_an_even_mask_is_none(side):  # T1
    features, _, prototypes, labels = drawn(4)
    even = torch.full_like(features, 0.5)
    torch.testing.assert_close(
        masked_cosines(features, even, prototypes, side), masked_cosines(features, None, prototypes)
    )
    torch.testing.assert_close(
        masked_arcface(features, even, prototypes, labels, side=side),
        masked_arcface(features, None, prototypes, labels),
    )


@pytest.mark.parametrize("side", SIDES)
def test_only_proportions_within_a_mask_count(side):  # T2
    features, masks, prototypes, _ = drawn(5)
    once, thrice = (masked_cosines(features, m, prototypes, side) for m in (masks / 3, masks))
    torch.testing.assert_close(once, thrice)


def test_a_binary_mask_cuts_the_prototype_but_not_the_length_of_the_query():  # T4
    features, _, prototypes, _ = drawn(6)
    kept = torch.tensor([True, False, True, True, False, False])
    masks = kept.double().expand_as(features)
    sub = prototypes[:, kept] / prototypes[:, kept].norm(dim=1, keepdim=True)
    released = features[:, kept] / features.norm(dim=1, keepdim=True) @ sub.T
    torch.testing.assert_close(masked_cosines(features, masks, prototypes), released)
    inside = features[:, kept] / features[:, kept].norm(dim=1, keepdim=True) @ sub.T
    torch.testing.assert_close(masked_cosines(features, masks, prototypes, MaskSide.SUBSPACE), inside)


def test_without_a_margin_it_is_a_scaled_softmax_of_cosines():  # T8
    features, masks, prototypes, labels = drawn(7)
    cosines = masked_cosines(features, masks, prototypes)
    torch.testing.assert_close(arcface(cosines, labels, 0.0), cosines)
    got = masked_arcface(features, masks, prototypes, labels, scale=16, margin=0)
    torch.testing.assert_close(got, cross_entropy(16 * cosines, labels))


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_gradients_are_finite_where_images_lie_on_prototypes(side, sign):  # T9
    prototypes = torch.randn(3, 8, generator=torch.Generator().manual_seed(8))
    features = (sign * prototypes).clone().requires_grad_()
    masks = torch.full((3, 8), 0.5, requires_grad=True)
    weights = prototypes.clone().requires_grad_()
    labels = torch.arange(3)
    cosines = masked_cosines(features, masks, weights, side)
    assert cosines.abs().max() <= LARGEST
    masked_arcface(features, masks, weights, labels, side=side).backward()
    for leaf in (features, masks, weights):
        assert leaf.grad.isfinite().all()


@pytest.mark.parametrize("side", SIDES)
def test_a_mask_that_keeps_nothing_gives_no_nan(side):
    features, _, prototypes, labels = drawn(9)
    masks = torch.zeros_like(features).requires_grad_()
    loss = masked_arcface(features, masks, prototypes, labels, side=side)
    loss.backward()
    assert loss.isfinite()
    assert masks.grad.isfinite().all()


def test_an_ignored_class_takes_no_part():
    features, masks, prototypes, labels = drawn(10)
    ignored = (labels + 1) % len(prototypes)
    leaf = prototypes.clone().requires_grad_()
    masked_arcface(features[:1], masks[:1], leaf, labels[:1], ignored=ignored[:1]).backward()
    assert not leaf.grad[ignored[0]].any()
    assert leaf.grad[labels[0]].any()


def test_half_precision_is_raised():
    features, masks, prototypes, _ = drawn(11)
    with torch.autocast("cpu", torch.bfloat16):
        got = masked_cosines(features.bfloat16(), masks.bfloat16(), prototypes.float())
    assert got.dtype is torch.float32
    raised = masked_cosines(features.bfloat16().float(), masks.bfloat16().float(), prototypes.float())
    assert torch.equal(got, raised)


def test_wrong_shapes_and_sides_are_refused():
    features, masks, prototypes, _ = drawn(12)
    with pytest.raises(ShapeError, match="expected features and masks"):
        masked_cosines(features, masks[:, :3], prototypes)
    with pytest.raises(OptionError, match="train with the side query or subspace, not both"):
        masked_cosines(features, masks, prototypes, MaskSide.BOTH)


def naive_enrichment(class_logits):
    """As the released code sums, divided by the batch."""
    total = 0.0
    for maps in class_logits:
        rows = [row / (row.square().sum() + 1e-6).sqrt() for row in maps]
        for i, first in enumerate(rows):
            for j, second in enumerate(rows):
                total += (first @ second - float(i == j)) ** 2
    return total / len(class_logits) / class_logits.shape[1] ** 2


def test_the_golden_numbers():  # D4
    two = torch.tensor([[[1.0, 0, 0], [1, 1, 0]]]).double()
    assert head_enrichment(two).item() == pytest.approx(0.2499996, abs=2e-7)
    same = torch.ones(1, 12, 7).double()
    assert head_enrichment(same).item() == pytest.approx(132 / 144, abs=1e-6)


def test_orthogonal_heads_cost_nothing():  # T5
    assert head_enrichment(3 * torch.eye(12, 20).double()[None]).item() == pytest.approx(0, abs=1e-12)


def test_the_loss_is_the_mean_over_the_batch_whatever_its_size():
    maps = torch.randn(5, 4, 9, generator=torch.Generator().manual_seed(0)).double()
    torch.testing.assert_close(head_enrichment(maps), naive_enrichment(maps))
    torch.testing.assert_close(head_enrichment(maps.repeat(3, 1, 1)), head_enrichment(maps))
    with pytest.raises(ShapeError, match="class logits"):
        head_enrichment(maps[0])


def test_participation_is_that_of_the_similarity():
    masks = torch.rand(6, 10, generator=torch.Generator().manual_seed(1)).double()
    np.testing.assert_allclose(participation(masks).numpy(), participation_ratio(masks.numpy()))
    golden = participation(torch.tensor([[0.9, 0.5, 0.1]]).double())
    assert golden.item() == pytest.approx(0.700935, abs=1e-6)
    torch.testing.assert_close(participation(masks), participation(masks / 3))


def test_only_masks_below_the_floor_pay_and_learn():
    masks = torch.tensor([[1.0, 1, 1, 1], [1, 0.1, 0.1, 0.1]], requires_grad=True)
    loss = participation_floor(masks, 0.6)
    narrow = participation(masks)[1]
    torch.testing.assert_close(loss, (0.6 - narrow) ** 2 / 2)
    loss.backward()
    assert not masks.grad[0].any()
    assert masks.grad[1].any()
