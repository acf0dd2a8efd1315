"""`glimpse evaluate RETRIEVER` embeds a data set's rows and measures by every protocol."""

import json

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from glimpse.cli.evaluate import evaluate
from glimpse.cli.evaluate_inputs import Comparing, comparing
from glimpse.datasets import read
from glimpse.errors import GlimpseError
from glimpse.evaluation import Result
from glimpse.evaluation import evaluate as measure
from glimpse.reranking import KReciprocal
from glimpse.retriever import ColorEncoder, Retriever
from glimpse.similarity import Cosine, Euclidean, MaskedCosine, MaskSide

PERSONS = 6


@pytest.fixture
def run():
    app = typer.Typer()
    app.command()(evaluate)

    def running(*arguments):
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if result.exception is not None:
            raise result.exception
        return result.stdout

    return running


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """Partial-REID, two protocols over one gallery; person 6 is only ever asked for, so it is skipped."""
    root = tmp_path_factory.mktemp("partial")
    for kind in ("partial", "occluded", "whole"):
        (root / f"{kind}_body_images").mkdir()
        for person in range(1, PERSONS + (kind != "whole")):
            rng = np.random.default_rng((person, len(kind)))
            color = np.random.default_rng(person).integers(0, 256, 3)
            pixels = (color + rng.integers(-40, 41, (40, 20, 3))).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / f"{kind}_body_images" / f"{person:03d}_001.png")
    return root


@pytest.mark.filterwarnings("ignore::glimpse.datasets.DatasetWarning")
def test_every_protocol_is_measured_as_by_hand(run, tree, tmp_path):
    out = json.loads(run("colors", "--data", f"partial_reid:{tree}", "--json", "--out", tmp_path / "kept"))
    assert list(out["protocols"]) == ["partial", "occluded"]
    colors = Retriever.load("colors")
    for protocol in read("partial_reid", tree).protocols.values():
        pair = colors.embed(protocol.query), colors.embed(protocol.gallery)
        expected = measure(pair, protocol, similarity=Cosine())
        shown = out["protocols"][protocol.name]["results"]["cosine"]
        assert shown["summary"] == expected.summary()
        assert (shown["valid"], shown["skipped"]) == ([PERSONS - 1], [1])
        kept = Result.load(tmp_path / "kept" / f"{protocol.name}-cosine.json")
        np.testing.assert_array_equal(kept.average_precision, expected.average_precision)


def test_a_row_of_several_protocols_is_embedded_once(run, tree, monkeypatch):
    asked = []
    embed = ColorEncoder.embed
    monkeypatch.setattr(
        ColorEncoder, "embed", lambda self, p, c: (asked.append(len(p)), embed(self, p, c))[1]
    )
    run("colors", "--data", f"partial_reid:{tree}")
    assert sum(asked) == PERSONS + PERSONS + PERSONS - 1


def test_tables_name_protocols_and_skipped_queries(run, tree):
    lines = run("colors", "--data", f"partial_reid:{tree}", "--protocol", "occluded").splitlines()
    assert lines[0] == "protocol occluded"
    assert lines[2].split()[:4] == ["cosine", "1", str(PERSONS - 1), "1"]
    assert not any(line.startswith("protocol partial") for line in lines)


def test_a_card_says_how_its_embeddings_are_compared(run, tree, tmp_path):
    Retriever(ColorEncoder(), Euclidean(), KReciprocal(k1=3, k2=2)).save(tmp_path / "own")
    ask = (tmp_path / "own", "--data", f"partial_reid:{tree}", "--protocol", "partial", "--json")

    def names(*more):
        return list(json.loads(run(*ask, *more))["protocols"]["partial"]["results"])

    assert names() == ["euclidean", "euclidean, k-reciprocal"]
    assert names("--rerank", "none") == ["euclidean"]
    assert names("--similarity", "cosine", "--rerank", "sim") == ["cosine", "cosine, sim"]


def test_one_file_holds_one_protocol(run, tree, tmp_path):
    data = ("--data", f"partial_reid:{tree}")
    with pytest.raises(
        GlimpseError, match=r"one protocol's result, not those of partial, occluded: give a f"
    ):
        run("colors", *data, "--out", tmp_path / "r.json")
    run("colors", *data, "--protocol", "partial", "--out", tmp_path / "r.json")
    assert Result.load(tmp_path / "r.json").protocol == "partial"


def test_a_similarity_that_is_named_as_the_retrievers_own_is_its_own():
    own = Comparing(("masked-cosine", MaskedCosine(MaskSide.SUBSPACE)), None)
    named = comparing(own, "masked-cosine", None)
    assert named.similarity == own.similarity == comparing(own, None, None).similarity
    assert comparing(own, "cosine", None).similarity == ("cosine", Cosine())
    assert comparing(None, "masked-cosine", None).similarity[1] == MaskedCosine()


@pytest.mark.filterwarnings("ignore::glimpse.datasets.DatasetWarning")
def test_a_network_can_be_measured_with_mirrored_images_too(run, tree):
    options = ("--data", f"partial_reid:{tree}", "--json", "--protocol", "partial")
    out = json.loads(run("vit-micro", *options, "--flip"))
    both = Retriever.load("vit-micro").averaging_mirrored()
    protocol = read("partial_reid", tree).protocol("partial")
    expected = measure(
        (both.embed(protocol.query), both.embed(protocol.gallery)), protocol, similarity=Cosine()
    )
    assert out["protocols"]["partial"]["results"]["cosine"]["summary"] == expected.summary()
    with pytest.raises(GlimpseError, match="--flip goes with a retriever"):
        run("q.safetensors", *options, "--flip")
