"""The residual block of ResNet-50, with batch norm or with IBN-a's half-and-half norm."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

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
        """Convolve and normalise."""
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
