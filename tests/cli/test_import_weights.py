import json

import pytest
import torch
import typer
from safetensors.torch import save_file
from typer.testing import CliRunner

from glimpse.cli.import_weights import import_weights
from glimpse.errors import OptionError, WeightsError
from glimpse.models.backbones.resnet import ResNet, ResNetConfig
from glimpse.models.weights import load_backbone


@pytest.fixture
def run():
    app = typer.Typer()
    app.command()(import_weights)

    def invoke(*arguments):
        result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=True)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.stdout

    return invoke


@pytest.fixture
def checkpoint(tmp_path):
    """A small BoT checkpoint: torchvision's names under `base.`, with a classifier."""
    network = ResNet(ResNetConfig(depths=(1, 1, 1, 1), width=4))
    names = {"stems.0.conv": "conv1", "stems.0.norm": "bn1", "shortcut.conv": "downsample.0",
             "shortcut.norm": "downsample.1", "norm": "bn"}  # fmt: skip
    state = {"classifier.weight": torch.zeros(3, 128)}
    for name, value in network.state_dict().items():
        for stage in range(4):
            name = name.replace(f"stages.{stage}.", f"layer{stage + 1}.")
        for ours, theirs in names.items():
            name = name.replace(ours, theirs)
        state[f"base.{name}"] = value
    save_file(state, tmp_path / "bot.safetensors")
    return tmp_path / "bot.safetensors", network


def test_a_folder_with_the_encoder_and_the_report(run, checkpoint, tmp_path):
    file, network = checkpoint
    text = run(file, "--out", tmp_path / "out")
    assert "style: torchvision-resnet" in text
    assert "missing: nothing" in text
    assert "left over: nothing" in text
    assert "1 tensors, a classifier of the training persons" in text
    again = load_backbone(tmp_path / "out" / "image.safetensors")
    assert again.stages[2][0].conv2.weight.equal(network.stages[2][0].conv2.weight)
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert ["base.conv1.weight", "image.stems.0.conv.weight"] in report["used"]


def test_one_file_and_json(run, checkpoint, tmp_path):
    file, _ = checkpoint
    report = json.loads(
        run(file, "--out", tmp_path / "r.safetensors", "--json", "--style", "torchvision-resnet")
    )
    assert report["files"] == {"image": str(tmp_path / "r.safetensors")}
    assert report["missing"] == report["left_over"] == []
    assert load_backbone(tmp_path / "r.safetensors").config.width == 4


def test_nothing_is_written_when_the_import_is_refused(run, tmp_path, checkpoint):
    file, _ = checkpoint
    with pytest.raises(OptionError, match="no style is called 'keras'"):
        run(file, "--out", tmp_path / "out", "--style", "keras")
    save_file({"a": torch.zeros(1)}, tmp_path / "odd.safetensors")
    with pytest.raises(WeightsError, match="no known style"):
        run(tmp_path / "odd.safetensors", "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("option", "value"), [("--image", "256"), ("--made-for", "256x128/a"), ("--made-for", "x")]
)
def test_bad_sizes_are_refused_in_one_sentence(run, checkpoint, tmp_path, option, value):
    with pytest.raises(OptionError, match=r"given as HEIGHTxWIDTH|whole number"):
        run(checkpoint[0], "--out", tmp_path / "out", option, value)
