"""DPM++'s own losses against plain loops, and what they must do: dpmpp.md, "Losses"."""

import math

import pytest
import torch

from glimpse.choices import MaskSide
from glimpse.errors import ShapeError
from glimpse.methods.dpm_losses import masked_cosines, participation, participation_floor
from glimpse.methods.dpmpp_losses import (
    as_prototypes,
    pair_loss,
    prototype_alignment,
    pulled_back,
    visibility_loss,
    wider_than_source,
)


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


COPY_LABELS, LABELS = torch.tensor([0, 1, 2]), torch.tensor([0, 0, 1, 1, 2, 2])


@pytest.mark.parametrize("side", [MaskSide.QUERY, MaskSide.SUBSPACE])
def test_the_pair_loss_is_that_of_a_loop(side):
    copies, clean, masks = drawn(3, 8), drawn(6, 8, seed=1), drawn(3, 8, seed=2).sigmoid()
    ignored = torch.tensor([1, -1, 0])
    terms = []
    for i in range(3):
        kept = [j for j in range(6) if LABELS[j] != ignored[i]]
        scores = {}
        for j in kept:
            mine = copies[i] * (masks[i] if side is MaskSide.SUBSPACE else 1)
            theirs = masks[i] * clean[j]
            scores[j] = 30 * float(mine @ theirs / mine.norm() / theirs.norm())
        total = math.log(sum(math.exp(s) for s in scores.values()))
        own = [j for j in kept if LABELS[j] == COPY_LABELS[i]]
        terms.append(-sum(scores[j] - total for j in own) / len(own))
    got = pair_loss(copies, masks, clean, COPY_LABELS, LABELS, ignored, side=side)
    assert got.item() == pytest.approx(sum(terms) / 3, abs=1e-9)


def test_without_masks_the_pair_loss_is_the_one_of_full_masks():
    copies, clean, nobody = drawn(3, 8), drawn(6, 8, seed=1), torch.full((3,), -1)
    args = (clean, COPY_LABELS, LABELS, nobody)
    torch.testing.assert_close(
        pair_loss(copies, None, *args), pair_loss(copies, torch.ones(3, 8, dtype=torch.float64), *args)
    )


def test_the_donors_person_gets_no_gradient_and_the_gallery_side_none_at_all():
    copies, clean = drawn(3, 8).requires_grad_(), drawn(6, 8, seed=1).requires_grad_()
    masks = drawn(3, 8, seed=2).sigmoid()
    pair_loss(copies, masks, clean, COPY_LABELS, LABELS, torch.tensor([1, -1, -1])).backward()
    assert clean.grad is None
    # with everybody else of the batch ignored only the own person is left: nothing to learn
    copies.grad = None
    two = torch.tensor([0, 0, 1, 1])
    pair_loss(copies[:1], masks[:1], clean[:4], COPY_LABELS[:1], two, torch.tensor([1])).backward()
    with_one_wrong = copies.grad.clone()
    copies.grad = None
    pair_loss(copies[:1], masks[:1], clean[:4], COPY_LABELS[:1], two, torch.tensor([-1])).backward()
    assert with_one_wrong.abs().sum() < copies.grad.abs().sum()


def test_the_pair_loss_falls_when_the_mask_closes_corrupted_dimensions():
    persons, width = 8, 32
    clean = drawn(persons, width)
    copies = clean.clone()
    copies[:, width // 2 :] = 3 * drawn(persons, width // 2, seed=4)
    labels, nobody = torch.arange(persons), torch.full((persons,), -1)
    half = torch.ones(persons, width, dtype=torch.float64)
    half[:, width // 2 :] = 0.01
    wrong = half.flip(1)
    losses = [
        pair_loss(copies, masks, clean, labels, labels, nobody, side=MaskSide.SUBSPACE).item()
        for masks in (half, None, wrong)
    ]
    assert losses[0] < 0.1 * losses[1] < losses[2]


def test_other_shapes_are_refused():
    with pytest.raises(ShapeError, match="expected copies"):
        pair_loss(drawn(3, 8), None, drawn(6, 8), COPY_LABELS, LABELS[:4], torch.full((3,), -1))


def test_a_copy_pays_for_using_more_dimensions_than_its_source():
    wide, narrow = torch.ones(1, 4), torch.tensor([[1.0, 0, 0, 0]])
    assert wider_than_source(wide, narrow).item() == pytest.approx(0.75**2)
    assert wider_than_source(narrow, wide).item() == 0
    assert wider_than_source(wide, wide, slack=0.1).item() == pytest.approx(0.01)
    source = narrow.clone().requires_grad_()
    copy = wide.clone().requires_grad_()
    wider_than_source(copy, source).backward()
    assert source.grad is None
    assert copy.grad.shape == (1, 4)


def test_above_its_floor_participation_has_no_gradient():
    masks = torch.tensor([[0.9, 0.8, 0.7, 0.9]], requires_grad=True)
    assert participation(masks).item() > 0.6
    participation_floor(masks, 0.6).backward()
    assert masks.grad.abs().sum() == 0


def test_the_visibility_loss_is_that_of_a_loop():
    masks, copies, sources = drawn(3, 6).sigmoid(), drawn(3, 6, seed=1), drawn(3, 6, seed=2)
    own = drawn(3, 6, seed=3)
    total = 0.0
    for i in range(3):
        before = [float(sources[i, d] * own[i, d]) for d in range(6)]
        after = [float(copies[i, d] * own[i, d]) for d in range(6)]
        weights = [max(value, 0) for value in before]
        for d in range(6):
            target = min(max(after[d] / max(before[d], 1e-6), 0), 1)
            m = float(masks[i, d])
            entropy = target * math.log(m) + (1 - target) * math.log(1 - m)
            total -= weights[d] / max(sum(weights), 1e-6) * entropy
    assert visibility_loss(masks, copies, sources, own).item() == pytest.approx(total / 3, abs=1e-9)


def test_what_lost_its_evidence_is_closed_and_what_kept_it_stays_open():
    logits = torch.zeros(1, 4, requires_grad=True)
    sources, copies = torch.tensor([[1.0, 1, 1, -1]]), torch.tensor([[1.0, 0, -2, 5]])
    visibility_loss(logits.sigmoid(), copies, sources, torch.ones(1, 4)).backward()
    kept, lost, turned, never = logits.grad[0].tolist()
    assert kept < 0 < lost == turned
    assert never == 0


def test_prototypes_as_alike_as_their_texts_cost_nothing():
    texts = drawn(5, 8)
    turned = texts @ torch.linalg.qr(drawn(8, 8, seed=1))[0]
    assert prototype_alignment(turned, texts, torch.tensor([0, 3, 3])).item() == pytest.approx(0, abs=1e-12)
    assert prototype_alignment(drawn(5, 3, seed=2), texts, torch.tensor([0, 3])).item() > 0.1


def test_the_alignment_is_that_of_a_loop_and_teaches_prototypes_only():
    classes, texts = drawn(4, 6).requires_grad_(), drawn(4, 3, seed=1).requires_grad_()
    labels = torch.tensor([2, 0, 2])

    def shares(vectors, person):
        cosines = {
            c: torch.cosine_similarity(vectors[person], vectors[c], dim=0).item() / 0.1
            for c in range(4)
            if c != person
        }
        total = sum(math.exp(v) for v in cosines.values())
        return {c: math.exp(v) / total for c, v in cosines.items()}

    terms = []
    for person in (0, 2):
        wanted, got = shares(texts, person), shares(classes, person)
        terms.append(sum(p * math.log(p / got[c]) for c, p in wanted.items()))
    loss = prototype_alignment(classes, texts, labels)
    assert loss.item() == pytest.approx(sum(terms) / 2, abs=1e-9)
    loss.backward()
    assert texts.grad is None
    assert classes.grad.isfinite().all()


def test_the_pair_loss_mirrors_the_similarity_at_test():
    copies, clean, masks = drawn(1, 8), drawn(2, 8, seed=1), drawn(1, 8, seed=2).sigmoid()
    cosines = masked_cosines(copies, masks, clean, MaskSide.SUBSPACE)[0]
    expected = -torch.log_softmax(30 * cosines, 0)[0]
    labels = torch.tensor([0, 1])
    got = pair_loss(copies, masks, clean, labels[:1], labels, torch.tensor([-1]), side=MaskSide.SUBSPACE)
    torch.testing.assert_close(got, expected)


def test_the_pulled_back_classifier_does_what_the_text_does():
    generator = torch.Generator().manual_seed(0)

    def drawn(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    features, projection, texts = drawn(9, 16), drawn(16, 5), drawn(4, 5)
    gain, mean, std = drawn(16).exp(), drawn(16), drawn(16).exp()
    necked = gain * (features - mean) / std
    classifiers = pulled_back(texts, projection, gain, std)
    torch.testing.assert_close(
        necked @ classifiers.T, (features - mean) @ projection @ texts.T, rtol=1e-12, atol=1e-12
    )


def test_prototypes_keep_the_direction_and_have_the_usual_length():
    classifiers = torch.tensor([[3.0, 4], [0, 0.1]])
    torch.testing.assert_close(as_prototypes(classifiers), torch.tensor([[0.6, 0.8], [0, 1]]))
