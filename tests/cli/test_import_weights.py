"""`glimpse import-weights FILE.onnx` makes a retriever that says how its model is fed."""

import json

import numpy as np
import pytest
import torch
import typer
from onnx import TensorProto, helper
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from glimpse.cli.import_weights import import_weights
from glimpse.errors import GlimpseError, OptionError, WeightsError
from glimpse.models.backbones.resnet import ResNet, ResNetConfig
from glimpse.models.weights import load_backbone
from glimpse.retriever import Retriever
from glimpse.retriever.export import export_onnx


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


def test_an_import_may_be_made_again_but_fills_no_folder_of_other_files(run, checkpoint, tmp_path):
    run(checkpoint[0], "--out", tmp_path / "out")
    run(checkpoint[0], "--out", tmp_path / "out")
    (tmp_path / "out" / "notes.txt").write_text("mine")
    with pytest.raises(OptionError, match=r"out holds notes\.txt, which no import wrote: choose a new or an"):
        run(checkpoint[0], "--out", tmp_path / "out")


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


def test_a_torchscript_archive_is_imported_as_data(run, tmp_path, checkpoint):
    """Whatever it would run; its half precision becomes single."""
    state = load_file(checkpoint[0])
    path = tmp_path / "network.pt"
    root = torch.nn.Module()
    for name, value in state.items():
        *parts, last = name.split(".")
        part = root
        for step in parts:
            if step not in dict(part.named_children()):
                part.add_module(step, torch.nn.Module())
            part = part.get_submodule(step)
        part.register_buffer(last, value.half() if value.is_floating_point() else value)
    torch.jit.script(root).save(str(path))
    assert "style: torchvision-resnet" in run(path, "--out", tmp_path / "out")
    weight = load_backbone(tmp_path / "out" / "image.safetensors").stems[0].conv.weight
    assert weight.dtype is torch.float32
    assert weight.equal(state["base.conv1.weight"].half().float())


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("--image", "256"), ("--image", "9" * 5000 + "x9"), ("--made-for", "x")),
        *(("--made-for", f"256x128/{stride}") for stride in ("a", "²", "0", "9" * 5000)),
    ],
)
def test_bad_sizes_are_refused_in_one_sentence(run, checkpoint, tmp_path, option, value):
    with pytest.raises(OptionError, match=r"given as HEIGHTxWIDTH|whole number"):
        run(checkpoint[0], "--out", tmp_path / "out", option, value)


RED = np.full((1, 40, 20, 3), (255, 51, 0), np.uint8)


@pytest.fixture
def import_onnx_run():
    app = typer.Typer()
    app.command()(import_weights)

    def running(*arguments):
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if result.exception is not None:
            raise result.exception
        return result.stdout

    return running


def mean_of_channels(path, height, width):
    """A model whose vectors are the means of its three input planes."""
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["images"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["vectors"]),
        ],
        "means",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["N", 3, height, width])],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["N", 3])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.fixture
def model(tmp_path):
    return mean_of_channels(tmp_path / "means.onnx", 64, 32)


def test_what_is_said_is_what_the_model_is_fed(import_onnx_run, model, tmp_path):
    out = import_onnx_run(
        *(model, "--out", tmp_path / "means", "--channels", "bgr", "--interpolation", "bicubic"),
        *("--mean", "0,0.2,1", "--std", "1,2,0.5"),
    )
    assert "BGR, resized bicubic, (pixel / 255 - mean) / deviation with mean 0, 0.2, 1 and" in out
    assert "taken for granted" not in out
    vectors = Retriever.load(tmp_path / "means").embed(RED).vectors
    np.testing.assert_allclose(vectors, [[0, 0, 0]], atol=1e-6)  # blue 0, green 0.2, red 1, as subtracted
    card = json.loads((tmp_path / "means" / "card.json").read_text())
    assert card["encoder"] == {
        "kind": "onnx",
        "size": [64, 32],
        "mean": [0, 0.2, 1],
        "std": [1, 2, 0.5],
        "interpolation": "bicubic",
        "channels": "bgr",
    }
    assert "means.onnx" in card["about"]["what"]


def test_without_options_it_is_imagenet_and_says_so(import_onnx_run, model, tmp_path):
    assert "ImageNet's normalization is taken for granted" in import_onnx_run(
        model, "--out", tmp_path / "plain"
    )
    vectors = Retriever.load(tmp_path / "plain").embed(RED).vectors
    expected = (np.array([1, 0.2, 0]) - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    np.testing.assert_allclose(vectors[0], expected, rtol=1e-5)


def test_a_retriever_makes_way_when_it_is_said(import_onnx_run, model, tmp_path):
    import_onnx_run(model, "--out", tmp_path / "r")
    with pytest.raises(GlimpseError, match="a retriever is there: give --replace, or another folder"):
        import_onnx_run(model, "--out", tmp_path / "r", "--channels", "bgr")
    assert Retriever.load(tmp_path / "r").encoder.preprocessing.channels == "rgb"
    import_onnx_run(model, "--out", tmp_path / "r", "--channels", "bgr", "--replace")
    assert Retriever.load(tmp_path / "r").encoder.preprocessing.channels == "bgr"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["means.onnx", "r"]


def test_a_model_of_any_size_is_told_its_size(import_onnx_run, tmp_path):
    free = mean_of_channels(tmp_path / "free.onnx", "H", "W")
    with pytest.raises(GlimpseError, match=r"free\.onnx takes images of any size: say with --image HxW"):
        import_onnx_run(free, "--out", tmp_path / "free")
    figures = json.loads(import_onnx_run(free, "--out", tmp_path / "free", "--image", "48x16", "--json"))
    assert (figures["fed"]["size"], figures["dim"]) == ([48, 16], 3)


def test_what_does_not_fit_is_one_sentence(import_onnx_run, model, tmp_path):
    (tmp_path / "odd.onnx").write_bytes(b"odd")
    (tmp_path / "there").mkdir()
    for arguments, sentence in [
        ((model, "--out", tmp_path / "o", "--mean", "1,2"), "--mean is three numbers"),
        ((model, "--out", tmp_path / "o", "--std", "1,0,1"), "deviation .* must be above 0"),
        ((model, "--out", tmp_path / "o", "--style", "clip"), "--style is for checkpoints, not for ONNX"),
        ((model, "--out", tmp_path / "o", "--image", "32x32"), r"the model must take \[N, 3, 32, 32\]"),
        ((model, "--out", tmp_path / "o.safetensors"), "a retriever in a folder: give a folder"),
        ((model, "--out", tmp_path / "there"), "something else is there"),
        ((tmp_path / "no.onnx", "--out", tmp_path / "o"), r"no\.onnx: there is no such file"),
        ((tmp_path / "odd.onnx", "--out", tmp_path / "o"), "not an ONNX model that can be run"),
        ((tmp_path / "ir.xml", "--out", tmp_path / "o"), "OpenVINO's format.*to ONNX and import that"),
        (("a.pth", "--out", tmp_path / "o", "--replace"), "--replace is for ONNX models"),
        (("a.pth", "--out", tmp_path / "o", "--mean", "1,1,1"), "--mean is for ONNX models"),
    ]:
        with pytest.raises(GlimpseError, match=sentence):
            import_onnx_run(*arguments)
    assert not (tmp_path / "o").exists()


@pytest.mark.usefixtures("rendered_once")
def test_a_check_is_printed_and_kept_in_the_card(import_onnx_run, tmp_path):
    export_onnx(Retriever.load("vit-micro").encoder, tmp_path / "m.onnx")
    out = import_onnx_run(tmp_path / "m.onnx", "--out", tmp_path / "r", "--check")
    said = "check: on rendered people it is right in 9"
    assert said in out
    assert "uint8 of 64 x 32 pixels, RGB, resized" in out
    assert "taken for granted" not in out
    assert Retriever.load(tmp_path / "r").about["check"].startswith(said)
    figures = json.loads(import_onnx_run(tmp_path / "m.onnx", "--out", tmp_path / "r2", "--check", "--json"))
    assert figures["check"]["says"][0].startswith(said)
    assert set(figures["check"]["scores"]) == {"as stated", "swapped"}


@pytest.mark.usefixtures("rendered_once")
def test_a_backbone_is_checked_too(run, checkpoint, tmp_path):
    out = run(checkpoint[0], "--out", tmp_path / "out", "--check")
    assert "It tells nearly nobody from anybody" in out
    kept = json.loads((tmp_path / "out" / "report.json").read_text())
    assert kept["check"]["scores"]["as stated"] < 0.72
