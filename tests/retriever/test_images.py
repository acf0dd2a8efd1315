"""What light an image was taken in is guessed only where somebody asks for it."""

import numpy as np
import pytest
from PIL import Image

from glimpse.progress import silent
from glimpse.retriever import guess_modalities


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    gray = rng.integers(0, 256, (16, 8), dtype=np.uint8)
    colored = np.stack([gray] * 3, axis=2)
    colored[7, 3, 2] ^= 1
    Image.fromarray(gray).save(tmp_path / "one-channel.png")
    Image.fromarray(np.stack([gray] * 3, axis=2)).save(tmp_path / "three-channels.jpg", quality=60)
    Image.fromarray(colored).save(tmp_path / "one-pixel-has-color.png")
    (tmp_path / "broken.png").write_bytes(b"no image")
    return [
        tmp_path / n
        for n in ("one-channel.png", "one-pixel-has-color.png", "broken.png", "three-channels.jpg")
    ]


@pytest.mark.parametrize("workers", [1, 3])
def test_images_without_any_color_are_guessed_to_be_infrared(files, workers):
    assert guess_modalities(files, workers=workers, progress=silent) == ["ir", "rgb", "", "ir"]
    assert guess_modalities([str(files[0])]) == ["ir"]
    assert guess_modalities([]) == []
