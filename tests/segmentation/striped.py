"""Striped persons before a calm wall."""

import numpy as np

HEIGHT, WIDTH = 64, 32


def people(count, seed=0):
    """Striped persons before a calm wall, and where they are."""
    generator = np.random.default_rng(seed)
    truth = np.zeros((count, HEIGHT, WIDTH), bool)
    truth[:, 6:60, 9:23] = True
    images = np.full((count, HEIGHT, WIDTH, 3), (150, 150, 160), np.uint8)
    clothes = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    clothes[:30], clothes[30:] = (200, 40, 40), (30, 30, 120)
    clothes[::4] = clothes[::4] // 2
    images = np.where(truth[..., None], clothes, images).astype(np.int16)
    images += generator.integers(-6, 7, images.shape, dtype=np.int16)
    return images.clip(0, 255).astype(np.uint8), truth
