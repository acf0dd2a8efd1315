"""OIoU: golden numbers and what must hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glimpse.errors import ShapeError
from glimpse.training.transfer.pairing import occlusion_aware_overlap


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
