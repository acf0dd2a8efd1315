"""Losses between two modalities, mostly images and texts, on the similarities of a batch."""

from __future__ import annotations

import torch
from torch import Tensor

from glimpse.errors import ShapeError
from glimpse.models.precision import full_precision

_EPS = 1e-8  # read in IRRA's code (text.md, "Image-text losses")


@full_precision
def supervised_contrast(
    anchors: Tensor,
    others: Tensor,
    labels: Tensor,
    temperature: float = 1.0,
    ignored: Tensor | None = None,
) -> Tensor:
    """CLIP-ReID's contrast, in one direction; raw inner products (clip-reid.md, "Stage 1 prompts").

    `-mean_i 1/|P_i| sum_{j in P_i} log softmax_j(anchor_i . other_j / temperature)` with P_i all j of the
    person of i.

    Args:
        anchors: `[B, D]`.
        others: `[B, D]`; those of one person may be equal.
        labels: `[B]`, of both.
        temperature: 1 in CLIP-ReID.
        ignored: int64 `[B]`; a person per anchor that is no negative, or -1 (dpmpp.md, "Synthetic copies").
    """
    _check(anchors, others, labels)
    alike = labels[:, None] == labels
    same = alike.to(anchors.dtype)
    logits = anchors @ others.T / temperature
    if ignored is None:
        log_probability = logits.log_softmax(1)
    else:
        out = (ignored[:, None] == labels) & ~alike
        # the second fill keeps 0 * inf out of the sum
        log_probability = logits.masked_fill(out, -torch.inf).log_softmax(1).masked_fill(out, 0)
    return -((same * log_probability).sum(1) / same.sum(1)).mean()


@full_precision
def image_text_contrast(
    images: Tensor, texts: Tensor, temperature: float | Tensor, labels: Tensor | None = None
) -> Tensor:
    """ITC: cross-entropy over cosines, in both directions, averaged (text.md, "Image-text losses").

    Args:
        images: `[B, D]`.
        texts: `[B, D]`; text i describes image i.
        temperature: divides the cosines; a tensor when it is learned.
        labels: `[B]`; if given, other pairs of the same person are no negatives.
    """
    _check(images, texts, labels)
    logits = _cosines(images, texts) / temperature
    if labels is not None:
        others = (labels[:, None] == labels) & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
        logits = logits.masked_fill(others, -torch.inf)
    target = torch.arange(len(logits), device=logits.device)
    entropy = torch.nn.functional.cross_entropy
    return (entropy(logits, target) + entropy(logits.T, target)) / 2


@full_precision
def similarity_matching(images: Tensor, texts: Tensor, labels: Tensor, temperature: float = 0.02) -> Tensor:
    """SDM: KL from the softmax of the cosines to the shares of the person, both directions summed.

    Spec text.md, "Image-text losses"; the temperature and the small number in the logarithm are IRRA's.
    """
    _check(images, texts, labels)
    logits = _cosines(images, texts) / temperature
    return _divergence(logits, labels) + _divergence(logits.T, labels)


@full_precision
def projection_matching(images: Tensor, texts: Tensor, labels: Tensor) -> Tensor:
    """CMPM: as SDM on `x . y / |y|`, the length taken out of the target side only, no temperature.

    Spec text.md, "Image-text losses": the label matrix is divided by its row sums (IRRA's code divides by the
    norm).
    """
    _check(images, texts, labels)
    unit = torch.nn.functional.normalize
    onto_texts, onto_images = images @ unit(texts).T, texts @ unit(images).T
    return _divergence(onto_texts, labels) + _divergence(onto_images, labels)


def _divergence(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean over rows of `KL(softmax(logits) || same person / their number)`."""
    same = (labels[:, None] == labels).to(logits.dtype)
    wanted = same / same.sum(1, keepdim=True)
    log_probability = logits.log_softmax(1)
    return (log_probability.exp() * (log_probability - (wanted + _EPS).log())).sum(1).mean()


def _cosines(images: Tensor, texts: Tensor) -> Tensor:
    unit = torch.nn.functional.normalize
    return unit(images) @ unit(texts).T


def _check(images: Tensor, texts: Tensor, labels: Tensor | None) -> None:
    if images.ndim != 2 or images.shape != texts.shape or (labels is not None and len(labels) != len(images)):
        got = [list(images.shape), list(texts.shape), None if labels is None else list(labels.shape)]
        raise ShapeError(f"expected two tensors [B, D] and labels [B], got {got}")
