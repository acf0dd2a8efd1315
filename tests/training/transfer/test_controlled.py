"""Pairing with controlled visibility: dpmpp.md, "Synthetic copies"."""

import numpy as np
import pytest

from glimpse.errors import OptionError, ShapeError
from glimpse.training.transfer.controlled import ControlledRule, controlled_pairs, shifted, windows_of
from glimpse.training.transfer.pairing import NOBODY


def naive(targets, donors, target_labels, donor_labels, rule, generator):
    """One target, shift and donor after the other."""
    count, _, width = targets.shape
    low, high = rule.visible
    wanted, drawn = generator.random((count, 1))[:, 0], generator.random((count,))
    reach = min(rule.shift, width // 4)
    found = []
    for i in range(count):
        entries = []
        for shift in sorted(range(-reach, reach + 1), key=lambda s: (abs(s), s)):
            for j in range(len(donors)):
                common = (shifted(targets[i], shift) & donors[j]).sum()
                seen = (shifted(targets[i], shift) & windows_of(donors[j], rule.border)).sum()
                own, area = targets[i].sum(), donors[j].sum()
                if own == 0 or area < rule.smallest or target_labels[i] == donor_labels[j]:
                    continue
                if np.float32(common) / np.float32(area) >= rule.overlap:
                    entries.append((common / area, seen / own, shift, j))
        goal = low + (high - low) * wanted[i]
        inside = [e for e in entries if abs(e[1] - goal) <= rule.tolerance]
        inside = sorted(inside, key=lambda e: -e[0])[: rule.best]
        if inside:
            _, visible, shift, j = inside[int(drawn[i] * len(inside))]
        elif entries:
            _, visible, shift, j = min(entries, key=lambda e: abs(e[1] - goal))
        else:
            visible, shift, j = 1.0, 0, NOBODY
        found.append((j, shift, visible))
    return found


RULES = [
    ControlledRule(),
    ControlledRule(overlap=0.4, tolerance=0.05, best=2),
    ControlledRule(overlap=0.2, visible=(0.1, 0.5), shift=0, border=0),
    ControlledRule(overlap=0.0, visible=(0.2, 1.0), shift=4, best=50),
]


@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("share", [0.25, 0.6, 1.0, 0.0])
@pytest.mark.parametrize(("targets", "donors"), [(1, 1), (9, 30), (4, 0), (0, 4)])
def test_pairs_equal_those_of_a_loop(rule, share, targets, donors):
    generator = np.random.default_rng(5)
    masks = generator.random((targets, 6, 8)) < share
    lent = generator.random((donors, 6, 8)) < share
    labels, others = generator.integers(0, 4, targets), generator.integers(0, 4, donors)
    pairs = controlled_pairs(masks, lent, labels, others, rule, np.random.default_rng(1))
    expected = naive(masks, lent, labels, others, rule, np.random.default_rng(1))
    assert pairs.donors.tolist() == [donor for donor, _, _ in expected]
    assert pairs.shifts.tolist() == [shift for _, shift, _ in expected]
    assert pairs.visible == pytest.approx([visible for _, _, visible in expected], abs=1e-6)


def test_a_donor_is_never_the_same_person_and_never_too_small():
    generator = np.random.default_rng(0)
    masks = generator.random((40, 8, 4)) < 0.5
    masks[:10] = False
    masks[:10, 0, :3] = True  # three cells
    labels = np.arange(40) % 3
    rule = ControlledRule(overlap=0.1)
    pairs = controlled_pairs(masks, masks, labels, labels, rule, generator)
    paired = pairs.donors >= 0
    assert paired.any()
    assert (labels[pairs.donors[paired]] != labels[paired]).all()
    assert (pairs.donors[paired] >= 10).all()


def test_the_visible_share_lies_in_the_wanted_range_where_donors_allow_it():
    heights = np.arange(1, 9)
    donors = np.zeros((8, 8, 4), bool)
    for donor, height in zip(donors, heights, strict=True):
        donor[:height] = True
    target = np.ones((200, 8, 4), bool)
    rule = ControlledRule(visible=(0.4, 0.6), tolerance=0.07, shift=0)
    pairs = controlled_pairs(
        target, donors, np.zeros(200, int), np.ones(8, int), rule, np.random.default_rng(2)
    )
    assert pairs.visible.min() >= 0.4 - 0.07
    assert pairs.visible.max() <= 0.6 + 0.07
    assert len(np.unique(pairs.donors)) >= 2


def test_what_a_shift_moves_out_of_the_image_is_lost():
    cells = np.array([[True, False, False, True]])
    assert shifted(cells, 1).tolist() == [[False, True, False, False]]
    assert shifted(cells, -1).tolist() == [[False, False, True, False]]
    assert shifted(cells, 0).tolist() == cells.tolist()


def test_rules_and_masks_outside_their_bounds_are_refused():
    with pytest.raises(OptionError, match="overlap and visible"):
        ControlledRule(visible=(0.9, 0.3))
    with pytest.raises(OptionError, match="best and smallest"):
        ControlledRule(best=0)
    with pytest.raises(ShapeError, match="of one size"):
        controlled_pairs(
            np.ones((1, 4, 4), bool),
            np.ones((1, 4, 5), bool),
            np.zeros(1, int),
            np.ones(1, int),
            ControlledRule(),
            np.random.default_rng(0),
        )
