"""What these tests share: images on disk, a protocol over them, and one thread."""

import numpy as np
import pytest
import torch
from PIL import Image

from glimpse.explain import chosen_queries
from glimpse.protocols import single_query
from glimpse.records import Records


@pytest.fixture(autouse=True)
def one_thread():
    """Micro networks are slower on two threads, and much slower on busy machines."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def people(tmp_path):
    """Records of images of four persons in plain colors, four each, by two cameras, as files."""
    rng = np.random.default_rng(0)
    paths, persons, cameras = [], [], []
    for person in range(4):
        color = rng.integers(40, 216, 3)
        for image in range(4):
            pixels = rng.integers(0, 60, (64, 32, 3)) + 100
            pixels[8:56, 8:24] = color + rng.integers(-10, 10, (48, 16, 3))
            path = tmp_path / "people" / f"{person}" / f"{image}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
            paths.append(str(path))
            persons.append(person)
            cameras.append(1 + image % 2)
    return Records.from_columns(paths, persons, camera=cameras)


@pytest.fixture
def protocol(people):
    """The first image of each person is a query, all others are the gallery."""
    queries = np.arange(len(people)) % 4 == 0
    return single_query(people[queries], people[~queries])


@pytest.fixture
def queries(protocol):
    return chosen_queries(protocol, 4, np.random.default_rng(0))
