"""A gallery that is killed, or whose disk is full: what was acknowledged is there, and nothing else."""

import contextlib
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from galleries import model, some

from glimpse.errors import StorageError
from glimpse.gallery import Gallery, Where, adding

WORKER = """
import sys
sys.path.insert(0, {tests!r})
from galleries import some
from glimpse.gallery import Gallery, Where
gallery = Gallery.open({folder!r})
print("ready", flush=True)
for number in range(10_000):
    {work}
    print(number, flush=True)
"""
ADD = "records, embeddings = some(4, 4 * number); gallery.add(records, embeddings=embeddings)"
DELETE = "gallery.delete(Where(person=number))"
COMPACT = "gallery.delete(Where(person=number)); gallery.compact()"
PERSONS = 60
LONGEST = 0.6  # seconds of work before the kill


def killed(folder, work, moment):
    """How many steps a worker has acknowledged when it is killed so many seconds after it began."""
    code = WORKER.format(tests=str(Path(__file__).parent), folder=str(folder), work=work)
    worker = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert worker.stdout.readline() == "ready\n"
    time.sleep(moment)
    worker.kill()
    said, _ = worker.communicate()
    return len(said.splitlines())


def there(folder):
    """How many images of each person a gallery holds that is opened anew."""
    gallery = Gallery.open(folder)
    images = gallery.search(some(1)[1], k=10_000, group=False).found
    paths = {found.best.path for found in images}
    assert len(paths) == len(images) == gallery.info().images
    persons = [found.best.person for found in images]
    return {person: persons.count(person) for person in set(persons)}


def check(tmp_path, work, seed):
    folder = tmp_path / f"gallery-{seed}"
    gallery = Gallery.create(folder, model())
    if work is not ADD:
        records, embeddings = some(4 * PERSONS)
        gallery.add(records, embeddings=embeddings)
    most = 10_000 if work is ADD else PERSONS
    steps = min(killed(folder, work, random.Random(seed).uniform(0, LONGEST)), most)
    # the step that was cut short is done or not, as a whole
    if work is ADD:
        wanted = [range(steps), range(steps + 1)]
    else:
        wanted = [range(steps, PERSONS), range(steps + 1, PERSONS)]
    assert there(folder) in [dict.fromkeys(persons, 4) for persons in wanted]
    after = Gallery.open(folder)
    records, embeddings = some(4, 4 * 5000)
    assert after.add(records, embeddings=embeddings).added == 4
    after.compact()
    assert there(folder) in [dict.fromkeys([*persons, 5000], 4) for persons in wanted]


@pytest.mark.parametrize("work", [ADD, DELETE, COMPACT], ids=["add", "delete", "compact"])
def test_what_was_acknowledged_survives_a_kill(tmp_path, work):
    check(tmp_path, work, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("work", [ADD, DELETE, COMPACT], ids=["add", "delete", "compact"])
def test_what_was_acknowledged_survives_twenty_kills(tmp_path, work):
    for seed in range(100, 120):
        check(tmp_path, work, seed)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of two megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no file system may be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_on_a_full_disk_everything_acknowledged_is_there_and_it_goes_on_with_room(small_disk, monkeypatch):
    monkeypatch.setattr(adding, "VECTORS", 100)
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(2**20))
    gallery = Gallery.create(small_disk / "gallery", model())
    added = first = 0

    def fill():
        nonlocal added, first
        for first in range(0, 100_000, 100):
            records, embeddings = some(100, first)
            added += gallery.add(records, embeddings=embeddings).added

    with pytest.raises(StorageError, match="the disk is full"):
        fill()
    assert added
    for verb in (gallery.compact, lambda: gallery.erase(Where(person=1))):
        with contextlib.suppress(StorageError):  # a copy of the rows may fit or not, by what was left
            verb()
    held = Gallery.open(gallery.folder).info()
    assert held.images in (added, added + 100, added - 4, added + 96)
    ballast.unlink()
    records, embeddings = some(100, first)
    done = gallery.add(records, embeddings=embeddings)
    assert done.added + done.present == 100
    gallery.erase(Where(person=1))
    assert gallery.info().images == first + 100 - 4
