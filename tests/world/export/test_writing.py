import json
import subprocess
import sys
import time
from contextlib import contextmanager

import numba
import pytest

from glimpse.errors import OptionError
from glimpse.world.export import export_world, writing

LAYOUT = "cuhk_pedes"  # it has captions, lists and two kinds of files
OPTIONS = {"people": 10, "images_per_person": 4, "shape": (48, 24), "seed": 8}


def files_of(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    } | {path.relative_to(folder).as_posix(): None for path in folder.rglob("*") if path.is_dir()}


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(writing, "_BATCH", 8)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    export_world(LAYOUT, folder, **OPTIONS)
    return files_of(folder)


class Killed(Exception):
    pass


def killed_after(images):
    @contextmanager
    def progress(label, total):
        done = 0

        def advance(count):
            nonlocal done
            done += count
            if done >= images:
                raise Killed

        yield advance

    return progress


@pytest.mark.parametrize("images", [1, 16, 40])
def test_a_killed_run_goes_on_to_the_same_bytes(tmp_path, undisturbed, images):
    with pytest.raises(Killed):
        export_world(LAYOUT, tmp_path, **OPTIONS, progress=killed_after(images))
    assert not (tmp_path / "glimpse-world.json").exists()
    (tmp_path / "imgs" / ".tmp-0123456789abcdef.jpg").write_bytes(b"half a picture")
    export_world(LAYOUT, tmp_path, **OPTIONS)
    assert files_of(tmp_path) == undisturbed


def test_what_was_done_is_not_done_again(tmp_path):
    with pytest.raises(Killed):
        export_world(LAYOUT, tmp_path, **OPTIONS, progress=killed_after(16))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("imgs/**/*") if path.is_file()}
    kept = json.loads((tmp_path / "ground_truth/.unfinished/options.json").read_text())
    assert kept["people"] == 10
    export_world(LAYOUT, tmp_path, **OPTIONS)
    untouched = [path for path, when in before.items() if path.stat().st_mtime_ns == when]
    assert len(untouched) >= 16


def test_a_run_killed_while_it_writes_the_lists_goes_on(tmp_path, undisturbed, monkeypatch):
    def killed(*args):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(writing, "_card", killed)
        with pytest.raises(Killed):
            export_world(LAYOUT, tmp_path, **OPTIONS)
    export_world(LAYOUT, tmp_path, **OPTIONS)
    assert files_of(tmp_path) == undisturbed


@pytest.mark.parametrize(
    ("other", "message"),
    [({"seed": 9}, "seed 8, asked for 9"), ({"people": 11}, "people 10, asked for 11")],
)
def test_other_options_do_not_continue_it(tmp_path, other, message):
    with pytest.raises(Killed):
        export_world(LAYOUT, tmp_path, **OPTIONS, progress=killed_after(1))
    before = files_of(tmp_path)
    with pytest.raises(OptionError, match=message):
        export_world(LAYOUT, tmp_path, **{**OPTIONS, **other})
    assert files_of(tmp_path) == before


def test_an_unfinished_run_whose_options_are_damaged_is_refused(tmp_path):
    with pytest.raises(Killed):
        export_world(LAYOUT, tmp_path, **OPTIONS, progress=killed_after(1))
    (tmp_path / "ground_truth/.unfinished/options.json").write_text("{")
    with pytest.raises(OptionError, match="cannot be continued"):
        export_world(LAYOUT, tmp_path, **OPTIONS)


def test_one_thread_writes_the_same_bytes(tmp_path, undisturbed, monkeypatch):
    monkeypatch.setattr(writing, "_ENCODERS", 1)
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        export_world(LAYOUT, tmp_path, **OPTIONS)
    finally:
        numba.set_num_threads(threads)
    assert files_of(tmp_path) == undisturbed


def test_another_seed_writes_other_images(tmp_path, undisturbed):
    export_world(LAYOUT, tmp_path, **{**OPTIONS, "seed": 9})
    other = files_of(tmp_path)
    assert all(other[path] != undisturbed[path] for path in other if path.endswith((".jpg",)))


def test_a_process_killed_for_good_leaves_no_half_image(tmp_path, undisturbed):
    program = (
        "import sys; from glimpse.world.export import export_world, writing; writing._BATCH = 8;"
        f"export_world({LAYOUT!r}, sys.argv[1], **{OPTIONS!r})"
    )
    child = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)])
    try:
        deadline = time.monotonic() + 120
        while child.poll() is None and not list(tmp_path.rglob("batch-*.npz")):
            assert time.monotonic() < deadline
            time.sleep(0.002)
    finally:
        child.kill()
        child.wait()
    for path, content in files_of(tmp_path).items():
        if path in undisturbed:
            assert content == undisturbed[path], f"{path} is half written"
    if not (tmp_path / "glimpse-world.json").exists():
        export_world(LAYOUT, tmp_path, **OPTIONS)
    assert files_of(tmp_path) == undisturbed
