"""From a method's name to modules and stages."""

import numpy as np
import pytest
import torch
from short_dpmpp import with_masks

from glimpse.errors import OptionError
from glimpse.methods.prepare import NETWORK, camera_table, prepare
from glimpse.models.factory import build_network
from glimpse.recipes.registry import recipe_of, trained_methods
from glimpse.records import NO_CAMERA, Records
from glimpse.training.batches import TrainingData


@pytest.mark.parametrize(
    ("cameras", "table"),
    [([3, 1, 3], (1, 3)), ([2, 2, 2], ()), ([NO_CAMERA] * 3, ()), ([NO_CAMERA, 4, 1], (1, 4))],
)
def test_cameras_have_a_table_where_there_are_several(cameras, table):
    records = Records.from_columns(["a", "b", "c"], [0, 1, 2], camera=cameras)
    assert camera_table(TrainingData(records)) == table


@pytest.mark.parametrize("method", trained_methods())
def test_the_card_of_every_method_builds_the_network_that_it_trains(method, people, micro):
    prepared = prepare(method, micro(recipe_of(method)), with_masks(people))
    state = prepared.method.state_dict()
    own = {name.removeprefix(NETWORK): value for name, value in state.items() if name.startswith(NETWORK)}
    build_network(prepared.card).load_state_dict(own)
    assert prepared.start
    assert all(stage.epochs > 0 for stage in prepared.stages)
    assert prepared.card.image == tuple(people.pixels.read(np.array([0])).shape[1:3])


def test_an_unknown_method_is_named():
    with pytest.raises(OptionError, match="no method is called 'dmp'"):
        prepare("dmp", None, TrainingData(Records.empty()))


def test_training_starts_without_gradients(people, micro):
    prepared = prepare("bot", micro(recipe_of("bot")), people)
    assert all(parameter.grad is None for parameter in prepared.method.parameters())
    assert isinstance(prepared.method, torch.nn.Module)
