import pytest
import torch
from foreign_checkpoints import (
    draw,
    timm_shapes,
)
from safetensors.torch import save_file


@pytest.fixture
def saved(tmp_path):
    """Write a state dict, as safetensors by default."""

    def write(state, name="weights.safetensors"):
        path = tmp_path / name
        if name.endswith(".safetensors"):
            save_file({key: value.contiguous() for key, value in state.items()}, path)
        else:
            torch.save(state, path)
        return path

    return write


@pytest.fixture
def state():
    return draw(timm_shapes(16))
