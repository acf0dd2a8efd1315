import gc

import numpy as np
import pytest
from images import noise
from PIL import Image

from glimpse.errors import OptionError, ShapeError
from glimpse.pixels.decode import decode_image
from glimpse.pixels.resize import Filter, pixels_of, resize, resize_image


def test_a_tiny_image_grows_and_the_result_can_be_written():
    grown = resize(noise(5, 2), (256, 128))
    assert grown.shape == (256, 128, 3)
    assert grown.flags.writeable


def test_views_are_resized_as_what_they_show():
    image = noise(24, 16)
    np.testing.assert_array_equal(resize(image[:, ::-1], (8, 8)), resize(image[:, ::-1].copy(), (8, 8)))


def test_the_same_size_keeps_the_pixels():
    np.testing.assert_array_equal(resize(noise(6, 4), (6, 4)), noise(6, 4))


def test_the_same_size_gives_a_copy():
    image = noise(6, 4)
    resize(image, (6, 4))[:] = 0
    assert image.any()


def test_wrong_arrays_and_sizes_are_refused():
    with pytest.raises(ShapeError, match=r"needs uint8 \[H, W, 3\], not float64 \[2, 2, 3\]"):
        resize(np.zeros((2, 2, 3)), (4, 4))
    with pytest.raises(ShapeError, match=r"not uint8 \[2, 2\]"):
        resize(np.zeros((2, 2), np.uint8), (4, 4))
    with pytest.raises(OptionError, match=r"size must be \(height, width\).*not \(0, 4\)"):
        resize(noise(2, 2), (0, 4))


def lends(image):
    return hasattr(image, "__arrow_c_array__")


@pytest.mark.skipif(not lends(Image.new("RGB", (1, 1))), reason="this Pillow lends no pixels")
def test_lent_pixels_are_the_images_and_outlive_it():
    image = Image.fromarray(noise(37, 23))
    zero_copy = pixels_of(image)
    assert zero_copy.shape == (37, 23, 4)
    assert not zero_copy.flags.writeable
    del image
    gc.collect()
    others = [Image.fromarray(noise(37, 23, seed=seed)) for seed in range(1, 20)]  # would take its place
    assert others
    np.testing.assert_array_equal(zero_copy[:, :, :3], noise(37, 23))


def test_what_cannot_be_lent_is_copied():
    several_blocks = Image.fromarray(np.tile(noise(50, 40), (60, 60, 1)))
    assert several_blocks.size[0] * several_blocks.size[1] * 4 > 2**24
    np.testing.assert_array_equal(pixels_of(several_blocks), np.tile(noise(50, 40), (60, 60, 1)))

    class Old:
        mode, size = "RGB", (3, 2)
        __array_interface__ = Image.fromarray(noise(2, 3)).__array_interface__

    np.testing.assert_array_equal(pixels_of(Old()), noise(2, 3))


@pytest.mark.parametrize("filter", Filter)
@pytest.mark.parametrize("size", [(20, 10), (37, 10), (20, 23), (37, 23), (80, 60)])
def test_a_image_is_resized_as_its_array(size, filter, tmp_path):
    Image.fromarray(noise(37, 23)).save(tmp_path / "a.png")
    image = decode_image((tmp_path / "a.png").read_bytes(), name="a.png")
    np.testing.assert_array_equal(resize_image(image, size, filter), resize(noise(37, 23), size, filter))
