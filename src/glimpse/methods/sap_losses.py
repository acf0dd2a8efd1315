"""What SAP's teacher says of patches, and the losses that follow it (sap.md)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, normalize, one_hot

from glimpse.errors import ShapeError
from glimpse.models.precision import full_precision

FULL_PATCH = 256  # pixels of the published patch, in which counts are told whatever the patch is
_PRESENT = 0.5  # our choice: a part is there if some patch is mostly its own


@full_precision
def patch_labels(labels: Tensor, parts: int, patch: int, stride: int, sharpness: float) -> Tensor:
    """Which part each patch shows, `[B, N, 1 + K]`, background first; rows sum to 1.

    `softmax_k(sharpness * count_k)`, the count of the patch's pixels with label k, in patches as the backbone
    cuts them: same size, same stride, what is left over at the right and the bottom is cut off.

    Args:
        labels: integers `[B, H, W]`, 0 to K.
        parts: K.
        patch: side of a patch.
        stride: from one to the next.
        sharpness: per pixel of a patch of 16 x 16; counts of others are scaled to it.

    >>> patch_labels(torch.ones(1, 16, 16, dtype=torch.uint8), 1, 16, 16, 0.05).argmax(2)
    tensor([[1]])
    """
    spread = one_hot(labels.long(), 1 + parts).permute(0, 3, 1, 2).float()
    counts = FULL_PATCH * avg_pool2d(spread, patch, stride)
    return (sharpness * counts.flatten(2).transpose(1, 2)).softmax(2)


@full_precision
def teacher_matrix(found: Tensor, background: float) -> Tensor:
    """How much tokens should attend to each other, `[B, 1 + N, 1 + N]`, symmetric, in 0..1.

    Patches by how far they show the same parts, `m m^T`; the class token and a patch 1 if it is foreground,
    which is one whose background is below `background`.
    """
    foreground = (found[..., 0] < background).to(found.dtype)
    both = found.new_ones(found.shape[0], 1 + found.shape[1], 1 + found.shape[1])
    both[:, 1:, 1:] = found @ found.transpose(1, 2)
    both[:, 0, 1:] = both[:, 1:, 0] = foreground
    return both


@full_precision
def patch_consistency(logits: Tensor, wanted: Tensor, kept: Tensor, temperature: float) -> Tensor:
    """The cross-entropy of a block's attention with the teacher's, the mean over tokens.

    Args:
        logits: `[B, heads, 1 + N, 1 + N]`; the attention is the mean of the heads.
        wanted: `[B or 1, 1 + N, 1 + N]`, of `teacher_matrix`; each row's softmax is the target.
        kept: bool `[B, N]`: patches whose rows are supervised; the class token's always is.
        temperature: of the target.
    """
    target = (wanted / temperature).softmax(-1)
    attention = logits.softmax(-1).mean(1).clamp_min(torch.finfo(logits.dtype).tiny)
    rows = -(target * attention.log()).sum(-1)
    weight = torch.cat([kept.new_ones(len(kept), 1), kept], dim=1).to(rows.dtype)
    return ((rows * weight).sum(1) / weight.sum(1)).mean()


@full_precision
def proxy_consistency(
    attention: Tensor, found: Tensor, kept: Tensor, *, temperature: float = 1.0, literal: bool = False
) -> Tensor:
    """The cross-entropy of what proxies spread over with where their parts are, the mean over parts.

    The target of part k is the softmax over patches of `found[:, :, k] / temperature`; both it and the
    attention are restricted to the patches that are kept. Parts that are nowhere are left out, unless
    `literal`.

    Args:
        attention: `[B, 1 + K, N]`, rows sum to 1.
        found: `[B or 1, N, 1 + K]`, of `patch_labels`.
        kept: bool `[B, N]`.
        temperature: of the target; 1 is literal.
        literal: whether absent parts have the almost uniform target that the formula gives them.
    """
    if attention.shape[1:] != (found.shape[2], found.shape[1]):
        raise ShapeError(
            f"proxies and parts must agree, got attention {list(attention.shape)} for {list(found.shape)}"
        )
    parts = found.transpose(1, 2).expand(len(attention), -1, -1)
    target = (parts / temperature).masked_fill(~kept[:, None], -torch.inf).softmax(-1)
    restricted = attention * kept[:, None]
    # where everything was spread over dropped patches there is nothing to learn from
    spread = restricted / restricted.sum(-1, keepdim=True).clamp_min(1e-6)
    rows = -(target * spread.clamp_min(1e-12).log()).sum(-1)
    present = torch.ones_like(rows) if literal else (parts.amax(-1) > _PRESENT).to(rows.dtype)
    return ((rows * present).sum(1) / present.sum(1).clamp_min(1)).mean()


@torch.no_grad()
@full_precision
def supervised_patches(
    patches: Tensor, ratio: float, temperature: float, generator: torch.Generator
) -> Tensor:
    """Which patches stay supervised, bool `[B, N]`: all but `floor(ratio N)`, drawn without replacement.

    A patch is dropped the likelier, the more it is like all others:
    `softmax_i(mean_j cos(x_i, x_j) / temperature)`.
    """
    batch, count = patches.shape[:2]
    dropped = int(ratio * count)
    kept = torch.ones(batch, count, dtype=torch.bool, device=patches.device)
    if not dropped:
        return kept
    unit = normalize(patches, dim=-1)
    likeness = (unit @ unit.mean(1, keepdim=True).transpose(1, 2)).squeeze(2) / temperature
    uniform = torch.rand(batch, count, generator=generator).clamp_(1e-9, 1 - 1e-7)
    gumbel = -(-uniform.log()).log()
    rows = (likeness + gumbel.to(likeness.device)).topk(dropped, dim=1).indices
    return kept.scatter(1, rows, False)
