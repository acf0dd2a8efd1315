import gc

import numpy as np
import pytest
from images import noise
from PIL import Image

from glimpse.pixels.decode import decode_image
from glimpse.pixels.resize import Filter, pixels_of, resize, resize_image


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
