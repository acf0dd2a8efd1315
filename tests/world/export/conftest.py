import warnings

import pytest

from glimpse.datasets import read
from glimpse.world.export import WRITERS, export_world

SHAPE = (64, 32)


@pytest.fixture(scope="session")
def tree_of(tmp_path_factory):
    """Renders each layout at most once, tiny and small."""
    rendered = {}

    def tree(layout):
        if layout not in rendered:
            rendered[layout] = tmp_path_factory.mktemp(layout) / "world"
            export_world(layout, rendered[layout], scale="tiny", shape=SHAPE)
        return rendered[layout]

    return tree


@pytest.fixture(params=list(WRITERS))
def layout(request):
    return request.param


@pytest.fixture
def read_without_warnings():
    def reading(layout, folder, **options):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return read(layout, folder, **options)

    return reading
