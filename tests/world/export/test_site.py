import errno
import os
from pathlib import Path

import pytest

from glimpse.errors import OptionError, StorageError
from glimpse.files import locked
from glimpse.world.export import export_world

TINY = {"scale": "tiny", "shape": (32, 16)}


@pytest.mark.parametrize("name", ["notes.txt", "ground_truth", "ground_truth/parts/1.png", "query/0001.jpg"])
def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path, name):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(OptionError, match="is not empty; expected a new or an empty folder"):
        export_world("partial_ilids", tmp_path, **TINY)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / name]


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "world").write_text("mine")
    with pytest.raises(OptionError, match="is a file; expected"):
        export_world("partial_ilids", tmp_path / "world", **TINY)


def test_a_finished_world_is_not_overwritten(tree_of):
    with pytest.raises(OptionError, match="already holds a finished world"):
        export_world("partial_ilids", tree_of("partial_ilids"), **TINY)


def test_two_runs_do_not_write_one_folder(tmp_path):
    work = tmp_path / "ground_truth" / ".unfinished"
    work.mkdir(parents=True)
    with (
        locked(work / "lock"),
        pytest.raises(StorageError, match="another process is using it"),
    ):
        export_world("partial_ilids", tmp_path, **TINY)


def test_a_full_disk_is_one_sentence_and_the_run_can_be_continued(tmp_path, monkeypatch):
    whole = Path.replace
    renamed = []

    def full(self, target):
        renamed.append(target)
        if len(renamed) > 20:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))
        return whole(self, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(StorageError, match=r"cannot write .*: the disk is full"):
        export_world("partial_ilids", tmp_path / "world", **TINY)
    monkeypatch.undo()
    assert not list((tmp_path / "world").rglob(".tmp-*"))
    export_world("partial_ilids", tmp_path / "world", **TINY)


def test_a_read_only_disk_is_one_sentence(tmp_path, monkeypatch):
    def refused(self, *args, **kwargs):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(self))

    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(StorageError, match=r"cannot write .*: the disk is read-only"):
        export_world("partial_ilids", tmp_path / "world", **TINY)
