"""The gallery as a whole, against its slow twin and by its words."""

import dataclasses
import tempfile

import numpy as np
import pytest
from galleries import DIM, holding, model, name_of, some
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from naive_gallery import NaiveGallery
from PIL import Image

from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError, StorageError
from glimpse.gallery import Access, Gallery, MadeElsewhere, Where
from glimpse.gallery import snapshot as snapshots
from glimpse.records import JUNK
from glimpse.similarity import Cosine, MaskedCosine, SetJaccard

FEW = st.integers(0, 3)
CONDITIONS = st.one_of(
    st.fixed_dictionaries(
        {}, optional={"camera": st.lists(FEW, min_size=1).map(tuple), "after": st.integers(0, 20)}
    ),
    st.fixed_dictionaries({"source": st.just(("o'yard",))}, optional={"before": st.integers(0, 20)}),
    st.fixed_dictionaries({"person": st.lists(st.integers(0, 6), min_size=1).map(tuple)}),
    st.fixed_dictionaries({"kind": st.sampled_from([("whole",), ("", "occluded")])}),
)


class GalleryMachine(RuleBasedStateMachine):
    """Random adding, deleting, erasing and reopening; every search equals the plain loop."""

    @initialize(
        kind=st.sampled_from([Cosine(), MaskedCosine(), SetJaccard()]), few=st.sampled_from([3, 4096])
    )
    def begin(self, kind, few):
        self.few, snapshots._FEW = snapshots._FEW, few
        self.place = tempfile.TemporaryDirectory()
        self.masked = isinstance(kind, MaskedCosine)
        self.gallery = Gallery.create(f"{self.place.name}/gallery", model(kind, self.masked))
        self.naive = NaiveGallery(kind)

    def teardown(self):
        if hasattr(self, "place"):
            snapshots._FEW = self.few
            self.place.cleanup()

    @rule(first=st.integers(0, 20), count=st.integers(1, 8), known=st.booleans())
    def add(self, first, count, known):
        told = {} if known else {"person": JUNK}
        records, embeddings = some(count, first, self.masked)
        if not known:
            records = records.with_columns(**told)
        done = self.gallery.add(records, embeddings=embeddings)
        assert done.added == self.naive.add(records, embeddings)
        assert done.added + done.present == count

    @rule(conditions=CONDITIONS.filter(bool), erase=st.booleans())
    def remove(self, conditions, erase):
        remove = self.gallery.erase if erase else self.gallery.delete
        assert remove(Where(**conditions)) == self.naive.remove(conditions)

    @rule()
    def compact(self):
        self.gallery.compact()

    @rule()
    def reopen(self):
        self.gallery = Gallery.open(self.gallery.folder)

    @rule(
        seeds=st.lists(st.integers(0, 5), min_size=1, max_size=3),
        against=st.lists(st.integers(6, 9), max_size=2),
        conditions=CONDITIONS,
        k=st.integers(1, 6),
        group=st.booleans(),
        candidates=st.sampled_from([None, 1000]),
    )
    def search(self, seeds, against, conditions, k, group, candidates):
        queries, counter = (
            [some(1, 500 + seed, self.masked)[1] for seed in seeds_] for seeds_ in (seeds, against)
        )
        found = self.gallery.search(
            queries,
            unlike=counter,
            where=Where(**conditions),
            k=k,
            group=group,
            images=50,
            candidates=candidates,
        )
        scores, who = self.naive.search(queries, counter, conditions)
        assert found.searched == len(scores)
        assert found.exact is (candidates is None)
        for one in found.found:
            for match in one.matches:
                assert match.score == pytest.approx(scores[match.path], abs=1e-5)
            assert [m.score for m in one.matches] == sorted((m.score for m in one.matches), reverse=True)
        people = {}
        for path, score in scores.items():
            people.setdefault(who[path] if group else path, {})[path] = score
        best = sorted((max(of.values()) for of in people.values()), reverse=True)[:k]
        assert [one.score for one in found.found] == pytest.approx(best, abs=1e-5)
        for one in found.found:
            paths = {match.path for match in one.matches}
            assert paths in [set(of) for of in people.values()]
            assert one.images == len(paths)

    @invariant()
    def counted(self):
        if hasattr(self, "gallery"):
            assert self.gallery.info().images == len(self.naive.rows)


TestGallery = GalleryMachine.TestCase
TestGallery.settings = settings(max_examples=6, stateful_step_count=12, deadline=None)


def test_images_are_added_once_and_found_by_image_and_sentence(images):
    gallery = Gallery.create(images / "gallery", "colors")
    assert dataclasses.astuple(gallery.add(images, camera=3)) == (3, 0, {})
    (images / "broken.png").write_bytes(b"no image")
    (images / "copy.png").write_bytes((images / "red.png").read_bytes())
    done = gallery.add([images / name for name in ("red.png", "broken.png", "copy.png")])
    assert (done.added, done.present, list(done.broken)) == (0, 1, [str(images / "broken.png")])
    found = gallery.search(images / "red.png", k=1).found[0]
    assert found.best.path == str(images / "red.png")
    assert found.score == pytest.approx(1, abs=1e-5)
    assert gallery.search(text="somebody in blue", k=1).found[0].best.path == str(images / "blue.png")
    array = np.asarray(Image.open(images / "green.png"))
    assert gallery.search([array], k=1).found[0].best.path == str(images / "green.png")
    again = gallery.search(found.best, unlike=gallery.match(found.best.id[:8]), k=1)
    assert again.found[0].score == pytest.approx(0.5, abs=1e-5)


def test_info_tells_what_is_there_and_how_exact_it_is(filled, tmp_path):
    info = filled.info()
    assert (info.images, info.people, info.tracks, info.cameras) == (40, 10, 20, (0, 1, 2, 3))
    assert (info.sources, info.times, info.unfinished) == (("door", "o'yard"), (0.0, 38.0), False)
    (space,) = info.spaces
    assert (space.rows, space.exact, space.recall, space.similarity) == (40, True, 1.0, "cosine")
    assert space.bytes > 40 * DIM * 4
    rough = Gallery.create(tmp_path / "rough", model(), candidates=3)
    assert rough.info().spaces[0].recall is None
    records, embeddings = some(40)
    # lengths of no meaning to a cosine lead an inner product astray
    scales = np.geomspace(1, 100, 40, dtype=np.float32)[:, None]
    rough.add(records, embeddings=Embeddings(embeddings.vectors * scales))
    (space,) = rough.info().spaces
    assert not space.exact
    assert space.recall <= 0.3, "three candidates hold at most three of ten"
    query = some(1, 7)[1]
    assert not rough.search(query).exact
    assert rough.search(query, exact=True).exact
    assert rough.search(query, candidates=5).searched == 5


def test_rows_expire_by_age(tmp_path):
    now = [10**18]
    access = Access(who="ann", purpose="test", clock=lambda: now[0])
    gallery = Gallery.create(tmp_path / "gallery", model(), keep_days=30, access=access)
    day = 24 * 3600 * 10**9
    for first in (0, 4, 8):
        records, embeddings = some(4, first)
        gallery.add(records, embeddings=embeddings)
        now[0] += 20 * day
    assert gallery.expire(where=Where(camera=0)) == 2
    assert gallery.expire() == 6
    assert gallery.expire(older_than_days=10) == 4
    assert gallery.expire(older_than_days=0) == 0
    for wrong in (-1, float("nan"), 1e9):
        with pytest.raises(OptionError, match="rows are kept for 0 to 36500 days"):
            gallery.expire(older_than_days=wrong)


def test_every_search_and_change_is_logged_and_nobody_is_named(filled):
    query = some(1, 3)[1]
    filled.search(query, where=Where(person=3, camera=1), k=2)
    filled.delete(Where(track=f"walk {name_of(1001)}"))
    filled.erase(Where(person=(2, 3)))
    filled.compact()
    events = Gallery.open(filled.folder).audit()
    assert [(event.action, event.state) for event in events] == [
        ("create", "done"),
        ("add", "begun"),
        ("add", "done"),
        ("search", "done"),
        ("delete", "begun"),
        ("delete", "done"),
        ("erase", "begun"),
        ("erase", "done"),
        ("compact", "begun"),
        ("compact", "done"),
    ]
    assert events[2].what == {"added": 40, "present": 0, "broken": 0}
    assert events[3].what["where"] == {"person": "1 value", "camera": [1]}
    assert events[7].what == {"conditions": ["person"], "images": 8}
    log = (filled.folder / "audit.jsonl").read_text()
    assert not [row for row in range(40) if name_of(row) in log]


def test_a_search_that_cannot_be_logged_is_not_answered(filled):
    (filled.folder / "audit.jsonl").unlink()
    (filled.folder / "audit.jsonl").mkdir()
    with pytest.raises(StorageError, match="audit"):
        filled.search(some(1)[1])


@pytest.mark.parametrize(
    ("verb", "sentence"),
    [
        (lambda gallery: gallery.delete(Where()), "say which rows to delete"),
        (lambda gallery: gallery.erase(Where()), "say which rows to erase"),
        (lambda gallery: gallery.expire(), "neither told nor a rule"),
        (lambda gallery: gallery.search(), "needs an image, a sentence or an earlier match"),
        (lambda gallery: gallery.search(some(1)[1], k=0), "k must be at least 1"),
        (lambda gallery: gallery.search(some(1)[1], candidates=0), "candidates must be at least 1"),
        (lambda gallery: gallery.search(some(1)[1], space="x"), "no space 'x'; there are model"),
        (lambda gallery: gallery.match("xyz"), "an image's id is"),
        (lambda gallery: gallery.match("0000"), "no images of this gallery have an id"),
        (lambda gallery: gallery.add_space(MadeElsewhere("other", 3), name="model"), "has a space 'model'"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(gallery, verb, sentence):
    with pytest.raises(OptionError, match=sentence):
        verb(gallery)


def test_a_gallery_is_made_once_and_in_a_folder_of_its_own(gallery, tmp_path):
    with pytest.raises(OptionError, match="holds a gallery already: open it"):
        Gallery.create(gallery.folder, model())
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(OptionError, match="is not empty"):
        Gallery.create(tmp_path / "full", model())
    with pytest.raises(OptionError, match="thumbnails are none, plain, blurred"):
        Gallery.create(tmp_path / "new", model(), thumbnails="large")
    assert not (tmp_path / "new").exists()
    with pytest.raises(StorageError, match="there is no gallery in"):
        Gallery.open(tmp_path / "new")


def test_thumbnails_and_the_erased_are_in_no_file(images):
    gallery = Gallery.create(images / "gallery", "colors", thumbnails="blurred")
    gallery.add(images)
    store = gallery._held.store
    table = gallery.spaces[0].table
    kept = {
        row["path"]: row["thumbnail"]
        for batch in store.scan(table, ("path", "thumbnail"))
        for row in batch.to_pylist()
    }
    red = kept[str(images / "red.png")]
    assert red.startswith(b"\xff\xd8")
    assert holding(gallery.folder, red)
    gallery.erase(Where(path=str(images / "red.png")))
    assert not holding(gallery.folder, red)
    assert holding(gallery.folder, kept[str(images / "blue.png")])
