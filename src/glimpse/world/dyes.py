"""What near infrared makes of colored things: dyes let it through, pigments do not.

Most organic dyes are transparent beyond the visible, so that a cloth is as bright as its fiber, and a
pattern of two dyes vanishes. Some are not: black and dark pigments stay dark, a share of the patterns is left
at a lower contrast, and prints on the chest are opaque pigment and always show. So brightness is tied
to the visible one, but loosely. All numbers are our choice, in the order that measurements of textiles give.

What is drawn for a thing is drawn from its own look alone (material, colors, pattern), so that a garment is
the same in every image, and no other draw of the world is moved.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from glimpse.world.colors import RGB
from glimpse.world.materials import MATTER
from glimpse.world.person import PATTERNS

NEAR_INFRARED = 2
"""The version of what near-infrared images show; in the first, dyes and patterns did not show at all."""
DYED = frozenset(
    {"cotton", "linen", "denim", "wool", "polyester", "leather", "shoe", "bag", "felt", "canopy", "hair"}
)
"""The materials whose answer depends on their color; all others have one of their own."""

_PIGMENT = ((0.13, 0.6), (0.30, 0.3), (0.55, 0.15), (1.01, 0.05))
"""Up to which visible brightness which share of cloths is colored by pigments that stay dark."""
_LEFT_BY_PIGMENT = 0.2  # of the fiber's reflectance, for the darkest
_LEFT_BY_DYE = 0.62  # likewise; a white cloth has all of it
_SURVIVES = {"stripes": 0.45, "plaid": 0.45, "dots": 0.5, "blotches": 0.4, "print": 1.0}
_CONTRAST = (0.25, 0.6)  # of a pattern that survives, beside its visible one
_LEAST = 0.07  # least difference of a surviving pattern's two reflectances
_LEAST_OF_PRINT = 0.16
_DARKEST, _BRIGHTEST = 0.05, 0.92


@dataclass(frozen=True)
class Reflectance:
    """The answer of a surface to near infrared.

    Attributes:
        first: reflectance of its color, 0 to 1.
        second: of its second color, or of what an opening shows.
        pattern: index of the pattern that is left, 0 for none.
    """

    first: float
    second: float
    pattern: int


def brightness(rgb: RGB) -> float:
    """The gray value of an sRGB color, 0 to 1."""
    return 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]


def reflectance(matter: str, rgb: RGB, matter_second: str, second: RGB, pattern: int) -> Reflectance:
    """What near infrared sees of a surface of two materials and two colors.

    >>> shirt = reflectance("cotton", (0.9, 0.9, 0.9), "cotton", (0.1, 0.1, 0.1), PATTERNS.index("print"))
    >>> shirt.pattern == PATTERNS.index("print"), shirt.first - shirt.second > 0.3
    (True, True)
    """
    base = _of_dye(matter, rgb)
    name = PATTERNS[pattern]
    if name == "plain" or matter not in DYED:
        return Reflectance(base, _of_dye(matter_second or matter, second), 0)
    drawn = _draws(matter, rgb, second, name)
    if matter_second not in ("", matter):  # an open jacket: what it shows is a shirt of its own
        under = _of_dye(matter_second, second)
        return Reflectance(base, under, pattern if drawn[0] < _SURVIVES[name] else 0)
    if drawn[0] >= _SURVIVES[name]:
        return Reflectance(base, base, 0)
    low, high = _CONTRAST
    if name == "print":
        other, least = 0.10 + 0.72 * brightness(second), _LEAST_OF_PRINT
    else:
        share = low + (high - low) * drawn[1]
        other, least = base + share * (brightness(second) - brightness(rgb)), _LEAST
    return Reflectance(base, _apart(base, other, least), pattern)


def _apart(base: float, other: float, least: float) -> float:
    """`other`, at least so far from `base`, on the side where there is room if it says none."""
    side = 1.0 if other > base else -1.0
    if abs(other - base) < least:
        other = base + side * least
    if not _DARKEST <= other <= _BRIGHTEST:
        other = min(max(other, _DARKEST), _BRIGHTEST)
        if abs(other - base) < least:
            other = base - side * least
    return other


def _of_dye(matter: str, rgb: RGB) -> float:
    """Reflectance of a material in a color."""
    fiber = MATTER[matter].infrared
    if matter not in DYED:
        return fiber
    bright = brightness(rgb)
    if matter == "hair":  # black hair stays dark, fair hair is bright
        return 0.12 + 0.45 * bright
    chance, shade = _draws(matter, rgb)
    share = next(share for limit, share in _PIGMENT if bright < limit)
    if chance < share:
        left = _LEFT_BY_PIGMENT + 0.5 * bright
    else:
        left = _LEFT_BY_DYE + (1.0 - _LEFT_BY_DYE) * bright + 0.24 * (shade - 0.5)
    return min(max(fiber * left, _DARKEST), _BRIGHTEST)


def _draws(matter: str, *what: RGB | str) -> tuple[float, float]:
    """Two numbers from 0 to 1 that belong to a look; equal looks have equal ones, on every machine."""
    words = [matter, *(it for it in what if isinstance(it, str))]
    levels = [round(1e6 * value) for it in what if not isinstance(it, str) for value in it]
    key = " ".join(words).encode() + struct.pack(f"<{len(levels)}q", *levels)
    one, two = zlib.crc32(key), zlib.crc32(key, 1)
    # crc is linear: the product mixes its bits, so that near looks are far apart
    return tuple((number * 2654435761 % 2**32) / 2**32 for number in (one, two))  # type: ignore[return-value]
