"""Synthetic occlusions: what is shown is what patch transfer does."""

import sys

import numpy as np
import pytest
from hand_made import SIZE, Halves

from glimpse.errors import MissingExtraError, OptionError
from glimpse.explain.occlusions import draw_samples, synthetic_samples
from glimpse.records import Records
from glimpse.segmentation import GrabCutSettings
from glimpse.training.transfer.controlled import ControlledRule


def drawn(people, seed=0, count=4):
    return synthetic_samples(people, count, np.random.default_rng(seed), source=Halves())


def cells(window):
    return np.kron(window, np.ones((SIZE[0] // window.shape[0], SIZE[1] // window.shape[1]), bool))


def test_a_sample_is_the_moved_target_inside_the_donors_window_and_the_donor_elsewhere(people):
    samples = drawn(people, count=8)
    assert samples
    for sample in samples:
        inside = cells(sample.window)
        assert inside.any()
        moved = np.roll(sample.target, sample.shift * SIZE[1] // sample.window.shape[1], axis=1)
        assert (sample.mixed[inside] == moved[inside]).all()
        assert (sample.mixed[~inside] == sample.donor[~inside]).all()


def test_the_visible_fraction_is_that_of_the_targets_own_mask(people):
    samples = drawn(people, count=8)
    assert [sample.visible for sample in samples] == sorted(sample.visible for sample in samples)
    for sample in samples:
        moved = np.roll(sample.person, sample.shift * SIZE[1] // sample.window.shape[1], axis=1)
        expected = (moved & cells(sample.window)).sum() / sample.person.sum()
        assert sample.visible == pytest.approx(expected)
    assert min(sample.visible for sample in samples) <= 0.6


def test_a_rule_that_nobody_fits_gives_no_samples(people):
    class Apart(Halves):
        """Masks of one person never overlap those of another."""

        def masks(self, pixels, persons):
            masks = np.zeros((len(pixels), *SIZE), bool)
            for row, person in enumerate(persons.tolist()):
                masks[row, 32 * person : 32 * person + 32] = True
            return masks

    rule = ControlledRule(overlap=0.9)
    assert synthetic_samples(people, 3, np.random.default_rng(0), rule=rule, source=Apart()) == []


def test_the_same_seed_draws_the_same_samples(people):
    first, again = drawn(people), drawn(people)
    assert all((one.mixed == other.mixed).all() for one, other in zip(first, again, strict=True))


def test_grabcut_is_the_source_if_none_is_given(people):
    samples = synthetic_samples(people[:8], 2, np.random.default_rng(0))
    expected = GrabCutSettings().size
    assert all(sample.person.shape == expected and 0 <= sample.visible <= 1 for sample in samples)


def test_samples_are_rows_of_five_images(people):
    one, three = draw_samples(drawn(people, count=1)), draw_samples(drawn(people, count=3))
    assert one.size[0] == three.size[0] > 400
    assert three.size[1] > 2.5 * one.size[1]


def test_too_few_persons_are_said(people):
    with pytest.raises(OptionError, match="two persons with 4 training images each, got 1"):
        synthetic_samples(people[:4], 2, np.random.default_rng(0), source=Halves())
    with pytest.raises(OptionError, match="got 0"):
        synthetic_samples(Records.empty(), 2, np.random.default_rng(0), source=Halves())


def test_without_opencv_the_extra_is_named(people, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingExtraError, match=r"glimpse\[occluded\]"):
        synthetic_samples(people, 2, np.random.default_rng(0))
