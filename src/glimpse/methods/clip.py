"""CLIP in pre-training: contrast of images and captions, and identities (clip.md)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from glimpse.errors import OptionError
from glimpse.methods.prepare import Prepared
from glimpse.methods.rows import ENDS, IDS
from glimpse.models.backbones.sizes import CLIP_TEXT
from glimpse.models.card import NetworkCard
from glimpse.models.clip import ClipNetwork
from glimpse.models.heads.bnneck import Neck, classifier
from glimpse.models.text.tokenizer import Tokenizer
from glimpse.models.text.vocabularies import train_tokenizer
from glimpse.recipes.clip import ClipRecipe
from glimpse.training.batches import Batch, TrainingData
from glimpse.training.build import build_augmentation, build_optimizer, with_captions
from glimpse.training.distributed import gathered
from glimpse.training.losses import cross_entropy, image_text_contrast
from glimpse.training.sampler import ShuffledSampler
from glimpse.training.stages import Method, Stage, Step, one_update

_LEAST_TEMPERATURE = 0.01  # CLIP's own bound


class Clip(Method):
    """Both backbones, a learned temperature, and a classifier of persons on the image backbone's class token.

    Captions say what somebody wears, and many wear the like: without the classifier the images' side learns
    little of what tells persons apart.

    Args:
        network: the backbones.
        persons: C.
        recipe: the temperature that the learned one starts from, and the weight of the persons.
    """

    def __init__(self, network: ClipNetwork, persons: int, recipe: ClipRecipe) -> None:
        super().__init__()
        self.network = network
        self.recipe = recipe
        self.log_temperature = nn.Parameter(torch.tensor(math.log(recipe.temperature)))
        width = network.images.config.width
        self.persons = (
            nn.Sequential(Neck(width), classifier(width, persons)) if recipe.identity_weight else None
        )

    def losses(self, batch: Batch, step: Step) -> Mapping[str, Tensor]:
        """`contrast`, where other images of the same person are no negatives, and `identity`."""
        ids, ends = batch.columns[IDS], batch.columns[ENDS]
        # nothing behind the longest caption matters to a causal backbone
        texts = self.network.embed_text(ids[:, : int(ends.max()) + 1], ends)
        seen = self.network.images(batch.images, patches=False)
        temperature = self.log_temperature.exp().clamp(min=_LEAST_TEMPERATURE)
        everybody = gathered(batch.labels)
        contrast = image_text_contrast(gathered(seen.projected), gathered(texts), temperature, everybody)
        found = {"contrast": contrast}
        if self.persons is not None:
            logits = self.persons(seen.class_token)
            found["identity"] = self.recipe.identity_weight * cross_entropy(logits, batch.labels)
        return found

    def embed(self, batch: Batch) -> Tensor:
        """`[B, P]`."""
        return self.network.embed(batch.images)


def prepare_clip(recipe: ClipRecipe, data: TrainingData) -> Prepared:
    """CLIP for rows with captions; unless they are tokens already, a vocabulary of them is learned."""
    tokenizer = None
    if not {IDS, ENDS} <= data.columns.keys():
        if not data.captioned:
            raise OptionError("CLIP is trained on rows with captions: glimpse pretrain clip makes them")
        tokenizer = learned_tokenizer(data.records.caption.tolist(), recipe)
    network = ClipNetwork(recipe.size, recipe.augment.size)
    card = NetworkCard(
        method="clip",
        size=recipe.size,
        image=recipe.augment.size,
        mean=recipe.augment.mean,
        std=recipe.augment.std,
    )
    optimizer = build_optimizer(recipe.optimizer, recipe.epochs)
    shuffled = ShuffledSampler(len(data.first_rows), recipe.batch, whole=True, seed=recipe.seed)
    stage = Stage(
        name="train",
        epochs=recipe.epochs,
        updates=one_update(optimizer, clip=recipe.optimizer.clip),
        sampler=with_captions(shuffled, data, recipe.seed),
        augmentation=build_augmentation(recipe.augment),
    )
    method = Clip(network, len(data.persons), recipe)
    return Prepared(method, card, [stage], "random weights", tokenizer=tokenizer)


def learned_tokenizer(captions: Sequence[str], recipe: ClipRecipe) -> Tokenizer:
    """A vocabulary of captions for the recipe's text backbone."""
    text = CLIP_TEXT[recipe.size]
    if recipe.vocabulary > text.vocabulary:
        raise OptionError(f"the text backbone knows {text.vocabulary} tokens, got {recipe.vocabulary}")
    return train_tokenizer(captions, size=recipe.vocabulary, context=text.context)
