"""One stage: steps, checkpoints, validation."""

import json

import pytest
import torch
from toy_method import Toy, drawn, log, toy, toy_data, toy_stages, train_toy, weights

from glimpse.errors import OptionError, TrainingError
from glimpse.training.engine import Engine
from glimpse.training.loop import train


def test_a_loss_that_is_no_number_ends_the_run_with_a_sentence(tmp_path):
    class Broken(Toy):
        def losses(self, batch, step):
            found = super().losses(batch, step)
            return {**found, "id": found["id"] / (step.index < 3)}

    with pytest.raises(
        TrainingError, match="the loss all/id is no finite number in epoch 1 of the stage warm"
    ):
        train_toy(tmp_path, method=Broken())


def test_final_and_best_are_both_kept_and_the_best_is_chosen_by_the_measure(tmp_path):
    scores = iter([0.1, 0.5, 0.3, 0.5, 0.2])
    seen = []

    def validate(method):
        assert not method.training
        seen.append({name: value.clone() for name, value in method.state_dict().items()})
        return {"rank1": 1.0, "map": next(scores)}

    engine = Engine(device="cpu")
    outcome = train(
        toy(),
        toy_data(),
        toy_stages(epochs=4),
        tmp_path,
        seed=1,
        engine=engine,
        validate=validate,
        quiet=True,
    )
    assert outcome.best_epoch == (
        "main",
        1,
    )  # the second of five validations; an equal later one is no better
    assert outcome.best_measures["map"] == 0.5
    assert outcome.measures["map"] == 0.2
    from safetensors.torch import load_file

    assert all(torch.equal(value, seen[1][name]) for name, value in load_file(outcome.best).items())
    assert all(torch.equal(value, seen[4][name]) for name, value in load_file(outcome.final).items())
    assert json.loads((tmp_path / "run.json").read_text())["validation"]["best"]["epoch"] == 1
    assert [line["measures"]["map"] for line in log(tmp_path)] == [0.1, 0.5, 0.3, 0.5, 0.2]


def test_validation_can_be_rare_but_the_last_epoch_always_has_it(tmp_path):
    calls = []
    engine = Engine(device="cpu", validate_every=2)
    train_toy(
        tmp_path,
        stages=toy_stages(epochs=3),
        engine=engine,
        validate=lambda method: calls.append(1) or {"map": 0.0},
    )
    assert [bool(line["measures"]) for line in log(tmp_path)] == [True, False, True, True]


def test_validation_does_not_change_the_training(tmp_path, reference):
    def validate(method):
        drawn()
        return {"map": 0.0}

    train_toy(tmp_path, validate=validate)
    assert weights(tmp_path) == weights(reference)


def test_a_validation_without_the_decisive_measure_is_a_mistake(tmp_path):
    with pytest.raises(OptionError, match="gives no measure map; there are rank1"):
        train_toy(tmp_path, validate=lambda method: {"rank1": 0.0})
