"""The code bases whose checkpoints can be read: the renaming of each, and how a file is recognized."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from glimpse.choices import Pool
from glimpse.errors import OptionError, WeightsError
from glimpse.models.weights.translation import Translation, translate

_BASE = r"base\."

# group 1 is the number of the block
_VIT_BLOCK = [
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
        (rf"{base}sie_embed", "image.camera_embedding.table"),
        (rf"{base}norm\.(\w+)", r"image.norm.\1"),
        *((rf"{base}blocks\.(\d+)\.{key}", rf"image.blocks.\1.{ours}") for key, ours in _VIT_BLOCK),
    ]


_VIT_HEADS = [
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
    return translate(state, _rules(), _VIT_HEADS)


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
            *((rf"b1\.(0)\.{key}", f"image.blocks.{last}.{ours}") for key, ours in _VIT_BLOCK),
            (r"b1\.1\.(\w+)", r"image.norm.\1"),
        ]
        unused = rf"{_BASE}(blocks\.{last}|norm)\..*"
        aside = [*aside, (unused, "the last block and norm, which JPM copies and then never uses")]
    return translate(foreign, rules, aside)


def from_dpm(foreign: Mapping[str, Tensor]) -> Translation:
    """A DPM checkpoint: TransReID with a mask generator and a masked classifier."""
    return translate(foreign, _rules(_BASE), [*_DPM_HEADS, *_REID_HEADS])


def _stages(prefix: str) -> list[tuple[str, str]]:
    block = [
        (r"conv([123])\.weight", r"conv\3.weight"),
        (r"bn1\.IN\.(\w+)", r"norm1.instance.\3"),
        (r"bn1\.BN\.(\w+)", r"norm1.batch.\3"),
        (r"bn([123])\.(\w+)", r"norm\3.\4"),
        (r"downsample\.0\.weight", r"shortcut.conv.weight"),
        (r"downsample\.1\.(\w+)", r"shortcut.norm.\3"),
    ]
    return [(rf"{prefix}layer([1-4])\.(\d+)\.{key}", rf"image.stages.\1.\2.{ours}") for key, ours in block]


def _stem(prefix: str, number: int) -> list[tuple[str, str]]:
    return [
        (rf"{prefix}conv1\.weight", f"image.stems.{number}.conv.weight"),
        (rf"{prefix}bn1\.(\w+)", rf"image.stems.{number}.norm.\1"),
    ]


_RESNET_HEADS = [
    (r"fc\.(weight|bias)", "a classifier"),
    (r"classifier\.weight", "a classifier of the training persons"),
    (r"bottleneck\.\w+", "a neck: it belongs to the method"),
]

_AGW_ASIDE = [
    *_RESNET_HEADS,
    (
        r"(visible_module\.visible|thermal_module\.thermal)\.(layer\d|fc)\..*",
        "of each modality's whole network only the stem is used",
    ),
    (r"base_resnet\.base\.(conv1|bn1|fc)\..*", "of the shared network the stem is never used"),
]

_NON_LOCAL = [
    (r"NL_([1-4])\.(\d+)\.g\.0\.(\w+)", r"image.non_local.\1.\2.value.\3"),
    (r"NL_([1-4])\.(\d+)\.theta\.(\w+)", r"image.non_local.\1.\2.query.\3"),
    (r"NL_([1-4])\.(\d+)\.phi\.(\w+)", r"image.non_local.\1.\2.key.\3"),
    (r"NL_([1-4])\.(\d+)\.W\.0\.(\w+)", r"image.non_local.\1.\2.out.\3"),
    (r"NL_([1-4])\.(\d+)\.W\.1\.(\w+)", r"image.non_local.\1.\2.norm.\3"),
]


def from_resnet(foreign: Mapping[str, Tensor]) -> Translation:
    """ResNet-50 of torchvision or timm, its IBN-a form, or either as the `base` of BoT with its heads."""
    prefix = r"(?:base\.)?"
    return _from_zero(translate(foreign, [*_stem(prefix, 0), *_stages(prefix)], _RESNET_HEADS))


def from_agw(foreign: Mapping[str, Tensor]) -> Translation:
    """AGW's two-stream network with non-local blocks."""
    rules = [
        *_stem(r"visible_module\.visible\.", 0),
        *_stem(r"thermal_module\.thermal\.", 1),
        *_stages(r"base_resnet\.base\."),
        *_NON_LOCAL,
    ]
    return _from_zero(translate(foreign, rules, _AGW_ASIDE))


def _from_zero(translation: Translation) -> Translation:
    """Count stages from 0, as a `ModuleList` does; the originals count from 1."""

    def shifted(name: str) -> str:
        return re.sub(
            r"^image\.(stages|non_local)\.(\d)", lambda found: f"image.{found[1]}.{int(found[2]) - 1}", name
        )

    return Translation(
        {shifted(name): value for name, value in translation.state.items()},
        tuple((key, shifted(name)) for key, name in translation.used),
        translation.set_aside,
        translation.left_over,
    )


_CLIP_BLOCK = [
    (r"ln_([12])\.(\w+)", r"norm\2.\3"),
    (r"attn\.in_proj_(weight|bias)", r"attention.qkv.\2"),
    (r"attn\.out_proj\.(\w+)", r"attention.out.\2"),
    (r"mlp\.c_fc\.(\w+)", r"mlp.up.\2"),
    (r"mlp\.c_proj\.(\w+)", r"mlp.down.\2"),
]


def _blocks(prefix: str, modality: str) -> list[tuple[str, str]]:
    return [
        (rf"{prefix}resblocks\.(\d+)\.{key}", rf"{modality}.blocks.\1.{ours}") for key, ours in _CLIP_BLOCK
    ]


def _image(prefix: str) -> list[tuple[str, str]]:
    return [
        (rf"{prefix}conv1\.weight", "image.patch_embed.projection.weight"),
        (rf"{prefix}class_embedding", "image.class_token"),
        (rf"{prefix}positional_embedding", "image.position"),
        (rf"{prefix}ln_pre\.(\w+)", r"image.norm_before.\1"),
        (rf"{prefix}ln_post\.(\w+)", r"image.norm.\1"),
        (rf"{prefix}proj", "image.projection"),
        *_blocks(rf"{prefix}transformer\.", "image"),
    ]


_TEXT = [
    (r"token_embedding\.weight", "text.words.weight"),
    (r"positional_embedding", "text.position"),
    (r"ln_final\.(\w+)", r"text.norm.\1"),
    (r"text_projection", "text.projection"),
    *_blocks(r"transformer\.", "text"),
]

_CLIP_ASIDE = [
    (r"logit_scale", "the temperature of CLIP's training"),
    (r"attn_mask", "a constant"),
    (r"input_resolution|context_length|vocab_size", "a number that the shapes already say"),
]

_CLIP_REID_ASIDE = [
    (r"text_encoder\..*", "a text backbone without its word embeddings: take CLIP's own, it is frozen"),
    (r"prompt_learner\..*", "learned prompts: they belong to the method"),
    (r"classifier(_proj)?\.weight", "a classifier of the training persons"),
    (r"bottleneck(_proj)?\.\w+", "a neck: it belongs to the method"),
]

_HUB_BLOCK = [
    (r"layer_norm([12])\.(\w+)", r"norm\2.\3"),
    (r"self_attn\.q_proj\.(\w+)", r"attention.qkv.\2#0"),
    (r"self_attn\.k_proj\.(\w+)", r"attention.qkv.\2#1"),
    (r"self_attn\.v_proj\.(\w+)", r"attention.qkv.\2#2"),
    (r"self_attn\.out_proj\.(\w+)", r"attention.out.\2"),
    (r"mlp\.fc1\.(\w+)", r"mlp.up.\2"),
    (r"mlp\.fc2\.(\w+)", r"mlp.down.\2"),
]

_HUB = [
    (r"vision_model\.embeddings\.class_embedding", "image.class_token"),
    (r"vision_model\.embeddings\.patch_embedding\.weight", "image.patch_embed.projection.weight"),
    (r"vision_model\.embeddings\.position_embedding\.weight", "image.position"),
    (r"vision_model\.pre_layrnorm\.(\w+)", r"image.norm_before.\1"),  # spelled so in the original
    (r"vision_model\.post_layernorm\.(\w+)", r"image.norm.\1"),
    (r"visual_projection\.weight", "image.projection.T"),
    (r"text_model\.embeddings\.token_embedding\.weight", "text.words.weight"),
    (r"text_model\.embeddings\.position_embedding\.weight", "text.position"),
    (r"text_model\.final_layer_norm\.(\w+)", r"text.norm.\1"),
    (r"text_projection\.weight", "text.projection.T"),
    *(
        (rf"{theirs}_model\.encoder\.layers\.(\d+)\.{key}", rf"{modality}.blocks.\1.{ours}")
        for theirs, modality in (("vision", "image"), ("text", "text"))
        for key, ours in _HUB_BLOCK
    ),
]


def from_openai(foreign: Mapping[str, Tensor]) -> Translation:
    """OpenAI's CLIP with a ViT, both backbones; open_clip uses the same names."""
    return translate(foreign, [*_image(r"visual\."), *_TEXT], _CLIP_ASIDE)


def from_hub_clip(foreign: Mapping[str, Tensor]) -> Translation:
    """CLIP as `transformers` names it, which is how `openai/clip-vit-base-patch16` is kept on the hub."""
    aside = [*_CLIP_ASIDE, (r".*\.position_ids", "a constant")]
    return translate(foreign, _HUB, aside)


def from_clip_reid(foreign: Mapping[str, Tensor]) -> Translation:
    """The image backbone of a CLIP-ReID checkpoint, with its camera embedding."""
    rules = [*_image(r"image_encoder\."), (r"cv_embed", "image.camera_embedding.table")]
    return translate(foreign, rules, _CLIP_REID_ASIDE)


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


@dataclass(frozen=True)
class Style:
    """Names of one code base.

    Attributes:
        name: for `--style`.
        about: one line for people.
        marks: patterns; a file is of this style if each matches a key of it.
        read: translates its keys to ours.
        modalities: what it holds: pairs of backbone and family of network.
        traits: fields of the image backbone's config that the shapes do not show.
    """

    name: str
    about: str
    marks: tuple[str, ...]
    read: Callable[[Mapping[str, Tensor]], Translation]
    modalities: tuple[tuple[str, str], ...]
    traits: Mapping[str, Any] = field(default_factory=dict)


_TRANSREID_SIDE = {"camera_weight": 3.0, "camera_on_class_only": False}  # read in the authors' code
_CLIP_REID_SIDE = {"camera_weight": 1.0, "camera_on_class_only": True}  # read in the authors' code

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
        "CLIP-ReID checkpoint with a ViT: its image backbone",
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
        {"pool": Pool.GENERALIZED_MEAN},
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
