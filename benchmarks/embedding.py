"""Embedding files, against the usual extractor: decode one by one, then the whole list as one batch.

Run with `python benchmarks/embedding.py`. Both ways use the same network on the same files, and their
vectors are compared. Memory is what a process of its own holds at its peak above what it held before
embedding, for 32 images and for all.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from glimpse.models.backbones.sizes import Size
from glimpse.models.card import NetworkCard
from glimpse.models.factory import build_network
from glimpse.retriever import NetworkEncoder, Retriever

IMAGES = {Size.MICRO: (64, 32), Size.TINY: (128, 64), Size.SMALL: (256, 128), Size.BASE: (256, 128)}
Extract = Callable[[list[str]], NDArray[np.float32]]


def write_images(folder: Path, count: int) -> None:
    """JPEGs of 256 x 128 with large shapes and a little noise, about as compressible as pedestrians."""
    random = np.random.default_rng(0)
    for row in range(count):
        shapes = Image.fromarray(random.integers(0, 256, (16, 8, 3), dtype=np.uint8)).resize((128, 256))
        pixels = np.asarray(shapes) + random.normal(0, 6, (256, 128, 3))
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"{row:05d}.jpg", quality=90)


def retriever_of(method: str, size: Size, *, bfloat16: bool = False) -> Retriever:
    torch.manual_seed(0)
    card = NetworkCard(method, size, IMAGES[size])
    return Retriever(NetworkEncoder(build_network(card), card, bfloat16=bfloat16))


def serially(retriever: Retriever) -> Extract:
    """Each image through PIL, a float tensor and a normalization of its own; then one batch of all."""
    encoder = retriever.encoder
    assert isinstance(encoder, NetworkEncoder)
    card = encoder.card
    mean, std = (torch.tensor(values).reshape(3, 1, 1) for values in (card.mean, card.std))

    def one(path: str) -> torch.Tensor:
        image = Image.open(path).convert("RGB").resize(card.image[::-1], Image.Resampling.BILINEAR)
        return (torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255 - mean) / std

    def extract(paths: list[str]) -> NDArray[np.float32]:
        images = torch.stack([one(path) for path in paths])
        with torch.inference_mode():
            vectors: NDArray[np.float32] = encoder.network.embed(images, None).numpy()  # type: ignore[operator]
        return vectors

    return extract


def extractor(way: str, retriever: Retriever) -> Extract:
    return serially(retriever) if way == "serial" else lambda paths: retriever.embed(paths).vectors


def seconds_of(extract: Extract, paths: list[str]) -> tuple[float, float]:
    """On the clock, and of all cores together."""
    start, worked = time.perf_counter(), time.process_time()
    extract(paths)
    return time.perf_counter() - start, time.process_time() - worked


def peak_mib() -> float:
    """The process's own peak; what `getrusage` says would include its parent's."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


def memory_of(way: str, method: str, size: Size, folder: Path, count: int) -> float:
    """MiB above the start, in a process of its own."""
    command = [sys.executable, __file__, "--method", method, "--size", size.value]
    command += ["--child", way, "--folder", str(folder), "--images", str(count)]
    return float(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))


def child(way: str, method: str, size: Size, folder: Path, count: int) -> None:
    extract = extractor(way, retriever_of(method, size))
    paths = sorted(map(str, folder.iterdir()))[:count]
    extract(paths[:1])  # what is loaded on first use is no matter of the list's length
    before = peak_mib()
    extract(paths)
    print(json.dumps(peak_mib() - before))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", default="transreid")
    parser.add_argument("--size", type=Size, default=Size.MICRO)
    parser.add_argument("--images", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bfloat16", action="store_true", help="also, on processors made for it")
    parser.add_argument("--child", choices=["serial", "glimpse"])
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    method, size, count = options.method, options.size, options.images
    if options.child:
        child(options.child, method, size, options.folder, count)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_images(folder, count)
        paths = sorted(map(str, folder.iterdir()))
        retriever = retriever_of(method, size)
        ways = {
            "serial": serially(retriever),
            "glimpse": extractor("glimpse", retriever),
        }
        if options.bfloat16:
            ways["glimpse, bfloat16"] = extractor("glimpse", retriever_of(method, size, bfloat16=True))
        few = paths[:64]
        apart = np.abs(ways["serial"](few) - ways["glimpse"](few)).max()
        assert apart < 1e-4, apart
        # in turns, so that a noisy neighbor meets all ways alike
        rounds = [
            {way: seconds_of(extract, paths) for way, extract in ways.items()} for _ in range(options.rounds)
        ]
        best = {way: np.min([times[way] for times in rounds], axis=0) for way in ways}
        print(f"{method} {size.value}, {count} JPEGs of 256x128, {os.cpu_count()} cores")
        for way, (seconds, worked) in best.items():
            faster = best["serial"][0] / seconds
            print(
                f"{way:18} {count / seconds:8.0f} images/s, {faster:5.2f} x serial;"
                f" {1000 * worked / count:6.2f} ms of a core per image"
            )
        for way in ("serial", "glimpse"):
            small, large = (memory_of(way, method, size, folder, n) for n in (32, count))
            print(f"{way:18} {small:8.0f} MiB for 32 images, {large:8.0f} MiB for {count}")


if __name__ == "__main__":
    main()
