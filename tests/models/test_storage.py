"""A network's folder, and the files beside it that belong to it."""

import json

import pytest

from glimpse.choices import Size
from glimpse.errors import StorageError
from glimpse.models.card import NetworkCard
from glimpse.models.factory import build_network
from glimpse.models.storage import CARD, WEIGHTS, load_network, save_network

BOT = NetworkCard("bot", Size.MICRO, (64, 32))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "words.json").write_text("[]")
    (tmp_path / "stray.json").write_text("[]")
    save_network(tmp_path, BOT, build_network(BOT).state_dict(), ["words.json"])
    return tmp_path


def test_files_that_belong_to_a_network_are_named_in_its_card(folder):
    assert list(json.loads((folder / CARD).read_text())["files"]) == ["words.json"]
    (folder / "stray.json").unlink()
    assert load_network(folder)[0] == BOT


def test_a_network_without_such_files_has_the_card_it_always_had(tmp_path):
    save_network(tmp_path, BOT, build_network(BOT).state_dict())
    assert json.loads((tmp_path / CARD).read_text()) == json.loads(json.dumps(BOT.to_json()))
    assert {path.name for path in tmp_path.iterdir()} == {CARD, WEIGHTS}


def test_a_file_that_is_gone_or_changed_is_refused(folder):
    (folder / "words.json").write_text("[1]")
    with pytest.raises(StorageError, match=r"words\.json of the network .* is not the one that was saved"):
        load_network(folder)
    (folder / "words.json").unlink()
    with pytest.raises(StorageError, match=r"lacks its file words\.json"):
        load_network(folder)


@pytest.mark.parametrize(
    ("files", "sentence"),
    [([], "as an object"), ({"../words.json": "0"}, r"lacks its file \.\./words\.json")],
)
def test_a_card_that_tells_nonsense_of_its_files_is_refused(folder, files, sentence):
    (folder / "inner").mkdir()
    for name in (CARD, WEIGHTS):
        (folder / name).rename(folder / "inner" / name)
    card = json.loads((folder / "inner" / CARD).read_text())
    (folder / "inner" / CARD).write_text(json.dumps(card | {"files": files}))
    with pytest.raises(StorageError, match=sentence):
        load_network(folder / "inner")
