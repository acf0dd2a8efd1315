import itertools

import numpy as np
import pytest

from glimpse.evaluation import evaluate
from glimpse.evaluation.metrics import chance
from glimpse.protocols import single_query, sysu_mm01
from glimpse.records import Records


def test_chance_is_the_mean_over_every_order_of_the_gallery():
    query = Records.from_columns(["p", "q"], [1, 2], camera=[1, 2])
    gallery = Records.from_columns(list("abcdef"), [1, 1, 2, 1, 3, -1], camera=[1, 2, 1, 3, 1, 1])
    protocol = single_query(query, gallery)
    orders = np.array(list(itertools.permutations(range(6))), np.float64)
    results = [evaluate(np.stack([order, order]), protocol) for order in orders]
    expected = chance(protocol)
    assert np.mean([r.rank_k(1) for r in results]) == pytest.approx(expected.rank_1, abs=1e-12)
    assert np.mean([r.mean_ap for r in results]) == pytest.approx(expected.mean_ap, abs=1e-12)


def test_chance_holds_where_a_rank_counts_persons():
    rows = [(p, c) for p in range(4) for c in (1, 2, 4)]
    person, camera = np.array(rows).T
    visible = Records.from_columns([f"v{i}" for i in range(12)], person, camera=camera)
    infrared = Records.from_columns(list("abcd"), [0, 1, 2, 3], camera=[3, 6, 3, 6], modality="ir")
    protocol = sysu_mm01(infrared, visible, None)[0]
    random = np.random.default_rng(0)
    measured = np.mean([evaluate(random.random((4, 12)), protocol).rank_k(1) for _ in range(400)])
    assert measured == pytest.approx(chance(protocol).rank_1, abs=0.02)


def test_chance_without_a_valid_query_is_nothing():
    lone = Records.from_columns(["q"], [1], camera=[1])
    assert chance(single_query(lone, Records.from_columns(["g"], [2], camera=[1]))) == (0.0, 0.0)
