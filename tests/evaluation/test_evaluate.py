"""`evaluate` equals the plain evaluator on every protocol, and has none of the field's faults."""

import dataclasses

import evaluation_cases as cases
import naive_evaluation as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glimpse.errors import OptionError, ShapeError
from glimpse.evaluation import AveragePrecision, evaluate, kernels
from glimpse.protocols import Cmc, Protocol, Trial, without_cameras
from glimpse.records import DISTRACTOR, JUNK, Records


def assert_equals_naive(result, scores, protocol, max_rank):
    trapezoid = result.ap is AveragePrecision.TRAPEZOID
    expected = naive.evaluate_naively(scores, protocol, max_rank, trapezoid)
    for number, (cmc, mean_ap, mean_inp, rows, skipped, answers) in enumerate(expected):
        mine = result.trial == number
        assert result.query[mine].tolist() == rows
        assert result.skipped_query[result.skipped_trial == number].tolist() == skipped
        assert result.rank[mine, 0].tolist() == [answers[row][0] for row in rows]
        np.testing.assert_allclose(
            result.average_precision[mine], [answers[row][1] for row in rows], rtol=1e-14
        )
        np.testing.assert_allclose(result.inp[mine], [answers[row][2] for row in rows], rtol=1e-14)
        np.testing.assert_allclose(result.trial_cmc[number], cmc, rtol=1e-14)
        np.testing.assert_allclose(result.trial_map[number], mean_ap, rtol=1e-13)
        np.testing.assert_allclose(result.trial_minp[number], mean_inp, rtol=1e-13)
    np.testing.assert_allclose(result.cmc, np.mean([trial[0] for trial in expected], axis=0), rtol=1e-13)
    np.testing.assert_allclose(result.mean_ap, np.mean([trial[1] for trial in expected]), rtol=1e-13)
    np.testing.assert_allclose(result.mean_inp, np.mean([trial[2] for trial in expected]), rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["random", "tied", "constant", "infinite"])
@pytest.mark.parametrize("rule", ["market", "none", "sysu"])
@pytest.mark.parametrize("cmc", list(Cmc))
@pytest.mark.parametrize("crowded", [False, True])
def test_equals_the_plain_evaluator(rng, dtype, kind, rule, cmc, crowded):
    protocol = cases.protocol(rng, rule=rule, cmc=cmc, trials=3)
    if crowded:
        protocol = crowd(protocol)
    scores = cases.scores(rng, protocol, kind, dtype)
    assert_equals_naive(evaluate(scores, protocol, max_rank=30), scores, protocol, 30)
    trapezoid = evaluate(scores, protocol, max_rank=5, ap=AveragePrecision.TRAPEZOID)
    assert_equals_naive(trapezoid, scores, protocol, 5)


def crowd(protocol):
    """The same protocol with so many right answers per query that they are placed by bisection."""
    person = protocol.gallery.person
    crowded = dataclasses.replace(
        protocol,
        gallery=protocol.gallery.with_columns(person=np.where((person >= 0) & (person < 4), 1, person)),
        query=protocol.query.with_columns(person=1),
        trials=(Trial(np.arange(4), np.arange(5 * kernels.FEW) % len(person)),),
    )
    assert crowded.comparison(crowded.trials[0]).matches_per_query().min() > kernels.FEW
    return crowded


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 7),
    st.integers(1, 25),
    st.integers(1, 5),
    st.sampled_from(["random", "tied", "constant", "infinite"]),
    st.sampled_from(["market", "none", "sysu"]),
    st.sampled_from(list(Cmc)),
)
def test_equals_the_plain_evaluator_on_any_small_case(seed, queries, gallery, persons, kind, rule, cmc):
    rng = np.random.default_rng(seed)
    protocol = cases.protocol(rng, queries, gallery, persons, rule, cmc)
    scores = cases.scores(rng, protocol, kind)
    if protocol.validity()[0].valid == 0:
        with pytest.raises(OptionError, match="none of the"):
            evaluate(scores, protocol)
    else:
        assert_equals_naive(evaluate(scores, protocol, max_rank=10), scores, protocol, 10)


def listed(*persons, query=7, cmc=Cmc.IMAGES, cameras=None, query_camera=-1, rule="none"):
    """A protocol of one query whose gallery is ranked in the given order, and its scores."""
    gallery = Records.from_columns(
        [f"g{i}" for i in range(len(persons))], list(persons), camera=-1 if cameras is None else list(cameras)
    )
    queries = Records.from_columns(["q"], [query], camera=query_camera)
    scores = np.linspace(1, 0, len(persons))[None]
    return Protocol("golden", queries, gallery, cases.RULES[rule], cmc=cmc), scores


def test_golden_average_precision():
    protocol, scores = listed(1, 2, 7, 3, 7)
    result = evaluate(scores, protocol)
    assert result.mean_ap == pytest.approx((1 / 3 + 2 / 5) / 2)
    assert result.mean_inp == pytest.approx(2 / 5)
    assert result.cmc[:4].tolist() == [0, 0, 1, 1]
    trapezoid = evaluate(scores, protocol, ap=AveragePrecision.TRAPEZOID)
    assert trapezoid.mean_ap == pytest.approx(((0 + 1 / 3) / 2 + (1 / 4 + 2 / 5) / 2) / 2)


def test_golden_sysu_metric():
    """Spec protocols.md, "SYSU-MM01": camera 2 does not count for camera 3, a rank counts identities, AP
    counts rows."""
    protocol, scores = listed(
        7, 3, 3, 7, 5, 7, cameras=(2, 1, 1, 4, 4, 5), query_camera=3, rule="sysu", cmc=Cmc.IDENTITIES
    )
    result = evaluate(scores, protocol)
    assert result.rank.tolist() == [[2]]
    assert result.mean_ap == pytest.approx(0.366667, abs=5e-7)


def test_the_trapezoid_is_lower_on_the_same_ranking(rng):
    protocol = cases.protocol(rng)
    scores = cases.scores(rng, protocol)
    assert (
        evaluate(scores, protocol, ap=AveragePrecision.TRAPEZOID).mean_ap < evaluate(scores, protocol).mean_ap
    )


@pytest.mark.parametrize("cmc", list(Cmc))
def test_query_order_does_not_matter_even_when_the_gallery_is_shorter_than_max_rank(rng, cmc):
    protocol = cases.protocol(rng, queries=20, gallery=9, persons=3, cmc=cmc)
    scores = cases.scores(rng, protocol)
    order = rng.permutation(20)
    turned = dataclasses.replace(protocol, query=protocol.query[order], trials=())
    straight, permuted = evaluate(scores, protocol), evaluate(scores[order], turned)
    assert straight.cmc.tolist() == permuted.cmc.tolist()
    assert straight.summary() == permuted.summary()
    assert straight.cmc.shape == (50,)
    assert straight.cmc[8:].tolist() == [1.0] * 42


def test_the_order_of_a_trial_does_not_matter(rng):
    protocol = cases.protocol(rng, trials=2)
    turned = dataclasses.replace(
        protocol, trials=tuple(Trial(trial.query[::-1], trial.gallery) for trial in protocol.trials)
    )
    scores = cases.scores(rng, protocol)
    first, second = evaluate(scores, protocol), evaluate(scores, turned)
    assert first.query.tolist() == second.query.tolist()
    assert first.average_precision.tolist() == second.average_precision.tolist()


@pytest.mark.parametrize("cmc", list(Cmc))
def test_gallery_order_does_not_matter_without_ties(rng, cmc):
    protocol = cases.protocol(rng, cmc=cmc)
    scores = cases.scores(rng, protocol)
    order = rng.permutation(len(protocol.gallery))
    turned = dataclasses.replace(protocol, gallery=protocol.gallery[order], trials=())
    assert evaluate(scores, protocol).summary() == evaluate(scores[:, order], turned).summary()


def test_a_constant_model_is_ranked_by_gallery_position_and_not_perfect():
    protocol, _ = listed(1, 7, 1, 7)
    assert evaluate(np.zeros((1, 4)), protocol).mean_ap == pytest.approx((1 / 2 + 2 / 4) / 2)


def test_nan_is_refused_by_query_and_gallery_row(rng):
    protocol = cases.protocol(rng)
    scores = cases.scores(rng, protocol)
    column = int(np.flatnonzero(protocol.gallery.person != JUNK)[5])
    scores[3, column] = np.nan
    with pytest.raises(ShapeError, match=f"got nan for query row 3, gallery row {column}$"):
        evaluate(scores, protocol)


def test_nan_is_refused_even_where_the_query_is_skipped():
    protocol, _ = listed(1, 2)
    two = dataclasses.replace(protocol, query=Records.from_columns(["q", "r"], [7, 1]), trials=())
    with pytest.raises(ShapeError, match="query row 0, gallery row 1"):
        evaluate(np.array([[0.0, np.nan], [0.0, 0.0]]), two)


def test_skipped_queries_are_in_no_sum_and_no_divisor():
    gallery = Records.from_columns(["a", "b"], [7, 3])
    protocol = without_cameras(Records.from_columns(["p", "q", "r"], [7, 99, DISTRACTOR]), gallery)
    result = evaluate(np.tile([1.0, 0.0], (3, 1)), protocol)
    assert (result.mean_ap, result.rank_k(1)) == (1.0, 1.0)
    assert (result.valid.tolist(), result.skipped.tolist()) == ([1], [2])
    assert result.skipped_query.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("query", "gallery"),
    [([7, 8], [1, 2, 3]), ([7], []), ([DISTRACTOR], [DISTRACTOR]), ([7], [JUNK])],
)
def test_no_query_with_a_right_answer_is_an_error(query, gallery):
    def table(name, persons):
        return Records.from_columns([f"{name}{i}" for i in range(len(persons))], np.array(persons, np.int64))

    protocol = without_cameras(table("q", query), table("g", gallery))
    with pytest.raises(OptionError, match=f"none of the {len(query)} queries has a right answer"):
        evaluate(np.zeros((len(query), len(gallery))), protocol)


def test_no_queries_at_all_have_a_sentence_of_their_own():
    gallery = Records.from_columns(["a"], [7])
    with pytest.raises(OptionError, match="protocol test has no queries"):
        evaluate(np.zeros((0, 1)), without_cameras(Records.empty(), gallery))


def test_a_trial_without_a_right_answer_is_named(rng):
    protocol = without_cameras(
        Records.from_columns(["q"], [7]), Records.from_columns(["a", "b"], [7, 3]), name="twice"
    )
    both = dataclasses.replace(
        protocol, trials=(Trial(np.array([0]), np.array([0])), Trial(np.array([0]), np.array([1])))
    )
    with pytest.raises(OptionError, match="protocol twice, trial 1: none of the 1 queries"):
        evaluate(np.zeros((1, 2)), both)


def test_every_distractor_takes_a_place_of_its_own():
    protocol, scores = listed(DISTRACTOR, DISTRACTOR, 3, 3, 7, cmc=Cmc.IDENTITIES)
    assert evaluate(scores, protocol).rank.tolist() == [[4]]


def test_duplicate_rows_tie_and_keep_their_order():
    protocol, _ = listed(3, 7, 3, 7)
    scores = np.array([[0.5, 0.9, 0.9, 0.5]])
    assert evaluate(scores, protocol).average_precision.tolist() == [(1 / 1 + 2 / 4) / 2]


@pytest.mark.parametrize("layout", ["fortran", "strided", "read-only", "memory map"])
def test_any_layout_of_the_matrix_gives_the_same(rng, tmp_path, layout):
    protocol = cases.protocol(rng)
    scores = cases.scores(rng, protocol)
    if layout == "fortran":
        given_scores = np.asfortranarray(scores)
    elif layout == "strided":
        given_scores = np.repeat(scores, 2, axis=1)[:, ::2]
    elif layout == "read-only":
        given_scores = scores.copy()
        given_scores.flags.writeable = False
    else:
        np.save(tmp_path / "scores.npy", scores)
        given_scores = np.load(tmp_path / "scores.npy", mmap_mode="r")
    assert (
        evaluate(given_scores, protocol).average_precision.tolist()
        == evaluate(scores, protocol).average_precision.tolist()
    )


@pytest.mark.parametrize(
    ("scores", "sentence"),
    [
        (np.zeros((2, 3)), r"float64 \[2, 3\]"),
        (np.zeros((12, 60), np.float16), "float16"),
        (np.zeros((12, 60), np.int64), "int64"),
        (np.zeros(12), r"\[12\]"),
    ],
)
def test_other_scores_are_refused(rng, scores, sentence):
    with pytest.raises(ShapeError, match=rf"scores must be float32 or float64 \[12, 60\].*got .*{sentence}"):
        evaluate(scores, cases.protocol(rng))


def test_max_rank_must_be_positive(rng):
    protocol = cases.protocol(rng)
    with pytest.raises(OptionError, match="at least 1, got 0"):
        evaluate(cases.scores(rng, protocol), protocol, max_rank=0)


def test_the_number_of_threads_changes_nothing(rng):
    import numba

    protocol = cases.protocol(rng, queries=40, trials=2)
    scores = cases.scores(rng, protocol, "tied")
    many = evaluate(scores, protocol)
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        one = evaluate(scores, protocol)
    finally:
        numba.set_num_threads(before)
    assert one.average_precision.tolist() == many.average_precision.tolist()
    assert one.rank.tolist() == many.rank.tolist()


def test_counted_matches_agree_with_the_protocol(rng):
    protocol = cases.protocol(rng, gallery=200)
    result = evaluate(cases.scores(rng, protocol), protocol)
    expected = protocol.comparison(protocol.trials[0]).matches_per_query()
    assert result.matches.tolist() == expected[expected > 0].tolist()
