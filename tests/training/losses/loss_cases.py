"""Random features of a few persons, and what the naive twins of the losses share."""

import math

import torch

LABELS = torch.tensor([0, 0, 1, 2, 1, 0])
IMAGES = torch.randn(6, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
TEXTS = torch.randn(6, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def softmax(values):
    top = max(values)
    exponents = [math.exp(v - top) for v in values]
    return [e / sum(exponents) for e in exponents]


def dot(a, b):
    return sum(x * y for x, y in zip(a.tolist(), b.tolist(), strict=True))


def unit(v):
    return v / v.norm()


def naive_distances(features):
    return [[math.dist(a.tolist(), b.tolist()) for b in features] for a in features]
