"""One training step of DPM, with every mask head and in every form, against one of its ViT baseline.

Run with `python -m benchmarks.dpm_step`. A step is what the engine does with a batch that lies on the
device: all updates with forward, backward and optimizer. Steps of baseline and rival alternate; the first
round, which warms up, does not count, and of the others the fastest of each does, as other work on the
machine only slows. Processor seconds are blind to it only with `--threads 1`. `arcface` is DPM without a
mask: what the second classification costs.

The published head takes half as many multiplications as a whole ViT-B (dpm.md, "Mask head": 5.8 G per image
on 16 x 8 patches, the ViT 11.1 G) and about as many as a small ViT of this project. Where multiplications
decide, its `joint` form therefore costs at least 1.5 times the baseline's step; `cached` computes the head
once more.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from glimpse.choices import Dtype, Form, MaskKind, Size
from glimpse.methods.prepare import prepare
from glimpse.recipes.dpm import DPM_ARMS
from glimpse.recipes.groups import scaled
from glimpse.recipes.provenance import with_settings
from glimpse.recipes.registry import recipe_of
from glimpse.records import Records
from glimpse.training.batches import Batch, TrainingData
from glimpse.training.stages import Step
from glimpse.training.update import build_optimizers, set_mode, take_step

IMAGES = 4


def random_batch(images: int, size: tuple[int, int], device: torch.device) -> Batch:
    """Noise of `images // 4` persons."""
    labels = torch.arange(images, device=device) // IMAGES
    nothing = torch.zeros(images, dtype=torch.long, device=device)
    return Batch(
        rows=torch.arange(images, device=device),
        labels=labels,
        cameras=nothing - 1,
        modalities=nothing,
        images=torch.randn(images, 3, *size, device=device),
    )


def stepper(method: str, recipe: Any, data: TrainingData, batch: Batch, dtype: Dtype) -> Callable[[], None]:
    """Takes a step of a method, ready to be repeated."""
    torch.manual_seed(0)
    prepared = prepare(method, recipe, data)
    model, (stage,) = prepared.method.to(batch.images.device), prepared.stages
    ready = build_optimizers(model, stage)
    for one in ready:
        one.set_lrs(1)
    set_mode(model, stage)
    keys = {update.name: Step(stage.name, update.name, 1, 1, 0, 1, (0,)) for update in stage.updates}

    def step() -> None:
        take_step(model, batch, keys, ready, dtype)

    return step


def seconds(step: Callable[[], None], device: torch.device) -> NDArray[np.float64]:
    """Of one step, on the clock and of the processor."""
    begun = np.array([time.perf_counter(), time.process_time()])
    step()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return np.array([time.perf_counter(), time.process_time()]) - begun


def compare(size: Size, options: argparse.Namespace) -> None:
    """Print the ratio of every rival's step to the baseline's."""
    images, device, dtype = options.batch, torch.device(options.device), options.dtype
    persons = images // IMAGES
    records = Records.from_columns([str(r) for r in range(images)], np.arange(images) // IMAGES, camera=0)
    data = TrainingData(records)
    settings = ("weights=none", "cameras=false", f"stride={options.stride}", f"sampler.persons={persons}")
    baseline = with_settings(scaled(recipe_of("transreid"), size), (*settings, "jigsaw=false"))
    plain = with_settings(scaled(recipe_of("dpm"), size), settings)
    rivals = {"arcface": with_settings(plain, DPM_ARMS["arcface"])} | {
        f"{mask} {form}": replace(plain, mask=mask, form=form)
        for mask in (MaskKind.LIGHT, MaskKind.FULL)
        for form in Form
    }
    batch = random_batch(images, plain.augment.size, device)
    theirs = stepper("transreid", baseline, data, batch, dtype)
    print(f"{size}, stride {options.stride}, batch of {images}, {dtype} on {device.type}")
    for name, recipe in rivals.items():
        if options.only and name not in options.only:
            continue
        # one rival at a time: all of them together need much memory in the published size
        ours = stepper("dpm", recipe, data, batch, dtype)
        pairs = np.array(
            [(seconds(theirs, device), seconds(ours, device)) for _ in range(options.rounds + 1)]
        )[1:]
        (base, _), _ = fastest = pairs.min(0)
        wall, processor = fastest[1] / fastest[0]
        print(
            f"  {name:15} {wall:5.2f} times the baseline's step of {1000 * base:.0f} ms "
            f"({processor:.2f} by processor seconds)",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="+", type=Size, choices=list(Size), default=[Size.MICRO, Size.TINY])
    parser.add_argument("--only", nargs="+", metavar="RIVAL", help="these, as they are printed")
    parser.add_argument("--batch", type=int, default=64, help="images")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--stride", type=int, default=16, help="in sixteenths of a patch")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, help="of torch")
    parser.add_argument("--dtype", type=Dtype, choices=list(Dtype), default=Dtype.FLOAT32)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    for size in options.sizes:
        compare(size, options)


if __name__ == "__main__":
    main()
