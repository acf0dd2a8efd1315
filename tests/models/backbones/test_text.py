import pytest
import torch

from glimpse.errors import ShapeError
from glimpse.models.backbones.text import TextBackbone, TextConfig

MICRO = TextConfig(vocabulary=50, context=16, width=16, depth=2, heads=2, projection=6)


@pytest.fixture
def backbone():
    return TextBackbone(MICRO).eval()


def test_the_end_token_speaks_for_the_text(backbone):
    ids = torch.randint(50, (3, 7))
    ends = torch.tensor([6, 3, 0])
    out = backbone(ids, ends)
    assert out.tokens.shape == (3, 7, 16)
    chosen = torch.stack([out.tokens[row, end] for row, end in enumerate(ends)])
    torch.testing.assert_close(out.projected, chosen @ backbone.projection)


def test_what_stands_behind_the_end_changes_nothing(backbone):
    ids = torch.randint(50, (1, 16))
    other = ids.clone()
    other[:, 6:] = 0
    end = torch.tensor([5])
    torch.testing.assert_close(backbone(ids, end).projected, backbone(other, end).projected)
    torch.testing.assert_close(backbone(ids, end).projected, backbone(ids[:, :6], end).projected)


def test_what_stands_before_the_end_counts(backbone):
    ids = torch.randint(1, 50, (1, 6))
    other = ids.clone()
    other[:, 2] = 0
    end = torch.tensor([5])
    assert not torch.allclose(backbone(ids, end).projected, backbone(other, end).projected)


@pytest.mark.parametrize("ids", [torch.zeros(2, 17, dtype=torch.long), torch.zeros(2, 0, dtype=torch.long)])
def test_sequences_beyond_the_context_are_refused(backbone, ids):
    with pytest.raises(ShapeError, match=r"\[B, at most 16, 16\]"):
        backbone(ids, torch.zeros(2, dtype=torch.long))


def test_ids_and_ends_are_checked(backbone):
    with pytest.raises(ShapeError, match="integers"):
        backbone(torch.zeros(2, 4), torch.zeros(2, dtype=torch.long))
    with pytest.raises(ShapeError, match=r"ends must be \[2\], got \[3\]"):
        backbone(torch.zeros(2, 4, dtype=torch.long), torch.zeros(3, dtype=torch.long))
