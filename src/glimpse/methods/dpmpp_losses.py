"""DPM++'s losses between copies and clean images, and prototypes initialized from text (dpmpp.md)."""

from __future__ import annotations

import torch
from torch import Tensor

from glimpse.choices import MaskSide
from glimpse.errors import ShapeError
from glimpse.methods.dpm_losses import masked_cosines, participation
from glimpse.models.precision import full_precision

_EPS = 1e-6


@full_precision
def pair_loss(
    copies: Tensor,
    masks: Tensor | None,
    clean: Tensor,
    copy_labels: Tensor,
    labels: Tensor,
    ignored: Tensor,
    *,
    scale: float = 30.0,
    side: MaskSide = MaskSide.QUERY,
) -> Tensor:
    """L_pair: occluded images find whole ones of their person under their own masks (dpmpp.md, "Losses").

    `-mean_i 1/|P_i| sum_{j in P_i} log softmax_j(scale * masked cosine of copy i and clean j)`; nothing is
    learned through the clean side, which stands for a gallery.

    Args:
        copies: `[S, D]`.
        masks: `[S, D]`, or None for the plain cosine.
        clean: `[B, D]`; among them an image of every copy's person.
        copy_labels: `[S]`.
        labels: `[B]`.
        ignored: int64 `[S]`; a person per copy that is no wrong answer, or -1.
        scale: of the cosines.
        side: see `masked_cosines`.
    """
    if len(labels) != len(clean) or not len(copies) == len(copy_labels) == len(ignored):
        got = [list(values.shape) for values in (copies, copy_labels, ignored, clean, labels)]
        raise ShapeError(f"expected copies [S, D], two [S], clean [B, D] and labels [B], got {got}")
    logits = scale * masked_cosines(copies, masks, clean.detach(), side)
    same = copy_labels[:, None] == labels
    out = (ignored[:, None] == labels) & ~same
    log_probability = logits.masked_fill(out, -torch.inf).log_softmax(1)
    own = torch.where(same, log_probability, 0).sum(1) / same.sum(1)
    return -own.mean()


@full_precision
def wider_than_source(copy_masks: Tensor, source_masks: Tensor, slack: float = 0.0) -> Tensor:
    """By how much copies use more dimensions than what they are copies of (dpmpp.md, "Budget losses").

    `mean max(0, PR(copy) - PR(source) + slack)^2`; the sources learn nothing from it.

    Args:
        copy_masks: `[S, D]`.
        source_masks: `[S, D]`, of each copy's source.
        slack: delta, 0 in the design.
    """
    more = participation(copy_masks) - participation(source_masks.detach()) + slack
    return more.clamp(min=0).square().mean()


@full_precision
def visibility_loss(masks: Tensor, copies: Tensor, sources: Tensor, own_classes: Tensor) -> Tensor:
    """L_vis: dimensions that lost their evidence for the person are closed (dpmpp.md, "Losses").

    The evidence of dimension d is `h_d W_{y,d}`; the target is which part of the source's evidence the copy
    still has, in 0..1, and a dimension counts by the source's evidence. The masks alone learn.

    Args:
        masks: `[S, D]` in (0, 1), of the copies.
        copies: `[S, D]`, after the neck.
        sources: `[S, D]`, after the neck.
        own_classes: `[S, D]`, the unit prototypes of the persons.

    >>> one = torch.ones(1, 2)
    >>> loss = visibility_loss(torch.tensor([[0.9, 0.1]]), torch.tensor([[1.0, 0.0]]), one, one)
    >>> round(loss.item(), 4)
    0.1054
    """
    with torch.no_grad():
        before, after = sources * own_classes, copies * own_classes
        target = (after / before.clamp(min=_EPS)).clamp(0, 1)
        weight = before.clamp(min=0)
        weight = weight / weight.sum(1, keepdim=True).clamp(min=_EPS)
    masks = masks.clamp(_EPS, 1 - _EPS)
    entropy = target * masks.log() + (1 - target) * (1 - masks).log()
    return -(weight * entropy).sum(1).mean()


@full_precision
def prototype_alignment(classes: Tensor, texts: Tensor, labels: Tensor, temperature: float = 0.1) -> Tensor:
    """L_proto: persons of the batch are as alike to others by prototypes as by texts.

    See dpmpp.md, "Prototype alignment".

    The mean over the batch's persons of `KL(softmax of text cosines || softmax of prototype cosines)`, each
    with everybody else; only the prototypes learn.

    Args:
        classes: `[C, D]`.
        texts: `[C, P]`.
        labels: `[B]`; the batch's persons.
        temperature: tau.
    """
    persons = torch.unique(labels)
    unit = torch.nn.functional.normalize
    itself = torch.nn.functional.one_hot(persons, len(classes)).bool()

    def alike(vectors: Tensor) -> Tensor:
        vectors = unit(vectors, dim=1)
        logits = vectors[persons] @ vectors.T / temperature
        return logits.masked_fill(itself, -torch.inf).log_softmax(1)

    wanted, got = alike(texts.detach()), alike(classes)
    gap = torch.where(itself, 0, wanted.exp() * (wanted - got).masked_fill(itself, 0))
    return gap.sum(1).mean()


def pulled_back(texts: Tensor, projection: Tensor, gain: Tensor, std: Tensor) -> Tensor:
    """The classifiers after the neck that do what texts do in the shared space.

    With `z = f P` and `h = gain (f - mean) / std`, `W = (std / gain) P T` has
    `h . W = (f - mean) P T` exactly: a text vector is a linear classifier of f.

    Args:
        texts: `[C, P]`, T.
        projection: `[D, P]`, P.
        gain: `[D]`, of the neck's batch norm.
        std: `[D]`, of the features before it.

    Returns:
        `[C, D]`.
    """
    return (texts @ projection.T) * (std / gain)


def as_prototypes(classifiers: Tensor, length: float = 1.0) -> Tensor:
    """The same directions `[C, D]`, with the length that prototypes begin with: 1.

    See dpmpp.md, "Initialization from text".
    """
    unit = torch.nn.functional.normalize(classifiers, dim=1, eps=_EPS)
    return length * unit
