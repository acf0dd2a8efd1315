"""SIM's own network in training: BoT, saved with SIM's re-ranking (sim.md, "Feature network")."""

from __future__ import annotations

from dataclasses import replace

from glimpse.methods.bot import prepare_bot
from glimpse.methods.prepare import Prepared
from glimpse.recipes.sim import SimRecipe
from glimpse.reranking import SimilarityInference
from glimpse.retriever.finish import Finished
from glimpse.training.batches import TrainingData


def prepare_sim(recipe: SimRecipe, data: TrainingData) -> Prepared:
    """BoT for the persons of the training rows, re-ranked by similarity inference."""
    prepared, wanted = prepare_bot(recipe, data), recipe.inference
    inference = SimilarityInference(
        weight=wanted.weight,
        paths=wanted.paths,
        neighbors=wanted.neighbors,
        k_query=wanted.k_query,
        k_gallery=wanted.k_gallery,
        alpha=wanted.alpha,
    )
    finish = Finished(reranker=inference) if wanted.use else None
    return replace(prepared, card=replace(prepared.card, method="sim"), finish=finish)
