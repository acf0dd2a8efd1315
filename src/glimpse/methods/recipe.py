"""What the recipes of all baselines have in common; they stand on `glimpse.training.recipes`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from glimpse.encoders.sizes import Size
from glimpse.errors import OptionError
from glimpse.training.recipes import given, our_choice, read_in_code

_HEIGHTS: Mapping[Size, int] = MappingProxyType(
    {Size.MICRO: 64, Size.TINY: 128, Size.SMALL: 256, Size.BASE: 256}
)
_BATCH, _LOOKS = "dpm_family 1.3", "dpm_family 1.2"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Keys that BoT, TransReID and CLIP-ReID share, with the values that they share.

    Attributes:
        size: of the encoder: micro, tiny, small, or base, which is the published one.
        height: of the images; none: the size's own, which is 256 for small and base.
        width: of the images; none: half the height.
        weights: what the encoder starts from: `auto` (shipped weights if there are any), `none`, or a folder
            with a network.
        persons: in a batch.
        images: of each person in a batch.
        flip: probability of mirroring.
        padding: pixels around an image of height 256 before it is cropped; less around smaller ones.
        erasing: probability of erasing a rectangle.
        jitter: of colours; published for training on Market-1501 to find occluded people.
        validation: share of the training persons who are set aside to choose the best epoch; 0 for none.
        seed: of everything that is drawn.
    """

    size: Size = given(Size.BASE, "dpm_family 1.6, 2.1, 5.2")  # noqa: RUF009 (a value, not a call's result)
    height: int | None = given(None, _LOOKS)
    width: int | None = given(None, _LOOKS)
    weights: str = our_choice(
        "auto", "the published starts, ImageNet's or CLIP's weights, are not ours to ship"
    )
    persons: int = read_in_code(16, _BATCH)
    images: int = read_in_code(4, _BATCH)
    flip: float = read_in_code(0.5, _LOOKS)
    padding: int = read_in_code(10, _LOOKS)
    erasing: float = read_in_code(0.5, _LOOKS)
    jitter: bool = read_in_code(False, _LOOKS)
    validation: float = our_choice(0.1, "the authors train on everybody and look at the test set")
    seed: int = our_choice(0, "any will do")

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
