"""Optimizers with groups of parameters, described as data and built for a module."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import nn

from glimpse.choices import OptimizerKind
from glimpse.errors import OptionError
from glimpse.training.schedulers import Constant, Schedule


@dataclass(frozen=True)
class Rule:
    """How the parameters whose names match are trained otherwise than the rest.

    Attributes:
        names: patterns of dotted parameter names, with `*` for anything: `("*.bias", "neck.*")`.
        lr: multiplies the learning rate; the factors of several matching rules multiply.
        weight_decay: in place of the optimizer's; of several matching rules the last decides.
    """

    names: tuple[str, ...]
    lr: float = 1.0
    weight_decay: float | None = None


BIAS_TWICE = Rule(("bias", "*.bias"), lr=2.0)
"""Biases learn twice as fast: read in the code of TransReID, DPM and CLIP-ReID; BoT's factor is 1.

See transreid.md, "Optimization".
"""


@dataclass(frozen=True)
class Optimizer:
    """One optimizer: what it trains and how.

    Attributes:
        kind: SGD, Adam (weight decay as L2) or AdamW (decoupled).
        lr: the base learning rate.
        weight_decay: for parameters that no rule says otherwise of.
        momentum: of SGD.
        nesterov: of SGD.
        betas: of Adam and AdamW.
        eps: of Adam and AdamW.
        schedule: the rate of each epoch.
        parameters: patterns of the names it trains.
        exclude: patterns of names that it leaves alone.
        rules: exceptions for some parameters.
    """

    kind: OptimizerKind
    lr: float
    weight_decay: float = 0.0
    momentum: float = 0.9
    nesterov: bool = False
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    schedule: Schedule = field(default_factory=Constant)
    parameters: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()

    def __post_init__(self) -> None:
        if self.lr < 0 or self.weight_decay < 0:
            raise OptionError(
                f"rate and weight decay cannot be negative, got {self.lr} and {self.weight_decay}"
            )

    def select(self, names: Iterable[str]) -> list[str]:
        """The names that it trains, in the given order; a pattern that matches none is a mistake."""
        names = list(names)
        for pattern in self.parameters + self.exclude:
            if not _matching((pattern,), names):
                raise OptionError(f"no parameter is called {pattern}; there are {_some(names)}")
        left_out = set(_matching(self.exclude, names))
        return [name for name in _matching(self.parameters, names) if name not in left_out]

    def build(self, module: nn.Module) -> torch.optim.Optimizer:
        """The torch optimizer; only parameters that require a gradient take part.

        Parameters with equal settings share a group, whose `base_lr` keeps the rate before the schedule.
        """
        trained = {name: p for name, p in module.named_parameters() if p.requires_grad}
        groups: dict[tuple[float, float], list[nn.Parameter]] = {}
        for name in self.select(trained):
            groups.setdefault(self._settings(name), []).append(trained[name])
        if not groups:
            raise OptionError(f"an optimizer of {', '.join(self.parameters)} has no parameter to train")
        described = [
            {"params": parameters, "lr": lr, "base_lr": lr, "weight_decay": decay}
            for (lr, decay), parameters in groups.items()
        ]
        # one kernel for all parameters: torch's own choice on a CPU, a dozen small operations for each of
        # them, takes a tenth of a small network's step
        shared: dict[str, Any] = {"lr": self.lr, "fused": True}
        if self.kind is OptimizerKind.SGD:
            return torch.optim.SGD(described, momentum=self.momentum, nesterov=self.nesterov, **shared)
        adaptive = {"betas": self.betas, "eps": self.eps, **shared}
        if self.kind is OptimizerKind.ADAM:
            return torch.optim.Adam(described, **adaptive)
        return torch.optim.AdamW(described, **adaptive)

    def _settings(self, name: str) -> tuple[float, float]:
        lr, decay = self.lr, self.weight_decay
        for rule in self.rules:
            if _matching(rule.names, [name]):
                lr *= rule.lr
                decay = decay if rule.weight_decay is None else rule.weight_decay
        return lr, decay


def set_lrs(optimizer: torch.optim.Optimizer, schedule: Schedule, epoch: int) -> None:
    """Give every group the rate that the schedule says for this epoch."""
    for group in optimizer.param_groups:
        group["lr"] = schedule(epoch, group["base_lr"])


def _matching(patterns: tuple[str, ...], names: Iterable[str]) -> list[str]:
    return [name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns)]


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
