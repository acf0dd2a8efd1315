import io
import warnings

import pytest
from PIL import Image

from glimpse.datasets import DatasetWarning, read


@pytest.fixture(scope="session")
def images():
    """A real 5x2-pixel image in each format that a layout uses."""
    found = {}
    for suffix, name in ((".jpg", "JPEG"), (".png", "PNG"), (".bmp", "BMP"), (".tif", "TIFF")):
        buffer = io.BytesIO()
        Image.new("RGB", (2, 5), (200, 30, 90)).save(buffer, name)
        found[suffix] = buffer.getvalue()
    return found


@pytest.fixture
def plant(tmp_path, images):
    """Write images in the format of their ending below a root, and give the root."""

    def planted(*names, root="data"):
        folder = tmp_path / root
        folder.mkdir(exist_ok=True)
        for name in names:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(images.get(path.suffix.lower(), b""))
        return folder

    return planted


@pytest.fixture
def quietly():
    """Read without the warnings that a tree of a few images gives about its counts."""

    def reading(name, root, **options):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DatasetWarning)
            return read(name, root, **options)

    return reading


@pytest.fixture
def own_problems():
    """The problems of a data set other than its counts, which a tree of a few images cannot have."""

    def problems(dataset):
        return [text for text in dataset.problems if "expected" not in text]

    return problems
