"""Queries of every kind, and what the engine's candidates leave out."""

import numpy as np
import pytest
from galleries import model, some

from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError, ShapeError
from glimpse.gallery import Gallery, Where
from glimpse.similarity import MaskedCosine


def test_a_model_that_glimpse_does_not_run_is_asked_with_embeddings(gallery):
    records, embeddings = some(5)
    assert gallery.add(records, embeddings=embeddings, made_by="model").added == 5
    with pytest.raises(OptionError, match="space model were made elsewhere"):
        gallery.search("query.jpg")
    with pytest.raises(ShapeError, match="has 8 dimensions, got 3"):
        gallery.search(Embeddings(np.ones((1, 3))))
    masked = some(5, masked=True)[1]
    with pytest.raises(ShapeError, match="got 8 dimensions with masks"):
        gallery.add(records, embeddings=masked)


def test_a_match_that_is_gone_cannot_be_asked_with(filled):
    match = filled.search(some(1)[1], k=1).found[0].best
    filled.delete(Where(id=match.id))
    with pytest.raises(OptionError, match="is in the space model of this gallery any more"):
        filled.search(match)


def test_a_masked_query_is_scored_in_what_it_shows(tmp_path):
    gallery = Gallery.create(tmp_path / "gallery", model(MaskedCosine(), masked=True))
    records, embeddings = some(30, masked=True)
    gallery.add(records, embeddings=embeddings)
    query = some(1, 99, masked=True)[1]
    wanted = MaskedCosine().pairwise(query, embeddings)[0]
    for candidates in (None, 30):
        found = gallery.search(query, k=30, group=False, candidates=candidates).found
        np.testing.assert_allclose([one.score for one in found], np.sort(wanted)[::-1], atol=1e-5)
    seen = Embeddings(query.vectors)  # as a sentence: no mask is full trust
    wanted = MaskedCosine().pairwise(seen, embeddings)[0].max()
    assert gallery.search(seen).found[0].score == pytest.approx(wanted, abs=1e-5)
