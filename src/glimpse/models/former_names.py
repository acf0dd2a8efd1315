"""What cards and weights of earlier versions call otherwise: networks that were saved then still load."""

from __future__ import annotations

import re
from typing import Any

_CARD = {"deviation": "std", "side": "mask_side"}
_OPTIONS = {"tower": "backbone", "side_weight": "camera_weight", "tap": "neck_feat"}
_CONFIG = {
    "sides": "cameras",
    "side_weight": "camera_weight",
    "side_on_class_only": "camera_on_class_only",
    "unknown_side": "unknown_camera",
}
_WEIGHTS = ((r"^encoder\.", "backbone."), (r"(^|\.)side\.table$", r"\1camera_embedding.table"))


def former_card(values: Any) -> Any:
    """A network card's JSON values by the names of today; what is no object is left as it is."""
    if not isinstance(values, dict):
        return values
    named = {_CARD.get(key, key): value for key, value in values.items()}
    options = named.get("options")
    if isinstance(options, dict):
        named["options"] = {_OPTIONS.get(key, key): value for key, value in options.items()}
    return named


def former_config_key(key: str) -> str:
    """The key of a backbone's config by today's name."""
    return _CONFIG.get(key, key)


def former_weight(name: str) -> str:
    """The name of a tensor of a saved network or backbone, by today's name.

    >>> former_weight("encoder.side.table"), former_weight("neck.norm.weight")
    ('backbone.camera_embedding.table', 'neck.norm.weight')
    """
    for old, new in _WEIGHTS:
        name = re.sub(old, new, name)
    return name
