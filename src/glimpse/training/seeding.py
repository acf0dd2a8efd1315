"""Random numbers that depend on where training is, not on what was drawn before.

Every draw comes from a generator seeded with (seed, stage, epoch, step). A run that was killed needs no
stored generator to go on exactly, and the processes of a distributed run agree without talking.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def derived_seed(*key: int) -> int:
    """A seed of 63 bits for the stream named by some whole numbers; other numbers, other stream.

    >>> derived_seed(1, 2) == derived_seed(1, 2), derived_seed(1, 2) == derived_seed(2, 1)
    (True, False)
    """
    low, high = np.random.SeedSequence(key).generate_state(2, np.uint32).tolist()
    return int(low) | (int(high) & 0x7FFFFFFF) << 32


def generator(*key: int) -> torch.Generator:
    """A generator on the CPU for that stream: a GPU's own would draw other numbers."""
    return torch.Generator().manual_seed(derived_seed(*key))


def numbers(*key: int) -> np.random.Generator:
    """The same as numpy's generator, for what is drawn in arrays."""
    return np.random.default_rng(derived_seed(*key))


def seed_global_generators(*key: int) -> None:
    """Seed what modules draw from unasked: torch (dropout, on every device), numpy and Python."""
    seed = derived_seed(*key)
    torch.manual_seed(seed)
    np.random.seed(seed & 0xFFFFFFFF)  # noqa: NPY002 (third-party code draws from the old global one)
    random.seed(seed)


@contextmanager
def preserved_generators() -> Iterator[None]:
    """Give the global generators back as they were when the block ends."""
    python, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng():
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(legacy)  # noqa: NPY002
