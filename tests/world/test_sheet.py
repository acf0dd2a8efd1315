import io

import pytest
from PIL import Image

from glimpse.world.frame import BANDS, KINDS
from glimpse.world.sheet import COLUMNS, WRITERS, describe, sheet_rows


@pytest.fixture(scope="module")
def rows(world):
    return list(sheet_rows(world, 5, (32, 16), samples=1))


def test_the_sheet_shows_every_kind_and_band():
    assert {column.kind for column in COLUMNS} == set(KINDS)
    assert {column.band for column in COLUMNS} == set(BANDS)


def test_the_sheet_shows_every_occluder_there_is_before_one_twice(world, rows):
    cameras = world.cameras
    shown = [
        cameras[s.camera].scene.occluders[s.occluder].kind
        for r in rows
        for s in r.frames.shots
        if s.occluder >= 0
    ]
    there = {it.kind for camera in cameras for it in camera.scene.occluders}
    assert set(shown) == there
    assert len(set(shown[: len(there)])) == len(there)


def test_the_image_holds_every_frame(world, rows):
    image = Image.open(io.BytesIO(WRITERS[".png"](rows, world)))
    assert image.width >= len(COLUMNS) * 16
    assert image.height >= len(rows) * 32


def test_the_page_needs_nothing_but_itself(world, rows):
    page = WRITERS[".html"](rows, world).decode()
    assert page.count("data:image/jpeg;base64,") == len(rows) * len(COLUMNS)
    assert "http" not in page
    for row in rows:
        assert describe(row.person) in page
