"""ResNet-50 as torchvision, IBN-Net, BoT and AGW name it (thesis_methods 0.2, 3.6)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from glimpse.encoders.weights.translation import Translation, translate


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


_HEADS = [
    (r"fc\.(weight|bias)", "a classifier"),
    (r"classifier\.weight", "a classifier of the training persons"),
    (r"bottleneck\.\w+", "a neck: it belongs to the method"),
]

_AGW_ASIDE = [
    *_HEADS,
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
    return _from_zero(translate(foreign, [*_stem(prefix, 0), *_stages(prefix)], _HEADS))


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
