"""Vocabularies: CLIP's, made up but for the merges that prompts need, and a learned one."""

import gzip

import pytest

from glimpse.models.text.vocabularies import clip_tokenizer, train_tokenizer

# The lines of CLIP's public list of 48,894 merges (MIT license) that the golden sentences need, by their
# number in it. The other lines are filled with pairs of bytes that no English text has.
MERGES = {
    5: "e r", 13: "o n</w>", 19: "t o</w>", 23: "i c", 27: "o f</w>", 67: "l e</w>", 94: "h o", 161: "v e",
    191: "p er", 304: "p ho", 313: "s on</w>", 613: "pho to</w>", 2021: "per son</w>", 3037: "h ic",
    3461: "ve hic", 4787: "vehic le</w>",
}  # fmt: skip


def merges_text():
    strange = [chr(c) for c in (*range(161, 173), *range(174, 256), *range(256, 324))]
    fillers = (f"{a} {b}{end}" for end in ("", "</w>") for a in strange for b in strange)
    lines = [MERGES.get(number) or next(fillers) for number in range(48894)]
    return "\n".join(["#version: 0.2", *lines, "what follows is not read"])


@pytest.fixture(scope="module")
def merges(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "bpe_simple_vocab_16e6.txt.gz"
    path.write_bytes(gzip.compress(merges_text().encode(), 1))
    return path


@pytest.fixture(scope="module")
def clip(merges):
    return clip_tokenizer(merges)


CAPTIONS = ["A woman in a red coat, carrying a blue bag.", "A man with a blue coat and a red bag."] * 4


@pytest.fixture(scope="module")
def learned():
    return train_tokenizer(CAPTIONS, size=600, context=16)
