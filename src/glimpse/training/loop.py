"""The training loop: stages, epochs and steps, in a folder that a killed run can go on in.

run/
  run.json              settings, data, versions, times (`glimpse.training.run_record`)
  metrics.jsonl         a line per epoch
  checkpoints/          the last few (`glimpse.training.checkpoint`)
  best.safetensors      the weights of the best epoch on the validation rows
  final.safetensors     the weights after the last epoch
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from glimpse.errors import OptionError, TrainingError
from glimpse.files import atomic_write, locked, printable
from glimpse.runtime import keep_freed_memory, torch_device
from glimpse.training.batches import TrainingData
from glimpse.training.checkpoint import Position, Snapshot, latest_snapshot, sweep, tensor_bytes
from glimpse.training.distributed import copy_from_first, joined, wait_for_all, with_shared_statistics
from glimpse.training.ema import MovingAverage
from glimpse.training.engine import Engine, torch_settings
from glimpse.training.loggers import EpochReport, Listener, json_lines, no_bar, tensorboard, training_bar
from glimpse.training.run_record import check_same_run, describe_run, now, read_run
from glimpse.training.seeding import preserved_generators
from glimpse.training.stage_run import BEST, CHECKPOINTS, RUN_FILE, Run, run_stage, write_record
from glimpse.training.stages import Method, Stage

Validate = Callable[[Method], Mapping[str, float]]
"""Measures a method on validation rows, never on test rows; `engine.select_by` names the decisive one."""


@dataclass(frozen=True)
class Outcome:
    """What a finished run gives.

    Attributes:
        final: weights after the last epoch, which the method now holds.
        best: weights of the best validated epoch, or None without validation.
        measures: of the last validation.
        best_measures: of the best one.
        best_epoch: its stage and epoch.
    """

    final: Path
    best: Path | None = None
    measures: Mapping[str, float] = field(default_factory=dict)
    best_measures: Mapping[str, float] = field(default_factory=dict)
    best_epoch: tuple[str, int] | None = None


def train(
    method: Method,
    data: TrainingData,
    stages: Sequence[Stage],
    folder: Path,
    *,
    seed: int,
    engine: Engine | None = None,
    recipe: Mapping[str, Any] | None = None,
    resume: bool = False,
    validate: Validate | None = None,
    listeners: Sequence[Listener] = (),
    quiet: bool = False,
) -> Outcome:
    """Train a method through its stages.

    The same arguments give the same weights, bit for bit on one machine with as many threads, whether the
    run is killed and resumed at any step or not. Started by torchrun, the processes share each batch.

    Args:
        method: the method, initialized; afterwards it holds the final weights.
        data: the rows to train on.
        stages: what is done, in order.
        folder: where the run lies; a new one, or with `resume` the one of the run to continue.
        seed: of everything that is drawn in training; samplers have seeds of their own.
        engine: how it runs.
        recipe: settings as JSON values, kept in the record and compared on resuming.
        resume: go on from the last checkpoint in `folder`.
        validate: measures the method after epochs, in evaluation mode.
        listeners: are told of every epoch.
        quiet: show no progress.
    """
    if not stages:
        raise OptionError("training needs at least one stage")
    engine = engine or Engine()
    device = torch_device(engine.device)
    keep_freed_memory()
    with ExitStack() as stack:
        stack.enter_context(preserved_generators())
        stack.enter_context(torch_settings(engine))
        processes = stack.enter_context(joined(device))
        checkpoints = folder / CHECKPOINTS
        if processes.first:
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(folder / ".lock", wait=False))
            sweep(checkpoints)
        wait_for_all()
        record = describe_run(
            recipe=recipe or {},
            seed=seed,
            data=data.records,
            stages={stage.name: stage.epochs for stage in stages},
            engine=engine.learns_by(),
            device=device,
        )
        record = _checked(folder, record, resume=resume)
        method.to(device)
        snapshot = latest_snapshot(checkpoints) if resume else None
        if snapshot is not None:
            _fill(method, snapshot, checkpoints)
        copy_from_first(method)
        with_shared_statistics(method)
        average = MovingAverage(method, engine.average) if engine.average is not None else None
        if average is not None and snapshot is not None:
            average.load(snapshot.tensors["average"])
        if engine.compile_backend is not None:
            for module in method.compiled():
                # not `module.compile()`, which leaves torch's own containers as they are
                module.forward = torch.compile(module.forward, backend=engine.compile_backend)
        position = snapshot.position if snapshot else Position()
        # within an epoch, be it after its last step, that epoch will be told again
        told = position.done - bool(position.step)
        log = [json_lines(folder / "metrics.jsonl", told)] if processes.first else []
        if engine.tensorboard and processes.first:
            log.append(tensorboard(folder / "tensorboard", told))
        run = Run(
            method=method,
            data=data,
            folder=folder,
            seed=seed,
            engine=engine,
            device=device,
            processes=processes,
            average=average,
            record=record,
            bar=no_bar if quiet or not processes.first else training_bar,
            validate=_validation(method, average, validate, engine.select_by),
            tell=_telling([*log, *listeners] if processes.first else []),
            position=position,
            notes=dict(snapshot.notes) if snapshot else {},
        )
        for number, stage in enumerate(stages):
            if number >= run.position.stage:
                run_stage(run, stage, number, snapshot)
        return _finish(run)


def _checked(folder: Path, record: dict[str, Any], *, resume: bool) -> dict[str, Any]:
    """The record to go on with: a new one, or the resumed run's own; a mix-up of runs is refused."""
    path = folder / RUN_FILE
    exists = path.exists()
    wait_for_all()  # before the first process writes it, all must have looked
    if not exists:  # also for a run that was killed before it wrote anything
        return record
    if not resume:
        raise OptionError(f"{folder} holds a run already: resume it (--resume), or train into another folder")
    before = read_run(path)
    check_same_run(before, record)
    return {**before, "resumed": [*before["resumed"], now()], "finished": None}


def _fill(method: Method, snapshot: Snapshot, folder: Path) -> None:
    try:
        method.load_state_dict(dict(snapshot.tensors["weights"]))
    except (RuntimeError, KeyError) as error:
        raise TrainingError(
            f"cannot resume: the last checkpoint in {printable(folder)} holds the weights of another method"
        ) from error


def _telling(listeners: Sequence[Listener]) -> Listener:
    def tell(report: EpochReport) -> None:
        for listener in listeners:
            listener(report)

    return tell


def _validation(
    method: Method, average: MovingAverage | None, validate: Validate | None, select_by: str
) -> Callable[[], Mapping[str, float]] | None:
    """Validation in evaluation mode, of the averaged weights if there are any."""
    if validate is None:
        return None

    def measures() -> Mapping[str, float]:
        method.eval()
        with ExitStack() as stack:
            if average is not None:
                stack.enter_context(average.in_place(method))
            found = dict(validate(method))
        if select_by not in found:
            raise OptionError(f"the validation gives no measure {select_by}; there are {', '.join(found)}")
        return found

    return measures


def _finish(run: Run) -> Outcome:
    """Write the final weights, into the method too, and end the record."""
    weights: Mapping[str, Tensor] = run.method.state_dict()
    if run.average is not None:
        weights = run.average.values
        run.method.load_state_dict(dict(weights))
    run.method.eval()
    outcome = Outcome(
        final=run.folder / "final.safetensors",
        best=run.folder / BEST if "best" in run.notes else None,
        measures=run.notes.get("last", {}),
        best_measures=run.notes.get("best", {}).get("measures", {}),
        best_epoch=(run.notes["best"]["stage"], run.notes["best"]["epoch"]) if "best" in run.notes else None,
    )
    if run.processes.first:
        with atomic_write(outcome.final) as file:
            file.write(tensor_bytes(weights))
        run.record["finished"] = now()
    write_record(run)
    wait_for_all()
    return outcome
