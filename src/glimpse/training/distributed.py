"""Several processes train one model: each works on its share of every batch, as torchrun starts them.

The gradient of a step is the mean of the processes' gradients. With losses that are means over the share,
or computed by every process on `gathered` features, and with `with_shared_statistics`, the result is that
of one process on the whole batch.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

_PATIENCE = timedelta(hours=12)
"""Our choice: the first process prepares masks and validates while the others wait, which takes longer than
torch's ten minutes."""


@dataclass(frozen=True)
class Processes:
    """Which of how many processes this is.

    Attributes:
        rank: from 0.
        world: how many.
    """

    rank: int = 0
    world: int = 1

    @property
    def first(self) -> bool:
        """Whether this process writes what all of them share."""
        return self.rank == 0


def processes() -> Processes:
    """Which of how many; one of one outside a distributed run."""
    if not (dist.is_available() and dist.is_initialized()):
        return Processes()
    return Processes(dist.get_rank(), dist.get_world_size())


@contextmanager
def joined(device: torch.device) -> Iterator[Processes]:
    """Meet the other processes that torchrun started, if it did; part from them at the end.

    Within such a block another one changes nothing.
    """
    if (dist.is_available() and dist.is_initialized()) or int(os.environ.get("WORLD_SIZE", "1")) < 2:
        yield processes()
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=_PATIENCE)
    try:
        yield processes()
    finally:
        dist.destroy_process_group()


def wait_for_all() -> None:
    """Return when every process has come here."""
    if processes().world > 1:
        dist.barrier()


@contextmanager
def first_before_others() -> Iterator[None]:
    """The first process does the block, then the others do, and find what it has left on disk."""
    first = processes().first
    if not first:
        wait_for_all()
    yield
    if first:
        wait_for_all()


def gathered(values: Tensor) -> Tensor:
    """The rows of all processes `[W * B, ...]`, in the order of the global batch, with gradient.

    The gradient of a row is summed over the losses of all processes.
    """
    if processes().world == 1:
        return values
    result: Tensor = _Gather.apply(values)  # type: ignore[no-untyped-call]
    return result


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace each gradient by its mean over the processes, where one without a gradient counts as 0.

    A parameter that got a gradient in no process keeps none, so that optimizers pass over it.
    """
    world = processes().world
    if world == 1:
        return
    trained = list(parameters)
    used = torch.tensor([p.grad is not None for p in trained], dtype=torch.int32, device=trained[0].device)
    used = _total(used)
    of_type: dict[torch.dtype, list[nn.Parameter]] = {}
    for parameter, count in zip(trained, used.tolist(), strict=True):
        if count:
            of_type.setdefault(parameter.dtype, []).append(parameter)
    for same in of_type.values():
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in same]
        flat = _total(torch.cat([gradient.reshape(-1) for gradient in gradients]))
        flat /= world
        parts = torch.split(flat, [p.numel() for p in same])
        for parameter, part in zip(same, parts, strict=True):
            parameter.grad = part.view_as(parameter)


def mean_over_processes(values: Tensor) -> Tensor:
    """The mean of a tensor of equal shape in every process; without gradient."""
    world = processes().world
    if world == 1:
        return values
    return _total(values.detach().clone()) / world


def _parts(values: Tensor) -> Sequence[Tensor]:
    """The tensors of all processes, which are of equal shape, by rank."""
    parts = [torch.empty_like(values) for _ in range(processes().world)]
    dist.all_gather(parts, values)
    return parts


def _total(values: Tensor) -> Tensor:
    """The sum over all processes; `values` is overwritten by it."""
    dist.all_reduce(values)
    return values


def copy_from_first(module: nn.Module) -> None:
    """Give every process the first one's parameters and buffers."""
    if processes().world > 1:
        for values in (*module.parameters(), *module.buffers()):
            dist.broadcast(values.detach(), 0)


def with_shared_statistics(module: nn.Module) -> None:
    """Make the batch normalizations inside `module` normalize over the batches of all processes.

    Names of parameters and buffers stay, so weights can be loaded with or without.
    """
    if processes().world == 1:
        return
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d):
            setattr(module, name, _SharedBatchNorm(child))
        else:
            with_shared_statistics(child)


class _SharedBatchNorm(nn.Module):
    """Batch normalization over all processes, on any device (torch's own needs a GPU)."""

    weight: nn.Parameter | None
    bias: nn.Parameter | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(self, norm: nn.BatchNorm1d | nn.BatchNorm2d) -> None:
        super().__init__()
        self.eps, self.momentum = norm.eps, norm.momentum
        for name in ("weight", "bias"):
            self.register_parameter(name, getattr(norm, name))
        for name in ("running_mean", "running_var", "num_batches_tracked"):
            self.register_buffer(name, getattr(norm, name))
        self.train(norm.training)

    def forward(self, values: Tensor) -> Tensor:
        if not self.training and self.running_mean is not None:
            return nn.functional.batch_norm(
                values, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        result, mean, variance, count = _Normalize.apply(  # type: ignore[no-untyped-call]
            values.float(), self.weight, self.bias, self.eps
        )
        self._remember(mean, variance * count / (count - 1).clamp(min=1))
        normalized: Tensor = result.to(values.dtype)
        return normalized

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked += 1
        part = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, part)
        self.running_var.lerp_(variance, part)


class _Normalize(torch.autograd.Function):
    """`(x - mean) / sqrt(variance + eps) * weight + bias` by the mean and the variance of all processes.

    Two exchanges: of the statistics, and of the sums that the gradient needs.
    """

    @staticmethod
    def forward(
        ctx: Any, values: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        own = torch.batch_norm_update_stats(values, None, None, 0.0)
        rows = torch.full_like(own[0], values.numel() // values.shape[1])
        means, variances, counts = torch.stack(list(_parts(torch.stack([*own, rows])))).double().unbind(1)
        count = counts.sum(0)
        mean = (counts * means).sum(0) / count
        variance = (counts * (variances + (means - mean).square())).sum(0) / count
        mean, variance, count = mean.float(), variance.float(), count.float()
        ctx.save_for_backward(values, weight, mean, variance, count)
        ctx.eps = eps
        ctx.mark_non_differentiable(mean, variance, count)
        return nn.functional.batch_norm(values, mean, variance, weight, bias, eps=eps), mean, variance, count

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, *_: Any) -> tuple[Tensor, Tensor | None, Tensor | None, None]:
        values, weight, mean, variance, count = ctx.saved_tensors
        # as if the statistics were constants, with this process's sums of g * (x - mean) / std and of g
        by_values, by_weight, by_bias = torch.ops.aten.native_batch_norm_backward(
            gradient, values, weight, mean, variance, None, None, False, ctx.eps, [True, True, True]
        )
        along, across = _total(torch.stack([by_weight, by_bias])) / count
        scale = (variance + ctx.eps).rsqrt()
        factor = scale if weight is None else scale * weight
        slope = -factor * scale * along
        shape = [1, -1] + [1] * (values.ndim - 2)
        by_values.addcmul_(values, slope.view(shape)).sub_((factor * across + slope * mean).view(shape))
        needed = ctx.needs_input_grad
        return by_values, by_weight if needed[1] else None, by_bias if needed[2] else None, None


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        values = values.contiguous()
        ctx.rows = len(values)
        return torch.cat(list(_parts(values)))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = _total(gradient.clone())
        start = processes().rank * ctx.rows
        return total[start : start + ctx.rows]
