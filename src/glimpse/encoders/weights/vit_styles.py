"""timm's vision transformers, and TransReID and DPM, which grew from them (dpm_family 2.1, 3)."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from glimpse.encoders.weights.translation import Translation, translate

_BASE = r"base\."

# group 1 is the number of the block
_BLOCK = [
    (r"norm([12])\.(\w+)", r"norm\2.\3"),
    (r"attn\.qkv\.(\w+)", r"attention.qkv.\2"),
    (r"attn\.proj\.(\w+)", r"attention.out.\2"),
    (r"mlp\.fc1\.(\w+)", r"mlp.up.\2"),
    (r"mlp\.fc2\.(\w+)", r"mlp.down.\2"),
]


def _rules(base: str = "") -> list[tuple[str, str]]:
    return [
        (rf"{base}patch_embed\.proj\.(\w+)", r"image.patch_embed.projection.\1"),
        (rf"{base}cls_token", "image.class_token"),
        (rf"{base}pos_embed", "image.position"),
        (rf"{base}sie_embed", "image.side.table"),
        (rf"{base}norm\.(\w+)", r"image.norm.\1"),
        *((rf"{base}blocks\.(\d+)\.{key}", rf"image.blocks.\1.{ours}") for key, ours in _BLOCK),
    ]


_HEADS = [
    (r"(head|head_dist|fc|pre_logits|pre_logits\.fc)\.(weight|bias)", "a classifier"),
    (r"dist_token", "the distillation token, with its position"),
]

_REID_HEADS = [
    (r"base\.fc\.(weight|bias)", "the classifier of the pre-training, never used"),
    (r"classifier(_\d)?\.weight", "a classifier of the training persons"),
    (r"bottleneck(_\d)?\.\w+", "a neck: it belongs to the method"),
    (r"b2\..*", "the local branch of JPM: it belongs to the method"),
]

_DPM_HEADS = [(r"base\.(ConvLayer|attfc)\..*", "the mask generator: it belongs to the method")]


def from_timm(foreign: Mapping[str, Tensor]) -> Translation:
    """A timm ViT or DeiT; of a distilled DeiT the distillation token is left out."""
    state = dict(foreign)
    if "dist_token" in state and "pos_embed" in state:
        position = state["pos_embed"]
        state["pos_embed"] = torch.cat([position[:, :1], position[:, 2:]], dim=1)
    return translate(state, _rules(), _HEADS)


def from_transreid(foreign: Mapping[str, Tensor]) -> Translation:
    """A TransReID checkpoint, with or without JPM.

    With JPM the global feature comes from a copy of the last block and norm, `b1`; that copy is taken.
    """
    rules, aside = _rules(_BASE), _REID_HEADS
    if any(key.startswith("b1.") for key in foreign):
        numbers = [re.match(rf"{_BASE}blocks\.(\d+)", key) for key in foreign]
        last = max((int(number[1]) for number in numbers if number), default=0)
        rules = [
            *rules,
            # group 1 stays the number of a block, so that the same results serve
            *((rf"b1\.(0)\.{key}", f"image.blocks.{last}.{ours}") for key, ours in _BLOCK),
            (r"b1\.1\.(\w+)", r"image.norm.\1"),
        ]
        unused = rf"{_BASE}(blocks\.{last}|norm)\..*"
        aside = [*aside, (unused, "the last block and norm, which JPM copies and then never uses")]
    return translate(foreign, rules, aside)


def from_dpm(foreign: Mapping[str, Tensor]) -> Translation:
    """A DPM checkpoint: TransReID with a mask generator and a masked classifier."""
    return translate(foreign, _rules(_BASE), [*_DPM_HEADS, *_REID_HEADS])
