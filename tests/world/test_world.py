from dataclasses import fields, replace

import numpy as np
import pytest

from glimpse.errors import OptionError
from glimpse.world import frame
from glimpse.world.frame import ARMS, CARRIED, FEET, HEAD, LEGS, OCCLUDER, PARTS, TORSO
from glimpse.world.person import Color
from glimpse.world.world import World

SIZE = (96, 48)


def same(one, two):
    arrays = [field.name for field in fields(one) if field.name != "shots"]
    return all(np.array_equal(getattr(one, name), getattr(two, name)) for name in arrays)


def rows(frames, keep):
    return [i for i, shot in enumerate(frames.shots) if keep(shot)]


def test_the_same_bytes_from_another_world_of_the_same_seed(world, frames):
    again = World(11, people=12, cameras=4, hardness=0.6)
    some = frames.shots[::9]
    taken = again.render(some, size=SIZE, samples=1)
    assert np.array_equal(taken.images, frames.images[::9])
    assert np.array_equal(taken.parts, frames.parts[::9])


def test_neither_batch_nor_order_nor_threads_change_a_byte(world, frames):
    pick = np.random.default_rng(0).permutation(len(frames))[:15]
    shots = [frames.shots[i] for i in pick]
    one = world.render(shots, size=SIZE, samples=1, threads=1)
    two = world.render(shots, size=SIZE, samples=1, threads=2)
    five = world.render(shots, size=SIZE, samples=1, threads=5)
    assert same(one, two)
    assert same(one, five)
    assert np.array_equal(one.images, frames.images[pick])
    alone = world.render(shots[3:4], size=SIZE, samples=1)
    assert np.array_equal(alone.images[0], one.images[3])


def test_worlds_of_other_seeds_have_other_cameras():
    one, two = World(1, people=1, cameras=6), World(2, people=1, cameras=6)
    assert not {c.height for c in one.cameras} & {c.height for c in two.cameras}
    assert not {c.scene.seed for c in one.cameras} & {c.scene.seed for c in two.cameras}


def test_whole_people_fill_the_image(frames):
    whole = rows(frames, lambda shot: shot.kind == "whole")
    assert frames.visible_whole[whole].min() > 0.9
    for i in whole:
        filled = np.flatnonzero((frames.parts[i] >= HEAD).any(1))
        assert len(filled) > 0.75 * SIZE[0]


def test_fractions_agree_with_the_part_map(world):
    """Without a crop, an occluded image counts against the same image without its occluder."""
    shots = world.plan(people=range(5), kinds=("occluded",))
    shots = [shot for shot in shots if shot.occluder >= 0]
    hidden = world.render(shots, size=SIZE, samples=1)
    free = world.render([replace(shot, occluder=-1) for shot in shots], size=SIZE, samples=1)
    inside = free.visible_whole > 0.9999  # the detector's box cuts nothing off
    assert inside.sum() > 5
    for i in np.flatnonzero(inside):
        for p in range(len(PARTS)):
            bare, left = (free.parts[i] == p + HEAD).sum(), (hidden.parts[i] == p + HEAD).sum()
            assert hidden.visible[i, p] == pytest.approx(left / bare if bare else 0.0, abs=1e-6)
        changed = free.parts[i] != hidden.parts[i]
        assert (hidden.parts[i][changed] == OCCLUDER).all()


def test_a_crop_is_part_of_the_whole(frames):
    partial = rows(frames, lambda shot: shot.kind == "partial")
    assert (frames.visible[partial] <= 1.0).all()
    upper = [i for i in partial if frames.shots[i].side == "upper" and frames.shots[i].wanted < 0.7]
    assert upper
    for i in upper:
        assert frames.visible[i, HEAD - 2] > 0.9
        assert frames.visible[i, FEET - 2] < 0.1


def test_the_visible_fraction_is_near_the_wanted_one(frames):
    for kind, least in (("occluded", 0.75), ("partial", 0.95)):
        of_kind = rows(frames, lambda shot, kind=kind: shot.kind == kind)
        wanted = np.array([frames.shots[i].wanted for i in of_kind])
        error = np.abs(frames.visible_whole[of_kind] - wanted)
        assert (error < 0.08).mean() >= least, (kind, np.sort(error)[-8:])
        assert error.mean() < 0.05


def test_visible_keypoints_lie_on_the_person(frames):
    shown = frames.keypoints[:, :, 2] == 1.0
    assert shown.any(0).all()
    for i, k in zip(*np.nonzero(shown), strict=True):
        x, y, _ = frames.keypoints[i, k]
        assert frames.parts[i, int(y), int(x)] >= HEAD


def test_keypoints_lie_on_the_parts_they_name(world):
    """Someone who stands with arms away from the body and faces the camera hides none of her own joints."""
    shot = world.shot(3, 0, 0, heading=0.0)
    pose = replace(
        shot.pose, stride=0.0, swing=0.0, arms_out=(0.5, 0.5), elbows=(0.1, 0.1), arms_forward=(0.0, 0.0)
    )
    taken = world.render([replace(shot, pose=pose)], size=(256, 128), samples=1)
    expected = {
        "head_top": (HEAD, CARRIED),
        "right_elbow": (ARMS,),
        "left_elbow": (ARMS,),
        "right_wrist": (ARMS,),
        "right_knee": (LEGS,),
        "left_knee": (LEGS,),
        "right_ankle": (LEGS, FEET),
        "neck": (HEAD, TORSO),
    }
    for name, parts in expected.items():
        x, y, visible = taken.keypoints[0, frame.KEYPOINTS.index(name)]
        assert visible == 1.0
        assert taken.parts[0, int(y), int(x)] in parts, name
    # She faces us: her right is on our left.
    right, left = (frame.KEYPOINTS.index(f"{side}_shoulder") for side in ("right", "left"))
    assert taken.keypoints[0, right, 0] < taken.keypoints[0, left, 0]


def test_the_face_shows_from_the_front_and_not_from_behind(world):
    face = frame.THINGS.index("face")
    shots = [world.shot(p, c, 0, heading=h) for p in range(4) for c in range(2) for h in (0.0, np.pi)]
    seen = world.render(shots, size=SIZE, samples=1).things[:, face]
    assert (seen[0::2] > seen[1::2]).all()


def recolored(person):
    cloth = person.upper.cloth
    other = Color("yellow" if cloth.color.name != "yellow" else "blue", (0.85, 0.8, 0.1))
    second = Color("teal" if cloth.second.name != "teal" else "red", (0.1, 0.5, 0.5))
    pattern = "stripes" if cloth.pattern == "plain" else "plain"
    upper = replace(person.upper, cloth=replace(cloth, color=other, second=second, pattern=pattern))
    return replace(person, upper=upper, hair=replace(person.hair, color=Color("grey", (0.6, 0.6, 0.6))))


def test_thermal_sees_the_material_and_not_the_color(world):
    """Noise included: it is hashed from the shot and scaled by the light, which is the same."""
    shots = world.plan(cameras=[0, 1], bands=("thermal",))
    others = world.with_people([recolored(person) for person in world.people])
    one = world.render(shots, size=SIZE, samples=4)
    two = others.render(shots, size=SIZE, samples=4)
    assert np.array_equal(one.images, two.images)
    assert (one.images[..., 0] == one.images[..., 1]).all()
    assert (one.images[..., 0] == one.images[..., 2]).all()


def in_near_infrared(world, person, **cloth):
    """The gray levels of a person's torso, seen from the front, with another cloth above."""
    worn = replace(person.upper.cloth, **cloth)
    there = world.with_people([replace(person, upper=replace(person.upper, cloth=worn), carried=())])
    taken = there.render([world.shot(0, 1, 0, band="near_infrared")], size=SIZE)
    assert (taken.images[..., 0] == taken.images[..., 2]).all()
    return taken.images[0, ..., 0][taken.parts[0] == TORSO].astype(float)


def test_near_infrared_shows_a_surviving_pattern_and_hides_the_others(world):
    person = next(person for person in world.people if person.upper.kind in ("t-shirt", "shirt"))
    black, seen = Color("black", (0.08, 0.08, 0.08)), []
    for number in range(12):
        cloth = {
            "color": Color("white", (0.9, 0.9, 0.9 - 0.01 * number)),
            "second": black,
            "material": "cotton",
        }
        plain, striped = (in_near_infrared(world, person, pattern=p, **cloth) for p in ("plain", "stripes"))
        seen.append(np.abs(striped - plain).max() > 5)
        if not seen[-1]:
            np.testing.assert_array_equal(striped, plain)
    assert 0 < sum(seen) < 12


def test_near_infrared_tells_materials_apart(world):
    person = world.people[0]
    images = []
    for material in ("leather", "polyester"):
        cloth = replace(person.upper.cloth, material=material)
        people = [replace(person, upper=replace(person.upper, cloth=cloth))]
        there = world.with_people(people)
        taken = there.render([world.shot(0, 1, 0, band="near_infrared")], size=SIZE)
        torso = taken.parts[0] == TORSO
        images.append(taken.images[0, ..., 0][torso].mean())
    assert images[1] > images[0] + 20


def test_color_does_show_in_visible_light(world):
    others = world.with_people([recolored(person) for person in world.people])
    shots = world.plan(people=range(4), cameras=[0])
    one, two = world.render(shots, size=SIZE), others.render(shots, size=SIZE)
    assert np.array_equal(one.parts, two.parts)
    assert (np.abs(one.images.astype(int) - two.images).max((1, 2, 3)) > 20).all()


def test_people_are_warmer_than_what_is_behind_them(frames):
    thermal = rows(frames, lambda shot: shot.band == "thermal" and shot.kind == "whole")
    for i in thermal:
        image, parts = frames.images[i, ..., 0], frames.parts[i]
        assert image[parts == HEAD].mean() > image[parts == 0].mean() + 25


def test_an_empty_batch_is_empty(world):
    frames = world.render([], size=(32, 16))
    assert frames.images.shape == (0, 32, 16, 3)
    assert frames.keypoints.shape == (0, 14, 3)


def test_every_shot_of_a_plan_is_another_image(frames):
    digests = {image.tobytes() for image in frames.images}
    assert len(digests) == len(frames)


@pytest.mark.parametrize(
    ("ask", "word"),
    [
        (lambda w: w.render([], size=(4, 4)), "16 to 1024"),
        (lambda w: w.render([], samples=0), "samples"),
        (lambda w: w.render([], threads=0), "threads"),
        (lambda w: w.shot(99, 0, 0), "12 people"),
        (lambda w: w.shot(0, 9, 0), "4 cameras"),
        (lambda w: w.shot(0, 0, 0, kind="blurry"), "kind"),
        (lambda w: w.shot(0, 0, 0, kind="occluded", occluder=77), "occluders"),
        (lambda w: w.shot(0, 0, 0, kind="occluded", wanted=0.0), "above 0"),
        (lambda w: World(-1), "seed of a world must be from 0 to"),
        (lambda w: World(1, cameras=0), "cameras of a world must be from 1 to 200, got 0"),
        (lambda w: World(1, people=10**9), "people of a world must be from 1 to 200,000"),
        (lambda w: World(1, hardness=float("nan")), "hardness of a world must be from 0 to 1, got nan"),
        (lambda w: w.render([], threads=100_000), "4 for each core of this machine"),
    ],
)
def test_impossible_requests_are_refused(world, ask, word):
    with pytest.raises(OptionError, match=word):
        ask(world)
