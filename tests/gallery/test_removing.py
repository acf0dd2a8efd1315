"""Erasure: afterwards no byte of the erased is in any file."""

import numpy as np
import pytest
from galleries import holding, model, name_of, some

from glimpse.errors import StorageError
from glimpse.gallery import Gallery, Where
from glimpse.gallery import snapshot as snapshots


def traces(row):
    """Bytes that only one row of `some` has."""
    _, embeddings = some(1, row, masked=True)
    vector, mask = (np.asarray(v[0], np.float32).tobytes() for v in (embeddings.vectors, embeddings.masks))
    return vector, mask, name_of(row).encode()


@pytest.fixture
def gallery(tmp_path, monkeypatch):
    """Three hundred rows, the file of vectors written, as big galleries have it."""
    monkeypatch.setattr(snapshots, "_FEW", 4)
    gallery = Gallery.create(tmp_path / "gallery", model(masked=True))
    for first in range(0, 300, 100):
        records, embeddings = some(100, first, masked=True)
        gallery.add(records, embeddings=embeddings)
    gallery.search(some(1, masked=True)[1])
    return gallery


def everywhere(gallery):
    return {row for row in range(300) if holding(gallery.folder, *traces(row))}


def test_nothing_of_a_person_is_left_and_everything_of_the_others(gallery):
    victims = set(range(28, 32))  # person 7
    vectors = [trace for row in victims for trace in traces(row)[:2]]
    assert {name.split("/")[0] for name in holding(gallery.folder, *vectors)} == {"cache", "rows"}
    assert gallery.erase(Where(person=7)) == 4
    found = gallery.search(some(1, 28, masked=True)[1], k=1)
    assert (found.searched, found.found[0].best.person != 7) == (296, True)
    assert not victims & everywhere(gallery)
    left = {row for row in range(300) if holding(gallery.folder, traces(row)[0])}
    assert left == set(range(300)) - victims
    ids = gallery._held.store.scan(gallery.spaces[0].table, ("id",))
    assert sum(batch.num_rows for batch in ids) == 296


def test_deleting_leaves_bytes_until_compacting(gallery):
    gallery.delete(Where(person=7))
    assert 29 in everywhere(gallery)
    gallery.compact()
    assert not set(range(28, 32)) & everywhere(gallery)


def test_erasing_takes_what_was_deleted_before(gallery):
    gallery.delete(Where(person=7))
    assert gallery.erase(Where(person=7)) == 0
    assert not set(range(28, 32)) & everywhere(gallery)


def test_what_killed_processes_left_goes_too(gallery):
    vector = traces(28)[0]
    orphan = next(gallery.folder.glob("rows/*.lance/data")) / "left.lance"
    half = gallery.folder / "cache" / ".tmp-123456-1-abc.safetensors"
    for path in (orphan, half):
        path.write_bytes(vector)
    gallery.erase(Where(person=7))
    assert not holding(gallery.folder, vector)


def test_an_erasure_that_is_cut_short_is_finished_by_the_next_change(gallery, monkeypatch):
    class Killed(BaseException):
        pass

    def kill(table):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(gallery._held.store, "compact", kill)
        with pytest.raises(Killed):
            gallery.erase(Where(person=7))
    other = Gallery.open(gallery.folder)
    assert other.info().unfinished
    assert 29 in everywhere(gallery)
    records, embeddings = some(1, 300, masked=True)
    other.add(records, embeddings=embeddings)
    assert not other.info().unfinished
    assert not set(range(28, 32)) & everywhere(gallery)
    assert [event.state for event in other.audit() if event.action == "erase"] == ["begun", "resumed"]


def test_a_reader_that_was_open_sees_the_erased_no_more(gallery):
    reader = Gallery.open(gallery.folder)
    query = some(1, 28, masked=True)[1]
    assert reader.search(query, k=1).found[0].best.person == 7
    gallery.erase(Where(person=7))
    assert reader.search(query, k=1).found[0].best.person != 7
    assert not set(range(28, 32)) & everywhere(gallery)


def test_an_erasure_that_cannot_be_noted_does_not_begin(gallery, monkeypatch):
    def full(folder, manifest):
        raise StorageError("cannot write gallery.json: the disk is full")

    monkeypatch.setattr("glimpse.gallery.held.write_manifest", full)
    with pytest.raises(StorageError, match="the disk is full"):
        gallery.erase(Where(person=7))
    assert gallery.info().images == 300
    assert list((gallery.folder / "cache").iterdir())
