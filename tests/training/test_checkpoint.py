import hashlib
import json
import pickle
from contextlib import suppress

import numpy as np
import pytest
import torch

from glimpse.errors import StorageError
from glimpse.training.checkpoint import (
    CheckpointWarning,
    Position,
    Snapshot,
    latest_snapshot,
    save_snapshot,
    tensor_bytes,
)


def snapshot(done, value=1.0):
    weights = {"a": torch.full((2, 3), value), "n": torch.tensor(done)}
    state = {"state": {0: {"step": torch.tensor(2.0)}}, "param_groups": [{"betas": (0.9, 0.999), "lr": 0.1}]}
    return Snapshot(Position(1, 2, 3, done), {"weights": weights}, [state], {"best": {"map": 0.25}})


def test_a_snapshot_comes_back_as_it_was(tmp_path):
    saved = snapshot(7)
    path = save_snapshot(tmp_path, saved, keep=3)
    assert path.name == "000000000007"
    loaded = latest_snapshot(tmp_path)
    assert loaded.position == saved.position
    assert loaded.notes == saved.notes
    assert loaded.optimizers == saved.optimizers
    assert torch.equal(loaded.tensors["weights"]["a"], saved.tensors["weights"]["a"])


def test_the_last_few_stay_and_the_latest_is_found(tmp_path):
    for done in (5, 1, 12, 100):
        save_snapshot(tmp_path, snapshot(done), keep=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["000000000012", "000000000100"]
    assert latest_snapshot(tmp_path).position.done == 100


def test_a_folder_without_checkpoints_has_none(tmp_path):
    assert latest_snapshot(tmp_path) is None
    assert latest_snapshot(tmp_path / "nowhere") is None


@pytest.mark.parametrize("name", ["weights.safetensors", "optimizers.pt", "state.json"])
@pytest.mark.parametrize("damage", ["cut", "gone", "flipped"])
def test_damage_of_any_file_is_noticed(tmp_path, name, damage):
    save_snapshot(tmp_path, snapshot(1), keep=3)
    path = save_snapshot(tmp_path, snapshot(2), keep=3) / name
    data = path.read_bytes()
    if damage == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif damage == "gone":
        path.unlink()
    else:
        path.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    with pytest.warns(CheckpointWarning, match="000000000002 is damaged"):
        assert latest_snapshot(tmp_path).position.done == 1


def test_every_edit_of_the_state_is_noticed(tmp_path):
    save_snapshot(tmp_path, snapshot(1), keep=3)
    state = save_snapshot(tmp_path, snapshot(2), keep=3) / "state.json"
    whole, random = state.read_bytes(), np.random.default_rng(0)
    values = json.loads(whole)
    for place in random.choice(len(whole), 120, replace=False).tolist():
        state.write_bytes(
            whole[:place] + bytes([whole[place] ^ (1 << int(random.integers(7)))]) + whole[place + 1 :]
        )
        with suppress(ValueError):
            if json.loads(state.read_bytes()) == values:  # one blank for another
                continue
        with pytest.warns(CheckpointWarning, match=r"state\.json is not what was written"):
            assert latest_snapshot(tmp_path).position.done == 1


def test_a_state_of_a_version_without_a_checksum_is_read(tmp_path):
    state = save_snapshot(tmp_path, snapshot(2), keep=3) / "state.json"
    state.write_text(json.dumps(json.loads(state.read_text())["state"]))
    assert latest_snapshot(tmp_path).position.done == 2


@pytest.mark.parametrize("odd", [[], {}, None, {"state": []}, {"state": {}, "sha256": ""}, {"sha256": 3}])
def test_a_state_that_is_none_is_noticed(tmp_path, odd):
    state = save_snapshot(tmp_path, snapshot(2), keep=3) / "state.json"
    state.write_text(json.dumps(odd))
    with pytest.warns(CheckpointWarning, match="is damaged"):
        assert latest_snapshot(tmp_path) is None


class Evil:
    """A pickle that would write a file."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


@pytest.mark.parametrize("name", ["optimizers.pt", "weights.safetensors"])
def test_a_file_that_somebody_put_there_and_signed_is_not_run(tmp_path, name):
    folder = save_snapshot(tmp_path / "run", snapshot(2), keep=3)
    planted = pickle.dumps(Evil(tmp_path / "ran"))
    (folder / name).write_bytes(planted)
    state = json.loads((folder / "state.json").read_text())["state"]
    state["sha256"][name] = hashlib.sha256(planted).hexdigest()
    (folder / "state.json").write_text(json.dumps(state))
    with pytest.warns(CheckpointWarning, match="it holds something else than a checkpoint"):
        assert latest_snapshot(tmp_path / "run") is None
    assert not (tmp_path / "ran").exists()


def test_a_checkpoint_of_the_same_step_is_replaced(tmp_path):
    for value in (1.0, 2.0):
        save_snapshot(tmp_path, snapshot(3, value), keep=3)
    assert latest_snapshot(tmp_path).tensors["weights"]["a"].unique().item() == 2.0


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"cannot write .*: a part of its path is a file"):
        save_snapshot(tmp_path / "file", snapshot(1), keep=1)


def test_tensors_that_share_memory_are_written_each():
    from safetensors.torch import load

    values = torch.arange(6.0)
    loaded = load(tensor_bytes({"whole": values, "view": values[::2], "again": values}))
    assert loaded["view"].tolist() == [0, 2, 4]
    assert torch.equal(loaded["whole"], loaded["again"])
