"""What a backbone starts from: a network in a folder, a shipped one, imported weights, or nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

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
from glimpse.models.weights.install import copied, untouched

AUTO, NONE = "auto", "none"
IMAGE_FILE, TEXT_FILE = "image.safetensors", "text.safetensors"  # as `glimpse import-weights` writes them
_CAMERAS = "camera_embedding"

# What `glimpse import-weights` takes for a backbone of that kind and size; at base size the papers' own.
_PUBLISHED = MappingProxyType(
    {
        ("vit", Size.BASE): "timm/vit_base_patch16_224.orig_in21k_ft_in1k",
        ("vit", Size.SMALL): "timm/deit_small_patch16_224.fb_in1k",
        ("clip", Size.BASE): "openai/clip-vit-base-patch16",
        ("resnet", Size.BASE): "timm/resnet50.tv_in1k",
        ("resnet-ibn", Size.BASE): "resnet50_ibn_a-d9d0bb7b.pth",
    }
)
# What `glimpse pretrain` makes of a rendered world where nothing is published.
_PRETRAINED = MappingProxyType(
    {"vit": "vit", "clip": "clip", "resnet": "resnet", "resnet-ibn": "resnet --set ibn=true"}
)


def starting_folder(weights: str, kind: str, size: Size) -> Path | None:
    """The folder, or file, of weights to start from; None to start from scratch.

    Args:
        weights: `auto`: the shipped network of that kind and size; `none`; a shipped network's name; or where
            weights lie.
        kind: what is pre-trained: vit, resnet, resnet-ibn or clip.
        size: of the backbone.

    Raises:
        OptionError: if nothing of that kind and size is shipped, with the way to weights that fit; or if
            there are no weights where they are said to lie.
    """
    if weights == NONE:
        return None
    if weights != AUTO:
        return _given(Path(weights))
    shipped = _shipped() / f"{kind}-{size.value}"
    if not shipped.is_dir():
        raise OptionError(_how_to_get(kind, size))
    return shipped


def _shipped() -> Path:
    return Path(str(files("glimpse"))) / "weights"


def _given(path: Path) -> Path:
    if path.is_file() or any((path / name).is_file() for name in (CARD, IMAGE_FILE)):
        return path
    names = sorted(card.parent.name for card in _shipped().glob(f"*/{CARD}"))
    if str(path) in names and not path.exists():
        return _shipped() / path
    raise OptionError(
        f"there are no weights to start from at {printable(path)}: expected a file of weights, the folder of "
        f"a trained network, what `glimpse import-weights` wrote, or a shipped network ({', '.join(names)})"
    )


def _how_to_get(kind: str, size: Size) -> str:
    """The sentence for weights that are not shipped."""
    published, folder = _PUBLISHED.get((kind, size)), f"weights/{kind}"
    if published is not None:
        command = f"glimpse import-weights {published} --out {folder}"
    elif kind in _PRETRAINED:
        folder = f"runs/{kind}-{size.value}/best"
        command = f"glimpse pretrain {_PRETRAINED[kind]} --size {size.value} --out runs/{kind}-{size.value}"
    else:
        command, folder = "glimpse import-weights FILE --out DIR", "DIR"
    return (
        f"no weights for a {kind} backbone of size {size.value} come with Glimpse: get some by `{command}` "
        f"and give `--set weights={folder}`, or insist on random ones by `--set weights=none`"
    )


def start_of(recipe: Any) -> str | None:
    """What the backbone of a recipe starts from, in words; None if the recipe does not say what it is.

    Nothing is read, so that a run can be refused before it prepares its data.

    Raises:
        OptionError: as `starting_folder`.
    """
    kind = getattr(recipe, "pretrained", None)
    return None if kind is None else described(starting_folder(recipe.weights, kind, recipe.size))


def described(folder: Path | None) -> str:
    """The start in words."""
    return f"the weights in {folder.name}" if folder else "random weights"


def load_pretrained(
    start: Path,
    part: str,
    target: ViT | ResNet | TextBackbone,
    *,
    new_parts: Collection[str] = (),
    copies: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> None:
    """Fill a backbone with what it starts from.

    Positions are resized to the backbone's grid; a camera table that the start lacks stays as it is, and so
    do the new parts that are named. Anything else that is missing, left over or of another shape is an error.

    Args:
        start: a folder with a network (`glimpse.models.storage`), what `glimpse import-weights` wrote, or a
            file of weights.
        part: of the network: `backbone`, or `images` and `texts` of CLIP.
        target: is filled.
        new_parts: of `target` that the start may lack as a whole, such as `non_local`.
        copies: for a part of the start the parts of `target` that get its weights, each unless the start has
            weights of its own for it: `{"stems.0": ("stems.0", "stems.1")}` gives one stem to both streams.
    """
    new_parts = (_CAMERAS, *new_parts)
    if not (start / CARD).is_file():
        file = start if start.is_file() else start / (TEXT_FILE if part == "texts" else IMAGE_FILE)
        load_weights(target, file, new_parts=new_parts, copies=copies)
        return
    _, network = load_network(start)
    source = getattr(network, part, None)
    if source is None:
        raise OptionError(f"the network in {printable(start)} has no {part} to start from")
    if not isinstance(source, type(target)):
        raise OptionError(
            f"the {part} of the network in {printable(start)} is a {type(source).__name__}, and a "
            f"{type(target).__name__} is needed"
        )
    # the cameras of a network are those of its training rows, never those of other data
    own = {name: value for name, value in source.state_dict().items() if not name.startswith(f"{_CAMERAS}.")}
    values, wanted = copied(own, copies), target.state_dict()
    if isinstance(source, ViT) and isinstance(target, ViT):
        values["position"] = resize_position(values["position"], source.grid, target.grid)
    missing = wanted.keys() - values.keys() - untouched(wanted, values, new_parts)
    wrong = [
        *(f"{name} is missing" for name in sorted(missing)),
        *(f"{name} is left over" for name in sorted(values.keys() - wanted.keys())),
        *(
            f"{name} has another shape, {list(value.shape)} instead of {list(wanted[name].shape)}"
            for name, value in values.items()
            if name in wanted and value.shape != wanted[name].shape
        ),
    ]
    if wrong:
        raise OptionError(f"the network in {printable(start)} does not fit: {wrong[0]}")
    with torch.no_grad():
        for name, value in values.items():
            wanted[name].copy_(value)
