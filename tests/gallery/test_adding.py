"""Adding: by several retrievers, by several processes, and nothing that would be mixed."""

import subprocess
import sys
import time

import pytest
from galleries import model, some
from PIL import Image

from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError, ShapeError, StorageError
from glimpse.files import locked
from glimpse.gallery import Access, Gallery, Where
from glimpse.records import JUNK, Records
from glimpse.retriever import Retriever


def test_a_new_retriever_embeds_what_is_there_while_the_old_one_answers(images):
    gallery = Gallery.create(images / "gallery", "colors")
    gallery.add(images)
    (images / "blue.png").unlink()
    Image.new("RGB", (20, 40), "black").save(images / "green.png")
    done = gallery.add_space("vit-micro", default=False)
    assert (done.added, set(done.broken.values())) == (
        1,
        {"there is no such file", "its content has changed since it was added"},
    )
    assert gallery.search(images / "red.png").space == "colors"
    Image.new("RGB", (20, 40), "blue").save(images / "blue.png")
    done = gallery.add_space("vit-micro")
    assert (done.added, done.present) == (1, 1)
    assert gallery.search(images / "red.png").space == "vit-micro"
    assert gallery.search(images / "red.png", space="colors").searched == 3
    gallery.add(images / "green.png", source="later")
    info = Gallery.open(images / "gallery").info()
    assert (info.images, [space.rows for space in info.spaces]) == (4, [4, 3])
    gallery.delete(Where(source="later"))
    assert [space.rows for space in gallery.info().spaces] == [3, 2]


def test_vectors_of_another_retriever_are_refused(images):
    colors = Retriever.load("colors")
    gallery = Gallery.create(images / "gallery", "colors")
    records = Records.from_columns([str(images / "red.png")], JUNK)
    vectors = colors.embed(images / "red.png")
    for made_by in (None, "colors", "e" * 64):
        with pytest.raises(OptionError, match="do not say that a retriever of this gallery made them"):
            gallery.add(records, embeddings=vectors, made_by=made_by)
    with pytest.raises(ShapeError, match="531 dimensions without masks"):
        gallery.add(records, embeddings=Embeddings(vectors.vectors[:, :3]), made_by=colors.digest)
    with pytest.raises(ShapeError, match="1 embeddings of 2 images"):
        gallery.add([images / "red.png", images / "blue.png"], embeddings=vectors, made_by=colors.digest)
    assert gallery.add(records, embeddings=vectors, made_by=colors.digest).added == 1
    with pytest.raises(OptionError, match="no vectors of this retriever"):
        Gallery.open(images / "gallery", Retriever.load("vit-micro"))


WRITER = """
import sys
sys.path.insert(0, {tests!r})
from galleries import some
from glimpse.gallery import Gallery, adding
adding.VECTORS = 5
records, embeddings = some(40, {first})
print(Gallery.open({folder!r}).add(records, embeddings=embeddings).added)
"""


def test_two_writers_and_a_reader_at_once_lose_nothing_and_add_nothing_twice(gallery):
    from pathlib import Path

    tests = str(Path(__file__).parent)
    codes = [WRITER.format(tests=tests, first=first, folder=str(gallery.folder)) for first in (0, 20)]
    writers = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) for code in codes]
    query, seen = some(1)[1], [0]
    while any(writer.poll() is None for writer in writers):
        found = gallery.search(query, k=100, group=False)
        paths = [one.best.path for one in found.found]
        assert len(paths) == len(set(paths)) == found.searched >= seen[-1]
        seen.append(found.searched)
        time.sleep(0.05)  # the writers need the cores
    assert sum(int(writer.communicate()[0]) for writer in writers) == 60
    assert gallery.search(query).searched == 60


def test_who_may_not_wait_is_told(gallery):
    records, embeddings = some(1)
    impatient = Gallery.open(gallery.folder, access=Access(wait=False))
    with locked(gallery.folder / ".lock"):
        with pytest.raises(StorageError, match="another process is using it"):
            impatient.add(records, embeddings=embeddings)
        assert impatient.search(embeddings).searched == 0, "reading needs no lock"
    assert impatient.add(records, embeddings=embeddings).added == 1


def test_batches_before_a_failure_are_acknowledged_and_the_same_call_goes_on(gallery, monkeypatch):
    monkeypatch.setattr("glimpse.gallery.adding.VECTORS", 3)
    records, embeddings = some(10)
    append, calls = gallery._held.store.append, []

    def failing(*arguments):
        calls.append(arguments)
        if len(calls) == 3:
            raise StorageError("cannot write: the disk is full")
        append(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(gallery._held.store, "append", failing)
        with pytest.raises(StorageError, match="the disk is full"):
            gallery.add(records, embeddings=embeddings)
    assert Gallery.open(gallery.folder).info().images == 6
    done = gallery.add(records, embeddings=embeddings)
    assert (done.added, done.present) == (4, 6)


def test_another_model_of_the_same_dimensions_is_not_mixed(tmp_path):
    gallery = Gallery.create(tmp_path / "gallery", model())
    records, embeddings = some(2)
    with pytest.raises(OptionError, match="the gallery holds model"):
        gallery.add(records, embeddings=embeddings, made_by="another")
