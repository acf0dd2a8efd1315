"""The command that exports."""

import json

import numpy as np
import onnxruntime
import pytest
from micro_retrievers import micro_encoder, told_apart
from PIL import Image

from glimpse.cli.embed import embed
from glimpse.cli.evaluate import evaluate
from glimpse.cli.export import export
from glimpse.cli.import_weights import import_weights
from glimpse.errors import GlimpseError
from glimpse.reranking import KReciprocal
from glimpse.retriever import Retriever
from glimpse.retriever.codec import same_comparison
from glimpse.similarity import (
    ConflictPenalized,
    CoOccurrencePrior,
    Cosine,
    MaskedCosine,
    MaskSide,
    SetJaccard,
)


@pytest.fixture
def run(runner_of):
    return runner_of(embed, evaluate, export, import_weights)


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


def test_a_protocol_is_of_a_data_set(run, network, tmp_path):
    with pytest.raises(GlimpseError, match="--protocol is one of a data set's: give --data NAME:DIR"):
        run("export", network, "--out", tmp_path / "model.onnx", "--protocol", "test")
    assert not (tmp_path / "model.onnx").exists()


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


def penalized(dim):
    """Set Jaccard with a penalty that was fitted to something."""
    activations = np.random.default_rng(0).random((9, dim), np.float32)
    return ConflictPenalized(SetJaccard(), CoOccurrencePrior.fit(activations, np.arange(9)), 0.01)


@pytest.fixture
def people(tmp_path):
    """Six persons of a color each, in four noisy images by two cameras."""
    rng, rows = np.random.default_rng(0), ["path,person,camera,split"]
    for person, color in enumerate(rng.integers(30, 226, (6, 3))):
        for shot in range(4):
            pixels = (color + rng.integers(-90, 91, (64, 32, 3))).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / f"{person}-{shot}.png")
            rows.append(f"{person}-{shot}.png,{person},{shot % 2},{'query' if shot == 0 else 'gallery'}")
    (tmp_path / "people.csv").write_text("\n".join(rows) + "\n")
    return f"csv:{tmp_path / 'people.csv'}"


@pytest.mark.parametrize(
    ("method", "similarity", "int8"),
    [
        ("bot", lambda dim: Cosine(), ()),
        ("dpm", lambda dim: MaskedCosine(MaskSide.SUBSPACE), ()),
        ("dpm", lambda dim: MaskedCosine(), ("--int8",)),
        ("mos", lambda dim: SetJaccard(), ()),
        ("mos", penalized, ()),
    ],
    ids=["cosine", "masked", "masked-int8", "set-jaccard", "penalized"],
)
def test_an_exported_retriever_measures_alike_when_it_is_imported_again(
    run, people, tmp_path, method, similarity, int8
):
    encoder = micro_encoder(method)
    similarity = similarity(encoder.dim)
    saved = Retriever(encoder, similarity, KReciprocal(k1=3, k2=2))
    saved.save(tmp_path / "own")
    run("export", tmp_path / "own", "--out", tmp_path / "m.onnx", "--plain", *int8)
    told = run("import-weights", tmp_path / "m.onnx", "--out", tmp_path / "again")
    if not isinstance(similarity, Cosine):
        assert f"compared as the retriever that it was exported from: {type(similarity).__name__}" in told
    again = Retriever.load(tmp_path / "again")
    assert again.reranker == saved.reranker
    assert same_comparison((again.similarity, again.reranker), (similarity, saved.reranker))
    if not int8:
        own, found = (
            json.loads(run("evaluate", tmp_path / name, "--data", people, "--json"))["protocols"]["test"]
            for name in ("own", "again")
        )
        figures = [result["summary"] for result in own["results"].values()]
        assert figures == [result["summary"] for result in found["results"].values()]
        assert 0 < figures[0]["mAP"] < 1


def test_a_plain_export_says_what_its_graph_makes_up_for(run, network, tmp_path):
    out = run("export", network, "--out", tmp_path / "model.onnx", "--plain")
    assert (
        "mean (0.485, 0.456, 0.406) and deviation (0.229, 0.224, 0.225), ImageNet's; the graph turns" in out
    )
    assert "into the network's own (0.5, 0.5, 0.5) and (0.5, 0.5, 0.5)" in out
    assert "left out" not in out


def test_an_export_says_what_it_leaves_out(run, monkeypatch, tmp_path):
    monkeypatch.setattr(Retriever, "load", lambda name: Retriever(micro_encoder("clip")))
    out = run("export", "clip", "--out", tmp_path / "model.onnx")
    assert "left out: the network's side for texts; the model embeds images only" in out


@pytest.mark.filterwarnings("error")
def test_what_is_wrong_with_the_data_set_is_said_in_a_line(run, network, tmp_path):
    for part in ("train", "query", "gallery"):
        folder = tmp_path / "people" / part / "ann"
        folder.mkdir(parents=True)
        Image.new("RGB", (4, 8)).save(folder / "c3.png")
    run("export", network, "--out", tmp_path / "model.onnx", "--data", f"folder:{tmp_path / 'people'}")
