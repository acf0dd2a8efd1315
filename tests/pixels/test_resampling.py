"""The kernels against the definition of the filters and against Pillow."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from images import noise
from PIL import Image

from glimpse.pixels.resize import Filter, resize

PILLOWS = {Filter.BICUBIC: Image.Resampling.BICUBIC, Filter.BILINEAR: Image.Resampling.BILINEAR}


def kernel(distance: np.ndarray, filter: Filter) -> np.ndarray:
    """The two filters from their definitions."""
    x = np.abs(distance)
    if filter is Filter.BILINEAR:
        return np.clip(1 - x, 0, None)
    a = -0.5
    near = (a + 2) * x**3 - (a + 3) * x**2 + 1
    far = a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def weights(old: int, new: int, filter: Filter) -> np.ndarray:
    """[new, old] weights of the antialiased filter."""
    scale = max(old / new, 1)
    center = (np.arange(new) + 0.5) * old / new
    rows = kernel((np.arange(old) + 0.5 - center[:, None]) / scale, filter)
    return rows / rows.sum(1, keepdims=True)


@pytest.mark.parametrize("filter", PILLOWS)
@pytest.mark.parametrize("size", [(24, 16), (48, 40), (7, 5), (1, 1)])
def test_resizing_equals_the_antialiased_filter_up_to_rounding(filter, size):
    image = noise(24, 16)
    down = weights(24, size[0], filter)
    across = weights(16, size[1], filter)
    middle = np.clip(np.floor(np.einsum("jw,hwc->hjc", across, image) + 0.5), 0, 255)
    expected = np.clip(np.floor(np.einsum("ih,hjc->ijc", down, middle) + 0.5), 0, 255)
    assert np.abs(resize(image, size, filter).astype(int) - expected).max() <= 1


def by_pillow(image: np.ndarray, size: tuple[int, int], filter: Filter) -> np.ndarray:
    """Along one side after the other: in which order Pillow does it at once depends on its version."""
    across = Image.fromarray(image).resize((size[1], image.shape[0]), PILLOWS[filter])
    return np.array(across.resize(size[::-1], PILLOWS[filter]))


sides = st.integers(1, 70)


@settings(deadline=None)
@given(
    st.tuples(sides, sides),
    st.tuples(sides, sides),
    st.sampled_from(sorted(PILLOWS)),
    st.booleans(),
    st.integers(0, 99),
)
def test_resizing_equals_pillow_bit_for_bit(old, new, filter, harsh, seed):
    image = np.random.default_rng(seed).integers(0, 256, (*old, 3), dtype=np.uint8)
    if harsh:
        image = np.where(image > 127, 255, 0).astype(np.uint8)  # overshoots the range on both sides
    np.testing.assert_array_equal(resize(image, new, filter), by_pillow(image, new, filter))


@pytest.mark.parametrize("filter", PILLOWS)
@pytest.mark.parametrize(
    ("old", "new"), [((600, 300), (256, 128)), ((1, 1), (256, 128)), ((128, 64), (384, 128))]
)
def test_usual_sizes_equal_pillow_bit_for_bit(old, new, filter):
    image = noise(*old)
    np.testing.assert_array_equal(resize(image, new, filter), by_pillow(image, new, filter))
