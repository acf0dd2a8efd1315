"""Training epochs from the pixel cache, against decoding every image in every epoch.

Run with `python benchmarks/pixel_cache.py`. Batches of 64 are drawn in a new order each epoch; all ways
give the same pixels, which is checked. Times include building the cache.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from glimpse.pixels import PixelCache, decode, resize, silent

SIZE = (256, 128)
BATCH = 64

Read = Callable[[NDArray[np.int64]], NDArray[np.uint8]]


def write_images(folder: Path, count: int) -> list[str]:
    """JPEGs of 128 x 64 with large shapes and a little noise, about as compressible as pedestrians."""
    random = np.random.default_rng(0)
    paths = []
    for row in range(count):
        shapes = Image.fromarray(random.integers(0, 256, (16, 8, 3), dtype=np.uint8)).resize((64, 128))
        pixels = np.asarray(shapes) + random.normal(0, 6, (128, 64, 3))
        path = folder / f"{row:05d}.jpg"
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path, quality=90)
        paths.append(str(path))
    return paths


def batches(count: int, epoch: int) -> Iterator[NDArray[np.int64]]:
    order = np.random.default_rng(epoch).permutation(count)
    for start in range(0, count, BATCH):
        yield order[start : start + BATCH]


def epochs_by(read: Read, count: int, epochs: int) -> list[float]:
    """Seconds of each epoch."""
    seconds = []
    for epoch in range(epochs):
        start = time.perf_counter()
        for rows in batches(count, epoch):
            read(rows)
        seconds.append(time.perf_counter() - start)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=4096)
    parser.add_argument("--epochs", type=int, default=3)
    options = parser.parse_args()
    count, epochs = options.images, options.epochs

    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        paths = write_images(Path(folder), count)

        def one(row: int) -> NDArray[np.uint8]:
            return resize(decode(paths[row]), SIZE)

        def serially(rows: NDArray[np.int64]) -> NDArray[np.uint8]:
            return np.stack([one(row) for row in rows])

        def by_threads(rows: NDArray[np.int64]) -> NDArray[np.uint8]:
            return np.stack(list(pool.map(one, rows)))

        serial = epochs_by(serially, count, epochs)
        threads = epochs_by(by_threads, count, epochs)
        start = time.perf_counter()
        cache = PixelCache.build(paths, Path(folder) / "cache", size=SIZE, progress=silent)
        build = time.perf_counter() - start
        reads = epochs_by(cache.read, count, epochs)
        start = time.perf_counter()
        PixelCache.build(paths, Path(folder) / "cache", size=SIZE, progress=silent)
        reopen = time.perf_counter() - start
        sample = np.arange(0, count, 97)
        assert np.array_equal(serially(sample), cache.read(sample))

    total = build + sum(reads)
    epoch = float(np.median(reads))
    print(f"{count} JPEGs of 128x64 to {SIZE[0]}x{SIZE[1]}, {epochs} epochs, {os.cpu_count()} cores")
    for name, seconds in (("decoding, one thread", serial), ("decoding, a thread per core", threads)):
        print(
            f"{name:28} {sum(seconds):7.2f} s {count * epochs / sum(seconds):9.0f} images/s"
            f"   cache is {sum(seconds) / total:6.1f} x faster over all epochs,"
            f" {float(np.median(seconds)) / epoch:6.1f} x once built"
        )
    print(f"{'cache, with its build':28} {total:7.2f} s {count * epochs / total:9.0f} images/s")
    print(f"{'  build':28} {build:7.2f} s {count / build:9.0f} images/s")
    print(f"{'  one epoch':28} {epoch:7.2f} s {count / epoch:9.0f} images/s")
    print(f"{'  opened again':28} {reopen:7.2f} s")


if __name__ == "__main__":
    main()
