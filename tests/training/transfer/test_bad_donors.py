"""Images whose person nobody trusts to have found lend nothing, and nobody is hidden behind themselves."""

import numpy as np
import pytest

from glimpse.training.transfer.controlled import ControlledRule, controlled_pairs
from glimpse.training.transfer.pairing import PairingRule, paired

BAD = np.arange(0, 24, 3)
"""Rows without a mask, which is what a source of masks gives to an image that it does not trust."""


@pytest.fixture(params=range(5))
def masks(request):
    """People who stand in the middle, hidden from below to different heights; some are not found."""
    random = np.random.default_rng(request.param)
    cells = np.zeros((24, 16, 8), bool)
    for row, height in enumerate(random.integers(4, 16, 24)):
        cells[row, 1:height, 2:6] = True
    cells[BAD] = False
    return cells


@pytest.mark.parametrize("distinct", [True, False])
@pytest.mark.parametrize("rolled", [True, False])
def test_in_a_batch_they_neither_lend_nor_borrow(masks, distinct, rolled):
    rule = PairingRule(candidates=1.0, overlap=0.0, distinct=distinct, rolled=rolled)
    labels = np.arange(24) // 4
    lent = 0
    for seed in range(20):
        pairs = paired(masks, labels, rule, np.random.default_rng(seed))
        donors = pairs.donors[pairs.donors >= 0]
        assert not np.isin(donors, BAD).any()
        assert (pairs.donors[BAD] == -1).all()
        assert (pairs.donors != np.arange(24)).all()
        lent += len(donors)
    assert lent > 0


def test_with_controlled_visibility_too_and_never_to_their_own_person(masks):
    labels = np.arange(24) // 4
    lent = 0
    for seed in range(20):
        pairs = controlled_pairs(masks, masks, labels, labels, ControlledRule(), np.random.default_rng(seed))
        found = pairs.donors >= 0
        assert not np.isin(pairs.donors[found], BAD).any()
        assert (pairs.donors[BAD] == -1).all()
        assert (labels[pairs.donors[found]] != labels[found]).all()
        lent += found.sum()
    assert lent > 0


def test_a_window_of_a_few_cells_is_no_donor():
    masks = np.zeros((2, 16, 8), bool)
    masks[0, :, 2:6], masks[1, 5, 2:5] = True, True
    labels = np.array([0, 1])
    assert paired(masks, labels, PairingRule(candidates=1.0), np.random.default_rng(0)).donors[0] == -1
    rule = ControlledRule(visible=(0.0, 0.1))
    assert controlled_pairs(masks, masks, labels, labels, rule, np.random.default_rng(0)).donors[0] == -1
    masks[1, 5, 2:6] = True
    assert paired(masks, labels, PairingRule(candidates=1.0), np.random.default_rng(0)).donors[0] == 1
    assert controlled_pairs(masks, masks, labels, labels, rule, np.random.default_rng(0)).donors[0] == 1
