"""TransReID: a vision transformer with side information, and the jigsaw branch (dpm_family 2)."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from glimpse.encoders.block import Block
from glimpse.encoders.sizes import Size
from glimpse.encoders.vit import ViT
from glimpse.errors import OptionError
from glimpse.methods.card import NetworkCard, options_from_json
from glimpse.methods.kinds import Tap
from glimpse.methods.neck import Neck
from glimpse.methods.towers import baseline_vit, side_rows
from glimpse.methods.transreid.jigsaw import jigsaw

PARTS, GROUPS, SHIFT = 4, 2, 5  # given by the source (dpm_family 2.4)


@dataclass(frozen=True)
class TransReIDOptions:
    """What a card says of this network besides size, image and cameras.

    Attributes:
        stride: distance of neighbouring patches in sixteenths of a patch: pixels, for patches of 16.
        jigsaw: whether there is a branch of local features.
        side_weight: factor of the camera embedding, where cameras are known.
        drop_path: rate of the last block in training.
        tap: where the embedding is taken; TransReID takes it before the neck.
    """

    stride: int = 16
    jigsaw: bool = False
    side_weight: float = 3.0
    drop_path: float = 0.1
    tap: Tap = Tap.BEFORE


class TransReIDNetwork(nn.Module):
    """Encoder, the local branch if there is one, and a neck per feature.

    >>> network = TransReIDNetwork(Size.MICRO, (64, 32), 0, TransReIDOptions(jigsaw=True)).eval()
    >>> list(network.embed(torch.zeros(2, 3, 64, 32)).shape)
    [2, 320]
    """

    def __init__(self, size: Size, image: tuple[int, int], cameras: int, options: TransReIDOptions) -> None:
        super().__init__()
        self.encoder = baseline_vit(
            size,
            image,
            cameras,
            stride=options.stride,
            side_weight=options.side_weight,
            drop_path=options.drop_path,
        )
        width = self.encoder.config.width
        self.tap = options.tap
        self.local = LocalBranch(self.encoder) if options.jigsaw else None
        features = 1 + (PARTS if options.jigsaw else 0)
        self.dim = width * features
        self.necks = nn.ModuleList(Neck(width) for _ in range(features))

    @classmethod
    def from_card(cls, card: NetworkCard) -> TransReIDNetwork:
        """The network that a card describes."""
        options = options_from_json(TransReIDOptions, card.options)
        return cls(card.size, card.image, len(card.cameras), options)

    def forward(
        self,
        images: Tensor,
        cameras: Tensor | None = None,
        mix: Callable[[Tensor], Tensor] | None = None,
    ) -> tuple[list[Tensor], list[Tensor]]:
        """The features before their necks and after them, each `[B, D]`: the global one, then the local.

        Args:
            images: `[B, 3, H, W]`.
            cameras: integers `[B]`, rows of the camera table, -1 for unknown; None: all are unknown.
            mix: changes the patch embeddings, as `ViT.forward` has it.
        """
        side = side_rows(self.encoder, images, cameras)
        if self.local is None:
            before = [self.encoder(images, side=side, mix=mix, patches=False).class_token]
        else:
            last = len(self.encoder.blocks) - 1
            output = self.encoder(images, side=side, mix=mix, depths=[last], patches=False)
            before = [output.class_token, *self.local(output.at[last])]
        return before, [neck(feature) for neck, feature in zip(self.necks, before, strict=True)]

    def embed(self, images: Tensor, cameras: Tensor | None = None) -> Tensor:
        """`[B, D]`: the global feature, then each local one divided by their number (dpm_family 2.4)."""
        before, after = self(images, cameras)
        first, *rest = before if self.tap is Tap.BEFORE else after
        return torch.cat([first, *(feature / PARTS for feature in rest)], dim=1)


class LocalBranch(nn.Module):
    """A copy of the last block and norm that looks at each jigsaw part by itself (dpm_family 2.4).

    The encoder's own last block is the global branch. Copied when the network is made; whoever loads
    weights into the encoder afterwards calls `follow`.
    """

    def __init__(self, encoder: ViT) -> None:
        super().__init__()
        if len(encoder.blocks) < 2:
            raise OptionError("the jigsaw branch needs an encoder of at least 2 blocks")
        self.block = cast("Block", deepcopy(encoder.blocks[-1]))
        self.norm = deepcopy(encoder.norm)

    def follow(self, encoder: ViT) -> None:
        """Take over the weights of the encoder's last block and norm."""
        self.block.load_state_dict(encoder.blocks[-1].state_dict())
        self.norm.load_state_dict(encoder.norm.state_dict())

    def forward(self, tokens: Tensor) -> list[Tensor]:
        """The local features `[B, D]` of the tokens `[B, 1 + N, D]` before the last block."""
        first = tokens[:, :1]
        parts = jigsaw(tokens[:, 1:], shift=SHIFT, groups=GROUPS, parts=PARTS)
        # the parts go through the block as one batch: they are of equal length and do not see each other
        stacked = torch.cat([torch.cat([first, part], dim=1) for part in parts])
        # in training the rest is spared, in evaluation a vector is the same in any batch (`ViT.forward`)
        return list(self.norm(self.block(stacked, first_only=self.training))[:, 0].chunk(PARTS))
