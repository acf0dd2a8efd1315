"""What a published method must offer to be trained, and the stages that its training consists of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from glimpse.errors import OptionError
from glimpse.training.augment import Augmentation
from glimpse.training.batches import Batch, TrainingData
from glimpse.training.optimizers import Optimizer
from glimpse.training.sampler import Sampler
from glimpse.training.seeding import generator

_METHODS = 2**31  # the streams of a step that belong to its method; no process has such a number


class BatchChange(Protocol):
    """A change of a whole training batch after each of its images was augmented, as patch transfer is."""

    def apply(self, batch: Batch, generator: np.random.Generator) -> Batch:
        """The changed batch; everything that is drawn comes from the generator."""
        ...


@dataclass(frozen=True)
class Step:
    """Where training is; nothing else may decide what is drawn.

    Attributes:
        stage: the stage's name.
        update: the update's name; a method may compute only what this update needs.
        epoch: from 1.
        epochs: of the stage.
        index: of the step in its epoch, from 0.
        steps: of the epoch.
        key: names the step's stream of random numbers.
    """

    stage: str
    update: str
    epoch: int
    epochs: int
    index: int
    steps: int
    key: tuple[int, ...] = ()

    @property
    def progress(self) -> float:
        """The part of the stage that is done, from 0 to 1: for weights that fade in or out."""
        return (self.epoch - 1 + self.index / self.steps) / self.epochs

    def generator(self, purpose: int = 0) -> torch.Generator:
        """A fresh generator on the CPU: the same for equal steps and purposes, in every process."""
        return generator(*self.key, _METHODS, purpose)


class Method(nn.Module, ABC):
    """A published method: its modules, its losses, its embedding.

    In a distributed run every process computes its share of the batch; a loss over pairs calls
    `glimpse.training.distributed.gathered` on features and labels first. `embed` must not.
    """

    @abstractmethod
    def losses(self, batch: Batch, step: Step) -> Mapping[str, Tensor]:
        """The losses by name, each a scalar that is already weighted; the update adds them up."""

    @abstractmethod
    def embed(self, batch: Batch) -> Tensor:
        """One vector per row: [B, D]."""

    def observed(self) -> Mapping[str, Tensor]:
        """What else to log of the step that was just taken: scalars by name, which nothing learns from."""
        return {}

    def compiled(self) -> Sequence[nn.Module]:
        """The modules that `torch.compile` is worth for; all children unless a method knows better."""
        return list(self.children())


@dataclass(frozen=True)
class Update:
    """One forward, one backward, and the optimizers that step upon it; a step has one or several.

    Attributes:
        name: what `Step.update` says meanwhile.
        optimizers: each with its own parameters; those of no optimizer stay as they are.
        losses: names of the losses that count, or None for all that the method returns.
        clip: largest norm of the gradient over all parameters of the update, or None.
    """

    name: str
    optimizers: tuple[Optimizer, ...]
    losses: tuple[str, ...] | None = None
    clip: float | None = None

    def __post_init__(self) -> None:
        if not self.optimizers:
            raise OptionError(f"the update {self.name} needs an optimizer")
        if self.clip is not None and self.clip <= 0:
            raise OptionError(f"the gradient's norm must be clipped above 0, got {self.clip}")

    def chosen(self, losses: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Those of the losses that count."""
        if self.losses is None:
            return dict(losses)
        missing = [name for name in self.losses if name not in losses]
        if missing:
            raise OptionError(
                f"the update {self.name} needs the loss {missing[0]}; there are {', '.join(losses)}"
            )
        return {name: losses[name] for name in self.losses}


Begin = Callable[[Method, TrainingData], None]
Derive = Callable[[Method, TrainingData], TrainingData]


@dataclass(frozen=True)
class Stage:
    """One stage of a method's training.

    Attributes:
        name: as it is shown.
        epochs: how many.
        updates: what happens in each step, in this order.
        sampler: which rows make up each batch.
        augmentation: what is done to the images.
        transfer: what changes an augmented batch as a whole, such as patch transfer, or None.
        evaluating: patterns of the names of modules that stay in evaluation mode: frozen backbones.
        begin: called once, before the first step; what it changes must be in the method's state.
        derive: makes the stage's data from the run's, whenever the stage is entered (so also on resuming);
            it may use only what the stage does not train.
        validated: whether validation takes place; a stage that leaves the embedding as it is needs none.
    """

    name: str
    epochs: int
    updates: tuple[Update, ...]
    sampler: Sampler
    augmentation: Augmentation = field(default_factory=Augmentation)
    transfer: BatchChange | None = None
    evaluating: tuple[str, ...] = ()
    begin: Begin | None = None
    derive: Derive | None = None
    validated: bool = True

    def __post_init__(self) -> None:
        if self.epochs < 1 or not self.updates:
            raise OptionError(f"the stage {self.name} needs at least 1 epoch and 1 update")
        names = [update.name for update in self.updates]
        if len(set(names)) < len(names):
            raise OptionError(f"the updates of the stage {self.name} must have different names, got {names}")


def one_update(*optimizers: Optimizer, clip: float | None = None) -> tuple[Update, ...]:
    """The common case: a single update of everything by all losses."""
    return (Update("all", optimizers, clip=clip),)


def total_of(losses: Iterable[Tensor]) -> Tensor:
    """The sum of scalar losses, one at least."""
    return torch.stack([loss.float().reshape(()) for loss in losses]).sum()
