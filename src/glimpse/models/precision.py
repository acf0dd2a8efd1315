"""Full precision inside autocast: sums over a thousand dimensions lose too much in bfloat16."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import torch
from torch import Tensor

P = ParamSpec("P")
_HALF = (torch.bfloat16, torch.float16)


def full_precision(function: Callable[P, Tensor]) -> Callable[P, Tensor]:
    """Run `function` outside autocast, with its half-precision tensors made float32.

    >>> @full_precision
    ... def total(values): return values.sum()
    >>> total(torch.ones(3, dtype=torch.bfloat16)).dtype
    torch.float32
    """

    @wraps(function)
    def island(*args: P.args, **kwargs: P.kwargs) -> Tensor:
        device = next((value.device.type for value in args if isinstance(value, Tensor)), "cpu")
        with torch.autocast(device, enabled=False):
            raised = {name: _raised(value) for name, value in kwargs.items()}
            return function(*map(_raised, args), **raised)  # type: ignore[arg-type]

    return island


def _raised(value: object) -> object:
    return value.float() if isinstance(value, Tensor) and value.dtype in _HALF else value
