import pytest
import torch

from glimpse.choices import ImageBackbone, Pool, Size
from glimpse.models.backbones.pooling import Pooling
from glimpse.models.card import NetworkCard, options_to_json
from glimpse.models.factory import build_network
from glimpse.models.mos import MosNetwork, MosOptions


def network(**options):
    torch.manual_seed(0)
    return MosNetwork(Size.MICRO, (64, 32), MosOptions(**options)).eval()


@pytest.mark.parametrize("backbone", ImageBackbone)
@pytest.mark.parametrize("pool", Pool)
def test_sets_are_the_pooled_activations_never_negative_and_not_behind_the_neck(batch, backbone, pool):
    net = network(backbone=backbone, pool=pool)
    net.neck.norm.running_mean.fill_(1.0)
    with torch.no_grad():
        maps, sets = net.activations(batch.images), net.embed(batch.images)
    assert list(sets.shape) == [4, net.dim] == [4, 256]
    assert (sets >= 0).all()
    assert sets.any()
    torch.testing.assert_close(sets, Pooling(pool)(maps))


def test_a_vit_has_activations_at_its_patches(batch):
    maps = network(backbone=ImageBackbone.VIT, stride=12).activations(batch.images)
    assert list(maps.shape) == [4, 256, 10, 5]  # patches of 8 at every 6 pixels


def test_ibn_changes_the_norms_of_the_first_stages():
    names = set(network(ibn=True).state_dict())
    assert "backbone.stages.2.0.norm1.instance.weight" in names
    assert "backbone.stages.3.0.norm1.instance.weight" not in names


@pytest.mark.parametrize("backbone", ImageBackbone)
def test_a_card_gives_the_same_network_again(batch, backbone):
    net = network(backbone=backbone, pool=Pool.AVERAGE)
    options = options_to_json(MosOptions(backbone=backbone, pool=Pool.AVERAGE))
    card = NetworkCard("mos", Size.MICRO, (64, 32), similarity="set-jaccard", options=options)
    again = build_network(NetworkCard.from_json(card.to_json())).eval()
    again.load_state_dict(net.state_dict())
    assert torch.equal(again.embed(batch.images), net.embed(batch.images))
