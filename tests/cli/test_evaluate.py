"""`glimpse evaluate` measures retrievers and saved embeddings, and says in one sentence what does not fit."""

import json

import numpy as np
import pytest
import torch
import typer
from PIL import Image
from typer.testing import CliRunner

from glimpse.cli.evaluate import evaluate
from glimpse.embeddings import Embeddings
from glimpse.errors import GlimpseError
from glimpse.evaluation import Result
from glimpse.evaluation import evaluate as measure
from glimpse.models.backbones.sizes import Size
from glimpse.models.factory import NetworkCard, build_network
from glimpse.protocols import single_query
from glimpse.records import JUNK, Records
from glimpse.reranking import KReciprocal
from glimpse.retriever import ColorEncoder, NetworkEncoder, Retriever
from glimpse.retriever.codec import read_comparison
from glimpse.similarity import (
    ConflictPenalized,
    CoOccurrencePrior,
    Euclidean,
    MaskedCosine,
    MaskSide,
    SetJaccard,
)

PERSONS = 12


@pytest.fixture
def run():
    """Run the command; gives its output, or raises what it raises."""
    app = typer.Typer()
    app.command()(evaluate)

    def running(*arguments):
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if result.exception is not None:
            raise result.exception
        return result.stdout

    return running


@pytest.fixture
def tree(tmp_path):
    """Partial-iLIDS: one query and one gallery image of each person."""
    for side in ("query", "gallery"):
        for person in range(1, PERSONS + 1):
            path = tmp_path / "ilids" / side / f"{person}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (2, 5)).save(path)
    return tmp_path / "ilids"


@pytest.fixture
def embeddings(tmp_path):
    """Vectors that find every person, in an order and with paths of their own."""
    rng = np.random.default_rng(0)
    of_person = rng.standard_normal((PERSONS + 1, 16))
    names = [f"{side}/{person}.jpg" for side in ("gallery", "query") for person in range(PERSONS, 0, -1)]
    persons = [person for _ in range(2) for person in range(PERSONS, 0, -1)]
    vectors = of_person[persons] + 0.1 * rng.standard_normal((2 * PERSONS, 16))
    Embeddings(vectors.astype(np.float32)).save(tmp_path / "model.safetensors")
    Records.from_columns(names, persons).save(tmp_path / "model.csv")
    return tmp_path / "model.safetensors"


def test_a_data_set_is_measured_by_path(run, tree, embeddings):
    out = run(embeddings, "--data", f"partial_ilids:{tree}")
    header, row = out.splitlines()[1:3]
    assert header.split()[:4] == ["trials", "valid", "skipped", "rank-1"]
    assert row.split()[:5] == ["cosine", "1", str(PERSONS), "0", "100.00"]


@pytest.mark.parametrize("rerank", ["sim", "k-reciprocal"])
def test_a_reranking_is_shown_with_and_without(run, tree, embeddings, rerank):
    figures = json.loads(
        run(
            embeddings,
            "--data",
            f"partial_ilids:{tree}",
            "--rerank",
            rerank,
            "--json",
            "--similarity",
            "euclidean",
        )
    )["protocols"]["test"]
    assert list(figures["results"]) == ["euclidean", f"euclidean, {rerank}"]
    assert figures["results"]["euclidean"]["summary"]["rank-1"] == 1
    assert figures["results"][f"euclidean, {rerank}"]["valid"] == [PERSONS]


def test_the_result_is_kept(run, tree, embeddings, tmp_path):
    run(embeddings, "--data", f"partial_ilids:{tree}", "--save", tmp_path / "r.json", "--ap", "trapezoid")
    result = Result.load(tmp_path / "r.json")
    assert (len(result), result.ap.value) == (PERSONS, "trapezoid")


@pytest.fixture
def two_tables(tmp_path):
    """Query and gallery of two cameras; each query also meets itself in its own camera."""
    rng = np.random.default_rng(1)
    for name, ending, cameras in (("q", ".npz", [1]), ("g", ".safetensors", [1, 2])):
        persons = np.tile(np.arange(8), len(cameras))
        vectors = np.eye(8)[persons] + 0.01 * rng.standard_normal((len(persons), 8))
        Embeddings(vectors, np.ones_like(vectors)).save(tmp_path / f"{name}{ending}")
        Records.from_columns(
            [f"{name}{row}" for row in range(len(persons))],
            persons,
            camera=np.repeat(cameras, 8),
            extra={"visible": np.linspace(0, 1, len(persons))},
        ).save(tmp_path / f"{name}.csv")
    return "--query", tmp_path / "q.npz", "--gallery", tmp_path / "g.safetensors"


@pytest.mark.parametrize("similarity", ["cosine", "euclidean", "masked-cosine"])
def test_two_tables_are_compared_by_markets_rule(run, two_tables, similarity):
    figures = json.loads(run(*two_tables, "--similarity", similarity, "--json"))
    figures = figures["protocols"]["test"]["results"][similarity]
    assert figures["summary"]["mAP"] == 1
    assert figures["valid"] == [8]


def test_groups_and_intervals(run, two_tables):
    out = run(*two_tables, "--by", "visible", "--intervals")
    assert "cosine, visible 0-0.25" in out
    assert "95 % intervals, cosine: rank-1 100.00 [100.00, 100.00]" in out
    figures = json.loads(run(*two_tables, "--by", "camera", "--intervals", "--json"))
    figures = figures["protocols"]["test"]
    assert list(figures["groups"]) == ["cosine, camera 1"]
    assert figures["intervals"]["cosine"]["mAP"]["value"] == 1


def test_groups_of_a_column_of_text(run, two_tables):
    groups = json.loads(run(*two_tables, "--by", "path", "--json"))["protocols"]["test"]["groups"]
    assert list(groups) == [f"cosine, path q{row}" for row in range(8)]


def test_what_does_not_fit_is_one_sentence(run, tree, embeddings, two_tables, tmp_path):
    data = ("--data", f"partial_ilids:{tree}")
    for arguments, sentence in [
        ((), "give either RETRIEVER or EMBEDDINGS with --data, or --query with --gallery"),
        ((embeddings,), "give either"),
        ((*two_tables, "--protocol", "test"), "--protocol goes with --data"),
        ((tmp_path / "none.npz", *data), "no file of embeddings"),
        (
            (tmp_path / "none.pkl", *data),
            r"is neither a file of embeddings \(.safetensors, .npz\) nor a retr",
        ),
        (("color", *data), r"color is neither .* comes with Glimpse \(.*colors"),
        (("colors", *data, "--records", "r.csv"), "--records goes with EMBEDDINGS, not with a retriever"),
        ((embeddings, *data, "--device", "cpu"), "--device goes with a retriever, not with EMBEDDINGS"),
        ((tree, *data), r"there is no retriever in .* it has no card\.json"),
        ((embeddings, *data, "--protocol", "night"), "no protocol 'night'"),
        ((embeddings, *data, "--records", two_tables[1].with_suffix(".csv")), "has 24 rows, but q.csv has 8"),
        ((*two_tables, "--by", "weather"), "no column weather"),
    ]:
        with pytest.raises(GlimpseError, match=sentence):
            run(*arguments)


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


def test_a_fitted_similarity_is_kept_with_its_arrays(run, tmp_path):
    features = np.random.default_rng(0).random((9, 531)).astype(np.float32)
    prior = CoOccurrencePrior.fit(features, np.arange(9))
    own = ConflictPenalized(SetJaccard(), prior, 0.01)
    one = embedded(tmp_path, "one", Retriever(ColorEncoder(), own))
    similarity, reranker = read_comparison(one)
    np.testing.assert_array_equal(similarity.prior.together, prior.together)
    assert reranker is None
    run("--query", one, "--gallery", one)


def test_junk_without_embeddings_counts_nowhere(tmp_path):
    market = tmp_path / "market"
    names = {"bounding_box_train": ["0009_c1s1_000001_01"], "query": ["0001_c1s1_000001_01"]}
    names["bounding_box_test"] = ["-1_c2s1_000002_01", "0000_c2s1_000003_01", "0001_c2s1_000004_01"]
    for folder, images in names.items():
        (market / folder).mkdir(parents=True)
        for name in images:
            (market / folder / f"{name}.jpg").touch()
    app = typer.Typer()
    app.command()(evaluate)

    def told(*left_out):
        paths = [f"{folder}/{name}.jpg" for folder, images in names.items() for name in images]
        kept = [path for path in paths if not any(name in path for name in left_out)]
        vectors = {"-1": [1, 0], "0000": [0.9, 0.1], "0001": [1, 0.01], "0009": [0, 1]}
        rows = [vectors[path.split("/")[1].split("_")[0]] for path in kept]
        Embeddings(np.array(rows)).save(tmp_path / "e.npz")
        Records.from_columns(kept, JUNK).save(tmp_path / "e.csv")
        return CliRunner().invoke(app, [str(tmp_path / "e.npz"), "--data", f"market1501:{market}", "--json"])

    whole, without = told(), told("-1_c2")
    assert json.loads(whole.stdout) == json.loads(without.stdout)
    assert "1 gallery rows of nobody (junk) have no embedding" in without.stderr
    assert "(junk)" not in whole.stderr
    # a distractor is a wrong answer that counts
    assert "1 of the 3 gallery rows have no embedding" in str(told("0000_c2").exception)
