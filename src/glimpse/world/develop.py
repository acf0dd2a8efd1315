"""From light to an image: motion blur, resolution, noise, white balance, tone, sharpening."""

# ruff: noqa: ANN001, ANN201, ANN202, RUF046
# mypy: disable-error-code="no-untyped-def"

import math

import numpy as np

from glimpse.world import lens as ln
from glimpse.world.jit import inner
from glimpse.world.noise import bell

_STEPS = 4096
GAMMA = np.linspace(0.0, 1.0, _STEPS + 1) ** (1.0 / 2.2)  # looked up: a power per pixel is slow


@inner
def develop(light, lens, i, images, n):
    """Turn `light [H, W, 3]` into `images[n]`; `light` is overwritten."""
    height, width = light.shape[0], light.shape[1]
    _smear(light, lens[i, ln.BLUR_X] * width, lens[i, ln.BLUR_Y] * height)
    rgb = lens[i, ln.BAND] == 0.0
    sensed = min(height, max(12, int(lens[i, ln.NATIVE])))
    if lens[i, ln.BAND] == 2.0:
        _soften(light, 1 + height // 96)
    if sensed < 0.94 * height:
        small = _shrink(light, sensed, max(6, int(round(sensed * width / height))))
        _sense(small, lens, i, rgb)
        _grow(small, light)
    else:
        _sense(light, lens, i, rgb)
    _tone(light, lens, i, rgb)
    sharp = lens[i, ln.SHARPNESS]
    for row in range(height):
        above, below = max(0, row - 1), min(height - 1, row + 1)
        for column in range(width):
            before, after = max(0, column - 1), min(width - 1, column + 1)
            for c in range(3):
                value = light[row, column, c]
                if sharp > 0.0:
                    around = (
                        light[above, column, c]
                        + light[below, column, c]
                        + light[row, before, c]
                        + light[row, after, c]
                    )
                    value += sharp * (value - 0.25 * around)
                images[n, row, column, c] = int(min(1.0, max(0.0, value)) * 255.0 + 0.5)


@inner
def _sense(light, lens, i, rgb):
    """White balance, exposure and noise: what shot noise and the amplifier leave of the light."""
    seed = int(lens[i, ln.SEED])
    noise = lens[i, ln.NOISE]
    for row in range(light.shape[0]):
        for column in range(light.shape[1]):
            for c in range(3):
                if rgb or c == 0:
                    value = light[row, column, c] * lens[i, ln.EXPOSURE] * lens[i, ln.WHITE + c]
                    sigma = noise * math.sqrt(0.004 + max(0.0, value))
                    value += sigma * bell(row, 3 * column + c, seed)
                else:
                    value = light[row, column, 0]
                light[row, column, c] = max(0.0, value)


@inner
def _tone(light, lens, i, rgb):
    """Gamma, a soft shoulder, contrast and saturation."""
    contrast, saturation = lens[i, ln.CONTRAST], lens[i, ln.SATURATION]
    for row in range(light.shape[0]):
        for column in range(light.shape[1]):
            for c in range(3):
                if rgb or c == 0:
                    value = light[row, column, c]
                    if value > 0.7:  # highlights roll off
                        value = 0.7 + 0.3 * (1.0 - math.exp(-(value - 0.7) / 0.3))
                    place = min(value, 0.999) * _STEPS
                    step = int(place)
                    value = GAMMA[step] + (place - step) * (GAMMA[step + 1] - GAMMA[step])
                    light[row, column, c] = 0.5 + contrast * (value - 0.5)
                else:
                    light[row, column, c] = light[row, column, 0]
            if rgb:
                gray = (
                    0.30 * light[row, column, 0] + 0.59 * light[row, column, 1] + 0.11 * light[row, column, 2]
                )
                for c in range(3):
                    light[row, column, c] = gray + saturation * (light[row, column, c] - gray)


@inner
def _smear(light, far_x, far_y):
    """Average along a line of the given extent in pixels."""
    taps = int(max(abs(far_x), abs(far_y)) + 0.5) + 1
    if taps < 2:
        return
    height, width = light.shape[0], light.shape[1]
    still = light.copy()
    for row in range(height):
        for column in range(width):
            for c in range(3):
                total = 0.0
                for neck_feat in range(taps):
                    along = neck_feat / (taps - 1) - 0.5
                    r = min(height - 1, max(0, row + int(round(along * far_y))))
                    q = min(width - 1, max(0, column + int(round(along * far_x))))
                    total += still[r, q, c]
                light[row, column, c] = total / taps


@inner
def _soften(light, turns):
    """A small blur of the first channel, `turns` times over."""
    height, width = light.shape[0], light.shape[1]
    for _ in range(2 * turns):
        still = light.copy()
        for row in range(height):
            above, below = max(0, row - 1), min(height - 1, row + 1)
            for column in range(width):
                before, after = max(0, column - 1), min(width - 1, column + 1)
                light[row, column, 0] = 0.2 * (
                    still[row, column, 0]
                    + still[above, column, 0]
                    + still[below, column, 0]
                    + still[row, before, 0]
                    + still[row, after, 0]
                )


@inner
def _shrink(light, height, width):
    """Area average to `[height, width, 3]`, over whole pixels."""
    small = np.empty((height, width, 3), np.float32)
    for row in range(height):
        r0 = row * light.shape[0] // height
        r1 = max(r0 + 1, (row + 1) * light.shape[0] // height)
        for column in range(width):
            c0 = column * light.shape[1] // width
            c1 = max(c0 + 1, (column + 1) * light.shape[1] // width)
            for c in range(3):
                total = 0.0
                for y in range(r0, r1):
                    for x in range(c0, c1):
                        total += light[y, x, c]
                small[row, column, c] = total / ((r1 - r0) * (c1 - c0))
    return small


@inner
def _grow(small, light):
    """Bilinear enlargement of `small` into `light`."""
    height, width = light.shape[0], light.shape[1]
    tall, wide = small.shape[0], small.shape[1]
    for row in range(height):
        y = min(tall - 1.0, max(0.0, (row + 0.5) * tall / height - 0.5))
        r0 = int(y)
        r1, v = min(tall - 1, r0 + 1), y - r0
        for column in range(width):
            x = min(wide - 1.0, max(0.0, (column + 0.5) * wide / width - 0.5))
            c0 = int(x)
            c1, u = min(wide - 1, c0 + 1), x - c0
            for c in range(3):
                low = small[r0, c0, c] * (1.0 - u) + small[r0, c1, c] * u
                high = small[r1, c0, c] * (1.0 - u) + small[r1, c1, c] * u
                light[row, column, c] = low * (1.0 - v) + high * v
