"""Images, tables, vectors and caches with seeded damage: each ends in one sentence or in a right reading.

A few of each kind here; `GLIMPSE_FUZZ=100000 pytest tests/fuzz` tries so many, `GLIMPSE_FUZZ_SEED` others.
"""

import json
import os
import shutil
import struct
import time
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import ipc, parquet
from scipy.io import savemat

from glimpse.datasets import DatasetWarning
from glimpse.datasets.captions import read_entries
from glimpse.datasets.reading import read_lines, read_persons
from glimpse.embeddings import ROWS, Embeddings
from glimpse.errors import GlimpseError
from glimpse.evaluation import Result, evaluate
from glimpse.pixels import PixelCache, decode, silent
from glimpse.protocols import without_cameras
from glimpse.protocols.draws import read_permutations
from glimpse.protocols.matlab import read_variables
from glimpse.records import Records
from glimpse.retriever.codec import COMPARISON, comparison_to_text, read_comparison
from glimpse.retriever.vector_file import VectorFile
from glimpse.segmentation.keypoints import keypoint_parts
from glimpse.similarity import MaskedCosine

COUNT = int(os.environ.get("GLIMPSE_FUZZ", "60"))
SEED = int(os.environ.get("GLIMPSE_FUZZ_SEED", "0"))
LONGEST = 20  # seconds that one damaged file may take


def mutant(data: bytes, rng: np.random.Generator) -> bytes:
    """The bytes with one to four kinds of damage."""
    changed = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        place = int(rng.integers(0, max(1, len(changed))))
        width = int(rng.integers(1, 1 + min(64, max(1, len(changed)))))
        match int(rng.integers(0, 9)):
            case 0 | 1:
                changed[place : place + 1] = rng.bytes(1)
            case 2:
                changed[place : place + 1] = bytes(
                    [changed[place] ^ 1 << int(rng.integers(0, 8))] if changed else b""
                )
            case 3:
                del changed[place:]
            case 4:
                del changed[place : place + width]
            case 5:
                changed[place:place] = rng.bytes(width)
            case 6:
                changed[place:place] = changed[place : place + width] * int(rng.integers(1, 4))
            case 7:
                extreme = [0, 1, 0x7F, 0xFF, 0xFFFF, 2**31 - 1, 2**32 - 1, 2**63 - 1, 2**64 - 1]
                changed[place : place + 4] = struct.pack("<Q", extreme[int(rng.integers(0, 9))])[
                    : 4 + 4 * (width % 2)
                ]
            case 8:
                other = int(rng.integers(0, max(1, len(changed))))
                changed[place : place + width] = changed[other : other + width]
    return bytes(changed)


def retold(text: str, rng: np.random.Generator) -> str:
    """JSON or CSV with a word replaced by what it should not be."""
    odd = [
        "null",
        "-1",
        "1e999",
        "[]",
        "{}",
        '""',
        "NaN",
        "true",
        "18446744073709551615",
        "9" * 30,
        '"\\u0000"',
    ]
    words = text.split(",")
    words[int(rng.integers(0, len(words)))] = odd[int(rng.integers(0, len(odd)))]
    return ",".join(words)


@dataclass(frozen=True)
class Target:
    """One kind of file."""

    name: str
    write: Callable[[Path], Any]
    read: Callable[[Path], Any]
    is_text: bool = False


def records() -> Records:
    rows = 6
    return Records.from_columns(
        [f"images/{row}.jpg" for row in range(rows)],
        np.arange(rows) % 3,
        camera=np.arange(rows) % 2,
        time=np.linspace(0, 1, rows),
        extra={
            "parts": np.arange(rows * 8, dtype=np.float32).reshape(rows, 2, 4),
            "seen": np.arange(rows) % 2 == 0,
            "note": np.array(["näher", 'a "word"', "two\nlines", "", "x,y", "z"], object),
        },
    )


def image(path: Path) -> None:
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (24, 12, 3), dtype=np.uint8)).save(path)


def captions(path: Path) -> None:
    entries = [
        {"id": n, "file_path": f"a/{n}.jpg", "split": split, "captions": ["a red coat", "somebody"]}
        for n, split in enumerate(("train", "val", "test"))
    ]
    path.write_text(json.dumps(entries))


def vectors(path: Path) -> None:
    rng = np.random.default_rng(0)
    values = rng.random((5, 4), np.float32)
    Embeddings(values, rng.random((5, 4), np.float32)).save(path)


def vector_file(path: Path) -> None:
    arrays: dict[str, Any] = {"comparison.prior": np.eye(3, dtype=np.float32)}
    path.unlink(missing_ok=True)
    file = VectorFile(
        path, {COMPARISON: comparison_to_text(MaskedCosine(), None, {}), ROWS: "0" * 64}, arrays
    )
    held, masks = file.allocate(5, 4, masked=True)
    held[:], masks[:] = 1, 0.5
    file.finish(5)


def permutations(path: Path, *, compressed: bool) -> None:
    outer = np.empty((6, 1), object)
    for camera in range(6):
        inner = np.empty((3, 1), object)
        for person in range(3):
            inner[person, 0] = np.array([[2, 1, 3]] * 10, np.uint16)
        outer[camera, 0] = inner
    savemat(path, {"rand_perm_cam": outer, "id": np.arange(5.0)}, do_compression=compressed)


def permuted(path: Path) -> None:
    read_variables(path)
    read_permutations(path)


def result(path: Path) -> None:
    rows = Records.from_columns(["a", "b", "c"], [1, 2, 1])
    scores = np.random.default_rng(0).random((3, 3))
    evaluate(scores, without_cameras(rows, rows)).save(path)


def keypoint_arrays(path: Path) -> None:
    np.savez(path, paths=np.array(["a.jpg", "b.jpg"]), keypoints=np.full((2, 17, 3), [10, 20, 1]))


def keypoint_json(path: Path) -> None:
    path.write_text(json.dumps({"a.jpg": [[10, 20, 0.5]] * 17, "b.jpg": [[30, 40, 1]] * 17}))


TARGETS = [
    *(Target(f"image.{ending}", image, decode) for ending in ("jpg", "png", "bmp", "tif", "webp")),
    Target("table.csv", lambda path: records().save(path), Records.load, is_text=True),
    Target("table.arrow", lambda path: records().save(path), Records.load),
    Target("table.parquet", lambda path: records().save(path), Records.load),
    Target("captions.json", captions, read_entries, is_text=True),
    Target("list.txt", lambda path: path.write_text("1,2,5\n7"), read_persons, is_text=True),
    Target("names.txt", lambda path: path.write_text("a.jpg\nb.jpg\n"), read_lines, is_text=True),
    Target("vectors.npz", vectors, Embeddings.load),
    Target("vectors.safetensors", vectors, Embeddings.load),
    Target("file.safetensors", vector_file, lambda path: (Embeddings.load(path), read_comparison(path))),
    Target("plain.mat", lambda path: permutations(path, compressed=False), permuted),
    Target("packed.mat", lambda path: permutations(path, compressed=True), permuted),
    Target("result.json", result, Result.load, is_text=True),
    Target("keypoints.npz", keypoint_arrays, keypoint_parts),
    Target("keypoints.json", keypoint_json, keypoint_parts, is_text=True),
]


def outcomes(target: Target, folder: Path, count: int, seed: int) -> Counter[str]:
    """How many mutants were read and how many refused; anything else is raised, its file left in `folder`."""
    path = folder / target.name
    target.write(path)
    whole = path.read_bytes()
    target.read(path)
    met: Counter[str] = Counter()
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        data = mutant(whole, rng)
        if target.is_text and rng.random() < 0.5:
            data = retold(whole.decode(), rng).encode()
        path.write_bytes(data)
        started = time.monotonic()
        with warnings.catch_warnings():
            # a warning would be shown with a line of our source
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", DatasetWarning)
            try:
                target.read(path)
                met["read"] += 1
            except GlimpseError:
                met["refused"] += 1
        assert time.monotonic() - started < LONGEST
    return met


@pytest.mark.timeout(0)
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_damaged_file_ends_in_a_sentence_or_is_read(target, tmp_path, record_property):
    met = outcomes(target, tmp_path, COUNT, SEED)
    record_property("refused", met["refused"])
    assert met.total() == COUNT
    assert met["refused"]


def odd_columns(rng: np.random.Generator, rows: int) -> dict[str, Any]:
    """A table of records with some columns of a type that they cannot have."""
    of_types = [
        pa.array([f"{row}.jpg" for row in range(rows)]),
        pa.array(range(rows)),
        pa.array([2**64 - 1] * rows, pa.uint64()),
        pa.array([-(2**63)] * rows, pa.int64()),
        pa.array([None] * rows),
        pa.array([None] * rows, pa.string()),
        pa.array([1.5] * rows, pa.float16()),
        pa.array([float("inf")] * rows),
        pa.array([True] * rows),
        pa.array([b"\\xff"] * rows),
        pa.array([[1, 2]] * rows),
        pa.array([["a"]] * rows, pa.list_(pa.string(), 1)),
        pa.array([[1.0] * 8] * rows, pa.list_(pa.float32(), 8)),
        pa.array([{"a": 1}] * rows),
        pa.array([datetime(2020, 1, 1)] * rows),
        pa.array([Decimal("1.5")] * rows),
        pa.array(["rgb"] * rows).dictionary_encode(),
        pa.array(["rgb"] * rows, pa.large_string()),
        pa.array([], pa.int64()) if not rows else pa.array([3] * rows, pa.duration("s")),
    ]
    names = ["path", "person", "camera", "modality", "caption", "time", "kind", "parts", "x:y", ""]
    usual = dict(zip(names[:2], of_types[:2], strict=True))
    odd = rng.choice(names, int(rng.integers(1, 6)), replace=False).tolist()
    return usual | {name: of_types[int(rng.integers(0, len(of_types)))] for name in odd}


@pytest.mark.timeout(0)
@pytest.mark.parametrize("ending", ["arrow", "parquet"])
def test_columns_of_odd_types_end_in_a_sentence_or_are_read(ending, tmp_path):
    path = tmp_path / f"t.{ending}"
    shapes = [
        '{"parts": [2, 4]}',
        '{"parts": [9]}',
        '{"parts": []}',
        '{"parts": 8}',
        '{"none": [1]}',
        "[",
        "7",
    ]
    met: Counter[str] = Counter()
    for number in range(COUNT):
        rng = np.random.default_rng((SEED, number))
        columns = odd_columns(rng, int(rng.integers(0, 4)))
        names, arrays = list(columns), list(columns.values())
        if rng.random() < 0.1:
            names, arrays = [*names, names[-1]], [*arrays, arrays[-1]]
        table = pa.Table.from_arrays(arrays, names)
        if rng.random() < 0.5:
            table = table.replace_schema_metadata({"glimpse.shapes": shapes[int(rng.integers(0, 7))]})
        try:
            if ending == "arrow":
                with ipc.new_file(str(path), table.schema) as writer:
                    writer.write_table(table)
            else:
                parquet.write_table(table, path)
        except pa.ArrowException:
            continue  # Parquet has no word for some types
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                Records.load(path)
                met["read"] += 1
            except GlimpseError:
                met["refused"] += 1
    assert met["read"]
    assert met["refused"]


@pytest.mark.timeout(0)
@pytest.mark.parametrize("edited", ["pixels.bin", "states.bin", "index.json"])
def test_an_edited_pixel_cache_gives_its_pixels_or_a_sentence(edited, tmp_path):
    paths = []
    for number in range(6):
        paths.append(str(tmp_path / f"{number}.png"))
        noise = np.random.default_rng(number).integers(0, 256, (20, 10, 3), dtype=np.uint8)
        Image.fromarray(noise).save(paths[-1])

    def read(rows):
        cache = PixelCache.build(paths, tmp_path / "cache", size=(16, 8), progress=silent)
        return cache.read(rows)

    expected = read(np.arange(6))
    shutil.copytree(tmp_path / "cache", tmp_path / "whole")
    for number in range(COUNT):
        rng = np.random.default_rng((SEED, number))
        shutil.rmtree(tmp_path / "cache")
        shutil.copytree(tmp_path / "whole", tmp_path / "cache")
        file = next((tmp_path / "cache").glob(f"*/{edited}"))
        file.write_bytes(mutant(file.read_bytes(), rng))
        for row in range(6):
            try:
                got = read([row])
            except GlimpseError:
                continue
            np.testing.assert_array_equal(got[0], expected[row])
