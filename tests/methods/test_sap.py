from dataclasses import replace

import numpy as np
import pytest
import torch

from glimpse.choices import Size, Teacher
from glimpse.errors import TrainingError
from glimpse.methods.prepare import prepare
from glimpse.methods.sap import Sap, prepare_sap
from glimpse.methods.sap_losses import patch_labels
from glimpse.methods.transreid import TransReID
from glimpse.models.sap import SapNetwork, SapOptions
from glimpse.models.transreid import TransReIDNetwork, TransReIDOptions
from glimpse.recipes.groups import SamplerRecipe
from glimpse.recipes.sap import DropoutRecipe, SapRecipe
from glimpse.recipes.transreid import TransReIDRecipe
from glimpse.segmentation.parts import PART
from glimpse.segmentation.sources import StripeParts
from glimpse.training.batches import Batch
from glimpse.training.losses import cross_entropy, soft_triplet
from glimpse.training.stages import Step

STEP = Step("train", "all", 2, 4, 0, 1, (0, 1))
PLAIN = TransReIDRecipe(size=Size.MICRO, stride=16, cameras=False, jigsaw=False)
RECIPE = SapRecipe(size=Size.MICRO, stride=16, parts=4)


def method(recipe=RECIPE, parts=4):
    torch.manual_seed(0)
    names = ",".join(map(str, range(parts))) if recipe.proxies else ""
    options = SapOptions(parts=names, rounds=recipe.rounds, stride=recipe.stride)
    return Sap(SapNetwork(Size.MICRO, (64, 32), 0, options), 2, parts, recipe)


def with_maps(data, names=("background", "head", "torso", "legs")):
    """Part maps of the drawn persons: three bands in the middle."""
    maps = np.zeros((len(data), 64, 32), np.uint8)
    for part, rows in enumerate((slice(6, 16), slice(16, 38), slice(38, 60)), start=1):
        maps[:, rows, 8:24] = part
    return replace(data, maps={PART: maps}, part_names=names)


def test_proxies_start_from_the_last_block_of_the_starting_weights(people):
    prepared = prepare("sap", replace(RECIPE, weights="vit-micro", sampler=SamplerRecipe(4, 2)), people)
    network = prepared.method.network
    last = network.backbone.blocks[-1].state_dict()
    assert all(torch.equal(value, last[name]) for name, value in network.proxies.block.state_dict().items())
    assert torch.equal(network.proxies.norm.weight, network.backbone.norm.weight)
    shipped = prepare(
        "transreid", replace(PLAIN, weights="vit-micro", sampler=SamplerRecipe(4, 2)), people
    ).method.network.backbone
    assert torch.equal(last["norm1.weight"], shipped.blocks[-1].norm1.weight)


def test_without_teaching_and_proxies_it_is_the_baseline_bit_for_bit(batch):
    sap = method(replace(RECIPE, proxies=False, patch_weight=0.0))
    torch.manual_seed(0)
    plain = TransReID(
        TransReIDNetwork(Size.MICRO, (64, 32), 0, TransReIDOptions()), 2, TransReIDRecipe(jigsaw=False)
    )
    found, expected = ({}, {})
    for one, losses in ((sap, found), (plain, expected)):
        torch.manual_seed(1)  # drop path draws
        losses |= one.losses(replace(batch, cameras=None), STEP)
        sum(losses.values()).backward()
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert torch.equal(found[name], value), name
    for one, other in zip(sap.parameters(), plain.parameters(), strict=True):
        assert (one.grad is None and other.grad is None) or torch.equal(one.grad, other.grad)


def test_parts_count_together_as_much_as_the_class_token(batch):
    sap = method(replace(RECIPE, patch_weight=0.0, proxy_weight=0.0)).eval()
    output = sap.network(batch.images)
    found = sap.losses(replace(batch, cameras=None), STEP)
    assert set(found) == {"identity", "triplet"}
    scores = [head(x) for head, x in zip(sap.classifiers, output.after, strict=True)]
    identity = [cross_entropy(x, batch.labels, smoothing=0.0) for x in scores]
    triplet = [soft_triplet(x, batch.labels) for x in output.before]
    for name, losses in (("identity", identity), ("triplet", triplet)):
        torch.testing.assert_close(found[name], losses[0] + sum(losses[1:]) / 4)


def test_consistencies_teach_the_attention_and_the_proxies(batch):
    sap = method()
    found = sap.losses(replace(batch, cameras=None), STEP)
    assert set(found) == {"identity", "triplet", "patch", "proxy"}
    found["proxy"].backward(retain_graph=True)
    assert sap.network.proxies.queries.grad.any()
    sap.zero_grad()
    found["patch"].backward()
    last, before = (sap.network.backbone.blocks[n].attention.qkv.weight.grad for n in (-1, -2))
    width = last.shape[1]
    assert last[: 2 * width].any()
    assert not last[2 * width :].any()  # the values of the last block are not taught
    assert before.any()
    assert sap.network.proxies.queries.grad is None


def test_what_is_dropped_depends_on_the_step_alone(batch):
    sap = method(replace(RECIPE, dropout=DropoutRecipe(share=0.5))).eval()
    batch = replace(batch, cameras=None)
    first, again, other = (
        sap.losses(batch, step)["patch"].item() for step in (STEP, STEP, replace(STEP, key=(0, 2)))
    )
    assert first == again != other


def test_stripes_are_told_in_patches_of_the_backbone(batch):
    sap = method(replace(RECIPE, stride=12))
    labels, bands = sap._labels(batch), torch.from_numpy(StripeParts(4).parts([""], (64, 32)))
    assert torch.equal(labels, patch_labels(bands, 4, 8, 6, 0.05))
    assert labels.shape == (1, 50, 5)


def test_maps_teach_by_what_each_image_shows(people, micro):
    recipe = micro(SapRecipe(), teacher=Teacher.MAPS, stride=16)
    assert recipe.needs_parts
    prepared = prepare_sap(recipe, with_maps(people))
    assert prepared.method.parts == 3
    assert prepared.card.options["parts"] == "head,torso,legs"
    assert prepared.method.network.names == ("head", "torso", "legs")


def test_maps_that_are_not_there_are_missed(people, micro):
    with pytest.raises(TrainingError, match="learns from part maps"):
        prepare("sap", micro(SapRecipe(), teacher=Teacher.MAPS), people)


@pytest.mark.parametrize("teacher", Teacher)
def test_the_proxies_learn_where_their_parts_are(people, micro, teacher):
    """A few steps, with nothing but the consistency to learn from."""
    recipe = micro(
        SapRecipe(), teacher=teacher, stride=16, parts=3, proxy_weight=1.0, dropout=DropoutRecipe(share=0.0)
    )
    data = with_maps(people)
    torch.manual_seed(0)
    sap = prepare_sap(recipe, data).method
    images = torch.from_numpy(people.pixels.read(np.arange(16))).permute(0, 3, 1, 2) / 127.5 - 1
    rows = torch.arange(16)
    maps = {PART: torch.from_numpy(data.maps[PART][:16])}
    batch = Batch(rows, rows // 8, None, rows * 0, images.float(), maps=maps)
    optimizer = torch.optim.Adam(sap.parameters(), 1e-3)
    losses = []
    for step in range(60):
        loss = sap.losses(batch, replace(STEP, key=(step,)))["proxy"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    sap.eval()
    wanted = sap._labels(batch).expand(16, -1, -1)
    attention = sap.network(batch.images).attention[-1]
    on_part = torch.stack([attention[:, part][wanted[:, :, part] > 0.5].mean() for part in (1, 2, 3)])
    elsewhere = torch.stack([attention[:, part][wanted[:, :, part] < 0.5].mean() for part in (1, 2, 3)])
    assert losses[-1] < losses[0]
    assert (on_part > 1.5 * elsewhere).all()
