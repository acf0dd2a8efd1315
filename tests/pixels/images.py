"""Small images for the tests of this folder."""

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

LOSSLESS = ("PNG", "BMP", "TIFF")
FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP")


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Random colors, uint8 [height, width, 3]."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    """The bytes of a file."""
    buffer = BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def folder_of(folder: Path, count: int, *, height: int = 24, width: int = 12) -> list[str]:
    """`count` different images as files, in turn as PNG and JPEG."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for row in range(count):
        suffix, format = (("png", "PNG"), ("jpg", "JPEG"))[row % 2]
        path = folder / f"{row:04d}.{suffix}"
        path.write_bytes(encoded(Image.fromarray(noise(height, width, row)), format))
        paths.append(str(path))
    return paths
