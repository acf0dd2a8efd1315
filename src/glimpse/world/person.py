"""A pedestrian as data: every attribute by name, with the exact numbers that a renderer needs.

What a `Person` wears is one flat set of attributes (`attributes(person)`), and `difference(a, b)`
names those in which two people differ.
"""

from dataclasses import dataclass
from typing import Literal

from glimpse.world.colors import RGB

HairStyle = Literal["bald", "crop", "short", "bob", "long", "ponytail", "bun", "afro"]
UpperKind = Literal["t-shirt", "shirt", "jacket", "coat", "dress"]
Sleeve = Literal["none", "short", "long"]
LowerKind = Literal["trousers", "shorts", "skirt", "none"]
Pattern = Literal["plain", "stripes", "plaid", "dots", "blotches", "print"]
Material = Literal["cotton", "linen", "denim", "wool", "polyester", "leather"]
ThingKind = Literal["backpack", "handbag", "hat", "umbrella"]

HAIR_STYLES: tuple[HairStyle, ...] = ("bald", "crop", "short", "bob", "long", "ponytail", "bun", "afro")
UPPER_KINDS: tuple[UpperKind, ...] = ("t-shirt", "shirt", "jacket", "coat", "dress")
SLEEVES: tuple[Sleeve, ...] = ("none", "short", "long")
LOWER_KINDS: tuple[LowerKind, ...] = ("trousers", "shorts", "skirt")
PATTERNS: tuple[Pattern, ...] = ("plain", "stripes", "plaid", "dots", "blotches", "print")
MATERIALS: tuple[Material, ...] = ("cotton", "linen", "denim", "wool", "polyester", "leather")
THING_KINDS: tuple[ThingKind, ...] = ("backpack", "handbag", "hat", "umbrella")


@dataclass(frozen=True)
class Color:
    """A color: the word for it (a key of `colors.CLOTH`, `SKIN` or `HAIR`) and its exact sRGB value."""

    name: str
    rgb: RGB


@dataclass(frozen=True)
class Body:
    """Height in meters; the rest from 0 to 1: build (slim to heavy) and proportions."""

    height: float
    build: float
    shoulders: float
    hips: float
    legs: float
    head: float


@dataclass(frozen=True)
class Hair:
    """How the hair is worn."""

    style: HairStyle
    color: Color


@dataclass(frozen=True)
class Cloth:
    """What a garment is made of.

    `second` is the other color of a pattern, or the shirt under an open jacket or coat; on anything
    else it does not show. A print is on the chest, on a jacket or a coat it is on the back.
    """

    color: Color
    material: Material
    pattern: Pattern
    second: Color


@dataclass(frozen=True)
class Upper:
    """The upper garment. Jackets and coats are open in front; under them is a shirt in `cloth.second`."""

    kind: UpperKind
    sleeve: Sleeve
    cloth: Cloth


@dataclass(frozen=True)
class Lower:
    """The lower garment; its kind is "none" exactly where the upper garment is a dress."""

    kind: LowerKind
    cloth: Cloth


@dataclass(frozen=True)
class Thing:
    """Something carried or worn on top: a backpack, a handbag, a hat, an umbrella."""

    kind: ThingKind
    color: Color


@dataclass(frozen=True)
class Person:
    """One pedestrian.

    Attributes:
        family: number of the family of look-alikes.
        differs_in: the attributes in which this person differs from the family's first member
            (one or two names out of `attributes`); empty for the first member.
        carried: in the order of `THING_KINDS`, at most one of each kind.
    """

    family: int
    differs_in: tuple[str, ...]
    body: Body
    skin: Color
    hair: Hair
    upper: Upper
    lower: Lower
    shoes: Color
    carried: tuple[Thing, ...]

    def carries(self, kind: ThingKind) -> Thing | None:
        """The carried thing of that kind, if there is one."""
        return next((thing for thing in self.carried if thing.kind == kind), None)


def attributes(person: Person) -> dict[str, object]:
    """All attributes of a person under the names that `differs_in` uses."""
    upper, lower = person.upper.cloth, person.lower.cloth
    return {
        "body": person.body,
        "skin": person.skin,
        "hair_style": person.hair.style,
        "hair_colour": person.hair.color,
        "upper_kind": person.upper.kind,
        "sleeve": person.upper.sleeve,
        "upper_colour": upper.color,
        "upper_material": upper.material,
        "upper_pattern": upper.pattern,
        "upper_second": upper.second,
        "lower_kind": person.lower.kind,
        "lower_colour": lower.color,
        "lower_material": lower.material,
        "lower_pattern": lower.pattern,
        "lower_second": lower.second,
        "shoes": person.shoes,
        **{kind: person.carries(kind) for kind in THING_KINDS},
    }


def difference(one: Person, other: Person) -> tuple[str, ...]:
    """The names of the attributes in which two people differ."""
    mine, theirs = attributes(one), attributes(other)
    return tuple(name for name in mine if mine[name] != theirs[name])
