"""The folder of a retriever: whole or not at all, and never somebody else's."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from micro_retrievers import change_card

from glimpse.errors import StorageError
from glimpse.retriever import ColorEncoder, Retriever


def test_the_same_retriever_is_the_same_bytes(retriever, saved, tmp_path):
    retriever.save(tmp_path / "again")
    for path in saved.iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()


def test_a_retriever_makes_way_only_when_told(retriever, saved, images):
    with pytest.raises(StorageError, match="a retriever is there: say that it is to be replaced"):
        retriever.save(saved)
    Retriever(ColorEncoder()).save(saved, replace=True)
    assert Retriever.load(saved).encoder == ColorEncoder()
    assert [path.name for path in saved.parent.iterdir()] == ["saved"]


def test_a_link_to_a_retriever_keeps_leading_to_it(retriever, tmp_path):
    retriever.save(tmp_path / "there")
    (tmp_path / "link").symlink_to("there")
    with pytest.raises(StorageError, match="a retriever is there"):
        retriever.save(tmp_path / "link")
    dataclasses.replace(retriever, about={"what": "new"}).save(tmp_path / "link", replace=True)
    assert (tmp_path / "link").is_symlink()
    assert Retriever.load(tmp_path / "there").about == {"what": "new"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "there"]


def test_other_folders_never_make_way(retriever, tmp_path):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("...")
    with pytest.raises(StorageError, match="something else is there"):
        retriever.save(tmp_path / "letters", replace=True)
    assert (tmp_path / "letters" / "dear.txt").is_file()


def test_a_save_that_fails_leaves_the_old_retriever(saved, retriever, images, monkeypatch):
    expected = retriever.embed(images).vectors

    class Failing(ColorEncoder):
        def write(self, folder):
            (folder / "half.safetensors").write_bytes(b"half")
            raise OSError(28, "No space left on device")

    with pytest.raises(StorageError, match="the disk is full"):
        Retriever(Failing()).save(saved, replace=True)
    np.testing.assert_array_equal(Retriever.load(saved).embed(images).vectors, expected)
    assert [path.name for path in saved.parent.iterdir()] == ["saved"]


def test_weights_that_were_changed_are_refused(saved):
    weights = saved / "network.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(StorageError, match=r"network\.safetensors .* is not the one that was saved with it"):
        Retriever.load(saved)


def test_a_pickle_is_never_opened(saved, tmp_path):
    class Trap:
        def __reduce__(self):
            return (exit, (1,))

    torch.save(Trap(), saved / "network.safetensors")
    change_card(saved, files={})
    with pytest.raises(StorageError, match="is damaged"):
        Retriever.load(saved)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"format": "glimpse-retriever-2"}, "written by a newer Glimpse"),
        ({"format": "something"}, "holds no retriever: its card is of format something"),
        ({"color": 3}, "has the unknown key 'color'"),
        ({"encoder": {"kind": "magic"}}, "its encoder is of kind 'magic'; there are network, onnx, colors"),
        ({"encoder": {"kind": "network", "flip": 1}}, "only `flip`, true or false"),
        ({"encoder": {"kind": "colors", "size": 3}}, "a card says nothing of colors"),
        (
            {"encoder": {"kind": "onnx"}},
            "says of the model is impossible: Preprocessing lacks size",
        ),
        ({"encoder": "network"}, "must tell of its files and its encoder"),
        ({"similarity": {"name": "cosmic"}}, "names 'cosmic'; there are cosine"),
        ({"similarity": {"name": "masked-cosine", "side": "left"}}, "side must be"),
        ({"reranker": {"name": "k-reciprocal", "k1": "many"}}, "k1 must be of type int, got 'many'"),
        ({"reranker": {"name": "k-reciprocal", "k9": 1}}, "has no value 'k9'"),
        ({"reranker": {"name": "k-reciprocal", "k1": 0}}, "k1 and k2 must be at least 1"),
        ({"calibration": {"wanted": 1}}, "not a whole calibration"),
        ({"about": 3}, "`about` must hold texts"),
        ({"files": {"../secret": "0"}}, "lacks its file ../secret"),
        ({"files": {"more.safetensors": "0"}}, "lacks its file more.safetensors"),
    ],
)
def test_a_card_that_is_wrong_says_how(saved, changes, sentence):
    change_card(saved, **changes)
    with pytest.raises(StorageError) as refused:
        Retriever.load(saved)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_lacking_key_and_a_lacking_folder_are_named(saved, tmp_path):
    card = json.loads((saved / "card.json").read_text())
    del card["reranker"]
    (saved / "card.json").write_text(json.dumps(card))
    with pytest.raises(StorageError, match="lacks 'reranker'"):
        Retriever.load(saved)
    (saved / "card.json").write_text("{")
    with pytest.raises(StorageError, match="cannot be read"):
        Retriever.load(saved)
    with pytest.raises(StorageError, match=r"neither a folder nor one of those .*colors"):
        Retriever.load("no-such-thing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(StorageError, match=r"it has no card\.json"):
        Retriever.load(tmp_path / "empty")
