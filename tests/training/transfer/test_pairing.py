"""OIoU: golden numbers and what must hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glimpse.errors import OptionError, ShapeError
from glimpse.training.transfer.pairing import NOBODY, PairingRule, occlusion_aware_overlap, paired


def naive(visible, labels, rule, generator):
    """One image, donor and roll after the other."""
    batch, _, width = visible.shape
    drawn = generator.random(batch)
    donors, rolls = [], []
    for i in range(batch):
        entries = []
        for r in range(width):
            for j in range(batch):
                area = visible[j].sum()
                common = (np.roll(visible[i], r, axis=1) & visible[j]).sum()
                entries.append((common / area if area >= rule.smallest else -1.0, r, j))
        plain = {j: value for value, r, j in entries if r == 0}
        if rule.distinct:
            best = {}
            for value, r, j in entries:
                if j != i and (j not in best or value > best[j][0]):
                    best[j] = (value, r, j)
            entries = sorted(best.values(), key=lambda e: (-e[0], e[1], e[2]))
        else:
            entries = sorted(entries, key=lambda e: (-e[0], e[1], e[2]))[1:]
        entries = entries[: max(int(rule.candidates * batch) - 1, 1)]
        fit = [
            (j, r if rule.rolled else 0)
            for value, r, j in entries
            if j != i
            and (value if rule.rolled else plain[j]) > rule.overlap
            and (rule.same_person or labels[i] != labels[j])
        ]
        donor, roll = fit[int(drawn[i] * len(fit))] if fit else (NOBODY, 0)
        donors.append(donor)
        rolls.append(roll)
    return donors, rolls


RULES = [
    PairingRule(),
    PairingRule(distinct=False),
    PairingRule(rolled=True, candidates=0.5),
    PairingRule(distinct=False, rolled=True, overlap=0.4, candidates=0.8),
    PairingRule(same_person=False, overlap=0.3, candidates=0.6),
]


@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 1.0, 0.0])
@pytest.mark.parametrize("batch", [1, 2, 24])
def test_pairs_equal_those_of_a_loop(rule, share, batch):
    generator = np.random.default_rng(3)
    visible = generator.random((batch, 6, 4)) < share  # shares of 0 and 1: nobody lends, and all tie
    labels = np.arange(batch) // 3
    pairs = paired(visible, labels, rule, np.random.default_rng(1))
    donors, rolls = naive(visible, labels, rule, np.random.default_rng(1))
    assert pairs.donors.tolist() == donors
    assert pairs.rolls.tolist() == rolls


def test_an_empty_batch_has_no_pairs():
    none = paired(np.empty((0, 4, 4), bool), np.empty(0, np.int64), PairingRule(), np.random.default_rng(0))
    assert none.donors.shape == none.rolls.shape == (0,)


def test_nobody_is_paired_with_themselves_or_with_too_small_a_window():
    visible = np.random.default_rng(0).random((32, 8, 4)) < 0.5
    visible[:8] = False
    visible[:8, 0, :3] = True  # 3 cells
    rule = PairingRule(overlap=0.0, candidates=1.0)
    pairs = paired(visible, np.zeros(32, np.int64), rule, np.random.default_rng(0))
    assert (pairs.donors != np.arange(32)).all()
    assert (pairs.donors >= 8).all()


def test_with_same_person_off_the_donor_is_somebody_else():
    labels = np.repeat(np.arange(8), 4)
    rule = PairingRule(same_person=False)
    pairs = paired(np.ones((32, 8, 4), bool), labels, rule, np.random.default_rng(0))
    with_donor = pairs.donors >= 0
    assert (labels[pairs.donors[with_donor]] != labels[with_donor]).all()


def test_overlap_prefers_the_occluded_donor_that_plain_overlap_would_reject():
    """Golden D6."""
    target, donor = np.zeros((2, 4, 4), bool)
    target[:, 1:3], donor[:2, 2:4] = True, True
    assert occlusion_aware_overlap(target[None], donor[None], 4)[0, :, 0].tolist() == [0.5, 1, 0.5, 0]
    assert occlusion_aware_overlap(donor[None], target[None], 1)[0, 0, 0] == 0.25
    assert occlusion_aware_overlap(target[None], target[None], 1)[0, 0, 0] == 1


def test_a_rule_outside_its_bounds_is_refused():
    with pytest.raises(OptionError, match="candidates must lie in"):
        PairingRule(candidates=0.0)


def test_golden_overlap():
    target, donor = np.zeros((1, 4, 4), bool), np.zeros((1, 4, 4), bool)
    target[0, :, 1:3] = True
    donor[0, :2, 2:4] = True
    assert occlusion_aware_overlap(target, donor, 4)[0, :, 0].tolist() == [0.5, 1, 0.5, 0]
    assert occlusion_aware_overlap(donor, target, 1)[0, 0, 0] == 0.25


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_overlap_equals_the_loop(seed):
    rng = np.random.default_rng(seed)
    targets, donors = rng.random((3, 4, 5)) > 0.5, rng.random((2, 4, 5)) > 0.5
    donors[0] = rng.random() > 0.5
    found = occlusion_aware_overlap(targets, donors, 5)
    for i, j, r in np.ndindex(3, 2, 5):
        area = donors[j].sum()
        expected = (np.roll(targets[i], r, 1) & donors[j]).sum() / area if area else -1
        assert found[i, r, j] == pytest.approx(expected)
    own = occlusion_aware_overlap(targets[:1], targets[:1], 1)[0, 0, 0]
    assert own == (1 if targets[0].any() else -1)


def test_masks_of_two_sizes_are_refused():
    with pytest.raises(ShapeError, match="of one size"):
        occlusion_aware_overlap(np.ones((1, 2, 2), bool), np.ones((1, 2, 3), bool), 1)
