"""P-ETHZ and its drawn halves."""

import pytest

from glimpse.errors import OptionError
from glimpse.protocols import Validity


def p_ethz(persons):
    return [
        f"P_ETHZ/{kind}_body_images/{p:03d}/{p:03d}_0{n}.png"
        for kind in ("occluded", "whole")
        for p in range(1, persons + 1)
        for n in (1, 2)
    ]


def test_p_ethz_halves_its_persons_anew_with_each_seed(plant, quietly):
    root = plant(*p_ethz(5))
    splits = [quietly("p_ethz", root, split=split) for split in range(10)]
    for dataset in splits:
        train, test = set(dataset.train.persons), set(dataset.protocol().query.persons)
        assert (len(train), len(test)) == (3, 2)
        assert train | test == {1, 2, 3, 4, 5}
        assert set(dataset.protocol().gallery.persons) == test
        assert set(dataset.train.kind) == {"occluded", "whole"}
        assert dataset.protocol().validity() == (Validity(4, 0),)
    assert len({tuple(dataset.train.persons) for dataset in splits}) > 1
    assert quietly("p_ethz", root, split=3).train == splits[3].train


def test_p_ethz_says_both_counts_and_refuses_an_eleventh_split(plant, quietly):
    root = plant(*p_ethz(2))
    assert (
        "both kinds: found 2 persons / 8 rows, expected 85 persons / 3,897 rows"
        in quietly("p_ethz", root).problems
    )
    with pytest.raises(OptionError, match="splits 0 to 9, got 10"):
        quietly("p_ethz", root, split=10)
