"""What a gallery answers: typed, frozen, ready for JSON by `dataclasses.asdict`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Match:
    """One image of the gallery.

    Attributes:
        id: SHA-256 of its file.
        path: where the file was when it was added.
        score: how well it fits the query, by the similarity of its retriever; higher is better.
        person: number; None if nobody said.
        camera: number; None if unknown.
        time: as the records told; None if unknown.
        track: name; empty if unknown.
        source: where it came from, as `add` was told; empty if it was not.
        kind: whole, occluded, partial, or empty.
        modality: rgb, ir, or empty.
        caption: empty if there is none.
    """

    id: str
    path: str
    score: float
    person: int | None
    camera: int | None
    time: float | None
    track: str
    source: str
    kind: str
    modality: str
    caption: str


@dataclass(frozen=True)
class Found:
    """Somebody who was found: the images of one person, else of one track, else a single image.

    Attributes:
        score: of the best image.
        images: how many images of this one the search looked at.
        matches: the best of them, best first.
    """

    score: float
    images: int
    matches: tuple[Match, ...]

    @property
    def best(self) -> Match:
        """The best image."""
        return self.matches[0]


@dataclass(frozen=True)
class Answer:
    """What a search found.

    Attributes:
        found: best first.
        exact: whether every row that meets the conditions was scored; else only the candidates were.
        searched: how many rows were scored.
        space: the name of the retriever space.
    """

    found: tuple[Found, ...]
    exact: bool
    searched: int
    space: str


@dataclass(frozen=True)
class Added:
    """What `add` did.

    Attributes:
        added: images that are new.
        present: images that were there already, in every space, and stay as they were.
        broken: images that cannot be used, with the reasons.
    """

    added: int
    present: int
    broken: dict[str, str]


@dataclass(frozen=True)
class SpaceInfo:
    """One retriever's vectors.

    Attributes:
        name: of the space.
        digest: of the retriever that made them.
        retriever: where it is found; None for vectors made elsewhere.
        similarity: by name.
        dim: dimensions.
        masks: whether there are masks.
        rows: images.
        versions: that the files still hold; more than 1 may hold what was deleted.
        bytes: on the disk, if the store says.
        candidates: how many the engine hands over for exact scoring; None where all rows are scored.
        recall: share of the ten best by exact search that are found from the candidates, and 1.0 where all
            rows are scored; None if there is nothing to measure on.
    """

    name: str
    digest: str
    retriever: str | None
    similarity: str
    dim: int
    masks: bool
    rows: int
    versions: int
    bytes: int | None
    candidates: int | None
    recall: float | None

    @property
    def exact(self) -> bool:
        """Whether a search scores every row that meets its conditions."""
        return self.candidates is None


@dataclass(frozen=True)
class Info:
    """What a gallery holds.

    Attributes:
        images: with a vector in any space.
        people: persons that somebody named.
        tracks: tracks, each of one source.
        cameras: numbers of the known cameras.
        sources: their names.
        times: first and last; None if unknown.
        default: the space that is searched unless another is asked for.
        spaces: a row per retriever.
        unfinished: whether an erasure was cut short; the next change finishes it.
    """

    images: int
    people: int
    tracks: int
    cameras: tuple[int, ...]
    sources: tuple[str, ...]
    times: tuple[float, float] | None
    default: str
    spaces: tuple[SpaceInfo, ...]
    unfinished: bool
