"""Stages and updates as data."""

from pathlib import Path

import pytest
import torch
from toy_method import sgd, stage_of, step, toy, toy_data

from glimpse.choices import OptimizerKind
from glimpse.errors import OptionError
from glimpse.training.loop import train
from glimpse.training.optimizers import Optimizer
from glimpse.training.sampler import PersonSampler
from glimpse.training.stages import Stage, Update, one_update, total_of


def test_an_update_counts_only_the_losses_it_names():
    only_id = toy()
    values = step(only_id, stage_of(Update("all", (sgd("*"),), losses=("id",))))
    assert values.keys() == {"all/id"}
    both = toy()
    step(both, stage_of(Update("all", (sgd("*"),))))
    assert not torch.equal(only_id.backbone[0].weight, both.backbone[0].weight)
    with pytest.raises(OptionError, match="needs the loss id_; there are id, triplet"):
        step(toy(), stage_of(Update("all", (sgd("*"),), losses=("id_",))))


def test_updates_without_optimizers_or_with_a_wrong_clip_are_refused():
    with pytest.raises(OptionError, match="needs an optimizer"):
        Update("all", ())
    with pytest.raises(OptionError, match="clipped above 0"):
        Update("all", (sgd("*"),), clip=0)


def test_the_total_is_in_full_precision():
    parts = [torch.tensor([256.0], dtype=torch.bfloat16), torch.tensor(0.5)]
    assert total_of(parts).item() == 256.5


def test_stages_that_cannot_be_are_refused():
    sampler = PersonSampler(toy_data().records.person, persons=2, images=2)
    updates = one_update(Optimizer(OptimizerKind.SGD, 0.1))
    with pytest.raises(OptionError, match="at least 1 epoch"):
        Stage("none", 0, updates, sampler)
    with pytest.raises(OptionError, match="must have different names"):
        Stage("twice", 1, updates * 2, sampler)
    with pytest.raises(OptionError, match="at least one stage"):
        train(toy(), toy_data(), [], Path("nowhere"), seed=0)
