import pytest
import torch

from glimpse.errors import OptionError
from glimpse.runtime import torch_device
from glimpse.training.engine import Engine, torch_settings


def test_a_device_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert torch_device("auto") == torch.device("cpu")
    with pytest.raises(OptionError, match="no kind of device called 'gpu'"):
        torch_device("gpu")
    with pytest.raises(OptionError, match="torch sees no GPU"):
        torch_device("cuda")


def test_each_process_has_its_own_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert torch_device("auto") == torch.device("cuda:3")
    assert torch_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(OptionError, match="no device cuda:4 here: this machine has 4 of that kind"):
        torch_device("cuda:4")


def test_a_compiler_backend_that_torch_does_not_know_is_refused():
    with pytest.raises(
        OptionError, match=r"torch has no compiler backend called 'nope'; there are .*inductor"
    ):
        Engine(compile_backend="nope")
    assert Engine(compile_backend="eager").compile_backend == "eager"


@pytest.mark.parametrize("name", ["checkpoint_steps", "keep", "validate_every"])
def test_counts_are_at_least_one(name):
    with pytest.raises(OptionError, match=f"{name} must be at least 1, got 0"):
        Engine(**{name: 0})


def test_an_average_has_a_decay_below_one():
    assert Engine(average=0.999).learns_by() == {"dtype": "float32", "average": 0.999}
    for decay in (-0.1, 1.0, float("nan")):
        with pytest.raises(OptionError, match="decay of an average must lie in"):
            Engine(average=decay)


def test_torch_is_deterministic_inside_and_as_before_outside():
    assert not torch.are_deterministic_algorithms_enabled()
    with torch_settings(Engine()):
        assert torch.are_deterministic_algorithms_enabled()
    assert not torch.are_deterministic_algorithms_enabled()
    with torch_settings(Engine(deterministic=False)):
        assert not torch.are_deterministic_algorithms_enabled()
