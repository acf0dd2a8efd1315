"""DPM's network: its mask, its embedding, cameras, and its size (dpm.md)."""

import pytest
import torch
from torch import nn

from glimpse.choices import MaskKind, NeckFeat, Size, UnknownCamera
from glimpse.models.dpm import DpmNetwork, DpmOptions
from glimpse.models.transreid import TransReIDNetwork, TransReIDOptions


def network(mask=MaskKind.LIGHT, **options):
    torch.manual_seed(0)
    net = DpmNetwork(Size.MICRO, (64, 32), 2, DpmOptions(mask, **{"stride": 16, **options})).eval()
    if hasattr(net.mask_head, "last"):
        nn.init.normal_(net.mask_head.last.weight)
    return net


def test_without_its_mask_the_network_is_the_baseline(batch):
    ours = network(MaskKind.NONE)
    baseline = TransReIDNetwork(Size.MICRO, (64, 32), 2, TransReIDOptions()).eval()
    baseline.backbone.load_state_dict(ours.backbone.state_dict())
    torch.testing.assert_close(
        ours.embed(batch.images, batch.taken), baseline.embed(batch.images, batch.taken)
    )


def test_the_mask_is_made_of_patch_tokens_of_four_depths_before_any_norm(batch):
    net = network()
    features = net(batch.images, batch.cameras)
    output = net.backbone(batch.images, cameras=batch.cameras, depths=[1, 2, 3, 4])
    for level, depth in zip(features.levels, (1, 2, 3, 4), strict=True):
        torch.testing.assert_close(level, output.at[depth][:, 1:])
    torch.testing.assert_close(net.masks(features), net.mask_head(features.levels, (8, 4)))


@pytest.mark.parametrize("neck_feat", NeckFeat)
def test_the_embedding_is_taken_where_the_recipe_says_and_has_a_mask(batch, neck_feat):
    net = network(neck_feat=neck_feat)
    net.neck.norm.running_mean.fill_(1.0)
    features = net(batch.images, batch.cameras)
    vectors, masks = net.embed(batch.images, batch.taken)
    torch.testing.assert_close(
        vectors, features.feature if neck_feat is NeckFeat.BEFORE else net.neck(features.feature)
    )
    torch.testing.assert_close(masks, net.masks(features))
    assert not torch.allclose(masks[0], masks[1])


def test_one_image_alone_gets_what_it_gets_in_a_batch(batch):  # T7
    net = network(MaskKind.FULL)
    together, alone = (net.embed(batch.images[:n], batch.taken[:n]) for n in (4, 1))
    for many, one in zip(together, alone, strict=True):
        torch.testing.assert_close(one, many[:1], rtol=1e-4, atol=1e-5)


def test_unknown_cameras_are_treated_as_the_recipe_says(batch):
    zero, mean = (network(unknown_camera=unknown).embed(batch.images)[0] for unknown in UnknownCamera)
    assert not torch.allclose(zero, mean)


def test_the_published_network_has_the_published_size():
    with torch.device("meta"):
        net = DpmNetwork(Size.BASE, (256, 128), 8, DpmOptions())
    assert net.grid == (22, 11)
    assert sum(p.numel() for p in net.mask_head.parameters()) == 58_992_384
    assert net.depths == (2, 4, 10, 12)
