"""Snapshots: whatever became of the table, the vectors are those of the rows."""

import numpy as np
import pytest
from galleries import DIM, some, stored_rows

from glimpse.files import locked
from glimpse.gallery import snapshot as module
from glimpse.gallery.lance import LanceStore
from glimpse.gallery.snapshot import Matrix, joined
from glimpse.gallery.store import ChangedError, schema_of
from glimpse.gallery.where import Where


@pytest.fixture
def store(tmp_path):
    store = LanceStore(str(tmp_path / "rows"))
    store.create("people", schema_of(DIM, masked=True))
    return store


@pytest.fixture
def matrix(store, tmp_path):
    return lambda: Matrix(store, "people", DIM, True, tmp_path / "cache" / "m.safetensors", tmp_path / "lock")


@pytest.fixture
def soon(monkeypatch):
    """A new file as soon as four rows are new."""
    monkeypatch.setattr(module, "_FEW", 4)


def told(snapshot):
    """Its vectors and masks by the number of the row, read one by one."""
    ids = [int(id, 16) for id in snapshot.rows.column("id").to_pylist()]
    every = snapshot.embeddings(np.arange(len(snapshot)))
    return {id: (every.vectors[row].tolist(), every.masks[row].tolist()) for row, id in enumerate(ids)}


def expected(numbers):
    _, embeddings = some(max(numbers) + 1, masked=True)
    return {row: (embeddings.vectors[row].tolist(), embeddings.masks[row].tolist()) for row in numbers}


def test_a_snapshot_follows_the_table(soon, store, matrix):
    held = matrix()
    assert len(held.current()) == 0
    store.append("people", stored_rows(10))
    assert told(held.current()) == expected(range(10))
    first = held.current()
    assert held.current() is first, "nothing changed, nothing is read"
    store.append("people", stored_rows(2, 10))
    store.delete("people", Where(camera=1))
    left = {row for row in range(12) if row % 4 != 1}
    assert told(held.current()) == expected(left)
    assert told(first) == expected(range(10)), "an older snapshot stays as it was"
    assert told(matrix().current()) == expected(left), "another process, from the file"
    store.compact("people")
    store.append("people", stored_rows(40, 12))
    for one in (held, matrix()):
        assert told(one.current()) == expected(left | set(range(12, 52)))


def test_an_image_that_went_and_came_back_has_its_new_vector(store, matrix):
    held = matrix()
    store.append("people", stored_rows(5))
    held.current()
    again = stored_rows(5).slice(3, 1)
    vector = again.column("vector").combine_chunks().values.to_numpy() + 1
    store.delete("people", Where(id=f"{3:064x}"))
    changed = again.set_column(again.schema.get_field_index("added"), "added", [[99]])
    changed = changed.set_column(
        again.schema.get_field_index("vector"),
        again.schema.field("vector"),
        type(again.column("vector").chunk(0)).from_arrays(vector, DIM),
    )
    store.append("people", changed.cast(again.schema))
    for one in (held, matrix()):
        np.testing.assert_array_equal(told(one.current())[3][0], vector)


def test_chosen_rows_come_in_the_order_asked_for(store, matrix):
    store.append("people", stored_rows(3))
    held = matrix()
    held.current()
    store.append("people", stored_rows(3, 3))
    found = held.current().embeddings(np.array([4, 0, 3, 4]))
    _, wanted = some(6, masked=True)
    np.testing.assert_array_equal(found.vectors, wanted.vectors[[4, 0, 3, 4]])
    assert len(held.current().embeddings(np.empty(0, np.int64))) == 0


def test_the_file_is_written_only_by_who_may_change_the_gallery(store, matrix, tmp_path):
    store.append("people", stored_rows(6))
    with locked(tmp_path / "lock"):
        assert told(matrix().current()) == expected(range(6))
    assert not (tmp_path / "cache" / "m.safetensors").exists()
    matrix().current()
    assert (tmp_path / "cache" / "m.safetensors").exists()


def test_a_damaged_file_is_made_again(store, matrix, tmp_path):
    store.append("people", stored_rows(6))
    matrix().current()
    file = tmp_path / "cache" / "m.safetensors"
    whole = file.read_bytes()
    for damaged in (b"", b"12345678", whole[: len(whole) // 2], b"\xff" * len(whole)):
        file.write_bytes(damaged)
        assert told(matrix().current()) == expected(range(6))
    held = matrix()
    held.current()
    held.forget()
    assert not file.exists()
    assert told(held.current()) == expected(range(6))


def test_what_changes_while_it_is_read_is_read_again(store, matrix, monkeypatch):
    store.append("people", stored_rows(6))
    scan, calls = store.scan, []

    def changing(*arguments):
        calls.append(arguments)
        if len(calls) in (1, 3):
            raise ChangedError("gone")
        return scan(*arguments)

    monkeypatch.setattr(store, "scan", changing)
    assert told(matrix().current()) == expected(range(6))

    def always(*arguments):
        raise ChangedError("gone for good")

    monkeypatch.setattr(store, "scan", always)
    with pytest.raises(ChangedError, match="for good"):
        matrix().current()


def test_where_only_some_have_masks_the_others_are_trusted_fully():
    plain, masked = some(2)[1], some(2, masked=True)[1]
    assert joined([plain, plain]).masks is None
    found = joined([plain, masked])
    np.testing.assert_array_equal(found.masks, np.concatenate([np.ones((2, DIM)), masked.masks]))
