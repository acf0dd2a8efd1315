import warnings

import numpy as np
import pytest

from glimpse.embeddings import Embeddings
from glimpse.evaluation.masks import MaskWarning, mask_measures
from glimpse.protocols import single_query
from glimpse.records import Records


def protocol(persons):
    """A query and a gallery image of each person, by two cameras."""
    both = Records.from_columns(
        [f"{row}.png" for row in range(2 * persons)],
        np.tile(np.arange(persons), 2),
        camera=np.repeat([0, 1], persons),
    )
    return single_query(both[:persons], both[persons:], name="validation")


def test_masks_that_help_are_measured_without_a_word():
    query = Embeddings(np.eye(4), np.full((4, 4), 0.5))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = mask_measures(query, query, protocol(4), {"rank1": 1.0, "map": 1.0})
    assert got == {"rank1_plain": 1.0, "map_plain": 1.0, "gap": 0.0, "participation": 1.0}


def test_masks_that_harm_are_told():
    masks = np.full((4, 4), 0.0)
    masks[:, 0] = 1
    query = Embeddings(np.eye(4), masks)
    with pytest.warns(MaskWarning, match=r"cost 40\.0 points of mAP .*participation 0\.25"):
        got = mask_measures(query, query, protocol(4), {"rank1": 0.5, "map": 0.6})
    assert got["gap"] == pytest.approx(-0.4)
    assert got["participation"] == pytest.approx(0.25)


def test_without_masks_there_is_nothing_to_report():
    query = Embeddings(np.eye(4))
    assert mask_measures(query, query, protocol(4), {"rank1": 1.0, "map": 1.0}) == {}
