"""Patch transfer in the training of its hosts."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from glimpse.choices import Mixing
from glimpse.errors import OptionError
from glimpse.methods.clip_reid import IMAGE_STAGE
from glimpse.methods.dpm import MAIN, MASK
from glimpse.methods.fit import fit
from glimpse.methods.prepare import prepare
from glimpse.progress import silent
from glimpse.recipes.clip_reid import ClipReIDRecipe
from glimpse.recipes.dpm import DpmRecipe
from glimpse.recipes.groups import TransferRecipe
from glimpse.recipes.transreid import TransReIDRecipe
from glimpse.segmentation.base import PERSON
from glimpse.segmentation.person_maps import mask_source
from glimpse.training.stages import Step, total_of

HOSTS = {"transreid": TransReIDRecipe(), "dpm": DpmRecipe(), "clip-reid": ClipReIDRecipe()}
STEP = Step(IMAGE_STAGE, "all", 1, 1, 0, 1)
WIDE_OPEN = TransferRecipe(share=1.0, candidates=1.0, overlap=0.1)


class UpperHalf:
    """Says that everybody is the upper half of their image."""

    truth = "an assumption"
    size = (64, 32)

    def masks(self, pixels, persons):
        masks = np.zeros((len(persons), 64, 32), bool)
        masks[:, :32] = True
        return masks


def mixed(host, micro, people, batch, mixing):
    recipe = micro(HOSTS[host], transfer=replace(WIDE_OPEN, mixing=mixing))
    prepared = prepare(host, recipe, people)
    masks = torch.from_numpy(UpperHalf().masks(None, np.zeros(4))).byte()
    transfer = prepared.stages[-1].transfer
    return prepared.method, transfer.apply(replace(batch, maps={PERSON: masks}), np.random.default_rng(2))


@pytest.mark.parametrize("host", HOSTS)
def test_without_a_share_there_is_no_transfer_at_all(host, micro, people):
    prepared = prepare(host, micro(HOSTS[host]), people)
    assert all(stage.transfer is None for stage in prepared.stages)


@pytest.mark.parametrize("mixing", Mixing)
@pytest.mark.parametrize("host", HOSTS)
def test_the_donors_person_gets_no_gradient_in_the_identity_loss(host, mixing, micro, people, batch):
    method, changed = mixed(host, micro, people, batch, mixing)
    assert (changed.ignored >= 0).any()
    only = changed.ignored[changed.ignored >= 0][0]
    # everybody ignores one person, whom nobody in the batch is
    changed = replace(changed, labels=changed.labels + 2, ignored=torch.full_like(changed.ignored, only))
    losses = method.losses(changed, STEP)
    learning = {
        "transreid": lambda: [("identity", head.weight) for head in method.classifiers],
        "dpm": lambda: [(name, method.prototypes) for name in ("identity", "masked_identity")],
        "clip-reid": lambda: [
            ("identity", head.weight) for head in (method.classifier, method.projected_classifier)
        ],
    }
    for name, prototypes in learning[host]():
        gradient = torch.autograd.grad(losses[name], prototypes, retain_graph=True)[0]
        assert gradient[only].abs().sum() == 0
        assert gradient.abs().sum() > 0


def test_the_donors_words_do_not_compete(micro, people, batch):
    method, changed = mixed("clip-reid", micro, people, batch, Mixing.PIXELS)
    only = int(changed.ignored[changed.ignored >= 0][0])
    changed = replace(changed, labels=changed.labels + 2, ignored=torch.full_like(changed.ignored, only))
    method.eval()
    method.prototypes.normal_()
    before = method.losses(changed, STEP)["image_to_text"]
    method.prototypes[only] *= -30
    assert torch.equal(method.losses(changed, STEP)["image_to_text"], before)
    method.prototypes[only + 1 if only + 1 < len(method.prototypes) else 0] *= -30
    assert not torch.equal(method.losses(changed, STEP)["image_to_text"], before)


@pytest.mark.parametrize("host", HOSTS)
def test_the_donors_images_are_no_negatives(host, micro, people, batch):
    method, changed = mixed(host, micro, people, batch, Mixing.PIXELS)
    method.eval()
    # of two persons each hides behind the other: nobody is left to keep away from
    apart = replace(changed, labels=torch.tensor([0, 0, 1, 1]), ignored=torch.tensor([1, 1, 0, 0]))
    assert method.losses(apart, STEP)["triplet"] == 0
    assert method.losses(replace(apart, ignored=None), STEP)["triplet"] > 0


@pytest.mark.parametrize("mixing", Mixing)
def test_dpms_mask_head_learns_from_the_mixed_images_too(mixing, micro, people, batch):
    method, changed = mixed("dpm", micro, people, batch, mixing)
    method.eval()
    torch.nn.init.normal_(method.network.mask_head.last.weight)

    def masked(seen, update):
        return method.losses(seen, replace(STEP, update=update))["masked_identity"]

    whole = replace(changed, images=batch.images, mix=None)
    assert torch.equal(masked(changed, MASK), masked(changed, MAIN))
    assert not torch.equal(masked(changed, MASK), masked(whole, MASK))


@pytest.mark.parametrize("mixing", Mixing)
@pytest.mark.parametrize("host", HOSTS)
def test_a_mixed_batch_trains_differently_and_finitely(host, mixing, micro, people, batch):
    method, changed = mixed(host, micro, people, batch, mixing)
    method.eval()
    with_transfer = total_of(method.losses(changed, STEP).values())
    without = total_of(method.losses(replace(changed, images=batch.images, mix=None), STEP).values())
    assert torch.isfinite(with_transfer)
    assert with_transfer != without


def test_a_run_trains_with_masks_of_any_source(micro, people, tmp_path):
    records = people.records
    paths = [str(tmp_path / Path(path).name) for path in records.path]
    for path, image in zip(paths, people.pixels.images, strict=True):
        Image.fromarray(image).save(path)
    rows = records.with_columns(path=np.array(paths, object))
    losses = []
    for name, transfer in (("off", TransferRecipe()), ("on", WIDE_OPEN), ("again", WIDE_OPEN)):
        recipe = micro(TransReIDRecipe(), epochs=1, transfer=transfer)
        masks = UpperHalf() if recipe.transfer.share else None
        fit("transreid", recipe, rows, tmp_path / name, cache=tmp_path / "cache", masks=masks)
        told = json.loads((tmp_path / name / "recipe.json").read_text())
        assert told.get("masks") == (masks.truth if masks else None)
        losses.append((tmp_path / name / "final.safetensors").read_bytes())
    assert losses[1] == losses[2] != losses[0]


def test_masks_that_nobody_asks_for_are_refused(micro, people, tmp_path):
    with pytest.raises(OptionError, match="transfers no patches"):
        mask_source(micro(TransReIDRecipe()), tmp_path, UpperHalf(), silent)
