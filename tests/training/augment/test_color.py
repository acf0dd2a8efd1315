"""What the color jitter draws and does."""

import pytest
import torch

from glimpse.errors import OptionError
from glimpse.training.augment import (
    Augmentation,
    ChannelExchange,
    ColorJitter,
    normalized,
)


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


def test_one_channel_takes_the_place_of_all_in_its_share_of_the_images():
    generator = torch.Generator().manual_seed(2)
    pixels = torch.randint(0, 256, (600, 6, 4, 3), dtype=torch.uint8, generator=generator)
    pixels[::50] = pixels[::50, ..., :1]  # infrared
    augmentation = Augmentation(exchange=ChannelExchange(0.5))
    draws = augmentation.draw(600, (6, 4), generator)
    images, _ = augmentation.apply(pixels, draws)
    plain = normalized(pixels, *2 * [(0.5,) * 3])
    channels = draws.channels
    assert 240 < int((channels >= 0).sum()) < 360
    for channel in range(3):
        rows = channels == channel
        assert 60 < int(rows.sum()) < 140
        torch.testing.assert_close(images[rows], plain[rows, channel : channel + 1].expand(-1, 3, -1, -1))
    torch.testing.assert_close(images[channels < 0], plain[channels < 0])
    torch.testing.assert_close(images[::50], plain[::50])
    part = draws[3:9]
    torch.testing.assert_close(augmentation.apply(pixels[3:9], part)[0], images[3:9])


def test_what_else_is_drawn_does_not_depend_on_the_exchange():
    one, two = (
        Augmentation(jitter=ColorJitter(), exchange=exchange).draw(
            5, (6, 4), torch.Generator().manual_seed(0)
        )
        for exchange in (None, ChannelExchange(0.5))
    )
    torch.testing.assert_close(one.colors.amount, two.colors.amount)
    assert one.channels is None
    with pytest.raises(OptionError, match="channel exchange happens with a probability, 0 to 1, got 2"):
        ChannelExchange(2)
