"""Options that cannot be are refused before anything is written."""

import pytest

from glimpse.errors import OptionError
from glimpse.world.export import export_world, make_options, parse_shape


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layout": "msmt17"}, "the world writes market1501, .* got the layout 'msmt17'"),
        ({"layout": "market1501", "scale": "huge"}, "the scales are tiny, small, bench, large, got 'huge'"),
        ({"layout": "market1501", "people": 1}, "market1501 needs 6 to 9,000 people, got 1"),
        ({"layout": "market1501", "people": 9_001}, "got 9,001"),
        ({"layout": "market1501", "images_per_person": 3}, "needs 4 to 1,000 images per person, got 3"),
        ({"layout": "partial_ilids", "images_per_person": 4}, "needs exactly 2 images per person"),
        ({"layout": "regdb", "images_per_person": 5}, "in steps of 2, got 5"),
        ({"layout": "rstpreid", "images_per_person": 16}, "needs 1 to 15 images"),
        ({"layout": "market1501", "hardness": 1.5}, "hardness goes from 0 to 1, got 1.5"),
        ({"layout": "market1501", "hardness": float("nan")}, "hardness goes from 0 to 1"),
        ({"layout": "market1501", "seed": -1}, "a seed is a whole number from 0, got -1"),
        ({"layout": "market1501", "shape": (8, 4)}, "got 8x4"),
    ],
)
def test_an_impossible_option_is_refused_before_anything_is_written(tmp_path, options, message):
    with pytest.raises(OptionError, match=message):
        export_world(options.pop("layout"), tmp_path / "world", **options)
    assert not (tmp_path / "world").exists()


@pytest.mark.parametrize("text", ["", "128", "128x", "x64", "128x64x3", "-1x5", "ax b"])
def test_a_size_is_height_by_width(text):
    with pytest.raises(OptionError, match="a size is height x width"):
        parse_shape(text)


def test_a_layout_may_be_written_with_hyphens_and_capitals():
    assert make_options("Occluded-Duke").layout == "occluded_duke"
