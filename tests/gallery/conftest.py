"""Galleries of vectors made elsewhere: they need no image and no network."""

import pytest
from galleries import model, some
from PIL import Image

from glimpse.gallery import Gallery


@pytest.fixture
def gallery(tmp_path):
    """An empty one, eight dimensions."""
    return Gallery.create(tmp_path / "gallery", model())


@pytest.fixture
def filled(gallery):
    """Forty rows of ten persons, four cameras."""
    records, embeddings = some(40)
    gallery.add(records, embeddings=embeddings)
    return gallery


@pytest.fixture
def images(tmp_path):
    for name in ("red", "blue", "green"):
        Image.new("RGB", (20, 40), name).save(tmp_path / f"{name}.png")
    return tmp_path
