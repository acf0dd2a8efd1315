"""TransReID: a vision transformer with camera embeddings, and the jigsaw branch (transreid.md)."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from glimpse.choices import NeckFeat
from glimpse.errors import OptionError, ShapeError
from glimpse.models.backbones.sizes import Size, baseline_vit, camera_rows_of
from glimpse.models.backbones.transformer import Block
from glimpse.models.backbones.vit import ViT
from glimpse.models.card import NetworkCard, options_from_json
from glimpse.models.heads.bnneck import Neck
from glimpse.models.taken import Taken, cameras_of


def jigsaw(patches: Tensor, *, shift: int, groups: int, parts: int) -> list[Tensor]:
    """Rearrange patch tokens `[B, N, D]` into `parts` groups of `N // parts` (transreid.md, "Jigsaw branch").

    The first `shift - 1` tokens move to the end; a number that `groups` does not divide is filled up by
    copies of the last token but one; then the groups' tokens are interleaved, and the result is cut
    into consecutive parts. Tokens that fill no whole part are left out.

    >>> tokens = torch.arange(1.0, 9).view(1, 8, 1)
    >>> [part.flatten().tolist() for part in jigsaw(tokens, shift=5, groups=2, parts=4)]
    [[5.0, 1.0], [6.0, 2.0], [7.0, 3.0], [8.0, 4.0]]
    """
    batch, count, width = patches.shape
    length = count // parts
    if not 1 <= shift <= count or length < 1 or count < groups:
        raise ShapeError(f"{count} patches cannot be shifted by {shift} and shared by {parts} parts")
    shifted = torch.cat([patches[:, shift - 1 :], patches[:, : shift - 1]], dim=1)
    missing = -count % groups
    if missing:
        shifted = torch.cat([shifted, shifted[:, -2:-1].expand(-1, missing, -1)], dim=1)
    shuffled = shifted.view(batch, groups, -1, width).transpose(1, 2).reshape(batch, -1, width)
    return [shuffled[:, start : start + length] for start in range(0, length * parts, length)]


PARTS, GROUPS, SHIFT = 4, 2, 5  # given by the source (transreid.md, "Jigsaw branch")


@dataclass(frozen=True)
class TransReIDOptions:
    """What a card says of this network besides size, image and cameras.

    Attributes:
        stride: distance of neighboring patches in sixteenths of a patch: pixels, for patches of 16.
        jigsaw: whether there is a branch of local features.
        camera_weight: factor of the camera embedding, where cameras are known.
        drop_path: rate of the last block in training.
        neck_feat: where the embedding is taken; TransReID takes it before the neck.
    """

    stride: int = 16
    jigsaw: bool = False
    camera_weight: float = 3.0
    drop_path: float = 0.1
    neck_feat: NeckFeat = NeckFeat.BEFORE


class TransReIDNetwork(nn.Module):
    """Backbone, the local branch if there is one, and a neck per feature.

    >>> network = TransReIDNetwork(Size.MICRO, (64, 32), 0, TransReIDOptions(jigsaw=True)).eval()
    >>> list(network.embed(torch.zeros(2, 3, 64, 32)).shape)
    [2, 320]
    """

    def __init__(self, size: Size, image: tuple[int, int], cameras: int, options: TransReIDOptions) -> None:
        super().__init__()
        self.backbone = baseline_vit(
            size,
            image,
            cameras,
            stride=options.stride,
            camera_weight=options.camera_weight,
            drop_path=options.drop_path,
        )
        width = self.backbone.config.width
        self.neck_feat = options.neck_feat
        self.local = LocalBranch(self.backbone) if options.jigsaw else None
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
        rows = camera_rows_of(self.backbone, images, cameras)
        if self.local is None:
            before = [self.backbone(images, cameras=rows, mix=mix, patches=False).class_token]
        else:
            last = len(self.backbone.blocks) - 1
            output = self.backbone(images, cameras=rows, mix=mix, depths=[last], patches=False)
            before = [output.class_token, *self.local(output.at[last])]
        return before, [neck(feature) for neck, feature in zip(self.necks, before, strict=True)]

    def embed(self, images: Tensor, taken: Taken | None = None) -> Tensor:
        """`[B, D]`: the global feature, then each local one divided by their number.

        See transreid.md, "Jigsaw branch".
        """
        before, after = self(images, cameras_of(taken))
        first, *rest = before if self.neck_feat is NeckFeat.BEFORE else after
        return torch.cat([first, *(feature / PARTS for feature in rest)], dim=1)


class LocalBranch(nn.Module):
    """A copy of the last block and norm that looks at each jigsaw part by itself.

    See transreid.md, "Jigsaw branch".

    The backbone's own last block is the global branch. Copied when the network is made; whoever loads
    weights into the backbone afterwards calls `follow`.
    """

    def __init__(self, backbone: ViT) -> None:
        super().__init__()
        if len(backbone.blocks) < 2:
            raise OptionError("the jigsaw branch needs a backbone of at least 2 blocks")
        self.block = cast("Block", deepcopy(backbone.blocks[-1]))
        self.norm = deepcopy(backbone.norm)

    def follow(self, backbone: ViT) -> None:
        """Take over the weights of the backbone's last block and norm."""
        self.block.load_state_dict(backbone.blocks[-1].state_dict())
        self.norm.load_state_dict(backbone.norm.state_dict())

    def forward(self, tokens: Tensor) -> list[Tensor]:
        """The local features `[B, D]` of the tokens `[B, 1 + N, D]` before the last block."""
        first = tokens[:, :1]
        parts = jigsaw(tokens[:, 1:], shift=SHIFT, groups=GROUPS, parts=PARTS)
        # the parts go through the block as one batch: they are of equal length and do not see each other
        stacked = torch.cat([torch.cat([first, part], dim=1) for part in parts])
        # in training the rest is spared, in evaluation a vector is the same in any batch (`ViT.forward`)
        return list(self.norm(self.block(stacked, first_only=self.training))[:, 0].chunk(PARTS))
