"""The code bases whose checkpoints can be read, and how a file is told to be one of theirs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from glimpse.encoders.pooling import Pool
from glimpse.encoders.weights.bert_style import from_bert
from glimpse.encoders.weights.clip_styles import from_clip_reid, from_hub_clip, from_openai
from glimpse.encoders.weights.resnet_styles import from_agw, from_resnet
from glimpse.encoders.weights.translation import Translation
from glimpse.encoders.weights.vit_styles import from_dpm, from_timm, from_transreid
from glimpse.errors import OptionError, WeightsError


@dataclass(frozen=True)
class Style:
    """Names of one code base.

    Attributes:
        name: for `--style`.
        about: one line for people.
        marks: patterns; a file is of this style if each matches a key of it.
        read: translates its keys to ours.
        towers: what it holds: pairs of tower and family of network.
        traits: fields of the image tower's config that the shapes do not show.
    """

    name: str
    about: str
    marks: tuple[str, ...]
    read: Callable[[Mapping[str, Tensor]], Translation]
    towers: tuple[tuple[str, str], ...]
    traits: Mapping[str, Any] = field(default_factory=dict)


_TRANSREID_SIDE = {"side_weight": 3.0, "side_on_class_only": False}  # read in the authors' code
_CLIP_REID_SIDE = {"side_weight": 1.0, "side_on_class_only": True}  # read in the authors' code

# In the order in which a file is compared with them: the special ones before the general.
STYLES: tuple[Style, ...] = (
    Style(
        "dpm",
        "DPM checkpoint",
        (r"base\.ConvLayer\.", r"base\.patch_embed\."),
        from_dpm,
        (("image", "vit"),),
        _TRANSREID_SIDE,
    ),
    Style(
        "transreid",
        "TransReID checkpoint, with or without JPM",
        (r"base\.patch_embed\.", r"base\.blocks\."),
        from_transreid,
        (("image", "vit"),),
        _TRANSREID_SIDE,
    ),
    Style(
        "clip-reid",
        "CLIP-ReID checkpoint with a ViT: its image tower",
        (r"image_encoder\.transformer\.",),
        from_clip_reid,
        (("image", "vit"),),
        _CLIP_REID_SIDE,
    ),
    Style(
        "openai-clip",
        "CLIP with a ViT as OpenAI and open_clip name it",
        (r"visual\.transformer\.", r"token_embedding\."),
        from_openai,
        (("image", "vit"), ("text", "text")),
        _CLIP_REID_SIDE,
    ),
    Style(
        "hub-clip",
        "CLIP with a ViT as the hub's transformers name it",
        (r"vision_model\.encoder\.", r"text_model\."),
        from_hub_clip,
        (("image", "vit"), ("text", "text")),
        _CLIP_REID_SIDE,
    ),
    Style(
        "timm-vit",
        "timm ViT or DeiT",
        (r"patch_embed\.proj\.", r"blocks\.0\.attn\."),
        from_timm,
        (("image", "vit"),),
    ),
    Style(
        "agw",
        "AGW visible-infrared checkpoint",
        (r"visible_module\.", r"thermal_module\.", r"base_resnet\."),
        from_agw,
        (("image", "resnet"),),
        {"pool": Pool.GENERALISED_MEAN},
    ),
    Style(
        "ibn-a",
        "ResNet-50-IBN-a, alone or in a BoT checkpoint",
        (r"(base\.)?layer1\.0\.bn1\.IN\.",),
        from_resnet,
        (("image", "resnet"),),
    ),
    Style(
        "torchvision-resnet",
        "ResNet-50 of torchvision or timm, alone or in a BoT checkpoint",
        (r"(base\.)?layer1\.0\.conv3\.", r"(base\.)?layer1\.0\.bn1\.weight"),
        from_resnet,
        (("image", "resnet"),),
    ),
    Style(
        "bert",
        "bert-base and its kin",
        (r"(bert\.)?embeddings\.word_embeddings\.", r"(bert\.)?encoder\.layer\."),
        from_bert,
        (("text", "bert"),),
    ),
)


def style(name: str) -> Style:
    """The style of that name."""
    for known in STYLES:
        if known.name == name:
            return known
    raise OptionError(f"no style is called {name!r}; there are {', '.join(s.name for s in STYLES)}")


def detect_style(state: Mapping[str, Tensor]) -> Style:
    """The style of a checkpoint, told from its keys."""
    for known in STYLES:
        if all(any(re.match(mark, key) for key in state) for mark in known.marks):
            return known
    some = ", ".join(list(state)[:4])
    raise WeightsError(
        f"the keys are of no known style ({some}, ...); there are {', '.join(s.name for s in STYLES)}"
    )
