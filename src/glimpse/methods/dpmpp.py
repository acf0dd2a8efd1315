"""DPM++ in training (dpmpp.md, "Stages")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from glimpse.choices import Form
from glimpse.errors import OptionError
from glimpse.methods.dpm import MASK, ForwardCache
from glimpse.methods.dpm_losses import head_enrichment, masked_arcface, participation, participation_floor
from glimpse.methods.dpmpp_losses import pair_loss, prototype_alignment, visibility_loss, wider_than_source
from glimpse.methods.transreid import half_global
from glimpse.models.dpmpp import DpmppFeatures, DpmppNetwork
from glimpse.models.heads.bnneck import Neck, classifier
from glimpse.models.heads.stripes import StripedMaskHead, seen_loss, stripe_rows
from glimpse.models.text.prompts import PersonPrompts
from glimpse.recipes.dpmpp import DpmppRecipe
from glimpse.training.batches import Batch
from glimpse.training.distributed import gathered
from glimpse.training.losses import (
    cross_entropy,
    ignored_pairs,
    margin_triplet,
    soft_triplet,
    supervised_contrast,
)
from glimpse.training.stages import Method, Step

PROMPTS, ADAPT, METRIC = "prompts", "adapt", "metric"
"""The stages S1, S2 and S3 (dpmpp.md, "Stages")."""
CACHED = "projected"
_SEEN = 0.5  # our choice: a stripe of a copy is classified if it shows at least a half of its person


@dataclass(frozen=True, eq=False)
class Pass:
    """What a pass over a batch gave, the copies of the batch's images last.

    Attributes:
        features: of the network.
        necked: `[B, (1 + K) D]`, h: the descriptor after the neck.
        clean: how many rows are no copies.
    """

    features: DpmppFeatures
    necked: Tensor
    clean: int

    def detached(self) -> Pass:
        """What the mask head alone is trained with."""
        levels = tuple(tokens.detach() for tokens in self.features.levels)
        features = replace(self.features, levels=levels, class_logits=None)
        return Pass(features, self.necked.detach(), self.clean)


class Dpmpp(Method):
    """Classification with and without masks, a metric loss, and what pairs of images and words teach.

    Args:
        network: what is left after training.
        prompts: the words of the persons, or None.
        persons: C.
        recipe: weights.
    """

    prototypes: Tensor

    def __init__(
        self, network: DpmppNetwork, prompts: PersonPrompts | None, persons: int, recipe: DpmppRecipe
    ) -> None:
        super().__init__()
        self.network = network
        self.recipe = recipe
        self.prompts = prompts
        self.classes = nn.Parameter(torch.empty(persons, network.dim))
        nn.init.xavier_uniform_(self.classes)  # read in DPM's code (dpm.md, "Masked ArcFace")
        projection = network.backbone.config.projection
        self.projected_neck = Neck(projection) if projection else None
        self.projected_classifier = classifier(projection, persons) if projection else None
        self.register_buffer("prototypes", torch.zeros(persons, projection))
        self._observed: dict[str, Tensor] = {}
        self._first_pass: ForwardCache[Pass] = ForwardCache()

    def losses(self, batch: Batch, step: Step) -> Mapping[str, Tensor]:
        """In S1 the contrasts with words, in S2 what needs no mask, in S3 everything."""
        if step.stage == PROMPTS:
            return self._contrasts(batch.columns[CACHED], batch.labels)
        if step.update == MASK:
            return self._of_masks(self._pass_again(batch, step), batch)
        found = self._pass(batch, heads=self.recipe.enrichment_weight > 0)
        if step.stage == METRIC and self.recipe.form is Form.CACHED:
            self._first_pass.keep(step, found.detached())
        losses = self._of_features(found, batch)
        if self.prompts is not None:
            losses |= self._of_words(found, batch, step)
        if step.stage == METRIC:
            losses |= self._of_masks(found, batch)
        if not losses:
            raise OptionError("every loss has the weight 0: there is nothing to train with")
        return losses

    def _pass(self, batch: Batch, *, heads: bool = False) -> Pass:
        features = self.network(batch.images, batch.cameras, heads=heads)
        clean = len(batch) if batch.sources is None else int((batch.sources < 0).sum())
        return Pass(features, clean_statistics(self.network.neck, features.descriptor, clean), clean)

    def _pass_again(self, batch: Batch, step: Step) -> Pass:
        """For the mask's update: what was kept of the first pass, or a second one."""
        if self.recipe.form is Form.CACHED:
            return self._first_pass.take(step)
        with torch.no_grad():
            return self._pass(batch)

    def _of_features(self, found: Pass, batch: Batch) -> dict[str, Tensor]:
        """What needs neither masks nor words."""
        recipe, features = self.recipe, found.features
        labels, ignored = batch.labels, batch.ignored
        some = slice(None) if recipe.triplet_copies else slice(found.clean)
        everybody = gathered(labels[some])
        apart = None if ignored is None else ignored_pairs(gathered(ignored[some]), everybody)
        losses = {}
        if recipe.identity_weight:
            identity = self._identity(found, batch)
            if features.projected is not None:
                assert self.projected_neck is not None
                assert self.projected_classifier is not None
                necked = clean_statistics(self.projected_neck, features.projected, found.clean)
                logits = self.projected_classifier(necked)
                identity = identity + cross_entropy(
                    logits, labels, smoothing=recipe.smoothing, ignored=ignored
                )
            losses["identity"] = recipe.identity_weight * identity

        def triplet(vectors: Tensor) -> Tensor:
            if recipe.triplet_margin is None:
                return soft_triplet(gathered(vectors[some]), everybody, apart)
            return margin_triplet(gathered(vectors[some]), everybody, recipe.triplet_margin, apart)

        whole = [features.blocks[:, 0]]
        if features.projected is not None:
            # with CLIP as CLIP-ReID has it (clip-reid.md, "Stage 2 images")
            whole += [features.early, features.projected]
        losses["triplet"] = torch.stack([triplet(vectors) for vectors in whole]).sum()
        if self.network.stripes:
            of_stripes = [triplet(vectors) for vectors in features.blocks[:, 1:].unbind(1)]
            losses["triplet"] = losses["triplet"] + torch.stack(of_stripes).mean()
        if features.class_logits is not None:
            losses["heads"] = recipe.enrichment_weight * head_enrichment(features.class_logits)
        return losses

    def _identity(self, found: Pass, batch: Batch) -> Tensor:
        """Plain classification of the whole, and of every stripe that shows enough."""
        recipe, labels, ignored = self.recipe, batch.labels, batch.ignored
        width = self.network.width
        everything = torch.ones_like(labels, dtype=torch.bool)
        shown = [everything] * (1 + self.network.stripes)
        if batch.visible is not None and self.network.stripes:
            shown[1:] = (self._visible(batch.visible) >= _SEEN).unbind(1)
        blocks = zip(
            torch.split(found.necked, width, 1), torch.split(self.classes, width, 1), shown, strict=True
        )
        return half_global(
            [
                cross_entropy(
                    (block[some] @ classes.T),
                    labels[some],
                    smoothing=recipe.smoothing,
                    ignored=None if ignored is None else ignored[some],
                )
                for block, classes, some in blocks
            ]
        )

    def _visible(self, of_rows: Tensor) -> Tensor:
        """How much of its person each stripe shows, `[B, K]`, of the rows of cells, `[B, rows]`."""
        of_patches = torch.nn.functional.adaptive_avg_pool1d(of_rows, self.network.grid[0])
        stripes = stripe_rows(self.network.grid[0], self.network.stripes)
        return torch.stack([of_patches[:, some].mean(1) for some in stripes], dim=1)

    def _of_masks(self, found: Pass, batch: Batch) -> dict[str, Tensor]:
        """What masks take part in; without a mask head ArcFace and the plain pair loss (controls)."""
        recipe, labels, ignored = self.recipe, batch.labels, batch.ignored
        masks = self.network.masks(found.features)
        losses = {}
        if recipe.masked_weight:
            losses["masked_identity"] = recipe.masked_weight * masked_arcface(
                found.necked,
                masks,
                self.classes,
                labels,
                scale=recipe.scale,
                margin=recipe.margin,
                side=recipe.train_mask_side,
                ignored=ignored,
            )
        if batch.sources is not None and recipe.pair_weight:
            losses["pair"] = recipe.pair_weight * self._pairs(found, batch, masks)
        if masks is None:
            return losses
        if recipe.participation:
            losses["participation"] = recipe.budget_weight * participation_floor(masks, recipe.participation)
        self._observed["participation"] = participation(masks.detach()).mean()
        if batch.sources is not None:
            losses |= self._of_copies(found, batch, masks)
        return losses

    def _pairs(self, found: Pass, batch: Batch, masks: Tensor | None) -> Tensor:
        clean = found.clean
        assert batch.ignored is not None
        return pair_loss(
            found.necked[clean:],
            None if masks is None else masks[clean:],
            gathered(found.necked[:clean].detach()),
            batch.labels[clean:],
            gathered(batch.labels[:clean]),
            batch.ignored[clean:],
            scale=self.recipe.scale,
            side=self.recipe.train_mask_side,
        )

    def _of_copies(self, found: Pass, batch: Batch, masks: Tensor) -> dict[str, Tensor]:
        """What a copy's mask learns from the image that it is a copy of."""
        recipe, clean = self.recipe, found.clean
        assert batch.sources is not None
        assert batch.visible is not None
        assert batch.ignored is not None
        sources = batch.sources[clean:]
        losses = {}
        if recipe.wider_weight:
            losses["wider"] = recipe.wider_weight * wider_than_source(masks[clean:], masks[sources])
        if recipe.visibility_weight:
            # of the image's own block: what stripes show is told below
            whole, necked = slice(self.network.width), found.necked
            own = torch.nn.functional.normalize(self.classes.detach()[:, whole], dim=1)[batch.labels[clean:]]
            lost = visibility_loss(
                masks[clean:, whole], necked[clean:, whole], necked[sources][:, whole], own
            )
            losses["visibility"] = recipe.visibility_weight * lost
        head = self.network.mask_head
        if isinstance(head, StripedMaskHead):
            assert batch.seen is not None
            logits = head.seen(found.features.levels, self.network.grid)
            losses["seen"] = recipe.stripe_weight * seen_loss(logits, batch.seen)
        self._observed["copies_participation"] = participation(masks[clean:].detach()).mean()
        self._observed["copies_visible"] = batch.visible[clean:].mean()
        self._observed["copies_hidden"] = (batch.ignored[clean:] >= 0).float().mean()
        return losses

    def _of_words(self, found: Pass, batch: Batch, step: Step) -> dict[str, Tensor]:
        """What the persons' texts teach: the backbone, and softly the prototypes.

        See dpmpp.md, "Prototype alignment" and c.
        """
        recipe = self.recipe
        assert found.features.projected is not None
        losses = {}
        if recipe.text_weight:
            towards = found.features.projected.float() @ self.prototypes.T
            losses["image_to_text"] = recipe.text_weight * cross_entropy(
                towards, batch.labels, smoothing=recipe.smoothing, ignored=batch.ignored
            )
        if recipe.prototype_weight:
            done = step.epoch - 1 + (recipe.adapt_epochs if step.stage == METRIC else 0)
            fading = 0.5 * (1 + torch.cos(torch.tensor(torch.pi * done / recipe.epochs)))
            # of the class token's block alone: what stripes see was never said in words
            classes = self.classes[:, : self.network.width]
            alike = prototype_alignment(classes, self.prototypes, batch.labels, recipe.prototype_temperature)
            losses["prototypes"] = recipe.prototype_weight * float(fading) * alike
        return losses

    def _contrasts(self, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        assert self.prompts is not None
        everybody, embedded_images, texts = gathered(labels), gathered(images), gathered(self.prompts(labels))
        return {
            "image_to_text": supervised_contrast(embedded_images, texts, everybody),
            "text_to_image": supervised_contrast(texts, embedded_images, everybody),
        }

    def observed(self) -> Mapping[str, Tensor]:
        """How many dimensions masks use, and of copies how much they show and how many found a donor."""
        return dict(self._observed)

    def compiled(self) -> Sequence[nn.Module]:
        """The backbone's pass, and the mask head, which is called apart from it."""
        head = self.network.mask_head
        return [self.network] if head is None else [self.network, head]

    def embed(self, batch: Batch) -> Tensor:
        """The vectors `[B, (1 + K) D]`, without masks."""
        found = self.network.embed(batch.images, batch.taken)
        return found if isinstance(found, Tensor) else found[0]


def clean_statistics(neck: Neck, features: Tensor, clean: int) -> Tensor:
    """The neck with the statistics of the first `clean` rows: copies are normalized, but not counted.

    At test a query is normalized by what training counted, so copies are by the running statistics.
    """
    counted: Tensor = neck(features[:clean] if neck.training else features)
    if len(counted) == len(features):
        return counted
    norm = neck.norm
    rest = torch.nn.functional.batch_norm(
        features[clean:],
        norm.running_mean,
        norm.running_var,
        norm.weight,
        norm.bias,
        training=False,
        eps=norm.eps,
    )
    return torch.cat([counted, rest])
