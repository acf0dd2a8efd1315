import huggingface_hub
import pytest
from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

from glimpse.errors import WeightsError
from glimpse.models.weights.hub import find_weights


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A hub of one repository with one file, that remembers what it was asked."""
    asked = []
    (tmp_path / "fetched").write_bytes(b"weights")

    def download(name, file):
        asked.append((name, file))
        if name == "nobody/answers":
            raise LocalEntryNotFoundError("no network")
        if name == "transport/breaks":
            raise ConnectionResetError("reset")
        if (name, file) != ("timm/vit", "pytorch_model.bin"):
            raise EntryNotFoundError("no such file")
        return str(tmp_path / "fetched")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    return asked


def test_a_file_is_never_looked_for_on_the_hub(hub, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "timm").mkdir()
    (tmp_path / "timm" / "vit").write_bytes(b"mine")
    assert find_weights("timm/vit").read_bytes() == b"mine"
    assert hub == []


def test_a_name_is_fetched_safetensors_first(hub):
    assert find_weights("timm/vit").read_bytes() == b"weights"
    assert hub[0] == ("timm/vit", "model.safetensors")


@pytest.mark.parametrize(
    "path", ["weights/model.pth", "model", "a/b/c", "./x/y z", "weights/vit.safetensors"]
)
def test_a_mistyped_path_is_not_asked_of_the_hub(hub, path):
    with pytest.raises(WeightsError, match="no file of weights"):
        find_weights(path)
    assert hub == []


@pytest.mark.parametrize("name", ["nobody/answers", "transport/breaks"])
def test_without_network_the_way_out_is_said(hub, name):
    with pytest.raises(WeightsError, match=f"cannot fetch {name}: the hub does not answer"):
        find_weights(name)


def test_a_repository_without_weights_is_refused(hub):
    with pytest.raises(WeightsError, match=r"has none of model\.safetensors"):
        find_weights("timm/other")
