"""What the command line calls a rung, a baseline, seeds and data sets."""

import pytest

from glimpse.ablation.arms import Rung, check_rungs, data_names, parse_baseline, parse_rung, parse_seeds
from glimpse.errors import OptionError


@pytest.mark.parametrize(
    ("text", "rung"),
    [
        ("plain=bot", Rung("plain", "bot")),
        ("jpm=TransReID:jpm=true", Rung("jpm", "transreid", ("jpm=true",))),
        ("c=clip_reid:epochs=3,seed-free=1", Rung("c", "clip-reid", ("epochs=3", "seed-free=1"))),
        (
            "late=bot:optimiser.milestones=24,34,epochs=2,augment.size=64,32",
            Rung("late", "bot", ("optimiser.milestones=24,34", "epochs=2", "augment.size=64,32")),
        ),
        ("mine=runs/bot/best", Rung("mine", "runs/bot/best", trained=False)),
    ],
)
def test_rungs_are_read(text, rung):
    assert parse_rung(text) == rung


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("bot", "given as NAME=METHOD"),
        ("plain=", "given as NAME=METHOD"),
        ("=bot", "letters, digits"),
        ("../up=bot", "letters, digits"),
        (".hidden=bot", "letters, digits"),
        ("a=bot:seed=3", "sets seed: a ladder's seeds are given by --seeds"),
    ],
)
def test_what_is_no_rung_is_one_sentence(text, sentence):
    with pytest.raises(OptionError, match=sentence):
        parse_rung(text)


def test_a_baseline_is_called_as_its_folder():
    assert parse_baseline("shelf/mine/") == Rung("mine", "shelf/mine/", trained=False)
    with pytest.raises(OptionError, match="the baseline bot is a method: give it as a rung, NAME=bot"):
        parse_baseline("bot")


def test_rungs_need_different_names():
    check_rungs([Rung("a", "bot"), Rung("b", "bot")])
    with pytest.raises(OptionError, match="two rungs are called a"):
        check_rungs([Rung("a", "bot"), Rung("a", "transreid")])
    with pytest.raises(OptionError, match="at least one --rung"):
        check_rungs([])


@pytest.mark.parametrize("text", ["", "0,", "-1", "a", "1;2", "1,1"])
def test_seeds_are_different_whole_numbers(text):
    with pytest.raises(OptionError, match=r"seeds are whole numbers|each seed counts once"):
        parse_seeds(text)


def test_a_folder_given_twice_is_one_data_set():
    assert dict(data_names([("regdb", "a"), ("regdb", "a")])) == {"regdb": ("regdb", "a")}
