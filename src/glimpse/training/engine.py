"""How training runs, as far as it does not define the method: device, dtype, checkpoints."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from glimpse.choices import Dtype
from glimpse.errors import OptionError
from glimpse.training.ema import check_decay


@dataclass(frozen=True)
class Engine:
    """How a run is executed.

    Attributes:
        device: "cpu", "cuda", "cuda:1", or "auto" for a GPU if there is one.
        dtype: bfloat16 computes the network under autocast, on CPUs and GPUs.
        compile_backend: of `torch.compile`, mostly "inductor"; None compiles nothing.
        deterministic: ask torch for algorithms that give the same bits in every run.
        average: decay of a moving average of the weights, which then is what training gives; or None.
        checkpoint_steps: steps between checkpoints; None for one at the end of each epoch.
        keep: how many checkpoints stay.
        validate_every: epochs between validations; the last epoch is always validated.
        select_by: the measure that says which epoch was best; the highest wins, the earliest of equals.
        tensorboard: write TensorBoard events into the run's folder too; needs the extra of that name.
    """

    device: str = "auto"
    dtype: Dtype = Dtype.FLOAT32
    compile_backend: str | None = None
    deterministic: bool = True
    average: float | None = None
    checkpoint_steps: int | None = None
    keep: int = 3
    validate_every: int = 1
    select_by: str = "map"
    tensorboard: bool = False

    def __post_init__(self) -> None:
        for name in ("checkpoint_steps", "keep", "validate_every"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise OptionError(f"{name} must be at least 1, got {value}")
        if self.average is not None:
            check_decay(self.average)
        if isinstance(self.compile_backend, str):  # torch takes functions too
            _check_backend(self.compile_backend)

    def learns_by(self) -> dict[str, Any]:
        """What changes the weights beyond their last bits, as JSON values: a resumed run must share it."""
        return {"dtype": self.dtype.value, "average": self.average}


def _check_backend(name: str) -> None:
    if name not in torch.compiler.list_backends(exclude_tags=()):
        usual = ", ".join(torch.compiler.list_backends())
        raise OptionError(f"torch has no compiler backend called {name!r}; there are {usual}")


@contextmanager
def torch_settings(engine: Engine) -> Iterator[None]:
    """Torch's process-wide switches as the engine wants them, and as they were after the block."""
    # this way of asking imports less than `use_deterministic_algorithms`, which takes seconds the first time
    before = torch.get_deterministic_debug_mode(), torch.backends.cudnn.benchmark
    filled = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    if engine.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is not reproducible without
        torch.set_deterministic_debug_mode("warn")
        torch.backends.cudnn.benchmark = False
        # a debugging aid that costs time
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(before[0])
        torch.backends.cudnn.benchmark = before[1]
        torch.utils.deterministic.fill_uninitialized_memory = filled  # type: ignore[attr-defined]
