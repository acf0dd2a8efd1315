"""What the options of training commands make of the engine."""

import sys
import types

import pytest
import torch
from PIL import Image

from glimpse.choices import Dtype
from glimpse.cli.options import engine_of, read_source
from glimpse.errors import MissingExtraError, OptionError
from glimpse.training.engine import Engine


@pytest.fixture(autouse=True)
def kept_threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_options_become_the_engine_and_torchs_threads(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", types.ModuleType("tensorboard"))
    more = {"validate_every": 5, "average": 0.9, "tensorboard": True}
    engine = engine_of("cpu", Dtype.BFLOAT16, "inductor", 7, 3, **more)
    assert engine == Engine(
        device="cpu",
        dtype=Dtype.BFLOAT16,
        compile_backend="inductor",
        checkpoint_steps=7,
        **more,
    )
    assert torch.get_num_threads() == 3


def test_threads_stay_as_they_are_unless_asked_for():
    torch.set_num_threads(2)
    engine_of("auto", Dtype.FLOAT32, None, None, None)
    assert torch.get_num_threads() == 2
    with pytest.raises(OptionError, match=r"threads must be from 1 to .*, got 0"):
        engine_of("auto", Dtype.FLOAT32, None, None, 0)


def test_a_missing_extra_is_told_before_anything_is_prepared(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(MissingExtraError, match=r'pip install "glimpse\[tensorboard\]"'):
        engine_of("cpu", Dtype.FLOAT32, None, None, None, tensorboard=True)


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
