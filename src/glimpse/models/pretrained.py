"""What a backbone starts from: a network in a folder, a shipped one, imported weights, or nothing."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import torch

from glimpse.choices import Size
from glimpse.errors import OptionError
from glimpse.files import printable
from glimpse.models.backbones.position import resize_position
from glimpse.models.backbones.resnet import ResNet
from glimpse.models.backbones.text import TextBackbone
from glimpse.models.backbones.vit import ViT
from glimpse.models.storage import CARD, load_network
from glimpse.models.weights import load_weights

AUTO, NONE = "auto", "none"


def starting_folder(weights: str, kind: str, size: Size) -> Path | None:
    """The folder of a network to start from; None to start from scratch.

    Args:
        weights: `auto`: the shipped network of that kind and size, if any; `none`; or where weights lie.
        kind: what is pre-trained: vit, resnet or clip.
        size: of the backbone.
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


def load_pretrained(start: Path, part: str, target: ViT | ResNet | TextBackbone) -> None:
    """Fill a backbone with what it starts from.

    Positions are resized to the backbone's grid; a camera table that the start lacks stays as it is. Anything
    else that is missing, left over or of another shape is an error.

    Args:
        start: a folder with a network (`glimpse.models.storage`), or what `glimpse import-weights` wrote.
        part: of the network: `backbone`, or `images` and `texts` of CLIP.
        target: is filled.
    """
    if not (start / CARD).is_file():
        backbone = start / ("text.safetensors" if part == "texts" else "image.safetensors")
        file = start if start.suffix == ".safetensors" and part != "texts" else backbone
        load_weights(target, file, allow_missing=("camera_embedding.",))
        return
    _, network = load_network(start)
    source = getattr(network, part, None)
    if not isinstance(source, type(target)):
        raise OptionError(f"the network in {printable(start)} has no {part} to start from")
    values = {name: v for name, v in source.state_dict().items() if not name.startswith("camera_embedding.")}
    if isinstance(source, ViT) and isinstance(target, ViT):
        values["position"] = resize_position(values["position"], source.grid, target.grid)
    wanted = {name: v for name, v in target.state_dict().items() if not name.startswith("camera_embedding.")}
    wrong = sorted(values.keys() ^ wanted.keys()) or sorted(
        name for name, value in values.items() if value.shape != wanted[name].shape
    )
    if wrong:
        raise OptionError(
            f"the network in {printable(start)} does not fit: {wrong[0]} is missing, left over or of "
            "another shape"
        )
    with torch.no_grad():
        for name, value in values.items():
            wanted[name].copy_(value)
