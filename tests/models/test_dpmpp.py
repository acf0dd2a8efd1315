"""DPM++'s network and its card."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from glimpse.choices import Backbone, MaskKind, NeckFeat, Size
from glimpse.methods.prepare import prepare
from glimpse.models.card import NetworkCard
from glimpse.models.dpmpp import DpmppNetwork, DpmppOptions
from glimpse.models.factory import build_network
from glimpse.recipes.dpmpp import DpmppRecipe
from glimpse.segmentation.base import PERSON
from glimpse.similarity import MaskSide
from glimpse.training.batches import TrainingData

VIT = DpmppRecipe(backbone=Backbone.VIT, text=False)


STRIPED = replace(VIT, stripes=2, stripe_weight=1.0)


SHORT = {"prompt_epochs": 1, "adapt_epochs": 1, "epochs": 2}


def with_masks(people):
    """Persons stand in the middle; every other image shows only the upper half."""
    masks = np.zeros((len(people), 64, 32), np.uint8)
    masks[:, 4:60, 8:24] = 1
    masks[::2, 32:] = 0
    return TrainingData(people.records, people.pixels, {PERSON: masks})


def prepared(micro, people, recipe=None, **changes):
    torch.manual_seed(0)
    return prepare("dpm++", micro(recipe or DpmppRecipe(), **{**SHORT, **changes}), with_masks(people))


@pytest.mark.parametrize("neck_feat", NeckFeat)
def test_the_network_comes_back_from_its_card(micro, people, batch, neck_feat):
    ready = prepared(micro, people, STRIPED, neck_feat=neck_feat, test_mask_side=MaskSide.SUBSPACE)
    card = NetworkCard.from_json(ready.card.to_json())
    assert (card.similarity, card.mask_side) == ("masked-cosine", MaskSide.SUBSPACE)
    again = build_network(card).eval()
    again.load_state_dict(ready.method.network.state_dict())
    network = ready.method.network.eval()
    for got, wanted in zip(
        again.embed(batch.images, batch.taken), network.embed(batch.images, batch.taken), strict=True
    ):
        torch.testing.assert_close(got, wanted)
        assert got.shape == (4, 192)


def network(stripes, mask=MaskKind.LIGHT):
    torch.manual_seed(0)
    return DpmppNetwork(Size.MICRO, (64, 32), 0, DpmppOptions(Backbone.VIT, mask, stripes=stripes)).eval()


def test_a_stripes_block_has_seen_nothing_but_its_stripe():
    images = torch.randn(2, 3, 64, 32)
    changed = images.clone()
    changed[:, :, 32:] = torch.randn(2, 3, 32, 32)
    ours = network(2)
    with torch.no_grad():
        before, after = ours(images).blocks, ours(changed).blocks
    assert torch.equal(before[:, 1], after[:, 1])
    assert (before[:, 2] - after[:, 2]).abs().amax(1).min() > 1e-2
    assert (before[:, 0] - after[:, 0]).abs().amax(1).min() > 1e-2
