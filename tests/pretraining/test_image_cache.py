from dataclasses import replace

import numpy as np
import pytest

from glimpse.errors import OptionError, StorageError
from glimpse.models.text.vocabularies import train_tokenizer
from glimpse.pretraining.image_cache import CachedRows
from glimpse.pretraining.world_rows import CaptionColumns, Site, WorldRows

SITE = Site(people=3, held_out=2, cameras=2, takes=2)


@pytest.fixture(scope="module")
def world():
    return SITE.world()


@pytest.fixture
def rows(world):
    return WorldRows(world, SITE, 0, SITE.people, (32, 16))


@pytest.fixture
def renders(monkeypatch):
    """Which rows have been rendered."""
    rendered, render = [], WorldRows.render

    def noting(self, rows):
        rendered.extend(rows.tolist())
        return render(self, rows)

    monkeypatch.setattr(WorldRows, "render", noting)
    return rendered


def test_a_row_is_rendered_once_and_read_as_if_it_were_not_kept(rows, renders, tmp_path):
    wanted = np.array([5, 2, 5, 11])
    kept = CachedRows.open(tmp_path / "kept", rows)
    first = kept.read(wanted)
    assert renders == [2, 5, 11]
    np.testing.assert_array_equal(kept.read(wanted), first)
    np.testing.assert_array_equal(CachedRows.open(tmp_path / "kept", rows).read(wanted), first)
    assert renders == [2, 5, 11]
    np.testing.assert_array_equal(rows.read(wanted), first)


def test_a_half_written_row_is_rendered_again(rows, renders, tmp_path):
    kept = CachedRows.open(tmp_path, rows)
    whole = kept.read(np.array([3, 4]))
    kept.pixels[3, 10:] = 0
    np.testing.assert_array_equal(CachedRows.open(tmp_path, rows).read(np.array([3, 4])), whole)
    assert renders == [3, 4, 3]


def test_captions_are_kept_too(world, renders, tmp_path):
    plain = WorldRows(world, SITE, 0, 3, (64, 32))
    captions = plain.sentences(np.arange(12), plain.render(np.arange(12)))
    tokenizer = train_tokenizer(captions * 2, size=700, context=48)
    for _ in range(2):
        del renders[:]
        columns = CaptionColumns(12, tokenizer)
        CachedRows.open(tmp_path, replace(plain, captions=columns)).read(np.array([7, 2]))
        np.testing.assert_array_equal(columns.ids[[7, 2]], tokenizer.encode([captions[7], captions[2]]).ids)
        assert not columns.ids[[0, 1, 3]].any()
    assert not renders


def test_another_worlds_images_are_refused(world, rows, tmp_path):
    CachedRows.open(tmp_path, rows)
    with pytest.raises(OptionError, match="keeps the images of another world; give another folder"):
        CachedRows.open(tmp_path, WorldRows(world, SITE, 0, 3, (64, 32)))


def test_a_broken_file_is_one_sentence(rows, tmp_path):
    CachedRows.open(tmp_path, rows)
    (tmp_path / "pixels.npy").write_bytes(b"no array")
    with pytest.raises(StorageError, match=r"pixels\.npy cannot be read"):
        CachedRows.open(tmp_path, rows)


def test_a_folder_that_cannot_be_made_is_one_sentence(rows, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="cannot write"):
        CachedRows.open(tmp_path / "file" / "kept", rows)
