"""Maps move with their pixels; padding of any width."""

import numpy as np
import pytest
import torch
from naive_augment import batch, draw, naive

from glimpse.training.augment import (
    Augmentation,
    FlipAndCrop,
)


def test_the_parts_move_with_their_pixels():
    _, parts = batch()
    pixels = (parts * 50)[..., None].expand(*parts.shape, 3).contiguous()
    augmentation = Augmentation(mean=(0, 0, 0), std=(1, 1, 1), geometry=FlipAndCrop(padding=5))
    images, maps = augmentation.apply(pixels, draw(augmentation), {"parts": parts})
    assert torch.equal((images[:, 0] * 255).round(), maps["parts"].float() * 50)


@pytest.mark.parametrize("padding", [1, 10, 30])
def test_padding_may_be_larger_than_the_image(padding):
    augmentation = Augmentation(geometry=FlipAndCrop(padding=padding, fill=7))
    pixels, parts = batch(40)
    draws = draw(augmentation, 40)
    images, maps = augmentation.apply(pixels, draws, {"parts": parts})
    expected, expected_maps = naive(augmentation, pixels, parts, draws)
    torch.testing.assert_close(images, torch.tensor(np.array(expected), dtype=torch.float32))
    assert maps["parts"].equal(torch.tensor(np.array(expected_maps)))
