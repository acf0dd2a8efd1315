"""Maps find what they should: the patches that a score rests on, and what a mask changes."""

import numpy as np
import pytest
import torch
from hand_made import IMAGE, micro, two_patches
from micro_retrievers import told_apart

from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError, ShapeError
from glimpse.explain import attribution as module
from glimpse.explain.attribution import CELLS, grid_of, in_cells, support
from glimpse.records import Capture
from glimpse.retriever.encoders.network import embed_images
from glimpse.similarity import Cosine, Euclidean, MaskedCosine, MaskSide

KEEPS_FIRST = [1.0, 1.0, 0.0, 0.0]


def images(count, seed=0):
    """The more red, the less green, so that no vector is a multiple of the gray one's."""
    pixels = np.random.default_rng(seed).integers(0, 256, (count, *IMAGE, 3), dtype=np.uint8)
    pixels[:, 8:12, 4:8] = (240, 20, 60)
    pixels[:, 36:40, 20:24] = (20, 240, 60)
    return pixels


def test_the_map_of_kept_dimensions_peaks_at_the_only_patch_that_feeds_them():
    found = support(two_patches(KEEPS_FIRST), MaskedCosine(MaskSide.SUBSPACE), images(2), Capture.unknown(2))
    for row in range(2):
        assert np.unravel_index(found.masked[row].argmax(), CELLS) == (2, 1)
        others = found.masked[row].copy()
        others[2, 1] = 0
        assert np.abs(others).max() < 1e-6


def test_with_the_mask_off_both_patches_count_and_the_difference_says_which_one_the_mask_drops():
    found = support(two_patches(KEEPS_FIRST), MaskedCosine(MaskSide.SUBSPACE), images(1), Capture.unknown(1))
    strong = {tuple(place) for place in np.argwhere(np.abs(found.plain[0]) > 0.01)}
    assert strong == {(2, 1), (9, 5)}
    assert found.difference[0, 9, 5] < -0.01
    assert np.allclose(found.difference, found.masked - found.plain)


@pytest.mark.parametrize("side", list(MaskSide))
def test_a_mask_that_is_the_same_for_all_dimensions_makes_no_difference(side):
    found = support(two_patches([0.3] * 4), MaskedCosine(side), images(1), Capture.unknown(1))
    assert np.abs(found.plain).max() > 0.01
    assert np.abs(found.difference).max() < 1e-6


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("side", [MaskSide.SUBSPACE, MaskSide.QUERY])
def test_a_map_sums_up_to_the_score_above_that_of_the_gray_image(side, flip):
    retriever = micro(side=side, flip=flip)
    encoder, pixels = retriever.encoder, images(3)
    found = support(encoder, retriever.similarity, pixels, Capture.unknown(3))
    own = encoder.embed(pixels, Capture.unknown(3))
    with torch.no_grad():
        gray = embed_images(encoder.network, torch.zeros(3, 3, *IMAGE), None, flip)[0].numpy()
    for values, masks, similarity in (
        (found.plain, None, Cosine()),
        (found.masked, own.masks, retriever.similarity),
    ):
        whole = similarity.pairwise(Embeddings(own.vectors, masks), Embeddings(own.vectors, masks))
        empty = similarity.pairwise(Embeddings(gray, masks), Embeddings(own.vectors, masks))
        expected = whole.diagonal() - empty.diagonal()
        assert np.abs(expected).min() > 0.1
        assert values.sum((1, 2)) == pytest.approx(expected, abs=0.003)


@pytest.mark.parametrize("side", list(MaskSide))
def test_the_score_that_is_explained_is_the_retrievers_own(side):
    rng = np.random.default_rng(1)
    queries, own = (rng.normal(size=(5, 7)).astype(np.float32) for _ in range(2))
    masks = rng.random((5, 7)).astype(np.float32)
    scores = module._own_scores(torch.from_numpy(own), torch.from_numpy(masks), side)
    expected = MaskedCosine(side).pairwise(Embeddings(queries, masks), Embeddings(own, masks)).diagonal()
    assert scores(torch.from_numpy(queries)).numpy() == pytest.approx(expected, abs=1e-5)


def test_a_image_has_the_same_map_alone_and_among_others():
    retriever, pixels = micro(), images(3)
    together = support(retriever.encoder, retriever.similarity, pixels, Capture.unknown(3))
    alone = support(retriever.encoder, retriever.similarity, pixels[1:2], Capture.unknown(1))
    assert together.masked[1] == pytest.approx(alone.masked[0], abs=1e-4)


def test_without_masks_there_is_one_map():
    found = support(two_patches(None), Cosine(), images(1), Capture.unknown(1))
    assert found.masked is None
    assert found.difference is None
    assert found.plain.shape == (1, *CELLS)
    # masks that the similarity does not compare with change nothing either
    assert support(two_patches(KEEPS_FIRST), Cosine(), images(1), Capture.unknown(1)).masked is None


def test_the_grid_is_that_of_the_patches_or_else_a_fixed_one():
    assert grid_of(micro("transreid").encoder) == (8, 4)
    assert grid_of(micro("bot").encoder) == CELLS


@pytest.mark.parametrize("grid", [(8, 4), (16, 8), (7, 3), (1, 1)])
def test_every_pixel_belongs_to_one_cell(grid):
    values = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 21, 10)))
    expected = np.zeros((2, *grid))
    for y in range(21):
        for x in range(10):
            expected[:, y * grid[0] // 21, x * grid[1] // 10] += values[:, y, x].numpy()
    assert in_cells(values, grid) == pytest.approx(expected)


def test_what_cannot_be_explained_is_said():
    with pytest.raises(OptionError, match="made of cosines, masked or not, not of Euclidean"):
        support(two_patches(None), Euclidean(), images(1), Capture.unknown(1))
    with pytest.raises(ShapeError, match="expected prepared pixels"):
        support(two_patches(None), Cosine(), np.zeros((1, 8, 8, 3), np.uint8), Capture.unknown(1))


def test_a_map_is_made_under_the_modality_that_the_image_was_taken_in():
    encoder, one = told_apart(), np.random.default_rng(0).integers(0, 256, (1, 8, 4, 3), dtype=np.uint8)
    visible, infrared, unknown = (
        support(encoder, Cosine(), one, Capture.given(1, modalities=modality)).plain.sum()
        for modality in ("rgb", "ir", None)
    )
    # the offset is the same for the empty image: the larger it is, the less the colors add to the score;
    # without one the vector keeps its direction on the whole way, and nothing adds
    assert visible > infrared > 0
    assert abs(unknown) < 1e-5
