from dataclasses import replace

import numpy as np
import pytest

from glimpse.world.facts import visible_facts
from glimpse.world.frame import KEYPOINTS, PARTS, THINGS
from glimpse.world.person import Body, Cloth, Color, Hair, Lower, Person, Thing, Upper

AREA = 128 * 64
RED, BLUE, WHITE = (Color(name, (0.5, 0.5, 0.5)) for name in ("red", "blue", "white"))
SOMEBODY = Person(
    family=0,
    differs_in=(),
    body=Body(1.7, 0.5, 0.5, 0.5, 0.5, 0.5),
    skin=Color("tan", (0.7, 0.5, 0.4)),
    hair=Hair("short", Color("black", (0.1, 0.1, 0.1))),
    upper=Upper("t-shirt", "short", Cloth(RED, "cotton", "plain", WHITE)),
    lower=Lower("trousers", Cloth(BLUE, "denim", "plain", WHITE)),
    shoes=WHITE,
    carried=(),
)
FRONT, RIGHT, BACK = 0.0, np.pi / 2, np.pi


def facts(person=SOMEBODY, heading=FRONT, hidden_parts=(), hidden_things=(), hidden_points=(), stride=0.4):
    carried = {thing.kind for thing in person.carried}
    absent = {"backpack", "handbag", "hat", "umbrella"} - carried
    if abs(heading) > 2:
        absent |= {"face", "chest"}
    visible = np.array([0.0 if part in hidden_parts else 1.0 for part in PARTS], np.float32)
    things = np.array([0 if thing in absent | set(hidden_things) else 100 for thing in THINGS], np.int32)
    keypoints = np.ones((14, 3), np.float32)
    keypoints[[KEYPOINTS.index(name) for name in hidden_points], 2] = 0.0
    return visible_facts(person, heading, visible, things, keypoints, AREA, stride)


def dressed(kind="t-shirt", pattern="plain", sleeve="short"):
    return replace(SOMEBODY, upper=Upper(kind, sleeve, Cloth(RED, "cotton", pattern, WHITE)))


def carrying(*kinds, **changes):
    return replace(SOMEBODY, carried=tuple(Thing(kind, BLUE) for kind in kinds), **changes)


def test_everything_that_is_seen_is_a_fact():
    assert facts() == {
        "view": "front",
        "motion": "walking",
        "hair.style": "short",
        "hair.colour": "black",
        "upper.kind": "t-shirt",
        "upper.colour": "red",
        "upper.sleeve": "short",
        "lower.kind": "trousers",
        "lower.colour": "blue",
        "shoes.colour": "white",
    }


def test_hidden_feet_have_no_shoes():
    assert "shoes.colour" not in facts(hidden_parts=["feet"])
    assert "shoes.colour" not in facts(hidden_things=["shoes"])


def test_hidden_legs_tell_neither_trousers_nor_walking():
    hidden = facts(hidden_parts=["legs"], hidden_points=["left_knee", "right_knee"])
    assert not {"motion", "lower.kind"} & hidden.keys()


def test_a_backpack_is_named_only_where_it_shows():
    assert facts(carrying("backpack"), BACK)["backpack.colour"] == "blue"
    assert "backpack.colour" not in facts(carrying("backpack"), FRONT, hidden_things=["backpack"])


def test_a_print_on_the_chest_is_not_seen_from_behind():
    printed = dressed(pattern="print")
    assert facts(printed, FRONT)["print.place"] == "chest"
    assert "print.place" not in facts(printed, BACK)


def test_a_print_on_a_jackets_back_is_not_seen_from_the_front_nor_under_a_backpack():
    jacket = dressed("jacket", "print", "long")
    assert facts(jacket, BACK)["print.place"] == "back"
    assert "print.place" not in facts(jacket, FRONT)
    assert "print.place" not in facts(jacket, RIGHT)
    assert "print.place" not in facts(replace(jacket, carried=(Thing("backpack", BLUE),)), BACK)


def test_the_shirt_under_a_jacket_is_seen_from_the_front_only():
    jacket = dressed("jacket", sleeve="long")
    assert facts(jacket, FRONT)["upper.inner"] == "white"
    assert "upper.inner" not in facts(jacket, BACK)


def test_the_second_color_of_a_plain_garment_is_never_a_fact():
    assert "upper.second" not in facts()
    assert facts(dressed(pattern="stripes"))["upper.second"] == "white"


@pytest.mark.parametrize("kind", ["coat", "dress"])
def test_a_long_garment_whose_hem_is_hidden_is_a_top(kind):
    hidden = facts(dressed(kind, sleeve="long"), hidden_points=["left_knee", "right_knee"])
    assert hidden["upper.kind"] == "top"
    assert facts(dressed(kind, sleeve="long"))["upper.kind"] == kind


@pytest.mark.parametrize("kind", ["coat", "dress"])
def test_a_hem_without_what_is_above_it_is_a_long_garment(kind):
    assert facts(dressed(kind, sleeve="long"), hidden_parts=["torso"])["upper.kind"] == "garment"
    assert facts(dressed("shirt"), hidden_parts=["torso"])["upper.kind"] == "top"


def test_hair_tied_behind_is_not_seen_from_the_front():
    tied = replace(SOMEBODY, hair=replace(SOMEBODY.hair, style="ponytail"))
    assert facts(tied, FRONT)["hair.style"] == "unclear"
    assert facts(tied, BACK)["hair.style"] == "ponytail"


def test_nobody_is_bald_under_a_hat_or_from_behind_an_umbrella():
    bald = replace(SOMEBODY.hair, style="bald")
    assert facts(replace(SOMEBODY, hair=bald))["hair.style"] == "bald"
    assert "hair.style" not in facts(carrying("hat", hair=bald))
    assert "hair.style" not in facts(carrying("umbrella", hair=bald))
    assert "hair.style" not in facts(replace(SOMEBODY, hair=bald), hidden_parts=["head"])


def test_a_dress_has_nothing_under_it():
    dress = replace(dressed("dress"), lower=Lower("none", SOMEBODY.lower.cloth))
    assert "lower.kind" not in facts(dress)


@pytest.mark.parametrize(("stride", "motion"), [(0.0, "standing"), (0.3, "walking"), (0.13, None)])
def test_a_short_step_is_neither_walking_nor_standing(stride, motion):
    assert facts(stride=stride).get("motion") == motion
