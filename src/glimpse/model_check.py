"""Whether a model tells people apart, shown on rendered ones, and whether it is fed as it wants to be.

Weights that are near to random are in circulation under famous names, and so are models that want bytes, or
colors in OpenCV's order, without saying so: none of that raises an error. Here a model embeds rendered
people, seen by several cameras, under each reading of its input. The measure is the chance that an image is
more like one of the same person by another camera than like one of somebody else there (the area under the
ROC curve, 0.5 for nothing learned).

The thresholds are our choice, by the networks that come with Glimpse and by untrained ones, each on these
people: trained and fed rightly they reach 0.97 to 0.99, with bytes as they are 0.73 to 0.90, in the wrong
order of colors 0.01 to 0.03 less than rightly; untrained ones reach 0.51 to 0.69, whatever they are fed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata

from glimpse.choices import ChannelOrder
from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError
from glimpse.models.backbones.resnet import ResNet
from glimpse.models.backbones.vit import ViT
from glimpse.models.weights import Backbone
from glimpse.pixels import resize
from glimpse.progress import Progress, silent
from glimpse.records import Capture
from glimpse.retriever.encoders.base import Encoder
from glimpse.retriever.encoders.onnx import BYTES_MEAN, BYTES_STD, OnnxEncoder, Preprocessing, fed
from glimpse.world.world import World

# Worlds that nothing else is made of. Little hardness: the question is whether anything was learned.
_SEEDS, _PEOPLE, _CAMERAS, _HARDNESS = (977_000_101, 977_000_102, 977_000_103), 24, 3, 0.2
_RENDERED, _BATCH = (128, 64), 32

CHANCE = 0.72
"""Below this a model tells hardly anybody apart; untrained networks reach 0.69."""
BETTER_BYTES = 0.04
"""So much better must bytes be; networks that want them are 0.07 to 0.27 better, others 0.09 worse."""
BETTER_BGR = 0.015
"""So much better must the other order be: six of seven networks fed wrongly are, none fed rightly."""

STATED, BYTES, SWAPPED = "as stated", "bytes", "swapped"

Embed = Callable[[NDArray[np.uint8], Preprocessing], NDArray[np.floating[Any]]]


@dataclass(frozen=True)
class Checked:
    """How well a model tells rendered people apart.

    Attributes:
        scores: for each reading of its input the area under the curve, averaged over worlds.
        channels: the stated order of colors.
        stated_bytes: whether it is fed bytes as they are already.
    """

    scores: dict[str, float]
    channels: ChannelOrder
    stated_bytes: bool = False

    def lines(self) -> list[str]:
        """What there is to say, a sentence per line."""
        stated, best = self.scores[STATED], max(self.scores.values())
        lines = [f"check: on rendered people it is right in {stated:.1%} of comparisons, chance is 50%."]
        if best < CHANCE:
            return [
                *lines,
                f"It tells nearly nobody from anybody, as untrained networks do (below {CHANCE:.0%}): are "
                "these the weights that they are said to be?",
            ]
        if self.scores.get(BYTES, 0) > stated + BETTER_BYTES:
            lines.append(
                f"Fed with bytes it is right in {self.scores[BYTES]:.1%}: it seems to want values from 0 to "
                "255, --mean 0,0,0 --std 0.0039216,0.0039216,0.0039216."
            )
        elif self.scores[SWAPPED] > stated + BETTER_BGR:
            other = ChannelOrder.RGB if self.channels is ChannelOrder.BGR else ChannelOrder.BGR
            lines.append(
                f"Fed with {other.upper()} it is right in {self.scores[SWAPPED]:.1%}: it seems to want "
                f"--channels {other.value}."
            )
        elif stated < CHANCE:
            lines.append("Fed as stated it tells nearly nobody from anybody.")
        return lines

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"scores": self.scores, "says": self.lines()}


def check_encoder(encoder: Encoder, *, progress: Progress = silent) -> Checked:
    """Check a model from elsewhere."""
    if not isinstance(encoder, OnnxEncoder):
        raise OptionError(
            f"only models from elsewhere are checked, and this encoder is of kind {encoder.kind}"
        )
    encoders: dict[Preprocessing, OnnxEncoder] = {encoder.preprocessing: encoder}

    def embed(pixels: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[np.floating[Any]]:
        if preprocessing not in encoders:
            encoders[preprocessing] = OnnxEncoder(encoder.model, preprocessing)
        found: Embeddings = encoders[preprocessing].embed(pixels, Capture.unknown(len(pixels)))
        return found.vectors

    return check(embed, encoder.preprocessing, progress=progress)


def check_backbone(backbone: Backbone, *, progress: Progress = silent) -> Checked:
    """Check an image backbone by the features that heads stand on, fed with ImageNet's normalization."""
    if not isinstance(backbone, ViT | ResNet):
        raise OptionError("only backbones of images can be shown people")
    size = backbone.config.image if isinstance(backbone, ViT) else (256, 128)
    return check(partial(_features, backbone.eval()), Preprocessing(size), progress=progress)


def _features(
    backbone: ViT | ResNet, pixels: NDArray[np.uint8], preprocessing: Preprocessing
) -> NDArray[np.floating[Any]]:
    images = torch.from_numpy(fed(pixels, preprocessing))
    with torch.inference_mode():
        if isinstance(backbone, ResNet):
            streams = backbone.config.streams
            infrared = torch.zeros(len(images), dtype=torch.bool) if streams > 1 else None
            features = backbone(images, infrared=infrared).feature
        else:
            features = backbone(images).tokens[:, 0]
    found: NDArray[np.floating[Any]] = features.numpy()
    return found


def check(embed: Embed, stated: Preprocessing, *, progress: Progress = silent) -> Checked:
    """Show rendered people to a model under each reading of its input.

    Args:
        embed: vectors `[N, D]` of pixels `[N, H, W, 3]` under a reading.
        stated: how the model is said to be fed.
        progress: what shows the progress.
    """
    other = ChannelOrder.RGB if stated.channels is ChannelOrder.BGR else ChannelOrder.BGR
    # mean and deviation belong to colors, and go with them
    turned = replace(stated, channels=other, mean=stated.mean[::-1], std=stated.std[::-1])
    readings = {STATED: stated, SWAPPED: turned}
    if not stated.as_bytes:
        readings[BYTES] = replace(stated, mean=BYTES_MEAN, std=BYTES_STD)
    found: dict[str, list[float]] = {name: [] for name in readings}
    with progress("checking", len(_SEEDS)) as advance:
        for seed in _SEEDS:
            world = World(seed, _PEOPLE, _CAMERAS, _HARDNESS)
            shots = world.plan()
            images = world.render(shots, _RENDERED).images
            pixels = np.stack([resize(image, stated.size, stated.interpolation) for image in images])
            person, camera = (
                np.array([getattr(shot, name) for shot in shots]) for name in ("person", "camera")
            )
            for name, reading in readings.items():
                parts = [embed(pixels[at : at + _BATCH], reading) for at in range(0, len(pixels), _BATCH)]
                found[name].append(separation(np.concatenate(parts), person, camera))
            advance(1)
    scores = {name: float(np.mean(values)) for name, values in found.items()}
    return Checked(scores, stated.channels, stated.as_bytes)


def separation(vectors: NDArray[Any], person: NDArray[Any], camera: NDArray[Any]) -> float:
    """The chance that two images of one person have a higher cosine than two of two persons, ties by half.

    Only pairs of images by different cameras count: those of one camera share its scene.
    """
    long = vectors.astype(np.float64)
    unit = long / np.linalg.norm(long, axis=1, keepdims=True).clip(np.finfo(np.float64).tiny)
    scores = (unit @ unit.T).round(12)
    pairs = camera[:, None] < camera
    same = (person[:, None] == person)[pairs]
    ranks = rankdata(scores[pairs])
    positive, negative = int(same.sum()), int((~same).sum())
    return float((ranks[same].sum() - positive * (positive + 1) / 2) / (positive * negative))
