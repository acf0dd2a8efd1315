"""CLIP as OpenAI and the hub's transformers name it, and CLIP-ReID (dpm_family 5.2)."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from glimpse.encoders.weights.translation import Translation, translate

_BLOCK = [
    (r"ln_([12])\.(\w+)", r"norm\2.\3"),
    (r"attn\.in_proj_(weight|bias)", r"attention.qkv.\2"),
    (r"attn\.out_proj\.(\w+)", r"attention.out.\2"),
    (r"mlp\.c_fc\.(\w+)", r"mlp.up.\2"),
    (r"mlp\.c_proj\.(\w+)", r"mlp.down.\2"),
]


def _blocks(prefix: str, tower: str) -> list[tuple[str, str]]:
    return [(rf"{prefix}resblocks\.(\d+)\.{key}", rf"{tower}.blocks.\1.{ours}") for key, ours in _BLOCK]


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
    (r"text_encoder\..*", "a text tower without its word embeddings: take CLIP's own, it is frozen"),
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
        (rf"{theirs}_model\.encoder\.layers\.(\d+)\.{key}", rf"{tower}.blocks.\1.{ours}")
        for theirs, tower in (("vision", "image"), ("text", "text"))
        for key, ours in _HUB_BLOCK
    ),
]


def from_openai(foreign: Mapping[str, Tensor]) -> Translation:
    """OpenAI's CLIP with a ViT, both towers; open_clip uses the same names."""
    return translate(foreign, [*_image(r"visual\."), *_TEXT], _CLIP_ASIDE)


def from_hub_clip(foreign: Mapping[str, Tensor]) -> Translation:
    """CLIP as `transformers` names it, which is how `openai/clip-vit-base-patch16` is kept on the hub."""
    aside = [*_CLIP_ASIDE, (r".*\.position_ids", "a constant")]
    return translate(foreign, _HUB, aside)


def from_clip_reid(foreign: Mapping[str, Tensor]) -> Translation:
    """The image tower of a CLIP-ReID checkpoint, with its camera embedding."""
    rules = [*_image(r"image_encoder\."), (r"cv_embed", "image.side.table")]
    return translate(foreign, rules, _CLIP_REID_ASIDE)
