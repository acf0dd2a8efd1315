import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glimpse.errors import OptionError
from glimpse.world import colors
from glimpse.world.captions import LONG_WORDS, write_captions
from glimpse.world.facts import frame_facts, visible_facts
from glimpse.world.frame import KEYPOINTS, PARTS, THINGS
from glimpse.world.grammar import load_grammar
from glimpse.world.people import make_people
from glimpse.world.world import World

WORDS_OF = {  # words that name a thing, said by nobody who does not see it
    "hair": r"hair|bob|ponytail|bun|afro",
    "upper": r"shirt|t-shirt|tee|jacket|coat|overcoat|dress|top|garment|something long",
    "chest": r"on the (?:chest|front)|over an?|underneath|under it",
    "lower": r"trousers|pants|shorts|skirt",
    "shoes": r"shoes|sneakers|footwear",
    "backpack": r"backpack|rucksack",
    "handbag": r"handbag|bag",
    "hat": r"hat|cap",
    "umbrella": r"umbrella",
}
SAME_COLOUR = {"gray": "grey", "dark blue": "navy", "blue-green": "teal", "dark red": "maroon"}
SAME_COLOUR |= {"violet": "purple", "cream": "beige"}
ENGLISH = load_grammar("english")
PEOPLE = make_people(11, 120, 0.7)


def named(caption):
    return {thing for thing, words in WORDS_OF.items() if re.search(rf"\b(?:{words})\b", caption)}


def colors_named(caption):
    plain = caption.lower().replace("olive green", "olive").replace("navy blue", "navy")
    plain = re.sub(
        r"[\w ]{0,12}\bhair\b|(?:dark|black|brown|blond|fair|red|ginger|grey|gray) (?:bob|ponytail|afro)",
        "",
        plain,
    )
    for other, word in SAME_COLOUR.items():
        plain = plain.replace(other, word)
    return {word for word in colors.CLOTH if re.search(rf"\b{word}\b", plain)}


def colors_of(person, thing):
    if thing == "upper":
        cloth = person.upper.cloth
        return {cloth.color.name, cloth.second.name}
    if thing == "lower":
        return {person.lower.cloth.color.name, person.lower.cloth.second.name}
    if thing == "shoes":
        return {person.shoes.name}
    carried = person.carries(thing) if thing in ("backpack", "handbag", "hat", "umbrella") else None
    return {carried.color.name} if carried else set()


def shown_to(person, shown):
    return set().union(*(colors_of(person, thing) for thing in shown))


@st.composite
def views(draw):
    """A person seen from anywhere with anything hidden; what is not carried never shows."""
    person = draw(st.sampled_from(PEOPLE))
    carried = {thing.kind for thing in person.carried}
    counts = [draw(st.sampled_from([0, 3, 40, 400])) for _ in THINGS]
    for place, thing in enumerate(THINGS):
        if thing in ("backpack", "handbag", "hat", "umbrella") and thing not in carried:
            counts[place] = 0
    visible = np.array([draw(st.sampled_from([0.0, 0.2, 0.6, 1.0])) for _ in PARTS], np.float32)
    points = np.ones((len(KEYPOINTS), 3), np.float32)
    points[:, 2] = [draw(st.sampled_from([0.0, 1.0])) for _ in KEYPOINTS]
    heading = draw(st.floats(-np.pi, np.pi))
    stride = draw(st.sampled_from([0.0, 0.13, 0.4]))
    facts = visible_facts(person, heading, visible, np.array(counts, np.int32), points, 64 * 128, stride)
    return person, dict(zip(THINGS, counts, strict=True)), facts


@settings(max_examples=150, deadline=None)
@given(views(), st.integers(0, 10_000), st.sampled_from([0, LONG_WORDS]))
def test_a_caption_never_names_a_hidden_or_absent_thing(view, seed, at_least):
    person, counts, facts = view
    shown = {thing for thing, count in counts.items() if count >= 20}
    for caption in write_captions(facts, np.random.default_rng(seed), 2, at_least=at_least, grammar=ENGLISH):
        assert named(caption) <= shown, caption
        assert colors_named(caption) <= shown_to(person, shown), caption


@pytest.fixture(scope="module")
def images():
    world = World(3, people=24, cameras=3, hardness=0.6)
    shots = [
        world.shot(person, camera, seed, kind)
        for person in range(24)
        for seed, (camera, kind) in enumerate([(0, "whole"), (1, "occluded"), (2, "partial")])
    ]
    return world, world.render(shots, size=(64, 32))


def test_captions_of_rendered_images_name_only_what_their_part_map_shows(images):
    world, frames = images
    rng = np.random.default_rng(0)
    for row, shot in enumerate(frames.shots):
        shown = {thing for thing, count in zip(THINGS, frames.things[row], strict=True) if count > 0}
        person = world.people[shot.person]
        for caption in write_captions(frame_facts(frames, row, person), rng, 4, grammar=ENGLISH):
            assert named(caption) <= shown, caption
            assert colors_named(caption) <= shown_to(person, shown), caption


def test_what_shows_clearly_is_said_somewhere(images):
    world, frames = images
    said = set()
    for row, shot in enumerate(frames.shots):
        facts = frame_facts(frames, row, world.people[shot.person])
        for caption in write_captions(facts, np.random.default_rng(row), 4, grammar=ENGLISH):
            said |= named(caption)
    assert said == set(WORDS_OF)


def test_an_infrared_image_has_no_colors_to_speak_of():
    world = World(3, people=4, cameras=1)
    shots = [
        world.shot(person, 0, 0, "whole", band)
        for person in range(4)
        for band in ("near_infrared", "thermal")
    ]
    frames = world.render(shots, size=(64, 32))
    for row, shot in enumerate(shots):
        facts = frame_facts(frames, row, world.people[shot.person])
        for caption in write_captions(facts, np.random.default_rng(row), 3, grammar=ENGLISH):
            assert not colors_named(caption), caption


@settings(max_examples=60, deadline=None)
@given(views(), st.integers(0, 10_000))
def test_long_captions_have_the_words_that_rstpreid_asks_for(view, seed):
    for caption in write_captions(
        view[2], np.random.default_rng(seed), 2, at_least=LONG_WORDS, grammar=ENGLISH
    ):
        assert len(caption.split()) >= LONG_WORDS


@settings(max_examples=60, deadline=None)
@given(views(), st.integers(0, 10_000))
def test_captions_are_sentences(view, seed):
    for caption in write_captions(view[2], np.random.default_rng(seed), 3, grammar=ENGLISH):
        assert re.fullmatch(r"[A-Z].*[.]", caption)
        assert not re.search(r"  | [,.]|[{}\[\]|()]|\ba [aeiou]|\ban [^aeiou]|,,|\.\.", caption), caption


def test_the_same_dice_give_the_same_captions_and_other_dice_others():
    facts = {"view": "back", "upper.kind": "shirt", "upper.colour": "olive", "hair.style": "short"}
    first = write_captions(facts, np.random.default_rng(4), 3)
    assert write_captions(facts, np.random.default_rng(4), 3) == first
    assert write_captions(facts, np.random.default_rng(5), 3) != first
    assert len(set(first)) == 3


def test_the_grammar_knows_every_fact_and_says_every_value():
    facts = set(ENGLISH.facts_used())
    produced = set()
    for person in PEOPLE:
        for heading in (0.0, 1.5, 3.1):
            full = np.ones(6, np.float32), np.full(10, 400, np.int32), np.ones((14, 3), np.float32)
            produced |= visible_facts(person, heading, *full, 64 * 128, 0.4).keys()
    assert produced == facts


def test_a_image_gets_at_least_one_caption():
    with pytest.raises(OptionError, match="at least one caption"):
        write_captions({"view": "back"}, np.random.default_rng(0), 0)
