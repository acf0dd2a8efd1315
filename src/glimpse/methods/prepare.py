"""From a method's name and recipe to what the engine trains: modules, stages, and what is kept of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from glimpse.embeddings import Embeddings
from glimpse.models.card import NetworkCard
from glimpse.models.text.tokenizer import Tokenizer
from glimpse.recipes.registry import resolve, row_of
from glimpse.records import Records
from glimpse.retriever.finish import Finished
from glimpse.training.batches import TrainingData
from glimpse.training.seeding import preserved_generators, seed_global_generators
from glimpse.training.stages import Method, Stage

NETWORK = "network."
"""Where every method keeps the network that is left after training: the prefix of its weights' names."""


@dataclass(frozen=True, eq=False)
class EmbeddedRows:
    """Training rows as the retriever will see them: not augmented, resized as the card says.

    Attributes:
        records: N rows, with their persons.
        embeddings: N, of the trained network.
    """

    records: Records
    embeddings: Embeddings


Finish = Callable[[nn.Module, EmbeddedRows], Finished]
"""Fits what the retriever needs beside its network, which is in evaluation mode; called once per network that
is kept. The global generators are seeded by the recipe, so that the same weights give the same bytes."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A method and how to train it.

    Attributes:
        method: initialized; its network is its attribute `network`.
        card: of the network.
        stages: of its training.
        start: what its backbone starts from, in words.
        artifacts: further files to keep: for each name the weights in it, by their names in the method.
        tokenizer: of a method that reads. It makes tokens of the training captions, is saved with the network
            and, if that embeds texts, used to validate it by captions.
        finish: what the retriever is saved with besides: called after training with the network and the
            training rows if it is fitted to them, or None.
    """

    method: Method
    card: NetworkCard
    stages: Sequence[Stage]
    start: str
    artifacts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    tokenizer: Tokenizer | None = None
    finish: Finish | Finished | None = None


def camera_table(data: TrainingData) -> tuple[int, ...]:
    """The cameras that get an embedding: all known ones, or none if there is nothing to tell apart.

    With a single camera side information is off (transreid.md, "Camera embedding").
    """
    known = tuple(int(number) for number in data.records.cameras)
    return known if len(known) > 1 else ()


def prepare(method: str, recipe: Any, data: TrainingData) -> Prepared:
    """The method of that name, as the recipe says, for the persons of the training rows."""
    prepared: Prepared = resolve(row_of(method).prepare)(recipe, data)
    return prepared


def prepared_from_seed(method: str, recipe: Any, data: TrainingData) -> Prepared:
    """The prepared method; the same recipe gives the same weights, whatever was drawn before."""
    with preserved_generators():
        seed_global_generators(recipe.seed)
        return prepare(method, recipe, data)
