"""DPM++ in its stages, forms and backbones: dpmpp.md."""

from dataclasses import replace

import pytest
import torch
from short_dpmpp import SHORT, VIT, prepared, with_masks

from glimpse.choices import Backbone, Copies, Form, MaskKind
from glimpse.errors import OptionError
from glimpse.methods.dpm import MAIN, MASK
from glimpse.methods.dpm_losses import masked_arcface
from glimpse.methods.dpmpp import ADAPT, CACHED, METRIC, PROMPTS, clean_statistics
from glimpse.methods.dpmpp_losses import pair_loss, prototype_alignment
from glimpse.methods.prepare import prepare
from glimpse.models.heads.bnneck import Neck
from glimpse.recipes.dpmpp import CopiesRecipe, DpmppRecipe
from glimpse.recipes.registry import recipe_of
from glimpse.similarity import MaskSide
from glimpse.training.engine import Engine
from glimpse.training.loop import train
from glimpse.training.losses import cross_entropy, margin_triplet
from glimpse.training.stages import Step

STRIPED = replace(VIT, stripes=2, stripe_weight=1.0)


def step(stage, update=MAIN, **where):
    return Step(stage, update, 1, 1, 0, 1, **where)


def with_copies(batch):
    """Two copies: of the first image, hidden below by person 1, and of the last one, in full view."""
    rows = torch.tensor([0, 3])
    grown = {
        name: torch.cat([getattr(batch, name), getattr(batch, name)[rows]])
        for name in ("rows", "labels", "cameras", "modalities", "images")
    }
    grown["images"][4, :, 32:] = 0.3
    visible = torch.ones(6, 8)
    visible[4, 4:] = 0
    return replace(
        batch,
        **grown,
        ignored=torch.tensor([-1, -1, -1, -1, 1, -1]),
        sources=torch.tensor([-1, -1, -1, -1, 0, 3]),
        visible=visible,
        seen=visible[:, :, None].expand(-1, -1, 4),
    )


def test_the_losses_of_each_stage(micro, people, batch):
    method = prepared(micro, people).method
    cached = replace(batch, columns={CACHED: torch.randn(4, 32)})
    assert set(method.losses(cached, step(PROMPTS))) == {"image_to_text", "text_to_image"}
    without = {"identity", "triplet", "heads", "image_to_text", "prototypes"}
    assert set(method.losses(with_copies(batch), step(ADAPT))) == without
    masked = {"masked_identity", "pair", "participation", "wider"}
    assert set(method.losses(with_copies(batch), step(METRIC))) == without | masked
    assert set(method.losses(with_copies(batch), step(METRIC, MASK))) == masked


def test_the_published_weights_of_clean_images(micro, people, batch):
    method = prepared(micro, people).method.eval()
    method.prototypes.normal_()
    losses = method.losses(batch, step(METRIC))
    features, labels = method.network(batch.images, batch.cameras), batch.labels
    necked = method.network.neck(features.descriptor)
    z = method.projected_classifier(method.projected_neck(features.projected))
    identity = cross_entropy(necked @ method.classes.T, labels, 0.1) + cross_entropy(z, labels, 0.1)
    torch.testing.assert_close(losses["identity"], 0.25 * identity)
    metric = (features.early, features.blocks[:, 0], features.projected)
    torch.testing.assert_close(losses["triplet"], sum(margin_triplet(x, labels, 0.3) for x in metric))
    towards = cross_entropy(features.projected @ method.prototypes.T, labels, 0.1)
    torch.testing.assert_close(losses["image_to_text"], towards)
    masks = method.network.masks(features)
    masked = masked_arcface(necked, masks, method.classes, labels, margin=0.5)
    torch.testing.assert_close(losses["masked_identity"], 0.25 * masked)


def test_the_pair_loss_compares_copies_with_clean_images(micro, people, batch):
    method = prepared(micro, people, VIT).method.eval()
    both = with_copies(batch)
    losses = method.losses(both, step(METRIC))
    features = method.network(both.images, both.cameras)
    necked, masks = method.network.neck(features.descriptor), method.network.masks(features)
    wanted = pair_loss(necked[4:], masks[4:], necked[:4], both.labels[4:], both.labels[:4], both.ignored[4:])
    torch.testing.assert_close(losses["pair"], 0.5 * wanted)


def test_the_donors_person_gets_no_gradient_from_a_copy_in_any_classification(micro, people, batch):
    method = prepared(micro, people).method.eval()
    changed = with_copies(batch)
    # everybody ignores person 5, whom nobody in the batch is
    changed = replace(changed, ignored=torch.full_like(changed.ignored, 5))
    for name in ("identity", "masked_identity", "image_to_text"):
        method.zero_grad()
        method.prototypes.requires_grad_()
        method.losses(changed, step(METRIC))[name].backward()
        learned = {
            "identity": [method.classes, method.projected_classifier.weight],
            "masked_identity": [method.classes],
            "image_to_text": [method.prototypes],
        }[name]
        for weights in learned:
            assert weights.grad[5].abs().max() == 0
            assert weights.grad[6].abs().max() > 0
        method.prototypes.requires_grad_(False)
        method.prototypes.grad = None


def test_stripes_that_a_copy_does_not_show_are_not_classified(micro, people, batch):
    method = prepared(micro, people, STRIPED, stripes=4).method.eval()
    both = with_copies(batch)
    method.losses(both, step(METRIC))["identity"].backward()
    width = method.network.width
    # the copy of person 0 hides stripes 2 and 3; with its pixels changed there, those prototypes learn alike
    before = method.classes.grad.clone()
    method.zero_grad()
    alone = replace(both, labels=torch.cat([both.labels[:4], torch.tensor([7, 1])]))
    method.losses(alone, step(METRIC))["identity"].backward()
    after = method.classes.grad
    assert torch.equal(before[7, 3 * width :], after[7, 3 * width :])
    assert not torch.equal(before[7, width : 2 * width], after[7, width : 2 * width])


def test_copies_are_normalized_but_not_counted():
    neck = Neck(3).train()
    features = torch.randn(6, 3)
    result = clean_statistics(neck, features, 4)
    same = Neck(3).train()
    torch.testing.assert_close(result[:4], same(features[:4]))
    torch.testing.assert_close(neck.norm.running_mean, same.norm.running_mean)
    torch.testing.assert_close(result[4:], same.eval()(features[4:]))
    torch.testing.assert_close(clean_statistics(neck.eval(), features, 4), neck(features))


def test_the_weight_of_the_prototypes_alignment_fades_out(micro, people, batch):
    recipe = {"adapt_epochs": 4, "epochs": 10, "pull_back": False}
    method = prepared(micro, people, **recipe).method.eval()
    method.prototypes.normal_()
    weights = [
        method.losses(batch, replace(step(stage), epoch=epoch))["prototypes"].item()
        for stage, epoch in ((ADAPT, 1), (ADAPT, 4), (METRIC, 1), (METRIC, 6))
    ]
    assert weights == sorted(weights, reverse=True)
    assert weights[3] < 0.1 * weights[0]


def test_with_stripes_only_the_block_that_knows_words_is_aligned_with_them(micro, people, batch):
    method = prepared(micro, people, replace(DpmppRecipe(), stripes=2, stripe_weight=1.0)).method
    method.prototypes.normal_()
    width, recipe = method.network.width, method.recipe
    assert method.classes.shape[1] == 3 * width
    loss = method.losses(batch, step(ADAPT))["prototypes"]
    gradient = torch.autograd.grad(loss, method.classes)[0]
    assert gradient[:, :width].abs().sum() > 0
    assert gradient[:, width:].abs().sum() == 0
    alike = prototype_alignment(method.classes[:, :width], method.prototypes, batch.labels)
    torch.testing.assert_close(loss, recipe.prototype_weight * alike)  # nothing has faded in the first epoch


def test_a_recipe_refuses_what_cannot_be_trained():
    with pytest.raises(OptionError, match="only CLIP knows words"):
        DpmppRecipe(backbone=Backbone.VIT)
    with pytest.raises(OptionError, match="adapt_epochs must be fewer"):
        DpmppRecipe(adapt_epochs=60)
    with pytest.raises(OptionError, match="train_mask_side"):
        DpmppRecipe(train_mask_side=MaskSide.BOTH)
    with pytest.raises(OptionError, match="stripes must be from 0 to 16, got -1"):
        DpmppRecipe(stripes=-1)
    with pytest.raises(OptionError, match=r"masks of stripes.*got 0\.0 and 0\.5"):
        DpmppRecipe(stripes=2)
    with pytest.raises(OptionError, match=r"got 1\.0 and 0"):
        DpmppRecipe(stripes=2, stripe_weight=1.0, transfer=CopiesRecipe(share=0))
    assert DpmppRecipe(stripes=2, mask=MaskKind.NONE, transfer=CopiesRecipe(share=0)).stripes == 2


def test_stripes_ask_where_persons_are_whatever_hides_them():
    erasing = CopiesRecipe(kind=Copies.ERASING)
    assert replace(STRIPED, transfer=erasing).needs_masks
    assert not replace(STRIPED, transfer=erasing, mask=MaskKind.STATIC).needs_masks
    assert not replace(VIT, transfer=erasing).needs_masks
    assert VIT.needs_masks


def test_the_controls_recipe_erases_instead_and_needs_no_masks(micro, people):
    copies = CopiesRecipe(kind=Copies.ERASING)
    assert not copies.needs_masks
    torch.manual_seed(0)
    ready = prepare("dpm++", micro(VIT, **SHORT, transfer=copies), people)
    assert ready.stages[0].transfer is not None
    none = prepare("dpm++", micro(VIT, **SHORT, transfer=CopiesRecipe(share=0)), people)
    assert none.stages[0].transfer is None
    assert none.stages[0].augmentation.erasing is not None
    assert ready.stages[0].augmentation.erasing is None


def test_the_catalogue_knows_it():
    assert recipe_of("dpm++") == DpmppRecipe()


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("recipe", [DpmppRecipe(), replace(STRIPED, form=Form.JOINT)], ids=["clip", "vit"])
def test_a_run_killed_in_any_stage_resumes_to_the_same_bytes(people, micro, tmp_path, recipe):
    engine = Engine(device="cpu", checkpoint_steps=1)

    def run(folder, calls=None, resume=False):
        ready = prepared(micro, people, recipe)
        model = ready.method
        if calls is not None:
            losses, left = model.losses, iter(range(calls))

            def fragile(batch, step):
                if next(left, None) is None:
                    raise Interrupted
                return losses(batch, step)

            model.losses = fragile
        options = {"engine": engine, "resume": resume, "quiet": True}
        train(model, with_masks(people), ready.stages, folder, seed=0, **options)
        return (folder / "final.safetensors").read_bytes()

    whole = run(tmp_path / "whole")
    for calls in (1, 3, 6):
        with pytest.raises(Interrupted):
            run(tmp_path / f"cut{calls}", calls=calls)
        assert run(tmp_path / f"cut{calls}", resume=True) == whole


def test_every_stripe_has_a_triplet_loss_and_all_stripes_weigh_as_much_as_the_image(micro, people, batch):
    method = prepared(micro, people, STRIPED).method.eval()
    both = replace(with_copies(batch), ignored=None)
    found = method.losses(both, step(ADAPT))["triplet"]
    blocks = method.network(both.images, both.cameras).blocks
    whole, first, second = (margin_triplet(block, both.labels, 0.3) for block in blocks.unbind(1))
    torch.testing.assert_close(found, whole + (first + second) / 2)
