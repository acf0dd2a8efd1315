"""The contract of a `Store`, over every engine."""

import numpy as np
import pytest
from galleries import DIM, scanned, some, stored_rows

from glimpse.errors import StorageError
from glimpse.gallery.lance import LanceStore
from glimpse.gallery.store import Size, embeddings_of, pa, schema_of
from glimpse.gallery.where import Where


@pytest.fixture(params=["lance"])
def open_store(request, tmp_path):
    """Opens the same store again, as another process would."""
    return {"lance": lambda: LanceStore(str(tmp_path / "rows"))}[request.param]


@pytest.fixture
def store(open_store):
    store = open_store()
    store.create("people", schema_of(DIM, masked=True))
    return store


def test_a_new_store_has_no_table_and_making_one_twice_keeps_it(open_store):
    store = open_store()
    assert store.tables() == []
    store.create("people", schema_of(DIM, masked=True))
    store.append("people", stored_rows(3))
    store.create("people", schema_of(DIM, masked=True))
    assert open_store().tables() == ["people"]
    assert open_store().size("people").rows == 3


def test_rows_come_back_as_they_were_in_the_order_they_came(store, open_store):
    store.append("people", stored_rows(5))
    store.append("people", stored_rows(7, 5))
    columns = schema_of(DIM, masked=True).names
    wanted = pa.concat_tables([stored_rows(5), stored_rows(7, 5)])
    for held in (store, open_store()):
        found = scanned(held, columns)
        assert found.select(columns).to_pylist() == wanted.to_pylist()
    np.testing.assert_array_equal(embeddings_of(found).masks, some(12, masked=True)[1].masks)


@pytest.mark.parametrize(
    "where",
    [
        Where(),
        Where(id=f"{3:064x}"),
        Where(id=()),
        Where(person=(0, 2)),
        Where(camera=1, kind="whole"),
        Where(source="o'yard"),
        Where(modality="ir", after=3),
        Where(after=2, before=9.5),
        Where(added_before=6),
        Where(track="nobody's"),
    ],
)
def test_conditions_mean_in_the_engine_what_they_mean_in_memory(store, where):
    store.append("people", stored_rows(20))
    everything = scanned(store)
    wanted = everything.filter(pa.array(where.mask(everything)))
    assert scanned(store, where=where).to_pylist() == wanted.to_pylist()
    assert len(wanted) < 20 or not where, "a condition that all rows meet shows nothing"
    assert store.delete("people", where) == len(wanted)
    left = everything.filter(pa.array(~where.mask(everything)))
    assert scanned(store).to_pylist() == left.to_pylist()


def test_every_change_is_a_new_version_that_others_see(store, open_store):
    other = open_store()
    seen = [other.version("people")]
    for change in (
        lambda: store.append("people", stored_rows(4)),
        lambda: store.delete("people", Where(camera=1)),
        lambda: store.compact("people"),
    ):
        change()
        seen.append(other.version("people"))
        assert other.version("people") == seen[-1]
    assert len(set(seen)) == 4
    assert scanned(other).num_rows == 3


def test_candidates_are_the_largest_inner_products(store):
    store.append("people", stored_rows(30))
    vectors = embeddings_of(scanned(store, ("vector", "mask"))).vectors
    query = -np.ones(DIM, np.float32)
    best = np.argsort(-(vectors @ query), kind="stable")[:6]
    found = store.candidates("people", query, 6)
    assert found.column("id").to_pylist() == [f"{row:064x}" for row in best]
    np.testing.assert_array_equal(embeddings_of(found).vectors, vectors[best])
    some_rows = store.candidates("people", query, 6, Where(camera=2)).column("camera").to_pylist()
    assert some_rows == [2] * 6
    assert store.candidates("people", query, 6, Where(camera=9)).num_rows == 0


def test_compacting_leaves_the_rows_and_one_version(store):
    store.append("people", stored_rows(10))
    store.delete("people", Where(camera=0))
    before = scanned(store, schema_of(DIM, masked=True).names).to_pylist()
    store.compact("people")
    assert scanned(store, schema_of(DIM, masked=True).names).to_pylist() == before
    size = store.size("people")
    assert size == Size(7, 1, size.bytes)
    store.append("people", stored_rows(1, 10))
    store.delete("people", Where(added_before=100))
    store.compact("people")
    assert (store.size("people").rows, scanned(store).num_rows) == (0, 0)


def test_a_table_that_is_not_there_is_one_sentence(open_store):
    with pytest.raises(StorageError, match="lacks a table"):
        open_store().version("people")
