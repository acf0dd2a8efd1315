"""The command that exports."""

import json

import numpy as np
import onnxruntime
import pytest
from micro_retrievers import told_apart

from glimpse.cli.embed import embed
from glimpse.cli.export import export
from glimpse.errors import GlimpseError
from glimpse.retriever import Retriever


@pytest.fixture
def run(runner_of):
    return runner_of(embed, export)


def test_an_export_says_what_it_takes_and_how_close_it_is(run, network, folder, tmp_path):
    out = tmp_path / "model.onnx"
    told = run("export", network, "--format", "onnx", "--out", out, "--int8", "--data", f"folder:{folder}")
    assert "`pixels`, uint8 [N, H, W, 3], RGB, resized inside to 64 x 32" in told
    assert "parity: at most" in told
    assert "int8: cosine of its vectors with torch's" in told
    assert "torch: Rank-1" in told
    assert "exported: Rank-1" in told
    session = onnxruntime.InferenceSession(out)
    assert session.run(None, {"pixels": np.zeros((2, 50, 20, 3), np.uint8)})[0].shape == (2, 256)


def test_a_plain_export_as_json(run, network, tmp_path):
    figures = json.loads(run("export", network, "--out", tmp_path / "model.onnx", "--plain", "--json"))
    assert figures["form"] == "plain"
    assert figures["parity"]["difference"] <= 1e-4 * figures["parity"]["scale"]
    assert figures["cosine"] is figures["accuracy"] is None
    assert figures["bytes"] == (tmp_path / "model.onnx").stat().st_size


def test_colors_are_no_network_to_export(run, tmp_path):
    with pytest.raises(GlimpseError, match="only a network can be exported"):
        run("export", "colors", "--out", tmp_path / "model.onnx")


def test_an_export_says_which_further_inputs_there_are(run, monkeypatch, tmp_path):
    monkeypatch.setattr(Retriever, "load", lambda name: Retriever(told_apart()))
    out = run("export", "told", "--out", tmp_path / "model.onnx")
    assert "`cameras`, int64 [N], may be left out: numbers as in the data it was trained on" in out
    assert "`modalities`, int64 [N], may be left out: 0 for visible, 1 for infrared, -1 for unknown" in out
    figures = json.loads(run("export", "told", "--out", tmp_path / "model.onnx", "--json"))
    assert figures["told"] == ["cameras", "modalities"]
