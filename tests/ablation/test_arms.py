"""What the command line calls an arm, a baseline, seeds and data sets."""

import pytest

from glimpse.ablation.arms import Arm, check_arms, data_names, parse_arm, parse_baseline, parse_seeds
from glimpse.errors import OptionError


@pytest.mark.parametrize(
    ("text", "arm"),
    [
        ("plain=bot", Arm("plain", "bot")),
        ("jpm=TransReID:jpm=true", Arm("jpm", "transreid", ("jpm=true",))),
        ("c=clip_reid:epochs=3,seed-free=1", Arm("c", "clip-reid", ("epochs=3", "seed-free=1"))),
        (
            "late=bot:optimizer.milestones=24,34,epochs=2,augment.size=64,32",
            Arm("late", "bot", ("optimizer.milestones=24,34", "epochs=2", "augment.size=64,32")),
        ),
        ("mine=runs/bot/best", Arm("mine", "runs/bot/best", trained=False)),
    ],
)
def test_arms_are_read(text, arm):
    assert parse_arm(text) == arm


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("bot", "given as NAME=METHOD"),
        ("plain=", "given as NAME=METHOD"),
        ("=bot", "letters, digits"),
        ("../up=bot", "letters, digits"),
        (".hidden=bot", "letters, digits"),
        ("a=bot:seed=3", "sets seed: an ablation's seeds are given by --seeds"),
    ],
)
def test_what_is_no_arm_is_one_sentence(text, sentence):
    with pytest.raises(OptionError, match=sentence):
        parse_arm(text)


def test_a_baseline_is_called_as_its_folder():
    assert parse_baseline("shelf/mine/") == Arm("mine", "shelf/mine/", trained=False)
    with pytest.raises(OptionError, match="the baseline bot is a method: give it as an arm, NAME=bot"):
        parse_baseline("bot")


def test_arms_need_different_names():
    check_arms([Arm("a", "bot"), Arm("b", "bot")])
    with pytest.raises(OptionError, match="two arms are called a"):
        check_arms([Arm("a", "bot"), Arm("a", "transreid")])
    with pytest.raises(OptionError, match="at least one --arm"):
        check_arms([])


@pytest.mark.parametrize("text", ["", "0,", "-1", "a", "1;2", "1,1"])
def test_seeds_are_different_whole_numbers(text):
    with pytest.raises(OptionError, match=r"seeds are whole numbers|each seed counts once"):
        parse_seeds(text)


def test_a_folder_given_twice_is_one_data_set():
    assert dict(data_names([("regdb", "a"), ("regdb", "a")])) == {"regdb": ("regdb", "a")}
