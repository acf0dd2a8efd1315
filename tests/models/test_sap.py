import pytest
import torch
from torch.nn.functional import cosine_similarity

from glimpse.choices import Size
from glimpse.errors import OptionError
from glimpse.models.backbones.vit import ViT, ViTConfig
from glimpse.models.card import NetworkCard, options_to_json
from glimpse.models.factory import build_network
from glimpse.models.sap import CrossAttention, Proxies, SapNetwork, SapOptions
from glimpse.models.transreid import TransReIDNetwork, TransReIDOptions


def network(cameras=0, **options):
    torch.manual_seed(0)
    return SapNetwork(
        Size.MICRO, (64, 32), cameras, SapOptions(**{"parts": "head,legs", "stride": 16, **options})
    ).eval()


def test_without_proxies_it_is_the_baseline(batch):
    sap = network(parts="")
    torch.manual_seed(0)
    plain = TransReIDNetwork(Size.MICRO, (64, 32), 0, TransReIDOptions()).eval()
    assert {k: v.shape for k, v in sap.state_dict().items()} == {
        k: v.shape for k, v in plain.state_dict().items()
    }
    for name, value in plain.state_dict().items():
        assert torch.equal(value, sap.state_dict()[name]), name
    unit = torch.nn.functional.normalize(plain.embed(batch.images))
    assert torch.equal(sap.embed(batch.images), unit)


def test_the_descriptor_is_the_class_token_and_the_parts_by_halves_without_the_background(batch):
    net = network()
    output = net(batch.images)
    assert len(output.before) == len(output.after) == 3
    vectors = net.embed(batch.images)
    assert list(vectors.shape) == [4, net.dim] == [4, 3 * 64]
    first, *parts = vectors.split(64, 1)
    torch.testing.assert_close(first.norm(dim=1), torch.ones(4))
    torch.testing.assert_close(torch.cat(parts, 1).norm(dim=1), torch.ones(4))
    for block, feature in zip(parts, output.before[1:], strict=True):
        torch.testing.assert_close(block * 2**0.5, torch.nn.functional.normalize(feature))


@pytest.mark.parametrize(("rounds", "maps"), [(0, 1), (1, 2), (3, 2)])
def test_attention_is_over_patches_of_the_first_round_and_of_the_pooling(batch, rounds, maps):
    attention = network(rounds=rounds)(batch.images).attention
    assert [list(one.shape) for one in attention] == [[4, 3, 32]] * maps
    for one in attention:
        torch.testing.assert_close(one.sum(-1), torch.ones(4, 3))


def test_without_refinement_proxies_read_as_a_class_token_that_sees_no_other_token():
    torch.manual_seed(0)
    vit = ViT(ViTConfig(image=(64, 32), patch=8, stride=8, width=32, depth=2, heads=4)).eval()
    proxies = Proxies(vit, 2, 0, 4.0).eval()
    tokens = torch.randn(3, 33, 32)
    features, (attention,) = proxies(tokens)
    block = vit.blocks[-1]
    for number in range(3):
        query = tokens[:, :1] + proxies.queries[number]
        both = torch.cat([query, tokens[:, 1:]], dim=1)
        allowed = torch.ones(33, 33, dtype=torch.bool)
        allowed[0, 0] = False
        mixed = query + block.attention(block.norm1(both), allowed=allowed)[:, :1]
        wanted = vit.norm(mixed + block.mlp(block.norm2(mixed)))[:, 0]
        if number:
            torch.testing.assert_close(features[:, number - 1], wanted)
        logits = block.attention.class_logits(block.norm1(both))
        torch.testing.assert_close(attention[:, number], logits.softmax(-1).mean(1))


def test_heads_look_separately_and_their_attention_is_averaged():
    torch.manual_seed(0)
    attend = CrossAttention(8, 2)
    tokens, context = torch.randn(1, 3, 8), torch.randn(1, 5, 8)
    mixed, weights = attend(tokens, context)
    heads = []
    for some in (slice(0, 4), slice(4, 8)):
        query, key = attend.query(tokens)[..., some], attend.key(context)[..., some]
        heads.append((query @ key.transpose(1, 2) / 2).softmax(-1))
    torch.testing.assert_close(weights, (heads[0] + heads[1]) / 2)
    values = attend.value(context)
    wanted = torch.cat([heads[0] @ values[..., :4], heads[1] @ values[..., 4:]], dim=-1)
    torch.testing.assert_close(mixed, attend.out(wanted))


def test_refinement_changes_the_patches_that_are_pooled(batch):
    net = network(rounds=1)
    with torch.no_grad():
        before = net(batch.images).before[1]
        net.proxies.rounds[0].spread.out.bias[::2].fill_(1.0)
        after = net(batch.images).before[1]
    assert not torch.allclose(before, after)


@pytest.mark.parametrize("rounds", [0, 2])
def test_from_starting_weights_every_part_begins_as_the_class_token(batch, rounds):
    net = network(rounds=rounds)
    torch.manual_seed(5)
    for parameter in net.backbone.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    first, *parts = net(batch.images).before
    assert not any((cosine_similarity(part, first) > 0.9).all() for part in parts)
    net.proxies.follow(net.backbone)
    first, *parts = net(batch.images).before
    assert all((cosine_similarity(part, first) > 0.9).all() for part in parts)


def test_logits_are_those_of_the_block_that_was_asked_for(batch):
    net = network()
    asked = net(batch.images, logits_of=2)
    expected = net.backbone(batch.images, logits_of=2).logits
    assert torch.equal(asked.logits, expected)
    assert net(batch.images).logits is None


def test_cameras_reach_the_backbone(batch):
    net = network(cameras=2)
    unknown, known = net.embed(batch.images), net(batch.images, batch.cameras).before[0]
    assert not torch.allclose(net(batch.images).before[0], known)
    assert unknown.shape == (4, 192)


def test_a_card_gives_the_same_network_again(batch):
    net = network(rounds=2, stride=12)
    options = options_to_json(SapOptions(parts="head,legs", rounds=2, stride=12))
    card = NetworkCard.from_json(NetworkCard("sap", Size.MICRO, (64, 32), options=options).to_json())
    again = build_network(card).eval()
    again.load_state_dict(net.state_dict())
    assert torch.equal(again.embed(batch.images), net.embed(batch.images))


def test_negative_rounds_are_refused():
    with pytest.raises(OptionError, match="cannot be negative, got -1"):
        network(rounds=-1)
