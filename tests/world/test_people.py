import numpy as np
import pytest

from glimpse.errors import OptionError
from glimpse.world import colors
from glimpse.world.people import make_people
from glimpse.world.person import attributes, difference


@pytest.mark.parametrize("hardness", [0.2, 0.5, 1.0])
def test_look_alikes_differ_exactly_in_what_is_stated(hardness):
    people = make_people(3, 120, hardness)
    firsts = {}
    for person in people:
        first = firsts.setdefault(person.family, person)
        assert difference(first, person) == person.differs_in
        assert len(person.differs_in) in ((0,) if person is first else (1, 2))


def test_nobody_is_there_twice():
    people = make_people(3, 200, 0.7)
    assert len(set(people)) == len(people)
    assert len({str(attributes(person)) for person in people}) == len(people)


def test_the_first_people_do_not_depend_on_how_many_are_drawn():
    assert make_people(5, 30)[:11] == make_people(5, 11)


def test_worlds_of_other_seeds_share_nobody():
    one, two = make_people(1, 60), make_people(2, 60)
    assert not {p.body for p in one} & {p.body for p in two}


def test_without_hardness_nobody_has_a_look_alike():
    people = make_people(1, 20, hardness=0.0)
    assert [person.family for person in people] == list(range(20))


def test_a_dress_takes_the_place_of_both_garments():
    for person in make_people(9, 200, 0.5):
        assert (person.lower.kind == "none") == (person.upper.kind == "dress")


def test_a_jittered_color_stays_near_its_word():
    rng = np.random.default_rng(0)
    for rgb in colors.CLOTH.values():
        shifted = colors.jittered(rgb, 0.035, rng)
        assert np.abs(np.subtract(rgb, shifted)).max() < 0.035 * 4 + 1e-6


def test_impossible_requests_are_refused():
    with pytest.raises(OptionError, match="hardness"):
        make_people(0, 1, hardness=2.0)
    with pytest.raises(OptionError, match="at least one"):
        make_people(0, 0)
