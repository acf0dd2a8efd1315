"""A compact vision transformer in ImageNet's and CLIP's flavor, with its patch and camera embeddings."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import cast

import torch
from torch import Tensor, nn

from glimpse.choices import UnknownCamera
from glimpse.errors import OptionError, ShapeError
from glimpse.models.backbones.position import Grid, patch_grid
from glimpse.models.backbones.transformer import Block, initialize


class PatchEmbed(nn.Module):
    """Cut an image into (overlapping) patches and project each to a token."""

    def __init__(self, image: tuple[int, int], patch: int, stride: int, width: int, *, bias: bool) -> None:
        super().__init__()
        self.image = image
        self.grid = patch_grid(image, patch, stride)
        self.projection = nn.Conv2d(3, width, patch, stride, bias=bias)

    def forward(self, images: Tensor) -> Tensor:
        """`[B, 3, H, W]` to `[B, N, D]`, row after row of patches."""
        if images.ndim != 4 or tuple(images.shape[1:]) != (3, *self.image):
            height, width = self.image
            raise ShapeError(f"images must be [B, 3, {height}, {width}], got {list(images.shape)}")
        result: Tensor = self.projection(images).flatten(2).transpose(1, 2)
        return result


class CameraEmbedding(nn.Module):
    """A learned row per camera (or camera and view), added to tokens with a weight.

    See transreid.md, "Camera embedding".

    TransReID and DPM add it to all tokens with weight 3, CLIP-ReID to the class token with weight 1
    (both read in the authors' code).
    """

    def __init__(
        self, cameras: int, width: int, *, weight: float, class_only: bool, unknown: UnknownCamera
    ) -> None:
        super().__init__()
        self.weight = weight
        self.class_only = class_only
        self.unknown = unknown
        self.table = nn.Parameter(torch.empty(cameras, width))
        nn.init.trunc_normal_(self.table, std=0.02)

    def forward(self, tokens: Tensor, cameras: Tensor) -> Tensor:
        """Add the rows of `cameras`, integers `[B]`, to tokens `[B, 1 + N, D]`.

        A number outside the table, as -1, is a camera that is unknown.
        """
        if cameras.shape != tokens.shape[:1] or cameras.is_floating_point():
            raise ShapeError(
                f"camera rows must be integers [{len(tokens)}], got {cameras.dtype} {list(cameras.shape)}"
            )
        fallback = (
            self.table.mean(0) if self.unknown is UnknownCamera.MEAN else torch.zeros_like(self.table[0])
        )
        known = ((cameras >= 0) & (cameras < len(self.table))).unsqueeze(-1)
        rows = self.weight * torch.where(known, self.table[cameras.clamp(0, len(self.table) - 1)], fallback)
        if not self.class_only:
            return tokens + rows.unsqueeze(1)
        return torch.cat([tokens[:, :1] + rows.unsqueeze(1), tokens[:, 1:]], dim=1)


class Flavor(StrEnum):
    """Which published family the network follows.

    IMAGENET: GELU, norms with eps 1e-6, patch bias (transreid.md, "Backbone"). CLIP: QuickGELU, norms with
        eps
    1e-5, a norm before the first block, no patch bias (clip-reid.md, "Network").
    """

    IMAGENET = "imagenet"
    CLIP = "clip"


@dataclass(frozen=True)
class ViTConfig:
    """The shape of a vision transformer; the defaults are ViT-B/16 at 256x128.

    Attributes:
        image: height and width in pixels.
        patch: side of a patch in pixels.
        stride: distance of neighboring patches; smaller than `patch` makes them overlap.
        width: D, the width of a token.
        depth: number of blocks.
        heads: attention heads per block.
        mlp_ratio: hidden width of a block's MLP over D.
        drop_path: rate of the last block; it grows linearly from 0 over the depth.
        flavor: ImageNet's or CLIP's.
        projection: width of CLIP's projected class token, or 0 for none.
        cameras: how many cameras (or cameras times views) have an embedding of their own, or 0.
        camera_weight: the factor of that embedding.
        camera_on_class_only: add it to the class token only, as CLIP-ReID does.
        unknown_camera: what stands for a camera outside the table.
    """

    image: tuple[int, int] = (256, 128)
    patch: int = 16
    stride: int = 16
    width: int = 768
    depth: int = 12
    heads: int = 12
    mlp_ratio: float = 4.0
    drop_path: float = 0.0
    flavor: Flavor = Flavor.IMAGENET
    projection: int = 0
    cameras: int = 0
    camera_weight: float = 3.0
    camera_on_class_only: bool = False
    unknown_camera: UnknownCamera = UnknownCamera.ZERO

    @property
    def grid(self) -> Grid:
        """Rows and columns of patches."""
        return patch_grid(self.image, self.patch, self.stride)


@dataclass(frozen=True, eq=False)
class ViTOutput:
    """What a pass gives; V patches went through, all N of them unless the pass was told otherwise.

    Attributes:
        tokens: `[B, 1 + V, D]`, the class token first, after the last norm; without patches `[B, 1, D]`.
        grid: `(Hp, Wp)` of all patches.
        projected: `[B, P]`, the class token in CLIP's shared space; None without a projection.
        at: for each depth asked for, the residual stream `[B, 1 + V, D]` after that block, before any norm.
        class_logits: `[B, heads, V]`, class-to-patch logits before the softmax, of the block asked for.
        logits: `[B, heads, 1 + V, 1 + V]`, all logits of the block asked for.
    """

    tokens: Tensor
    grid: Grid
    projected: Tensor | None = None
    at: Mapping[int, Tensor] = field(default_factory=dict)
    class_logits: Tensor | None = None
    logits: Tensor | None = None

    @property
    def class_token(self) -> Tensor:
        """`[B, D]`, the global feature before any neck."""
        return self.tokens[:, 0]

    @property
    def patches(self) -> Tensor:
        """`[B, V, D]`; empty if the pass was to leave them out."""
        return self.tokens[:, 1:]


class ViT(nn.Module):
    """Vision transformer.

    >>> network = ViT(ViTConfig(image=(64, 32), patch=8, stride=8, width=32, depth=2, heads=4))
    >>> output = network(torch.zeros(2, 3, 64, 32), depths=[1])
    >>> list(output.class_token.shape), list(output.at[1].shape), output.grid
    ([2, 32], [2, 33, 32], (8, 4))
    """

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.config = config
        clip = config.flavor is Flavor.CLIP
        width, eps = config.width, 1e-5 if clip else 1e-6
        self.patch_embed = PatchEmbed(config.image, config.patch, config.stride, width, bias=not clip)
        rows, columns = self.grid = config.grid
        self.class_token = nn.Parameter(torch.empty(width))
        self.position = nn.Parameter(torch.empty(1 + rows * columns, width))
        self.camera_embedding = (
            CameraEmbedding(
                config.cameras,
                width,
                weight=config.camera_weight,
                class_only=config.camera_on_class_only,
                unknown=config.unknown_camera,
            )
            if config.cameras
            else None
        )
        self.norm_before = nn.LayerNorm(width, eps=eps) if clip else nn.Identity()
        rates = torch.linspace(0, config.drop_path, config.depth, device="cpu").tolist()
        hidden = int(width * config.mlp_ratio)
        self.blocks = nn.ModuleList(
            Block(width, config.heads, hidden, quick_gelu=clip, eps=eps, drop_path=rate) for rate in rates
        )
        self.norm = nn.LayerNorm(width, eps=eps)
        self.projection = nn.Parameter(torch.empty(width, config.projection)) if config.projection else None
        self.apply(initialize)
        nn.init.trunc_normal_(self.class_token, std=0.02)
        nn.init.trunc_normal_(self.position, std=0.02)
        if self.projection is not None:
            nn.init.normal_(self.projection, std=width**-0.5)

    def forward(
        self,
        images: Tensor,
        *,
        cameras: Tensor | None = None,
        mix: Callable[[Tensor], Tensor] | None = None,
        visible: Tensor | None = None,
        depths: Collection[int] = (),
        class_logits_of: int | None = None,
        logits_of: int | None = None,
        patches: bool = True,
    ) -> ViTOutput:
        """Encode images.

        Args:
            images: normalized, `[B, 3, H, W]`.
            cameras: integers `[B]`, the camera of each row, -1 if unknown; only where the config has cameras.
            mix: changes the patch embeddings `[B, N, D]` before class token and position come to them.
            visible: integers `[B, V]`: the patches that go through the blocks, in this order.
            depths: the blocks, counted from 1, after which the residual stream is wanted.
            class_logits_of: the block, counted from 1, whose class-to-patch logits are wanted.
            logits_of: the block whose complete logits are wanted.
            patches: whether the last block's patches are wanted. Most heads read the class token alone;
                training then spares two thirds of that block, unless `depths` asks for what comes after it.
        """
        self._check_blocks([*depths, *(b for b in (class_logits_of, logits_of) if b is not None)])
        tokens = self.embed(images, cameras=cameras, mix=mix)
        if visible is not None:
            tokens = _keep(tokens, visible)
        tokens = self.norm_before(tokens)
        # Only in training: a product of few rows sums in an order that depends on how many there are, and
        # a retriever's vector is to be the same, bit for bit, whatever batch an image comes in.
        spared = len(self.blocks) if self.training and not patches else None
        at: dict[int, Tensor] = {}
        class_logits = logits = None
        for number, block in enumerate(cast("Iterable[Block]", self.blocks), start=1):
            if number == class_logits_of:
                class_logits = block.class_logits(tokens)
            if number == logits_of:
                logits = block.logits(tokens)
            tokens = block(tokens, first_only=number == spared and number not in depths)
            if number in depths:
                at[number] = tokens
        tokens = self.norm(tokens if patches else tokens[:, :1])
        projected = None if self.projection is None else tokens[:, 0] @ self.projection
        return ViTOutput(tokens, self.grid, projected, at, class_logits, logits)

    def embed(
        self, images: Tensor, *, cameras: Tensor | None = None, mix: Callable[[Tensor], Tensor] | None = None
    ) -> Tensor:
        """What the first block is made from, `[B, 1 + N, D]`: patches, class token, position, camera."""
        patches = self.patch_embed(images)
        if mix is not None:
            patches = mix(patches)
        # shape[0], not len: what is traced for export must follow the batch
        first = self.class_token.to(patches.dtype).expand(patches.shape[0], 1, -1)
        tokens = torch.cat([first, patches], dim=1) + self.position
        if self.camera_embedding is None:
            if cameras is not None:
                raise OptionError("this backbone has no camera rows: build it with cameras, or pass none")
            return tokens
        if cameras is None:
            raise OptionError("this backbone needs camera rows: pass cameras, with -1 for unknown cameras")
        result: Tensor = self.camera_embedding(tokens, cameras)
        return result

    def _check_blocks(self, numbers: Collection[int]) -> None:
        wrong = [number for number in numbers if not 1 <= number <= len(self.blocks)]
        if wrong:
            raise OptionError(f"blocks are counted from 1 to {len(self.blocks)}, got {wrong[0]}")


def _keep(tokens: Tensor, visible: Tensor) -> Tensor:
    """The class token and the visible patches."""
    if visible.ndim != 2 or len(visible) != len(tokens) or visible.is_floating_point():
        raise ShapeError(
            f"visible must be integers [{len(tokens)}, V], got {visible.dtype} {list(visible.shape)}"
        )
    index = (visible + 1).unsqueeze(-1).expand(-1, -1, tokens.shape[-1])
    return torch.cat([tokens[:, :1], tokens.gather(1, index)], dim=1)
