"""Stripes of an image: which patches they have, and how much of the person each one shows.

Our addition to dpmpp.md: a class token mixes everything that is seen, so that no mask can take an
occluder out of it. Blocks that have seen nothing but their stripe are a structure that a mask can cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from glimpse.errors import OptionError
from glimpse.models.backbones.position import Grid
from glimpse.models.heads.masks import as_map, convolution
from glimpse.models.precision import full_precision

_LEAST = 0.01  # our choice: a stripe that shows nobody still has a direction


def stripe_rows(rows: int, stripes: int) -> list[slice]:
    """The rows of patches in each stripe: all equally tall, the first at the top, the last at the bottom.

    Where `stripes` does not divide `rows` neighbors share some.

    >>> stripe_rows(10, 3)
    [slice(0, 4, None), slice(3, 7, None), slice(6, 10, None)]
    """
    if not 1 <= stripes <= rows:
        raise OptionError(f"there can be no more stripes than the {rows} rows of patches, got {stripes}")
    tall = -(-rows // stripes)
    tops = [round(k * (rows - tall) / max(stripes - 1, 1)) for k in range(stripes)]
    return [slice(top, top + tall) for top in tops]


def stripe_patches(grid: Grid, stripes: int) -> Tensor:
    """The numbers of the patches of each stripe, int64 `[K, V]`."""
    rows, columns = grid
    numbers = torch.arange(rows * columns).reshape(rows, columns)
    return torch.stack([numbers[some].flatten() for some in stripe_rows(rows, stripes)])


@dataclass(frozen=True, eq=False)
class Visibility:
    """What a striped mask head makes of B images.

    Attributes:
        seen: `[B, rows, columns]` in 0..1: whether each patch shows the person.
        trust: `[B, K]`, in each stripe.
        stripes: the rows of patches in each stripe.
    """

    seen: Tensor
    trust: Tensor
    stripes: tuple[slice, ...]

    def rows_trusted(self) -> Tensor:
        """The mean trust of the stripes that have each row, `[B, rows]`.

        >>> rows = tuple(stripe_rows(3, 2))
        >>> Visibility(torch.zeros(1, 3, 1), torch.tensor([[1.0, 0.0]]), rows).rows_trusted()
        tensor([[1.0000, 0.5000, 0.0000]])
        """
        total, count = torch.zeros(self.seen.shape[:2]), torch.zeros(self.seen.shape[1])
        for number, rows in enumerate(self.stripes):
            total[:, rows] += self.trust[:, number, None]
            count[rows] += 1
        return total / count

    def cpu(self) -> Visibility:
        """The same in the memory of the CPU."""
        return Visibility(self.seen.cpu(), self.trust.cpu(), self.stripes)


class StripedMaskHead(nn.Module):
    """Masks of the whole image's block, and one trust for all dimensions of each stripe's block.

    The trust is the share of the person that the stripe shows. Patch by patch it is told where the person is
    seen (`seen_loss`), and learns from nothing else: classification of training persons would have it trust
    everything.

    Args:
        whole: the mask head of the first block.
        width: D, of tokens and of each block.
        grid: rows and columns of patches.
        stripes: K.
    """

    usual: Tensor

    def __init__(self, whole: nn.Module, width: int, grid: Grid, stripes: int) -> None:
        super().__init__()
        self.whole = whole
        self.width = width
        self.stripes = stripe_rows(grid[0], stripes)
        reduced = max(1, width // 3)  # our choice, twice what the light head sees
        self.reduce = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, reduced)) for _ in range(4)
        )
        self.maps = nn.Sequential(*convolution(4 * reduced, 2 * reduced), nn.Conv2d(2 * reduced, 1, 1))
        self.register_buffer("usual", torch.ones(grid))

    def forward(self, levels: Sequence[Tensor], grid: Grid) -> Tensor:
        """As `LightMaskHead.forward`, `[B, D + K D]`."""
        with torch.no_grad():
            trust = self.trust(self.seen(levels, grid))
        return torch.cat([self.whole(levels, grid), trust.repeat_interleave(self.width, 1)], dim=1)

    def seen(self, levels: Sequence[Tensor], grid: Grid) -> Tensor:
        """Whether each patch shows the person, as logits `[B, rows, columns]`."""
        reduced = [reduce(tokens) for reduce, tokens in zip(self.reduce, levels, strict=True)]
        maps: Tensor = self.maps(as_map(torch.cat(reduced, dim=2), grid, 1))
        return maps[:, 0]

    @full_precision
    def trust(self, seen: Tensor) -> Tensor:
        """The share of the person that each stripe shows, `[B, K]`, of logits `[B, rows, columns]`.

        `sum u p / sum u^2` over the patches of the stripe, at most 1: a patch counts by how often persons
        are seen there, u, and an image in which p is as usual has all of its person.
        """
        usual = self.usual
        there = torch.sigmoid(seen) * usual
        shares = [
            there[:, some].sum((1, 2)) / usual[some].square().sum().clamp(min=_LEAST) for some in self.stripes
        ]
        return torch.stack(shares, dim=1).clamp(_LEAST, 1)

    def visibility(self, levels: Sequence[Tensor], grid: Grid) -> Visibility:
        """What the masks of stripes are made of, to be looked at."""
        seen = self.seen(levels, grid)
        return Visibility(torch.sigmoid(seen), self.trust(seen), tuple(self.stripes))

    @torch.no_grad()
    def expect(self, masks: Tensor) -> None:
        """Set what is usual: the mean of masks `[N, H, W]` (0 is background) over each patch."""
        mean = (masks > 0).float().mean(0)
        self.usual.copy_(_pooled(mean[None], self.usual)[0])


@full_precision
def seen_loss(logits: Tensor, seen: Tensor) -> Tensor:
    """Binary cross-entropy of where the person is seen, over the images of which that is known.

    Args:
        logits: `[B, rows, columns]`, of patches.
        seen: `[B, R, C]` in 0..1, of cells; -1 where nobody knows.

    >>> round(seen_loss(torch.zeros(2, 1, 1), torch.tensor([[[1.0]], [[-1.0]]])).item(), 4)
    0.6931
    """
    known = seen.flatten(1)[:, 0] >= 0
    if not bool(known.any()):
        return 0 * logits.sum()
    shares = _pooled(seen[known], logits)
    return torch.nn.functional.binary_cross_entropy_with_logits(logits[known], shares)


def _pooled(maps: Tensor, like: Tensor) -> Tensor:
    """Maps `[N, R, C]` in the rows and columns of another one's last axes."""
    rows, columns = like.shape[-2:]
    return torch.nn.functional.adaptive_avg_pool2d(maps[:, None], (rows, columns))[:, 0]
