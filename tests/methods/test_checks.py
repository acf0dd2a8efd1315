"""What is refused before anything is decoded."""

import numpy as np
import pytest

from glimpse.choices import Teacher
from glimpse.errors import GlimpseError, OptionError
from glimpse.methods.checks import checked, divided, rehearse
from glimpse.recipes.bot import BoTRecipe
from glimpse.recipes.groups import ValidationRecipe
from glimpse.recipes.mos import MosRecipe
from glimpse.recipes.registry import recipe_of
from glimpse.recipes.sap import SapRecipe
from glimpse.records import Records


@pytest.mark.parametrize(
    ("method", "weights", "changes"),
    [
        ("bot", "resnet-micro", {}),
        ("transreid", "vit-micro", {"stride": 12}),
        ("dpm", "vit-micro", {}),
        ("spt", "vit-micro", {}),
        ("mos", "resnet-micro", {}),
        ("sap", "vit-micro", {}),
        ("sap", "vit-micro", {"teacher": Teacher.MAPS}),
    ],
)
def test_given_weights_that_fit_are_tried_on_blank_images(people, micro, method, weights, changes):
    recipe = micro(recipe_of(method), weights=weights, **changes)
    rehearse(method, recipe, people.records)
    learned, held, protocol = checked(method, recipe, people.records, None, None)
    assert len(learned) + len(held) == len(people)
    assert protocol is not None


@pytest.mark.parametrize(
    ("method", "recipe", "weights"),
    [
        ("bot", BoTRecipe(), "vit-micro"),
        ("mos", MosRecipe(), "vit-micro"),
        ("sap", SapRecipe(), "resnet-micro"),
    ],
)
def test_weights_of_another_backbone_are_refused(people, micro, method, recipe, weights):
    with pytest.raises(GlimpseError, match=r"is a (ViT, and a ResNet|ResNet, and a ViT) is needed"):
        checked(method, micro(recipe, weights=weights), people.records, None, None)


def test_a_share_of_the_persons_is_set_aside_whole(people, micro):
    recipe = micro(BoTRecipe(), validation=ValidationRecipe(share=0.25))
    learned, held = divided("bot", recipe, people.records, None)
    assert len(held.persons) == 2
    assert not set(learned.persons) & set(held.persons)


def test_single_images_are_told_what_to_do(micro):
    rows = Records.from_columns([f"{n}.jpg" for n in range(20)], np.arange(20), camera=np.arange(20) % 2)
    with pytest.raises(OptionError, match=r"a single image: set none aside \(validation.share=0\)"):
        checked("bot", micro(BoTRecipe()), rows, None, None)
