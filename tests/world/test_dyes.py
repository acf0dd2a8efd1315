"""The shares and contrasts of docs/world.md, "Near infrared", over many drawn cloths."""

import numpy as np
import pytest

from glimpse.world.colors import CLOTH, HAIR
from glimpse.world.dyes import Reflectance, brightness, reflectance
from glimpse.world.materials import MATTER
from glimpse.world.people import make_people
from glimpse.world.person import PATTERNS

CLOTHS = [person.upper.cloth for person in make_people(5, 3000, hardness=0.0)]


def seen(cloth, pattern):
    return reflectance(cloth.material, cloth.color.rgb, "", cloth.second.rgb, PATTERNS.index(pattern))


def test_a_surface_is_the_same_in_every_image():
    again = [person.upper.cloth for person in make_people(5, 3000, hardness=0.0)]
    assert [seen(cloth, "plaid") for cloth in CLOTHS] == [seen(cloth, "plaid") for cloth in again]


def test_what_is_not_dyed_has_the_answer_of_its_material_and_hair_of_its_color():
    white, black = (0.90, 0.90, 0.88), (0.09, 0.09, 0.10)
    assert reflectance("brick", white, "", black, 2) == Reflectance(0.45, 0.45, 0)
    assert reflectance("hair", HAIR["blond"], "", white, 0).first == pytest.approx(
        0.12 + 0.45 * brightness(HAIR["blond"])
    )


@pytest.mark.parametrize(
    ("pattern", "share"),
    [("stripes", 0.45), ("plaid", 0.45), ("dots", 0.5), ("blotches", 0.4), ("print", 1.0)],
)
def test_a_share_of_the_patterns_survives_at_a_lower_contrast(pattern, share):
    looks = [(cloth, seen(cloth, pattern)) for cloth in CLOTHS]
    left = [(cloth, look) for cloth, look in looks if look.pattern]
    assert len(left) / len(looks) == pytest.approx(share, abs=0.04)
    assert {look.pattern for _, look in left} == {PATTERNS.index(pattern)}
    assert all(look.first == look.second for _, look in looks if not look.pattern)
    gaps = np.array([abs(look.first - look.second) for _, look in left])
    assert gaps.min() > (0.155 if pattern == "print" else 0.069)
    visible = np.array([abs(brightness(c.color.rgb) - brightness(c.second.rgb)) for c, _ in left])
    if pattern != "print":
        assert (gaps <= np.maximum(0.6 * visible, 0.0701)).all()


def test_black_pigments_stay_dark_and_brightness_is_loosely_tied_to_the_visible_one():
    share = {}
    for name in ("black", "white", "red"):
        cloths = [cloth for cloth in CLOTHS if cloth.color.name == name]
        left = np.array([seen(cloth, "plain").first / MATTER[cloth.material].infrared for cloth in cloths])
        share[name] = float((left < 0.45).mean())
        assert left.max() > 0.7
    assert share["black"] == pytest.approx(0.6, abs=0.12)
    assert share["white"] < 0.15
    bright = [brightness(cloth.color.rgb) for cloth in CLOTHS]
    found = [seen(cloth, "plain").first for cloth in CLOTHS]
    assert 0.25 < np.corrcoef(bright, found)[0, 1] < 0.75


def test_what_an_open_jacket_shows_is_a_shirt_of_its_own():
    jackets = [
        reflectance("leather", CLOTH["black"], "cotton", (0.9, 0.9, 0.9 - 1e-3 * n), 0) for n in range(200)
    ]
    assert np.mean([jacket.second > 2 * jacket.first for jacket in jackets]) > 0.9
    assert all(jacket.pattern == 0 for jacket in jackets)
    assert len({jacket.first for jacket in jackets}) == 1
