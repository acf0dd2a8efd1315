"""The whole report: what is in it for which retriever."""

from pathlib import Path

import numpy as np
import pytest
from hand_made import WISH, micro, words

from glimpse.errors import OptionError
from glimpse.explain import chosen_queries, explain, loose_images
from glimpse.explain.sections import HOW_SEEN, NO_MASKS
from glimpse.protocols import one_against_rest, single_query
from glimpse.records import JUNK, NO_CAMERA, Records
from glimpse.retriever import Retriever
from glimpse.similarity import Euclidean


def test_masks_give_maps_two_lists_each_and_the_dimensions_that_are_kept(queries, protocol, people):
    report = explain(micro(), queries, protocol=protocol, training=people, options=WISH)
    names = [f"query-{n}-{what}" for n in (1, 2) for what in ("support", "lists")]
    assert [name for name in report.images if name != "synthetic-occlusions"] == [*names, "kept-dimensions"]
    assert report.sections[-1].title == "Synthetic occlusions"
    figures = {figure.name: figure for section in report.sections for figure in section.figures}
    assert "With its mask: " in figures["query-1-lists"].alt
    assert "Without: " in figures["query-1-lists"].alt
    assert "4 masks of 64 dimensions" in figures["kept-dimensions"].alt
    assert NO_MASKS not in words(report)
    assert sum("Its mask uses" in paragraph for paragraph in words(report)) == 2
    wide = report.images["query-1-support"].size[0]
    assert wide > 1.5 * explain(micro("transreid"), queries, options=WISH).images["query-1-support"].size[0]


def test_a_descriptor_in_blocks_is_explained_like_any_other(queries, protocol):
    report = explain(micro("dpm++", stripes=4), queries, protocol=protocol, options=WISH)
    assert {"query-1-support", "query-1-seen", "query-1-lists", "kept-dimensions"} <= set(report.images)
    assert HOW_SEEN in words(report)
    without = explain(micro("dpm++"), queries, protocol=protocol, options=WISH)
    assert "query-1-seen" not in without.images
    assert HOW_SEEN not in words(without)


def test_the_gallery_may_be_embedded_already(queries, protocol):
    retriever = micro()
    embedded = retriever.embed(protocol.gallery)
    given = explain(retriever, queries, protocol=protocol, gallery=embedded, options=WISH)
    made = explain(retriever, queries, protocol=protocol, options=WISH)
    assert given.images["query-2-lists"].tobytes() == made.images["query-2-lists"].tobytes()


def test_what_is_no_network_still_finds_people(queries, protocol):
    report = explain(Retriever.load("colors"), queries, protocol=protocol, options=WISH)
    assert list(report.images) == ["query-1-lists", "query-2-lists"]
    assert any("they need a network in torch" in paragraph for paragraph in words(report))
    with pytest.raises(OptionError, match="nothing to show without a data set: there are no maps"):
        explain(Retriever.load("colors"), queries, options=WISH)


def test_a_similarity_that_is_no_cosine_has_no_maps(queries, protocol):
    retriever = Retriever(micro("transreid").encoder, Euclidean())
    report = explain(retriever, queries, protocol=protocol, options=WISH)
    assert any("made of cosines, not of Euclidean" in paragraph for paragraph in words(report))


def generator():
    return np.random.default_rng(5)


def test_queries_are_of_different_persons_first_and_the_first_ones_stay(people):
    protocol = one_against_rest(people)
    eight = chosen_queries(protocol, 8, generator())
    assert sorted(eight.person[:4].tolist()) == sorted(eight.person[4:].tolist()) == [0, 1, 2, 3]
    assert len(set(eight.path.tolist())) == 8
    assert chosen_queries(protocol, 3, generator()).path.tolist() == eight.path[:3].tolist()
    assert len(chosen_queries(protocol, 99, generator())) == 16


def test_queries_without_a_right_answer_are_not_shown(people):
    first = np.arange(len(people)) % 4 == 0
    protocol = single_query(people[first], people[~first & (people.person != 2)])
    assert sorted(chosen_queries(protocol, 9, generator()).person.tolist()) == [0, 1, 3]


def test_what_cannot_be_asked_is_said(people):
    first = np.arange(len(people)) % 4 == 0
    with pytest.raises(OptionError, match="at least one query, got 0"):
        chosen_queries(one_against_rest(people), 0, generator())
    nobody = single_query(people[first & (people.person == 1)], people[~first & (people.person == 2)])
    with pytest.raises(OptionError, match="has a right answer"):
        chosen_queries(nobody, 1, generator())
    words = Records.from_columns(["a"], [0], modality="text", caption="in red")
    with pytest.raises(OptionError, match="are sentences"):
        chosen_queries(single_query(words, people), 1, generator())
    with pytest.raises(OptionError, match="no image"):
        loose_images([])


def test_a_loose_image_is_of_nobody_unless_it_is_a_query(people, protocol, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    query = protocol.query.path[1]
    relative = Path(query).relative_to(tmp_path)
    loose = loose_images([Path("photo.jpg"), relative], protocol)
    assert loose.path.tolist() == ["photo.jpg", query]
    assert loose.person.tolist() == [JUNK, 1]
    assert loose.camera.tolist() == [NO_CAMERA, protocol.query.camera[1]]
    assert loose.modality.tolist() == ["", "rgb"]
    infrared = single_query(protocol.query.with_columns(modality="ir"), protocol.gallery)
    assert loose_images([Path("photo.jpg"), relative], infrared).modality.tolist() == ["", "ir"]
    assert loose_images([relative]).person.tolist() == [JUNK]
    assert loose_images([relative]).modality.tolist() == [""]
