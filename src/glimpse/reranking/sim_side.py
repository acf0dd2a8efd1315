"""`IncrementalSide`: the gallery side of SIM, kept up to date while rows are added and removed."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, DTypeLike, NDArray
from scipy.sparse import csr_array

from glimpse.compiled import compiled, over_pieces
from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError, ShapeError
from glimpse.reranking.k_reciprocal_sets import entries, expanded_sets, soft_members
from glimpse.reranking.neighbors import BLOCK, Distances
from glimpse.reranking.sim import EMPTY_LISTS, GallerySide, SimilarityInference
from glimpse.similarity.base import Scores, Similarity, blocks, tiles
from glimpse.similarity.selection import best_so_far

Rows = NDArray[np.int64]
Flags = NDArray[np.bool_]

# our choice: farthest rows kept of each row, so that removing an outlier sends few rows searching
FARTHEST = 8
# our choice: 64 MiB of scores are held while new rows are offered to the lists of the others
HELD = 2**24
# our choice: a tile's scores may be off by four times what was seen in the row's list, and this share
SLACK, LEAST_SLACK = 4, 1e-6


class IncrementalSide:
    """A gallery and its side of SIM, equal to `SimilarityInference.prepare` after every change.

    Rows are named by their position: `add` appends, `remove` closes the gaps, so that row r is the r-th row
    of a table that is changed in the same way. Each row keeps the exact beginning of the list of its nearest
    rows, longer than needed, and of its farthest. A new row enters the lists in which it comes before the
    last; a removed one leaves them, and rows whose list becomes too short are searched again. Sets and
    weights are made anew where a list that they read has changed.

    The scores of matrix products depend on the shape of the product. So they only choose candidates, whose
    scores are computed again pair by pair: under `Cosine` on a CPU the side is a function of the rows, to the
    bit, however they came (sim.md, "A gallery that changes").

    One thread at a time. A `GallerySide` that was taken is not changed by what follows.

    Attributes:
        sim: the parameters.
        similarity: compares the rows.

    >>> from glimpse.similarity import Cosine
    >>> side = IncrementalSide(SimilarityInference(paths=1, neighbors=2, k_query=1, k_gallery=1), Cosine())
    >>> side.add(Embeddings(np.array([[1.0, 0], [0, 1], [1, 1]])))
    >>> side.remove([1])
    >>> len(side), side.scores(Embeddings(np.array([[1.0, 0]]))).shape
    (2, (1, 2))
    """

    def __init__(self, sim: SimilarityInference, similarity: Similarity) -> None:
        self.sim, self.similarity = sim, similarity
        self._read_by_sets = entries(sim.k_gallery, sim.k_plus_self)
        self._needed = max(sim.neighbors, self._read_by_sets)
        self._near, self._far = _Lists(sim.list_length), _Lists(FARTHEST)
        self._vectors: _Table | None = None
        self._masks: _Table | None = None
        self._embeddings: Embeddings | None = None
        self._sets = _Sets()
        self._side: GallerySide | None = None

    def __len__(self) -> int:
        return 0 if self._vectors is None else len(self._vectors.rows)

    @property
    def embeddings(self) -> Embeddings:
        """The rows as they are now, a view that the next change makes invalid."""
        if self._embeddings is None:
            if self._vectors is None:
                raise OptionError("nothing was added yet, so there are no embeddings")
            masks = None if self._masks is None else self._masks.rows
            self._embeddings = Embeddings(self._vectors.rows, masks)
        return self._embeddings

    @property
    def side(self) -> GallerySide:
        """For `SimilarityInference.rerank`; assembled when it is first asked for after a change."""
        if self._side is None:
            count = min(self.sim.neighbors, len(self))
            rows, keys = self._near.first(count) if count else EMPTY_LISTS
            self._side = GallerySide.of(rows, np.maximum(keys, 0), self._sets.matrix())
        return self._side

    def scores(self, query: Embeddings) -> Scores:
        """SIM's scores [Q, G], higher is better."""
        if not len(self):
            return np.zeros((len(query), 0), np.float32)
        scores = self.similarity.pairwise(query, self.embeddings)
        return self.sim.rerank(self.similarity.distances(scores), self.side)

    def add(self, rows: Embeddings) -> None:
        """Append rows; they must be of the width of the others, and with masks if those have some."""
        if not len(rows):
            return
        self._append(rows)
        before, size = len(self) - len(rows), len(self)
        for lists in (self._near, self._far):
            lists.append(len(rows), size)
        self._sets.append(len(rows))
        moved, rescaled = np.zeros((2, size), bool)
        moved[before:] = True
        new = np.arange(before, size)
        for block in blocks(len(new), BLOCK if not before else max(1, HELD // size)):
            held = np.empty((len(new[block]), before), np.float32)
            slack = self._search(new[block], held)
            if before:
                self._offer(new[block], held, slack, moved, rescaled)
        self._refresh(moved, rescaled)

    def remove(self, rows: ArrayLike) -> None:
        """Remove rows by their present positions; those behind them move up."""
        gone = np.unique(np.asarray(rows, np.int64))
        if not len(gone):
            return
        if gone[0] < 0 or gone[-1] >= len(self) or self._vectors is None:
            wrong = gone[0] if gone[0] < 0 else gone[-1]
            raise OptionError(f"there are {len(self)} rows to remove, numbered from 0; got {wrong}")
        kept = np.setdiff1d(np.arange(len(self)), gone, assume_unique=True)
        renumbered = np.full(len(self), -1, np.int32)
        renumbered[kept] = np.arange(len(kept))
        self._vectors.keep(kept)
        if self._masks is not None:
            self._masks.keep(kept)
        self._embeddings = None
        moved, rescaled = np.zeros((2, len(kept)), bool)
        self._near.remove(kept, renumbered, self._read_by_sets, moved)
        self._far.remove(kept, renumbered, 1, rescaled)
        self._sets.remove(kept, renumbered)
        short = self._near.known.rows < min(self._needed, len(kept))
        searched = np.flatnonzero(short | (self._far.known.rows < 1))
        for block in blocks(len(searched), BLOCK):
            self._search(searched[block])
        self._refresh(moved, rescaled)

    def _append(self, rows: Embeddings) -> None:
        if self._vectors is None:
            self._vectors = _Table(np.float32, rows.dim)
            self._masks = None if rows.masks is None else _Table(np.float32, rows.dim)
        else:
            self.similarity.check(rows, self.embeddings)
            if (rows.masks is None) != (self._masks is None):
                raise ShapeError("either all rows of a gallery have masks or none")
        self._vectors.append(rows.vectors)
        if self._masks is not None and rows.masks is not None:
            self._masks.append(rows.masks)
        self._embeddings = None

    def _search(self, points: Rows, held: Scores | None = None) -> Distances:
        """Make the lists of some rows; put their scores with the first rows into `held`; their slack [P]."""
        size, device = len(self), torch.device(self.similarity.device)
        near, far = (best_so_far(len(points), min(lists.width, size), device) for lists in self._both)
        for rows, columns, tile in tiles(self.similarity, self.embeddings[points], self.embeddings):
            if held is not None and columns.start < held.shape[1]:
                part = held[rows, columns]
                part[:] = tile[:, : part.shape[1]].numpy(force=True)
            own = np.flatnonzero((points >= columns.start) & (points < columns.stop))
            # a row heads its own list, and ends that of the farthest; infinity would not enter it
            tile[own, points[own] - columns.start] = torch.finfo(tile.dtype).max
            near.add(rows, columns.start, tile)
            far.add(rows, columns.start, tile.neg_())
        (nearest, _), (farthest, _) = near.result(), far.result()
        slack = np.maximum(
            self._keep(self._near, points, nearest.rows, nearest.scores),
            self._keep(self._far, points, farthest.rows, -farthest.scores),
        )
        doubtful = points[self._near.known.rows[points] < min(self._needed, size)]
        for block in blocks(len(doubtful), max(1, HELD // 16 // size)):
            self._search_pairwise(doubtful[block])
        return slack

    def _keep(self, lists: _Lists, points: Rows, found: Rows, guessed: Scores) -> Distances:
        """Keep what was found, in the order of its exact distances, as far as nothing else can come before.

        Returns:
            [P] by how much a guessed score may be off.
        """
        starts = np.arange(len(points) + 1) * found.shape[1]
        scores, distances = self._measure(points, starts, found.ravel())
        own = found == points[:, None]
        error = np.abs(np.where(own, 0, scores.reshape(found.shape) - np.where(own, 0, guessed))).max(1)
        last = np.where(own[:, -1], 0, guessed[:, -1])
        slack: Distances = SLACK * error + np.float32(LEAST_SLACK) * np.maximum(1, np.abs(last))
        keys = distances.reshape(found.shape)
        if lists is self._far:
            limit = -self.similarity.distances(last - slack)
            np.negative(keys, out=keys)
        else:
            limit = self.similarity.distances(last + slack)
            keys[own] = -1
        order = np.lexsort((found, keys), axis=1)
        found, keys = np.take_along_axis(found, order, 1), np.take_along_axis(keys, order, 1)
        sure = len(self) if found.shape[1] == len(self) else (keys < limit[:, None]).sum(1)
        # of the farthest the distance counts: any of several equal ones will do
        lists.put(points, found, keys, np.maximum(sure, 1))
        return slack

    def _search_pairwise(self, points: Rows) -> None:
        """Make the nearest lists of rows with so many near ties that a tile's scores cannot tell."""
        size = len(self)
        starts = np.arange(len(points) + 1) * size
        _, keys = self._measure(points, starts, np.tile(np.arange(size), len(points)))
        keys = keys.reshape(len(points), size)
        keys[np.arange(len(points)), points] = -1
        order = np.argsort(keys, axis=1, kind="stable")[:, : self._near.width]
        self._near.put(points, order, np.take_along_axis(keys, order, 1), order.shape[1])

    def _offer(self, new: Rows, scores: Scores, slack: Distances, moved: Flags, rescaled: Flags) -> None:
        """Enter new rows into the lists of the rows before all new ones.

        Args:
            new: [P] rows.
            scores: [P, B] with those rows, as a tile tells them.
            slack: [P] of the scores.
            moved: [G], set where the part of the list that sets read has changed.
            rescaled: [G], set where the farthest distance has.
        """
        before = scores.shape[1]
        changes = (self._near, 1, self._read_by_sets, moved), (self._far, -1, 1, rescaled)
        for lists, sign, read, changed in changes:
            if self.similarity.symmetric:
                bound = self.similarity.distances(scores + sign * slack[:, None])
                wanted = sign * bound < lists.limits(before, int(new[0]))
            else:
                wanted = np.ones(scores.shape, bool)  # the scores are those of the other direction
            points, places = np.nonzero(wanted.T)
            points, sizes = np.unique(points, return_counts=True)
            starts = np.concatenate([[0], np.cumsum(sizes)])
            _, distances = self._measure(points, starts, new[places])
            lists.enter(points, starts, new[places], np.float32(sign) * distances, read, changed)

    def _measure(self, points: Rows, starts: Rows, columns: Rows) -> tuple[Scores, Distances]:
        """Scores and distances of chosen pairs, each computed alone; a row is at distance 0 of itself."""
        scores = self.similarity.pairs(self.embeddings[points], self.embeddings, starts, columns)
        distances = self.similarity.distances(scores)
        distances[np.repeat(points, np.diff(starts)) == columns] = 0
        return scores, distances

    def _refresh(self, moved: Flags, rescaled: Flags) -> None:
        """Make the sets and weights anew that read a changed list.

        A set reads the lists of its row, of that row's list, and of the lists of those.
        """
        self._side = None
        size = len(self)
        if not size:
            return
        lists, _ = self._near.first(min(self._read_by_sets, size))
        for _ in range(2):
            moved = moved | moved[lists].any(1)
        points = np.flatnonzero(moved | rescaled)
        starts, members = expanded_sets(lists, self.sim.k_gallery, self.sim.k_plus_self, points)
        _, distances = self._measure(points, starts, members.astype(np.int64))
        farthest = -self._far.keys.rows[points, 0]
        self._sets.put(points, starts, members, soft_members(distances, farthest, starts))

    @property
    def _both(self) -> tuple[_Lists, _Lists]:
        return self._near, self._far


class _Table:
    """Rows at the head of a larger array, so that appending seldom copies them all."""

    def __init__(self, dtype: DTypeLike, *shape: int) -> None:
        self._held = np.empty((0, *shape), dtype)
        self._size = 0

    @property
    def rows(self) -> NDArray[Any]:
        return self._held[: self._size]

    def append(self, values: ArrayLike) -> None:
        added = np.asarray(values)
        size = self._size + len(added)
        if size > len(self._held):
            larger = np.empty((size + size // 8, *self._held.shape[1:]), self._held.dtype)
            larger[: self._size] = self.rows
            self._held = larger
        self._held[self._size : size] = added
        self._size = size

    def keep(self, chosen: Rows) -> None:
        """Keep these rows, ascending, and move them up in place: what is read was not overwritten yet."""
        for block in blocks(len(chosen), 4096):
            if chosen[block.stop - 1] != block.stop - 1:
                self._held[block] = self._held[chosen[block]]
        self._size = len(chosen)


class _Lists:
    """For every row the first of all rows by (key, row), as many as are known, at most `longest`.

    `width` grows with the rows: a `longest` beyond all of them costs nothing.
    """

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self.width = 0
        self.rows, self.keys = _Table(np.int32, 0), _Table(np.float32, 0)
        self.known = _Table(np.int64)

    def first(self, count: int) -> tuple[NDArray[np.int32], Distances]:
        """The heads of all lists, [G, count] rows and keys."""
        return self.rows.rows[:, :count], self.keys.rows[:, :count]

    def append(self, count: int, size: int) -> None:
        """Room for so many more rows, `size` in all; their lists are empty."""
        if self.width < min(self._longest, size):
            self.width = min(self._longest, 2 * size)
            for name in ("rows", "keys"):
                table = getattr(self, name)
                wider = _Table(table.rows.dtype, self.width)
                wider.append(np.pad(table.rows, ((0, 0), (0, self.width - table.rows.shape[1]))))
                setattr(self, name, wider)
        for table in (self.rows, self.keys):
            table.append(np.zeros((count, self.width)))
        self.known.append(np.zeros(count))

    def put(self, points: Rows, rows: Rows, keys: Distances, known: NDArray[np.int64] | int) -> None:
        """Replace the lists of some rows."""
        self.rows.rows[points, : rows.shape[1]] = rows
        self.keys.rows[points, : rows.shape[1]] = keys
        self.known.rows[points] = known

    def limits(self, before: int, size: int) -> Distances:
        """[before] what a key must stay below to enter a list; inf where a list holds all `size` rows."""
        known = self.known.rows[:before]
        last = self.keys.rows[np.arange(before), known - 1]
        return np.where(known == size, np.float32(np.inf), last)

    def enter(
        self, points: Rows, starts: Rows, new: Rows, keys: Distances, read: int, changed: Flags
    ) -> None:
        """Offer new rows, ascending for each point, to its list; flag it if its first `read` change."""
        held = self.rows.rows, self.keys.rows, self.known.rows
        over_pieces(_enter, len(points), points, starts, new, keys, *held, read, changed)

    def remove(self, kept: Rows, renumbered: NDArray[np.int32], read: int, changed: Flags) -> None:
        """Drop the lists of removed rows, and those rows from the other lists; flag as `enter` does."""
        for table in (self.rows, self.keys, self.known):
            table.keep(kept)
        held = self.rows.rows, self.keys.rows, self.known.rows
        over_pieces(_drop, len(kept), renumbered, *held, read, changed)


class _Sets:
    """V in rows: the members of each row's expanded reciprocal set, and their weights."""

    def __init__(self) -> None:
        self._sizes = np.zeros(0, np.int64)
        self._members, self._weights = np.zeros(0, np.int32), np.zeros(0, np.float32)

    def append(self, count: int) -> None:
        """Empty sets."""
        self._sizes = np.concatenate([self._sizes, np.zeros(count, np.int64)])

    def remove(self, kept: Rows, renumbered: NDArray[np.int32]) -> None:
        """Drop sets; a set of which a member goes is put anew afterwards."""
        chosen = np.repeat(renumbered >= 0, self._sizes)
        self._members, self._weights = renumbered[self._members[chosen]], self._weights[chosen]
        self._sizes = self._sizes[kept]

    def put(self, points: Rows, starts: Rows, members: NDArray[np.int32], weights: Distances) -> None:
        """Replace the sets of some rows, ascending."""
        stays = np.ones(len(self._sizes), bool)
        stays[points] = False
        old = np.repeat(stays, self._sizes)
        self._sizes[points] = np.diff(starts)
        new = np.repeat(stays, self._sizes)
        kept = self._members[old], self._weights[old]
        self._members, self._weights = np.empty(len(new), np.int32), np.empty(len(new), np.float32)
        self._members[new], self._members[~new] = kept[0], members
        self._weights[new], self._weights[~new] = kept[1], weights

    def matrix(self) -> csr_array:
        """V [G, G]."""
        starts = np.concatenate([[0], np.cumsum(self._sizes)])
        count = len(self._sizes)
        return csr_array((self._weights, self._members, starts), shape=(count, count))


@compiled
def _enter(first, last, points, starts, new, given, rows, keys, known, read, changed):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    width = rows.shape[1]
    for p in range(first, last):
        i = points[p]
        for entry in range(starts[p], starts[p + 1]):
            row, key, count = new[entry], given[entry], known[i]
            whole = count == row  # the list holds every row before this one
            if (not whole or count == width) and key >= keys[i, count - 1]:
                continue
            place = min(count, width - 1)
            while place > 0 and keys[i, place - 1] > key:
                rows[i, place], keys[i, place] = rows[i, place - 1], keys[i, place - 1]
                place -= 1
            rows[i, place], keys[i, place] = row, key
            known[i] = min(count + 1, width)
            if place < read:
                changed[i] = True


@compiled
def _drop(first, last, renumbered, rows, keys, known, read, changed):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    for i in range(first, last):
        kept = 0
        for place in range(known[i]):
            row = renumbered[rows[i, place]]
            if row >= 0:
                rows[i, kept], keys[i, kept] = row, keys[i, place]
                kept += 1
            elif place < read:
                changed[i] = True
        known[i] = kept
