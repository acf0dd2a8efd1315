"""The two ways in: make encoders of a file, or fill an encoder from a file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from glimpse.errors import WeightsError
from glimpse.files import printable
from glimpse.models.backbones.position import Grid
from glimpse.models.backbones.resnet import ResNet
from glimpse.models.backbones.text import TextTower
from glimpse.models.backbones.vit import ViT, ViTConfig
from glimpse.models.weights.describe import bert_config, resnet_config, text_config, vit_config
from glimpse.models.weights.hub import find_weights
from glimpse.models.weights.install import Encoder, Fit, install
from glimpse.models.weights.reading import read_checkpoint
from glimpse.models.weights.report import ImportReport
from glimpse.models.weights.saved import Config, build, saved_config
from glimpse.models.weights.styles import Style, detect_style, style
from glimpse.models.weights.translation import Translation, is_counter


@dataclass(frozen=True)
class MadeFor:
    """What position embeddings were made for, where it cannot be told from their number."""

    image: tuple[int, int] | None = None
    stride: int | None = None


@dataclass(frozen=True, eq=False)
class Imported:
    """Encoders by tower (`image`, `text`), and the account of where their weights came from."""

    encoders: Mapping[str, Encoder]
    report: ImportReport


def import_encoders(
    file: str | Path,
    *,
    style_name: str | None = None,
    image: tuple[int, int] | None = None,
    stride: int | None = None,
    made_for: MadeFor = MadeFor(),
    allow_missing: Collection[str] = (),
    allow_left_over: Collection[str] = (),
) -> Imported:
    """Make the encoders of somebody else's checkpoint, in the shape that its weights have.

    Args:
        file: a file, or a name on the hub.
        style_name: whose names it has; by default that is told from them.
        image: the image size to fit a vision transformer to; by default its own.
        stride: the stride to fit it to; by default its own.
        made_for: image size and stride of the checkpoint, where they cannot be told.
        allow_missing: starts of names that may be without weights, as `text.`.
        allow_left_over: starts of keys that may be left over.
    """
    state, _ = read_checkpoint(find_weights(file))
    chosen = style(style_name) if style_name else detect_style(state)
    translation = chosen.read(state)
    encoders: dict[str, Encoder] = {}
    fits: dict[str, Fit] = {}
    for tower, family in chosen.towers:
        part = translation.tower(tower)
        config = _describe(family, part, chosen, made_for)
        source: Grid | None = None
        if isinstance(config, ViTConfig):
            source = config.grid
            config = replace(config, image=image or config.image, stride=stride or config.stride)
        encoders[tower] = build(config)
        fits[tower] = install(encoders[tower], part, source=source)
    report = _account(chosen.name, translation, fits)
    report.check(allow_missing=allow_missing, allow_left_over=allow_left_over)
    return Imported(encoders, report)


def load_weights(
    encoder: Encoder,
    file: str | Path,
    *,
    style_name: str | None = None,
    made_for: MadeFor = MadeFor(),
    allow_missing: Collection[str] = (),
    allow_left_over: Collection[str] = (),
) -> ImportReport:
    """Fill an encoder from a file of ours or of somebody else's; position embeddings are moved to its grid.

    New parts of the encoder, such as a camera embedding (`side.`) or non-local blocks (`non_local.`), must
    be named in `allow_missing`; the encoder is only touched once nothing else is in the way.
    """
    path = find_weights(file)
    state, metadata = read_checkpoint(path)
    config = saved_config(metadata)
    family = _family(encoder)
    tower = "image" if isinstance(encoder, ViT | ResNet) else "text"
    if config is not None:
        used = tuple((name, f"{tower}.{name}") for name in state)
        own = {f"{tower}.{name}": value for name, value in state.items()}
        translation, name = Translation(own, used, (), ()), "glimpse"
    else:
        chosen = style(style_name) if style_name else detect_style(state)
        if (tower, family) not in chosen.towers:
            raise WeightsError(
                f"{printable(path)} is a {chosen.about}, which has no weights for a {family} encoder"
            )
        translation, name = _only(chosen.read(state), tower), chosen.name
        config = _describe(family, translation.tower(tower), chosen, made_for)
    source = config.grid if isinstance(config, ViTConfig) else None
    trial = install(encoder, translation.tower(tower), source=source, dry=True)
    report = _account(name, translation, {tower: trial})
    report.check(
        allow_missing=[f"{tower}.{start}" for start in allow_missing], allow_left_over=allow_left_over
    )
    install(encoder, translation.tower(tower), source=source)
    return report


def load_encoder(
    file: str | Path, *, image: tuple[int, int] | None = None, stride: int | None = None
) -> Encoder:
    """The encoder in a file of ours, a vision transformer at another image size or stride if so wished."""
    _, metadata = read_checkpoint(file)
    config = saved_config(metadata)
    if config is None:
        raise WeightsError(f"{printable(file)} is not an encoder of ours: bring it in with import-weights")
    if isinstance(config, ViTConfig):
        config = replace(config, image=image or config.image, stride=stride or config.stride)
    encoder = build(config)
    load_weights(encoder, file)
    return encoder


def _describe(family: str, state: Mapping[str, Tensor], chosen: Style, made_for: MadeFor) -> Config:
    traits: Mapping[str, Any] = chosen.traits
    if family == "vit":
        return vit_config(state, image=made_for.image, stride=made_for.stride, **traits)
    if family == "resnet":
        return resnet_config(state, **traits)
    return text_config(state) if family == "text" else bert_config(state)


def _family(encoder: Encoder) -> str:
    if isinstance(encoder, ViT):
        return "vit"
    if isinstance(encoder, ResNet):
        return "resnet"
    return "text" if isinstance(encoder, TextTower) else "bert"


def _only(translation: Translation, tower: str) -> Translation:
    """One tower of a translation; what belongs to the other is set aside."""
    start = f"{tower}."
    others = tuple((key, "the other tower") for key, name in translation.used if not name.startswith(start))
    return Translation(
        {name: value for name, value in translation.state.items() if name.startswith(start)},
        tuple((key, name) for key, name in translation.used if name.startswith(start)),
        translation.set_aside + others,
        translation.left_over,
    )


def _account(name: str, translation: Translation, fits: Mapping[str, Fit]) -> ImportReport:
    """The report: translated names that the networks do not know count as left over, under their old key."""
    strangers = {f"{tower}.{ours}" for tower, fit in fits.items() for ours in fit.left_over}
    used = tuple(pair for pair in translation.used if pair[1] not in strangers and not is_counter(pair[1]))
    counters = tuple(
        (key, "a counter that nothing reads") for key, ours in translation.used if is_counter(ours)
    )
    return ImportReport(
        style=name,
        used=used,
        reshaped=tuple(sentence for fit in fits.values() for sentence in fit.reshaped),
        set_aside=translation.set_aside + counters,
        missing=tuple(f"{tower}.{ours}" for tower, fit in fits.items() for ours in fit.missing),
        left_over=translation.left_over + tuple(key for key, ours in translation.used if ours in strangers),
    )
