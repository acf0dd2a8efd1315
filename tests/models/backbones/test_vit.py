from dataclasses import replace

import pytest
import torch

from glimpse.choices import Size, UnknownCamera
from glimpse.errors import OptionError, ShapeError
from glimpse.models.backbones.sizes import VIT
from glimpse.models.backbones.vit import Flavor, ViT, ViTConfig

MICRO = ViTConfig(image=(32, 16), patch=8, stride=8, width=16, depth=3, heads=2)
CLIP = replace(MICRO, flavor=Flavor.CLIP, projection=6)


@pytest.fixture
def images():
    return torch.randn(3, 3, 32, 16)


def test_shapes_of_everything_that_a_pass_gives(images):
    out = ViT(CLIP)(images, depths=[1, 3], class_logits_of=2, logits_of=3)
    assert out.grid == (4, 2)
    assert out.tokens.shape == (3, 9, 16)
    assert out.class_token.shape == (3, 16)
    assert out.patches.shape == (3, 8, 16)
    assert out.projected.shape == (3, 6)
    assert {depth: tuple(t.shape) for depth, t in out.at.items()} == {1: (3, 9, 16), 3: (3, 9, 16)}
    assert out.class_logits.shape == (3, 2, 8)
    assert out.logits.shape == (3, 2, 9, 9)


def test_what_is_not_asked_for_is_not_given(images):
    out = ViT(MICRO)(images)
    assert (out.projected, out.at, out.class_logits, out.logits) == (None, {}, None, None)


def test_overlapping_patches_follow_the_floor_grid():
    network = ViT(replace(MICRO, image=(64, 32), stride=5))
    assert network(torch.randn(1, 3, 64, 32)).patches.shape == (1, 12 * 5, 16)
    assert network.grid == (12, 5)


def by_hand(network, tokens):
    """The blocks, with attention written out."""
    for block in network.blocks:
        x = block.norm1(tokens)
        batch, number, width = x.shape
        value = block.attention.qkv(x)[..., 2 * width :].view(batch, number, 2, -1).transpose(1, 2)
        mixed = (block.attention.logits(x).softmax(-1) @ value).transpose(1, 2).reshape(x.shape)
        tokens = tokens + block.attention.out(mixed)
        tokens = tokens + block.mlp.down(block.mlp.activation(block.mlp.up(block.norm2(tokens))))
    return tokens


@pytest.mark.parametrize("config", [MICRO, CLIP])
def test_the_pass_equals_one_with_explicit_attention(images, config):
    network = ViT(config).eval()
    out = network(images, depths=[3])
    stream = by_hand(network, network.norm_before(network.embed(images)))
    torch.testing.assert_close(out.at[3], stream)
    torch.testing.assert_close(out.tokens, network.norm(stream))


def test_logits_belong_to_the_block_asked_for_and_change_nothing(images):
    network = ViT(MICRO).eval()
    plain = network(images, depths=[1])
    asked = network(images, class_logits_of=2, logits_of=2)
    assert asked.tokens.equal(plain.tokens)
    torch.testing.assert_close(asked.logits, network.blocks[1].logits(plain.at[1]))
    torch.testing.assert_close(asked.class_logits, asked.logits[:, :, 0, 1:])


@pytest.mark.parametrize("config", [MICRO, CLIP])
@pytest.mark.parametrize("training", [True, False])
def test_a_pass_without_patches_gives_the_same_class_token_and_gradients(config, training, images):
    network = ViT(config).train(training)

    def passed(**asked):
        network.zero_grad()
        out = network(images, depths=[2], class_logits_of=3, **asked)
        out.class_token[:, :5].square().sum().backward()  # of all it would be constant: the norm
        return out, [parameter.grad for parameter in network.parameters() if parameter.grad is not None]

    (full, expected), (out, got) = passed(), passed(patches=False)
    assert out.tokens.shape == (3, 1, 16)
    assert out.patches.shape == (3, 0, 16)
    torch.testing.assert_close(out.class_token, full.class_token)
    torch.testing.assert_close(out.projected, full.projected)
    assert out.at[2].equal(full.at[2])
    assert out.class_logits.equal(full.class_logits)
    torch.testing.assert_close(got, expected)


@pytest.mark.parametrize("training", [True, False])
def test_depths_get_the_last_blocks_patches_even_where_they_are_not_wanted_at_the_end(training, images):
    network = ViT(MICRO).train(training)
    out = network(images, depths=[3], patches=False)
    assert out.at[3].equal(network(images, depths=[3]).at[3])
    assert out.tokens.shape == (3, 1, 16)


def test_training_computes_one_row_of_the_last_block_and_evaluation_all(images):
    network, rows = ViT(MICRO), []
    network.blocks[-1].mlp.register_forward_hook(lambda *call: rows.append(call[2].shape[1]))
    for training, patches in ((True, False), (True, True), (False, False)):
        network.train(training)(images, patches=patches)
    assert rows == [1, 9, 9]


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_evaluation_gives_the_same_bits_in_any_batch(batch):
    network, images = ViT(VIT[Size.MICRO]).eval(), torch.randn(11, 3, 64, 32)
    with torch.no_grad():
        parts = [network(part, patches=False).class_token for part in images.split(batch)]
        assert torch.cat(parts).equal(network(images, patches=False).class_token)


def test_depths_are_the_stream_before_the_norm(images):
    network = ViT(CLIP).eval()
    out = network(images, depths=[2, 3])
    torch.testing.assert_close(network.blocks[2](out.at[2]), out.at[3])
    torch.testing.assert_close(network.norm(out.at[3]), out.tokens)
    torch.testing.assert_close(out.projected, out.class_token @ network.projection)


@pytest.mark.parametrize("wrong", [0, 4, -1])
def test_blocks_are_counted_from_one(images, wrong):
    with pytest.raises(OptionError, match=f"from 1 to 3, got {wrong}"):
        ViT(MICRO)(images, depths=[wrong])


def test_a_pass_over_all_patches_as_visible_equals_the_full_pass(images):
    network = ViT(replace(CLIP, cameras=2)).eval()
    side = torch.tensor([0, 1, -1])
    every = torch.arange(8).expand(3, 8)
    seen = network(images, cameras=side, visible=every, depths=[2])
    full = network(images, cameras=side, depths=[2])
    torch.testing.assert_close(seen.tokens, full.tokens)
    torch.testing.assert_close(seen.at[2], full.at[2])


def test_visible_patches_keep_their_positions_and_the_given_order(images):
    network = ViT(MICRO).eval()
    some = torch.tensor([[5, 0, 2], [1, 2, 3], [7, 6, 0]])
    out = network(images, visible=some, class_logits_of=1)
    assert out.tokens.shape == (3, 4, 16)
    assert out.class_logits.shape == (3, 2, 3)
    embedded = network.embed(images)
    rows = torch.stack([torch.cat([e[:1], e[1:][keep]]) for e, keep in zip(embedded, some, strict=True)])
    torch.testing.assert_close(out.tokens, network.norm(by_hand(network, rows)))


@pytest.mark.parametrize("visible", [torch.zeros(3), torch.zeros(2, 4, dtype=torch.long), torch.zeros(3, 4)])
def test_a_wrong_list_of_visible_patches_is_refused(images, visible):
    with pytest.raises(ShapeError, match=r"visible must be integers \[3, V\]"):
        ViT(MICRO)(images, visible=visible)


def test_mixing_sees_patches_without_class_token_and_position(images):
    network = ViT(MICRO).eval()
    kept = (torch.arange(8) < 5).float().unsqueeze(-1)

    def transfer(patches):
        donor = patches.roll(1, dims=0)
        return patches * kept + donor * (1 - kept)

    # without overlap, mixing patches is the same as mixing pixels (spt.md, "Transfer")
    pixels = kept.view(4, 2).repeat_interleave(8, 0).repeat_interleave(8, 1)
    mixed = images * pixels + images.roll(1, dims=0) * (1 - pixels)
    torch.testing.assert_close(network(images, mix=transfer).tokens, network(mixed).tokens)
    assert network(images, mix=lambda patches: patches).tokens.equal(network(images).tokens)


def test_camera_rows_on_all_tokens_or_on_the_class_token(images):
    side = torch.tensor([0, 1, 1])
    everywhere = ViT(replace(MICRO, cameras=2, camera_weight=3.0))
    table = 3 * everywhere.camera_embedding.table[side]
    plain = everywhere.embed(images, cameras=torch.full((3,), -1))
    torch.testing.assert_close(everywhere.embed(images, cameras=side), plain + table.unsqueeze(1))
    first = ViT(replace(MICRO, cameras=2, camera_weight=1.0, camera_on_class_only=True))
    plain = first.embed(images, cameras=torch.full((3,), -1))
    moved = first.embed(images, cameras=side)
    torch.testing.assert_close(moved[:, 0], plain[:, 0] + first.camera_embedding.table[side])
    assert moved[:, 1:].equal(plain[:, 1:])


def test_cameras_outside_the_table_get_nothing_or_the_mean(images):
    unknown = torch.tensor([-1, 2, 99])
    nothing = ViT(replace(MICRO, cameras=2))
    network = ViT(MICRO)
    network.load_state_dict({k: v for k, v in nothing.state_dict().items() if k != "camera_embedding.table"})
    torch.testing.assert_close(nothing.embed(images, cameras=unknown), network.embed(images))
    mean = ViT(replace(MICRO, cameras=2, unknown_camera=UnknownCamera.MEAN))
    both = sum(mean.embed(images, cameras=torch.full((3,), camera)) for camera in (0, 1)) / 2
    torch.testing.assert_close(mean.embed(images, cameras=unknown), both)


def test_camera_rows_must_be_given_when_and_only_when_there_is_a_table(images):
    with pytest.raises(OptionError, match="needs camera rows"):
        ViT(replace(MICRO, cameras=2))(images)
    with pytest.raises(OptionError, match="has no camera rows"):
        ViT(MICRO)(images, cameras=torch.zeros(3, dtype=torch.long))
    with pytest.raises(ShapeError, match=r"integers \[3\], got torch.int64 \[2\]"):
        ViT(replace(MICRO, cameras=2))(images, cameras=torch.zeros(2, dtype=torch.long))


def test_drop_path_grows_linearly_and_rests_in_evaluation(images):
    network = ViT(replace(MICRO, drop_path=0.2))
    assert [block.drop_path.rate for block in network.blocks] == pytest.approx([0, 0.1, 0.2])
    network.eval()
    assert network(images).tokens.equal(network(images).tokens)
    network.train()
    assert not network(images).tokens.equal(network(images).tokens)


def test_drop_path_leaves_out_whole_rows_and_keeps_the_mean():
    drop = ViT(replace(MICRO, drop_path=0.25)).blocks[2].drop_path
    kept = drop(torch.ones(4000, 2, 2))
    rows = kept.flatten(1)
    assert (rows == rows[:, :1]).all()
    assert kept.unique().tolist() == pytest.approx([0, 4 / 3])
    assert kept.mean() == pytest.approx(1, abs=0.05)


def test_flavors_differ_where_the_published_networks_do():
    imagenet, clip = ViT(MICRO), ViT(CLIP)
    assert imagenet.patch_embed.projection.bias is not None
    assert clip.patch_embed.projection.bias is None
    assert (imagenet.norm.eps, clip.norm.eps, clip.norm_before.eps) == (1e-6, 1e-5, 1e-5)
    x = torch.linspace(-3, 3, 7)
    torch.testing.assert_close(clip.blocks[0].mlp.activation(x), x / (1 + torch.exp(-1.702 * x)))
    torch.testing.assert_close(imagenet.blocks[0].mlp.activation(x), torch.nn.functional.gelu(x))


def test_images_of_another_size_are_refused():
    with pytest.raises(ShapeError, match=r"\[B, 3, 32, 16\], got \[3, 3, 16, 32\]"):
        ViT(MICRO)(torch.randn(3, 3, 16, 32))


def test_a_row_is_encoded_the_same_alone_and_in_a_batch(images):
    network = ViT(MICRO).eval()
    together = network(images).class_token
    alone = torch.cat([network(row.unsqueeze(0)).class_token for row in images])
    torch.testing.assert_close(together, alone)


def test_every_parameter_is_trained(images):
    network = ViT(replace(CLIP, cameras=2))
    network(images, cameras=torch.tensor([0, 1, 0])).projected.square().sum().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None] == []
