"""Text to token ids: one small wrapper over any `tokenizers` pipeline, saved as one JSON file."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer as Pipeline

from glimpse.errors import OptionError, StorageError
from glimpse.files import atomic_write, printable


@dataclass(frozen=True, eq=False)
class Tokens:
    """Texts as numbers.

    Attributes:
        ids: int64 `[B, L]`; after a text's end stands the padding.
        ends: int64 `[B]`, the position of each text's end token.
    """

    ids: NDArray[np.int64]
    ends: NDArray[np.int64]

    def trimmed(self) -> Tokens:
        """Without the columns behind the longest text, which say nothing."""
        return Tokens(self.ids[:, : int(self.ends.max(initial=0)) + 1], self.ends)

    @property
    def mask(self) -> NDArray[np.bool_]:
        """`[B, L]`: which places hold a token of the text, its start and its end included."""
        mask: NDArray[np.bool_] = np.arange(self.ids.shape[1]) <= self.ends[:, None]
        return mask


class Tokenizer:
    """A pipeline, the ids around every text, and the length of a sequence.

    Args:
        pipeline: normalizer, splitter and vocabulary.
        context: L; a longer text is cut, and its last token is still the end token.
        start: the token before every text.
        end: the token after every text.
        padding: the id that fills the rest.
    """

    def __init__(self, pipeline: Pipeline, *, context: int, start: str, end: str, padding: int = 0) -> None:
        if context < 2:
            raise OptionError(f"a context must hold the start and the end token, got {context}")
        self.pipeline = pipeline
        self.context = context
        self.start, self.end = (self._id(name) for name in (start, end))
        self.padding = padding

    def _id(self, token: str) -> int:
        number: int | None = self.pipeline.token_to_id(token)
        if number is None:
            raise OptionError(f"the vocabulary has no token {token!r}")
        return number

    def __len__(self) -> int:
        """The size of the vocabulary."""
        return int(self.pipeline.get_vocab_size(with_added_tokens=True))

    def encode(self, texts: Sequence[str]) -> Tokens:
        """Token ids of texts, each cut or padded to the context. An empty text is its start and end."""
        # captions from the web carry HTML entities, twice escaped at times; CLIP undoes both
        cleaned = [html.unescape(html.unescape(text)).strip() for text in texts]
        encodings = self.pipeline.encode_batch(cleaned, add_special_tokens=False)
        ids = np.full((len(texts), self.context), self.padding, np.int64)
        ends = np.zeros(len(texts), np.int64)
        for row, encoding in enumerate(encodings):
            words = [self.start, *encoding.ids[: self.context - 2], self.end]
            ids[row, : len(words)] = words
            ends[row] = len(words) - 1
        return Tokens(ids, ends)

    def decode(self, ids: Iterable[int]) -> str:
        """The words of token ids, without the start, the end and what follows it."""
        words: list[int] = []
        for number in ids:
            if number == self.end:
                break
            if number != self.start:
                words.append(int(number))
        return str(self.pipeline.decode(words)).strip()

    def save(self, path: str | Path) -> None:
        """Write everything into one JSON file."""
        values = {
            "context": self.context,
            "start": self.pipeline.id_to_token(self.start),
            "end": self.pipeline.id_to_token(self.end),
            "padding": self.padding,
            "pipeline": json.loads(self.pipeline.to_str()),
        }
        with atomic_write(path) as file:
            file.write(json.dumps(values, ensure_ascii=False).encode())

    @classmethod
    def load(cls, path: str | Path) -> Tokenizer:
        """Read what `save` wrote."""
        try:
            values = json.loads(Path(path).read_bytes())
            pipeline = Pipeline.from_str(json.dumps(values["pipeline"]))
            start, end = str(values["start"]), str(values["end"])
            context, padding = int(values["context"]), int(values["padding"])
        except OSError as error:
            raise StorageError(f"cannot read the tokenizer {printable(path)}: {error.strerror}") from error
        except Exception as error:  # tokenizers raises bare Exception for a pipeline it cannot read
            raise StorageError(f"{printable(path)} is not a saved tokenizer") from error
        return cls(pipeline, context=context, start=start, end=end, padding=padding)
