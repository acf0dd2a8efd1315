"""The moving average of a module's weights (EMA)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from glimpse.errors import OptionError


class MovingAverage:
    """Weights averaged over steps: `average += (1 - decay) * (weight - average)`.

    Whole numbers and booleans among the buffers are copied.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        check_decay(decay)
        self.decay = decay
        self.values = {name: value.detach().clone() for name, value in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Take in the weights of one more step."""
        for name, value in module.state_dict().items():
            if value.is_floating_point():
                self.values[name].lerp_(value, 1 - self.decay)
            else:
                self.values[name].copy_(value)

    def load(self, values: Mapping[str, Tensor]) -> None:
        """Go on from values that were saved."""
        for name, value in self.values.items():
            value.copy_(values[name])

    @contextmanager
    def in_place(self, module: nn.Module) -> Iterator[None]:
        """The module holds the averages inside the block, and its own weights again after it."""
        own = {name: value.detach().clone() for name, value in module.state_dict().items()}
        module.load_state_dict(self.values)
        try:
            yield
        finally:
            module.load_state_dict(own)


def check_decay(decay: float) -> None:
    """Refuse what is no decay."""
    if not 0 <= decay < 1:
        raise OptionError(f"the decay of an average must lie in 0..1, 1 excluded, got {decay}")
