"""Salient cells: those of a person that other images of it share."""

import numpy as np
import pytest
from striped import people

from glimpse.segmentation import GrabCutSettings
from glimpse.segmentation.salient import consistent, coverage, descriptors, tidied, trusted


def test_looks_are_unit_vectors_and_alike_only_for_the_alike():
    images, _ = people(1)
    looks = descriptors(images[0], (16, 8))
    assert np.allclose((looks**2).sum(1), 1, atol=1e-5)
    assert looks[3 * 8 + 4] @ looks[4 * 8 + 4] > 0.8 > looks[3 * 8 + 4] @ looks[4 * 8]


def test_coverage_counts_pixels():
    mask = np.zeros((4, 4), bool)
    mask[0, :3] = True
    assert coverage(mask, (2, 2)).tolist() == [0.5, 0.25, 0, 0]


def naive_consistent(looks, covered, settings):
    count, cells = covered.shape
    result = np.ones((count, cells), bool)
    if count < settings.siblings:
        return result
    for i in range(count):
        for cell in range(cells):
            likes = [
                float(looks[i, cell] @ looks[j, other])
                for j in range(count)
                for other in range(cells)
                if j != i
                and covered[j, other]
                and abs(cell // settings.grid[1] - other // settings.grid[1]) <= 1
            ]
            best = sorted(likes)[-3:]
            result[i, cell] = bool(best) and sum(best) / len(best) >= settings.likeness
    return result


@pytest.mark.parametrize("count", [1, 3, 4, 6])
@pytest.mark.parametrize("share", [0.0, 0.05, 0.6])
def test_consistency_equals_a_loop(count, share):
    generator = np.random.default_rng(count)
    settings = GrabCutSettings(grid=(4, 2), likeness=0.8)
    looks = generator.random((count, 8, 5)).astype(np.float32)
    looks /= np.linalg.norm(looks, axis=2, keepdims=True)
    covered = generator.random((count, 8)) < share
    expected = naive_consistent(looks, covered, settings)
    assert np.array_equal(consistent(looks, covered, settings), expected)


def test_what_stands_in_front_of_one_image_only_is_rejected():
    looks = np.zeros((5, 8, 2), np.float32)
    looks[:, :, 0] = 1
    looks[2, 6] = (0, 1)
    kept = consistent(looks, np.ones((5, 8), bool), GrabCutSettings(grid=(4, 2)))
    assert not kept[2, 6]
    assert kept.sum() == 5 * 8 - 1


def test_crumbs_are_dropped_and_an_empty_or_full_image_is_not_trusted():
    cells = np.zeros((16, 8), bool)
    assert not tidied(cells).any()
    cells[3:12, 2:6] = True
    cells[0, 0] = True
    tidy = tidied(cells)
    assert not tidy[0, 0]
    assert tidy.sum() == 36
    settings = GrabCutSettings()
    assert trusted(tidy, settings)
    assert not trusted(np.zeros((16, 8), bool), settings)
    assert not trusted(np.ones((16, 8), bool), settings)
