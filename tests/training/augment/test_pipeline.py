"""Batched augmentation equals, image by image, a naive twin that is given the same draws."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from naive_augment import SIZE, batch, draw, naive

from glimpse.choices import Fill
from glimpse.errors import OptionError, ShapeError
from glimpse.training.augment import (
    Augmentation,
    ColorJitter,
    Erasing,
    FlipAndCrop,
    MapRule,
    erasing,
    geometry,
    normalized,
)
from glimpse.training.augment.pipeline import IMAGENET_MEAN, IMAGENET_STD


@pytest.mark.parametrize(
    "augmentation",
    [
        Augmentation(),
        Augmentation(mean=IMAGENET_MEAN, std=IMAGENET_STD, geometry=FlipAndCrop()),
        Augmentation(geometry=FlipAndCrop(flip=1, padding=0)),
        Augmentation(geometry=FlipAndCrop(flip=0, padding=3, fill=127)),
        Augmentation(erasing=Erasing(probability=1)),
        Augmentation(
            geometry=FlipAndCrop(padding=4),
            jitter=ColorJitter(),
            erasing=Erasing(probability=0.6, fill=Fill.CONSTANT, color=(0.1, 0.2, -3.0), maps=False),
        ),
        Augmentation(geometry=FlipAndCrop(padding=20), erasing=Erasing(probability=0.6, area=(0.02, 0.4))),
    ],
)
def test_a_batch_equals_the_naive_twin_image_by_image(augmentation):
    pixels, parts = batch()
    draws = draw(augmentation)
    before = pixels.clone(), parts.clone()
    images, maps = augmentation.apply(pixels, draws, {"parts": parts})
    expected, expected_parts = naive(augmentation, pixels, parts, draws)
    # a color that lies between two of 256 values may be rounded either way
    tolerance = 2 / 255 / 0.2 if augmentation.jitter else 1e-5
    assert np.abs(images.numpy() - expected).max() < tolerance
    assert np.mean(np.abs(images.numpy() - expected) > 1e-5) < 1e-3
    assert np.array_equal(maps["parts"].numpy(), expected_parts)
    assert images.dtype == torch.float32
    assert torch.equal(pixels, before[0])
    assert torch.equal(parts, before[1])


def test_shares_of_the_draws_give_shares_of_the_batch():
    augmentation = Augmentation(geometry=FlipAndCrop(), jitter=ColorJitter(), erasing=Erasing())
    pixels, parts = batch(8)
    draws = draw(augmentation, 8)
    whole, whole_parts = augmentation.apply(pixels, draws, {"parts": parts})
    for rows in (slice(0, 4), slice(4, 8)):
        images, maps = augmentation.apply(pixels[rows], draws[rows], {"parts": parts[rows]})
        assert torch.equal(images, whole[rows])
        assert torch.equal(maps["parts"], whole_parts["parts"][rows])


def test_the_draws_follow_the_generator_alone():
    augmentation = Augmentation(geometry=FlipAndCrop(), jitter=ColorJitter(), erasing=Erasing())
    pixels, _ = batch()
    first, again, other = (augmentation.apply(pixels, draw(augmentation, seed=s))[0] for s in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("fill", Fill)
def test_slices_of_tensors_as_devices_take_them_give_what_numpys_give(fill, monkeypatch):
    augmentation = Augmentation(geometry=FlipAndCrop(), erasing=Erasing(probability=1, fill=fill))
    pixels, parts = batch()
    draws = draw(augmentation)
    images, maps = augmentation.apply(pixels, draws, {"parts": parts})
    for module in (geometry, erasing):
        monkeypatch.setattr(module, "by_slices", lambda tensor: tensor)
    again, maps_again = augmentation.apply(pixels, draws, {"parts": parts})
    assert again.equal(images)
    assert maps_again["parts"].equal(maps["parts"])


def test_normalized_is_a_new_tensor_and_changes_nothing():
    pixels, _ = batch()
    before = pixels.clone()
    once, twice = (normalized(pixels, IMAGENET_MEAN, IMAGENET_STD) for _ in range(2))
    assert torch.equal(once, twice)
    assert torch.equal(pixels, before)
    expected = (pixels[0, 0, 0, 2] / 255 - 0.406) / 0.225
    assert once[0, 2, 0, 0].item() == pytest.approx(expected.item(), abs=1e-6)


def test_empty_batches_and_single_images_pass():
    augmentation = Augmentation(geometry=FlipAndCrop(), jitter=ColorJitter(), erasing=Erasing())
    for count in (0, 1):
        pixels, parts = batch(count)
        images, maps = augmentation.apply(pixels, draw(augmentation, count), {"parts": parts})
        assert images.shape == (count, 3, *SIZE)
        assert maps["parts"].shape == (count, *SIZE)


def test_wrong_input_is_refused():
    pixels, parts = batch()
    augmentation = Augmentation()
    with pytest.raises(ShapeError, match=r"pixels must be uint8 \[B, H, W, 3\]"):
        augmentation.apply(pixels.float(), draw(augmentation))
    with pytest.raises(ShapeError, match=r"the map parts must be uint8 \[9, 24, 12\]"):
        augmentation.apply(pixels, draw(augmentation), {"parts": parts[:, ::2]})
    for wrong in ({"probability": 2}, {"area": (0.5, 0.1)}, {"aspect": 0}):
        with pytest.raises(OptionError):
            Erasing(**wrong)
    with pytest.raises(OptionError):
        FlipAndCrop(padding=-1)
    with pytest.raises(OptionError):
        ColorJitter(hue=0.7)


SIDES = np.arange(256, dtype=np.uint8)


SIDES[[1, 2]] = 2, 1


@given(st.integers(0, 2**32 - 1), st.integers(0, 9), st.sampled_from([0, 255]))
def test_labels_lie_where_the_pixels_that_encode_them_lie(seed, padding, gone):
    labels = torch.randint(0, 5, (6, *SIZE), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))
    pixels = labels[..., None].expand(*labels.shape, 3).contiguous()
    before = labels.clone()
    augmentation = Augmentation(
        mean=(0, 0, 0),
        std=(1, 1, 1),
        geometry=FlipAndCrop(padding=padding),
        erasing=Erasing(probability=0.7, fill=Fill.CONSTANT, color=(1.0, 1.0, 1.0)),
    )
    draws = draw(augmentation, 6, seed)
    rules = {"sided": MapRule(mirror=SIDES, erased=gone)}
    images, maps = augmentation.apply(pixels, draws, {"sided": labels, "plain": labels}, rules)
    shown = (images[:, 0] * 255).round().to(torch.uint8)
    erased = shown == 255
    assert torch.equal(erased, draws.rectangles.mask(*SIZE))
    assert torch.equal(maps["plain"], shown.masked_fill(erased, 0))
    exchanged = torch.where(draws.placement.flip[:, None, None], torch.from_numpy(SIDES)[shown.long()], shown)
    assert torch.equal(maps["sided"], exchanged.masked_fill(erased, gone))
    assert torch.equal(labels, before)
