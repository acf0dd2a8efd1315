"""Alternating updates (dpm.md, "Updates"), clipping, dtype, and what is reported."""

import pytest
import torch
from toy_method import Toy, sgd, stage_of, step, toy, toy_stages

from glimpse.choices import OptimizerKind
from glimpse.errors import OptionError, TrainingError
from glimpse.training.optimizers import BIAS_TWICE, Optimizer
from glimpse.training.stages import Stage, Step, Update
from glimpse.training.update import RunningLosses, build_optimizers, set_mode


def test_the_rate_that_is_told_is_the_first_optimizers():
    main = Optimizer(OptimizerKind.SGD, 0.1, parameters=("backbone.*",), rules=(BIAS_TWICE,))
    (ready,) = build_optimizers(Toy(), stage_of(Update("all", (main, sgd("head.*", lr=1000)))))
    assert ready.set_lrs(1) == pytest.approx(0.2)


def test_each_update_changes_its_own_parameters_on_a_fresh_forward():
    seen = []

    class Watching(Toy):
        def losses(self, batch, step):
            weights = {n: p.detach().clone() for n, p in self.named_parameters()}
            trains = {n for n, p in self.named_parameters() if p.requires_grad}
            seen.append((step.update, weights, trains))
            return super().losses(batch, step)

    method = Watching()
    main, head = Update("main", (sgd("backbone.*"), sgd("neck.*"))), Update("head", (sgd("head.*"),))
    values = step(method, stage_of(main, head))
    (first, before, trained_first), (second, between, trained_second) = seen
    after = dict(method.named_parameters())
    assert (first, second) == ("main", "head")
    assert {n for n in before if not torch.equal(before[n], between[n])} == trained_first
    assert {n for n in before if not torch.equal(between[n], after[n])} == trained_second == {"head.weight"}
    assert trained_first == set(before) - {"head.weight", "neck.bias"}
    assert values.keys() == {"main/id", "main/triplet", "head/id", "head/triplet"}


def test_the_gradient_is_clipped_over_all_parameters_of_the_update():
    def change(clip):
        method = toy()
        before = [p.detach().clone() for p in method.parameters()]
        step(
            method,
            stage_of(Update("all", (sgd("backbone.*", "neck.*", lr=1), sgd("head.*", lr=1)), clip=clip)),
        )
        return sum((p - b).square().sum() for p, b in zip(method.parameters(), before, strict=True)).sqrt()

    assert change(1e-3).item() == pytest.approx(1e-3, rel=1e-3)
    assert change(None) > 0.1


def test_two_optimizers_of_an_update_cannot_share_a_parameter():
    with pytest.raises(OptionError, match="two optimizers of the update all of the stage stage train one"):
        build_optimizers(toy(), stage_of(Update("all", (sgd("*"), sgd("head.*")))))
    # but those of different updates may
    assert (
        len(build_optimizers(toy(), stage_of(Update("a", (sgd("*"),)), Update("b", (sgd("head.*"),))))) == 2
    )


def test_frozen_modules_stay_in_evaluation_mode():
    method, stages = toy(), toy_stages()
    set_mode(method, stages[0])
    assert not any(module.training for module in method.backbone.modules())
    assert method.neck.training
    set_mode(method, stages[1])
    assert all(module.training for module in method.modules())
    wrong = Stage("s", 1, stages[0].updates, stages[0].sampler, evaluating=("enc",))
    with pytest.raises(OptionError, match="keeps enc evaluating, but no module is called so"):
        set_mode(method, wrong)


def test_a_method_without_losses_is_a_mistake():
    class Empty(Toy):
        def losses(self, batch, step):
            return {}

    with pytest.raises(TrainingError, match="gave no loss for the update all"):
        step(Empty(), stage_of(Update("all", (sgd("*"),))))


def test_a_steps_own_draws_are_the_same_for_the_same_step_only():
    one, again, other = (Step("s", "u", 1, 2, i, 4, (9, i)) for i in (0, 0, 1))

    def draw(step, purpose=0):
        return torch.rand(3, generator=step.generator(purpose)).tolist()

    assert draw(one) == draw(again)
    assert draw(one) != draw(other)
    assert draw(one) != draw(one, purpose=1)
    assert Step("s", "u", 2, 2, 2, 4).progress == 0.75


def test_running_losses_go_on_from_their_sums():
    running = RunningLosses()
    for value in (1.0, 2.0):
        running.add({"id": torch.tensor(value)})
    continued = RunningLosses(running.sums("here"), running.steps)
    continued.add({"id": torch.tensor(6.0)})
    assert continued.means("here") == {"id": 3.0}
    assert RunningLosses().sums("here") == {}
    continued.add({"id": torch.tensor(float("inf"))})
    with pytest.raises(TrainingError, match="the loss id is no finite number in epoch 3"):
        continued.means("in epoch 3")
