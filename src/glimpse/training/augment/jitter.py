"""Color jitter of 8-bit images in compiled code, on plain threads, each image by one of them.

Every operation is rounded to float32 where the torch form rounds it, and sums are taken in the order of
torch's kernels for CPUs, so that the bytes are the same: those of a seed stay what they were. They depend
neither on the number of threads nor on the vector unit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from glimpse.compiled import compiled, over_pieces
from glimpse.records import IntArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

BRIGHTNESS, CONTRAST, SATURATION, HUE = range(4)
GRAY = (0.299, 0.587, 0.114)  # ITU-R 601, as Pillow converts to gray

_TILE = 2048
"""Pixels that go through all changes before the next ones are read, so that they stay in the first cache:
our choice, measured from 512 to 8192."""
_LANES, _SUMS = 8, 32  # torch sums rows with four vectors of eight lanes, whatever the vector unit
_RED, _GREEN, _BLUE = (np.float32(weight) for weight in GRAY)
_ZERO, _ONE, _TWO, _THREE, _FOUR, _FIVE, _SIX = (np.float32(number) for number in range(7))
_LEVELS = np.float32(255)
_WHOLE = np.float32(2**23)  # adding it to a small number rounds that to a whole one, ties to even


def jitter(planes: Tensor, order: Tensor, amount: Tensor) -> Tensor:
    """Change the colors of 8-bit images on the CPU, as drawn for each.

    Args:
        planes: uint8 `[B, 3, H, W]`.
        order: int64 `[B, 4]`; a permutation of brightness, contrast, saturation and hue.
        amount: float32 `[B, 4]`; the factors of the first three, the turn of the hue in [-.5, .5].

    Returns:
        uint8 `[B, 3, H, W]`, a new tensor.
    """
    result = torch.empty_like(planes, memory_format=torch.contiguous_format)
    batch, _, height, width = planes.shape
    before, after = (t.view(batch, 3, height * width).numpy() for t in (planes.contiguous(), result))
    drawn = order.contiguous().numpy(), amount.contiguous().numpy()
    over_pieces(_jitter, batch, before, *drawn, after)
    return result


@compiled
def _jitter(first: int, last: int, planes: Bytes, order: IntArray, amount: Floats, result: Bytes) -> None:
    """Fill images `first` to `last` of `result` [B, 3, P]."""
    pixels = planes.shape[2]
    values, gray = np.empty((3, pixels), np.float32), np.empty(pixels, np.float32)
    for image in range(first, last):
        contrast = 0
        while contrast < 3 and order[image, contrast] != CONTRAST:
            contrast += 1
        for begin in range(0, pixels, _TILE):
            end = min(begin + _TILE, pixels)
            red, green, blue = values[0, begin:end], values[1, begin:end], values[2, begin:end]
            _read(planes[image, 0, begin:end], red)
            _read(planes[image, 1, begin:end], green)
            _read(planes[image, 2, begin:end], blue)
            for place in range(contrast):
                _change(red, green, blue, order[image, place], amount[image])
            _set_gray(red, green, blue, gray[begin:end])
        factor = amount[image, CONTRAST]
        rest = (_ONE - factor) * _mean(gray)
        for begin in range(0, pixels, _TILE):
            end = min(begin + _TILE, pixels)
            red, green, blue = values[0, begin:end], values[1, begin:end], values[2, begin:end]
            _blend(red, factor, rest)
            _blend(green, factor, rest)
            _blend(blue, factor, rest)
            for place in range(contrast + 1, 4):
                _change(red, green, blue, order[image, place], amount[image])
            _write(red, result[image, 0, begin:end])
            _write(green, result[image, 1, begin:end])
            _write(blue, result[image, 2, begin:end])


@compiled
def _read(levels: Bytes, values: Floats) -> None:
    for j in range(values.shape[0]):
        values[j] = np.float32(levels[j]) / _LEVELS


@compiled
def _write(values: Floats, levels: Bytes) -> None:
    for j in range(values.shape[0]):
        levels[j] = np.uint8(np.int32((values[j] * _LEVELS + _WHOLE) - _WHOLE))


@compiled
def _mean(values: Floats) -> Any:
    """Mean of a row of at least 8 values, added up in torch's order (`cascade_sum`).

    Value j belongs to sum `j mod 32`. The sums have four levels: after 16 additions a level is emptied into
    the next, so that none grows much larger than what is added to it.
    """
    level = np.zeros((4, _SUMS), np.float32)
    rows = values.shape[0] // _SUMS
    for row in range(rows):
        for lane in range(_SUMS):
            level[0, lane] += values[row * _SUMS + lane]
        added, height = row + 1, 0
        while height < 3 and added % 16 == 0:
            for lane in range(_SUMS):
                level[height + 1, lane] += level[height, lane]
                level[height, lane] = _ZERO
            added, height = added // 16, height + 1
    for height in range(1, 4):
        for lane in range(_SUMS):
            level[0, lane] += level[height, lane]
    begin = rows * _SUMS
    while begin + _LANES <= values.shape[0]:
        for lane in range(_LANES):
            level[0, lane] += values[begin + lane]
        begin += _LANES
    total = _ZERO
    for j in range(begin, values.shape[0]):
        total += values[j]
    for lane in range(_LANES):
        part = level[0, lane]
        for other in range(lane + _LANES, _SUMS, _LANES):
            part += level[0, other]
        total += part
    return total / np.float32(values.shape[0])


@compiled
def _change(red: Floats, green: Floats, blue: Floats, kind: int, amount: Floats) -> None:
    """Make one change, other than contrast."""
    if kind == BRIGHTNESS:
        _brighten(red, amount[kind])
        _brighten(green, amount[kind])
        _brighten(blue, amount[kind])
    elif kind == SATURATION:
        _saturate(red, green, blue, amount[kind])
    else:
        _turn_hue(red, green, blue, amount[kind])


@compiled
def _clamped(value: Any) -> Any:
    value = _ZERO if value < _ZERO else value
    return _ONE if value > _ONE else value


@compiled
def _gray(red: Any, green: Any, blue: Any) -> Any:
    return red * _RED + green * _GREEN + blue * _BLUE


@compiled
def _set_gray(red: Floats, green: Floats, blue: Floats, gray: Floats) -> None:
    for j in range(red.shape[0]):
        gray[j] = _gray(red[j], green[j], blue[j])


@compiled
def _brighten(values: Floats, factor: Any) -> None:
    for j in range(values.shape[0]):
        values[j] = _clamped(values[j] * factor)


@compiled
def _blend(values: Floats, factor: Any, rest: Any) -> None:
    for j in range(values.shape[0]):
        values[j] = _clamped(factor * values[j] + rest)


@compiled
def _saturate(red: Floats, green: Floats, blue: Floats, factor: Any) -> None:
    rest = _ONE - factor
    for j in range(red.shape[0]):
        gray = rest * _gray(red[j], green[j], blue[j])
        red[j] = _clamped(factor * red[j] + gray)
        green[j] = _clamped(factor * green[j] + gray)
        blue[j] = _clamped(factor * blue[j] + gray)


@compiled
def _turn_hue(red: Floats, green: Floats, blue: Floats, turn: Any) -> None:
    """Turn the hue by -.5 to .5 of the full circle; the formula is with the torch form."""
    by = _SIX * turn
    for j in range(red.shape[0]):
        r, g, b = red[j], green[j], blue[j]
        value = r if r > g else g
        value = b if b > value else value
        smallest = r if r < g else g
        smallest = b if b < smallest else smallest
        chroma = value - smallest
        safe = chroma if chroma > _ZERO else _ONE
        difference = g - b if value == r else (b - r if value == g else r - g)
        sixth = _ZERO if value == r else (_TWO if value == g else _FOUR)
        turned = sixth + np.true_divide(difference, safe) + by
        red[j] = value - chroma * _share(turned + _FIVE)
        green[j] = value - chroma * _share(turned + _THREE)
        blue[j] = value - chroma * _share(turned + _ONE)


@compiled
def _share(step: Any) -> Any:
    """`clamp(min(k, 4 - k), 0, 1)` for `k = step mod 6`, from -6 to 18."""
    twelve = _SIX + _SIX
    k = step - twelve if step >= twelve else (step - _SIX if step >= _SIX else step)
    k = k + _SIX if k < _ZERO else k
    other = _FOUR - k
    return _clamped(k if k < other else other)
