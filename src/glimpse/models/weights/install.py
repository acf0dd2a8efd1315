"""Weights into a network: fitted where the network's shape asks for it, complete or refused."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from glimpse.errors import WeightsError
from glimpse.models.backbones.bert import Bert
from glimpse.models.backbones.position import Grid, resize_position
from glimpse.models.backbones.resnet import ResNet
from glimpse.models.backbones.text import TextBackbone
from glimpse.models.backbones.vit import ViT
from glimpse.models.weights.translation import is_counter

Backbone = ViT | ResNet | TextBackbone | Bert


@dataclass(frozen=True)
class Fit:
    """What filling a network showed: names without weights, weights without a name, and what was fitted."""

    missing: tuple[str, ...]
    left_over: tuple[str, ...]
    reshaped: tuple[str, ...]


def install(
    backbone: Backbone, state: Mapping[str, Tensor], *, source: Grid | None = None, dry: bool = False
) -> Fit:
    """Copy weights into a network, and say what did not match.

    A tensor of another shape than the network's is an error at once; names that do not match are only
    told, so that a report of the whole file can be made before it is refused.

    Args:
        backbone: the network; nothing in it changes if this raises.
        state: under our names.
        source: the grid of the position embedding in `state`, if it is not the network's.
        dry: only look.
    """
    state, reshaped = _fitted(backbone, dict(state), source)
    wanted = {name: value for name, value in backbone.state_dict().items() if not is_counter(name)}
    known = {name: state[name] for name in wanted if name in state}
    for name, value in known.items():
        check_value(name, value, wanted[name])
    if not dry:
        backbone.load_state_dict(known, strict=False)
    missing = tuple(name for name in wanted if name not in known)
    left_over = tuple(name for name in state if name not in wanted and not is_counter(name))
    return Fit(missing, left_over, reshaped)


def check_value(name: str, value: Tensor, wanted: Tensor) -> None:
    """Refuse weights that a network's tensor cannot take: of another shape or kind, or not finite."""
    if value.shape != wanted.shape:
        raise WeightsError(f"{name} must be {list(wanted.shape)}, the weights have {list(value.shape)}")
    if value.is_floating_point() != wanted.is_floating_point() or value.is_complex() != wanted.is_complex():
        kinds = [str(tensor.dtype).removeprefix("torch.") for tensor in (wanted, value)]
        raise WeightsError(f"{name} must be of {kinds[0]} or another float, the weights have {kinds[1]}")
    if value.is_floating_point() and not bool(torch.isfinite(value.float()).all()):
        raise WeightsError(f"{name} holds values that are not finite")


def copied(state: Mapping[str, Tensor], copies: Mapping[str, Sequence[str]]) -> dict[str, Tensor]:
    """The weights with parts under further or other names, as one stem for two streams.

    >>> one = {"stem.weight": torch.ones(2), "norm.bias": torch.zeros(2)}
    >>> sorted(copied(one, {"stem": ("stem_rgb", "stem_ir")}))
    ['norm.bias', 'stem_ir.weight', 'stem_rgb.weight']

    Args:
        state: by name.
        copies: for a part of `state` the parts that get its weights, unless `state` has weights for them; it
            keeps them itself only if it is among those.
    """
    result = dict(state)
    for source, targets in copies.items():
        inside = _within(state, source)
        for target in targets:
            if not _within(state, target):
                result |= {target + name.removeprefix(source): state[name] for name in inside}
        if source not in targets:
            for name in inside:
                del result[name]
    return result


def untouched(wanted: Collection[str], state: Collection[str], new_parts: Collection[str]) -> set[str]:
    """The names of a network that may stay without weights: of new parts for which `state` has nothing."""
    return {name for part in new_parts if not _within(state, part) for name in _within(wanted, part)}


def _within(names: Iterable[str], part: str) -> list[str]:
    return [name for name in names if name == part or name.startswith(f"{part}.")]


def _fitted(
    backbone: Backbone, state: dict[str, Tensor], source: Grid | None
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    if isinstance(backbone, ViT) and source is not None and source != backbone.grid and "position" in state:
        state["position"] = resize_position(state["position"], source, backbone.grid)
        (rows, columns), (old_rows, old_columns) = backbone.grid, source
        return state, (f"positions moved from {old_rows}x{old_columns} to {rows}x{columns}",)
    if isinstance(backbone, ResNet) and backbone.config.streams == 2 and not _has(state, "stems.1."):
        return copied(state, {"stems.0": ("stems.0", "stems.1")}), ("the stem copied to the second stream",)
    return state, ()


def _has(state: Mapping[str, Tensor], prefix: str) -> bool:
    return any(name.startswith(prefix) for name in state)
