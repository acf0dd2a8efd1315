"""Methods that are trained by several workers, each on a share of every batch."""

import dataclasses

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from glimpse.methods.prepare import prepare
from glimpse.recipes.registry import recipe_of, trained_methods
from glimpse.recipes.transreid import TransReIDRecipe
from glimpse.segmentation.base import PERSON
from glimpse.training.batches import TrainingData
from glimpse.training.engine import Engine
from glimpse.training.loop import train


def one_epoch(method, recipe, data, folder, workers):
    """The weights after an epoch of every stage."""
    torch.manual_seed(0)
    prepared = prepare(method, recipe, data)
    stages = [dataclasses.replace(stage, epochs=1) for stage in prepared.stages]
    engine = Engine(device="cpu", workers=workers)
    train(prepared.method, data, stages, folder, seed=0, engine=engine, quiet=True)
    return load_file(folder / "final.safetensors")


@pytest.mark.parametrize("method", trained_methods())
def test_every_method_learns_the_same_bits_on_two_workers_again(method, tmp_path, micro, people):
    persons = {PERSON: np.ones((len(people), 64, 32), np.uint8)}
    persons[PERSON][:, 32:] = 0
    data = TrainingData(people.records, people.pixels, persons)
    found = [one_epoch(method, micro(recipe_of(method)), data, tmp_path / str(run), 2) for run in (0, 1)]
    for name, value in found[0].items():
        assert torch.equal(found[1][name], value), name


def test_a_transformer_learns_on_two_workers_what_it_learns_on_one(tmp_path, micro, people):
    recipe = micro(TransReIDRecipe(), drop_path=0.0)
    one, two = (one_epoch("transreid", recipe, people, tmp_path / str(n), n) for n in (1, 2))
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, rtol=1e-3, atol=1e-4)
