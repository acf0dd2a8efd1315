"""What the verbs share: the retriever of each space and no other, and the newest manifest."""

import pytest
from galleries import model

from glimpse.errors import StorageError
from glimpse.gallery import Gallery
from glimpse.gallery.held import store_of
from glimpse.gallery.manifest import Manifest
from glimpse.retriever import Retriever


def test_a_retriever_that_changed_is_refused(images):
    Retriever.load("colors").save(images / "mine")
    gallery = Gallery.create(images / "gallery", images / "mine")
    gallery.add(images / "red.png")
    Retriever.load("vit-micro").save(images / "mine", replace=True)
    other = Gallery.open(images / "gallery")
    with pytest.raises(StorageError, match="is not the one that made the vectors of the space mine"):
        other.search(images / "red.png")
    assert Gallery.open(images / "gallery", Retriever.load("colors")).search(images / "red.png").searched == 1


def test_a_space_that_another_process_makes_is_searched_at_once(images):
    gallery = Gallery.create(images / "gallery", "colors")
    gallery.add(images)
    Gallery.open(images / "gallery").add_space("vit-micro")
    assert gallery.search(images / "red.png").space == "vit-micro"


def test_a_store_that_is_not_known_is_told(tmp_path):
    with pytest.raises(StorageError, match="is kept in 'paper'"):
        store_of(tmp_path, Manifest("paper", "", "x", ()))


def test_rows_may_be_kept_elsewhere(tmp_path):
    gallery = Gallery.create(tmp_path / "gallery", model(), address=str(tmp_path / "elsewhere"))
    assert list((tmp_path / "elsewhere").iterdir())
    assert not (gallery.folder / "rows").exists()
    assert Gallery.open(gallery.folder).info().images == 0
