import numpy as np
import pytest
from micro_retrievers import micro_encoder
from PIL import Image

from glimpse.retriever import (
    Retriever,
)
from glimpse.retriever.export import Form, export_onnx

# what these tests share; importlib mode puts no test folder on the path by itself


@pytest.fixture(scope="session")
def encoder():
    from micro_retrievers import micro_encoder

    return micro_encoder(cameras=(1, 4))


@pytest.fixture(scope="session")
def retriever(encoder):
    return Retriever(encoder)


@pytest.fixture(scope="session")
def images():
    """Images of three sizes."""
    rng = np.random.default_rng(0)
    sizes = [(64, 32), (90, 41), (20, 10)]
    return [rng.integers(0, 256, (*sizes[row % 3], 3), dtype=np.uint8) for row in range(11)]


@pytest.fixture
def folder(tmp_path, images):
    """The same images as files, whose sorted names have their order."""
    root = tmp_path / "images"
    for row, image in enumerate(images):
        path = root / ("a" if row < 6 else "b") / f"{row:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    return root


@pytest.fixture
def saved(retriever, tmp_path):
    retriever.save(tmp_path / "saved")
    return tmp_path / "saved"


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """A network with cameras and flip averaging, in both forms and in eight bits."""
    folder = tmp_path_factory.mktemp("exported")
    encoder = micro_encoder("transreid", flip=True, cameras=(1, 2))
    told = {
        "plain": export_onnx(encoder, folder / "plain.onnx", form=Form.PLAIN),
        "pixels": export_onnx(encoder, folder / "pixels.onnx"),
        "int8": export_onnx(encoder, folder / "int8.onnx", form=Form.PLAIN, int8=True),
    }
    return folder, encoder, told
