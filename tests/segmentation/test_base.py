"""GrabCut's settings and the seed that it starts from."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from glimpse.errors import MissingExtraError, OptionError
from glimpse.segmentation.base import BACKGROUND, MAYBE, MAYBE_NOT, SURE, GrabCutSettings, opencv, seed_mask


@pytest.mark.parametrize("shape", [(256, 128), (64, 32), (129, 65)])
def test_the_seed_is_symmetric_sure_in_the_middle_and_empty_at_the_border(shape):
    seed = seed_mask(*shape)
    assert seed.shape == shape
    np.testing.assert_array_equal(seed, seed[:, ::-1])
    assert set(np.unique(seed).tolist()) == {BACKGROUND, SURE, MAYBE_NOT, MAYBE}
    assert seed[shape[0] // 3, shape[1] // 2] == SURE
    assert (seed[:, 0] == BACKGROUND).all()
    assert (seed[0] == BACKGROUND).all()


def test_the_key_is_of_what_decides_the_cut():
    settings = GrabCutSettings()
    assert settings.key() == replace(settings, grid=(8, 4), area=(0.1, 0.5)).key()
    assert settings.key() != replace(settings, iterations=3).key()


@pytest.mark.parametrize("wrong", [{"iterations": 0}, {"grid": (0, 8)}])
def test_a_cut_without_iterations_or_cells_is_refused(wrong):
    with pytest.raises(OptionError, match="GrabCut needs iterations and cells"):
        GrabCutSettings(**wrong)


def test_without_opencv_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingExtraError, match=r"cutting persons out .*needs cv2: pip install"):
        opencv()
