"""Batched augmentation equals, image by image, a naive twin that is given the same draws."""

import colorsys
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

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
from glimpse.training.augment.erasing import _TABLE, Rectangles, _table, erased
from glimpse.training.augment.pipeline import IMAGENET_MEAN, IMAGENET_STD

SIZE = (24, 12)


def batch(count=9, seed=0):
    random = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, 256, (count, *SIZE, 3), generator=random, dtype=torch.uint8)
    parts = torch.randint(0, 5, (count, *SIZE), generator=random, dtype=torch.uint8)
    return pixels, parts


def draw(augmentation, count=9, seed=3):
    return augmentation.draw(count, SIZE, torch.Generator().manual_seed(seed))


def naive_place(image, placement, row, padding, fill):
    """[H, W, ...]: mirror, pad, crop."""
    if placement.flip[row]:
        image = image[:, ::-1]
    widths = ((padding, padding), (padding, padding)) + ((0, 0),) * (image.ndim - 2)
    padded = np.pad(image, widths, constant_values=fill)
    top, left = int(placement.top[row]), int(placement.left[row])
    return padded[top : top + SIZE[0], left : left + SIZE[1]]


def naive_jitter(image, colors, row):
    """[H, W, 3] uint8, pixel by pixel."""
    values = image.astype(np.float64) / 255
    gray = np.array([0.299, 0.587, 0.114])
    for kind in colors.order[row].tolist():
        amount = float(colors.amount[row, kind])
        if kind == 0:
            values = values * amount
        elif kind == 1:
            values = amount * values + (1 - amount) * (values @ gray).mean()
        elif kind == 2:
            values = amount * values + (1 - amount) * (values @ gray)[..., None]
        else:
            for y, x in np.ndindex(SIZE):
                hue, saturation, value = colorsys.rgb_to_hsv(*values[y, x])
                values[y, x] = colorsys.hsv_to_rgb((hue + amount) % 1, saturation, value)
        values = values.clip(0, 1)
    return np.rint(values * 255).astype(np.uint8)


def naive(augmentation, pixels, parts, draws):
    images, maps = [], []
    for row in range(len(pixels)):
        image, part = pixels[row].numpy(), parts[row].numpy()
        if draws.colors is not None:
            image = naive_jitter(image, draws.colors, row)
        if draws.placement is not None:
            shape = augmentation.geometry
            image = naive_place(image, draws.placement, row, shape.padding, shape.fill)
            part = naive_place(part, draws.placement, row, shape.padding, 0)
        value = (image / 255 - np.array(augmentation.mean)) / np.array(augmentation.std)
        value, part = value.transpose(2, 0, 1).copy(), part.copy()
        if draws.rectangles is not None:
            r, erasing = draws.rectangles, augmentation.erasing
            place = int(r.place[row])
            noise = [_table(torch.device("cpu"))[(place + i) % _TABLE].item() for i in range(value.size)]
            filling = np.array(noise).reshape(value.shape)
            if erasing.fill is Fill.CONSTANT:
                filling = np.broadcast_to(np.array(erasing.color)[:, None, None], value.shape)
            top, left = int(r.top[row]), int(r.left[row])
            area = np.s_[top : top + int(r.height[row]), left : left + int(r.width[row])]
            value[(slice(None), *area)] = filling[(slice(None), *area)]
            if erasing.maps:
                part[area] = 0
        images.append(value)
        maps.append(part)
    return np.stack(images), np.stack(maps)


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


def test_the_parts_move_with_their_pixels():
    _, parts = batch()
    pixels = (parts * 50)[..., None].expand(*parts.shape, 3).contiguous()
    augmentation = Augmentation(mean=(0, 0, 0), std=(1, 1, 1), geometry=FlipAndCrop(padding=5))
    images, maps = augmentation.apply(pixels, draw(augmentation), {"parts": parts})
    assert torch.equal((images[:, 0] * 255).round(), maps["parts"].float() * 50)


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


@pytest.mark.parametrize("padding", [1, 10, 30])
def test_padding_may_be_larger_than_the_image(padding):
    augmentation = Augmentation(geometry=FlipAndCrop(padding=padding, fill=7))
    pixels, parts = batch(40)
    draws = draw(augmentation, 40)
    images, maps = augmentation.apply(pixels, draws, {"parts": parts})
    expected, expected_maps = naive(augmentation, pixels, parts, draws)
    torch.testing.assert_close(images, torch.tensor(np.array(expected), dtype=torch.float32))
    assert maps["parts"].equal(torch.tensor(np.array(expected_maps)))


def test_noise_goes_on_at_the_tables_beginning_behind_its_end():
    rectangles = Rectangles(*torch.tensor([[0, 0, 24, 12, _TABLE - 5]]).T)
    image = erased(torch.zeros(1, 3, *SIZE), rectangles, Erasing())
    table = _table(torch.device("cpu"))
    assert image.flatten().equal(torch.cat([table[-5:], table[: 3 * 24 * 12 - 5]]))


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


def test_gray_takes_the_color_out_of_its_share_of_the_images():
    pixels = torch.randint(
        0, 256, (400, 4, 3, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    augmentation = Augmentation(jitter=ColorJitter(0, 0, 0, 0, gray=0.25))
    draws = augmentation.draw(400, (4, 3), torch.Generator().manual_seed(1))
    images, _ = augmentation.apply(pixels, draws)
    gray = (images.amax(1) - images.amin(1)).amax((1, 2)) < 1e-6
    assert 70 < int(gray.sum()) < 130
    torch.testing.assert_close(images[~gray], normalized(pixels, *2 * [(0.5,) * 3])[~gray])
    luma = (pixels[gray].float() * torch.tensor([0.299, 0.587, 0.114])).sum(3)
    assert ((images[gray, 0] * 0.5 + 0.5) * 255 - luma).abs().max() <= 0.51


def test_without_gray_nothing_is_drawn_for_it():
    plain, other = torch.Generator().manual_seed(2), torch.Generator().manual_seed(2)
    ColorJitter().draw(3, plain)
    torch.rand(3, 4, generator=other), torch.rand(3, 4, generator=other)
    assert torch.equal(plain.get_state(), other.get_state())
    with pytest.raises(OptionError, match="gray is a probability, 0 to 1"):
        ColorJitter(gray=1.5)


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
