import pytest
import torch

from glimpse.world.export import export_world


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """As few people as fill a batch of the recipe for the world, in small images."""
    folder = tmp_path_factory.mktemp("work") / "worlds" / "occluded_duke"
    export_world("occluded_duke", folder, people=44, images_per_person=4, seed=3, shape=(64, 32))
    return folder


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
