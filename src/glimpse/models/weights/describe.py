"""The shape of a network from the shapes of its weights."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from glimpse.choices import NonLocalWidth, Pool
from glimpse.errors import WeightsError
from glimpse.models.backbones.bert import BertConfig
from glimpse.models.backbones.position import Grid, patch_grid
from glimpse.models.backbones.resnet import Four, ResNetConfig
from glimpse.models.backbones.text import TextConfig
from glimpse.models.backbones.vit import Flavor, ViTConfig

State = Mapping[str, Tensor]

# Image sizes and strides that re-identification has published with patches of 16: TransReID and DPM at
# 256x128 (transreid.md, "Overlapping patches"), LGUR and IRRA at 384x128 (text.md, "Frozen BERT with an
# LSTM").
_PUBLISHED = (((256, 128), 16), ((256, 128), 14), ((256, 128), 12), ((256, 128), 11), ((384, 128), 16))
_HEAD_WIDTH = 64  # of every published ViT, CLIP and BERT that is read here


def vit_config(
    state: State, *, image: tuple[int, int] | None = None, stride: int | None = None, **known: Any
) -> ViTConfig:
    """The config of a vision transformer.

    Args:
        state: under our names.
        image: the image size that the weights were made for; by default it is told from the number of
            positions: a square, or a size that was published for it.
        stride: the stride that they were made for.
        known: fields of the config that no shape shows.
    """
    width = len(_get(state, "class_token"))
    patch = _get(state, "patch_embed.projection.weight").shape[-1]
    places = len(_get(state, "position")) - 1
    clip = "norm_before.weight" in state
    if image is None:
        image, stride = _image_of(places, patch)
    fields: dict[str, Any] = {
        "image": image,
        "patch": patch,
        "stride": patch if stride is None else stride,
        "width": width,
        "depth": _count(state, r"blocks\.(\d+)\."),
        "heads": _heads(width),
        "mlp_ratio": len(_get(state, "blocks.0.mlp.up.weight")) / width,
        "flavor": Flavor.CLIP if clip else Flavor.IMAGENET,
        "projection": state["projection"].shape[1] if "projection" in state else 0,
        "cameras": len(state["camera_embedding.table"]) if "camera_embedding.table" in state else 0,
    }
    config = ViTConfig(**{**fields, **known})
    rows, columns = config.grid
    if rows * columns != places:
        raise WeightsError(
            f"the weights have {places} positions, but {image[0]}x{image[1]} with stride {config.stride} "
            f"has {rows}x{columns}: say the size and stride that they were made for"
        )
    return config


def _image_of(places: int, patch: int) -> tuple[tuple[int, int], int]:
    side = math.isqrt(places)
    if side * side == places:
        return (side * patch, side * patch), patch
    for image, stride in _PUBLISHED:
        rows, columns = _grid_or_none(image, patch, stride)
        if rows * columns == places:
            return image, stride
    raise WeightsError(
        f"the weights have {places} positions, which is no square and no published grid: "
        f"say the image size and stride that they were made for"
    )


def _grid_or_none(image: tuple[int, int], patch: int, stride: int) -> Grid:
    return patch_grid(image, patch, stride) if patch == 16 else (0, 0)


def text_config(state: State) -> TextConfig:
    """The config of a CLIP text backbone."""
    vocabulary, width = _get(state, "words.weight").shape
    return TextConfig(
        vocabulary=vocabulary,
        context=len(_get(state, "position")),
        width=width,
        depth=_count(state, r"blocks\.(\d+)\."),
        heads=_heads(width),
        projection=_get(state, "projection").shape[1],
        mlp_ratio=len(_get(state, "blocks.0.mlp.up.weight")) / width,
    )


def bert_config(state: State) -> BertConfig:
    """The config of a BERT."""
    vocabulary, width = _get(state, "words.weight").shape
    return BertConfig(
        vocabulary=vocabulary,
        context=len(_get(state, "position")),
        width=width,
        depth=_count(state, r"blocks\.(\d+)\."),
        heads=_heads(width),
        hidden=len(_get(state, "blocks.0.mlp.up.weight")),
        kinds=len(_get(state, "kind")),
    )


def resnet_config(state: State, *, pool: Pool = Pool.AVERAGE) -> ResNetConfig:
    """The config of a residual network of bottlenecks, with the last stride of re-identification."""
    looks = _per_stage(state, "non_local")
    inner = {len(value) for name, value in state.items() if re.fullmatch(r"non_local.*query\.weight", name)}
    return ResNetConfig(
        depths=_per_stage(state, "stages"),
        width=len(_get(state, "stems.0.conv.weight")),
        ibn=any(".norm1.instance." in name for name in state),
        pool=pool,
        streams=_count(state, r"stems\.(\d+)\."),
        non_local=looks,
        non_local_width=NonLocalWidth.ONE if inner <= {1} else NonLocalWidth.HALF,
    )


def _per_stage(state: State, part: str) -> Four:
    first, second, third, fourth = (_count(state, rf"{part}\.{stage}\.(\d+)\.") for stage in range(4))
    return first, second, third, fourth


def _count(state: State, pattern: str) -> int:
    """How many numbers the pattern finds; they must be all from 0 on, or a name could ask for any many."""
    found = {match[1]: name for name in state if (match := re.match(pattern, name))}
    wanted = {str(place) for place in range(len(found))}
    for number, name in found.items():
        if number not in wanted:
            raise WeightsError(f"the weights have {name[:100]}, but only {len(found)} of its kind")
    return len(found)


def _heads(width: int) -> int:
    return max(1, width // _HEAD_WIDTH)


def _get(state: State, name: str) -> Tensor:
    try:
        return state[name]
    except KeyError:
        raise WeightsError(f"the weights lack {name}, without which their shape is unknown") from None
