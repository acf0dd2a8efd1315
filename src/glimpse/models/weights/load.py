"""The two ways in: make backbones of a file, or fill a backbone from a file."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from torch import Tensor

from glimpse.errors import GlimpseError, WeightsError
from glimpse.files import printable
from glimpse.models.backbones.position import Grid
from glimpse.models.backbones.resnet import ResNet
from glimpse.models.backbones.text import TextBackbone
from glimpse.models.backbones.vit import ViT, ViTConfig
from glimpse.models.former_names import former_weight
from glimpse.models.weights.describe import bert_config, resnet_config, text_config, vit_config
from glimpse.models.weights.hub import find_weights
from glimpse.models.weights.install import Backbone, Fit, copied, install, untouched
from glimpse.models.weights.reading import read_checkpoint
from glimpse.models.weights.report import ImportReport
from glimpse.models.weights.saved import Config, build, saved_config, skeleton
from glimpse.models.weights.styles import Style, detect_style, style
from glimpse.models.weights.translation import Translation, is_counter


@dataclass(frozen=True)
class MadeFor:
    """What position embeddings were made for, where it cannot be told from their number."""

    image: tuple[int, int] | None = None
    stride: int | None = None


@dataclass(frozen=True, eq=False)
class Imported:
    """Backbones by backbone (`image`, `text`), and the account of where their weights came from."""

    backbones: Mapping[str, Backbone]
    report: ImportReport


def import_backbones(
    file: str | Path,
    *,
    style_name: str | None = None,
    image: tuple[int, int] | None = None,
    stride: int | None = None,
    made_for: MadeFor = MadeFor(),
    allow_missing: Collection[str] = (),
    allow_left_over: Collection[str] = (),
) -> Imported:
    """Make the backbones of somebody else's checkpoint, in the shape that its weights have.

    Args:
        file: a file, or a name on the hub.
        style_name: whose names it has; by default that is told from them.
        image: the image size to fit a vision transformer to; by default its own.
        stride: the stride to fit it to; by default its own.
        made_for: image size and stride of the checkpoint, where they cannot be told.
        allow_missing: starts of names that may be without weights, as `text.`.
        allow_left_over: starts of keys that may be left over.
    """
    path = find_weights(file)
    state, _ = read_checkpoint(path)
    chosen = style(style_name) if style_name else detect_style(state)
    translation = _translated(chosen, state, path)
    configs: dict[str, Config] = {}
    sources: dict[str, Grid | None] = {}
    fits: dict[str, Fit] = {}
    for modality, family in chosen.modalities:
        part = translation.modality(modality)
        config = _described(family, part, chosen, made_for, path)
        sources[modality] = config.grid if isinstance(config, ViTConfig) else None
        if isinstance(config, ViTConfig):
            config = replace(config, image=image or config.image, stride=stride or config.stride)
        configs[modality] = config
        fits[modality] = install(skeleton(config), part, source=sources[modality], dry=True)
    report = _account(chosen.name, translation, fits)
    report.check(allow_missing=allow_missing, allow_left_over=allow_left_over)
    backbones: dict[str, Backbone] = {}
    for modality, config in configs.items():
        backbones[modality] = build(config)
        install(backbones[modality], translation.modality(modality), source=sources[modality])
    return Imported(backbones, report)


def load_weights(
    backbone: Backbone,
    file: str | Path,
    *,
    style_name: str | None = None,
    made_for: MadeFor = MadeFor(),
    new_parts: Collection[str] = (),
    copies: Mapping[str, Sequence[str]] = MappingProxyType({}),
    allow_left_over: Collection[str] = (),
) -> ImportReport:
    """Fill a backbone from a file of ours or of somebody else's; position embeddings are moved to its grid.

    The backbone is only touched once nothing is in the way.

    Args:
        backbone: is filled.
        file: a file, or a name on the hub.
        style_name: whose names it has; by default that is told from them.
        made_for: image size and stride of the file, where they cannot be told.
        new_parts: of the backbone that stay as they are if the file has nothing for them, such as
            `camera_embedding` or `non_local`.
        copies: for a part of the file the parts of the backbone that get its weights, each unless the file
            has weights of its own for it, as `{"stems.0": ("stems.0", "stems.1")}`.
        allow_left_over: starts of keys that may be left over.
    """
    path = find_weights(file)
    state, metadata = read_checkpoint(path)
    config = saved_config(metadata)
    if config is not None:
        state = {former_weight(name): value for name, value in state.items()}
    family = _family(backbone)
    modality = "image" if isinstance(backbone, ViT | ResNet) else "text"
    if config is not None:
        used = tuple((name, f"{modality}.{name}") for name in state)
        own = {f"{modality}.{name}": value for name, value in state.items()}
        translation, name = Translation(own, used, (), ()), "glimpse"
    else:
        chosen = style(style_name) if style_name else detect_style(state)
        if (modality, family) not in chosen.modalities:
            raise WeightsError(
                f"{printable(path)} is a {chosen.about}, which has no weights for a {family} backbone"
            )
        translation, name = _only(_translated(chosen, state, path), modality), chosen.name
        config = _described(family, translation.modality(modality), chosen, made_for, path)
    source = config.grid if isinstance(config, ViTConfig) else None
    weights = copied(translation.modality(modality), copies)
    trial = install(backbone, weights, source=source, dry=True)
    report = _account(name, translation, {modality: trial})
    may_stay = untouched(backbone.state_dict(), weights, new_parts)
    report.check(allow_missing=[f"{modality}.{part}" for part in may_stay], allow_left_over=allow_left_over)
    install(backbone, weights, source=source)
    return report


def load_backbone(
    file: str | Path, *, image: tuple[int, int] | None = None, stride: int | None = None
) -> Backbone:
    """The backbone in a file of ours; a vision transformer also at another image size or stride."""
    state, metadata = read_checkpoint(file)
    config = saved_config(metadata)
    if config is None:
        raise WeightsError(f"{printable(file)} is not a backbone of ours: bring it in with import-weights")
    own = config
    blocks = config.depth if isinstance(config, ViTConfig) else 0
    if blocks > len(state):  # to build so many, even empty ones, takes its time
        raise WeightsError(f"{printable(file)} describes {blocks} blocks, but holds {len(state)} tensors")
    if isinstance(config, ViTConfig):
        config = replace(config, image=image or config.image, stride=stride or config.stride)
    named = {former_weight(name): value for name, value in state.items()}
    # at its own size, or at another: what does not fit is known before there is memory for it
    install(skeleton(config), named, source=own.grid if isinstance(own, ViTConfig) else None, dry=True)
    backbone = build(config)
    load_weights(backbone, file)
    return backbone


@contextmanager
def _shapes(chosen: Style, path: Path) -> Iterator[None]:
    """Names of a style over tensors of any shape: what cannot be joined or measured is no such file."""
    try:
        yield
    except GlimpseError as error:
        raise WeightsError(f"{printable(path)}: {error}") from error
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
        reason = printable(str(error).splitlines()[0][:200]) if str(error) else type(error).__name__
        raise WeightsError(
            f"{printable(path)} has the names of a {chosen.about}, but not its shapes: {reason}"
        ) from error


def _translated(chosen: Style, state: Mapping[str, Tensor], path: Path) -> Translation:
    with _shapes(chosen, path):
        return chosen.read(state)


def _described(
    family: str, state: Mapping[str, Tensor], chosen: Style, made_for: MadeFor, path: Path
) -> Config:
    with _shapes(chosen, path):
        return _describe(family, state, chosen, made_for)


def _describe(family: str, state: Mapping[str, Tensor], chosen: Style, made_for: MadeFor) -> Config:
    traits: Mapping[str, Any] = chosen.traits
    if family == "vit":
        return vit_config(state, image=made_for.image, stride=made_for.stride, **traits)
    if family == "resnet":
        return resnet_config(state, **traits)
    return text_config(state) if family == "text" else bert_config(state)


def _family(backbone: Backbone) -> str:
    if isinstance(backbone, ViT):
        return "vit"
    if isinstance(backbone, ResNet):
        return "resnet"
    return "text" if isinstance(backbone, TextBackbone) else "bert"


def _only(translation: Translation, modality: str) -> Translation:
    """One backbone of a translation; what belongs to the other is set aside."""
    start = f"{modality}."
    others = tuple(
        (key, "the other backbone") for key, name in translation.used if not name.startswith(start)
    )
    return Translation(
        {name: value for name, value in translation.state.items() if name.startswith(start)},
        tuple((key, name) for key, name in translation.used if name.startswith(start)),
        translation.set_aside + others,
        translation.left_over,
    )


def _account(name: str, translation: Translation, fits: Mapping[str, Fit]) -> ImportReport:
    """The report: translated names that the networks do not know count as left over, under their old key."""
    strangers = {f"{modality}.{ours}" for modality, fit in fits.items() for ours in fit.left_over}
    used = tuple(pair for pair in translation.used if pair[1] not in strangers and not is_counter(pair[1]))
    counters = tuple(
        (key, "a counter that nothing reads") for key, ours in translation.used if is_counter(ours)
    )
    return ImportReport(
        style=name,
        used=used,
        reshaped=tuple(sentence for fit in fits.values() for sentence in fit.reshaped),
        set_aside=translation.set_aside + counters,
        missing=tuple(f"{modality}.{ours}" for modality, fit in fits.items() for ours in fit.missing),
        left_over=translation.left_over + tuple(key for key, ours in translation.used if ours in strangers),
    )
