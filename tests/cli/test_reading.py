"""A data set named on the command line, with its problems on standard error."""

import pytest
from PIL import Image

from glimpse.cli.options import read_source
from glimpse.errors import OptionError


@pytest.fixture
def people(tmp_path):
    for part, person in (("train", "a"), ("query", "a"), ("gallery", "b")):
        folder = tmp_path / part / person
        folder.mkdir(parents=True)
        Image.new("RGB", (4, 8)).save(folder / "c3.png")
    return tmp_path


def test_options_reach_the_reader_and_problems_are_said(people, capsys):
    dataset = read_source(f"folder:{people}", [r"camera-pattern=c(\d)"])
    assert dataset.train.camera.tolist() == [3]
    said = capsys.readouterr().err
    assert said == f"problem in folder:{people}: 1 persons are in train and in test, the first is 0\n"


def test_an_unknown_option_is_one_sentence(people):
    with pytest.raises(OptionError, match="did you mean camera_pattern"):
        read_source(f"folder:{people}", ["camera-patern=x"])
