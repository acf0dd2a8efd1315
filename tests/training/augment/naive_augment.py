"""Random batches, and the naive twin of an augmentation: image by image, with the same draws."""

import colorsys

import numpy as np
import torch

from glimpse.choices import Fill
from glimpse.training.augment.erasing import _TABLE, _table

SIZE = (24, 12)


def batch(count=9, seed=0):
    random = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, 256, (count, *SIZE, 3), generator=random, dtype=torch.uint8)
    parts = torch.randint(0, 5, (count, *SIZE), generator=random, dtype=torch.uint8)
    return pixels, parts


def draw(augmentation, count=9, seed=3):
    return augmentation.draw(count, SIZE, torch.Generator().manual_seed(seed))


def naive_place(image, placement, row, padding, fill):
    """[H, W, ...]: mirror, pad, crop."""
    if placement.flip[row]:
        image = image[:, ::-1]
    widths = ((padding, padding), (padding, padding)) + ((0, 0),) * (image.ndim - 2)
    padded = np.pad(image, widths, constant_values=fill)
    top, left = int(placement.top[row]), int(placement.left[row])
    return padded[top : top + SIZE[0], left : left + SIZE[1]]


def naive_jitter(image, colors, row):
    """[H, W, 3] uint8, pixel by pixel."""
    values = image.astype(np.float64) / 255
    gray = np.array([0.299, 0.587, 0.114])
    for kind in colors.order[row].tolist():
        amount = float(colors.amount[row, kind])
        if kind == 0:
            values = values * amount
        elif kind == 1:
            values = amount * values + (1 - amount) * (values @ gray).mean()
        elif kind == 2:
            values = amount * values + (1 - amount) * (values @ gray)[..., None]
        else:
            for y, x in np.ndindex(SIZE):
                hue, saturation, value = colorsys.rgb_to_hsv(*values[y, x])
                values[y, x] = colorsys.hsv_to_rgb((hue + amount) % 1, saturation, value)
        values = values.clip(0, 1)
    return np.rint(values * 255).astype(np.uint8)


def naive(augmentation, pixels, parts, draws):
    images, maps = [], []
    for row in range(len(pixels)):
        image, part = pixels[row].numpy(), parts[row].numpy()
        if draws.colors is not None:
            image = naive_jitter(image, draws.colors, row)
        if draws.placement is not None:
            shape = augmentation.geometry
            image = naive_place(image, draws.placement, row, shape.padding, shape.fill)
            part = naive_place(part, draws.placement, row, shape.padding, 0)
        value = (image / 255 - np.array(augmentation.mean)) / np.array(augmentation.std)
        value, part = value.transpose(2, 0, 1).copy(), part.copy()
        if draws.rectangles is not None:
            r, erasing = draws.rectangles, augmentation.erasing
            place = int(r.place[row])
            noise = [_table(torch.device("cpu"))[(place + i) % _TABLE].item() for i in range(value.size)]
            filling = np.array(noise).reshape(value.shape)
            if erasing.fill is Fill.CONSTANT:
                filling = np.broadcast_to(np.array(erasing.color)[:, None, None], value.shape)
            top, left = int(r.top[row]), int(r.left[row])
            area = np.s_[top : top + int(r.height[row]), left : left + int(r.width[row])]
            value[(slice(None), *area)] = filling[(slice(None), *area)]
            if erasing.maps:
                part[area] = 0
        images.append(value)
        maps.append(part)
    return np.stack(images), np.stack(maps)
