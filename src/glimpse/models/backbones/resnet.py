"""ResNet-50 as person re-identification uses it: last stride 1, IBN-a, two stems, non-local blocks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from glimpse.choices import NonLocalWidth, Pool
from glimpse.errors import OptionError, ShapeError
from glimpse.models.backbones.pooling import Pooling


class NonLocal(nn.Module):
    """Embedded dot product over all places, divided by their number, without a softmax.

    The last norm starts at zero, so that a new block changes nothing.
    """

    def __init__(self, channels: int, inner: NonLocalWidth) -> None:
        super().__init__()
        width = 1 if inner is NonLocalWidth.ONE else channels // 2
        self.query = nn.Conv2d(channels, width, 1)
        self.key = nn.Conv2d(channels, width, 1)
        self.value = nn.Conv2d(channels, width, 1)
        self.out = nn.Conv2d(width, channels, 1)
        self.norm = nn.BatchNorm2d(channels)
        nn.init.zeros_(self.norm.weight)
        nn.init.zeros_(self.norm.bias)

    def forward(self, x: Tensor) -> Tensor:
        """`[B, C, H, W]` to `[B, C, H, W]`.

        Without a softmax the product is associative: keys meet values first, which costs places times
        width squared instead of width times places squared.
        """
        query, key, value = (layer(x).flatten(2) for layer in (self.query, self.key, self.value))
        context = value @ key.transpose(1, 2) / key.shape[-1]
        mixed = (context @ query).unflatten(2, x.shape[2:])
        result: Tensor = x + self.norm(self.out(mixed))
        return result


EXPANSION = 4


class InstanceBatchNorm(nn.Module):
    """Instance norm on the first half of the channels, batch norm on the rest (IBN-a)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.instances = channels // 2
        self.instance = nn.InstanceNorm2d(self.instances, affine=True)
        self.batch = nn.BatchNorm2d(channels - self.instances)

    def forward(self, x: Tensor) -> Tensor:
        """`[B, C, H, W]` to `[B, C, H, W]`."""
        first, rest = x[:, : self.instances], x[:, self.instances :]
        both = torch.cat([self.instance(first), self.batch(rest)], dim=1)
        # as `ResNet` lays its maps out, which instance norm forgets
        return both.contiguous(memory_format=torch.channels_last)


class Bottleneck(nn.Module):
    """1x1, 3x3 (which strides), 1x1 convolutions and a shortcut."""

    def __init__(self, channels: int, width: int, stride: int, *, ibn: bool) -> None:
        super().__init__()
        wide = width * EXPANSION
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.norm1 = InstanceBatchNorm(width) if ibn else nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, wide, 1, bias=False)
        self.norm3 = nn.BatchNorm2d(wide)
        self.shortcut = Shortcut(channels, wide, stride) if stride > 1 or channels != wide else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """`[B, C, H, W]` to `[B, 4 width, H / stride, W / stride]`."""
        y = relu(self.norm1(self.conv1(x)))
        y = relu(self.norm2(self.conv2(y)))
        return relu(self.norm3(self.conv3(y)) + self.shortcut(x))


class Shortcut(nn.Module):
    """Fit the input to the output's channels and stride."""

    def __init__(self, channels: int, wide: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, wide, 1, stride, bias=False)
        self.norm = nn.BatchNorm2d(wide)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve and normalize."""
        result: Tensor = self.norm(self.conv(x))
        return result


class Stem(nn.Module):
    """The first convolution, norm and pooling: an image to a map of a quarter of its height and width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, width, 7, 2, padding=3, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.pool = nn.MaxPool2d(3, 2, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        """`[B, 3, H, W]` to `[B, width, H / 4, W / 4]`."""
        result: Tensor = self.pool(relu(self.norm(self.conv(images))))
        return result


Four = tuple[int, int, int, int]


@dataclass(frozen=True)
class ResNetConfig:
    """The shape of a residual network; the defaults are BoT's ResNet-50 (bot.md, "Network").

    Attributes:
        depths: bottlenecks per stage.
        width: channels after the stem; the feature has 32 times as many.
        last_stride: stride of the last stage: 1 in re-identification, 2 in classification.
        ibn: IBN-a norms in the first three stages.
        pool: how the last map becomes a vector.
        gem_power: p of the generalized mean (AGW's code fixes 3).
        gem_learned: whether p is trained.
        streams: 2 gives visible and infrared images stems of their own (AGW), 1 shares one.
        non_local: non-local blocks per stage, after its last bottlenecks; AGW has (0, 2, 3, 0).
        non_local_width: their inner channels.
    """

    depths: Four = (3, 4, 6, 3)
    width: int = 64
    last_stride: int = 1
    ibn: bool = False
    pool: Pool = Pool.AVERAGE
    gem_power: float = 3.0
    gem_learned: bool = False
    streams: int = 1
    non_local: Four = (0, 0, 0, 0)
    non_local_width: NonLocalWidth = NonLocalWidth.ONE

    def __post_init__(self) -> None:
        if self.streams not in (1, 2):
            raise OptionError(f"streams must be 1 or 2, got {self.streams}")
        if any(blocks > depth for blocks, depth in zip(self.non_local, self.depths, strict=True)):
            raise OptionError(
                f"a stage takes at most one non-local block per bottleneck, "
                f"got {self.non_local} in stages of {self.depths}"
            )

    @property
    def channels(self) -> int:
        """Channels of the last map, and so of the feature."""
        return self.width * 8 * EXPANSION


@dataclass(frozen=True, eq=False)
class ResNetOutput:
    """What a pass gives.

    Attributes:
        map: `[B, C, Hf, Wf]`, never negative.
        feature: `[B, C]`, the pooled map, before any neck.
    """

    map: Tensor
    feature: Tensor


class ResNet(nn.Module):
    """Residual network of bottlenecks.

    >>> network = ResNet(ResNetConfig(depths=(1, 1, 1, 1), width=8)).eval()
    >>> output = network(torch.zeros(2, 3, 64, 32))
    >>> list(output.map.shape), list(output.feature.shape)
    ([2, 256, 4, 2], [2, 256])
    """

    def __init__(self, config: ResNetConfig) -> None:
        super().__init__()
        self.config = config
        self.stems = nn.ModuleList(Stem(config.width) for _ in range(config.streams))
        channels = config.width
        stages = []
        for number, depth in enumerate(config.depths):
            width = config.width * 2**number
            stride = (1, 2, 2, config.last_stride)[number]
            ibn = config.ibn and number < 3  # IBN-a leaves the last stage as it is
            blocks = [
                Bottleneck(channels if i == 0 else width * EXPANSION, width, stride if i == 0 else 1, ibn=ibn)
                for i in range(depth)
            ]
            stages.append(nn.ModuleList(blocks))
            channels = width * EXPANSION
        self.stages = nn.ModuleList(stages)
        self.apply(_initialize)
        # after the initialization: a new non-local block must change nothing
        self.non_local = nn.ModuleList(
            nn.ModuleList(
                NonLocal(config.width * 2**number * EXPANSION, config.non_local_width) for _ in range(blocks)
            )
            for number, blocks in enumerate(config.non_local)
        )
        self.pooling = Pooling(config.pool, power=config.gem_power, learned=config.gem_learned)

    def forward(self, images: Tensor, *, infrared: Tensor | None = None) -> ResNetOutput:
        """Encode images.

        Args:
            images: normalized, `[B, 3, H, W]`; infrared frames with their one channel three times.
            infrared: boolean `[B]`; needed by two streams, of no meaning to one.
        """
        x = self._stem(images, infrared)
        for stage, looks in zip(
            cast("Iterable[nn.ModuleList]", self.stages),
            cast("Iterable[nn.ModuleList]", self.non_local),
            strict=True,
        ):
            without = len(stage) - len(looks)
            for number, block in enumerate(stage):
                x = block(x)
                if number >= without:
                    x = looks[number - without](x)
        return ResNetOutput(x, self.pooling(x))

    def _stem(self, images: Tensor, infrared: Tensor | None) -> Tensor:
        if images.ndim != 4 or images.shape[1] != 3:
            raise ShapeError(f"images must be [B, 3, H, W], got {list(images.shape)}")
        # all later maps follow; measured on CPUs: a fifth less time to train, a third less to embed
        images = images.contiguous(memory_format=torch.channels_last)
        if len(self.stems) == 1:
            result: Tensor = self.stems[0](images)
            return result
        if infrared is None or infrared.shape != images.shape[:1] or infrared.dtype != torch.bool:
            got = "nothing" if infrared is None else f"{infrared.dtype} {list(infrared.shape)}"
            raise ShapeError(f"two streams need infrared as boolean [{len(images)}], got {got}")
        if _tracing():  # a graph has no rows to choose: both see all, and their maps are chosen
            visible, other = (stem(images) for stem in self.stems)
            return torch.where(infrared[:, None, None, None], other, visible)
        # each stem sees its own rows only, so that its batch statistics are those of its modality
        rows = [(~infrared).nonzero().flatten(), infrared.nonzero().flatten()]
        parts = [stem(images[some]) for stem, some in zip(self.stems, rows, strict=True) if len(some)]
        return torch.cat(parts)[torch.cat(rows).argsort()]


def _tracing() -> bool:
    return bool(torch._C._get_tracing_state())


def _initialize(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
