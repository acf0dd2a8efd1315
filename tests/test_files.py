import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from glimpse.errors import OptionError, StorageError
from glimpse.files import (
    atomic_path,
    atomic_write,
    begin_folder,
    check_folder,
    locked,
    printable,
    read_file,
    read_json,
    regular_target,
    remove_leftovers,
    temporary_name,
    user_path,
)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_file_appears_whole_when_the_block_ends(tmp_path):
    target = tmp_path / "card.json"
    with atomic_write(target) as file:
        file.write(b"new")
        assert not target.exists()
    assert target.read_bytes() == b"new"
    assert names(tmp_path) == ["card.json"]


def test_a_failing_block_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "card.json"
    target.write_bytes(b"old")

    def fail() -> None:
        with atomic_write(target) as file:
            file.write(b"half")
            raise KeyError("stop")

    with pytest.raises(KeyError):
        fail()
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["card.json"]


def test_a_library_may_write_the_temporary_path_itself(tmp_path):
    with atomic_path(tmp_path / "a.npy") as temporary:
        assert temporary.suffix == ".npy"
        temporary.write_bytes(b"array")
    assert names(tmp_path) == ["a.npy"]
    assert (tmp_path / "a.npy").read_bytes() == b"array"


def test_new_files_follow_the_umask_rather_than_being_private(tmp_path):
    with atomic_write(tmp_path / "a") as file:
        file.write(b"1")
    (tmp_path / "plain").write_bytes(b"1")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (errno.ENOSPC, "cannot write {}: the disk is full"),
        (errno.EROFS, "cannot write {}: the disk is read-only"),
    ],
)
def test_a_full_or_read_only_disk_is_one_sentence(tmp_path, code, sentence):
    target = tmp_path / "a"
    with pytest.raises(StorageError) as caught, atomic_write(target):
        raise OSError(code, os.strerror(code))
    assert str(caught.value) == sentence.format(target)
    assert names(tmp_path) == []


def test_a_missing_folder_and_a_folder_in_the_way_are_one_sentence(tmp_path):
    with pytest.raises(StorageError, match="the folder does not exist"), atomic_write(tmp_path / "no" / "a"):
        pass
    (tmp_path / "taken").mkdir()
    with (
        pytest.raises(StorageError, match="a folder has that name"),
        atomic_write(tmp_path / "taken") as file,
    ):
        file.write(b"1")
    assert names(tmp_path) == ["taken"]


def test_a_link_is_followed_and_stays(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "card.json").write_bytes(b"old")
    for name in ("card.json", "new.json"):
        link = tmp_path / f"link to {name}"
        link.symlink_to(Path("there") / name)
        with atomic_write(link) as file:
            file.write(b"new")
        assert link.is_symlink()
        assert (tmp_path / "there" / name).read_bytes() == b"new"
    assert names(tmp_path / "there") == ["card.json", "new.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such files")
def test_what_is_no_regular_file_is_neither_replaced_nor_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    (tmp_path / "one").symlink_to("other")
    (tmp_path / "other").symlink_to("one")
    for name, sentence in [
        (tmp_path / "pipe", "it is a pipe, and a regular file is expected"),
        (tmp_path / "link", "it is a pipe"),
        (tmp_path / "one", "its links lead in a circle"),
        (tmp_path / ("a" * 300), "its name is too long"),
        (tmp_path / "link" / "a", "a part of its path is a file"),
    ]:
        with pytest.raises(StorageError, match=sentence), atomic_write(name) as file:
            file.write(b"1")
    assert (tmp_path / "pipe").is_fifo()
    with pytest.raises(StorageError, match="it is a device"):
        regular_target(os.devnull)
    assert regular_target(tmp_path / "a") == tmp_path / "a"


def test_an_error_about_another_file_passes_through(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "a"):
        (tmp_path / "source").read_bytes()


def test_a_failing_fsync_is_a_sentence_and_leaves_nothing(tmp_path, monkeypatch):
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="the disk is full"), atomic_write(tmp_path / "a") as file:
        file.write(b"1")
    assert names(tmp_path) == []


def test_names_that_are_no_text_are_shown_escaped():
    assert printable("a\nb") == "a\\nb"
    assert printable("\udcff.jpg") == "\\udcff.jpg"
    assert printable("größe 1.jpg") == "größe 1.jpg"


def test_the_lock_excludes_another_process_until_it_is_given_back(tmp_path):
    lock = tmp_path / "lock"
    code = "import sys; from glimpse.files import locked\nwith locked(sys.argv[1], wait=False): print('in')"
    command = [sys.executable, "-c", code, str(lock)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with locked(lock):
        refused = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert "another process is using it" in refused.stderr
    admitted = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert admitted.stdout.strip() == "in"


def test_the_lock_makes_another_thread_wait(tmp_path):
    order = []

    def second() -> None:
        with locked(tmp_path / "lock"):
            order.append("second")

    with locked(tmp_path / "lock"):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.1)
        assert thread.is_alive()
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_the_lock_is_free_again_after_an_error(tmp_path):
    with pytest.raises(KeyError), locked(tmp_path / "lock"):
        raise KeyError("stop")
    with locked(tmp_path / "lock", wait=False):
        pass


def test_a_lock_that_cannot_be_made_is_one_sentence(tmp_path):
    with pytest.raises(StorageError, match="the folder does not exist"), locked(tmp_path / "no" / "lock"):
        pass


def test_a_folder_is_begun_when_it_is_new_or_empty_or_went_on_with(tmp_path):
    folder = tmp_path / "runs" / "bot"
    check_folder(folder, "a run", resume=False)
    assert not folder.exists()  # to look makes nothing
    begin_folder(folder, "a run", resume=False)
    begin_folder(folder, "a run", resume=True)
    with pytest.raises(OptionError, match="bot holds a run already: resume it"):
        begin_folder(folder, "a run", resume=False, advice=": resume it")
    with pytest.raises(OptionError, match="bot holds a run: choose a new or an empty folder for an ablation"):
        begin_folder(folder, "an ablation", resume=True)
    with locked(folder / ".lock", wait=False):  # the lock of a run leaves what the folder says
        pass
    begin_folder(folder, "a run", resume=True)
    (tmp_path / "empty").mkdir()
    begin_folder(tmp_path / "empty", "a run", resume=False)


def test_a_folder_that_an_earlier_version_began_can_be_gone_on_with(tmp_path):
    (tmp_path / ".lock").touch()
    begin_folder(tmp_path, "a run", resume=True)
    with pytest.raises(OptionError, match="holds a run already"):
        begin_folder(tmp_path, "a run", resume=False)


@pytest.mark.parametrize("resume", [False, True])
def test_a_folder_of_other_files_is_not_begun(tmp_path, resume):
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(OptionError, match="is not empty: choose a new or an empty folder for a run"):
        begin_folder(tmp_path, "a run", resume=resume)
    for path in (tmp_path / "notes", tmp_path / "notes" / "below"):
        with pytest.raises(StorageError, match="cannot write"):
            begin_folder(path, "a run", resume=resume)
    assert names(tmp_path) == ["notes"]


def test_what_a_killed_process_left_is_removed_by_the_next_that_writes_there(tmp_path):
    source = Path(__file__).parents[1] / "src"
    code = (
        "import os, sys, signal; from pathlib import Path; from glimpse.files import atomic_write\n"
        "with atomic_write(Path(sys.argv[1]) / 'a.json') as file:\n"
        "    file.write(b'half'); file.flush(); os.kill(os.getpid(), signal.SIGTERM)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(source)}
    folder = tmp_path / "mine"
    folder.mkdir()
    subprocess.run([sys.executable, "-c", code, folder], env=environment, check=False, timeout=60)
    (left,) = names(folder)
    assert left.startswith(".tmp-")
    assert left.endswith(".json")
    (folder / ".tmp-of-somebody-else").touch()
    with atomic_write(folder / "b.json") as held, atomic_write(folder / "a.json") as file:
        file.write(b"whole")
        held.write(b"whole")
    assert names(folder) == [".tmp-of-somebody-else", "a.json", "b.json"]


def test_what_a_living_process_writes_is_left_alone(tmp_path):
    (tmp_path / temporary_name(".json")).touch()
    (tmp_path / temporary_name()).mkdir()
    remove_leftovers(tmp_path)
    assert len(names(tmp_path)) == 2


def test_what_cannot_be_read_says_why(tmp_path):
    os.mkfifo(tmp_path / "pipe")  # reading it would wait for ever
    (tmp_path / "loop").symlink_to("loop")
    for name, reason in [
        ("none", "there is no such file"),
        (".", "it is a folder, not a file"),
        ("pipe", "it is not a regular file"),
        ("loop", "its links lead in a circle"),
        ("n" * 300, "its name is too long"),
        ("a\0b", "null"),
    ]:
        with pytest.raises(StorageError, match=f"cannot read the list .*: .*{reason}"):
            read_file(tmp_path / name, "list")


def test_json_may_begin_with_a_byte_order_mark(tmp_path):
    (tmp_path / "a.json").write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert read_json(tmp_path / "a.json") == {"a": 1}
    for damaged in (b"", b"[" * 100_000, b"\xff\xfe", b'{"a"'):
        (tmp_path / "a.json").write_bytes(damaged)
        with pytest.raises(StorageError, match="cannot be read as JSON"):
            read_json(tmp_path / "a.json")


def test_a_home_folder_that_is_not_there_is_said():
    assert user_path("~/a") == Path.home() / "a"
    with pytest.raises(OptionError, match="~nouser/a names a home folder, and there is none"):
        user_path("~nouser/a")
