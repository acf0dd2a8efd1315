"""Small caches for the tests of this folder."""

import os
from pathlib import Path

from glimpse.pixels import PixelCache, decode, resize, silent

SIZE = (16, 8)
NAME = "16x8-bicubic"


def build(paths, folder, **options):
    return PixelCache.build(paths, folder, **{"size": SIZE, "progress": silent, **options})


def expected(path, **options):
    return resize(decode(path, **options), SIZE)


def replace_content(path, data):
    """Change the bytes of a file behind its stamp's back: same size, same time."""
    status = Path(path).stat()
    assert len(data) == status.st_size
    Path(path).write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def spoil(path):
    """Make the file undecodable without a change of its stamp: whoever decodes it again will tell."""
    replace_content(path, bytes(Path(path).stat().st_size))
