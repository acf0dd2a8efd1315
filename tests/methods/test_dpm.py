"""DPM in training and at test: dpm.md."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from glimpse.choices import Dtype, Form, MaskKind, Size
from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError, TrainingError
from glimpse.methods.dpm import MASK, Dpm, dpm_updates, prepare_dpm
from glimpse.methods.dpm_losses import head_enrichment, masked_arcface, participation, participation_floor
from glimpse.models.card import NetworkCard
from glimpse.models.dpm import DpmNetwork, DpmOptions
from glimpse.models.factory import similarity_of
from glimpse.recipes.dpm import DpmRecipe
from glimpse.similarity import MaskedCosine, MaskSide
from glimpse.training.batches import TrainingData
from glimpse.training.build import build_schedule
from glimpse.training.engine import Engine
from glimpse.training.loop import train
from glimpse.training.losses import cross_entropy, soft_triplet
from glimpse.training.stages import Stage, Step
from glimpse.training.update import build_optimizers, set_mode, take_step

STEP = Step("train", "main", 1, 1, 0, 1)
PLAIN = {"drop_path": 0.0, "stride": 16}


def network(mask=MaskKind.LIGHT, **options):
    torch.manual_seed(0)
    net = DpmNetwork(Size.MICRO, (64, 32), 2, DpmOptions(mask, **{"stride": 16, **options})).eval()
    if hasattr(net.mask_head, "last"):
        nn.init.normal_(net.mask_head.last.weight)
    return net


def method(persons=2, **recipe):
    recipe = DpmRecipe(size=Size.MICRO, **{"mask": MaskKind.LIGHT, **PLAIN, **recipe})
    return Dpm(network(recipe.mask, drop_path=recipe.drop_path, neck_feat=recipe.neck_feat), persons, recipe)


def stepped(model, batch, sampler, steps=1, dtype=Dtype.FLOAT32):
    """Take steps by the engine; gives the losses of the last and what each update changed."""
    stage = Stage("train", 1, dpm_updates(model.recipe), sampler)
    ready = build_optimizers(model, stage)
    for one in ready:
        one.set_lrs(5)
    set_mode(model, stage)
    for index in range(steps):
        keys = {u.name: Step("train", u.name, 5, 9, index, steps, (1, index)) for u in stage.updates}
        values = take_step(model, batch, keys, ready, dtype)
    return values


@pytest.fixture
def sampler(people):
    from glimpse.training.sampler import PersonSampler

    return PersonSampler(people.labels, persons=4, images=4)


def test_the_published_losses(batch):
    model = method(margin=0.5).eval()
    losses = model.losses(batch, STEP)
    features = model.network(batch.images, batch.cameras, heads=True)
    labels, masks = batch.labels, model.network.masks(features)
    plain = cross_entropy(features.necked @ model.prototypes.T, labels)
    masked = masked_arcface(features.necked, masks, model.prototypes, labels, scale=30, margin=0.5)
    assert losses.keys() == {"identity", "masked_identity", "triplet", "heads"}
    torch.testing.assert_close(losses["identity"], 0.5 * plain)
    torch.testing.assert_close(losses["masked_identity"], 0.5 * masked)
    torch.testing.assert_close(losses["triplet"], soft_triplet(features.feature, labels))
    torch.testing.assert_close(losses["heads"], 6.4 * head_enrichment(features.class_logits))


def test_the_triplet_loss_joins_when_the_recipe_says(batch):
    model = method(triplet_from=2).eval()
    assert "triplet" not in model.losses(batch, STEP)
    assert "triplet" in model.losses(batch, replace(STEP, epoch=2))


def test_heads_are_those_of_the_last_block(batch):
    net = network()
    logits = net.backbone(batch.images, cameras=batch.cameras, logits_of=4).logits
    got = net(batch.images, batch.cameras, heads=True).class_logits
    torch.testing.assert_close(got, logits[:, :, 0, 1:])


def test_the_floor_of_participation_is_a_loss_when_asked_for(batch):
    model = method(participation=0.99, enrichment_weight=0.0).eval()
    losses = model.losses(batch, STEP)
    masks = model.network.embed(batch.images, batch.taken)[1]
    torch.testing.assert_close(losses["participation"], participation_floor(masks, 0.99))
    assert "heads" not in losses


def test_participation_is_observed_and_no_loss(batch):
    model = method().eval()
    assert "participation" not in model.losses(batch, STEP)
    masks = model.network.embed(batch.images, batch.taken)[1]
    torch.testing.assert_close(model.observed()["participation"], participation(masks).mean())
    unmasked = method(mask=MaskKind.NONE).eval()
    unmasked.losses(batch, STEP)
    assert unmasked.observed() == {}


@pytest.mark.parametrize("side", [MaskSide.QUERY, MaskSide.SUBSPACE])
def test_arcface_without_a_mask_is_masked_arcface_with_an_even_one(batch, side):
    with_mask, without = method(train_mask_side=side), method(mask=MaskKind.NONE, train_mask_side=side)
    nn.init.zeros_(with_mask.network.mask_head.last.weight)
    without.load_state_dict({n: v for n, v in with_mask.state_dict().items() if "mask_head" not in n})
    for model in (with_mask, without):
        model.eval()
    torch.testing.assert_close(
        with_mask.losses(batch, STEP)["masked_identity"], without.losses(batch, STEP)["masked_identity"]
    )


def test_prototypes_begin_as_published():
    model = method(persons=702)
    # Xavier's bound sqrt(6 / (C + D)); a uniform draw comes close to it
    bound = (6 / (702 + 64)) ** 0.5
    assert 0.99 * bound < model.prototypes.abs().max() <= bound


@pytest.mark.parametrize("form", [Form.RELEASED, Form.CACHED])
def test_each_update_moves_its_own_part_only(batch, sampler, form):  # T6
    seen = []

    class Watched(Dpm):
        def losses(self, batch, step):
            weights = {n: p.detach().clone() for n, p in self.named_parameters()}
            seen.append((step.update, weights))
            return super().losses(batch, step)

    plain = method(form=form)
    model = Watched(plain.network, 2, plain.recipe)
    values = stepped(model, batch, sampler)
    (first, before), (second, between) = seen
    after = dict(model.named_parameters())
    assert (first, second) == ("main", "mask")

    def changed(one, other):
        return {n for n in one if not torch.equal(one[n], other[n])}

    head = {n for n in before if n.startswith("network.mask_head.")}
    assert not changed(before, between) & head
    assert "prototypes" in changed(before, between)
    assert changed(between, after) <= head
    assert "network.mask_head.last.weight" in changed(between, after)
    assert values.keys() >= {"main/triplet", "mask/masked_identity"}
    assert "mask/triplet" not in values


def test_joint_moves_both_parts_in_one_update(batch, sampler):
    model = method(form=Form.JOINT)
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    values = stepped(model, batch, sampler)
    moved = {n for n, p in model.named_parameters() if not torch.equal(p, before[n])}
    assert {"prototypes", "network.mask_head.last.weight", "network.backbone.position"} <= moved
    assert {name.partition("/")[0] for name in values} == {"main"}


def naive_cached(model, batch):
    """B2 of the specification by hand: gradients of the mask head on what the first pass saw."""
    features = model.network(batch.images, batch.cameras)
    levels = [level.detach() for level in features.levels]
    necked = features.necked.detach()

    def gradients(prototypes):
        masks = model.network.mask_head(levels, (8, 4))
        loss = 0.5 * masked_arcface(necked, masks, prototypes, batch.labels, margin=0.5)
        return torch.autograd.grad(loss, list(model.network.mask_head.parameters()))

    return gradients


def test_the_cached_gradient_is_that_of_the_mask_head_on_the_kept_features(batch, sampler):
    # without momentum and decay a step of SGD is the rate times the gradient
    recipe = {"form": Form.CACHED, "enrichment_weight": 0.0}
    model = method(**recipe).train()
    model.recipe = replace(
        model.recipe,
        mask_optimizer=replace(model.recipe.mask_optimizer, weight_decay=0, bias_lr_factor=1),
    )
    gradients = naive_cached(model, batch)
    # batch statistics of the naive pass must not count twice
    fresh = method(**recipe)
    fresh.recipe = model.recipe
    before = [p.detach().clone() for p in fresh.network.mask_head.parameters()]
    stepped(fresh, batch, sampler)
    wanted = gradients(fresh.prototypes.detach())
    assert max(gradient.abs().max() for gradient in wanted) > 0.1
    for old, new, gradient in zip(before, fresh.network.mask_head.parameters(), wanted, strict=True):
        torch.testing.assert_close((old - new) / 0.008, gradient, rtol=1e-3, atol=1e-4)


def test_released_and_cached_differ_only_by_the_second_look(batch, sampler):
    losses = {form: stepped(method(form=form), batch, sampler) for form in Form}
    for form in (Form.CACHED, Form.JOINT):
        for name in ("main/identity", "main/masked_identity", "main/triplet", "main/heads"):
            torch.testing.assert_close(losses[form][name], losses[Form.RELEASED][name])
    released, cached = (losses[form]["mask/masked_identity"] for form in (Form.RELEASED, Form.CACHED))
    assert not torch.equal(released, cached)


def test_kept_features_serve_their_own_step_once(batch):
    model = method(form=Form.CACHED)
    model.losses(batch, replace(STEP, key=(1,)))
    with pytest.raises(TrainingError, match="same step"):
        model.losses(batch, replace(STEP, update=MASK, key=(2,)))
    with pytest.raises(TrainingError, match="same step"):
        model.losses(batch, replace(STEP, update=MASK, key=(1,)))


@pytest.mark.parametrize("form", Form)
def test_half_precision_trains_every_form(batch, sampler, form):
    model = method(form=form, train_mask_side=MaskSide.SUBSPACE)
    values = stepped(model, batch, sampler, steps=2, dtype=Dtype.BFLOAT16)
    assert all(value.isfinite() for value in values.values())
    assert all(p.isfinite().all() for p in model.parameters())


def test_the_mask_learns_at_a_constant_rate_and_biases_twice_as_fast():
    recipe = DpmRecipe()
    schedule = build_schedule(recipe.mask_optimizer, recipe.epochs)
    assert [schedule(epoch, 0.008) for epoch in (1, 75, 150)] == [0.008] * 3
    main, mask = (update.optimizers[0] for update in dpm_updates(recipe))
    built = mask.build(method(mask=MaskKind.FULL))
    sizes = {group["lr"]: len(group["params"]) for group in built.param_groups}
    assert sizes == {0.008: 7, 0.016: 7}
    assert round(main.schedule(150, 0.008), 9) == 1.6e-5


def test_a_recipe_refuses_what_cannot_be_trained():
    with pytest.raises(OptionError, match="train_mask_side must be query or subspace, got both"):
        DpmRecipe(train_mask_side=MaskSide.BOTH)
    with pytest.raises(OptionError, match="participation must be from 0 to 1"):
        DpmRecipe(participation=1.0)


@pytest.mark.parametrize("side", [MaskSide.QUERY, MaskSide.SUBSPACE])
def test_the_card_says_how_images_are_compared(people, micro, side):
    prepared = prepare_dpm(micro(DpmRecipe(test_mask_side=side, mask=MaskKind.LIGHT)), people)
    card = NetworkCard.from_json(prepared.card.to_json())
    assert similarity_of(card) == MaskedCosine(side)
    assert card.cameras == (2, 5)
    unmasked = prepare_dpm(micro(DpmRecipe(mask=MaskKind.NONE)), people)
    assert unmasked.card.similarity == "cosine"


def test_the_masked_score_is_the_released_one(batch):
    """dpm.md, "Retrieval", query by query: the gallery's features under the query's mask."""
    vectors, masks = (part.detach() for part in network().embed(batch.images, batch.taken))
    found = Embeddings(vectors.numpy(), masks.numpy())
    unit = nn.functional.normalize
    rows = [unit(vectors, dim=1) @ v for v in unit(vectors, dim=1)]
    plain = torch.stack(rows)
    for query, mask in enumerate(masks):
        rows[query] = unit(mask * unit(vectors, dim=1), dim=1) @ unit(vectors[query], dim=0)
    got = MaskedCosine(MaskSide.QUERY).pairwise(found, found)
    np.testing.assert_allclose(got, torch.stack(rows).numpy(), atol=1e-5)
    assert not np.allclose(got, plain.numpy(), atol=1e-3)


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("form", Form)
def test_a_killed_run_resumes_to_the_same_bytes(people, micro, tmp_path, form):
    data = TrainingData(people.records, people.pixels)
    recipe = micro(DpmRecipe(form=form, mask=MaskKind.LIGHT, epochs=2))
    engine = Engine(device="cpu", checkpoint_steps=1)

    def run(folder, calls=None, resume=False):
        torch.manual_seed(0)
        prepared = prepare_dpm(recipe, data)
        model = prepared.method
        if calls is not None:
            losses, left = model.losses, iter(range(calls))

            def fragile(batch, step):
                if next(left, None) is None:
                    raise Interrupted
                return losses(batch, step)

            model.losses = fragile
        options = {"engine": engine, "resume": resume, "quiet": True}
        train(model, data, prepared.stages, folder, seed=0, **options)
        return (folder / "final.safetensors").read_bytes()

    whole = run(tmp_path / "whole")
    # in the middle of a step where there are two updates, between steps where there is one
    with pytest.raises(Interrupted):
        run(tmp_path / "cut", calls=3)
    assert run(tmp_path / "cut", resume=True) == whole
