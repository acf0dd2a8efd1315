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
from glimpse.records import JUNK, Records
from glimpse.retriever import ColorEncoder, Retriever
from glimpse.retriever.codec import read_comparison
from glimpse.similarity import (
    ConflictPenalized,
    CoOccurrencePrior,
    SetJaccard,
)

PERSONS = 12  # of the tree


@pytest.fixture
def run(runner_of):
    return runner_of(evaluate)


def test_a_data_set_is_measured_by_path(run, tree, embeddings):
    out = run(embeddings, "--data", f"partial_ilids:{tree}")
    header, row = out.splitlines()[1:3]
    assert header.split()[:4] == ["trials", "valid", "skipped", "rank-1"]
    assert row.split()[:5] == ["cosine", "1", str(PERSONS), "0", "100.00"]


@pytest.mark.parametrize("rerank", ["sim", "sim-regdb", "k-reciprocal"])
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
        ((*two_tables, "--reader", "split=3"), "--reader goes with --data"),
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


def test_tracks_are_measured_in_place_of_their_frames(run, two_tables, tmp_path):
    for name in ("q", "g"):
        records = Records.load(tmp_path / f"{name}.csv")
        tracks = np.array([f"{p}-{c}" for p, c in zip(records.person, records.camera, strict=True)], object)
        both = Records.concat([records, records.with_columns(path=records.path + "b")])
        both.with_columns(tracklet=np.tile(tracks, 2)).save(tmp_path / f"{name}.csv")
        ending = ".npz" if name == "q" else ".safetensors"
        vectors = Embeddings.load(tmp_path / f"{name}{ending}").vectors
        Embeddings(np.concatenate([vectors, vectors])).save(tmp_path / f"{name}{ending}")
    frames, tracks = (
        json.loads(run(*two_tables, *more, "--json"))["protocols"]["test"]["results"]["cosine"]
        for more in ((), ("--pool", "tracklet"))
    )
    assert (frames["valid"], tracks["valid"]) == ([16], [8])
    assert tracks["summary"]["mAP"] == 1
    with pytest.raises(GlimpseError, match="no column nothing"):
        run(*two_tables, "--pool", "nothing")


def test_a_gallery_too_small_for_sims_neighborhoods_is_said(two_tables):
    app = typer.Typer()
    app.command()(evaluate)
    words = [str(argument) for argument in two_tables]
    said = CliRunner().invoke(app, [*words, "--rerank", "sim"]).stderr
    assert "sim looks at the 21 nearest gallery rows, and there are only 16" in said
    assert "nearest gallery rows" not in CliRunner().invoke(app, [*words, "--rerank", "k-reciprocal"]).stderr
