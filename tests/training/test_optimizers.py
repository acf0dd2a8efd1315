import pytest
import torch
from torch import nn

from glimpse.choices import OptimizerKind
from glimpse.errors import OptionError
from glimpse.training.optimizers import BIAS_TWICE, Optimizer, Rule, set_lrs
from glimpse.training.schedulers import WarmupSteps


def network():
    model = nn.ModuleDict({"backbone": nn.Linear(3, 3), "neck": nn.BatchNorm1d(3), "head": nn.Linear(3, 2)})
    model["neck"].bias.requires_grad_(False)
    return model


def settings(model, optimizer):
    """(rate, weight decay) by the name of the parameter."""
    names = {id(p): name for name, p in model.named_parameters()}
    return {
        names[id(p)]: (group["lr"], group["weight_decay"])
        for group in optimizer.param_groups
        for p in group["params"]
    }


def test_rules_multiply_rates_and_replace_weight_decay():
    model = network()
    plain = Rule(("neck.*", "*.bias"), weight_decay=0.0)
    described = Optimizer(
        OptimizerKind.ADAMW, 0.1, weight_decay=0.5, rules=(Rule(("head.*",), lr=5), BIAS_TWICE, plain)
    )
    assert settings(model, described.build(model)) == {
        "backbone.weight": (0.1, 0.5),
        "backbone.bias": (0.2, 0.0),
        "neck.weight": (0.1, 0.0),
        "head.weight": (0.5, 0.5),
        "head.bias": (1.0, 0.0),
    }


def test_an_optimizer_trains_what_it_names_and_nothing_frozen():
    model = network()
    built = Optimizer(OptimizerKind.SGD, 0.1, parameters=("neck.*", "head.*"), exclude=("head.bias",)).build(
        model
    )
    assert set(settings(model, built)) == {"neck.weight", "head.weight"}


@pytest.mark.parametrize(
    ("parameters", "exclude", "sentence"),
    [
        (("hed.*",), (), "no parameter is called hed"),
        (("*",), ("hed.*",), "no parameter is called hed"),
        (("*",), ("*",), "has no parameter to train"),
        (("neck.bias",), (), "no parameter is called neck.bias"),  # it is frozen
    ],
)
def test_a_selection_of_nothing_is_a_mistake(parameters, exclude, sentence):
    with pytest.raises(OptionError, match=sentence):
        Optimizer(OptimizerKind.SGD, 0.1, parameters=parameters, exclude=exclude).build(network())


def test_the_schedule_sets_each_group_from_its_own_base_rate():
    model = network()
    schedule = WarmupSteps(milestones=(3,))
    described = Optimizer(OptimizerKind.ADAM, 0.1, schedule=schedule, rules=(BIAS_TWICE,))
    built = described.build(model)
    for epoch, rates in ((1, [0.1, 0.2]), (3, [0.01, 0.02]), (1, [0.1, 0.2])):
        set_lrs(built, schedule, epoch)
        assert sorted(group["lr"] for group in built.param_groups) == pytest.approx(rates)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (OptimizerKind.SGD, torch.optim.SGD),
        (OptimizerKind.ADAM, torch.optim.Adam),
        (OptimizerKind.ADAMW, torch.optim.AdamW),
    ],
)
def test_each_kind_is_torchs_own_step(kind, expected):
    torch.manual_seed(0)
    ours, theirs = network(), network()
    theirs.load_state_dict(ours.state_dict())
    options = {"momentum": 0.9} if kind is OptimizerKind.SGD else {"betas": (0.9, 0.999), "eps": 1e-8}
    pair = (
        (ours, Optimizer(kind, 0.1, weight_decay=0.01).build(ours)),
        (
            theirs,
            expected([p for p in theirs.parameters() if p.requires_grad], 0.1, weight_decay=0.01, **options),
        ),
    )
    for model, optimizer in pair:
        for _ in range(3):
            optimizer.zero_grad()
            model["head"](model["backbone"](torch.ones(2, 3))).square().sum().backward()
            optimizer.step()
    assert all(torch.allclose(a, b) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))


def test_negative_rates_are_refused():
    with pytest.raises(OptionError, match="cannot be negative"):
        Optimizer(OptimizerKind.SGD, -0.1)
