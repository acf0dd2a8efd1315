"""Islands of float32 inside autocast."""

import torch

from glimpse.models.precision import full_precision


@full_precision
def product(left, right, *, offset=None):
    result = left @ right
    return result if offset is None else result + offset


def test_a_product_within_autocast_is_one_of_float32():
    torch.manual_seed(0)
    left, right = torch.randn(4, 300), torch.randn(300, 4)
    with torch.autocast("cpu", torch.bfloat16):
        assert (left @ right).dtype is torch.bfloat16
        found = product(left, right)
    assert torch.equal(found, left @ right)


def test_half_precision_arguments_are_raised_by_place_and_by_name():
    half = torch.ones(2, 2, dtype=torch.bfloat16)
    assert product(half, half.half(), offset=half).dtype is torch.float32
    assert product(half.double(), half.double()).dtype is torch.float64


def test_gradients_reach_the_half_precision_argument():
    half = torch.ones(2, 2, dtype=torch.bfloat16, requires_grad=True)
    product(half, half).sum().backward()
    assert half.grad.dtype is torch.bfloat16
    assert (half.grad == 4).all()
