"""What an encoder starts from: weights that a network left in a folder, shipped ones, or none."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import torch
from torch import nn

from glimpse.encoders.position import resize_position
from glimpse.encoders.size import Size
from glimpse.encoders.vit import ViT
from glimpse.errors import OptionError
from glimpse.methods.saved import load_network

AUTO, NONE = "auto", "none"


def starting_folder(weights: str, kind: str, size: Size) -> Path | None:
    """The folder of a network to start from; None to start from scratch.

    Args:
        weights: `auto`: the shipped network of that kind and size, if there is one; `none`; or a folder.
        kind: what is pre-trained: vit, resnet or clip.
        size: of the encoder.
    """
    if weights == NONE:
        return None
    if weights != AUTO:
        return Path(weights)
    shipped = Path(str(files("glimpse"))) / "weights" / f"{kind}-{size.value}"
    return shipped if shipped.is_dir() else None


def described(folder: Path | None) -> str:
    """The start in words."""
    return f"the weights in {folder.name}" if folder else "random weights"


def copy_part(folder: Path, part: str, target: nn.Module) -> None:
    """Fill an encoder with the part of a saved network that is called `part`.

    Positions are resized to the encoder's grid; a camera table stays as it is. Anything else that is
    missing, left over or of another shape is an `OptionError`.
    """
    _, network = load_network(folder)
    source = getattr(network, part, None)
    if not isinstance(source, nn.Module):
        raise OptionError(f"the network in {folder} has no part {part} to start from")
    values = {name: v for name, v in source.state_dict().items() if not name.startswith("side.")}
    if isinstance(source, ViT) and isinstance(target, ViT):
        values["position"] = resize_position(values["position"], source.grid, target.grid)
    wanted = {name: v for name, v in target.state_dict().items() if not name.startswith("side.")}
    wrong = sorted(values.keys() ^ wanted.keys()) or sorted(
        name for name, value in values.items() if value.shape != wanted[name].shape
    )
    if wrong:
        raise OptionError(
            f"the network in {folder} does not fit: {wrong[0]} is missing, left over or of another shape"
        )
    with torch.no_grad():
        for name, value in values.items():
            wanted[name].copy_(value)
