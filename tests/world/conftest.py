"""One small world and one batch of every kind and band, rendered once for all tests."""

import pytest

from glimpse.world.world import World

SIZE = (96, 48)


@pytest.fixture(scope="session")
def world():
    return World(11, people=12, cameras=4, hardness=0.6)


@pytest.fixture(scope="session")
def frames(world):
    shots = world.plan(
        people=range(6), kinds=("whole", "occluded", "partial"), bands=("rgb", "near_infrared", "thermal")
    )
    return world.render(shots, size=SIZE, samples=1)
