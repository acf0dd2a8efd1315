import pytest
import torch

from glimpse.choices import Size
from glimpse.errors import OptionError
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


def test_without_refinement_pooling_is_the_formula():
    torch.manual_seed(0)
    proxies = Proxies(2, 8, 2, 0, 4.0).eval()
    patches = torch.randn(3, 5, 8)
    features, (attention,) = proxies(patches)
    query, key, value = (
        torch.nn.functional.linear(x, layer.weight, layer.bias)
        for layer, x in (
            (proxies.pool.query, proxies.queries),
            (proxies.pool.key, patches),
            (proxies.pool.value, patches),
        )
    )
    wanted = (query @ key.transpose(1, 2) / 8**0.5).softmax(-1)
    torch.testing.assert_close(attention, wanted)
    torch.testing.assert_close(features, (wanted @ value)[:, 1:])


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
def test_at_first_every_part_is_about_the_mean_of_the_patches(batch, rounds):
    output = network(rounds=rounds)(batch.images)
    mean = output.patches.mean(1)
    for feature in output.before[1:]:
        assert (torch.nn.functional.cosine_similarity(feature, mean) > 0.99).all()


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
