"""Micro-batches of prepared pictures, decoded by threads while the encoder works on earlier ones."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glimpse.errors import BrokenImageError
from glimpse.pixels.preparation import Preparation
from glimpse.records import IntArray
from glimpse.retriever.pictures import Pictures

AHEAD = 3  # batches that wait or are being decoded: our choice, enough that the encoder never waits
_AT_ONCE = 8  # pictures per order: a thread's switch costs nothing, and a batch is shared by several


@dataclass(frozen=True, eq=False)
class Prepared:
    """A micro-batch: the pictures of some rows, and those that are broken.

    Attributes:
        rows: `[B]`, ascending.
        pixels: uint8 `[B, H, W, 3]`.
        broken: the rows between them that cannot be decoded, with the reasons.
    """

    rows: IntArray
    pixels: NDArray[np.uint8]
    broken: dict[int, BrokenImageError]


def prepared_batches(
    pictures: Pictures, preparation: Preparation, *, batch: int, workers: int
) -> Iterator[Prepared]:
    """All pictures in order; never holds more than a few batches, however long the list."""
    starts = iter(range(0, len(pictures.cameras), batch))
    pool = ThreadPoolExecutor(workers, thread_name_prefix="decode")
    waiting: deque[_Batch] = deque()

    def order_one() -> None:
        start = next(starts, None)
        if start is not None:
            rows = range(start, min(start + batch, len(pictures.cameras)))
            waiting.append(_order(pool, pictures, preparation, rows))

    try:
        for _ in range(AHEAD):
            order_one()
        while waiting:
            first = waiting.popleft()
            prepared = first.result()
            order_one()
            yield prepared
    finally:
        pool.shutdown(cancel_futures=True)


@dataclass(frozen=True, eq=False)
class _Batch:
    rows: range
    pixels: NDArray[np.uint8]
    orders: list[Future[dict[int, BrokenImageError]]]

    def result(self) -> Prepared:
        broken = {row: error for order in self.orders for row, error in order.result().items()}
        rows = np.array([row for row in self.rows if row not in broken], np.int64)
        pixels = self.pixels[rows - self.rows.start] if broken else self.pixels
        return Prepared(rows, pixels, broken)


def _order(pool: ThreadPoolExecutor, pictures: Pictures, preparation: Preparation, rows: range) -> _Batch:
    pixels = np.empty((len(rows), *preparation.shape), np.uint8)

    def fill(part: range) -> dict[int, BrokenImageError]:
        broken = {}
        for row in part:
            try:
                pixels[row - rows.start] = pictures.prepared(row, preparation)
            except BrokenImageError as error:
                broken[row] = error
        return broken

    parts = [rows[start : start + _AT_ONCE] for start in range(0, len(rows), _AT_ONCE)]
    return _Batch(rows, pixels, [pool.submit(fill, part) for part in parts])
