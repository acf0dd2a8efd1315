import pytest
import torch


@pytest.fixture(autouse=True)
def same_random_weights():
    torch.manual_seed(0)
