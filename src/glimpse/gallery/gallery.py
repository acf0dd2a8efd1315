"""`Gallery`: images of people that persist, and the search for somebody among them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError, ShapeError
from glimpse.files import begin_folder, check_folder, locked, user_path
from glimpse.gallery.adding import add_records, embed_again, space_for
from glimpse.gallery.answers import Added, Answer, Info, Match, SpaceInfo
from glimpse.gallery.audit import Event
from glimpse.gallery.held import LOCK, Access, Held, store_of
from glimpse.gallery.items import THUMBNAILS, Images, records_of
from glimpse.gallery.manifest import MANIFEST, Manifest, Space, write_comparison, write_manifest
from glimpse.gallery.ranking import match_of, people_of
from glimpse.gallery.removing import delete_rows, erase_rows
from glimpse.gallery.searching import Query, embedded, recall, rescored, scored
from glimpse.gallery.snapshot import joined
from glimpse.gallery.spaces import Maker, space_of
from glimpse.gallery.store import schema_of
from glimpse.gallery.where import Where
from glimpse.progress import Progress, silent
from glimpse.records import NO_CAMERA
from glimpse.retriever import Retriever
from glimpse.retriever.codec import SIMILARITIES, name_of
from glimpse.similarity import Similarity

_THERE = ": open it, or choose another folder"
_DAY, _MOST_DAYS = 24 * 3600 * 10**9, 36_500


class Gallery:
    """A folder of people, searched with the retrievers that made their vectors.

    Made by `create`, opened by `open`. Several processes may have it open: one changes it at a time, the
    others read on.

    >>> import tempfile
    >>> from PIL import Image
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("red", "blue"):
    ...     Image.new("RGB", (20, 40), name).save(folder / f"{name}.png")
    >>> gallery = Gallery.create(folder / "gallery", "colors")
    >>> gallery.add([folder / "red.png", folder / "blue.png"]).added
    2
    >>> Path(gallery.search(text="someone in blue").found[0].best.path).name
    'blue.png'
    """

    def __init__(self, folder: Path | str, access: Access | None = None) -> None:
        self._held = Held(user_path(folder), access or Access())

    @classmethod
    def create(
        cls,
        folder: Path | str,
        retriever: Maker,
        *,
        name: str | None = None,
        address: str = "",
        candidates: int | None = None,
        thumbnails: str = "none",
        keep_days: float | None = None,
        access: Access | None = None,
    ) -> Gallery:
        """Make an empty gallery.

        Args:
            folder: new or empty.
            retriever: makes the vectors: a retriever, its folder, the name of one that comes with Glimpse, or
                what is known of a model that Glimpse does not run.
            name: of its space; that of the retriever if left out.
            address: where the rows are kept, as Lance takes it; in the gallery's folder if empty.
            candidates: None to score every row; else how many the engine hands over for that.
            thumbnails: none, plain, or blurred at the head.
            keep_days: how long `expire` keeps rows.
            access: who makes it, and how it is opened.
        """
        path = user_path(folder)
        if thumbnails not in THUMBNAILS:
            raise OptionError(f"thumbnails are {', '.join(THUMBNAILS)}, not {thumbnails!r}")
        _check_days(keep_days)
        maker, space = space_of(retriever, name, candidates, (access or Access()).device)
        begin_folder(path, "a gallery", resume=not (path / MANIFEST).exists(), advice=_THERE)
        with locked(path / LOCK, wait=False):
            check_folder(path, "a gallery", resume=not (path / MANIFEST).exists(), advice=_THERE)
            space = replace(space, comparison=write_comparison(path, space.table, maker.similarity))
            manifest = Manifest("lance", address, space.name, (space,), False, thumbnails, keep_days)
            store_of(path, manifest).create(space.table, schema_of(space.dim, space.masked))
            write_manifest(path, manifest)
        gallery = cls(path, access)
        if isinstance(maker, Retriever):
            gallery._held.makers[space.name] = maker
        gallery._held.audit.write("create", space=space.name)
        return gallery

    @classmethod
    def open(cls, folder: Path | str, *retrievers: Retriever, access: Access | None = None) -> Gallery:
        """Open a gallery.

        Args:
            folder: of it.
            retrievers: that made its vectors, if they are nowhere on the disk; others are loaded when needed.
            access: who opens it, and how.
        """
        gallery = cls(folder, access)
        for retriever in retrievers:
            named = [space for space in gallery.spaces if space.digest == retriever.digest]
            if not named:
                raise OptionError("the gallery holds no vectors of this retriever: `add_space` makes them")
            gallery._held.makers[named[0].name] = retriever
        return gallery

    @property
    def folder(self) -> Path:
        """Where it is."""
        return self._held.folder

    @property
    def spaces(self) -> tuple[Space, ...]:
        """The retriever spaces, the oldest first."""
        return self._held.manifest.spaces

    # ---- what changes it

    def add(
        self,
        images: Images,
        *,
        embeddings: Embeddings | None = None,
        made_by: str | None = None,
        source: str | None = None,
        person: ArrayLike | None = None,
        camera: ArrayLike | None = None,
        time: ArrayLike | None = None,
        track: ArrayLike | None = None,
        modality: ArrayLike | None = None,
        workers: int | None = None,
        progress: Progress = silent,
    ) -> Added:
        """Add images; those that are there already, by the content of their files, stay as they are.

        Every batch is acknowledged by itself: after a kill the same call goes on where it stopped.

        Args:
            images: a folder, searched to its depth; a file; a list of these; or records.
            embeddings: a row per record, made elsewhere. Files that are not here are known by path and
                vector.
            made_by: the digest of the retriever that made the embeddings, or the name of the model that
                Glimpse does not run; the default space's if left out and that was made elsewhere.
            source: where they come from, `[N]` or one, as the other columns below; records bring theirs.
            person: numbers, where somebody said who it is.
            camera: numbers.
            time: seconds, or frames.
            track: names; images of one track are one person.
            modality: rgb or ir.
            workers: threads that decode.
            progress: shows how far it is.
        """
        given = {"person": person, "camera": camera, "time": time, "track": track, "modality": modality}
        records = records_of(images, {**given, "source": source})
        spaces = self._held.reread().spaces
        if embeddings is None:
            for space in spaces:
                self._held.maker(space)  # what cannot be loaded is said before anything is read
        else:
            spaces = (space_for(self._held, embeddings, made_by),)
            if len(embeddings) != len(records):
                raise ShapeError(f"there are {len(embeddings)} embeddings of {len(records)} images")
        self._held.audit.write("add", "begun", images=len(records))
        with progress("adding", len(records)) as advance:
            done = add_records(self._held, records, embeddings, spaces, workers, advance)
        self._held.audit.write("add", added=done.added, present=done.present, broken=len(done.broken))
        return done

    def add_space(
        self,
        retriever: Maker,
        *,
        name: str | None = None,
        candidates: int | None = None,
        default: bool = True,
        workers: int | None = None,
        progress: Progress = silent,
    ) -> Added:
        """Embed everything that is there with another retriever; the old space answers meanwhile.

        After a kill the same call goes on where it stopped.

        Args:
            retriever: see `create`.
            name: see `create`.
            candidates: see `create`.
            default: whether the new space is the one that is searched once it is whole.
            workers: threads that decode.
            progress: shows how far it is.
        """
        held = self._held
        maker, space = space_of(retriever, name, candidates, held.access.device)
        with held.writing():
            space = self._begun(space, maker.similarity)
        done = Added(0, 0, {})
        if isinstance(maker, Retriever):
            held.makers[space.name] = maker
            rows = held.everything()
            with progress("embedding", rows.num_rows) as advance:
                done = embed_again(held, rows, space, workers, advance)
        if default:
            with held.writing():
                held.write(replace(held.manifest, default=space.name))
        held.audit.write("add_space", space=space.name, added=done.added, broken=len(done.broken))
        return done

    def delete(self, where: Where) -> int:
        """Take rows out of every space; how many images. Their bytes stay in files until `compact`."""
        _check_some(where, "delete")
        with self._held.writing():
            self._held.audit.write("delete", "begun", where=where.told)
            found = delete_rows(self._held, where)
            self._held.audit.write("delete", where=where.told, images=found)
        return found

    def expire(self, older_than_days: float | None = None, where: Where | None = None) -> int:
        """Erase what was added longer ago than so many days; those of `create` if left out.

        Args:
            older_than_days: the age from which rows go.
            where: further conditions.
        """
        days = self._held.manifest.keep_days if older_than_days is None else older_than_days
        if days is None:
            raise OptionError("how many days rows are kept is neither told nor a rule of this gallery")
        _check_days(days)
        rule = replace(where or Where(), added_before=self._held.access.clock() - int(days * _DAY))
        return erase_rows(
            self._held, rule, "expire", {"older_than_days": days, "where": (where or Where()).told}
        )

    def erase(self, where: Where) -> int:
        """Remove people with everything derived from them, from the files as well; how many images.

        No vector, mask, thumbnail, file name or caption of theirs is left in the gallery's files, nor of what
        was deleted before, and the audit log does not say who it was. What cuts an erasure short, the next
        change of the gallery finishes.
        """
        _check_some(where, "erase")
        # not even which conditions: that somebody of that track was erased is told by the track
        return erase_rows(self._held, where, "erase", {"conditions": sorted(where.conditions)})

    def compact(self) -> None:
        """Write all rows anew without what was deleted, and forget older versions."""
        with self._held.writing():
            self._held.audit.write("compact", "begun")
            self._held.compact()
            self._held.audit.write("compact")

    # ---- what reads it

    def search(
        self,
        like: Query | Sequence[Query] = (),
        *,
        text: str | Sequence[str] = (),
        unlike: Query | Sequence[Query] = (),
        k: int = 10,
        where: Where | None = None,
        space: str | None = None,
        group: bool = True,
        images: int = 4,
        candidates: int | None = None,
        exact: bool = False,
        cameras: ArrayLike | None = None,
        modalities: ArrayLike | None = None,
    ) -> Answer:
        """Find somebody.

        The score of an image is the mean of its scores with all of `like` and `text`, less half of the mean
        of those with `unlike`.

        Args:
            like: images of one person: files, uint8 `[H, W, 3]`, matches of an earlier answer, or embeddings.
            text: sentences, for retrievers that read.
            unlike: images of others.
            k: how many people, or images, are found.
            where: which rows are looked at.
            space: whose vectors; the gallery's default if left out.
            group: whether images of one person or track are one answer; else every image is.
            images: how many images of each are told.
            candidates: how many rows the engine hands over for exact scoring; the space's own if left out.
            exact: score every row whatever the space says.
            cameras: of the files and arrays among `like` and `unlike`, for encoders that ask: one for all.
            modalities: likewise, "rgb" or "ir".
        """
        for what, count in (("k", k), ("images", images), ("candidates", candidates)):
            if count is not None and count < 1:
                raise OptionError(f"{what} must be at least 1, got {count}")
        held = self._held
        within = held.reread().space(space)
        texts = [text] if isinstance(text, str) else list(text)
        wanted = where or Where()
        examples = embedded(held, within, like, cameras, modalities)
        if texts:
            examples.append(held.maker(within).embed_text(texts))
        if not examples:
            raise OptionError("a search needs an image, a sentence or an earlier match to look for")
        against = embedded(held, within, unlike, cameras, modalities)
        query, number = joined([*examples, *against]), sum(map(len, examples))
        overfetch = None if exact else candidates or within.candidates
        if overfetch is None:
            found, total = scored(held, within, query, number, wanted)
        else:
            found, total = rescored(held, within, query, number, wanted, overfetch)
        held.audit.write(
            "search",
            space=within.name,
            images=number - len(texts),
            texts=len(texts),
            unlike=len(query) - number,
            where=wanted.told,
            k=k,
            searched=len(total),
        )
        people = people_of(found, total, k, images, group=group)
        return Answer(people, overfetch is None, len(total), within.name)

    def info(self) -> Info:
        """What it holds, and, where candidates come from the engine, how many of the best they leave out."""
        manifest = self._held.reread()
        rows = self._held.everything()
        person, camera = (rows.column(name).to_numpy() for name in ("person", "camera"))
        tracks = set(zip(*(rows.column(n).to_pylist() for n in ("source", "track")), strict=True))
        times = rows.column("time").drop_null().to_numpy()
        return Info(
            images=rows.num_rows,
            people=len(np.unique(person[person >= 0])),
            tracks=sum(bool(track) for _, track in tracks),
            cameras=tuple(np.unique(camera[camera != NO_CAMERA]).tolist()),
            sources=tuple(sorted({source for source, _ in tracks if source})),
            times=(float(times.min()), float(times.max())) if len(times) else None,
            default=manifest.default,
            spaces=tuple(self._space_info(space) for space in manifest.spaces),
            unfinished=manifest.unfinished,
        )

    def audit(self) -> tuple[Event, ...]:
        """Every search and change, oldest first."""
        return tuple(self._held.audit.events())

    # ---- deleting

    def match(self, id: str) -> Match:
        """The image whose id begins so, to be searched with."""
        if not re.fullmatch(r"[0-9a-f]{4,64}", id):
            raise OptionError(f"an image's id is 4 to 64 characters from 0 to 9 and a to f, got {id!r}")
        rows = self._held.everything()
        found = np.flatnonzero([one.startswith(id) for one in rows.column("id").to_pylist()])
        if len(found) != 1:
            raise OptionError(f"{len(found) or 'no'} images of this gallery have an id that begins with {id}")
        return match_of(rows.slice(int(found[0]), 1).to_pylist()[0], 1.0)

    def _begun(self, space: Space, similarity: Similarity) -> Space:
        """The space of that retriever, made if it is not there; the lock is held."""
        held = self._held
        for there in held.manifest.spaces:
            if there.digest == space.digest:
                return there
            if there.name == space.name:
                raise OptionError(
                    f"the gallery has a space {space.name!r} of another retriever: name this one"
                )
        held.audit.write("add_space", "begun", space=space.name)
        space = replace(space, comparison=write_comparison(held.folder, space.table, similarity))
        held.store.create(space.table, schema_of(space.dim, space.masked))
        held.write(replace(held.manifest, spaces=(*held.manifest.spaces, space)))
        return space

    def _space_info(self, space: Space) -> SpaceInfo:
        held = self._held
        size = held.store.size(space.table)
        return SpaceInfo(
            name=space.name,
            digest=space.digest,
            retriever=space.retriever,
            similarity=name_of(type(held.similarity(space)), SIMILARITIES) or "of another package",
            dim=space.dim,
            masks=space.masked,
            rows=size.rows,
            versions=size.versions,
            bytes=size.bytes,
            candidates=space.candidates,
            recall=1.0 if space.candidates is None else recall(held, space, space.candidates),
        )


def _check_some(where: Where, verb: str) -> None:
    if not where:
        raise OptionError(f"say which rows to {verb}: all of them are the gallery's folder")


def _check_days(days: float | None) -> None:
    if days is not None and not 0 <= days < _MOST_DAYS:
        raise OptionError(f"rows are kept for 0 to {_MOST_DAYS} days, got {days}")
