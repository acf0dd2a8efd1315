"""Recipes: everything that defines how a method is trained, each key with where its value comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from enum import Enum, StrEnum
from typing import Annotated, Any, TypeVar, get_type_hints

from glimpse.encoders.sizes import Size
from glimpse.errors import OptionError
from glimpse.options import typed_value

R = TypeVar("R", bound="Recipe")


class Provenance(StrEnum):
    """Where a value comes from."""

    SOURCE = "given by the source"
    CODE = "read in the authors' code"
    OURS = "our choice"


@dataclass(frozen=True)
class Key:
    """One key of a recipe, as it is shown.

    Attributes:
        name: as it is set.
        value: of this recipe.
        provenance: of the default.
        meaning: a few words.
    """

    name: str
    value: Any
    provenance: Provenance
    meaning: str


SOURCE, CODE, OURS = Provenance.SOURCE, Provenance.CODE, Provenance.OURS


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What all recipes say; the values are those that BoT, TransReID and CLIP-ReID share (dpm_family 1).

    A key is annotated with the provenance of its default and with its meaning.
    """

    size: Annotated[Size, SOURCE, "of the encoder; base is the published one"] = Size.BASE
    height: Annotated[int | None, SOURCE, "of the images; none: the size's own, 256 for small and base"] = (
        None
    )
    width: Annotated[int | None, SOURCE, "of the images; none: half the height"] = None
    weights: Annotated[
        str, OURS, "what the encoder starts from: auto (shipped, if any), none, or a folder"
    ] = "auto"
    persons: Annotated[int, CODE, "in a batch"] = 16
    images: Annotated[int, CODE, "of each person in a batch"] = 4
    flip: Annotated[float, CODE, "probability of mirroring"] = 0.5
    padding: Annotated[
        int, CODE, "pixels around images of height 256, before cropping; less around smaller ones"
    ] = 10
    erasing: Annotated[float, CODE, "probability of erasing a rectangle"] = 0.5
    jitter: Annotated[bool, CODE, "of colours; on for training on Market-1501 to find occluded people"] = (
        False
    )
    validation: Annotated[
        float, OURS, "share of the training persons who choose the best epoch; 0 for none"
    ] = 0.1
    seed: Annotated[int, OURS, "of everything that is drawn"] = 0

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the images."""
        height = self.height if self.height is not None else _HEIGHTS[self.size]
        width = self.width if self.width is not None else height // 2
        if min(height, width) < 1:
            raise OptionError(f"images have at least one pixel, got {height}x{width}")
        return height, width

    @property
    def pixels_of_padding(self) -> int:
        """The padding at this height."""
        return round(self.padding * self.shape[0] / 256)

    def table(self) -> list[Key]:
        """Every key with its value, provenance and meaning, in order."""
        told = get_type_hints(type(self), include_extras=True)
        return [Key(f.name, getattr(self, f.name), *told[f.name].__metadata__) for f in fields(self)]

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {k.name: k.value.value if isinstance(k.value, Enum) else k.value for k in self.table()}


_HEIGHTS: Mapping[Size, int] = {Size.MICRO: 64, Size.TINY: 128, Size.SMALL: 256, Size.BASE: 256}


def changed(recipe: R, pairs: Iterable[str]) -> R:
    """The recipe with keys set from `key=value` texts, read with the types of the keys.

    >>> changed(Recipe(), ["size=micro", "flip=0"]).flip
    0.0
    >>> changed(Recipe(), ["fliip=0"])
    Traceback (most recent call last):
    ...
    glimpse.errors.OptionError: no recipe key is called 'fliip'; did you mean flip?
    """
    hints = get_type_hints(type(recipe))
    known = [k.name for k in recipe.table()]
    values: dict[str, Any] = {}
    for pair in pairs:
        text, equals, value = pair.partition("=")
        name = text.strip().replace("-", "_")
        if not equals:
            raise OptionError(f"a recipe's key is set as key=value, got {pair!r}")
        if name not in known:
            near = get_close_matches(name, known, n=2)
            hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}"
            raise OptionError(f"no recipe key is called {text.strip()!r}; {hint}")
        if name in values:
            raise OptionError(f"the recipe key {name} is set twice")
        values[name] = typed_value(name, value.strip(), hints[name])
    return replace(recipe, **values)
