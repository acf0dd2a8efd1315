"""The maps of persons that patch transfer reads."""

import numpy as np
import pytest
from PIL import Image

from glimpse.errors import OptionError
from glimpse.progress import silent
from glimpse.recipes.provenance import with_settings
from glimpse.recipes.transreid import TransReIDRecipe
from glimpse.records import Records
from glimpse.segmentation.base import PERSON
from glimpse.segmentation.grabcut import GrabCutMasks
from glimpse.segmentation.person_maps import mask_source, person_maps, shrunk

ASKS = with_settings(TransReIDRecipe(), ["transfer.share=0.5"])


class Bright:
    """A source for which the bright pixels are the person."""

    truth = "told by the test"
    size = (8, 4)

    def masks(self, pixels, persons):
        return pixels.read(np.arange(len(pixels))).mean(3) > 128


def test_a_given_source_is_taken_where_the_recipe_asks(tmp_path):
    source = Bright()
    assert mask_source(ASKS, tmp_path, source, silent) is source
    assert isinstance(mask_source(ASKS, tmp_path, None, silent), GrabCutMasks)
    assert mask_source(TransReIDRecipe(), tmp_path, None, silent) is None
    assert mask_source(object(), tmp_path, None, silent) is None
    with pytest.raises(OptionError, match="nothing asks where persons are"):
        mask_source(TransReIDRecipe(), tmp_path, source, silent)


def test_maps_are_made_at_the_sources_size_and_shrunk(tmp_path):
    pixels = np.zeros((8, 4, 3), np.uint8)
    pixels[:4] = 255
    paths = []
    for name in ("a.png", "b.png"):
        Image.fromarray(pixels).save(tmp_path / name)
        paths.append(str(tmp_path / name))
    maps = person_maps(Bright(), Records.from_columns(paths, [1, 2]), tmp_path / "cache", (4, 2), silent)
    assert list(maps) == [PERSON]
    assert maps[PERSON].tolist() == [[[1, 1], [1, 1], [0, 0], [0, 0]]] * 2
    assert maps[PERSON].dtype == np.uint8
    assert person_maps(None, Records.empty(), tmp_path, (4, 2), silent) == {}


@pytest.mark.parametrize("count", [0, 3, 1000])
def test_a_pixel_is_the_persons_where_half_of_its_area_is(count):
    masks = np.random.default_rng(0).random((count, 8, 4)) < 0.5
    expected = masks.reshape(count, 4, 2, 2, 2).mean((2, 4)) >= 0.5
    np.testing.assert_array_equal(shrunk(masks, (4, 2)), expected)
