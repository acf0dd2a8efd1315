import pytest
import torch
from torch import nn

from glimpse.choices import Kind
from glimpse.errors import OptionError
from glimpse.training.optimizers import BIAS_TWICE, Optimiser, Rule, set_rates
from glimpse.training.schedulers import WarmupSteps


def network():
    model = nn.ModuleDict({"encoder": nn.Linear(3, 3), "neck": nn.BatchNorm1d(3), "head": nn.Linear(3, 2)})
    model["neck"].bias.requires_grad_(False)
    return model


def settings(model, optimiser):
    """(rate, weight decay) by the name of the parameter."""
    names = {id(p): name for name, p in model.named_parameters()}
    return {
        names[id(p)]: (group["lr"], group["weight_decay"])
        for group in optimiser.param_groups
        for p in group["params"]
    }


def test_rules_multiply_rates_and_replace_weight_decay():
    model = network()
    plain = Rule(("neck.*", "*.bias"), weight_decay=0.0)
    described = Optimiser(
        Kind.ADAMW, 0.1, weight_decay=0.5, rules=(Rule(("head.*",), rate=5), BIAS_TWICE, plain)
    )
    assert settings(model, described.build(model)) == {
        "encoder.weight": (0.1, 0.5),
        "encoder.bias": (0.2, 0.0),
        "neck.weight": (0.1, 0.0),
        "head.weight": (0.5, 0.5),
        "head.bias": (1.0, 0.0),
    }


def test_an_optimiser_trains_what_it_names_and_nothing_frozen():
    model = network()
    built = Optimiser(Kind.SGD, 0.1, parameters=("neck.*", "head.*"), but_not=("head.bias",)).build(model)
    assert set(settings(model, built)) == {"neck.weight", "head.weight"}


@pytest.mark.parametrize(
    ("parameters", "but_not", "sentence"),
    [
        (("hed.*",), (), "no parameter is called hed"),
        (("*",), ("hed.*",), "no parameter is called hed"),
        (("*",), ("*",), "has no parameter to train"),
        (("neck.bias",), (), "no parameter is called neck.bias"),  # it is frozen
    ],
)
def test_a_selection_of_nothing_is_a_mistake(parameters, but_not, sentence):
    with pytest.raises(OptionError, match=sentence):
        Optimiser(Kind.SGD, 0.1, parameters=parameters, but_not=but_not).build(network())


def test_the_schedule_sets_each_group_from_its_own_base_rate():
    model = network()
    schedule = WarmupSteps(milestones=(3,))
    described = Optimiser(Kind.ADAM, 0.1, schedule=schedule, rules=(BIAS_TWICE,))
    built = described.build(model)
    for epoch, rates in ((1, [0.1, 0.2]), (3, [0.01, 0.02]), (1, [0.1, 0.2])):
        set_rates(built, schedule, epoch)
        assert sorted(group["lr"] for group in built.param_groups) == pytest.approx(rates)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [(Kind.SGD, torch.optim.SGD), (Kind.ADAM, torch.optim.Adam), (Kind.ADAMW, torch.optim.AdamW)],
)
def test_each_kind_is_torchs_own_step(kind, expected):
    torch.manual_seed(0)
    ours, theirs = network(), network()
    theirs.load_state_dict(ours.state_dict())
    options = {"momentum": 0.9} if kind is Kind.SGD else {"betas": (0.9, 0.999), "eps": 1e-8}
    pair = (
        (ours, Optimiser(kind, 0.1, weight_decay=0.01).build(ours)),
        (
            theirs,
            expected([p for p in theirs.parameters() if p.requires_grad], 0.1, weight_decay=0.01, **options),
        ),
    )
    for model, optimiser in pair:
        for _ in range(3):
            optimiser.zero_grad()
            model["head"](model["encoder"](torch.ones(2, 3))).square().sum().backward()
            optimiser.step()
    assert all(torch.allclose(a, b) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))


def test_negative_rates_are_refused():
    with pytest.raises(OptionError, match="cannot be negative"):
        Optimiser(Kind.SGD, -0.1)
