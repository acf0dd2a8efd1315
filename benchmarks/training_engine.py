"""Training images per second: the engine against a plain DataLoader that decodes and transforms each image.

Run with `python benchmarks/training_engine.py`. Both train the same patch transformer with the same
optimiser on the same P x K batches, with flip, pad-crop and random erasing; the plain loop reads through
worker processes, one per core. The engine's time includes its checkpoints; the build of the pixel cache,
which happens once however many epochs follow, is shown apart. Each pair of epochs is measured in turn, so
that other work on the machine slows both.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from glimpse.pixels import PixelCache, silent
from glimpse.records import Records
from glimpse.training import losses
from glimpse.training.augment import Augmentation, Erasing, FlipAndCrop
from glimpse.training.data import Batch, TrainingData
from glimpse.training.engine import Engine
from glimpse.training.kinds import Kind
from glimpse.training.loop import train
from glimpse.training.optimise import Optimiser
from glimpse.training.reports import EpochReport
from glimpse.training.sampler import PersonSampler
from glimpse.training.stages import Method, Stage, Step, one_update

SIZE = (256, 128)
WIDTHS = {"micro": (64, 4, 2), "tiny": (192, 12, 3), "base": (768, 12, 12)}  # width, depth, heads
PERSONS, IMAGES = 8, 4


class PatchTransformer(Method):
    """A class token over 128 patches of 16 x 16, and a classifier."""

    def __init__(self, size: str, persons: int) -> None:
        super().__init__()
        width, depth, heads = WIDTHS[size]
        self.patches = nn.Conv2d(3, width, 16, stride=16)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.position = nn.Parameter(0.02 * torch.randn(1, 129, width))
        layer = nn.TransformerEncoderLayer(
            width, heads, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.head = nn.Linear(width, persons, bias=False)

    def features(self, images: Tensor) -> Tensor:
        patches = self.patches(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(len(images), -1, -1), patches], 1) + self.position
        return self.blocks(tokens)[:, 0]

    def losses_of(self, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        features = self.features(images)
        return {
            "id": losses.cross_entropy(self.head(features), labels),
            "triplet": losses.soft_triplet(features, labels),
        }

    def losses(self, batch: Batch, step: Step) -> Mapping[str, Tensor]:
        return self.losses_of(batch.images, batch.labels)

    def embed(self, batch: Batch) -> Tensor:
        return self.features(batch.images)


def write_pictures(folder: Path, persons: int, images: int) -> Records:
    """JPEGs of 128 x 64 with large shapes and a little noise, about as compressible as pedestrians."""
    draw = np.random.default_rng(0)
    paths = []
    for row in range(persons * images):
        shapes = Image.fromarray(draw.integers(0, 256, (16, 8, 3), dtype=np.uint8)).resize((64, 128))
        pixels = np.asarray(shapes) + draw.normal(0, 6, (128, 64, 3))
        paths.append(str(folder / f"{row:05d}.jpg"))
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(paths[-1], quality=90)
    return Records.from_columns(paths, np.repeat(np.arange(persons), images), camera=0)


class PlainDataset(Dataset[tuple[Tensor, int]]):
    """The usual way: every image is opened, resized and transformed whenever it is asked for."""

    def __init__(self, records: Records) -> None:
        self.paths = records.path.tolist()
        self.labels = records.labels()[0].tolist()

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        height, width = SIZE
        with Image.open(self.paths[row]) as file:
            image = file.convert("RGB").resize((width, height), Image.Resampling.BICUBIC)
        if random.random() < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        image = ImageOps.expand(image, 10)
        left, top = random.randint(0, 20), random.randint(0, 20)
        image = image.crop((left, top, left + width, top + height))
        values = torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1).contiguous().float().div_(255)
        return _erased(values.sub_(0.5).div_(0.5)), self.labels[row]


def _erased(image: Tensor) -> Tensor:
    height, width = SIZE
    if random.random() < 0.5:
        for _ in range(10):
            area = random.uniform(0.02, 1 / 3) * height * width
            aspect = math.exp(random.uniform(math.log(0.3), math.log(1 / 0.3)))
            high, wide = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if high < height and wide < width:
                top, left = random.randint(0, height - high), random.randint(0, width - wide)
                image[:, top : top + high, left : left + wide] = torch.randn(3, high, wide)
                break
    return image


def plain_epochs(
    model: PatchTransformer, records: Records, sampler: PersonSampler
) -> Callable[[int], tuple[int, float]]:
    """A function that trains an epoch with a DataLoader: images and seconds."""
    optimiser = torch.optim.SGD(model.parameters(), 0.001, momentum=0.9)
    dataset = PlainDataset(records)

    def epoch(number: int) -> tuple[int, float]:
        plan = [rows.tolist() for rows in sampler.plan(number)]
        begun = time.perf_counter()
        for images, labels in DataLoader(dataset, batch_sampler=plan, num_workers=os.cpu_count() or 1):
            optimiser.zero_grad(set_to_none=True)
            sum(model.losses_of(images, labels).values()).backward()
            optimiser.step()
        return sum(map(len, plan)), time.perf_counter() - begun

    return epoch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--persons", type=int, default=32)
    parser.add_argument("--images", type=int, default=16, help="of each person")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--sizes", nargs="+", choices=WIDTHS, default=["micro", "tiny"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        records = write_pictures(folder, options.persons, options.images)
        begun = time.perf_counter()
        cache = PixelCache.build(records.path.tolist(), folder / "cache", size=SIZE, progress=silent)
        print(
            f"{len(records)} JPEGs, {os.cpu_count()} cores; cache built in {time.perf_counter() - begun:.2f} s"
        )
        sampler = PersonSampler(records.person, PERSONS, IMAGES)
        for size in options.sizes:
            torch.manual_seed(0)
            plain = plain_epochs(PatchTransformer(size, options.persons), records, sampler)
            torch.manual_seed(0)
            method = PatchTransformer(size, options.persons)
            augmentation = Augmentation(geometry=FlipAndCrop(), erasing=Erasing())
            updates = one_update(Optimiser(Kind.SGD, 0.001))
            stage = Stage(size, options.epochs, updates, sampler, augmentation)
            theirs: list[float] = []
            ours: list[float] = []
            last = time.perf_counter()

            def listen(report: EpochReport) -> None:
                nonlocal last
                images = sum(map(len, sampler.plan(report.epoch)))
                ours.append(images / (time.perf_counter() - last))
                images, seconds = plain(report.epoch)
                theirs.append(images / seconds)
                last = time.perf_counter()

            train(
                method,
                TrainingData(records, cache),
                [stage],
                folder / f"run-{size}",
                seed=0,
                engine=Engine(device="cpu"),
                listeners=[listen],
                quiet=True,
            )
            ratio = float(np.median(np.array(ours) / np.array(theirs)))
            print(
                f"{size:6} plain DataLoader {np.median(theirs):7.1f} images/s"
                f"   engine {np.median(ours):7.1f} images/s   ratio {ratio:.2f}"
            )


if __name__ == "__main__":
    main()
