"""A method that trains in milliseconds, with everything that makes resuming hard: dropout, batch
normalization, draws of its own, two updates, two stages and a start-of-stage hook.

Run as a script it trains into a folder, for the tests that kill it or start it twice.
"""

import json
import random
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

from glimpse.choices import Dtype, OptimizerKind
from glimpse.records import Records
from glimpse.training import losses as L
from glimpse.training.augment import Augmentation, Erasing, FlipAndCrop
from glimpse.training.batches import TrainingData, make_batch, read_raw
from glimpse.training.distributed import gathered
from glimpse.training.engine import Engine
from glimpse.training.loop import train
from glimpse.training.optimizers import BIAS_TWICE, Optimizer
from glimpse.training.sampler import PersonSampler
from glimpse.training.schedulers import WarmupSteps
from glimpse.training.stages import Method, Stage, Step, Update
from glimpse.training.update import build_optimizers, set_mode, take_step

PERSONS, IMAGES, SIZE = 6, 4, (16, 8)
EPOCHS = 24  # of a run that lasts long enough to be killed


class Pixels:
    """Each person is a color, each image has its own noise."""

    def __init__(self, person):
        random = np.random.default_rng(0)
        colors = random.integers(40, 216, (PERSONS, 1, 1, 3))
        noise = random.integers(-40, 40, (len(person), *SIZE, 3))
        self.values = (colors[person] + noise).astype(np.uint8)

    def read(self, rows):
        return self.values[rows]


def toy_data(prefix="people"):
    person = np.repeat(np.arange(PERSONS), IMAGES)
    paths = [f"{prefix}/{row:03d}.jpg" for row in range(len(person))]
    records = Records.from_columns(paths, person, camera=np.arange(len(person)) % 3)
    return TrainingData(records, Pixels(person))


class Toy(Method):
    def __init__(self, dropout=0.2, noise=0.01):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        )
        self.dropout = nn.Dropout(dropout)
        self.neck = nn.BatchNorm1d(8)
        self.neck.bias.requires_grad_(False)
        self.head = nn.Linear(8, PERSONS, bias=False)
        self.noise = noise

    def losses(self, batch, step):
        features = self.backbone(batch.images)
        noise = torch.randn(gathered(features).shape, generator=step.generator())
        features = features + self.noise * noise[: len(features)]
        logits = self.head(self.neck(self.dropout(features)))
        return {
            "id": L.cross_entropy(logits, batch.labels, 0.1),
            "triplet": 0.5 * L.soft_triplet(gathered(features), gathered(batch.labels)),
        }

    def embed(self, batch):
        return self.backbone(batch.images)


def toy(**options):
    torch.manual_seed(7)
    return Toy(**options)


def reset_head(method, data):
    nn.init.normal_(method.head.weight, std=0.1)


def toy_stages(epochs=2, kind=OptimizerKind.SGD):
    def optimizer(*names):
        schedule = WarmupSteps(warmup=2, start=0.1)
        return Optimizer(kind, 0.05, schedule=schedule, parameters=names, rules=(BIAS_TWICE,))

    person = toy_data().records.person
    sampler = PersonSampler(person, persons=2, images=2, seed=3)
    augmentation = Augmentation(geometry=FlipAndCrop(padding=1), erasing=Erasing())
    alternating = (
        Update("main", (optimizer("backbone.*"), optimizer("neck.*")), clip=1.0),
        Update("head", (optimizer("head.*"),), losses=("id",)),
    )
    return [
        Stage("warm", 1, (Update("all", (optimizer("head.*"),)),), sampler, evaluating=("backbone*",)),
        Stage("main", epochs, alternating, sampler, augmentation, begin=reset_head),
    ]


def train_toy(folder, *, method=None, stages=None, data=None, **options):
    method = method or toy()
    options = {"seed": 1, "engine": Engine(device="cpu", checkpoint_steps=1), "quiet": True, **options}
    train(method, data or toy_data(), stages or toy_stages(), Path(folder), **options)
    return method


if __name__ == "__main__":
    torch.set_num_threads(1)
    folder, what = sys.argv[1:]
    if what == "kill me":
        train_toy(folder, stages=toy_stages(EPOCHS))
    elif what == "shared":
        # dropout and the method's own noise differ between one process and two, by nature
        train_toy(folder, method=toy(dropout=0.0, noise=0.0))


def weights(folder):
    return (Path(folder) / "final.safetensors").read_bytes()


def log(folder):
    lines = (Path(folder) / "metrics.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k != "images_per_second"} for line in lines]


def drawn():
    return [torch.rand(1).item(), random.random(), np.random.rand()]  # noqa: NPY002


def a_batch():
    data, plain = toy_data(), Augmentation()
    (rows,) = PersonSampler(data.records.person, persons=6, images=4).plan(1)
    return make_batch(
        data, read_raw(data, rows), plain, lambda size: plain.draw(24, size, None), torch.device("cpu")
    )


def stage_of(*updates):
    sampler = PersonSampler(toy_data().records.person, persons=6, images=4)
    return Stage("stage", 1, updates, sampler)


def step(method, stage, dtype=Dtype.FLOAT32):
    ready = build_optimizers(method, stage)
    for one in ready:
        one.set_lrs(1)
    set_mode(method, stage)
    steps = {u.name: Step(stage.name, u.name, 1, 1, 0, 1, (1, 2)) for u in stage.updates}
    return take_step(method, a_batch(), steps, ready, dtype)


def sgd(*names, lr=0.1):
    return Optimizer(OptimizerKind.SGD, lr, parameters=names)
