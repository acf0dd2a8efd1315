"""One training step: every update's forward, backward and optimizer steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import torch
from torch import Tensor, nn

from glimpse.choices import Dtype
from glimpse.errors import OptionError, TrainingError
from glimpse.training.batches import Batch
from glimpse.training.distributed import average_gradients, mean_over_processes
from glimpse.training.optimizers import set_lrs
from glimpse.training.stages import Method, Stage, Step, Update, total_of


@dataclass(frozen=True, eq=False)
class ReadyUpdate:
    """An update with its optimizers built for a method.

    Attributes:
        update: the description.
        optimizers: as described, in order.
        parameters: of all optimizers together.
    """

    update: Update
    optimizers: tuple[torch.optim.Optimizer, ...]
    parameters: tuple[nn.Parameter, ...]

    def set_lrs(self, epoch: int) -> float:
        """Give every group its rate; returns the largest of the first optimizer.

        Others may have rates of another kind, as that of BoT's centers, which is 1000.
        """
        for described, optimizer in zip(self.update.optimizers, self.optimizers, strict=True):
            set_lrs(optimizer, described.schedule, epoch)
        return max(float(group["lr"]) for group in self.optimizers[0].param_groups)


def build_optimizers(method: Method, stage: Stage) -> list[ReadyUpdate]:
    """Build the optimizers of a stage; only parameters that require a gradient take part."""
    ready = []
    for update in stage.updates:
        optimizers = tuple(described.build(method) for described in update.optimizers)
        parameters = [p for o in optimizers for group in o.param_groups for p in group["params"]]
        if len({id(p) for p in parameters}) < len(parameters):
            raise OptionError(
                f"two optimizers of the update {update.name} of the stage {stage.name} train one parameter"
            )
        ready.append(ReadyUpdate(update, optimizers, tuple(parameters)))
    return ready


def set_mode(method: Method, stage: Stage) -> None:
    """Training mode, but for the modules that the stage keeps in evaluation mode."""
    method.train()
    names = [name for name, _ in method.named_modules()]
    for pattern in stage.evaluating:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise OptionError(
                f"the stage {stage.name} keeps {pattern} evaluating, but no module is called so"
            )
    for name, module in method.named_modules():
        if any(fnmatchcase(name, pattern) for pattern in stage.evaluating):
            module.eval()


def take_step(
    method: Method, batch: Batch, step: Mapping[str, Step], ready: Sequence[ReadyUpdate], dtype: Dtype
) -> dict[str, Tensor]:
    """Do all updates of a step.

    Args:
        method: in training mode.
        batch: this process's share.
        step: by the name of the update.
        ready: the updates, in order.
        dtype: of the forward passes.

    Returns:
        The losses by `update/loss`, detached.
    """
    values: dict[str, Tensor] = {}
    for one in ready:
        name = one.update.name
        if len(ready) > 1:
            # what this update does not train needs no gradient: spares the backward through it
            for other in ready:
                for parameter in other.parameters:
                    parameter.requires_grad_(other is one)
            for parameter in one.parameters:
                parameter.requires_grad_(True)
        for other in ready:
            for optimizer in other.optimizers:
                optimizer.zero_grad(set_to_none=True)
        losses = _losses_of(method, batch, one.update, step[name], dtype)
        total_of(losses.values()).backward()  # type: ignore[no-untyped-call]
        average_gradients(one.parameters)
        if one.update.clip is not None:
            nn.utils.clip_grad_norm_(one.parameters, one.update.clip)
        for optimizer in one.optimizers:
            optimizer.step()
        values |= {f"{name}/{loss}": value.detach() for loss, value in losses.items()}
    return values


def _losses_of(method: Method, batch: Batch, update: Update, step: Step, dtype: Dtype) -> dict[str, Tensor]:
    """The losses that count in an update, of one forward pass."""
    with torch.autocast(batch.rows.device.type, torch.bfloat16, enabled=dtype is Dtype.BFLOAT16):
        losses = update.chosen(method.losses(batch, step))
    if not losses:
        raise TrainingError(f"the method gave no loss for the update {update.name}")
    return losses


class RunningLosses:
    """Sums of losses over an epoch, which stay on the device until they are asked for."""

    def __init__(self, sums: Mapping[str, float] | None = None, steps: int = 0) -> None:
        self._sums = {name: torch.tensor(value, dtype=torch.float64) for name, value in (sums or {}).items()}
        self.steps = steps

    def add(self, losses: Mapping[str, Tensor]) -> None:
        """Take in a step."""
        for name, value in losses.items():
            # MPS has no float64; there and on CPUs the sum is kept on the CPU
            exact = value.double() if value.device.type == "cuda" else value.cpu().double()
            self._sums[name] = exact + self._sums[name].to(exact.device) if name in self._sums else exact
        self.steps += 1

    def sums(self, where: str) -> dict[str, float]:
        """The sums, the mean of all processes; a loss that is no number ends the run."""
        if not self._sums:
            return {}
        stacked = mean_over_processes(torch.stack([value.reshape(()) for value in self._sums.values()]))
        sums = dict(zip(self._sums, stacked.tolist(), strict=True))
        wrong = [name for name, value in sums.items() if not abs(value) < float("inf")]
        if wrong:
            raise TrainingError(
                f"the loss {wrong[0]} is no finite number {where}: a lower learning rate or clipping may help"
            )
        return sums

    def means(self, where: str) -> dict[str, float]:
        """The mean of each loss over the steps."""
        return {name: value / self.steps for name, value in self.sums(where).items()}
