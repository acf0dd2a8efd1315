import pytest
import torch

from glimpse.training.augment.runs import runs


@pytest.mark.parametrize("starts", [[], [0], [7, 0, 3, 3]])
def test_each_run_is_a_slice(starts):
    values = torch.arange(10) ** 2
    got = runs(values, torch.tensor(starts, dtype=torch.long), 3)
    assert got.shape == (len(starts), 3)
    assert got.tolist() == [values[start : start + 3].tolist() for start in starts]


def test_what_is_gathered_on_a_device_equals_what_numpy_copies():
    values, starts = torch.randn(50), torch.randint(0, 40, (9,))
    assert values.unfold(0, 11, 1)[starts].equal(runs(values, starts, 11))
