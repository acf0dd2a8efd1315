"""Workers: threads of one process that train a share of every batch each, on one core of a CPU.

A step on N workers is what torchrun's N processes do, without processes: worker r augments share r of the
batch, computes its losses with the features of all shares (`gathered`) and the gradients of its share alone;
the gradient of the step is their mean, summed in the order of the shares. So the result depends on N, bit
for bit, and on nothing else: whichever core was slow, or is shared with another program.

Why not torch's own threads: they meet after every operation, hundreds of times a step, and spin meanwhile.
With small networks the meetings take as long as the work, and a core that another program keeps busy holds
up each of them. Workers meet a few times a step and sleep meanwhile, so the system can give the free core
to whichever share is behind.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from glimpse.choices import Precision
from glimpse.errors import TrainingError
from glimpse.records import IntArray
from glimpse.training.batches import Batch, RawBatch
from glimpse.training.distributed import Processes, as_member, with_shared_statistics
from glimpse.training.sampler import share
from glimpse.training.seeding import derived_seed
from glimpse.training.stages import Method, Stage, Step, total_of
from glimpse.training.update import ReadyUpdate, losses_of, set_mode, take_updates

T = TypeVar("T")


class Replicas:
    """The workers of one stage: a copy of the method and a thread for each.

    The copies have the method's parameters, and the first one its buffers too; the buffers of the others,
    and whatever a method notes in attributes, are a copy's own.

    Args:
        method: as the stage begins.
        workers: N, at least 2.
    """

    def __init__(self, method: Method, workers: int) -> None:
        self._copies = [_copy(method, rank, workers) for rank in range(workers)]
        self._streams = [torch.Generator() for _ in range(workers)]
        for copy, stream in zip(self._copies, self._streams, strict=True):
            _draw_from(stream, copy)
        self._modules = [(method.get_submodule(name), copy) for name, copy in self._copies[0].named_modules()]
        self._threads = ThreadPoolExecutor(
            workers, thread_name_prefix="train", initializer=torch.set_num_threads, initargs=(1,)
        )

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(cancel_futures=True)

    def begin_epoch(self, stage: Stage, plan: Sequence[IntArray]) -> None:
        """Set the modes that the stage asks for; refuse batches that cannot be shared evenly."""
        for rows in plan:
            share(rows, 0, len(self._copies))
        for copy in self._copies:
            set_mode(copy, stage)

    def take_step(
        self,
        raw: RawBatch,
        batch_of: Callable[[RawBatch, Processes], Batch],
        step: Mapping[str, Step],
        ready: Sequence[ReadyUpdate],
        precision: Precision,
        key: Sequence[int],
    ) -> dict[str, Tensor]:
        """Do all updates of a step, as `glimpse.training.update.take_step`.

        Args:
            raw: the whole batch.
            batch_of: makes a worker's batch of its share of `raw`.
            step: by the name of the update.
            ready: the updates, in order.
            precision: of the forward passes.
            key: of the step. What modules draw, as dropout does, comes from a stream of their worker, the one
                that a process of its rank draws from. A module that is none of torch's draws from its
                attribute `generator`, which is None for torch's global one.
        """
        with _one_thread():
            for rank, stream in enumerate(self._streams):
                stream.manual_seed(derived_seed(*key, 1 + rank))
            batches = self._map(lambda here: batch_of(_share_of(raw, here), here))

            def gradients(one: ReadyUpdate) -> Mapping[str, Tensor]:
                return self._gradients(batches, one, step[one.update.name], precision)

            return take_updates(ready, gradients)

    def observed(self) -> dict[str, Tensor]:
        """The means of what the copies observed in the last step."""
        return _means([copy.observed() for copy in self._copies])

    def _gradients(
        self, batches: Sequence[Batch], one: ReadyUpdate, step: Step, precision: Precision
    ) -> Mapping[str, Tensor]:
        """Give the parameters of an update their gradients; returns its losses; both means of the shares."""
        parameters = one.parameters
        of_all: list[Sequence[Tensor | None]] = [()] * len(batches)

        def passes(here: Processes) -> Mapping[str, Tensor]:
            losses = losses_of(self._copies[here.rank], batches[here.rank], one.update, step, precision)
            of_all[here.rank] = torch.autograd.grad(total_of(losses.values()), parameters, allow_unused=True)
            return losses

        def means(here: Processes) -> None:
            some = slice(here.rank, None, here.world)
            _set_means(parameters[some], [of_one[some] for of_one in of_all])

        losses = self._map(passes)
        self._map(means)
        for own, first in self._modules:  # should the step have put other buffers in their place
            own._buffers.update(first._buffers)
        return _means(losses)

    def _map(self, function: Callable[[Processes], T]) -> list[T]:
        """The results of all workers, by rank; in `function` each stands for a process of its rank.

        Raises:
            TrainingError: if something was drawn from the global generator unseen, as another worker may
                draw from it first.
        """
        meeting = _Meeting(len(self._copies))
        before = torch.random.get_rng_state()

        def work(rank: int) -> T:
            here = Processes(rank, len(self._copies), partial(meeting.exchange, rank))
            try:
                with as_member(here):
                    return function(here)
            finally:
                meeting.leave()

        tasks = [self._threads.submit(work, rank) for rank in range(len(self._copies))]
        wait(tasks)
        errors = [error for error in (task.exception() for task in tasks) if error is not None]
        for error in errors:
            if not isinstance(error, _LeftAlone):
                raise error
        if errors:
            raise TrainingError(
                "the shares of a batch took different ways through the losses: train with one worker"
            )
        if not torch.equal(before, torch.random.get_rng_state()):
            raise TrainingError(
                "the method draws from torch's global generator, which workers share: let it draw from "
                "`step.generator()` or a module's attribute `generator`, or train with one worker"
            )
        return [task.result() for task in tasks]


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let this thread compute on one core: torch's own threads would spin on those of the workers."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _copy(method: Method, rank: int, workers: int) -> Method:
    shared = [*method.parameters(), *(method.buffers() if rank == 0 else ())]
    copy = deepcopy(method, {id(values): values for values in shared})
    with as_member(Processes(rank, workers)):
        with_shared_statistics(copy)
    return copy


def _share_of(raw: RawBatch, here: Processes) -> RawBatch:
    part = share(raw.rows, here.rank, here.world)
    return replace(
        raw,
        rows=raw.rows[part],
        pixels=None if raw.pixels is None else raw.pixels[part],
        maps={name: values[part] for name, values in raw.maps.items()},
    )


def _set_means(parameters: Sequence[nn.Parameter], gradients: Sequence[Sequence[Tensor | None]]) -> None:
    """Give parameters the mean of the workers' gradients, summed in order, where none counts as 0.

    A parameter that got a gradient from no worker keeps none, so that optimizers pass over it.
    """
    trained = [
        (parameter, of_all)
        for parameter, *of_all in zip(parameters, *gradients, strict=True)
        if any(gradient is not None for gradient in of_all)
    ]
    if not trained:
        return
    # in the memory layout of the parameters, whatever that of the gradients is
    totals = [torch.zeros_like(parameter) for parameter, _ in trained]
    for of_one in zip(*(of_all for _, of_all in trained), strict=True):
        found = [
            (total, gradient) for total, gradient in zip(totals, of_one, strict=True) if gradient is not None
        ]
        torch._foreach_add_([total for total, _ in found], [gradient for _, gradient in found])
    torch._foreach_div_(totals, len(gradients))
    for (parameter, _), total in zip(trained, totals, strict=True):
        parameter.grad = total


def _means(values: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of each name that all have."""
    return {
        name: torch.stack([of_one[name].detach().float() for of_one in values]).mean(0)
        for name in values[0]
        if all(name in of_one for of_one in values)
    }


class _LeftAlone(Exception):
    """A worker waits for others that no longer come."""


class _Meeting:
    """Where the workers of one pass exchange tensors."""

    def __init__(self, workers: int) -> None:
        self._change = threading.Condition()
        self._brought: list[Tensor | None] = [None] * workers
        self._missing = workers
        self._over = False

    def exchange(self, rank: int, values: Tensor) -> list[Tensor]:
        """What every worker brought, by rank; returns when all have come."""
        # a copy: its owner may change the values while others read them
        values = values.detach().clone()
        with self._change:
            brought = self._brought
            brought[rank] = values
            self._missing -= 1
            if not self._missing:
                self._brought, self._missing = [None] * len(brought), len(brought)
                self._change.notify_all()
            while self._brought is brought:
                if self._over:
                    raise _LeftAlone
                self._change.wait()
        return [found for found in brought if found is not None]

    def leave(self) -> None:
        """A worker comes no more: neither does any exchange that it takes part in."""
        with self._change:
            self._over = True
            self._change.notify_all()


_DRAWING = (
    nn.modules.dropout._DropoutNd,
    nn.RReLU,
    nn.RNNBase,
    nn.MultiheadAttention,
    nn.FractionalMaxPool2d,
    nn.FractionalMaxPool3d,
)
"""Modules of torch that may draw from its global generator and cannot be given another."""
_turn = threading.RLock()
_whose: list[torch.Generator] = []  # the stream whose turn it is, if it is one's


def _draw_from(stream: torch.Generator, method: Method) -> None:
    """Let the modules of a method draw from `stream` instead of torch's global generator."""
    for module in method.modules():
        if isinstance(module, _DRAWING):
            module.forward = partial(_in_turn, stream, module.forward)  # type: ignore[method-assign]
        elif vars(module).get("generator", stream) is None:
            vars(module)["generator"] = stream


def _in_turn(stream: torch.Generator, forward: Callable[..., T], *inputs: Any, **options: Any) -> T:
    """A pass during which torch's global generator is in the state of `stream`, and no other such pass."""
    everybody = torch.default_generator
    with _turn:
        if _whose == [stream]:  # a part of such a module
            return forward(*inputs, **options)
        before = everybody.get_state()
        everybody.set_state(stream.get_state())
        _whose.append(stream)
        try:
            return forward(*inputs, **options)
        finally:
            _whose.clear()
            stream.set_state(everybody.get_state())
            everybody.set_state(before)
