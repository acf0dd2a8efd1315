"""Our own files: a backbone's weights as safetensors, with its config in the header."""

from __future__ import annotations

import json
import typing
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from glimpse.errors import WeightsError
from glimpse.files import atomic_write
from glimpse.models.backbones.bert import Bert, BertConfig
from glimpse.models.backbones.resnet import ResNet, ResNetConfig
from glimpse.models.backbones.text import TextBackbone, TextConfig
from glimpse.models.backbones.vit import ViT, ViTConfig
from glimpse.models.former_names import former_config_key
from glimpse.models.weights.install import Backbone
from glimpse.serial import WrongKeysError, from_plain, parse_json, to_plain

Config = ViTConfig | ResNetConfig | TextConfig | BertConfig

_KEY = "glimpse"
_DEEPEST, _LARGEST = 1000, 2**20  # our choice: far above any network
_FAMILIES: dict[str, type[Config]] = {
    "vit": ViTConfig,
    "resnet": ResNetConfig,
    "text": TextConfig,
    "bert": BertConfig,
}


def build(config: Config) -> Backbone:
    """A network of that shape, with random weights."""
    if isinstance(config, ViTConfig):
        return ViT(config)
    if isinstance(config, ResNetConfig):
        return ResNet(config)
    return TextBackbone(config) if isinstance(config, TextConfig) else Bert(config)


def skeleton(config: Config) -> Backbone:
    """A network of that shape without memory for its weights, to look at what a file describes first."""
    try:
        with torch.device("meta"):
            return build(config)
    except (ArithmeticError, AssertionError, IndexError, RuntimeError, TypeError, ValueError) as error:
        raise WeightsError(f"no network has the shape that the weights describe: {error}") from error


def save_backbone(backbone: Backbone, path: str | Path) -> None:
    """Write weights and config into one safetensors file, whole or not at all."""
    state = {name: value.detach().cpu().contiguous() for name, value in backbone.state_dict().items()}
    header = json.dumps(config_to_json(backbone.config), sort_keys=True)
    # not `save_file`, whose own temporary file nobody would remove after a kill
    with atomic_write(path) as file:
        file.write(save(state, {_KEY: header}))


def saved_config(metadata: dict[str, str]) -> Config | None:
    """The config in a safetensors header, or None if the file is not one of ours."""
    if _KEY not in metadata:
        return None
    try:
        return config_from_json(parse_json(metadata[_KEY]))
    except (ValueError, TypeError, AttributeError) as error:
        raise WeightsError(f"the header of the file describes no backbone: {error}") from error


def config_to_json(config: Config) -> dict[str, Any]:
    """A config with the name of its family, as JSON values."""
    family = next(name for name, kind in _FAMILIES.items() if isinstance(config, kind))
    return {"family": family, **to_plain(config)}


def config_from_json(values: dict[str, Any]) -> Config:
    """Back from `config_to_json`.

    >>> config_from_json(config_to_json(ViTConfig(stride=12))).grid
    (21, 10)
    """
    kind = _FAMILIES.get(values.get("family", ""))
    if kind is None:
        raise WeightsError(f"a backbone is a {', '.join(_FAMILIES)}, not a {values.get('family')!r}")
    given = {former_config_key(key): value for key, value in values.items() if key != "family"}
    try:
        config: Config = from_plain(typing.cast("Any", kind), given)
    except WrongKeysError as error:
        raise WeightsError(f"the header describes no backbone: {error}; a newer file?") from error
    _check_numbers(config)
    return config


def _check_numbers(config: Config) -> None:
    """Refuse numbers that no network has: a depth of a billion would be built for hours."""
    for key, value in to_plain(config).items():
        most = _DEEPEST if key in ("depth", "depths", "non_local") else _LARGEST
        for number in value if isinstance(value, list) else [value]:
            if isinstance(number, int | float) and not 0 <= number <= most:
                raise WeightsError(
                    f"the header describes no backbone: {key} is {number}, 0 to {most} is possible"
                )
