"""How a model is fed comes back from its metadata, and damaged metadata is a sentence."""

import json

import pytest

from glimpse.choices import ChannelOrder, Filter
from glimpse.errors import OptionError
from glimpse.retriever import Preprocessing
from glimpse.retriever.export.feeding import KEY, feeding_from_texts, feeding_to_texts


def test_it_comes_back():
    fed = Preprocessing((64, 32), (0, 0.5, 1), (1, 2, 3), Filter.OPENCV, ChannelOrder.BGR)
    assert feeding_from_texts(feeding_to_texts(fed)) == fed
    assert feeding_from_texts({"author": "somebody"}) is None


@pytest.mark.parametrize("said", ["", "[]", "{}", "[" * 10**5, json.dumps({"size": [1]})])
def test_damaged_ones_are_one_sentence(said):
    with pytest.raises(OptionError, match=r"what the model says of its input, glimpse\.feeding, is damaged"):
        feeding_from_texts({KEY: said})
