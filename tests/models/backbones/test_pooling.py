"""Pools over a map."""

import pytest
import torch

from glimpse.choices import Pool
from glimpse.models.backbones.pooling import Pooling


def test_pools():
    features = torch.rand(2, 3, 4, 5)
    torch.testing.assert_close(Pooling(Pool.AVERAGE)(features), features.mean((2, 3)))
    torch.testing.assert_close(Pooling(Pool.MAX)(features), features.amax((2, 3)))
    gem = Pooling(Pool.GENERALIZED_MEAN, power=3.0)(features)
    torch.testing.assert_close(gem, features.pow(3).mean((2, 3)).pow(1 / 3))
    torch.testing.assert_close(Pooling(Pool.GENERALIZED_MEAN, power=1.0)(features), features.mean((2, 3)))


def test_a_learned_power_is_trained_even_where_nothing_fires():
    pooling = Pooling(Pool.GENERALIZED_MEAN, learned=True)
    features = torch.zeros(1, 2, 2, 2, requires_grad=True)
    pooling(features).sum().backward()
    assert torch.isfinite(pooling.power.grad)
    assert torch.isfinite(features.grad).all()
    assert [name for name, _ in pooling.named_parameters()] == ["power"]


def test_generalized_mean_of_half_precision_does_not_overflow():
    features = torch.full((1, 1, 2, 2), 100.0, dtype=torch.float16)
    assert Pooling(Pool.GENERALIZED_MEAN)(features).item() == pytest.approx(100, rel=1e-3)
