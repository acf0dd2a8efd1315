import numpy as np
import pytest
import torch
from made_up import THERE, one
from PIL import Image

from glimpse.ablation.summary import BEST, FINAL, UNTRAINED
from glimpse.datasets import read


@pytest.fixture(scope="session")
def market_folder(tmp_path_factory):
    """Six training persons and three test persons by two cameras, in the layout of Market-1501."""
    root = tmp_path_factory.mktemp("market")
    random = np.random.default_rng(0)
    for folder, persons, cameras in (
        ("bounding_box_train", range(1, 7), (1, 2)),
        ("query", (7, 8, 9), (1,)),
        ("bounding_box_test", (7, 8, 9), (1, 2)),
    ):
        (root / folder).mkdir()
        for person in persons:
            color = np.random.default_rng(person).integers(0, 256, 3)
            for camera in cameras:
                for shot in range(1 if folder == "query" else 2):
                    pixels = (color + random.integers(-60, 61, (64, 32, 3))).clip(0, 255).astype(np.uint8)
                    name = f"{person:04d}_c{camera}s1_{shot:06d}_00.jpg"
                    Image.fromarray(pixels).save(root / folder / name)
    return root


@pytest.fixture
def market(market_folder):
    with pytest.warns():
        return read("market1501", market_folder)


@pytest.fixture(autouse=True)
def one_thread():
    """Micro networks are slower on two threads, and much slower on busy machines."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def measurements():
    return [
        one("low", FINAL, 0, 0.40),
        one("low", FINAL, 0, 0.10, THERE),
        one("low", BEST, 0, 0.42),
        one("low", FINAL, 1, 0.60),
        one("low", BEST, 1, 0.64),
        one("high", FINAL, 0, 0.50),
        one("high", BEST, 0, 0.52),
        one("high", FINAL, 1, 0.74),
        one("high", BEST, 1, 0.74),
        one("colors", UNTRAINED, None, 0.2),
    ]
