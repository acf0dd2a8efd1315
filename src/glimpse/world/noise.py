"""Hashes and smooth noise without state: the same place always gives the same number."""

# ruff: noqa: ANN001, ANN201
# mypy: disable-error-code="no-untyped-def"

import math

from glimpse.world.jit import inner


@inner
def scramble(a, b, seed):
    """Three integers to 32 well mixed bits."""
    h = (a * 374761393 + b * 668265263 + seed * 2246822519) & 0xFFFFFFFF
    h = ((h ^ (h >> 15)) * 2654435761) & 0xFFFFFFFF
    h = ((h ^ (h >> 13)) * 3266489917) & 0xFFFFFFFF
    return h ^ (h >> 16)


@inner
def uniform(a, b, seed):
    """Three integers to a number from 0 to 1."""
    return scramble(a, b, seed) * (1.0 / 4294967295.0)


@inner
def bell(a, b, seed):
    """Three integers to a number with mean 0 and variance 1: the sum of four bytes, near enough normal."""
    h = scramble(a, b, seed)
    total = (h & 255) + ((h >> 8) & 255) + ((h >> 16) & 255) + (h >> 24)
    return (total - 510.0) * (1.0 / 147.8)


@inner
def smooth(x, y, seed):
    """Value noise in the plane, 0 to 1."""
    fx, fy = math.floor(x), math.floor(y)
    i, j = int(fx), int(fy)
    u, v = x - fx, y - fy
    u, v = u * u * (3.0 - 2.0 * u), v * v * (3.0 - 2.0 * v)
    low = uniform(i, j, seed) * (1.0 - u) + uniform(i + 1, j, seed) * u
    high = uniform(i, j + 1, seed) * (1.0 - u) + uniform(i + 1, j + 1, seed) * u
    return low * (1.0 - v) + high * v
