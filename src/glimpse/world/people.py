"""Drawing people: families of look-alikes who differ in one or two stated attributes."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np

from glimpse.errors import OptionError
from glimpse.world import colors
from glimpse.world.person import (
    HAIR_STYLES,
    PATTERNS,
    THING_KINDS,
    Body,
    Cloth,
    Color,
    Hair,
    HairStyle,
    Lower,
    LowerKind,
    Material,
    Pattern,
    Person,
    Sleeve,
    Thing,
    ThingKind,
    Upper,
    UpperKind,
    attributes,
)

T = TypeVar("T")
PEOPLE_STREAM = 1  # keeps the people's random stream apart from the cameras' and the shots'

# How streets are dressed: all weights are our choice.
_UPPER_WEIGHTS: dict[UpperKind, float] = {"t-shirt": 5, "shirt": 4, "jacket": 5, "coat": 3, "dress": 2}
_LOWER_WEIGHTS: dict[LowerKind, float] = {"trousers": 7, "shorts": 2, "skirt": 2}
_PATTERN_WEIGHTS: dict[Pattern, float] = {
    "plain": 6,
    "stripes": 3,
    "plaid": 2,
    "dots": 1.5,
    "blotches": 1.5,
    "print": 3,
}
_LOWER_COLOURS = ("black", "navy", "grey", "blue", "beige", "brown", "olive", "white", "maroon")
_SHOE_COLOURS = ("black", "white", "brown", "grey", "red", "navy")
_UPPER_MATERIALS: dict[UpperKind, tuple[Material, ...]] = {
    "t-shirt": ("cotton", "polyester"),
    "shirt": ("cotton", "linen"),
    "jacket": ("polyester", "denim", "leather"),
    "coat": ("wool", "polyester"),
    "dress": ("cotton", "linen", "polyester"),
}
_LOWER_MATERIALS: dict[LowerKind, tuple[Material, ...]] = {
    "trousers": ("denim", "cotton", "wool"),
    "shorts": ("denim", "cotton", "polyester"),
    "skirt": ("cotton", "denim", "wool"),
    "none": ("cotton",),
}
_THING_CHANCE: dict[ThingKind, float] = {"backpack": 0.28, "handbag": 0.25, "hat": 0.2, "umbrella": 0.1}
_COLOUR_JITTER = 0.035


def make_people(seed: int, count: int, hardness: float = 0.5) -> tuple[Person, ...]:
    """Draw `count` people; the first of them do not depend on how many are drawn.

    Args:
        seed: the world's seed.
        count: how many people.
        hardness: 0 to 1. Families grow from one member (nobody has a look-alike) to seven, and the
            colors in which members differ come closer.

    >>> one, two = make_people(0, 2, hardness=0.5)
    >>> one.family == two.family, len(two.differs_in) in (1, 2)
    (True, True)
    """
    if not 0.0 <= hardness <= 1.0:
        raise OptionError(f"hardness goes from 0 to 1, got {hardness}")
    if count < 1:
        raise OptionError(f"a world needs at least one person, got {count}")
    size = 1 + round(6 * hardness)
    people: list[Person] = []
    for family in range(-(-count // size)):
        people.extend(_family(seed, family, size, hardness))
    return tuple(people[:count])


def _family(seed: int, family: int, size: int, hardness: float) -> list[Person]:
    rng = np.random.default_rng(np.random.SeedSequence([seed, PEOPLE_STREAM, family]))
    first = _draw_person(family, rng)
    members = [first]
    while len(members) < size:
        member = _look_alike(first, hardness, rng)
        looks = attributes(member)
        if all(looks != attributes(other) for other in members):
            members.append(member)
    return members


def _draw_person(family: int, rng: np.random.Generator) -> Person:
    kind = _weighted(_UPPER_WEIGHTS, rng)
    lower: LowerKind = "none" if kind == "dress" else _weighted(_LOWER_WEIGHTS, rng)
    things = tuple(
        Thing(what, _color(tuple(colors.CLOTH), rng))
        for what in THING_KINDS
        if rng.random() < _THING_CHANCE[what]
    )
    return Person(
        family=family,
        differs_in=(),
        body=_body(rng),
        skin=_named(colors.SKIN, _pick(tuple(colors.SKIN), rng), 0.02, rng),
        hair=Hair(_pick(HAIR_STYLES, rng), _named(colors.HAIR, _pick(tuple(colors.HAIR), rng), 0.02, rng)),
        upper=Upper(kind, _sleeve(kind, rng), _cloth(tuple(colors.CLOTH), _UPPER_MATERIALS[kind], rng)),
        lower=Lower(lower, _lower_cloth(lower, rng)),
        shoes=_color(_SHOE_COLOURS, rng),
        carried=things,
    )


def _body(rng: np.random.Generator) -> Body:
    height = float(np.clip(rng.normal(1.71, 0.09), 1.48, 1.98))
    build = float(rng.beta(2.0, 2.2))
    shoulders, hips, legs, head = (float(x) for x in rng.random(4))
    return Body(height, build, shoulders, hips, legs, head)


def _sleeve(kind: UpperKind, rng: np.random.Generator) -> Sleeve:
    if kind in ("jacket", "coat"):
        return "long"
    sleeves: tuple[Sleeve, ...] = {"t-shirt": ("short", "none", "short"), "shirt": ("long", "short")}.get(
        kind, ("none", "short", "long")
    )  # type: ignore[assignment]
    return _pick(sleeves, rng)


def _cloth(names: tuple[str, ...], materials: tuple[Material, ...], rng: np.random.Generator) -> Cloth:
    color = _color(names, rng)
    second = _color(tuple(name for name in colors.CLOTH if name != color.name), rng)
    return Cloth(color, _pick(materials, rng), _weighted(_PATTERN_WEIGHTS, rng), second)


def _lower_cloth(kind: LowerKind, rng: np.random.Generator) -> Cloth:
    names = tuple(colors.CLOTH) if kind == "skirt" else _LOWER_COLOURS
    cloth = _cloth(names, _LOWER_MATERIALS[kind], rng)
    plain = kind != "skirt" and rng.random() < 0.75
    return replace(cloth, pattern="plain" if plain or cloth.pattern == "print" else cloth.pattern)


def _look_alike(first: Person, hardness: float, rng: np.random.Generator) -> Person:
    """A copy of `first` with one or two attributes changed."""
    changed: dict[str, Callable[[Person], Person]] = _changes(first, hardness, rng)
    count = 1 if rng.random() < hardness else 2
    names = [str(name) for name in rng.choice(sorted(changed), size=count, replace=False)]
    person = first
    for name in names:
        person = changed[name](person)
    return replace(person, differs_in=tuple(name for name in attributes(first) if name in names))


def _changes(
    first: Person, hardness: float, rng: np.random.Generator
) -> dict[str, Callable[[Person], Person]]:
    """For each attribute that may change: how it changes."""

    def other_color(color: Color, barred: str = "") -> Color:
        near = tuple(name for name in colors.NEIGHBOURS[color.name] if name != barred)
        far = tuple(name for name in colors.CLOTH if name not in (color.name, barred))
        return _color(near if near and rng.random() < hardness else far, rng)

    def upper(**new: object) -> Callable[[Person], Person]:
        return lambda p: replace(p, upper=replace(p.upper, cloth=replace(p.upper.cloth, **new)))  # type: ignore[arg-type]

    def lower(**new: object) -> Callable[[Person], Person]:
        return lambda p: replace(p, lower=replace(p.lower, cloth=replace(p.lower.cloth, **new)))  # type: ignore[arg-type]

    up, low = first.upper.cloth, first.lower.cloth
    shows_second = up.pattern != "plain" or first.upper.kind in ("jacket", "coat")
    style: HairStyle = _pick(tuple(s for s in HAIR_STYLES if s != first.hair.style), rng)
    shoes = _color(tuple(name for name in _SHOE_COLOURS if name != first.shoes.name), rng)
    changes: dict[str, Callable[[Person], Person]] = {
        "hair_style": lambda p: replace(p, hair=replace(p.hair, style=style)),
        "upper_colour": upper(color=other_color(up.color, up.second.name)),
        "upper_pattern": upper(pattern=_pick(tuple(x for x in PATTERNS if x != up.pattern), rng)),
        "shoes": lambda p: replace(p, shoes=shoes),
    }
    if shows_second:
        changes["upper_second"] = upper(second=other_color(up.second, up.color.name))
    if first.hair.style != "bald":
        tint = _pick(tuple(c for c in colors.HAIR if c != first.hair.color.name), rng)
        hair_color = _named(colors.HAIR, tint, 0.02, rng)
        changes["hair_colour"] = lambda p: replace(p, hair=replace(p.hair, color=hair_color))
    if first.lower.kind != "none":
        kinds = tuple(k for k in _LOWER_WEIGHTS if k != first.lower.kind)
        kind: LowerKind = _pick(kinds, rng)
        changes["lower_kind"] = lambda p: replace(p, lower=replace(p.lower, kind=kind))
        changes["lower_colour"] = lower(color=other_color(low.color, low.second.name))
    if first.upper.kind in ("t-shirt", "shirt", "dress"):
        lengths: tuple[Sleeve, ...] = ("none", "short", "long")
        sleeve: Sleeve = _pick(tuple(s for s in lengths if s != first.upper.sleeve), rng)
        changes["sleeve"] = lambda p: replace(p, upper=replace(p.upper, sleeve=sleeve))
    for what in THING_KINDS:
        changes[what] = _toggled(what, _color(tuple(colors.CLOTH), rng))
    return changes


def _toggled(kind: ThingKind, color: Color) -> Callable[[Person], Person]:
    def change(person: Person) -> Person:
        kept = [thing for thing in person.carried if thing.kind != kind]
        if len(kept) == len(person.carried):
            kept.append(Thing(kind, color))
        return replace(person, carried=tuple(sorted(kept, key=lambda t: THING_KINDS.index(t.kind))))

    return change


def _color(names: tuple[str, ...], rng: np.random.Generator) -> Color:
    return _named(colors.CLOTH, _pick(names, rng), _COLOUR_JITTER, rng)


def _named(table: dict[str, colors.RGB], name: str, spread: float, rng: np.random.Generator) -> Color:
    return Color(name, colors.jittered(table[name], spread, rng))


def _pick(options: tuple[T, ...], rng: np.random.Generator) -> T:
    return options[int(rng.integers(len(options)))]


def _weighted(weights: dict[T, float], rng: np.random.Generator) -> T:
    total = np.cumsum(list(weights.values()))
    return tuple(weights)[int(np.searchsorted(total, rng.random() * total[-1], side="right"))]
