"""One stage of a run, from any of its steps on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from glimpse.files import atomic_write
from glimpse.records import IntArray
from glimpse.training.augment import Draws
from glimpse.training.batches import RawBatch, TrainingData, make_batch, prefetch, read_raw
from glimpse.training.checkpoint import Position, Snapshot, save_snapshot, tensor_bytes
from glimpse.training.distributed import Processes, wait_for_all
from glimpse.training.ema import MovingAverage
from glimpse.training.engine import Engine
from glimpse.training.loggers import EpochReport, Listener, Show
from glimpse.training.run_record import write_run
from glimpse.training.sampler import share
from glimpse.training.seeding import generator, numbers, seed_global_generators
from glimpse.training.stages import Method, Stage, Step
from glimpse.training.update import ReadyUpdate, RunningLosses, build_optimizers, set_mode, take_step

_LOOK_EVERY = 20  # steps between looks at the losses on a GPU, where each look waits for it
CHECKPOINTS, RUN_FILE, BEST = "checkpoints", "run.json", "best.safetensors"


@dataclass
class Run:
    """A run under way; `position` and `notes` are all of it that changes, beside the method itself.

    Attributes:
        method: on its device.
        data: the run's rows.
        folder: where everything is written.
        seed: of what is drawn.
        engine: how it runs.
        device: of the method.
        processes: which this is.
        average: of the weights, or None.
        record: what `run.json` says.
        bar: shows progress.
        validate: measures the method, or None.
        tell: is told of every epoch.
        position: the next step.
        notes: what checkpoints keep beside tensors: running losses, the best epoch, the last measures.
    """

    method: Method
    data: TrainingData
    folder: Path
    seed: int
    engine: Engine
    device: torch.device
    processes: Processes
    average: MovingAverage | None
    record: dict[str, Any]
    bar: Callable[[str, int], AbstractContextManager[Show]]
    validate: Callable[[], Mapping[str, float]] | None
    tell: Listener
    position: Position
    notes: dict[str, Any]


def run_stage(run: Run, stage: Stage, number: int, snapshot: Snapshot | None) -> None:
    """Do what is left of a stage; `snapshot` is what the run was resumed from, if it was."""
    if run.position.stage < number:
        run.position = Position(stage=number, done=run.position.done)
    entered = run.position
    if entered.epoch > stage.epochs:
        return
    if (entered.epoch, entered.step) == (1, 0) and stage.begin is not None:
        seed_global_generators(run.seed, number)
        stage.begin(run.method, run.data)
    data = stage.derive(run.method, run.data) if stage.derive else run.data
    trainable = [p for p in run.method.parameters() if p.requires_grad]
    ready = build_optimizers(run.method, stage)
    trained = {id(p) for one in ready for p in one.parameters}
    for parameter in trainable:
        parameter.requires_grad_(id(parameter) in trained)
    if snapshot is not None and snapshot.position == entered:
        for optimizer, state in zip(_optimizers(ready), snapshot.optimizers, strict=True):
            optimizer.load_state_dict(dict(state))
    write_record(run)
    with ExitStack() as stack:
        show = stack.enter_context(run.bar(stage.name, stage.epochs))
        for epoch in range(entered.epoch, stage.epochs + 1):
            _run_epoch(run, stage, data, ready, epoch, show)
    for parameter in trainable:
        parameter.requires_grad_(True)


def _run_epoch(
    run: Run,
    stage: Stage,
    data: TrainingData,
    ready: Sequence[ReadyUpdate],
    epoch: int,
    show: Show,
) -> None:
    plan = stage.sampler.plan(epoch)
    rates = {one.update.name: one.set_lrs(epoch) for one in ready}
    set_mode(run.method, stage)
    running = RunningLosses(**run.notes.pop("running", {}))
    observed = RunningLosses(**run.notes.pop("observed", {}))
    where = f"in epoch {epoch} of the stage {stage.name}"
    begun, images = time.monotonic(), 0
    for index, raw in enumerate(_reading(run, data, plan[run.position.step :]), start=run.position.step):
        running.add(_one_step(run, stage, data, ready, raw, epoch, index, plan))
        observed.add({name: value.detach() for name, value in run.method.observed().items()})
        images += len(plan[index])
        run.position = replace(run.position, step=index + 1, done=run.position.done + 1)
        if run.device.type == "cpu" or index % _LOOK_EVERY == 0:
            loss, speed = sum(running.means(where).values()), images / (time.monotonic() - begun)
            show(epoch - 1 + (index + 1) / len(plan), f"loss {loss:.3f}  {speed:.0f} images/s")
        if run.engine.checkpoint_steps and run.position.done % run.engine.checkpoint_steps == 0:
            for name, sums in (("running", running), ("observed", observed)):
                run.notes[name] = {"sums": sums.sums(where), "steps": sums.steps}
            _save(run, ready)
            del run.notes["running"], run.notes["observed"]
    seconds = time.monotonic() - begun
    spent = run.notes.setdefault("seconds", {})
    spent[stage.name] = spent.get(stage.name, 0.0) + seconds
    means = running.means(where)
    run.position = replace(run.position, epoch=epoch + 1, step=0)
    measures = _measures(run, stage, epoch)
    # before the checkpoint: a resumed run forgets lines that are told too early, and could not tell others
    run.tell(
        EpochReport(
            stage=stage.name,
            epoch=epoch,
            epochs=stage.epochs,
            done=run.position.done,
            losses=means,
            rates=rates,
            images_per_second=images / seconds,
            measures=measures,
            observed=observed.means(where),
        )
    )
    _save(run, ready)
    write_record(run)


def _reading(run: Run, data: TrainingData, plan: Sequence[IntArray]) -> Iterator[RawBatch]:
    """This process's share of each batch, read one ahead."""

    def read(rows: IntArray) -> RawBatch:
        part = share(rows, run.processes.rank, run.processes.world)
        return read_raw(data, rows[part], pinned=run.device.type == "cuda")

    return prefetch(read, plan)


def _one_step(
    run: Run,
    stage: Stage,
    data: TrainingData,
    ready: Sequence[ReadyUpdate],
    raw: RawBatch,
    epoch: int,
    index: int,
    plan: Sequence[IntArray],
) -> dict[str, Tensor]:
    key = (run.seed, run.position.stage, epoch, index)
    rows, here = plan[index], run.processes

    def draw(size: tuple[int, int]) -> Draws:
        # all processes draw for the global batch and take their part: the same images however many there are
        draws = stage.augmentation.draw(len(rows), size, generator(*key))
        return draws[share(rows, here.rank, here.world)]

    batch = make_batch(data, raw, stage.augmentation, draw, run.device)
    if stage.transfer is not None:
        batch = stage.transfer.apply(batch, numbers(*key, here.rank))
    steps = {
        one.update.name: Step(stage.name, one.update.name, epoch, stage.epochs, index, len(plan), key)
        for one in ready
    }
    seed_global_generators(*key, 1 + here.rank)
    losses = take_step(run.method, batch, steps, ready, run.engine.dtype)
    if run.average is not None:
        run.average.update(run.method)
    return losses


def _measures(run: Run, stage: Stage, epoch: int) -> Mapping[str, float]:
    """Validate if it is time to, and keep the weights if they are the best so far."""
    due = epoch % run.engine.validate_every == 0 or epoch == stage.epochs
    measures: Mapping[str, float] = {}
    if run.validate is not None and stage.validated and due and run.processes.first:
        measures = run.notes["last"] = dict(run.validate())
        best, score = run.notes.get("best"), measures[run.engine.select_by]
        if best is None or score > best["measures"][run.engine.select_by]:
            run.notes["best"] = {"stage": stage.name, "epoch": epoch, "measures": measures}
            weights = run.average.values if run.average else run.method.state_dict()
            with atomic_write(run.folder / BEST) as file:
                file.write(tensor_bytes(weights))
    wait_for_all()
    return measures


def _save(run: Run, ready: Sequence[ReadyUpdate]) -> None:
    if not run.processes.first:
        return
    tensors: dict[str, Mapping[str, Tensor]] = {"weights": run.method.state_dict()}
    if run.average is not None:
        tensors["average"] = run.average.values
    states = [optimizer.state_dict() for optimizer in _optimizers(ready)]
    snapshot = Snapshot(run.position, tensors, states, run.notes)
    save_snapshot(run.folder / CHECKPOINTS, snapshot, keep=run.engine.keep)


def write_record(run: Run) -> None:
    """Bring `run.json` up to date."""
    if run.processes.first:
        seconds = {name: round(value, 3) for name, value in run.notes.get("seconds", {}).items()}
        validation = {"best": run.notes.get("best"), "last": run.notes.get("last")}
        write_run(run.folder / RUN_FILE, {**run.record, "seconds": seconds, "validation": validation})


def _optimizers(ready: Sequence[ReadyUpdate]) -> list[torch.optim.Optimizer]:
    return [optimizer for one in ready for optimizer in one.optimizers]
