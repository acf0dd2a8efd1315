"""Fixtures of several rooms: a handful of persons in memory, and methods small enough to train on them."""

import dataclasses
import functools
import sys

import numpy as np
import pytest
import torch
from hypothesis import settings

from glimpse.choices import Size
from glimpse.recipes import registry as methods
from glimpse.recipes.groups import SamplerRecipe, scaled
from glimpse.records import Records
from glimpse.similarity import registry as similarities
from glimpse.training.batches import Batch, TrainingData


class Held:
    """Pixels in memory."""

    def __init__(self, images):
        self.images = images

    def read(self, rows):
        return self.images[rows]


def drawn_people(persons, each, size=(64, 32), seed=0):
    """Figures of three colored blocks on colored grounds: shifted, lit differently, noisy."""
    random = np.random.default_rng(seed)
    height, width = size
    colors = random.integers(30, 226, (persons, 3, 3))
    blocks = ((0.09, 0.25), (0.25, 0.6), (0.6, 0.94))
    images = []
    for person in range(persons):
        for _ in range(each):
            image = np.empty((height, width, 3))
            image[:] = random.integers(60, 200, 3)
            down, right = random.integers(-3, 4, 2)
            left = slice(width // 4 + right, 3 * width // 4 + right)
            for color, (top, bottom) in zip(colors[person], blocks, strict=True):
                image[max(0, int(top * height) + down) : int(bottom * height) + down, left] = color
            image = image * random.uniform(0.7, 1.2) + random.normal(0, 12, image.shape)
            images.append(image.clip(0, 255).astype(np.uint8))
    return np.stack(images)


@pytest.fixture(scope="session")
def people():
    """Eight persons, eight images each, from two cameras."""
    records = Records.from_columns(
        [f"{row:03d}.png" for row in range(64)],
        np.repeat(np.arange(8) * 3, 8),
        camera=np.tile([2, 5], 32),
    )
    return TrainingData(records, Held(drawn_people(8, 8)))


@pytest.fixture
def batch():
    """Four micro images of two persons by two cameras."""
    generator = torch.Generator().manual_seed(3)
    return Batch(
        rows=torch.arange(4),
        labels=torch.tensor([0, 0, 1, 1]),
        cameras=torch.tensor([0, 1, 0, 1]),
        modalities=torch.zeros(4, dtype=torch.long),
        images=torch.randn(4, 3, 64, 32, generator=generator),
    )


@pytest.fixture(autouse=True)
def one_thread():
    """Micro networks are slower on two threads, and much slower on busy machines."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def micro():
    """Makes a recipe one for the micro backbone, from scratch, on few persons; with further changes."""

    def changed(recipe, **changes):
        sampler = SamplerRecipe(persons=4, images=4)
        return dataclasses.replace(
            scaled(recipe, Size.MICRO), **{"weights": "none", "sampler": sampler, **changes}
        )

    return changed


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Puts a package with an entry point on the path, until the test ends."""

    def forget():
        methods._found.cache_clear()
        similarities.similarities.cache_clear()

    def installing(code, group="glimpse.methods", name="mine", value="another:ROW", package="another"):
        (tmp_path / f"{package}.py").write_text(code)
        about = tmp_path / f"{package}-1.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1\n")
        (about / "entry_points.txt").write_text(f"[{group}]\n{name} = {value}\n")
        monkeypatch.syspath_prepend(tmp_path)
        packages.append(package)
        forget()

    packages = []
    yield installing
    for package in packages:
        sys.modules.pop(package, None)
    monkeypatch.undo()
    forget()


@pytest.fixture
def rendered_once(monkeypatch):
    """The people that models are checked on are the same for all: each is rendered once in a process."""
    import glimpse.model_check
    from glimpse.world.world import World

    class Once(World):
        def render(self, shots, size):
            return _people(self.seed, size)

    monkeypatch.setattr(glimpse.model_check, "World", Once)


@functools.cache
def _people(seed, size):
    from glimpse.world.world import World

    world = World(seed, 24, 3, 0.2)
    return world.render(world.plan(), size)


# a deadline measures the machine, not the code: on a busy one, a slow example is no failure
settings.register_profile("glimpse", deadline=None)
settings.load_profile("glimpse")
