"""`Retriever`: what is trained, evaluated, exported, shipped and served."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glimpse.embeddings import MADE_BY, ROWS, Embeddings
from glimpse.errors import LayoutError, OptionError, ShapeError, StorageError
from glimpse.evaluation import Calibration
from glimpse.files import atomic_path, fingerprint
from glimpse.models.factory import similarity_of
from glimpse.models.storage import CARD as NETWORK_CARD
from glimpse.models.storage import TOKENIZER, WEIGHTS
from glimpse.pixels import OnBroken
from glimpse.progress import Progress, silent
from glimpse.records import Records
from glimpse.records.storage import check_saved_as
from glimpse.reranking import Reranker
from glimpse.retriever.codec import (
    ARRAYS,
    COMPARISON,
    RERANKERS,
    SIMILARITIES,
    Arrays,
    comparison_to_text,
    from_json,
    read_arrays,
    to_json,
    write_arrays,
)
from glimpse.retriever.embedding import Embedded, Pace, Rows, embed_source, embed_texts, in_memory
from glimpse.retriever.encoders.base import Encoder
from glimpse.retriever.encoders.color import ColorEncoder
from glimpse.retriever.encoders.network import NetworkEncoder
from glimpse.retriever.encoders.onnx import OnnxEncoder
from glimpse.retriever.finish import FINISH_ARRAYS, Finished, read_finished
from glimpse.retriever.folder import CARD, find, read_card, write_folder
from glimpse.retriever.images import Source
from glimpse.retriever.vector_file import VectorFile
from glimpse.runtime import cores
from glimpse.similarity import Cosine, Similarity, TopK
from glimpse.similarity.base import Scores

MOST_WORKERS = 16  # our choice: each worker holds a batch
BATCH = 64  # our choice: matrix products are at their best, and memory is small


@dataclass(frozen=True, eq=False)
class Retriever:
    """An encoder with its preprocessing, how its embeddings are compared, and perhaps re-ranked.

    Attributes:
        encoder: images, and perhaps sentences, to embeddings.
        similarity: compares embeddings.
        reranker: betters the scores of whole query sets; None for none.
        calibration: from which score of the similarity on two images are called one person.
        arrays: what else its method fitted after training, by name.
        saved_digest: of the encoder's files as they were loaded; None for one that was made in memory.
        about: what people should know of it: command, data, hardware, seeds, what it scores.

    >>> colors = Retriever.load("colors")
    >>> red, blue = (np.full((40, 20, 3), color, np.uint8) for color in [(200, 0, 0), (0, 0, 200)])
    >>> gallery = colors.embed([red, blue])
    >>> colors.rank(colors.embed_text(["someone in blue"]), gallery, k=1).rows
    array([[1]])
    """

    encoder: Encoder
    similarity: Similarity = field(default_factory=Cosine)
    reranker: Reranker | None = None
    calibration: Calibration | None = None
    about: Mapping[str, str] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    saved_digest: str | None = field(default=None, repr=False)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what makes the vectors, the encoder; how they are compared does not count.

        It binds vectors that are kept to the retriever that made them. Saving and loading leave it as it is.
        """
        if self.saved_digest is not None:
            return self.saved_digest
        with TemporaryDirectory() as folder:
            values = {"kind": self.encoder.kind, **self.encoder.write(Path(folder))}
            names = sorted(path.name for path in Path(folder).iterdir())
            return encoder_digest(values, {name: fingerprint(Path(folder) / name) for name in names})

    def embed(
        self,
        source: Source,
        *,
        cameras: ArrayLike | None = None,
        modalities: ArrayLike | None = None,
        batch: int = BATCH,
        workers: int | None = None,
        progress: Progress = silent,
    ) -> Embeddings:
        """Embed images, or records of images and captions.

        Args:
            source: uint8 `[N, H, W, 3]` of any size; a list of such `[H, W, 3]`; a list of files; one file;
                a folder, searched to its depth and sorted; or records.
            cameras: `[N]` or one number, for encoders that ask; records bring their own.
            modalities: `[N]` or one, "rgb", "ir" or None for unknown, for encoders that ask; likewise.
            batch: how many images a worker takes at once. It changes speed and memory only.
            workers: threads that decode, and on a CPU also embed; one per core if not given, up to 16.
            progress: what shows the progress.

        Returns:
            A row per image, in order.

        Raises:
            BrokenImageError: naming the first image that cannot be decoded.
        """
        pace = Pace(batch, cores(MOST_WORKERS) if workers is None else workers, OnBroken.STOP, progress)
        return embed_source(self.encoder, source, cameras, modalities, pace, in_memory).embeddings

    def embed_usable(
        self,
        source: Source,
        *,
        cameras: ArrayLike | None = None,
        modalities: ArrayLike | None = None,
        batch: int = BATCH,
        workers: int | None = None,
        progress: Progress = silent,
    ) -> Embedded:
        """As `embed`, but leave broken images out and say which they were."""
        pace = Pace(batch, cores(MOST_WORKERS) if workers is None else workers, OnBroken.SKIP, progress)
        return embed_source(self.encoder, source, cameras, modalities, pace, in_memory)

    def embed_to_file(
        self,
        source: Source,
        path: Path | str,
        *,
        cameras: ArrayLike | None = None,
        modalities: ArrayLike | None = None,
        batch: int = BATCH,
        workers: int | None = None,
        on_broken: OnBroken = OnBroken.STOP,
        progress: Progress = silent,
        table: Path | str | None = None,
    ) -> Embedded:
        """As `embed`, into a `.safetensors` file that appears when it is whole.

        Memory stays flat whatever the length of the list: the embeddings returned are mapped from the file.
        The file also says how they are compared, and of which records they are.

        Args:
            source: see `embed`.
            path: the file.
            cameras: see `embed`.
            modalities: see `embed`.
            batch: see `embed`.
            workers: see `embed`.
            on_broken: whether a broken image ends the work or is left out and named.
            progress: see `embed`.
            table: where the records are written, those of the rows that were embedded.
        """
        if Path(path).suffix != ".safetensors":
            raise OptionError(f"embeddings are written as .safetensors, not to {path}")
        if table is not None:
            if not isinstance(source, Records):
                raise OptionError("only records are written beside their embeddings")
            check_saved_as(source, Path(table))
        pace = Pace(batch, cores(MOST_WORKERS) if workers is None else workers, on_broken, progress)
        arrays: Arrays = {}
        about = {COMPARISON: comparison_to_text(self.similarity, self.reranker, arrays)}
        if isinstance(source, Records):
            about[ROWS] = source.digest
        about[MADE_BY] = self.digest
        # both are whole before either gets its name, the vectors first: they know the records that are theirs
        with nullcontext() if table is None else atomic_path(table) as beside, atomic_path(path) as temporary:
            file = VectorFile(temporary, about, arrays)
            embedded = embed_source(self.encoder, source, cameras, modalities, pace, file.allocate)
            if embedded.broken and not len(embedded.rows):
                first = embedded.broken[min(embedded.broken)]
                raise LayoutError(f"none of the {len(embedded.broken)} images can be used; {first}")
            if isinstance(source, Records):
                about[ROWS] = source[embedded.rows].digest
            vectors, masks = file.finish(len(embedded.rows), about)
            if beside is not None and isinstance(source, Records):
                source[embedded.rows].save(beside)
        return Embedded(Embeddings(vectors, masks), embedded.rows, embedded.broken)

    def embed_text(self, texts: Sequence[str], *, batch: int = BATCH) -> Embeddings:
        """Embed sentences, comparable with images; an `OptionError` where there is no text side."""
        if isinstance(texts, str):
            raise OptionError(f"texts must be a list of sentences, not the single sentence {texts!r}")
        pace = Pace(batch, 1, OnBroken.STOP, silent)
        return embed_texts(self.encoder, texts, pace, Rows(in_memory, len(texts))).embeddings

    def score(self, query: Embeddings, gallery: Embeddings) -> Scores:
        """Scores [Q, G], higher is better, re-ranked if there is a re-ranking."""
        if self.reranker is not None:
            return self.reranker.scores(query, gallery, self.similarity)
        return self.similarity.pairwise(query, gallery)

    def rank(self, query: Embeddings, gallery: Embeddings, k: int) -> TopK:
        """The k best gallery rows of each query, best first; equal scores by row.

        Without a re-ranking nothing of size Q x G is held.
        """
        if self.reranker is None:
            return self.similarity.top_k(query, gallery, k)
        if k < 0:
            raise OptionError(f"k must be at least 0, got {k}")
        scores = self.score(query, gallery)
        rows = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return TopK(np.take_along_axis(scores, rows, axis=1), rows)

    def save(self, folder: Path | str, *, replace: bool = False) -> None:
        """Write the retriever as one folder, all or nothing.

        Args:
            folder: where; it must not be there yet.
            replace: a retriever that is there makes way.
        """

        def write(temporary: Path) -> dict[str, object]:
            arrays: Arrays = {}
            similarity = to_json(self.similarity, SIMILARITIES, arrays)
            write_arrays(temporary, arrays)
            write_arrays(temporary, dict(self.arrays), FINISH_ARRAYS)
            return {
                "encoder": {"kind": self.encoder.kind, **self.encoder.write(temporary)},
                "similarity": similarity,
                "reranker": None if self.reranker is None else to_json(self.reranker, RERANKERS, {}),
                "calibration": None if self.calibration is None else self.calibration.as_dict(),
                "about": dict(self.about),
            }

        write_folder(Path(folder), write, replace=replace)

    @classmethod
    def load(cls, name: Path | str, *, device: str = "cpu", bfloat16: bool = False) -> Retriever:
        """Read a retriever.

        Args:
            name: a folder that `save` or training wrote, or the name of one that comes with Glimpse.
            device: where its network computes.
            bfloat16: compute its matrix products in bfloat16: faster for networks from `small` on, on
                processors that are made for it, with a cosine of about 0.9999 to float32.
        """
        folder = find(name)
        if not (folder / CARD).is_file() and (folder / NETWORK_CARD).is_file():
            encoder = NetworkEncoder.read(folder, {}, device, bfloat16)
            names = (NETWORK_CARD, WEIGHTS, TOKENIZER)
            prints = {name: fingerprint(folder / name) for name in names if (folder / name).is_file()}
            digest = encoder_digest({"kind": NetworkEncoder.kind, "flip": False}, prints)
            return replace(cls.of_network(encoder, read_finished(folder)), saved_digest=digest)
        card = read_card(folder)
        try:
            calibration, about = card["calibration"], card["about"]
            if not isinstance(about, dict) or not all(isinstance(text, str) for text in about.values()):
                raise OptionError("the card's `about` must hold texts")
            return cls(
                encoder=_encoder(folder, dict(card["encoder"]), device, bfloat16),
                similarity=from_json(card["similarity"], SIMILARITIES, read_arrays(folder)),
                reranker=None if card["reranker"] is None else from_json(card["reranker"], RERANKERS, {}),
                calibration=None if calibration is None else Calibration.from_dict(calibration),
                arrays=read_arrays(folder, FINISH_ARRAYS) if FINISH_ARRAYS in card["files"] else {},
                about=about,
                saved_digest=encoder_digest(card["encoder"], card["files"]),
            )
        except (OptionError, ShapeError) as wrong:
            raise StorageError(f"the retriever {folder.name} cannot be used: {wrong}") from wrong

    def averaging_mirrored(self) -> Retriever:
        """The same, each vector averaged with that of the mirrored image."""
        if not isinstance(self.encoder, NetworkEncoder):
            raise OptionError(
                f"only networks average with mirrored images; this encoder is of kind {self.encoder.kind}"
            )
        digest = hashlib.sha256(f"{self.digest} mirrored".encode()).hexdigest()
        return replace(self, encoder=replace(self.encoder, flip=True), saved_digest=digest)

    @classmethod
    def of_network(cls, encoder: NetworkEncoder, finished: Finished | None = None) -> Retriever:
        """A network compared as its card says, or as its method's finish does."""
        found = finished or Finished()
        similarity = found.similarity or similarity_of(encoder.card)
        return cls(encoder, similarity, found.reranker, calibration=found.calibration, arrays=found.arrays)


def encoder_digest(values: Mapping[str, Any], prints: Mapping[str, str]) -> str:
    """SHA-256 of an encoder's values in the card and its files' fingerprints."""
    own = {name: value for name, value in sorted(prints.items()) if name not in (ARRAYS, FINISH_ARRAYS)}
    return hashlib.sha256(json.dumps([values, own], sort_keys=True).encode()).hexdigest()


def _encoder(folder: Path, values: dict[str, object], device: str, bfloat16: bool) -> Encoder:
    kind = values.pop("kind", None)
    if kind == NetworkEncoder.kind:
        return NetworkEncoder.read(folder, values, device, bfloat16)
    if kind == OnnxEncoder.kind:
        return OnnxEncoder.read(folder, values)
    if kind == ColorEncoder.kind:
        return ColorEncoder.read(values)
    kinds = ", ".join((NetworkEncoder.kind, OnnxEncoder.kind, ColorEncoder.kind))
    raise OptionError(f"its encoder is of kind {kind!r}; there are {kinds}")
