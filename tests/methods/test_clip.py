"""CLIP as it is pre-trained: captions, and persons beside them."""

from dataclasses import replace

import pytest
import torch

from glimpse.methods.clip import ENDS, IDS, Clip
from glimpse.models.backbones.sizes import Size
from glimpse.models.clip import ClipNetwork
from glimpse.recipes.clip import ClipRecipe
from glimpse.training.losses import cross_entropy
from glimpse.training.stages import Step

STEP = Step("train", "all", 1, 1, 0, 1)


def method(**changes):
    torch.manual_seed(0)
    return Clip(ClipNetwork(Size.MICRO, (64, 32)), 2, ClipRecipe(**changes)).eval()


@pytest.fixture
def captioned(batch):
    ids = torch.tensor([[5, 6, 7, 9], [5, 6, 9, 0], [8, 6, 7, 9], [8, 9, 0, 0]])
    return replace(batch, columns={IDS: ids, ENDS: torch.tensor([3, 2, 3, 1])})


def test_persons_are_told_by_the_class_token(captioned):
    clip = method(identity_weight=0.5)
    torch.nn.init.normal_(clip.persons[1].weight)
    class_token = clip.network.images(captioned.images).class_token
    wanted = 0.5 * cross_entropy(clip.persons(class_token), captioned.labels)
    torch.testing.assert_close(clip.losses(captioned, STEP)["identity"], wanted)


def test_without_persons_only_the_contrast_is_left(captioned):
    alone, both = method(identity_weight=0.0), method()
    both.network.load_state_dict(alone.network.state_dict())
    assert not [name for name, _ in alone.named_parameters() if name.startswith("persons")]
    found = alone.losses(captioned, STEP)
    assert found.keys() == {"contrast"}
    torch.testing.assert_close(found["contrast"], both.losses(captioned, STEP)["contrast"])


def test_the_classifier_is_no_part_of_what_is_shipped(captioned):
    clip = method()
    sum(clip.losses(captioned, STEP).values()).backward()
    assert clip.persons[1].weight.grad.abs().sum() > 0
    assert not [name for name in clip.network.state_dict() if "persons" in name]
