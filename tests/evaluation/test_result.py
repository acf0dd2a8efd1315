"""What a `Result` keeps can be divided, compared, printed, saved and read again."""

import dataclasses
import json

import evaluation_cases as cases
import numpy as np
import pytest

from glimpse.errors import OptionError, ShapeError, StorageError
from glimpse.evaluation import AveragePrecision, Result, bins, evaluate, table
from glimpse.protocols import Cmc, SingleShot, without_cameras
from glimpse.records import Records


@pytest.fixture
def protocol(rng):
    return cases.protocol(rng, queries=80, gallery=90, persons=20, trials=3)


@pytest.fixture
def result(rng, protocol):
    return evaluate(cases.scores(rng, protocol), protocol)


def better(rng, protocol):
    """Scores that know a little about the persons."""
    same = protocol.query.person[:, None] == protocol.gallery.person
    return cases.scores(rng, protocol) + same


def test_groups_are_evaluated_as_if_alone(rng, protocol):
    scores = cases.scores(rng, protocol)
    groups = evaluate(scores, protocol).by(protocol.query.camera)
    assert sorted(groups) == [1, 2, 3, 4]
    for camera, part in groups.items():
        rows = np.flatnonzero(protocol.query.camera == camera)
        alone = dataclasses.replace(
            protocol,
            trials=tuple(
                dataclasses.replace(trial, query=np.intersect1d(trial.query, rows))
                for trial in protocol.trials
            ),
        )
        expected = evaluate(scores, alone)
        assert part.summary() == expected.summary()
        assert part.valid.tolist() == expected.valid.tolist()
        assert part.skipped.tolist() == expected.skipped.tolist()


def test_groups_by_bins_of_a_column(result, protocol, rng):
    visible = rng.random(len(protocol.query))
    parts = result.by(bins(visible, [0, 0.25, 0.5, 1]))
    assert set(parts) == {"0-0.25", "0.25-0.5", "0.5-1"}
    assert sum(len(part) for part in parts.values()) == len(result)


def test_a_group_without_an_answer_is_left_out():
    protocol = without_cameras(Records.from_columns(["q", "r"], [7, 8]), Records.from_columns(["a"], [7]))
    result = evaluate(np.zeros((2, 1)), protocol)
    assert list(result.by(np.array(["x", "y"]))) == ["x"]
    with pytest.raises(OptionError, match="none of the chosen queries"):
        result.only([False, True])


def test_a_group_needs_a_value_per_query_row(result):
    with pytest.raises(ShapeError, match="one value per row"):
        result.by(np.zeros(3))


@pytest.mark.parametrize(
    ("values", "edges", "sentence"),
    [
        ([0.5], [1], "two rising"),
        ([0.5], [0, 1, 1], "rising"),
        ([1.5], [0, 1], "row 0"),
        ([np.nan], [0, 1], "nan"),
    ],
)
def test_bins_refuse_what_lies_in_none(values, edges, sentence):
    with pytest.raises(OptionError, match=sentence):
        bins(values, edges)


def test_the_trials_are_averaged_one_by_one(result):
    assert result.trials == 3
    np.testing.assert_allclose(result.mean_ap, result.trial_map.mean())
    np.testing.assert_allclose(result.cmc, result.trial_cmc.mean(axis=0))
    assert result.trial_cmc.shape == (3, 50)
    assert (result.valid + result.skipped).tolist() == [80, 80, 80]


@pytest.mark.parametrize("sampling", [None, SingleShot(4, 1)])
def test_json_brings_everything_back(rng, tmp_path, protocol, sampling):
    protocol = dataclasses.replace(protocol, single_shot=sampling, note="a note", cmc=Cmc.IDENTITIES)
    result = evaluate(cases.scores(rng, protocol), protocol, ap=AveragePrecision.TRAPEZOID, max_rank=7)
    result.save(tmp_path / "result.json")
    again = Result.load(tmp_path / "result.json")
    for field in dataclasses.fields(result):
        mine, theirs = getattr(result, field.name), getattr(again, field.name)
        if isinstance(mine, np.ndarray):
            assert mine.dtype == theirs.dtype
            assert mine.shape == theirs.shape
            assert mine.tolist() == theirs.tolist()
        else:
            assert mine == theirs
    assert str(again) == str(result)
    held = json.loads((tmp_path / "result.json").read_text())
    assert held["summary"]["mAP"] == result.mean_ap
    assert held["ap"] == "trapezoid"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "cannot be read as JSON"),
        ("[]", "must be of format"),
        ('{"format": "another"}', "got another"),
        ('{"format": "glimpse-result-1"}', "not a whole result"),
    ],
)
def test_another_file_is_refused(tmp_path, text, sentence):
    (tmp_path / "other.json").write_text(text)
    with pytest.raises(StorageError, match=sentence):
        Result.load(tmp_path / "other.json")


def test_a_file_with_rows_missing_is_refused(tmp_path, result):
    result.save(tmp_path / "result.json")
    held = json.loads((tmp_path / "result.json").read_text())
    held["per_query"]["average_precision"].pop()
    (tmp_path / "result.json").write_text(json.dumps(held))
    with pytest.raises(StorageError, match="differ in length"):
        Result.load(tmp_path / "result.json")


def test_a_result_of_an_earlier_version_loads(tmp_path, result):
    result.save(tmp_path / "result.json")
    held = json.loads((tmp_path / "result.json").read_text())
    held["per_query"]["precision"] = held["per_query"].pop("average_precision")
    (tmp_path / "result.json").write_text(json.dumps(held))
    assert (
        Result.load(tmp_path / "result.json").average_precision.tolist() == result.average_precision.tolist()
    )


def test_there_is_no_file(tmp_path):
    with pytest.raises(StorageError, match="no such file"):
        Result.load(tmp_path / "none.json")


def test_the_table_names_what_was_computed():
    protocol = without_cameras(
        Records.from_columns(["q", "r"], [7, 8]), Records.from_columns(["a", "b"], [3, 7]), note="said so"
    )
    result = evaluate(np.array([[1.0, 0.0], [0.0, 1.0]]), protocol, max_rank=5)
    first, row, note = str(result).splitlines()
    assert first.split() == ["trials", "valid", "skipped", "rank-1", "rank-5", "mAP", "mINP"]
    assert row.split() == ["test", "1", "1", "1", "0.00", "100.00", "50.00", "50.00"]
    assert note.startswith("AP: mean; a rank counts images; ties: ")
    assert note.endswith("; said so")
    both = table({"plain": result, "re-ranked": dataclasses.replace(result, max_rank=1)})
    assert both.splitlines()[2].split() == ["re-ranked", "1", "1", "1", "0.00", "-", "50.00", "50.00"]
    assert len(both.splitlines()) == 4


def test_a_rank_outside_the_curve_is_refused(result):
    assert result.rank_k(50) == result.cmc[49]
    with pytest.raises(OptionError, match=r"outside this result's 1\.\.50"):
        result.rank_k(51)


def test_an_interval_holds_the_measure_and_narrows_with_persons(rng):
    widths = []
    for persons in (10, 160):
        protocol = cases.protocol(rng, queries=4 * persons, gallery=5 * persons, persons=persons)
        result = evaluate(better(rng, protocol), protocol)
        found = result.intervals(np.random.default_rng(0), resamples=400)
        assert list(found) == list(result.summary())
        for name, interval in found.items():
            assert interval.value == result.summary()[name]
            assert interval.low <= interval.value <= interval.high
        widths.append(found["mAP"].high - found["mAP"].low)
    assert widths[1] < widths[0] / 2


def test_the_bootstrap_equals_plain_resampling(rng, protocol):
    """The mean and spread of the resampled mAP, against drawing persons in a plain loop."""
    result = evaluate(better(rng, protocol), protocol)
    persons = np.unique(result.person)
    drawn, plain = np.random.default_rng(5), []
    for _ in range(300):
        chosen = persons[drawn.integers(len(persons), size=len(persons))]
        trials = []
        for trial in range(result.trials):
            values = [
                value
                for person in chosen
                for value in result.average_precision[(result.person == person) & (result.trial == trial)]
            ]
            trials.append(np.mean(values))
        plain.append(np.mean(trials))
    interval = result.intervals(np.random.default_rng(5), resamples=300, level=0.8)["mAP"]
    assert (interval.low, interval.high) == pytest.approx(tuple(np.quantile(plain, [0.1, 0.9])))


def test_the_same_seed_gives_the_same_interval(result):
    first, second = (result.intervals(np.random.default_rng(3), resamples=50) for _ in range(2))
    assert first == second


def test_a_result_does_not_differ_from_itself(rng, result):
    for difference in result.compare(result, rng, resamples=50).values():
        assert (difference.value, difference.low, difference.high, difference.chance) == (0, 0, 0, 1)


def test_a_better_model_is_seen_as_better(rng, protocol):
    plain, good = evaluate(cases.scores(rng, protocol), protocol), evaluate(better(rng, protocol), protocol)
    difference = good.compare(plain, rng)["mAP"]
    assert difference.value == good.mean_ap - plain.mean_ap > 0
    assert 0 < difference.low < difference.value < difference.high
    assert difference.chance < 0.05
    assert plain.compare(good, rng)["mAP"].high < 0
    assert str(difference).startswith("+")


def test_results_of_different_things_are_not_compared(rng, protocol, result):
    scores = cases.scores(rng, protocol)
    with pytest.raises(OptionError, match="protocol random cannot be compared with other"):
        result.compare(evaluate(scores, dataclasses.replace(protocol, name="other")), rng)
    with pytest.raises(OptionError, match="must measure the same"):
        result.compare(evaluate(scores, protocol, ap=AveragePrecision.TRAPEZOID), rng)
    with pytest.raises(OptionError, match="same queries"):
        result.compare(result.only(protocol.query.camera == 1), rng)


@pytest.mark.parametrize(("resamples", "level"), [(0, 0.95), (10, 1.0), (10, 0.0)])
def test_impossible_intervals_are_refused(rng, result, resamples, level):
    with pytest.raises(OptionError):
        result.intervals(rng, resamples=resamples, level=level)
