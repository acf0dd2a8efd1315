from dataclasses import replace

import numpy as np
import pytest
import torch

from glimpse import Retriever
from glimpse.choices import ImageBackbone, Pool, Size, Triplet
from glimpse.embeddings import Embeddings
from glimpse.methods.fit import run
from glimpse.methods.mos import Mos, conflict_penalty, prepare_mos
from glimpse.methods.prepare import EmbeddedRows, prepared_from_seed
from glimpse.models.mos import MosNetwork, MosOptions
from glimpse.recipes.mos import ConflictRecipe, MosRecipe
from glimpse.records import Capture, Records
from glimpse.similarity import ConflictPenalized, SetJaccard
from glimpse.training.losses import cross_entropy, jaccard_triplet, margin_triplet
from glimpse.training.stages import Step

STEP = Step("train", "all", 1, 1, 0, 1)


def method(recipe=MosRecipe()):  # noqa: B008 (it is frozen)
    torch.manual_seed(0)
    return Mos(MosNetwork(Size.MICRO, (64, 32), MosOptions()), 2, recipe)


@pytest.mark.parametrize("triplet", Triplet)
def test_the_losses_are_by_the_set_before_the_neck_and_the_classifier_behind_it(batch, triplet):
    recipe = MosRecipe(triplet=triplet, tau=3.0, margin=0.7, smoothing=0.2, triplet_weight=0.5)
    mos = method(recipe)
    sets, after = mos.network(batch.images)
    found = mos.losses(batch, STEP)
    expected = {
        Triplet.JACCARD: lambda: jaccard_triplet(sets, batch.labels, 3.0, 0.7),
        Triplet.EUCLIDEAN: lambda: margin_triplet(sets, batch.labels, margin=0.7),
    }[triplet]
    torch.testing.assert_close(found["triplet"], 0.5 * expected())
    torch.testing.assert_close(
        found["identity"], cross_entropy(mos.classifier(after), batch.labels, smoothing=0.2)
    )
    assert set(found) == {"identity", "triplet"}


def test_every_weight_is_trained_but_the_necks_bias(batch):
    mos = method()
    sum(mos.losses(batch, STEP).values()).backward()
    without = {name for name, value in mos.named_parameters() if value.grad is None or not value.grad.any()}
    assert without == {"network.neck.norm.bias"}


def test_the_backbone_is_chosen_with_its_weights():
    kinds = [MosRecipe(backbone=ImageBackbone.VIT), MosRecipe(ibn=True), MosRecipe()]
    assert [recipe.pretrained for recipe in kinds] == ["vit", "resnet-ibn", "resnet"]


@pytest.mark.parametrize("changes", [{}, {"backbone": ImageBackbone.VIT}, {"pool": Pool.GENERALIZED_MEAN}])
def test_shipped_weights_of_micro_are_where_training_starts(people, micro, changes):
    recipe = micro(MosRecipe(), weights="auto", **changes)
    prepared = prepare_mos(recipe, people)
    assert prepared.start == f"the weights in {recipe.pretrained}-micro"
    assert prepared.card.similarity == "set-jaccard"


def rows(conflicting):
    """Persons of six channels; a stranger's set is the union of two persons' if it is to conflict."""
    random = np.random.default_rng(0)
    person = np.repeat(np.arange(20), 4)
    base = np.zeros((20, 12))
    for number in range(20):
        base[number, random.choice(12, 4 if conflicting else 11, replace=False)] = 1.0
    visible = random.random((80, 12)) < (0.55 if conflicting else 0.95)
    vectors = (base[person] * visible * random.uniform(0.8, 1.2, (80, 12))).astype(np.float32)
    records = Records.from_columns([f"{row}.png" for row in range(80)], person)
    return EmbeddedRows(records, Embeddings(vectors + np.float32(1e-4)))


def test_the_penalty_is_fitted_to_the_training_persons_as_the_recipe_says():
    recipe = replace(MosRecipe(), conflict=ConflictRecipe(epsilon=0.05, shortlist=7))
    found = conflict_penalty(recipe)(torch.nn.Identity(), rows(conflicting=True))
    assert isinstance(found.similarity, ConflictPenalized)
    assert (found.similarity.epsilon, found.similarity.shortlist) == (0.05, 7)
    assert found.similarity.weight > 0


def test_without_a_gain_the_weight_is_0_and_no_prior_is_kept():
    found = conflict_penalty(MosRecipe())(torch.nn.Identity(), rows(conflicting=False))
    assert found.similarity == SetJaccard()
    assert conflict_penalty(MosRecipe(conflict=ConflictRecipe(use=False))) is None


def test_a_trained_retriever_compares_sets_by_what_was_fitted(people, micro, tmp_path):
    recipe = micro(MosRecipe(), epochs=1)
    prepared = prepared_from_seed("mos", recipe, people)
    run(prepared, "mos", recipe, people, tmp_path / "run", None, None, resume=False, quiet=True)
    retriever = Retriever.load(tmp_path / "run" / "final")
    assert isinstance(retriever.similarity, SetJaccard | ConflictPenalized)
    embedded = retriever.encoder.embed(people.pixels.read(np.arange(6)), Capture.unknown(6))
    assert (embedded.vectors >= 0).all()
    scores = retriever.similarity.pairwise(embedded, embedded)
    np.testing.assert_allclose(np.diagonal(scores), 1, atol=0.05)
