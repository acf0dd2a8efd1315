"""What must be known of a trained network to build it again and to feed it: plain data, saved as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glimpse.choices import Filter, MaskSide, Size
from glimpse.errors import OptionError
from glimpse.records import IMAGE_MODALITIES, modality_numbers
from glimpse.serial import WrongKeysError, WrongValueError, from_plain, to_plain
from glimpse.similarity.registry import check_similarity

Scalar = bool | int | float | str
Three = tuple[float, float, float]
Options = TypeVar("Options")


@dataclass(frozen=True)
class NetworkCard:
    """A trained network, told without its weights.

    Attributes:
        method: which class `build_network` makes.
        size: of its backbone.
        image: height and width of its input, in pixels.
        mean: of the normalization, for values in [0, 1].
        std: likewise.
        interpolation: how images are resized for it when it is used.
        cameras: the numbers of the cameras it was trained with, sorted; empty if it asks for none.
        modalities: those of `IMAGE_MODALITIES` that it tells apart, in that order; empty if it asks for none.
        similarity: how its embeddings are compared: a name of `glimpse.similarity.registry`.
        mask_side: for masked cosines, whose mask is applied to what.
        options: what else its class needs, by name.

    >>> card = NetworkCard("bot", Size.MICRO, (64, 32), cameras=(1, 3), options={"ibn": True})
    >>> NetworkCard.from_json(card.to_json()) == card
    True
    >>> card.camera_rows([3, 9, 1]).tolist()
    [1, -1, 0]
    """

    method: str
    size: Size
    image: tuple[int, int]
    mean: Three = (0.5, 0.5, 0.5)
    std: Three = (0.5, 0.5, 0.5)
    # bilinear in use, though training resizes bicubic: read in the authors' code (baselines.md, "Images and
    # augmentation")
    interpolation: Filter = Filter.BILINEAR
    cameras: tuple[int, ...] = ()
    modalities: tuple[str, ...] = ()
    similarity: str = "cosine"
    mask_side: MaskSide = MaskSide.QUERY
    options: Mapping[str, Scalar] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if min(self.image) < 1:
            raise OptionError(f"an input has at least one pixel, got {self.image}")
        if min(self.std) <= 0:
            raise OptionError(f"the deviation of the normalization must be above 0, got {self.std}")
        if list(self.cameras) != sorted(set(self.cameras)):
            raise OptionError(f"cameras must be different and sorted, got {list(self.cameras)}")
        if self.modalities and self.modalities != IMAGE_MODALITIES:
            # a network that is told of one only could not tell it from the rest
            raise OptionError(
                f"the modalities that a network tells apart are none or {', '.join(IMAGE_MODALITIES)}, "
                f"got {list(self.modalities)}"
            )

    def camera_rows(self, cameras: ArrayLike) -> NDArray[np.int64]:
        """What `embed` takes for camera numbers `[N]`: their places in the table, -1 for unknown ones."""
        numbers, known = np.asarray(cameras, np.int64), np.asarray(self.cameras, np.int64)
        if not len(known):
            return np.full(numbers.shape, -1, np.int64)
        places = np.searchsorted(known, numbers).clip(max=len(known) - 1)
        return np.where(known[places] == numbers, places, -1).astype(np.int64)

    def modality_rows(self, modalities: ArrayLike) -> NDArray[np.int64]:
        """Likewise for modalities `[N]`, names or numbers as `modality_numbers` takes them."""
        numbers = modality_numbers(modalities)
        # all or none: then a modality's place here is its place among all (`__post_init__`)
        return numbers if self.modalities else np.full(numbers.shape, -1, np.int64)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        values: dict[str, Any] = to_plain(self)
        return values

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> NetworkCard:
        """Back from `to_json`; anything missing, unknown or impossible is an `OptionError`.

        The side and the modalities may be missing: cards had none before there were masks, and networks that
        tell modalities apart.
        """
        names = {f.name for f in fields(cls)}
        values = {"mask_side": MaskSide.QUERY, "modalities": (), **values}
        if set(values) != names:
            wrong = sorted(set(values) ^ names)
            raise OptionError(f"a network's card has the keys {', '.join(sorted(names))}; wrong: {wrong}")
        try:
            return cls(
                method=str(values["method"]),
                size=Size(values["size"]),
                image=(int(values["image"][0]), int(values["image"][1])),
                mean=_three(values["mean"]),
                std=_three(values["std"]),
                interpolation=Filter(values["interpolation"]),
                cameras=tuple(int(number) for number in values["cameras"]),
                modalities=tuple(str(name) for name in values["modalities"]),
                similarity=check_similarity(values["similarity"]),
                mask_side=MaskSide(values["mask_side"]),
                options=dict(values["options"]),
            )
        except (TypeError, ValueError, IndexError) as error:
            raise OptionError(f"the network's card has an impossible value: {error}") from error


def options_to_json(options: Any) -> dict[str, Scalar]:
    """The fields of a dataclass of plain values and enums, as a card keeps them."""
    values: dict[str, Scalar] = to_plain(options)
    return values


def options_from_json(kind: type[Options], values: Mapping[str, Scalar]) -> Options:
    """A dataclass of plain values and enums from a card's options.

    An option that is not there has its default: it came after the card was written.
    """
    try:
        return from_plain(kind, values)
    except WrongKeysError as error:
        raise OptionError(
            f"the card has the unknown option {error.key!r}; there are {', '.join(error.known) or 'none'}"
        ) from error
    except WrongValueError as error:
        raise OptionError(f"the card's option {error}") from error


def _three(values: Any) -> Three:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
