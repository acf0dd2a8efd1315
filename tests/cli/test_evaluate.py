"""`glimpse evaluate` measures retrievers and saved embeddings, and says in one sentence what does not fit."""

import json

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from glimpse.cli.evaluate import evaluate
from glimpse.embeddings import Embeddings
from glimpse.errors import GlimpseError
from glimpse.evaluation import Result
from glimpse.records import Records

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
