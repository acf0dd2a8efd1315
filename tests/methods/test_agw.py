from dataclasses import replace

import numpy as np
import pytest
import torch

from glimpse import Retriever
from glimpse.choices import EpochLength, ImageBackbone, NeckFeat, Size
from glimpse.errors import OptionError
from glimpse.methods.agw import Agw, prepare_agw
from glimpse.methods.fit import run
from glimpse.methods.prepare import prepared_from_seed
from glimpse.models.agw import AgwNetwork, AgwOptions
from glimpse.models.storage import load_network
from glimpse.recipes.agw import AgwRecipe
from glimpse.recipes.groups import SamplerRecipe
from glimpse.records import Capture
from glimpse.training.batches import TrainingData
from glimpse.training.losses import cross_entropy, hetero_center_triplet, margin_triplet, weighted_triplet
from glimpse.training.stages import Step

STEP = Step("train", "all", 1, 1, 0, 1)
BALANCED = SamplerRecipe(persons=4, images=2, balanced=True, length=EpochLength.LARGER)


@pytest.fixture
def both(people):
    """Eight persons with four visible and four infrared images each."""
    modality = np.tile(["rgb", "ir"], 32)
    return TrainingData(people.records.with_columns(modality=modality), people.pixels)


@pytest.fixture
def mixed(batch):
    return replace(batch, modalities=torch.tensor([0, 1, 0, 1]))


def method(recipe=AgwRecipe()):  # noqa: B008 (it is frozen)
    torch.manual_seed(0)
    return Agw(AgwNetwork(Size.MICRO, (64, 32), AgwOptions()), 2, recipe)


@pytest.mark.parametrize("weighted", [True, False])
def test_the_losses_are_before_the_neck_and_the_classifier_behind_it(mixed, weighted):
    agw = method(AgwRecipe(weighted=weighted, margin=0.7, smoothing=0.2))
    before, after = agw.network(mixed.images, mixed.modalities == 1)
    found = agw.losses(mixed, STEP)
    by_hand = (
        weighted_triplet(before, mixed.labels)
        if weighted
        else margin_triplet(before, mixed.labels, margin=0.7)
    )
    torch.testing.assert_close(found["triplet"], by_hand)
    torch.testing.assert_close(
        found["identity"], cross_entropy(agw.classifier(after), mixed.labels, smoothing=0.2)
    )
    assert set(found) == {"identity", "triplet"}


def test_the_term_between_modalities_is_added_where_it_has_a_weight(mixed):
    agw = method(AgwRecipe(cross_modal=0.5, cross_margin=2.0))
    infrared = mixed.modalities == 1
    before = agw.network(mixed.images, infrared)[0]
    expected = 0.5 * hetero_center_triplet(before, mixed.labels, infrared, 2.0)
    torch.testing.assert_close(agw.losses(mixed, STEP)["cross_modal"], expected)


def test_every_weight_is_trained_but_the_necks_bias(mixed):
    agw = method()
    # a non-local block starts as nothing: only its last norm learns in the first step
    for norm in (blocks[0].norm for blocks in agw.network.backbone.non_local if len(blocks)):
        torch.nn.init.ones_(norm.weight)
    sum(agw.losses(mixed, STEP).values()).backward()
    without = {name for name, value in agw.named_parameters() if value.grad is None or not value.grad.any()}
    # a norm takes out what the convolution before it adds to all places
    quiet = {f"network.backbone.non_local.{stage}.0.out.bias" for stage in (1, 2)}
    assert without - quiet == {"network.neck.norm.bias"}


def test_the_backbone_learns_at_a_tenth_of_the_rate_and_the_rates_are_the_published_ones(both):
    stage = prepare_agw(replace(AgwRecipe(), size=Size.MICRO), both).stages[0]
    optimizer = stage.updates[0].optimizers[0]
    groups = optimizer.build(prepare_agw(replace(AgwRecipe(), size=Size.MICRO), both).method).param_groups
    assert sorted(round(group["base_lr"], 6) for group in groups) == [0.01, 0.1]
    rates = [optimizer.schedule(epoch, 0.1) for epoch in (1, 5, 10, 20, 21, 50, 51, 81)]
    assert rates == pytest.approx([0.01, 0.05, 0.1, 0.1, 0.01, 0.01, 0.001, 0.001])


@pytest.mark.parametrize("backbone", ImageBackbone)
def test_one_stem_of_the_starting_weights_is_copied_into_both(both, micro, backbone):
    recipe = micro(AgwRecipe(backbone=backbone), weights="auto", sampler=BALANCED)
    prepared = prepare_agw(recipe, both)
    assert prepared.start == f"the weights in {recipe.pretrained}-micro"
    assert prepared.card.modalities == ("rgb", "ir")
    if backbone is ImageBackbone.RESNET:
        stems = prepared.method.network.backbone.stems
        torch.testing.assert_close(stems[0].state_dict(), stems[1].state_dict())
        assert stems[0].conv.weight is not stems[1].conv.weight


def test_training_can_start_from_a_trained_agw_with_both_its_stems(both, micro, tmp_path):
    recipe = micro(AgwRecipe(), epochs=1, sampler=BALANCED)
    prepared = prepared_from_seed("agw", recipe, both)
    run(prepared, "agw", recipe, both, tmp_path / "run", None, None, resume=False, quiet=True)
    _, trained = load_network(tmp_path / "run" / "final")
    weights = str(tmp_path / "run" / "final")
    again = prepare_agw(micro(AgwRecipe(), weights=weights, sampler=BALANCED), both).method.network
    stems = again.backbone.stems
    torch.testing.assert_close(stems[1].state_dict(), trained.backbone.stems[1].state_dict())
    assert not torch.equal(stems[0].conv.weight, stems[1].conv.weight)


@pytest.mark.parametrize("neck_feat", NeckFeat)
def test_a_trained_retriever_knows_where_its_embedding_is_taken(both, micro, tmp_path, neck_feat):
    recipe = micro(AgwRecipe(neck_feat=neck_feat), epochs=1, sampler=BALANCED)
    prepared = prepared_from_seed("agw", recipe, both)
    run(prepared, "agw", recipe, both, tmp_path / "run", None, None, resume=False, quiet=True)
    encoder = Retriever.load(tmp_path / "run" / "final").encoder
    assert encoder.network.options.neck_feat is neck_feat
    pixels = both.pixels.read(np.arange(2))
    visible, infrared = (
        encoder.embed(pixels, Capture.given(2, modalities=name)).vectors for name in ("rgb", "ir")
    )
    assert np.abs(visible - infrared).max() > 1e-4
    # these are in color, and nothing else tells
    np.testing.assert_array_equal(encoder.embed(pixels, Capture.unknown(2)).vectors, visible)


def test_rows_of_unknown_modality_are_refused(people, micro):
    records = people.records.with_columns(modality=np.array(["rgb"] * 9 + [""] + ["ir"] * 54))
    with pytest.raises(OptionError, match="agw needs to know every row's modality, and not that of row 9"):
        prepare_agw(micro(AgwRecipe()), TrainingData(records, people.pixels))
