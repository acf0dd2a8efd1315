"""What patch transfer costs: the pairing of a batch of 64, and the transfer's share of a training step.

Run with `python -m benchmarks.patch_transfer`. Masks are random blobs on the published grid of 16x8 cells;
the step is TransReID's, with the encoder of the given size. Both are timed in turn in one run.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from glimpse.choices import Size
from glimpse.methods.transreid import TransReID
from glimpse.models.backbones.sizes import VIT
from glimpse.models.transreid import TransReIDNetwork, TransReIDOptions
from glimpse.recipes.groups import scaled
from glimpse.recipes.transreid import TransReIDRecipe
from glimpse.segmentation.base import PERSON
from glimpse.training.batches import Batch
from glimpse.training.stages import Step, total_of
from glimpse.training.transfer.pairing import PairingRule, paired
from glimpse.training.transfer.transfer import PatchTransfer


def masks(batch: int, size: tuple[int, int], generator: np.random.Generator) -> np.ndarray:
    """A standing rectangle per image, some of them hidden from below."""
    result = np.zeros((batch, *size), np.uint8)
    for one in result:
        left, top = generator.integers(size[1] // 4), generator.integers(size[0] // 8)
        bottom = size[0] if generator.random() < 0.7 else size[0] // 2
        one[top:bottom, left : left + size[1] // 2] = 1
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--size", type=Size, default=Size.TINY, choices=list(Size))
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    generator = np.random.default_rng(0)
    visible = masks(options.batch, (16, 8), generator) > 0
    labels = np.repeat(np.arange(options.batch // 4 + 1), 4)[: options.batch]
    times = [timed(lambda: paired(visible, labels, PairingRule(), generator)) for _ in range(50)]
    print(f"pairing of {options.batch} images, 16x8 cells: {1000 * np.median(times):.2f} ms (median of 50)")

    recipe = replace(scaled(TransReIDRecipe(), options.size), stride=16, cameras=False, jigsaw=False)
    image = recipe.augment.size
    network = TransReIDNetwork(options.size, image, 0, TransReIDOptions(stride=16))
    method = TransReID(network, len(labels), recipe)
    optimizer = torch.optim.SGD(method.parameters(), 1e-3)
    numbers = torch.arange(options.batch)
    batch = Batch(
        rows=numbers,
        labels=torch.from_numpy(labels),
        cameras=numbers,
        modalities=numbers,
        images=torch.randn(options.batch, 3, *image),
        maps={PERSON: torch.from_numpy(masks(options.batch, image, generator))},
    )
    patch = VIT[options.size].patch
    transfer = PatchTransfer(0.5, (image[0] // patch, image[1] // patch))
    step = Step("train", "all", 1, 1, 0, 1)

    def train() -> None:
        optimizer.zero_grad()
        total_of(method.losses(batch, step).values()).backward()
        optimizer.step()

    train()
    seconds = [(timed(lambda: transfer.apply(batch, generator)), timed(train)) for _ in range(options.rounds)]
    spent, stepped = np.median(seconds, axis=0)
    print(
        f"transfer {1000 * spent:.2f} ms, step of TransReID {options.size.value} {1000 * stepped:.1f} ms: "
        f"{spent / (spent + stepped):.1%} of a step with transfer"
    )


def timed(work: Callable[[], object]) -> float:
    """Seconds that the work takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
