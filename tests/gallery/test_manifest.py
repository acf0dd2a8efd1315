"""The manifest: read as written, and what is wrong with one is said."""

import json

import numpy as np
import pytest

from glimpse.errors import OptionError, StorageError
from glimpse.gallery.manifest import (
    MANIFEST,
    Manifest,
    Space,
    read_comparison,
    read_manifest,
    write_comparison,
    write_manifest,
)
from glimpse.similarity import ConflictPenalized, CoOccurrencePrior, MaskedCosine, SetJaccard

SPACE = Space("vit", "d" * 64, "space_d", 8, False, "", "vit-micro", 100)
MINE = Manifest(
    "lance", "", "vit", (SPACE, Space("other", "e" * 64, "space_e", 4, True, "")), True, "plain", 30.5
)


def test_a_manifest_comes_back_as_it_was(tmp_path):
    write_manifest(tmp_path, MINE)
    assert read_manifest(tmp_path) == MINE


def test_spaces_are_found_by_name():
    assert MINE.space() is SPACE
    assert MINE.space("other").dim == 4
    with pytest.raises(OptionError, match="no space 'third'; there are vit, other"):
        MINE.space("third")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format": "glimpse-gallery-9"}, "of format 'glimpse-gallery-9', this Glimpse reads"),
        ({"unfinished": 3}, "damaged: unfinished must be of type bool"),
        ({"color": 1}, "damaged: Manifest has the unknown key color"),
        ({"spaces": None}, "damaged: spaces must be a list"),
    ],
)
def test_a_wrong_manifest_is_one_sentence(tmp_path, change, sentence):
    write_manifest(tmp_path, MINE)
    values = json.loads((tmp_path / MANIFEST).read_text()) | change
    (tmp_path / MANIFEST).write_text(json.dumps(values))
    with pytest.raises(StorageError, match=sentence):
        read_manifest(tmp_path)


def test_no_manifest_and_a_broken_one_are_told_apart(tmp_path):
    with pytest.raises(StorageError, match="there is no gallery in"):
        read_manifest(tmp_path / "nowhere")
    (tmp_path / MANIFEST).write_text("{")
    with pytest.raises(StorageError, match="cannot be read"):
        read_manifest(tmp_path)


def test_how_vectors_are_compared_is_kept_with_its_arrays(tmp_path):
    fitted = ConflictPenalized(SetJaccard(), CoOccurrencePrior(np.eye(8, dtype=np.float32), 1.0), 0.5)
    for similarity in (MaskedCosine(), fitted):
        space = Space("vit", "d", "space_d", 8, False, write_comparison(tmp_path, "space_d", similarity))
        found = read_comparison(tmp_path, space)
        assert type(found) is type(similarity)
    np.testing.assert_array_equal(found.prior.together, fitted.prior.together)
    with pytest.raises(StorageError, match="the space vit of the gallery cannot be used"):
        read_comparison(tmp_path, Space("vit", "d", "space_d", 8, False, "{}"))
