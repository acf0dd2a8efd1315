import pytest
import torch
from torch import nn

from glimpse.errors import OptionError
from glimpse.training.ema import MovingAverage


def test_the_average_is_the_recursion_and_counts_are_copied():
    module = nn.BatchNorm1d(2)
    average = MovingAverage(module, decay=0.9)
    expected = 1.0
    for value in (2.0, 5.0):
        module.weight.data.fill_(value)
        module.num_batches_tracked += 3
        average.update(module)
        expected = 0.9 * expected + 0.1 * value
    assert average.values["weight"].tolist() == pytest.approx([expected] * 2)
    assert average.values["num_batches_tracked"] == 6


def test_inside_the_block_the_module_holds_the_average_and_afterwards_its_own():
    module = nn.Linear(2, 2)
    average = MovingAverage(module, decay=0.5)
    first = module.weight.detach().clone()
    own = first + 1
    module.weight.data.copy_(own)
    with average.in_place(module):
        assert torch.equal(module.weight, first)
    assert torch.equal(module.weight, own)


def test_the_decay_must_be_a_share():
    with pytest.raises(OptionError):
        MovingAverage(nn.Linear(1, 1), 1.0)
