"""The compiled color jitter gives the bytes of the torch form."""

import itertools
import platform
import zlib

import numba
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from glimpse.training.augment import Augmentation, ColorJitter
from glimpse.training.augment.color import Colors, jittered_bytes, jittered_bytes_in_torch
from glimpse.training.augment.jitter import BRIGHTNESS, CONTRAST, HUE, SATURATION, _mean

X86 = platform.machine().lower() in ("x86_64", "amd64")  # elsewhere torch may sum in another order


def images(count, height, width, seed=0):
    random = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 3, height, width), generator=random, dtype=torch.uint8)


def colors(count, seed=1, **strengths):
    return ColorJitter(**strengths).draw(count, torch.Generator().manual_seed(seed))


def one(order, brightness=1.0, contrast=1.0, saturation=1.0, hue=0.0, count=1):
    """The same colors for each image."""
    amount = torch.tensor([[brightness, contrast, saturation, hue]])
    return Colors(torch.tensor([order]).expand(count, 4), amount.expand(count, 4))


def assert_as_in_torch(planes, drawn):
    """Equal bytes; where torch sums in another order, a byte in a thousand may be rounded the other way."""
    result, expected = jittered_bytes(planes, drawn), jittered_bytes_in_torch(planes, drawn)
    assert result.dtype == torch.uint8
    assert result.shape == planes.shape
    apart = (result.int() - expected.int()).abs()
    assert apart.max() <= (0 if X86 else 1)
    assert (apart > 0).float().mean() <= 1e-3


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(1, 6),
    height=st.integers(2, 70),
    width=st.integers(4, 70),
    strengths=st.tuples(*[st.sampled_from([0.0, 0.2, 0.7, 1.0])] * 3, st.sampled_from([0.0, 0.2, 0.5])),
    gray=st.sampled_from([0.0, 0.5]),
)
def test_any_batch_equals_the_torch_form(seed, count, height, width, strengths, gray):
    assert_as_in_torch(
        images(count, height, width, seed),
        ColorJitter(*strengths, gray).draw(count, torch.Generator().manual_seed(seed)),
    )


@pytest.mark.parametrize("size", [(128, 64), (256, 128)])
def test_batches_as_trained_on_equal_the_torch_form(size):
    assert_as_in_torch(images(16, *size), colors(16))


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_every_order_equals_the_torch_form(order):
    planes = images(2, 60, 50)
    assert_as_in_torch(planes, one(order, 1.2, 0.8, 1.4, -0.3, count=2))


@pytest.mark.parametrize("turn", [-0.5, -1 / 3, -1 / 6, 0.0, 1e-7, 1 / 6, 0.25, 1 / 3, 0.5])
def test_edges_of_the_hue_equal_the_torch_form(turn):
    # every mixture of none, half and all of the channels, and every gray: where the formula branches
    levels = [0, 1, 127, 128, 254, 255]
    mixed = torch.tensor(list(itertools.product(levels, repeat=3)), dtype=torch.uint8)
    grays = torch.arange(256, dtype=torch.uint8)[:, None].expand(256, 3)
    planes = torch.cat([mixed, grays]).T.reshape(1, 3, 8, -1).contiguous()
    for order in ((HUE, 0, 1, 2), (0, 1, 2, HUE)):
        assert_as_in_torch(planes, one(order, hue=turn))


@pytest.mark.parametrize("factor", [0.0, 0.5, 1.0, 1.5, 2.0])
@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation"])
def test_extreme_factors_equal_the_torch_form(name, factor):
    planes = torch.cat([images(1, 40, 30), torch.zeros(1, 3, 40, 30), torch.full((1, 3, 40, 30), 255)])
    drawn = one((BRIGHTNESS, CONTRAST, SATURATION, HUE), **{name: factor}, count=3)
    assert_as_in_torch(planes.to(torch.uint8), drawn)


@pytest.mark.skipif(not X86, reason="torch may sum in another order")
@pytest.mark.parametrize(
    "pixels", [8, 9, 31, 32, 33, 511, 512, 513, 8192, 8200, 16384, 32768, 131072, 262151]
)
def test_the_mean_is_torchs(pixels):
    values = torch.rand(2, pixels, generator=torch.Generator().manual_seed(pixels))
    assert [float(_mean(row)) for row in values.numpy()] == values.mean(1).tolist()


def test_known_bytes_of_a_seed():
    """What torch made of these seeds before there was compiled code: results of a seed stay the same."""
    for gray, checksum in ((0.0, 2309718579), (0.3, 1409227344)):
        random = torch.Generator().manual_seed(5)
        drawn = ColorJitter(gray=gray).draw(6, random)
        planes = torch.randint(0, 256, (6, 3, 40, 16), generator=random, dtype=torch.uint8)
        assert zlib.crc32(jittered_bytes(planes, drawn).numpy().tobytes()) == checksum


def test_the_number_of_threads_changes_nothing():
    planes, drawn = images(33, 128, 64), colors(33)
    many = jittered_bytes(planes, drawn)
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        assert torch.equal(jittered_bytes(planes, drawn), many)
    finally:
        numba.set_num_threads(threads)
    one_by_one = [jittered_bytes(planes[i : i + 1], drawn[i : i + 1]) for i in range(33)]
    assert torch.equal(torch.cat(one_by_one), many)


def test_a_view_gives_what_its_copy_gives_and_is_not_changed():
    pixels = images(4, 20, 30).permute(0, 2, 3, 1).contiguous()
    before = pixels.clone()
    view, drawn = pixels.permute(0, 3, 1, 2), colors(8)[::2]
    copied = Colors(drawn.order.clone(), drawn.amount.clone())
    assert torch.equal(jittered_bytes(view, drawn), jittered_bytes(view.contiguous(), copied))
    assert torch.equal(pixels, before)


def test_the_pipeline_uses_the_same_bytes():
    pixels = images(5, 24, 12).permute(0, 2, 3, 1).contiguous()
    augmentation = Augmentation(mean=(0, 0, 0), std=(1 / 255,) * 3, jitter=ColorJitter())
    draws = augmentation.draw(5, (24, 12), torch.Generator().manual_seed(4))
    images_, _ = augmentation.apply(pixels, draws)
    expected = jittered_bytes_in_torch(pixels.permute(0, 3, 1, 2), draws.colors)
    torch.testing.assert_close(images_, expected.float(), rtol=0, atol=1e-4)
