"""The vocabularies a tokenizer may have: CLIP's merges, BERT's words, or learned from captions."""

from __future__ import annotations

import gzip
import importlib.util
import json
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Regex, models, normalizers, pre_tokenizers, trainers
from tokenizers import Tokenizer as Pipeline
from tokenizers import decoders as decoding

from glimpse.errors import MissingExtraError, OptionError, StorageError
from glimpse.files import printable
from glimpse.models.text.tokenizer import Tokenizer

START, END = "<|startoftext|>", "<|endoftext|>"
CLIP_CONTEXT = 77
_CLIP_MERGES = 48894  # 49,408 entries less twice 256 bytes and the two special tokens
_MERGES_FILE = "bpe_simple_vocab_16e6.txt.gz"
# CLIP's splitting: contractions, runs of letters, single digits, runs of other signs (clip-reid.md,
# "Prompts")
_PIECES = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
_WORD_END = "</w>"


def clip_tokenizer(merges: str | Path | None = None) -> Tokenizer:
    """CLIP's tokenizer.

    Args:
        merges: the file `bpe_simple_vocab_16e6.txt.gz`, packed or not; by default it is taken from the
            installed `open_clip_torch`, which is not imported for it.

    Text is expected to be free of encoding accidents: CLIP's own cleaning by `ftfy` is not done.
    """
    path = Path(merges) if merges is not None else _merges_of_open_clip()
    return Tokenizer(_clip_pipeline(_read_merges(path)), context=CLIP_CONTEXT, start=START, end=END)


def bert_tokenizer(words: str | Path, *, context: int = 100) -> Tokenizer:
    """BERT's lower-casing tokenizer over its `vocab.txt`; LGUR cuts at 100 tokens (read in its code)."""
    path = Path(words)
    vocabulary = {word: number for number, word in enumerate(_read_text(path).splitlines())}
    if not {"[CLS]", "[SEP]", "[PAD]", "[UNK]"} <= vocabulary.keys():
        raise StorageError(
            f"{printable(path)} is not a BERT vocabulary: it lacks [CLS], [SEP], [PAD] or [UNK]"
        )
    pipeline = Pipeline(models.WordPiece(vocabulary, unk_token="[UNK]"))
    pipeline.normalizer = normalizers.BertNormalizer(lowercase=True)
    pipeline.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    pipeline.decoder = decoding.WordPiece()
    return Tokenizer(pipeline, context=context, start="[CLS]", end="[SEP]", padding=vocabulary["[PAD]"])


def train_tokenizer(captions: Iterable[str], *, size: int, context: int) -> Tokenizer:
    """Learn a vocabulary of at most `size` tokens from captions, split and lower-cased as CLIP does.

    The same captions give the same vocabulary, in any order of the machine's threads.

    >>> tokenizer = train_tokenizer(["a red coat", "a red bag"], size=600, context=8)
    >>> tokenizer.decode(tokenizer.encode(["A red  bag"]).ids[0])
    'a red bag'
    """
    smallest = 2 * len(_byte_letters()) + 2
    if size < smallest:
        raise OptionError(
            f"a vocabulary that can spell everything has at least {smallest} tokens, got {size}"
        )
    pipeline = _shell(models.BPE(continuing_subword_prefix="", end_of_word_suffix=_WORD_END))
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        # the trainer breaks ties by token number, and numbers word ends in the order of a hash table
        # unless they are named beforehand
        special_tokens=[letter + _WORD_END for letter in _byte_letters()],
        min_frequency=2,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        end_of_word_suffix=_WORD_END,
        show_progress=False,
    )
    pipeline.train_from_iterator(captions, trainer)
    learned = json.loads(pipeline.to_str())["model"]["merges"][: size - smallest]
    # rebuilt in CLIP's order, with every byte at a word's end too: an unseen letter is spelled, not dropped
    merges = [(first, second) for first, second in learned]
    return Tokenizer(_clip_pipeline(merges), context=context, start=START, end=END)


def _clip_pipeline(merges: list[tuple[str, str]]) -> Pipeline:
    alphabet = _byte_letters()
    words = alphabet + [letter + _WORD_END for letter in alphabet]
    words += [first + second for first, second in merges] + [START, END]
    vocabulary = {word: number for number, word in enumerate(words)}
    return _shell(
        models.BPE(
            vocabulary, merges, continuing_subword_prefix="", end_of_word_suffix=_WORD_END, unk_token=END
        )
    )


def _shell(model: models.BPE) -> Pipeline:
    """CLIP's cleaning and splitting around a byte-pair model."""
    pipeline = Pipeline(model)
    pipeline.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    pipeline.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    pipeline.decoder = decoding.Sequence([decoding.ByteLevel(), decoding.Replace(_WORD_END, " ")])
    return pipeline


def _byte_letters() -> list[str]:
    """A printable letter for each byte, in the order of CLIP's vocabulary: printable bytes first."""
    printable_bytes = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable_bytes]
    return [chr(byte) for byte in printable_bytes] + [chr(256 + n) for n in range(len(others))]


def _read_merges(path: Path) -> list[tuple[str, str]]:
    lines = _read_text(path).split("\n")[1 : 1 + _CLIP_MERGES]  # the first line is a version
    pairs = [tuple(line.split(" ")) for line in lines]
    if len(pairs) != _CLIP_MERGES or any(len(pair) != 2 for pair in pairs):
        raise StorageError(
            f"{printable(path)} is not CLIP's merges: expected {_CLIP_MERGES} pairs after the first line"
        )
    return [(pair[0], pair[1]) for pair in pairs]


def _read_text(path: Path) -> str:
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode()
    except FileNotFoundError:
        raise StorageError(f"there is no vocabulary at {printable(path)}") from None
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise StorageError(f"{printable(path)} is not a readable vocabulary") from error


def _merges_of_open_clip() -> Path:
    found = importlib.util.find_spec("open_clip")
    if found is None or not found.submodule_search_locations:
        raise MissingExtraError(
            f'CLIP\'s vocabulary comes with pip install "glimpse[clip]", or as a file {_MERGES_FILE} of yours'
        )
    return Path(found.submodule_search_locations[0]) / _MERGES_FILE
