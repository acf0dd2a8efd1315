"""What errors of parts are explained by."""

import numpy as np
import pytest

from benchmarks.partial_and_parts.locality import explained


def test_errors_are_explained_by_what_made_them():
    rng = np.random.default_rng(0)
    own = rng.random((400, 3))
    whole = own.mean(1)
    local, spread = (
        explained(2 * own + [0, 1, 5], whole, own),
        explained(whole[:, None] * [1, 1, 1], whole, own),
    )
    assert local["own"] == pytest.approx(1)
    assert local["whole"] < 0.5
    assert spread["whole"] == pytest.approx(1)
    assert spread["own"] < 0.5
    nothing = explained(rng.random((400, 3)), whole, own)
    assert nothing["both"] < 0.05


def test_a_part_that_nobody_reaches_is_left_out():
    rng = np.random.default_rng(0)
    own = rng.random((50, 2))
    hidden = np.nanmean(own, axis=1)
    errors = 3 * own
    own[:, 1] = np.nan
    assert explained(errors, hidden, own)["own"] == pytest.approx(1)
