import pytest
import torch

from glimpse.choices import ImageBackbone, NeckFeat, NonLocalWidth, Pool, Size
from glimpse.models.agw import AgwNetwork, AgwOptions
from glimpse.models.card import NetworkCard, options_to_json
from glimpse.models.factory import build_network
from glimpse.models.taken import Taken
from glimpse.records import IMAGE_MODALITIES

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
KNOWN = Taken(modalities=torch.tensor([0, 1, 0, 1]))


def network(**options):
    torch.manual_seed(0)
    net = AgwNetwork(Size.MICRO, (64, 32), AgwOptions(**options), MEAN, STD).eval()
    net.neck.norm.running_mean.fill_(0.5)
    return net


def normalized(pixels):
    mean, std = (torch.tensor(values)[:, None, None] for values in (MEAN, STD))
    return (pixels / 255 - mean) / std


@pytest.mark.parametrize("backbone", ImageBackbone)
def test_each_modality_has_weights_of_its_own_and_shares_the_rest(batch, backbone):
    net = network(backbone=backbone)
    with torch.no_grad():
        visible, infrared = (
            net.embed(batch.images, Taken(modalities=torch.full((4,), number))) for number in (0, 1)
        )
        mixed = net.embed(batch.images, KNOWN)
    assert not torch.allclose(visible, infrared)
    torch.testing.assert_close(mixed[0::2], visible[0::2])
    torch.testing.assert_close(mixed[1::2], infrared[1::2])


@pytest.mark.parametrize("backbone", ImageBackbone)
def test_untold_images_without_color_are_infrared(backbone):
    net = network(backbone=backbone)
    pixels = torch.randint(0, 256, (4, 3, 64, 32), generator=torch.Generator().manual_seed(1)).float()
    pixels[[1, 3]] = pixels[[1, 3], :1]
    pixels[3, 0, 5, 5] += 1 if pixels[3, 0, 5, 5] < 255 else -1  # one level of color in one place
    images = normalized(pixels)
    told = Taken(modalities=torch.tensor([0, 1, 0, 0]))
    unknown = Taken(modalities=torch.tensor([-1, -1, 0, -1]))
    with torch.no_grad():
        assert torch.equal(net.embed(images), net.embed(images, told))
        assert torch.equal(net.embed(images, unknown), net.embed(images, told))
        assert torch.equal(net.embed(images, Taken()), net.embed(images, told))


def test_a_gray_image_that_is_told_to_be_visible_is_visible():
    net = network()
    images = normalized(torch.full((1, 3, 64, 32), 90.0))
    with torch.no_grad():
        told = net.embed(images, Taken(modalities=torch.tensor([0])))
        assert not torch.allclose(told, net.embed(images))


def test_the_embedding_is_before_or_behind_the_neck(batch):
    before, after = network()(batch.images, KNOWN.modalities == 1)
    torch.testing.assert_close(network(neck_feat=NeckFeat.BEFORE).embed(batch.images, KNOWN), before)
    torch.testing.assert_close(network().embed(batch.images, KNOWN), after)
    assert (before >= 0).all()
    assert not torch.allclose(before, after)


@pytest.mark.parametrize(("width", "inner"), [(NonLocalWidth.ONE, 1), (NonLocalWidth.HALF, 32)])
def test_both_readings_of_the_non_local_blocks(width, inner):
    state = network(non_local_width=width).state_dict()
    assert list(state["backbone.non_local.1.0.query.weight"].shape) == [inner, 64, 1, 1]
    assert "backbone.non_local.0.0.query.weight" not in state
    assert "backbone.non_local.2.0.query.weight" in state


@pytest.mark.parametrize(
    ("options", "modalities"),
    [
        ({}, IMAGE_MODALITIES),
        ({"two_stems": False}, ()),
        ({"backbone": ImageBackbone.VIT}, IMAGE_MODALITIES),
        ({"backbone": ImageBackbone.VIT, "modality_weight": 0.0}, ()),
    ],
)
def test_a_card_gives_the_same_network_again_and_says_whether_it_asks_for_modalities(
    batch, options, modalities
):
    chosen = AgwOptions(non_local=False, pool=Pool.AVERAGE, **options)
    assert chosen.modalities == modalities
    net = network(non_local=False, pool=Pool.AVERAGE, **options)
    card = NetworkCard(
        "agw", Size.MICRO, (64, 32), MEAN, STD, modalities=modalities, options=options_to_json(chosen)
    )
    again = build_network(NetworkCard.from_json(card.to_json())).eval()
    again.load_state_dict(net.state_dict())
    assert torch.equal(again.embed(batch.images, KNOWN), net.embed(batch.images, KNOWN))
