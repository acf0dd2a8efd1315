"""What LanceDB does that the gallery must know of, and how its errors read."""

import os
import subprocess
import sys

import numpy as np
import pytest
from galleries import DIM, holding, name_of, scanned, stored_rows

from glimpse.errors import StorageError
from glimpse.gallery.lance import LanceStore
from glimpse.gallery.store import ChangedError, schema_of
from glimpse.gallery.where import Where


@pytest.fixture
def store(tmp_path):
    store = LanceStore(str(tmp_path / "rows"))
    store.create("people", schema_of(DIM, masked=True))
    return store


def test_only_compacting_takes_the_bytes_of_a_deleted_row_from_the_disk(store, tmp_path):
    table = stored_rows(300)
    vector = np.array(table.column("vector")[13].as_py(), np.float32).tobytes()
    store.append("people", table)
    assert holding(tmp_path, vector)
    assert store.delete("people", Where(id=f"{13:064x}")) == 1
    store._forget("people")  # what LanceDB's own `optimize` does
    assert holding(tmp_path, vector), "then rewriting the table is no longer needed"
    store.compact("people")
    assert not holding(tmp_path, vector)
    assert scanned(store).num_rows == 299


def test_who_reads_files_that_compacting_removed_is_told_to_read_again(store, tmp_path):
    store.append("people", stored_rows(5))
    reader = LanceStore(str(tmp_path / "rows"))
    reader.version("people")
    store.compact("people")
    with pytest.raises(ChangedError):
        scanned(reader)
    reader.version("people")
    assert scanned(reader).num_rows == 5


FULL = """
import resource, signal, sys
sys.path.insert(0, {tests!r})
from galleries import stored_rows
from glimpse.errors import StorageError
from glimpse.gallery.lance import LanceStore
store = LanceStore({address!r})
store.append("people", stored_rows(20))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.RLIM_INFINITY))
try:
    store.append("people", stored_rows(500, 20))
except StorageError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits of a process are set as on Linux")
def test_a_write_that_does_not_fit_changes_nothing_and_leaves_nothing(store, tmp_path):
    code = FULL.format(tests=os.path.dirname(__file__), address=str(tmp_path / "rows"))  # noqa: PTH120
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == f"cannot write {tmp_path / 'rows'}: the disk is full\n", done.stderr
    assert len(list((tmp_path / "rows" / "people.lance" / "data").iterdir())) == 1
    assert store.version("people")
    assert scanned(store).num_rows == 20


def test_a_damaged_table_is_one_sentence(store, tmp_path):
    store.append("people", stored_rows(5))
    for path in (tmp_path / "rows" / "people.lance" / "data").iterdir():
        path.write_bytes(b"nothing")
    with pytest.raises(StorageError, match="the gallery's rows in") as told:
        scanned(LanceStore(str(tmp_path / "rows")))
    assert len(str(told.value)) < 400
    assert "\n" not in str(told.value)
    assert name_of(0) not in str(told.value)
