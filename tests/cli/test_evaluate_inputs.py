"""What is measured: embeddings with their records, and how they are compared."""

import json

import numpy as np
import pytest
import torch
import typer
from PIL import Image
from typer.testing import CliRunner

from glimpse.cli.evaluate import evaluate
from glimpse.cli.evaluate_inputs import RerankName, comparing
from glimpse.embeddings import Embeddings
from glimpse.errors import GlimpseError
from glimpse.evaluation import evaluate as measure
from glimpse.models.backbones.sizes import Size
from glimpse.models.factory import NetworkCard, build_network
from glimpse.protocols import single_query
from glimpse.records import Records
from glimpse.reranking import KReciprocal, SimilarityInference
from glimpse.retriever import ColorEncoder, NetworkEncoder, Retriever
from glimpse.similarity import (
    Euclidean,
    MaskedCosine,
    MaskSide,
)


@pytest.fixture
def run(runner_of):
    return runner_of(evaluate)


@pytest.mark.parametrize("similarity", ["cosine", "euclidean", "masked-cosine"])
def test_two_tables_are_compared_by_markets_rule(run, two_tables, similarity):
    figures = json.loads(run(*two_tables, "--similarity", similarity, "--json"))
    figures = figures["protocols"]["test"]["results"][similarity]
    assert figures["summary"]["mAP"] == 1
    assert figures["valid"] == [8]


def test_the_constants_of_sim_are_chosen_by_the_name_of_the_data_set():
    for name, wanted in (("sim", SimilarityInference.sysu()), ("sim-regdb", SimilarityInference.regdb())):
        assert comparing(None, None, RerankName(name)).reranker == (name, wanted)


def test_a_missing_row_is_named(run, tree, embeddings):
    records = Records.load(embeddings.with_suffix(".csv"))
    paths = ["elsewhere.jpg" if path == "query/7.jpg" else path for path in records.path]
    records.with_columns(path=np.array(paths, object)).save(embeddings.with_suffix(".csv"))
    with pytest.raises(GlimpseError, match=r"1 of the 12 query rows have no embedding, .* 'query/7\.jpg'"):
        run(embeddings, "--data", f"partial_ilids:{tree}")


def test_missing_records_are_asked_for(run, tree, embeddings):
    embeddings.with_suffix(".csv").unlink()
    with pytest.raises(GlimpseError, match=r"needs its records beside it, one of model\.csv, model\.arrow"):
        run(embeddings, "--data", f"partial_ilids:{tree}")


def embedded(tmp_path, name, retriever, persons=(1, 2, 3)):
    """Embeddings and records as `glimpse embed` leaves them: two images of each person, by two cameras."""
    paths = []
    for person in persons:
        for camera in (1, 2):
            path = tmp_path / f"{name}_{person}_{camera}.png"
            pixels = np.random.default_rng((person, camera)).integers(0, 256, (64, 32, 3), np.uint8)
            Image.fromarray(pixels).save(path)
            paths.append(path)
    records = Records.from_columns(
        [str(path) for path in paths], np.repeat(persons, 2), camera=[1, 2] * len(persons)
    )
    out = tmp_path / f"{name}.safetensors"
    retriever.embed_to_file(records, out, table=out.with_suffix(".csv"))
    return out


def test_vectors_beside_the_records_of_others_are_refused(run, tmp_path):
    one, other = (embedded(tmp_path, name, Retriever.load("colors")) for name in ("one", "other"))
    assert json.loads(run("--query", one, "--gallery", one, "--json"))
    # as a kill between the two renames of `glimpse embed` leaves them
    one.with_suffix(".csv").write_bytes(other.with_suffix(".csv").read_bytes())
    with pytest.raises(GlimpseError, match=r"one\.csv is not the table of .*one\.safetensors"):
        run("--query", one, "--gallery", other)


def test_records_may_learn_more_of_their_rows_but_not_change_them(run, tmp_path):
    one = embedded(tmp_path, "one", Retriever.load("colors"))
    records = Records.load(one.with_suffix(".csv"))
    records.with_columns(person=records.person + 7, note="seen").save(one.with_suffix(".csv"))
    run("--query", one, "--gallery", one)
    records[::-1].save(one.with_suffix(".csv"))
    with pytest.raises(GlimpseError, match="in another order"):
        run("--query", one, "--gallery", one)


def test_embeddings_are_compared_as_their_retriever_says(run, tmp_path):
    own = MaskedCosine(MaskSide.SUBSPACE)
    torch.manual_seed(0)
    card = NetworkCard("dpm", Size.MICRO, (64, 32))
    encoder = NetworkEncoder(build_network(card).eval(), card)
    one = embedded(tmp_path, "one", Retriever(encoder, own, KReciprocal(k1=2, k2=1)))
    pair, records = Embeddings.load(one), Records.load(one.with_suffix(".csv"))
    assert pair.masks is not None
    protocol = single_query(records, records)
    results = json.loads(run("--query", one, "--gallery", one, "--json"))["protocols"]["test"]["results"]
    assert list(results) == ["masked-cosine", "masked-cosine, k-reciprocal"]
    expected = measure((pair, pair), protocol, similarity=own).summary()
    assert results["masked-cosine"]["summary"] == expected
    named = json.loads(
        run("--query", one, "--gallery", one, "--json", "--similarity", "masked-cosine", "--rerank", "none")
    )
    assert named["protocols"]["test"]["results"]["masked-cosine"]["summary"] == expected


def test_two_files_that_are_compared_in_different_ways_are_refused(run, tmp_path):
    one = embedded(tmp_path, "one", Retriever(ColorEncoder(), Euclidean()))
    other = embedded(tmp_path, "other", Retriever(ColorEncoder()))
    with pytest.raises(GlimpseError, match="say that they are compared in different ways"):
        run("--query", one, "--gallery", other)
    assert "cosine" in run("--query", one, "--gallery", other, "--similarity", "cosine")


def test_masks_that_are_left_out_are_said(two_tables):
    app = typer.Typer()
    app.command()(evaluate)
    said = CliRunner().invoke(app, [str(argument) for argument in two_tables]).stderr
    assert "have masks and do not say how they are compared" in said
