import random

import numpy as np
import torch

from glimpse.training.seeding import derived_seed, generator, preserved_generators, seed_global_generators


def drawn():
    return [torch.rand(1).item(), random.random(), np.random.rand()]  # noqa: NPY002


def test_streams_differ_by_every_part_of_their_key():
    keys = [(1,), (2,), (1, 0, 1), (1, 1, 0), (0, 1, 1), (1, 0, 0, 1)]
    seeds = {derived_seed(*key) for key in keys}
    assert len(seeds) == len(keys)
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert torch.equal(torch.rand(3, generator=generator(4, 5)), torch.rand(3, generator=generator(4, 5)))


def test_all_global_generators_are_seeded_and_given_back():
    seed_global_generators(1)
    before = drawn()
    seed_global_generators(1)
    with preserved_generators():
        seed_global_generators(2)
        inside = drawn()
        seed_global_generators(2)
        assert drawn() == inside
    assert drawn() == before
    assert inside != before
