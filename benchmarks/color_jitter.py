"""What color jitter costs: compiled, and in torch, beside a training step of the same batch.

Run with `python -m benchmarks.color_jitter`. The three are timed in turn, so that other work on the machine
slows all of them; medians are printed. One thread works unless `--threads` says more.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numba
import numpy as np
import torch

from benchmarks.training_engine import Steps
from glimpse.choices import Size
from glimpse.models.backbones.sizes import VIT
from glimpse.training.augment import ColorJitter
from glimpse.training.augment.color import jittered_bytes, jittered_bytes_in_torch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--size", type=Size, default=Size.TINY, choices=list(Size))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    numba.set_num_threads(options.threads)
    config = VIT[options.size]
    random = torch.Generator().manual_seed(0)
    planes = torch.randint(0, 256, (options.batch, 3, *config.image), generator=random, dtype=torch.uint8)
    colors = ColorJitter().draw(options.batch, random)
    steps = Steps(config, options.batch, fused=True)
    images, labels = torch.randn(options.batch, 3, *config.image), torch.arange(options.batch) // 4
    works: dict[str, Callable[[], object]] = {
        "compiled": lambda: jittered_bytes(planes, colors),
        "torch": lambda: jittered_bytes_in_torch(planes, colors),
        "step": lambda: steps(images, labels),
    }
    equal = torch.equal(jittered_bytes(planes, colors), jittered_bytes_in_torch(planes, colors))
    steps(images, labels)
    seconds = [[timed(work) for work in works.values()] for _ in range(options.rounds)]
    (compiled, in_torch, step), (compiled_cpu, torch_cpu, step_cpu) = 1000 * np.median(seconds, axis=0).T
    height, width = config.image
    print(f"color jitter of {options.batch} images of {height}x{width}, {options.threads} threads")
    print(f"  ours       {compiled:7.2f} ms {compiled_cpu:7.2f} CPU ms")
    ratio = torch_cpu / compiled_cpu
    print(f"  torch      {in_torch:7.2f} ms {torch_cpu:7.2f} CPU ms   {ratio:.1f} times ours by CPU")
    print(
        f"  a step of {options.size.value} takes {step:.1f} ms, {step_cpu:.1f} CPU ms: ours is "
        f"{compiled / (compiled + step):.1%} of a step with jitter, "
        f"{compiled_cpu / (compiled_cpu + step_cpu):.1%} by CPU; torch {in_torch / (in_torch + step):.1%}"
    )
    print(f"  equal bytes: {'yes' if equal else 'NO'}")


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds that the work takes, on the clock and of all cores."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


if __name__ == "__main__":
    main()
