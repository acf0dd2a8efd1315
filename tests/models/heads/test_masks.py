import pytest
import torch
from torch import nn

from glimpse.choices import MaskKind
from glimpse.errors import OptionError, ShapeError
from glimpse.models.heads.masks import FullMaskHead, LightMaskHead, StaticMask, build_mask_head, hierarchy


def levels(count, width=12, batch=3):
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(batch, count, width, generator=generator) for _ in range(4)]


def awake(head):
    """A head whose masks differ: its last layer begins at zero."""
    torch.manual_seed(2)
    nn.init.normal_(head.last.weight)
    nn.init.normal_(head.last.bias)
    return head


def test_the_published_head_has_the_published_number_of_parameters():  # evaluation.md, "Golden numbers"
    with torch.device("meta"):
        full, light = FullMaskHead(768), LightMaskHead(768)
    assert sum(p.numel() for p in full.parameters()) == 58_992_384
    assert sum(p.numel() for p in light.parameters()) == 2_368_256


@pytest.mark.parametrize("kind", [FullMaskHead, LightMaskHead])
def test_every_mask_begins_at_one_half_and_only_the_last_layer_learns_from_the_first_step(kind):
    head = kind(12).train()
    masks = head(levels(32), (8, 4))
    assert torch.equal(masks, torch.full((3, 12), 0.5))
    (masks * torch.randn(3, 12, generator=torch.Generator().manual_seed(3))).sum().backward()
    assert head.last.weight.grad.abs().sum() > 0
    assert all(p.grad is None or not p.grad.any() for p in head.maps.parameters())


def test_the_full_head_is_the_published_stack_of_layers_on_maps_with_channels_first():
    head = awake(FullMaskHead(12)).eval()
    tokens = levels(8 * 5)
    maps = torch.cat([level.transpose(1, 2).reshape(3, 12, 8, 5) for level in tokens], dim=1)
    first, norm1, _, _, second, norm2, _, _, third, norm3, _ = head.maps
    x = nn.functional.max_pool2d(norm1(first(maps)).relu(), 2, 2)
    x = nn.functional.max_pool2d(norm2(second(x)).relu(), 2, 2)
    x = nn.functional.adaptive_max_pool2d(norm3(third(x)).relu(), 1).flatten(1)
    torch.testing.assert_close(head(tokens, (8, 5)), torch.sigmoid(head.last(x)))


@pytest.mark.parametrize("kind", [FullMaskHead, LightMaskHead])
def test_any_aspect_works_and_the_grid_decides(kind):
    head = awake(kind(12)).eval()
    for grid in ((24, 8), (8, 8), (4, 12), (7, 5)):
        tokens = levels(grid[0] * grid[1])
        assert head(tokens, grid).shape == (3, 12)
    tokens = levels(48)
    assert not torch.equal(head(tokens, (12, 4)), head(tokens, (6, 8)))
    with pytest.raises(ShapeError, match=r"grid \(8, 4\), .* got 30"):
        head(levels(30), (8, 4))


@pytest.mark.parametrize("kind", [FullMaskHead, LightMaskHead])
def test_in_evaluation_a_batch_of_one_gets_the_mask_it_gets_among_others(kind):  # T7
    head = awake(kind(12)).eval()
    tokens = levels(32)
    together = head(tokens, (8, 4))
    torch.testing.assert_close(head([level[1:2] for level in tokens], (8, 4)), together[1:2])
    assert not torch.allclose(together[0], together[1])


def test_a_static_mask_is_the_same_for_all_and_can_learn():
    head = StaticMask(12)
    masks = head(levels(32), (8, 4))
    assert torch.equal(masks, torch.full((3, 12), 0.5))
    masks[:, 0].sum().backward()
    assert head.logits.grad.nonzero().tolist() == [[0]]


def test_heads_are_built_by_kind_and_refuse_grids_that_pooling_would_empty():
    assert build_mask_head(MaskKind.NONE, 12, (8, 4)) is None
    assert isinstance(build_mask_head(MaskKind.STATIC, 12, (1, 1)), StaticMask)
    assert isinstance(build_mask_head(MaskKind.LIGHT, 12, (2, 2)), LightMaskHead)
    with pytest.raises(OptionError, match=r"full mask head needs at least 4 rows and columns.*\(8, 3\)"):
        build_mask_head(MaskKind.FULL, 12, (8, 3))


def test_an_backbone_of_three_blocks_has_no_hierarchy():
    assert [len(set(hierarchy(depth))) for depth in range(4, 30)] == [4] * 26
    with pytest.raises(OptionError, match="at least 4 blocks, got 3"):
        hierarchy(3)
