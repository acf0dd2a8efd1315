"""Tracks are compared by the mean of their frames."""

from dataclasses import replace

import numpy as np
import pytest

from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError, RecordsError
from glimpse.evaluation import evaluate
from glimpse.evaluation.pooling import pooled
from glimpse.protocols import Trial, single_query, single_shot
from glimpse.records import JUNK, Records
from glimpse.similarity import Cosine


def frames(tracks, persons, cameras):
    """A row per entry; tracks are named by letters."""
    return Records.from_columns(
        [f"{track}{row}.jpg" for row, track in enumerate(tracks)],
        persons,
        camera=cameras,
        extra={"tracklet": np.array(list(tracks), object)},
    )


QUERY = frames("baab", [2, 1, 1, 2], [1, 1, 1, 1])
GALLERY = frames("zcdcdzc", [JUNK, 1, 2, 1, 2, JUNK, 1], [3, 2, 2, 2, 2, 3, 2])


@pytest.mark.parametrize("masked", [False, True])
def test_the_mean_of_each_track_is_that_of_a_plain_loop(masked):
    rng = np.random.default_rng(0)
    pair = tuple(
        Embeddings(rng.random((len(side), 5)), rng.random((len(side), 5)) if masked else None)
        for side in (QUERY, GALLERY)
    )
    protocol, means = pooled(single_query(QUERY, GALLERY), pair, "tracklet")
    for side, mean, rows, order in zip(
        (protocol.query, protocol.gallery), means, (QUERY, GALLERY), ("ba", "zcd"), strict=True
    ):
        assert side.extra["tracklet"].tolist() == list(order)
        for place, track in enumerate(order):
            chosen = rows.extra["tracklet"] == track
            source = pair[0] if rows is QUERY else pair[1]
            np.testing.assert_allclose(mean.vectors[place], source.vectors[chosen].mean(0))
            if masked:
                np.testing.assert_allclose(mean.masks[place], source.masks[chosen].mean(0))
    result = evaluate(means, protocol, similarity=Cosine())
    assert (len(result), result.matches.tolist()) == (2, [1, 1])
    assert "frames averaged by tracklet" in result.note


def test_what_is_no_track_is_refused():
    pair = Embeddings(np.ones((4, 2))), Embeddings(np.ones((7, 2)))
    protocol = single_query(QUERY, GALLERY)
    with pytest.raises(RecordsError, match="no column track;"):
        pooled(protocol, pair, "track")
    mixed = replace(protocol, query=QUERY.with_columns(person=np.array([2, 1, 3, 2])))
    with pytest.raises(RecordsError, match="row 2, column tracklet: the rows of track 'a' differ in person"):
        pooled(mixed, pair, "tracklet")
    with pytest.raises(OptionError, match="draws single images"):
        pooled(single_shot(QUERY, GALLERY), pair, "tracklet")
    some = replace(protocol, trials=(Trial(np.arange(4), np.array([0, 1, 2, 4])),))
    with pytest.raises(OptionError, match="does not draw whole tracks"):
        pooled(some, pair, "tracklet")


def test_trials_of_whole_tracks_stay_trials():
    pair = Embeddings(np.eye(4)[[0, 1, 1, 0]]), Embeddings(np.eye(7)[:, :4])
    some = replace(single_query(QUERY, GALLERY), trials=(Trial(np.arange(4), np.array([2, 4, 6, 1, 3])),))
    protocol, _ = pooled(some, pair, "tracklet")
    assert protocol.gallery.extra["tracklet"][protocol.trials[0].gallery].tolist() == ["c", "d"]
