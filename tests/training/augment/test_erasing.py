"""Where rectangles lie, and what they are filled with."""

import math

import torch
from naive_augment import SIZE

from glimpse.training.augment import (
    Augmentation,
    Erasing,
)
from glimpse.training.augment.erasing import _TABLE, Rectangles, _table, erased


def test_rectangles_keep_their_area_aspect_and_place():
    erasing, size = Erasing(probability=0.5), (256, 128)
    drawn = erasing.draw(4000, size, torch.Generator().manual_seed(0))
    erased = drawn.height > 0
    assert 0.46 < erased.float().mean() < 0.54
    high, wide = drawn.height[erased].double(), drawn.width[erased].double()
    share, aspect = high * wide / (256 * 128), high / wide
    assert share.min() > 0.018
    assert share.max() < 0.345
    assert abs(share.mean() - 0.17) < 0.02
    assert aspect.min() > 0.28
    assert aspect.max() < 3.6
    # an aspect and its inverse are equally likely, but on a tall image wide rectangles fit less often
    assert 0.40 < (aspect < 1).double().mean() < 0.49
    assert (drawn.top >= 0).all()
    assert (drawn.left >= 0).all()
    assert (drawn.top + drawn.height <= 256).all()
    assert (drawn.left + drawn.width <= 128).all()


def test_a_rectangle_that_never_fits_erases_nothing():
    drawn = Erasing(probability=1, area=(1, 1), aspect=1).draw(3, (8, 8), torch.Generator().manual_seed(0))
    assert drawn.height.tolist() == [0, 0, 0]


def test_noise_is_normal_and_differs_between_images():
    augmentation = Augmentation(erasing=Erasing(probability=1, area=(0.3, 0.33), aspect=1))
    draws = augmentation.draw(40, (64, 64), torch.Generator().manual_seed(0))
    pixels = torch.zeros(40, 64, 64, 3, dtype=torch.uint8)
    images, _ = augmentation.apply(pixels, draws)
    noise = images[images != -1]
    assert abs(noise.mean()) < 0.02
    assert abs(noise.std() - 1) < 0.02
    assert len(set(draws.rectangles.place.tolist())) == 40
    assert math.isclose(len(noise), (draws.rectangles.height * draws.rectangles.width).sum() * 3)


def test_noise_goes_on_at_the_tables_beginning_behind_its_end():
    rectangles = Rectangles(*torch.tensor([[0, 0, 24, 12, _TABLE - 5]]).T)
    image = erased(torch.zeros(1, 3, *SIZE), rectangles, Erasing())
    table = _table(torch.device("cpu"))
    assert image.flatten().equal(torch.cat([table[-5:], table[: 3 * 24 * 12 - 5]]))
