"""CLIP-ReID in training: prompts of every person, then the image backbone (clip-reid.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from glimpse.methods.embedding import over_rows
from glimpse.methods.prepare import Prepared, camera_table
from glimpse.models.backbones.sizes import CLIP_TEXT
from glimpse.models.backbones.text import TextBackbone
from glimpse.models.backbones.vit import ViTConfig
from glimpse.models.card import NetworkCard, options_to_json
from glimpse.models.clip_reid import ClipReIDNetwork, ClipReIDOptions
from glimpse.models.heads.bnneck import classifier
from glimpse.models.precision import full_precision
from glimpse.models.pretrained import described, load_pretrained, starting_folder
from glimpse.models.storage import TOKENIZER
from glimpse.models.text.prompts import PersonPrompts, PromptTemplate, prompt_template, wordless_template
from glimpse.models.text.tokenizer import Tokenizer
from glimpse.recipes.clip_reid import ClipReIDRecipe
from glimpse.records import IntArray
from glimpse.training.batches import Batch, TrainingData
from glimpse.training.build import build_augmentation, build_optimizer, build_sampler, build_transfer
from glimpse.training.distributed import gathered
from glimpse.training.losses import cross_entropy, ignored_pairs, margin_triplet, supervised_contrast
from glimpse.training.sampler import ShuffledSampler
from glimpse.training.stages import Method, Stage, Step, one_update

PROMPT_STAGE, IMAGE_STAGE = "prompts", "images"
CACHED = "projected"
"""The column of the training data that keeps the frozen image vectors of the first stage."""


class ClipReID(Method):
    """First the words of every person are learned, then the image backbone.

    Args:
        network: what is left after training.
        texts: CLIP's text backbone.
        template: the sentence around the words.
        persons: C.
        recipe: margin, smoothing and weights.
    """

    prototypes: Tensor

    def __init__(
        self,
        network: ClipReIDNetwork,
        texts: TextBackbone,
        template: PromptTemplate,
        persons: int,
        recipe: ClipReIDRecipe,
    ) -> None:
        super().__init__()
        config = network.backbone.config
        self.network = network
        self.recipe = recipe
        self.prompts = PersonPrompts(texts, template, persons)
        self.classifier = classifier(config.width, persons)
        self.projected_classifier = classifier(config.projection, persons)
        self.register_buffer("prototypes", torch.zeros(persons, config.projection))

    def losses(self, batch: Batch, step: Step) -> Mapping[str, Tensor]:
        """In the first stage the two contrasts, in the second identity, triplet and image-to-text."""
        if step.stage == PROMPT_STAGE:
            return self._contrasts(batch.columns[CACHED], batch.labels)
        recipe, labels, everybody = self.recipe, batch.labels, gathered(batch.labels)
        features = self.network(batch.images, batch.cameras, batch.mix)
        ignored = batch.ignored
        apart = None if ignored is None else ignored_pairs(gathered(ignored), everybody)
        logits = [self.classifier(features.necked), self.projected_classifier(features.projected_necked)]
        metric = [features.early, features.feature, features.projected]
        identity = [cross_entropy(x, labels, smoothing=recipe.smoothing, ignored=ignored) for x in logits]
        triplets = [margin_triplet(gathered(x), everybody, recipe.margin, apart) for x in metric]
        towards_text = _inner_products(features.projected, self.prototypes)
        return {
            "identity": recipe.identity_weight * torch.stack(identity).sum(),
            "triplet": torch.stack(triplets).sum(),
            "image_to_text": recipe.text_weight
            * cross_entropy(towards_text, labels, smoothing=recipe.smoothing, ignored=ignored),
        }

    def _contrasts(self, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        everybody, embedded_images, texts = gathered(labels), gathered(images), gathered(self.prompts(labels))
        return {
            "image_to_text": supervised_contrast(embedded_images, texts, everybody),
            "text_to_image": supervised_contrast(texts, embedded_images, everybody),
        }

    def embed(self, batch: Batch) -> Tensor:
        """`[B, D + P]`."""
        return self.network.embed(batch.images, batch.taken)


@full_precision
def _inner_products(images: Tensor, texts: Tensor) -> Tensor:
    """`[B, C]`; not normalized (clip-reid.md, "Stage 2 images")."""
    return images @ texts.T


SENTENCE = "A photo of a X X X X person."  # given by the source (clip-reid.md, "Prompts")


def prepare_clip_reid(recipe: ClipReIDRecipe, data: TrainingData) -> Prepared:
    """CLIP-ReID for the persons and the cameras of the training rows."""
    options = ClipReIDOptions(stride=recipe.stride, camera_weight=recipe.camera_weight)
    cameras = camera_table(data) if recipe.cameras else ()
    network = ClipReIDNetwork(recipe.size, recipe.augment.size, len(cameras), options)
    texts = TextBackbone(CLIP_TEXT[recipe.size])
    start = starting_folder(recipe.weights, recipe.pretrained, recipe.size)
    if start is not None:
        load_pretrained(start, "images", network.backbone)
        load_pretrained(start, "texts", texts)
    template = sentence_of(start, texts)
    card = NetworkCard(
        method="clip-reid",
        size=recipe.size,
        image=recipe.augment.size,
        mean=recipe.augment.mean,
        std=recipe.augment.std,
        cameras=cameras,
        options=options_to_json(options),
    )
    method = ClipReID(network, texts, template, len(data.persons), recipe)
    artifacts = {
        "prompts.safetensors": {"words": "prompts.words"},
        "prototypes.safetensors": {"prototypes": "prototypes"},
    }
    return Prepared(method, card, stages(recipe, data, network.backbone.config), described(start), artifacts)


def stages(recipe: ClipReIDRecipe, data: TrainingData, backbone: ViTConfig) -> list[Stage]:
    """The two stages."""
    words = build_optimizer(recipe.prompt_optimizer, recipe.prompt_epochs, parameters=("prompts.words",))
    image_side = build_optimizer(recipe.optimizer, recipe.epochs, exclude=("prompts.words",))
    return [
        Stage(
            name=PROMPT_STAGE,
            epochs=recipe.prompt_epochs,
            updates=one_update(words, clip=recipe.prompt_optimizer.clip),
            sampler=ShuffledSampler(len(data), recipe.prompt_batch, seed=recipe.seed),
            evaluating=("*",),
            derive=with_image_vectors,
            # words alone are learned, which leaves every embedding as it was
            validated=False,
        ),
        Stage(
            name=IMAGE_STAGE,
            epochs=recipe.epochs,
            updates=one_update(image_side, clip=recipe.optimizer.clip),
            sampler=build_sampler(recipe.sampler, data, recipe.seed),
            augmentation=build_augmentation(recipe.augment),
            transfer=build_transfer(recipe.transfer, backbone),
            evaluating=("prompts", "prompts.*"),
            begin=keep_prototypes,
        ),
    ]


def with_image_vectors(method: Method, data: TrainingData) -> TrainingData:
    """The rows with the image vectors of the frozen backbone in place of pixels.

    See clip-reid.md, "Stage 1 prompts".

    No augmentation, and no cameras.
    """
    trained = cast("ClipReID", method)
    network, augment = trained.network.eval(), trained.recipe.augment
    device = next(network.parameters()).device

    def look(images: Tensor, _: IntArray) -> tuple[Tensor, ...]:
        return (network(images).projected.float().cpu(),)

    assert data.pixels is not None
    (vectors,) = over_rows(look, data.pixels, len(data), augment.mean, augment.std, device)
    return replace(data, pixels=None, maps={}, columns={**data.columns, CACHED: vectors})


def keep_prototypes(method: Method, data: TrainingData) -> None:
    """Compute the text vector of every person once; they are constants of the second stage."""
    trained = cast("ClipReID", method)
    trained.prototypes.copy_(trained.prompts.prototypes())


def sentence_of(start: Path | None, texts: TextBackbone) -> PromptTemplate:
    """The sentence in the words of the text backbone's own tokenizer; CLIP's own needs no vocabulary."""
    path = None if start is None else start / TOKENIZER
    if path is None or not path.is_file():
        return wordless_template(texts.config)
    return prompt_template(Tokenizer.load(path), SENTENCE)
