import os
import pickle
import zipfile

import numpy as np
import pytest
import torch
from foreign_checkpoints import draw, timm_shapes

from glimpse.errors import WeightsError
from glimpse.models.weights.reading import read_checkpoint

STATE = {"a.weight": torch.arange(6.0).view(2, 3), "b.bias": torch.ones(2, dtype=torch.float16)}


def same(found, state=STATE):
    return list(found) == list(state) and all(found[key].equal(state[key]) for key in state)


class Malicious:
    """A pickle that would leave a mark if it were executed."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("wrapped", [True, False])
def test_a_pickle_with_code_is_refused_and_not_run(tmp_path, zipped, wrapped):
    path, mark = tmp_path / "model.pth", tmp_path / "executed"
    content = {"state_dict": STATE, "args": Malicious(mark)} if wrapped else Malicious(mark)
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(WeightsError, match="holds more than tensors"):
        read_checkpoint(path)
    assert not mark.exists()


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_a_bare_pickle_is_refused_and_not_run(tmp_path, protocol):
    path, mark = tmp_path / "model.bin", tmp_path / "executed"
    path.write_bytes(pickle.dumps(Malicious(mark), protocol=protocol))
    with pytest.raises(WeightsError, match=r"model\.bin"):
        read_checkpoint(path)
    assert not mark.exists()


def test_numpy_scores_may_not_smuggle_objects(tmp_path):
    path, mark = tmp_path / "model.pth", tmp_path / "executed"
    torch.save({"net": STATE, "scores": np.array([Malicious(mark)], dtype=object)}, path)
    with pytest.raises(WeightsError, match="holds more than tensors"):
        read_checkpoint(path)
    assert not mark.exists()


def test_a_torchscript_archive_is_read_as_data(tmp_path):
    path, network = tmp_path / "linear.pt", torch.nn.Sequential(torch.nn.Linear(3, 2))
    torch.jit.script(network).save(str(path))
    assert same(read_checkpoint(path)[0], network.state_dict())
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("clip/constants.pkl", b"")
        archive.writestr("clip/data.pkl", b"")
    with pytest.raises(WeightsError, match="damaged TorchScript archive"):
        read_checkpoint(path)


@pytest.mark.parametrize("name", ["w.safetensors", "w.pth", "w.anything"])
def test_files_are_told_apart_by_content(saved, tmp_path, name):
    from safetensors.torch import save_file

    assert same(read_checkpoint(saved(STATE, "x.pt"))[0])
    path = tmp_path / name
    save_file(STATE, path, {"made by": "somebody"})
    state, metadata = read_checkpoint(path)
    assert same(dict(sorted(state.items())))
    assert metadata == {"made by": "somebody"}


@pytest.mark.parametrize("wrapper", ["state_dict", "model", "net", "model_state_dict", "network"])
def test_wrappers_and_prefixes_are_opened(saved, wrapper):
    inside = {f"module._orig_mod.{key}": value for key, value in STATE.items()}
    content = {"epoch": 3, wrapper: inside, "optimizer": {"state": {}}}
    assert same(read_checkpoint(saved(content, "c.pth"))[0])
    assert same(read_checkpoint(saved({"model": content}, "d.pth"))[0])


def test_a_prefix_that_only_some_keys_have_is_kept(saved):
    state = {"module.a": torch.ones(1), "b": torch.ones(1)}
    assert list(read_checkpoint(saved(state, "c.pth"))[0]) == ["module.a", "b"]


def test_scores_beside_the_weights_do_not_hinder(saved):
    scores = {"cmc": np.linspace(0, 1, 4), "mAP": np.float64(0.5), "hits": np.int64(3), "f": np.float32(1)}
    assert same(read_checkpoint(saved({"net": STATE, **scores}, "agw.t"))[0])


def test_scores_of_numpy_1_are_read_too(tmp_path):
    path = tmp_path / "old.t"
    torch.save({"net": STATE, "mAP": np.float64(0.5)}, path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    renamed = {
        name: data.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
        for name, data in parts.items()
    }
    assert renamed != parts
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in renamed.items():
            archive.writestr(name, data)
    assert same(read_checkpoint(path)[0])


@pytest.mark.parametrize("content", [{}, {"epoch": 1, "args": "x"}, [torch.ones(1)], torch.ones(3)])
def test_files_without_a_state_dict_are_refused(saved, content):
    with pytest.raises(WeightsError, match=r"holds"):
        read_checkpoint(saved(content, "odd.pth"))


@pytest.mark.parametrize("name", ["w.safetensors", "w.pth"])
@pytest.mark.parametrize("keep", [0, 3, 60, 400])
def test_cut_files_are_refused_in_one_sentence(saved, name, keep):
    path = saved(draw(timm_shapes(4, depth=1)), name)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(WeightsError, match=r"w\.(safetensors|pth) is"):
        read_checkpoint(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "none.pth", tmp_path):
        with pytest.raises(WeightsError, match="no file of weights at"):
            read_checkpoint(path)


def circle():
    content = {"epoch": 3}
    content["state_dict"] = content
    return content


@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ".onnx"])
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (circle(), "wraps its state dict"),
        (torch.tensor(3.0), "holds a Tensor, not a state dict"),
        (torch.zeros(0), "holds a Tensor, not a state dict"),
        ([STATE], "holds a list"),
        ({"a": torch.ones(3, 3).to_sparse()}, "a is sparse"),
        ({"a": torch.ones(3, 3).to_sparse_csr()}, "a is sparse"),
        ({"a": torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8)}, "a is quantized"),
        ({"a": torch.ones(1).expand(10**12)}, "a is larger than what is stored of it"),
        ({"a": torch.ones(3, device="meta")}, "a is without its numbers"),
    ],
)
def test_what_is_no_plain_state_dict_is_one_sentence(tmp_path, recwarn, content, sentence, suffix):
    path = tmp_path / f"model{suffix}"
    torch.save(content, path)
    recwarn.clear()
    with pytest.raises(WeightsError, match=sentence):
        read_checkpoint(path)
    assert not recwarn.list


def test_a_zip_that_is_none_and_one_of_other_things_are_damaged(tmp_path):
    path = tmp_path / "model.pth"
    path.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(WeightsError, match="is damaged"):
        read_checkpoint(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("letter.txt", "dear reader")
    with pytest.raises(WeightsError, match="is damaged"):
        read_checkpoint(path)
