import pytest
import torch

from glimpse.choices import NonLocalWidth
from glimpse.errors import OptionError, ShapeError
from glimpse.models.backbones.resnet import InstanceBatchNorm, NonLocal, ResNet, ResNetConfig

MICRO = {"depths": (1, 1, 2, 1), "width": 4}


@pytest.fixture
def images():
    return torch.randn(5, 3, 64, 32)


def test_the_last_stride_doubles_the_map(images):
    fine = ResNet(ResNetConfig(**MICRO))(images)
    coarse = ResNet(ResNetConfig(**MICRO, last_stride=2))(images)
    assert fine.map.shape == (5, 128, 4, 2)
    assert coarse.map.shape == (5, 128, 2, 1)
    assert fine.feature.shape == (5, 128)
    assert (fine.map >= 0).all()


def test_bot_has_sixteen_by_eight_places():
    # bot.md, "Network"
    with torch.device("meta"):
        network = ResNet(ResNetConfig())
        out = network(torch.empty(2, 3, 256, 128))
    assert out.map.shape == (2, 2048, 16, 8)
    assert network.config.channels == 2048


@pytest.mark.parametrize("ibn", [False, True])
def test_maps_have_their_channels_last_in_memory_and_the_values_of_a_plain_pass(images, ibn):
    network = ResNet(ResNetConfig(**MICRO, ibn=ibn)).eval()
    out = network(images)
    assert out.map.is_contiguous(memory_format=torch.channels_last)
    plain = network.stems[0](images)
    for block in (block for stage in network.stages for block in stage):
        plain = block(plain)
    assert ibn or plain.is_contiguous()
    torch.testing.assert_close(out.map, plain)


def test_ibn_normalizes_half_by_instance_in_all_stages_but_the_last():
    network = ResNet(ResNetConfig(**MICRO, ibn=True))
    kinds = [[isinstance(block.norm1, InstanceBatchNorm) for block in stage] for stage in network.stages]
    assert kinds == [[True], [True], [True, True], [False]]
    norm = InstanceBatchNorm(6).train()
    x = torch.randn(4, 6, 5, 3) * 3 + 1
    y = norm(x)
    torch.testing.assert_close(y[:, :3].mean((2, 3)), torch.zeros(4, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(y[:, 3:].mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)


def test_two_stems_each_see_their_own_rows_in_place(images):
    network = ResNet(ResNetConfig(**MICRO, streams=2)).eval()
    infrared = torch.tensor([False, True, True, False, True])
    both = network._stem(images, infrared)
    for row in range(5):
        expected = network.stems[int(infrared[row])](images[row : row + 1])
        torch.testing.assert_close(both[row : row + 1], expected)


@pytest.mark.parametrize("value", [True, False])
def test_a_batch_of_one_modality_leaves_the_other_stem_alone(images, value):
    network = ResNet(ResNetConfig(**MICRO, streams=2)).train()
    network(images, infrared=torch.full((5,), value))
    counts = [int(stem.norm.num_batches_tracked) for stem in network.stems]
    assert counts == [int(not value), int(value)]


def test_two_stems_need_to_know_the_modality(images):
    network = ResNet(ResNetConfig(**MICRO, streams=2))
    with pytest.raises(ShapeError, match="got nothing"):
        network(images)
    with pytest.raises(ShapeError, match=r"boolean \[5\], got torch.int64 \[5\]"):
        network(images, infrared=torch.zeros(5, dtype=torch.long))


def naive_non_local(layer, x):
    """AGW's block written out: places x places, divided by their number."""
    query, key, value = (part(x).flatten(2) for part in (layer.query, layer.key, layer.value))
    weights = query.transpose(1, 2) @ key / key.shape[-1]
    mixed = (weights @ value.transpose(1, 2)).transpose(1, 2).unflatten(2, x.shape[2:])
    return x + layer.norm(layer.out(mixed))


@pytest.mark.parametrize(("inner", "width"), [(NonLocalWidth.ONE, 1), (NonLocalWidth.HALF, 4)])
def test_a_non_local_block_equals_the_naive_one(inner, width):
    layer, x = NonLocal(8, inner).eval(), torch.randn(2, 8, 5, 3)
    torch.nn.init.normal_(layer.norm.weight)
    assert layer.query.out_channels == width
    torch.testing.assert_close(layer(x), naive_non_local(layer, x))


def test_new_non_local_blocks_change_nothing(images):
    plain = ResNet(ResNetConfig(**MICRO)).eval()
    network = ResNet(ResNetConfig(**MICRO, non_local=(0, 1, 2, 0))).eval()
    assert [len(looks) for looks in network.non_local] == [0, 1, 2, 0]
    missing = network.load_state_dict(plain.state_dict(), strict=False).missing_keys
    assert all(name.startswith("non_local.") for name in missing)
    torch.testing.assert_close(network(images).map, plain(images).map)


def test_non_local_blocks_follow_the_last_bottlenecks(images):
    network = ResNet(ResNetConfig(depths=(1, 1, 3, 1), width=4, non_local=(0, 0, 2, 0))).eval()
    order = []
    for name, module in network.named_modules():
        if name.startswith(("stages.2.", "non_local.2.")) and name.count(".") == 2:
            module.register_forward_hook(lambda *_, name=name: order.append(name))
    network(images)
    assert order == ["stages.2.0", "stages.2.1", "non_local.2.0", "stages.2.2", "non_local.2.1"]


@pytest.mark.parametrize("wrong", [{"streams": 3}, {"non_local": (0, 5, 0, 0)}])
def test_impossible_networks_are_refused(wrong):
    with pytest.raises(OptionError):
        ResNetConfig(**wrong)


def test_images_need_three_channels():
    with pytest.raises(ShapeError, match=r"\[B, 3, H, W\], got \[1, 1, 64, 32\]"):
        ResNet(ResNetConfig(**MICRO))(torch.zeros(1, 1, 64, 32))
