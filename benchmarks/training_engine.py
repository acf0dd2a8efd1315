"""Training images per second: the engine against a plain DataLoader that decodes and transforms each image.

Run with `python -m benchmarks.training_engine`. Both train the same vision transformer of ours with the same
optimizer on the same P x K batches, with flip, pad-crop and random erasing; the plain loop reads through
worker processes, one per core, and runs in a process of its own, as what one process asks of the C library
would serve both. The engine's time includes its checkpoints; the build of the pixel cache,
which happens once however many epochs follow, is shown apart. Epochs of both alternate, so that other work
on the machine slows both; the first of each, which warms caches, does not count. The ratio by processor
seconds is blind to other work only with `--threads 1`: torch's threads spin while they wait for each other.

No ratio can pass (model + decoding) / model: once the model takes much longer than decoding, both are as
fast as the model. The steps alone, on one batch that is never read again, are therefore timed too.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import resource
import tempfile
import time
from collections.abc import Mapping
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from glimpse.choices import OptimizerKind, Size
from glimpse.models.backbones.sizes import VIT
from glimpse.models.backbones.vit import ViT, ViTConfig
from glimpse.pixels import PixelCache
from glimpse.progress import silent
from glimpse.records import Records
from glimpse.training import losses
from glimpse.training.augment import Augmentation, Erasing, FlipAndCrop
from glimpse.training.batches import Batch, TrainingData
from glimpse.training.engine import Engine
from glimpse.training.loggers import EpochReport
from glimpse.training.loop import train
from glimpse.training.optimizers import Optimizer
from glimpse.training.sampler import PersonSampler
from glimpse.training.stages import Method, Stage, Step, one_update, total_of

PERSONS, IMAGES = 16, 4


class PatchTransformer(Method):
    """The encoder of this size and a classifier."""

    def __init__(self, config: ViTConfig, persons: int) -> None:
        super().__init__()
        self.encoder = ViT(config)
        self.head = nn.Linear(config.width, persons, bias=False)

    def features(self, images: Tensor) -> Tensor:
        """[B, width]."""
        token: Tensor = self.encoder(images, patches=False).class_token
        return token

    def losses_of(self, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Identity and triplet loss."""
        features = self.features(images)
        return {
            "id": losses.cross_entropy(self.head(features), labels),
            "triplet": losses.soft_triplet(features, labels),
        }

    def losses(self, batch: Batch, step: Step) -> Mapping[str, Tensor]:
        """As the engine asks for them."""
        return self.losses_of(batch.images, batch.labels)

    def embed(self, batch: Batch) -> Tensor:
        """The class token."""
        return self.features(batch.images)


def write_images(folder: Path, persons: int, images: int, size: tuple[int, int]) -> Records:
    """JPEGs of `size` with large shapes and a little noise, about as compressible as pedestrians."""
    draw = np.random.default_rng(0)
    paths = []
    for row in range(persons * images):
        shapes = Image.fromarray(draw.integers(0, 256, (16, 8, 3), dtype=np.uint8)).resize(size[::-1])
        pixels = np.asarray(shapes) + draw.normal(0, 6, (*size, 3))
        paths.append(str(folder / f"{row:05d}.jpg"))
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(paths[-1], quality=90)
    return Records.from_columns(paths, np.repeat(np.arange(persons), images), camera=0)


class PlainDataset(Dataset[tuple[Tensor, int]]):
    """The usual way: every image is opened, resized and transformed whenever it is asked for."""

    def __init__(self, records: Records, size: tuple[int, int]) -> None:
        self.size = size
        self.paths = records.path.tolist()
        self.labels = records.labels()[0].tolist()

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        height, width = self.size
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
    height, width = image.shape[1:]
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


def clocks() -> tuple[float, float]:
    """Seconds by the wall, and of all cores by this process and its ended children."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return time.perf_counter(), sum(u.ru_utime + u.ru_stime for u in used)


def speeds(images: int, begun: tuple[float, float]) -> tuple[float, float]:
    """Images per second of each clock."""
    wall, processor = (now - then for now, then in zip(clocks(), begun, strict=True))
    return images / wall, images / processor


class Steps:
    """A model that is trained on whatever batch is given, `fused` as the engine does."""

    def __init__(self, config: ViTConfig, persons: int, *, fused: bool = False) -> None:
        torch.manual_seed(0)
        self.model = PatchTransformer(config, persons)
        self.optimizer = torch.optim.SGD(self.model.parameters(), 0.001, momentum=0.9, fused=fused)

    def __call__(self, pixels: Tensor, labels: Tensor) -> None:
        """One step."""
        self.optimizer.zero_grad(set_to_none=True)
        total_of(self.model.losses_of(pixels, labels).values()).backward()
        self.optimizer.step()


def plain_epochs(
    orders: Connection, config: ViTConfig, dataset: PlainDataset, persons: int, threads: int
) -> None:
    """Answer every plan of an epoch, once it is trained with a DataLoader, with the speed; None ends it."""
    torch.set_num_threads(threads)
    step = Steps(config, persons)
    while (plan := orders.recv()) is not None:
        begun = clocks()
        for pixels, labels in DataLoader(
            dataset,
            batch_sampler=plan,
            num_workers=os.cpu_count() or 1,
            multiprocessing_context="fork",  # as usual: a spawned process would spawn its workers too, slowly
        ):
            step(pixels, labels)
        orders.send(speeds(sum(map(len, plan)), begun))


class Rivals:
    """Has an epoch trained with a DataLoader after each of the engine's, and keeps the speed of both.

    The speed of the steps alone is kept too, on the engine's side.
    """

    def __init__(self, orders: Connection, steps: Steps, sampler: PersonSampler, images: Tensor) -> None:
        self.orders, self.steps, self.sampler = orders, steps, sampler
        self.batch = images, torch.arange(PERSONS).repeat_interleave(IMAGES)
        self.engine: list[tuple[float, float]] = []
        self.plain: list[tuple[float, float]] = []
        self.alone: list[tuple[float, float]] = []
        self.begun = clocks()

    def listen(self, report: EpochReport) -> None:
        """Called by the engine after an epoch, its checkpoint written."""
        plan = [rows.tolist() for rows in self.sampler.plan(report.epoch)]
        images = sum(map(len, plan))
        self.engine.append(speeds(images, self.begun))
        self.orders.send(plan)
        self.plain.append(self.orders.recv())
        begun = clocks()
        for _ in plan:
            self.steps(*self.batch)
        self.alone.append(speeds(images, begun))
        self.begun = clocks()


def compare(name: str, records: Records, folder: Path, epochs: int) -> str:
    """Train both ways; a line with their images per second."""
    config, persons = VIT[Size(name)], len(records.persons)
    begun = time.perf_counter()
    cache = PixelCache.build(records.path.tolist(), folder / "cache", size=config.image, progress=silent)
    build = time.perf_counter() - begun
    sampler = PersonSampler(records.person, PERSONS, IMAGES)
    ours, theirs = Pipe()
    plain_loop = (theirs, config, PlainDataset(records, config.image), persons, torch.get_num_threads())
    rival = get_context("spawn").Process(target=plain_epochs, args=plain_loop, daemon=False)
    rival.start()
    steps, batch = Steps(config, persons, fused=True), torch.randn(PERSONS * IMAGES, 3, *config.image)
    rivals = Rivals(ours, steps, sampler, batch)
    torch.manual_seed(0)
    method = PatchTransformer(config, persons)
    augmentation = Augmentation(geometry=FlipAndCrop(), erasing=Erasing())
    stage = Stage(name, epochs, one_update(Optimizer(OptimizerKind.SGD, 0.001)), sampler, augmentation)
    train(
        method,
        TrainingData(records, cache),
        [stage],
        folder / f"run-{name}",
        seed=0,
        engine=Engine(device="cpu"),
        listeners=[rivals.listen],
        quiet=True,
    )
    ours.send(None)
    rival.join()
    engine, plain = np.array(rivals.engine[1:]), np.array(rivals.plain[1:])
    (speed, _), (usual, _) = np.median(engine, 0), np.median(plain, 0)
    alone = np.median(np.array(rivals.alone[1:]), 0)[0]
    ratio, processor_ratio = np.median(engine / plain, 0)
    return (
        f"{name:6} plain DataLoader {usual:7.1f} images/s   engine {speed:7.1f} images/s   ratio {ratio:.2f}"
        f"   by processor seconds {processor_ratio:.2f}   (cache: {build:.2f} s)\n"
        f"       the steps alone {alone:.1f} images/s: no ratio can pass {alone / usual:.2f}, "
        f"and the engine is at {100 * speed / alone:.0f} % of them"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--persons", type=int, default=64)
    parser.add_argument("--images", type=int, default=16, help="of each person")
    parser.add_argument("--epochs", type=int, default=7, help="of each way; the first does not count")
    parser.add_argument(
        "--sizes", nargs="+", choices=[size.value for size in Size], default=["micro", "tiny"]
    )
    parser.add_argument("--source", type=int, nargs=2, default=(256, 128), help="of the JPEGs: height, width")
    parser.add_argument("--threads", type=int, help="of torch, in both")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as name:
        records = write_images(Path(name), options.persons, options.images, tuple(options.source))
        high, wide = options.source
        print(
            f"{len(records)} JPEGs of {high}x{wide}, batches of {PERSONS} x {IMAGES}, {os.cpu_count()} cores"
        )
        for size in options.sizes:
            print(compare(size, records, Path(name), options.epochs), flush=True)


if __name__ == "__main__":
    main()
