"""Micro-batches, decoded and embedded by threads: never more than a few at once, however long the list.

On a CPU each thread decodes a batch and embeds it on one core. Threads that share every matrix product
wait for each other, and for the threads that decode: measured on two cores with a small network, a picture
then takes three times the processor time. On a GPU the threads decode, and the caller embeds meanwhile.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import numpy as np
import torch

from glimpse.embeddings import Embeddings
from glimpse.errors import BrokenImageError
from glimpse.memory import keep_freed_memory
from glimpse.records import IntArray
from glimpse.retriever.encoder import Encoder, Pixels
from glimpse.retriever.pictures import Pictures

AHEAD = 2  # batches beyond those in work: our choice, enough that no thread waits for the next order
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class Batch:
    """What became of some rows.

    Attributes:
        rows: `[B]`, ascending; those that could be decoded.
        embeddings: of these; None if there are none.
        broken: the rows between them that could not be decoded, with the reasons.
    """

    rows: IntArray
    embeddings: Embeddings | None
    broken: dict[int, BrokenImageError]


def embedded_batches(
    encoder: Encoder, pictures: Pictures, *, batch: int, workers: int
) -> Generator[Batch, None, None]:
    """All pictures in order."""
    count = len(pictures.cameras)
    if encoder.concurrent:
        keep_freed_memory()
        batch = min(batch, max(1, -(-count // workers)))  # something for everybody
    parts = [range(start, min(start + batch, count)) for start in range(0, count, batch)]

    def prepare(rows: range) -> _Prepared:
        return _prepare(pictures, encoder, rows)

    def finish(prepared: _Prepared) -> Batch:
        rows = prepared.rows
        embeddings = encoder.embed(prepared.pixels, pictures.cameras[rows]) if len(rows) else None
        return Batch(rows, embeddings, prepared.broken)

    if len(parts) < 2:  # a single query has all cores for itself
        yield from (finish(prepare(part)) for part in parts)
    elif encoder.concurrent:
        with one_core_each() as initialise:
            yield from ahead(lambda rows: finish(prepare(rows)), parts, workers, initialise)
    else:
        yield from map(finish, ahead(prepare, parts, workers))


def ahead(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int,
    initialise: Callable[[], None] | None = None,
) -> Iterator[Result]:
    """`map` by threads, in order, at most `workers + AHEAD` items before the one asked for.

    >>> list(ahead(abs, range(-3, 3), workers=2))
    [3, 2, 1, 0, 1, 2]
    """
    pool = ThreadPoolExecutor(workers, thread_name_prefix="embed", initializer=initialise)
    pending = iter(items)
    waiting: deque[Future[Result]] = deque()
    try:
        waiting.extend(pool.submit(function, item) for item in islice(pending, workers + AHEAD))
        while waiting:
            result = waiting.popleft().result()
            waiting.extend(pool.submit(function, item) for item in islice(pending, 1))
            yield result
    finally:
        pool.shutdown(cancel_futures=True)


@dataclass(frozen=True, eq=False)
class _Prepared:
    rows: IntArray
    pixels: Pixels
    broken: dict[int, BrokenImageError]


def _prepare(pictures: Pictures, encoder: Encoder, rows: range) -> _Prepared:
    preparation = encoder.preparation
    pixels = np.empty((len(rows), *preparation.shape), np.uint8)
    kept: list[int] = []
    broken: dict[int, BrokenImageError] = {}
    for row in rows:
        try:
            pixels[len(kept)] = pictures.prepared(row, preparation)
            kept.append(row)
        except BrokenImageError as error:
            broken[row] = error
    return _Prepared(np.array(kept, np.int64), pixels[: len(kept)], broken)


@contextmanager
def one_core_each() -> Iterator[Callable[[], None]]:
    """A function for new threads, after which torch computes on one core in each of them.

    Torch keeps the number per thread, and a default for threads to come, which is put back.
    """
    before = torch.get_num_threads()
    try:
        yield lambda: torch.set_num_threads(1)
    finally:
        torch.set_num_threads(before)
