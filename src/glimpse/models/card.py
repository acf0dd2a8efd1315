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
LARGEST_SIDE = 4096  # our choice: far above what re-identification is done at
# our choice: a thousand times what any network is fed with, 1/255 (bytes as they are) included
_LARGEST_CAMERA = 2**62  # of int64
_LARGEST_MEAN, _STD = 1000.0, (1e-5, 1e5)


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
        if not all(1 <= side <= LARGEST_SIDE for side in self.image):
            raise OptionError(f"the sides of an input are 1 to {LARGEST_SIDE} pixels, got {self.image}")
        check_normalization(self.mean, self.std)
        if any(abs(camera) > _LARGEST_CAMERA for camera in self.cameras):
            raise OptionError(
                f"a camera's number is at most {_LARGEST_CAMERA}, got {list(self.cameras)[-1:]}"
            )
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
        if not isinstance(values, Mapping):
            raise OptionError(f"a network's card is an object, got {values!r:.40}")
        names = {f.name for f in fields(cls)}
        values = {"mask_side": MaskSide.QUERY, "modalities": (), **values}
        if set(values) != names:
            wrong = sorted(set(values) ^ names)
            raise OptionError(f"a network's card has the keys {', '.join(sorted(names))}; wrong: {wrong}")
        try:
            card = from_plain(cls, values, complete=True, convert=_convert)
        except (WrongValueError, OverflowError) as error:
            raise OptionError(f"the network's card has an impossible value: {error}") from error
        check_similarity(card.similarity)
        return card


def _convert(key: str, value: Any, hint: Any) -> Any:
    """Reads `options`, an object of plain values; which there are depends on the method."""
    if key != "options":
        return NotImplemented
    if not isinstance(value, Mapping) or not all(
        isinstance(v, bool | int | float | str) for v in value.values()
    ):
        raise WrongValueError(key, "an object of words and numbers", value)
    return dict(value)


def check_normalization(mean: Three, std: Three) -> None:
    """Refuse a mean or a deviation that no network was trained with."""
    if not all(abs(value) <= _LARGEST_MEAN for value in mean):
        raise OptionError(
            f"the mean of the normalization lies within {_LARGEST_MEAN:g} of 0, as values in [0, 1] have it; "
            f"got {mean}"
        )
    low, high = _STD
    if not all(low <= value <= high for value in std):
        raise OptionError(
            f"the deviation of the normalization must be above 0, from {low:g} to {high:g}; got {std}"
        )


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
