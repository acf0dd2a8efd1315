"""SIM's own network in training: BoT, saved with SIM's re-ranking (sim.md, "Feature network")."""

from __future__ import annotations

from dataclasses import fields, replace

from glimpse.methods.bot import prepare_bot
from glimpse.methods.prepare import Prepared
from glimpse.recipes.sim import InferenceRecipe, SimRecipe
from glimpse.reranking import SimilarityInference
from glimpse.retriever.finish import Finished
from glimpse.training.batches import TrainingData


def prepare_sim(recipe: SimRecipe, data: TrainingData) -> Prepared:
    """BoT for the persons of the training rows, re-ranked by similarity inference."""
    prepared, wanted = prepare_bot(recipe, data), recipe.inference
    finish = Finished(reranker=inference_of(wanted)) if wanted.use else None
    return replace(prepared, card=replace(prepared.card, method="sim"), finish=finish)


def inference_of(recipe: InferenceRecipe) -> SimilarityInference:
    """The re-ranking of a recipe: the constants of its preset, but for those that are set."""
    own = {field.name: getattr(recipe, field.name) for field in fields(recipe)}
    constants = {name: value for name, value in own.items() if name not in ("use", "preset")}
    told = {name: value for name, value in constants.items() if value is not None}
    return replace(SimilarityInference.of(recipe.preset), **told)
