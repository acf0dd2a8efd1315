"""What is done to every image of a cache."""

import numpy as np
import pytest
from images import folder_of

from glimpse.choices import Filter
from glimpse.errors import OptionError, UnreadableImageError
from glimpse.pixels import decode, resize
from glimpse.pixels.decode import stamp_of
from glimpse.pixels.preparation import Preparation


def test_an_image_is_decoded_and_resized(tmp_path):
    (path,) = folder_of(tmp_path / "in", 1)
    prepare = Preparation((32, 16), Filter.BILINEAR)
    np.testing.assert_array_equal(prepare(path), resize(decode(path), (32, 16), Filter.BILINEAR))
    assert prepare(path, stamp_of(path)).shape == prepare.shape


def test_another_version_of_the_file_is_refused(tmp_path):
    path, other = folder_of(tmp_path / "in", 2)
    with pytest.raises(UnreadableImageError):
        Preparation((32, 16))(path, stamp_of(other)._replace(size=1))


@pytest.mark.parametrize(
    "prepare", [Preparation((4, 6)), Preparation((64, 32), Filter.BILINEAR, 4095)], ids=lambda one: one.name
)
def test_json_brings_it_back(prepare):
    assert Preparation.from_json(prepare.to_json()) == prepare


def test_what_cannot_be_prepared_is_refused():
    with pytest.raises(OptionError):
        Preparation((0, 4))
    with pytest.raises(OptionError):
        Preparation((4, 4), white=0)
