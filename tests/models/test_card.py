import json

import pytest

from glimpse.choices import Size
from glimpse.errors import OptionError
from glimpse.models.bot import BoTOptions
from glimpse.models.card import NetworkCard, options_from_json, options_to_json
from glimpse.models.transreid import TransReIDOptions

CARD = NetworkCard("transreid", Size.TINY, (128, 64), cameras=(2, 5), options={"stride": 12})


def test_a_card_survives_json():
    assert NetworkCard.from_json(json.loads(json.dumps(CARD.to_json()))) == CARD


def test_camera_numbers_become_places_and_unknown_ones_minus_one():
    assert CARD.camera_rows([5, 2, 3, -1, 99]).tolist() == [1, 0, -1, -1, -1]
    assert NetworkCard("bot", Size.MICRO, (64, 32)).camera_rows([1, 2]).tolist() == [-1, -1]


def test_modalities_become_places_for_networks_that_tell_them_apart():
    card = NetworkCard("transreid", Size.TINY, (128, 64), modalities=("rgb", "ir"))
    assert NetworkCard.from_json(json.loads(json.dumps(card.to_json()))) == card
    assert card.modality_rows(["ir", "rgb", None, ""]).tolist() == [1, 0, -1, -1]
    assert card.modality_rows([1, 0, -1]).tolist() == [1, 0, -1]
    assert CARD.modality_rows(["ir", "rgb", None]).tolist() == [-1, -1, -1]
    with pytest.raises(OptionError, match=r"rgb \(0\), ir \(1\) or unknown \(None, -1\), got 'text'"):
        card.modality_rows(["rgb", "text"])


def test_a_card_from_before_modalities_were_told_apart_is_read():
    values = CARD.to_json()
    del values["modalities"]
    assert NetworkCard.from_json(values) == CARD
    assert CARD.modalities == ()


@pytest.mark.parametrize(
    "change",
    [
        {"size": "huge"},
        {"image": [64]},
        {"image": [0, 32]},
        {"mean": [0.5, 0.5]},
        {"std": [0.5, 0, 0.5]},
        {"cameras": [5, 2]},
        {"modalities": ["ir", "rgb"]},
        {"modalities": ["ir"]},
        {"modalities": None},
        {"similarity": "guess"},
        {"interpolation": 3},
    ],
)
def test_an_impossible_value_is_refused(change):
    with pytest.raises(OptionError):
        NetworkCard.from_json(CARD.to_json() | change)


def test_missing_and_unknown_keys_are_named():
    values = CARD.to_json()
    with pytest.raises(OptionError, match="color"):
        NetworkCard.from_json(values | {"color": 1})
    del values["mean"]
    with pytest.raises(OptionError, match="mean"):
        NetworkCard.from_json(values)


def test_a_card_from_before_there_were_masks_is_read():
    values = CARD.to_json()
    del values["mask_side"]
    assert NetworkCard.from_json(values) == CARD
    with pytest.raises(OptionError, match="impossible value"):
        NetworkCard.from_json(CARD.to_json() | {"mask_side": "left"})


def test_options_survive_json_and_are_checked():
    options = TransReIDOptions(stride=11, jigsaw=True)
    assert options_from_json(TransReIDOptions, json.loads(json.dumps(options_to_json(options)))) == options
    assert options_from_json(BoTOptions, {"ibn": True}) == BoTOptions(ibn=True)
    with pytest.raises(OptionError, match="unknown option 'ibm'"):
        options_from_json(BoTOptions, {"ibm": True})
    with pytest.raises(OptionError, match="must be of type bool"):
        options_from_json(BoTOptions, {"ibn": "yes"})
    with pytest.raises(OptionError, match="one of gap, gmp, gem"):
        options_from_json(BoTOptions, {"pool": "mean"})
