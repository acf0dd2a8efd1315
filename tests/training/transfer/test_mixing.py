"""Mixing by windows of cells."""

import torch

from glimpse.segmentation.base import PERSON
from glimpse.training.augment import Augmentation, Erasing, FlipAndCrop
from glimpse.training.transfer.mixing import cells_of, mixed_images, mixed_patches


def test_a_window_of_everything_leaves_the_image_and_one_of_nothing_gives_the_donor():
    images = torch.randn(2, 3, 8, 4)
    swapped, still = torch.tensor([1, 0]), torch.zeros(2, dtype=torch.int64)
    windows = torch.ones(2, 4, 2, dtype=torch.bool)
    assert torch.equal(mixed_images(images, windows, swapped, still), images)
    assert torch.equal(mixed_images(images, ~windows, swapped, still), images.flip(0))
    patches = torch.randn(2, 8, 5)
    assert torch.equal(mixed_patches(patches, windows, swapped), patches)
    assert torch.equal(mixed_patches(patches, ~windows, swapped), patches.flip(0))


def test_rolling_there_and_back_is_no_roll():
    images = torch.randn(2, 3, 8, 4)
    windows, donors = torch.ones(2, 4, 4, dtype=torch.bool), torch.tensor([1, 0])
    once = mixed_images(images, windows, donors, torch.tensor([1, 3]))
    assert torch.equal(once[0], images[0].roll(1, 2))
    assert torch.equal(mixed_images(once, windows, donors, torch.tensor([3, 1])), images)


def test_cells_follow_coverage():
    masks = torch.zeros(1, 4, 4, dtype=torch.uint8)
    masks[0, 0, :3] = 7
    assert cells_of(masks, (2, 2)).tolist() == [[[True, False], [False, False]]]


def test_windows_move_with_their_images():
    """A checker image: after mirroring, padding and cropping, cells are those of its white squares."""
    rows, columns = torch.meshgrid(torch.arange(32) // 4, torch.arange(16) // 4, indexing="ij")
    checker = ((rows + columns) % 2 == 0)[None].expand(12, 32, 16)
    pixels = (checker * 255).byte()[..., None].expand(12, 32, 16, 3).contiguous()
    augmentation = Augmentation(
        mean=(0, 0, 0), std=(1, 1, 1), geometry=FlipAndCrop(padding=6), erasing=Erasing(probability=0)
    )
    draws = augmentation.draw(12, (32, 16), torch.Generator().manual_seed(1))
    images, maps = augmentation.apply(pixels, draws, {PERSON: checker.byte()})
    white = images[:, 0].bool()
    assert torch.equal(maps[PERSON].bool(), white)
    assert torch.equal(cells_of(maps[PERSON], (16, 8)), cells_of(white.byte(), (16, 8)))
    plain = cells_of(checker.byte(), (16, 8))
    assert not torch.equal(cells_of(maps[PERSON], (16, 8)), plain)
