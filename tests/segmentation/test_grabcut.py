import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from striped import HEIGHT, WIDTH, people

import glimpse
from glimpse.errors import MissingExtraError, OptionError, ShapeError, StorageError
from glimpse.progress import silent
from glimpse.segmentation import GrabCutMasks, GrabCutSettings
from glimpse.segmentation import grabcut as kept_cuts
from glimpse.segmentation.grabcut import cut, cut_path, masks_path, opencv
from glimpse.segmentation.salient import in_cells


class Held:
    """Pixels in memory."""

    def __init__(self, images):
        self.images = images

    def __len__(self):
        return len(self.images)

    def read(self, rows):
        return self.images[rows]


def source(folder, **options):
    return GrabCutMasks(folder, GrabCutSettings(iterations=2), progress=silent, **options)


def test_a_striped_person_is_found(tmp_path):
    images, truth = people(5)
    masks = source(tmp_path).masks(Held(images), np.zeros(5, np.int64))
    assert masks.dtype == bool
    overlap = (masks & truth).sum((1, 2)) / (masks | truth).sum((1, 2))
    assert (overlap > 0.7).all()


def test_masks_are_the_same_on_any_number_of_workers(tmp_path):
    images, _ = people(8)
    persons = np.arange(8) // 4
    one = source(tmp_path / "one", workers=1).masks(Held(images), persons)
    three = source(tmp_path / "three", workers=3).masks(Held(images), persons)
    assert np.array_equal(one, three)
    assert np.array_equal(one, source(tmp_path / "one").masks(Held(images), persons))


def test_a_cut_is_the_same_whatever_was_drawn_before(tmp_path):
    cv2 = opencv()
    images, _ = people(1)
    first = cut(images[0], 2)
    cv2.setRNGSeed(123)
    cv2.randu(np.zeros((5, 5)), 0, 1)
    assert np.array_equal(cut(images[0], 2), first)


def test_where_the_system_does_not_tell_which_cores_are_ours_all_are_used(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)  # as on macOS
    images, _ = people(2)
    assert source(tmp_path).masks(Held(images), np.zeros(2, np.int64)).any()


def test_who_is_not_found_gets_an_empty_mask(tmp_path):
    images, _ = people(3)
    images[1] = 128  # fog
    masks = source(tmp_path).masks(Held(images), np.arange(3))
    assert masks[[0, 2]].any((1, 2)).all()
    assert not masks[1].any()


def test_no_images_have_no_masks(tmp_path):
    images, _ = people(0)
    assert source(tmp_path).masks(Held(images), np.empty(0, np.int64)).shape == (0, HEIGHT, WIDTH)


def test_a_killed_run_goes_on_where_it_was(tmp_path):
    code = (
        "import numpy as np, sys\n"
        f"sys.path[:0] = [{str(Path(__file__).parent)!r}, {str(Path(glimpse.__file__).parents[1])!r}]\n"
        "from test_grabcut import Held, people, source\n"
        "from pathlib import Path\n"
        f"source(Path({str(tmp_path)!r}), workers=1).masks(Held(people(3000)[0]), np.zeros(3000, np.int64))\n"
    )
    child = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 60
    while len(list(tmp_path.rglob("[!.]*.npy"))) < 5 and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    child.kill()
    child.wait()
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("[!.]*.npy")}
    assert 5 <= len(kept) < 3000
    images, _ = people(3000)
    settings = GrabCutSettings(iterations=2)
    here = [n for n in range(200) if cut_path(tmp_path, images[n], settings) in kept][:6]
    rows = sorted({*here, 2998, 2999})
    resumed = source(tmp_path).masks(Held(images[rows]), np.zeros(len(rows), np.int64))
    fresh = source(tmp_path / "fresh").masks(Held(images[rows]), np.zeros(len(rows), np.int64))
    assert np.array_equal(resumed, fresh)
    assert all(path.stat().st_mtime_ns == before for path, before in kept.items())
    assert cut_path(tmp_path, images[2999], settings).is_file()


def test_masks_are_kept_and_made_anew_for_anything_else(tmp_path, monkeypatch):
    images, _ = people(4)
    persons = np.zeros(4, np.int64)
    masks = source(tmp_path).masks(Held(images), persons)
    with monkeypatch.context() as patch:
        patch.setattr(GrabCutMasks, "_made", lambda *arguments: pytest.fail("made before"))
        again = source(tmp_path).masks(Held(images), persons)
        assert again.dtype == bool
        assert np.array_equal(again, masks)
        other = images.copy()
        other[0, 0, 0] += 1
        for pictures, whose, settings in (
            (images[::-1].copy(), persons, GrabCutSettings(iterations=2)),
            (other, persons, GrabCutSettings(iterations=2)),
            (images, np.arange(4), GrabCutSettings(iterations=2)),
            (images, persons, GrabCutSettings(iterations=2, likeness=0.6)),
        ):
            with pytest.raises(pytest.fail.Exception, match="made before"):
                GrabCutMasks(tmp_path, settings, progress=silent).masks(Held(pictures), whose)
    # cuts do not depend on who is on the image: only the rest is made anew
    monkeypatch.setattr(kept_cuts, "cut", lambda *arguments: pytest.fail("cut before"))
    assert source(tmp_path).masks(Held(images), np.arange(4)).any()


def test_a_damaged_cut_is_named(tmp_path):
    images, _ = people(1)
    source(tmp_path).masks(Held(images), np.zeros(1, np.int64))
    path = cut_path(tmp_path, images[0], GrabCutSettings(iterations=2))
    path.write_bytes(b"\x93NUMPY")
    with pytest.raises(StorageError, match="delete it to make it again"):
        source(tmp_path).masks(Held(images), np.ones(1, np.int64))
    masks_path(tmp_path, Held(images), np.zeros(1, np.int64), GrabCutSettings(iterations=2)).write_bytes(b"")
    with pytest.raises(StorageError, match="delete it to make it again"):
        source(tmp_path).masks(Held(images), np.zeros(1, np.int64))


def test_an_estimate_is_said_once(tmp_path):
    images, _ = people(40)
    said = []
    source(tmp_path, say=said.append).masks(Held(images), np.zeros(40, np.int64))
    assert len(said) == 1
    assert said[0].startswith("masks of 40 images: about ")


def test_without_opencv_one_sentence_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    images, _ = people(1)
    with pytest.raises(MissingExtraError, match=r"glimpse\[occluded\]"):
        source(tmp_path).masks(Held(images), np.zeros(1, np.int64))


def test_what_cannot_be_done_is_said(tmp_path):
    with pytest.raises(OptionError, match="workers must be from 1 to"):
        GrabCutMasks(tmp_path, workers=0)
    with pytest.raises(ShapeError, match=r"expected persons \[2\]"):
        source(tmp_path).masks(Held(people(2)[0]), np.zeros(3, np.int64))
    with pytest.raises(ShapeError, match="cannot be cut into 16x8"):
        in_cells(np.zeros((60, 32)), (16, 8))
