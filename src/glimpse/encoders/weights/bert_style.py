"""BERT as the hub keeps it."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from glimpse.encoders.weights.translation import Translation, translate

_LAYER = [
    (r"attention\.self\.query\.(\w+)", r"attention.qkv.\2#0"),
    (r"attention\.self\.key\.(\w+)", r"attention.qkv.\2#1"),
    (r"attention\.self\.value\.(\w+)", r"attention.qkv.\2#2"),
    (r"attention\.output\.dense\.(\w+)", r"attention.out.\2"),
    (r"attention\.output\.LayerNorm\.(\w+)", r"norm1.\2"),
    (r"intermediate\.dense\.(\w+)", r"mlp.up.\2"),
    (r"output\.dense\.(\w+)", r"mlp.down.\2"),
    (r"output\.LayerNorm\.(\w+)", r"norm2.\2"),
]

_RULES = [
    (r"embeddings\.word_embeddings\.weight", "text.words.weight"),
    (r"embeddings\.position_embeddings\.weight", "text.position"),
    (r"embeddings\.token_type_embeddings\.weight", "text.kind"),
    (r"embeddings\.LayerNorm\.(\w+)", r"text.norm.\1"),
    *((rf"encoder\.layer\.(\d+)\.{key}", rf"text.blocks.\1.{ours}") for key, ours in _LAYER),
]

_ASIDE = [
    (r"pooler\..*", "the pooler, which is not used"),
    (r"cls\..*", "a head of the pre-training"),
    (r"embeddings\.position_ids", "a constant"),
]


def from_bert(foreign: Mapping[str, Tensor]) -> Translation:
    """bert-base and its kin; the first release called the norms' parameters gamma and beta."""
    state = {}
    for key, value in foreign.items():
        name = key.removeprefix("bert.")
        name = name.replace("LayerNorm.gamma", "LayerNorm.weight")
        state[name.replace("LayerNorm.beta", "LayerNorm.bias")] = value
    return translate(state, _RULES, _ASIDE)
