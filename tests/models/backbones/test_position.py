import numpy as np
import pytest
import torch

from glimpse.errors import ShapeError
from glimpse.models.backbones.position import patch_grid, resize_position


def test_published_grids():
    # transreid.md, "Overlapping patches", and text.md, "Frozen BERT with an LSTM"
    sizes = [((256, 128), 16), ((256, 128), 14), ((256, 128), 12), ((256, 128), 11), ((384, 128), 16)]
    grids = [patch_grid(image, 16, stride) for image, stride in sizes]
    assert grids == [(16, 8), (18, 9), (21, 10), (22, 11), (24, 8)]
    assert [rows * columns for rows, columns in grids] == [128, 162, 210, 242, 192]


@pytest.mark.parametrize(("patch", "stride"), [(33, 16), (0, 1), (16, 0)])
def test_impossible_patches_are_refused(patch, stride):
    with pytest.raises(ShapeError, match="fit into the image"):
        patch_grid((64, 32), patch, stride)


def test_there_is_no_memory_for_any_many_patches():
    assert patch_grid((4096, 4096), 16, 16) == (256, 256)
    with pytest.raises(ShapeError, match="an image has at most 65536 patches, got 256x257"):
        patch_grid((4096, 4112), 16, 16)


def naive_resize(position, source, target):
    """Bilinear with the corners of pixels, not their centers, aligned."""
    field = position[1:].reshape(*source, -1)
    result = [position[0]]
    for row in range(target[0]):
        for column in range(target[1]):
            value = 0
            y = max(0, (row + 0.5) * source[0] / target[0] - 0.5)
            x = max(0, (column + 0.5) * source[1] / target[1] - 0.5)
            for i in range(source[0]):
                for j in range(source[1]):
                    # the last row and column go on beyond the border
                    y_in, x_in = min(y, source[0] - 1), min(x, source[1] - 1)
                    value = value + max(0, 1 - abs(y_in - i)) * max(0, 1 - abs(x_in - j)) * field[i, j]
            result.append(value)
    return np.stack(result)


@pytest.mark.parametrize(
    ("source", "target"), [((4, 4), (6, 3)), ((4, 2), (5, 3)), ((1, 1), (3, 2)), ((5, 5), (2, 2))]
)
def test_resizing_equals_the_naive_one(source, target):
    position = torch.randn(1 + source[0] * source[1], 3)
    expected = naive_resize(position.double().numpy(), source, target)
    np.testing.assert_allclose(resize_position(position, source, target), expected, atol=1e-6)


def test_the_class_position_and_an_unchanged_grid_are_kept_to_the_bit():
    position = torch.randn(9, 4)
    assert resize_position(position, (4, 2), (8, 4))[0].equal(position[0])
    assert resize_position(position, (4, 2), (4, 2)).equal(position)


def test_a_wrong_source_grid_is_refused():
    with pytest.raises(ShapeError, match=r"grid of 3x2 must be \[7, D\], got \[9, 4\]"):
        resize_position(torch.randn(9, 4), (3, 2), (8, 4))
