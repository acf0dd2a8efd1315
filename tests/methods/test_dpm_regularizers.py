"""Head enrichment (dpm.md, "Head enrichment", T5, D4) and the participation ratio (3.11, 6.6, D1)."""

import numpy as np
import pytest
import torch

from glimpse.errors import ShapeError
from glimpse.methods.dpm_losses import head_enrichment, participation, participation_floor
from glimpse.similarity import participation_ratio


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
