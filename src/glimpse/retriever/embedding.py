"""The loop that embeds: micro-batches decoded ahead by workers, into arrays made beforehand."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glimpse.embeddings import Embeddings
from glimpse.errors import BrokenImageError, OptionError
from glimpse.pixels import OnBroken
from glimpse.progress import Progress
from glimpse.records import TEXT, Capture, IntArray, Records
from glimpse.retriever.encoders.base import Encoder, Pixels
from glimpse.retriever.images import Images, Source, images_of
from glimpse.runtime import check_threads, keep_freed_memory, one_core_each

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
    encoder: Encoder, images: Images, *, batch: int, workers: int
) -> Generator[Batch, None, None]:
    """All images in order."""
    count = len(images.capture)
    if encoder.concurrent:
        keep_freed_memory()
        batch = min(batch, max(1, -(-count // workers)))  # something for everybody
    parts = [range(start, min(start + batch, count)) for start in range(0, count, batch)]

    def prepare(rows: range) -> _Prepared:
        return _prepare(images, encoder, rows)

    def finish(prepared: _Prepared) -> Batch:
        rows = prepared.rows
        embeddings = encoder.embed(prepared.pixels, images.capture[rows]) if len(rows) else None
        return Batch(rows, embeddings, prepared.broken)

    if len(parts) < 2:  # a single query has all cores for itself
        yield from (finish(prepare(part)) for part in parts)
    elif encoder.concurrent:
        with one_core_each() as initialize:
            yield from ahead(lambda rows: finish(prepare(rows)), parts, workers, initialize)
    else:
        yield from map(finish, ahead(prepare, parts, workers))


def ahead(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int,
    initialize: Callable[[], None] | None = None,
) -> Iterator[Result]:
    """`map` by threads, in order, at most `workers + AHEAD` items before the one asked for.

    >>> list(ahead(abs, range(-3, 3), workers=2))
    [3, 2, 1, 0, 1, 2]
    """
    pool = ThreadPoolExecutor(workers, thread_name_prefix="embed", initializer=initialize)
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


def _prepare(images: Images, encoder: Encoder, rows: range) -> _Prepared:
    preparation = encoder.preparation
    pixels = np.empty((len(rows), *preparation.shape), np.uint8)
    kept: list[int] = []
    broken: dict[int, BrokenImageError] = {}
    for row in rows:
        try:
            pixels[len(kept)] = images.prepared(row, preparation)
            kept.append(row)
        except BrokenImageError as error:
            broken[row] = error
    return _Prepared(np.array(kept, np.int64), pixels[: len(kept)], broken)


Float32 = NDArray[np.float32]
Allocate = Callable[[int, int, bool], tuple[Float32, Float32 | None]]


@dataclass(frozen=True, eq=False)
class Embedded:
    """What became of a list of images or texts.

    Attributes:
        embeddings: M rows.
        rows: [M], which of the N given each belongs to, ascending.
        broken: the others, with the reasons, by their number.
    """

    embeddings: Embeddings
    rows: IntArray
    broken: dict[int, BrokenImageError]


@dataclass(frozen=True)
class Pace:
    """How a list is worked through.

    Attributes:
        batch: images that the encoder sees at once.
        workers: threads that decode, and on a CPU also embed.
        on_broken: whether a broken image ends the work or is left out and named.
        progress: what shows it.
    """

    batch: int
    workers: int
    on_broken: OnBroken
    progress: Progress

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise OptionError(f"batch must be at least 1, got {self.batch}")
        check_threads("workers", self.workers)


def in_memory(rows: int, dim: int, masked: bool) -> tuple[Float32, Float32 | None]:
    """Arrays for N embeddings."""
    shape = (rows, dim)
    return np.empty(shape, np.float32), np.empty(shape, np.float32) if masked else None


class Rows:
    """Embeddings that fill up from the front.

    Args:
        allocate: makes the arrays, once the first rows have said how wide they are.
        most: how many rows there can be.
    """

    def __init__(self, allocate: Allocate, most: int) -> None:
        self._allocate = allocate
        self._most = most
        self.count = 0
        self.vectors: Float32 | None = None
        self.masks: Float32 | None = None

    def add(self, embeddings: Embeddings) -> None:
        """Take in the next rows; the first ones say whether there are masks."""
        if self.vectors is None:
            masked = embeddings.masks is not None
            self.vectors, self.masks = self._allocate(self._most, embeddings.dim, masked)
        place = slice(self.count, self.count + len(embeddings))
        self.vectors[place] = embeddings.vectors
        if self.masks is not None:
            # sentences beside masked images have none: they are trusted fully
            self.masks[place] = 1 if embeddings.masks is None else embeddings.masks
        elif embeddings.masks is not None:
            raise OptionError("images with masks cannot follow texts without: embed them apart")
        self.count = place.stop

    def part(self, first: int) -> Embeddings:
        """The rows from `first` on, without a copy."""
        if self.vectors is None:
            raise AssertionError("rows are asked for only after some, if only none, were added")
        masks = None if self.masks is None else self.masks[first : self.count]
        return Embeddings(self.vectors[first : self.count], masks)


def embed_source(
    encoder: Encoder,
    source: Source,
    cameras: ArrayLike | None,
    modalities: ArrayLike | None,
    pace: Pace,
    allocate: Allocate,
) -> Embedded:
    """Embed whatever a source stands for; records may hold images and captions."""
    if isinstance(source, Records):
        for what, given in (("cameras", cameras), ("modalities", modalities)):
            if given is not None:
                raise OptionError(f"records bring their own {what}")
    parts = _runs(source) if isinstance(source, Records) else [images_of(source, cameras, modalities)]
    rows = Rows(allocate, sum(_length(part) for part in parts))
    kept: list[IntArray] = []
    broken: dict[int, BrokenImageError] = {}
    first = 0
    for part in parts:
        if isinstance(part, list):
            done = embed_texts(encoder, part, pace, rows)
        else:
            done = embed_images(encoder, part, pace, rows)
        kept.append(done.rows + first)
        broken |= {first + row: error for row, error in done.broken.items()}
        first += _length(part)
    return Embedded(rows.part(0), np.concatenate(kept), broken)


def _runs(records: Records) -> list[Images | list[str]]:
    """Neighboring rows of images as images, of captions as texts, in order."""
    is_text = records.modality == TEXT
    turns = np.flatnonzero(np.diff(is_text)) + 1
    parts: list[Images | list[str]] = []
    for start, stop in pairwise([0, *turns.tolist(), len(records)]):
        part = records[start:stop]
        parts.append(part.caption.tolist() if is_text[start:stop].any() else images_of(part))
    return parts


def _length(part: Images | list[str]) -> int:
    return len(part) if isinstance(part, list) else len(part.capture)


def embed_images(encoder: Encoder, images: Images, pace: Pace, rows: Rows) -> Embedded:
    """Embed all images into `rows`; what is returned lies in its arrays.

    Raises:
        BrokenImageError: naming the first broken image, for `OnBroken.STOP`.
    """
    first = rows.count
    kept: list[IntArray] = []
    broken: dict[int, BrokenImageError] = {}
    total = len(images.capture)
    batches = embedded_batches(encoder, images, batch=pace.batch, workers=pace.workers)
    with pace.progress("embedding", total) as advance, closing(batches):
        for done in batches:
            if done.broken and pace.on_broken is OnBroken.STOP:
                raise done.broken[min(done.broken)]
            broken |= done.broken
            if done.embeddings is not None:
                rows.add(done.embeddings)
                kept.append(done.rows)
            advance(len(done.rows) + len(done.broken))
    if not kept:
        rows.add(_nothing(encoder))
    return Embedded(rows.part(first), np.concatenate([np.empty(0, np.int64), *kept]), broken)


def embed_texts(encoder: Encoder, texts: Sequence[str], pace: Pace, rows: Rows) -> Embedded:
    """Embed all texts into `rows`; what is returned lies in its arrays."""
    first = rows.count
    with pace.progress("embedding texts", len(texts)) as advance:
        # an empty list asks too: it has a dimension, or no text side
        for start in range(0, max(1, len(texts)), pace.batch):
            part = texts[start : start + pace.batch]
            rows.add(encoder.embed_texts(part or [""])[: len(part)])
            advance(len(part))
    return Embedded(rows.part(first), np.arange(len(texts)), {})


def _nothing(encoder: Encoder) -> Embeddings:
    """No rows, as wide as the encoder's, with masks if it has them: a black image tells."""
    black = np.zeros((1, *encoder.preparation.shape), np.uint8)
    return encoder.embed(black, Capture.unknown(1))[:0]
