"""Where a network sees the person, as images."""

import numpy as np
import pytest
import torch
from hand_made import micro

from glimpse.errors import OptionError
from glimpse.explain.visibility import faded, tells_visibility, visibility, visibility_figures
from glimpse.models.heads.stripes import Visibility, stripe_rows
from glimpse.records import Capture


def test_only_masks_of_stripes_say_where_persons_are():
    assert tells_visibility(micro("dpm++", stripes=2))
    assert not tells_visibility(micro("dpm++"))
    assert not tells_visibility(micro("transreid"))
    with pytest.raises(OptionError, match="no masks of stripes"):
        micro("dpm++").encoder.network.visibility(torch.zeros(1, 3, 64, 32))


def test_the_sight_is_what_the_masks_are_made_of():
    retriever = micro("dpm++", stripes=2)
    pixels = np.random.default_rng(0).integers(0, 256, (3, 64, 32, 3), dtype=np.uint8)
    encoder = retriever.encoder
    found = visibility(encoder, pixels, Capture.unknown(3))
    masks = retriever.embed(pixels).masks
    width = encoder.network.width
    np.testing.assert_allclose(found.trust, masks[:, [width, 2 * width]], atol=1e-6)
    assert found.seen.shape == (3, *encoder.network.grid)


def test_rows_of_two_stripes_are_trusted_by_both():
    found = Visibility(torch.zeros(2, 5, 1), torch.tensor([[1.0, 0.5], [0.2, 0.2]]), tuple(stripe_rows(5, 2)))
    torch.testing.assert_close(
        found.rows_trusted(), torch.tensor([[1, 1, 0.75, 0.5, 0.5], [0.2, 0.2, 0.2, 0.2, 0.2]])
    )


def test_every_image_has_a_figure_that_says_its_trust(people):
    figures = visibility_figures(micro("dpm++", stripes=2), people[:2])
    assert [figure.name for figure in figures] == ["query-1-seen", "query-2-seen"]
    assert "Trust at the top, in the middle and at the bottom: " in figures[0].caption
    assert figures[0].caption in figures[0].alt


def test_what_is_not_trusted_fades():
    image = np.full((4, 4, 3), 10, np.uint8)
    found = faded(image, np.array([[1.0], [0.0]]))
    assert found[0, 0, 0] == 10
    assert found[-1, 0, 0] == 235
    assert (np.diff(found[:, 0, 0].astype(int)) >= 0).all()
