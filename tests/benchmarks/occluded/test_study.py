import json
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.occluded import study
from benchmarks.occluded.shots import Shots
from benchmarks.occluded.study import (
    ANOTHERS,
    OWN,
    PERMUTATIONS,
    PLAIN,
    STATIC,
    Questions,
    by_visible,
    controlled,
    nearest,
    stripes_of,
    studied,
    whole_queries,
)
from glimpse.choices import Backbone, MaskSide, Size
from glimpse.embeddings import Embeddings
from glimpse.models.card import NetworkCard
from glimpse.models.dpmpp import DpmppNetwork, DpmppOptions
from glimpse.models.storage import save_network
from glimpse.protocols import single_query
from glimpse.records import Records
from glimpse.retriever import Retriever
from glimpse.retriever.encoders.base import Encoder
from glimpse.similarity import Cosine, MaskedCosine

PERSONS, PARTS, WIDTH = 24, 4, 6


class Nothing(Encoder):
    """An encoder that is never asked."""


@pytest.fixture
def occluded():
    """Persons of four parts; of each query one part is somebody else's, and its mask knows which."""
    random = np.random.default_rng(0)
    people = random.normal(size=(PERSONS, PARTS, WIDTH))
    queries = people + 0.05 * random.normal(size=people.shape)
    masks = np.ones_like(people)
    for row, part in enumerate(random.integers(0, PARTS, PERSONS)):
        queries[row, part] = 3 * people[(row + 1) % PERSONS, part]
        masks[row, part] = 0.02
    flat = [values.reshape(PERSONS, -1).astype(np.float32) for values in (queries, masks, people)]
    numbers = list(range(PERSONS))
    query = Records.from_columns([f"q{n}" for n in numbers], numbers, camera=[1] * PERSONS)
    gallery = Records.from_columns([f"g{n}" for n in numbers], numbers, camera=[2] * PERSONS)
    vectors = Embeddings(flat[0], flat[1]), Embeddings(flat[2], np.ones_like(flat[2]))
    return vectors, single_query(query, gallery)


def retriever(similarity):
    return Retriever(Nothing, similarity)


def test_masks_that_know_their_image_beat_every_control(occluded):
    (query, gallery), protocol = occluded
    found = controlled(retriever(MaskedCosine(MaskSide.SUBSPACE)), query, gallery, protocol)
    assert list(found) == [OWN, PLAIN, STATIC, ANOTHERS]
    assert len(found[ANOTHERS]) == PERMUTATIONS
    own, plain, static, anothers = (np.mean([one.mean_ap for one in found[name]]) for name in found)
    assert own == 1.0
    assert plain < own
    assert plain == pytest.approx(static)  # the gallery's masks are even
    assert anothers < plain


def test_without_masks_there_is_nothing_to_control(occluded):
    (query, gallery), protocol = occluded
    bare = replace(query, masks=None), replace(gallery, masks=None)
    assert list(controlled(retriever(Cosine()), *bare, protocol)) == [OWN]


def test_accuracy_is_told_where_there_are_queries(occluded):
    (query, gallery), protocol = occluded
    found = controlled(retriever(MaskedCosine(MaskSide.SUBSPACE)), query, gallery, protocol)
    visible = np.array([0.25] * 4 + [0.75] * (PERSONS - 4))
    told = by_visible(found, visible)
    assert list(told) == ["20", "80"]
    assert (told["20"]["queries"], told["80"]["queries"]) == (4, PERSONS - 4)
    assert told["80"]["mean_visible"] == 0.75
    for control in found:
        parts = [told[near]["queries"] * told[near][control]["map"] for near in told]
        whole = np.mean([one.mean_ap for one in found[control]])
        assert sum(parts) / PERSONS == pytest.approx(whole)


@pytest.mark.parametrize(
    ("visible", "near"), [(0.0, "20"), (0.3, "40"), (0.5, "60"), (0.7, "80"), (0.9, "100"), (1.0, "100")]
)
def test_each_visible_fraction_lies_around_one_number(visible, near):
    assert nearest(np.array([visible])).tolist() == [near]


def test_whole_queries_are_whole_images_of_those_who_are_asked_for(tmp_path):
    names = ["a_whole", "a_hidden", "b_whole", "c_whole"]
    gallery = Records.from_columns([str(tmp_path / n) for n in names], [1, 1, 2, 3], camera=[1, 2, 1, 1])
    query = Records.from_columns(["q1", "q2"], [1, 2], camera=[3, 3])
    kinds = {name: "occluded" if name.endswith("hidden") else "whole" for name in names}
    whole = whole_queries(single_query(query, gallery), kinds, tmp_path)
    assert whole.query.path.tolist() == [str(tmp_path / "a_whole"), str(tmp_path / "b_whole")]
    assert len(whole.gallery) == 4
    # b has no image by another camera, and an image does not find itself
    assert [(v.valid, v.skipped) for v in whole.validity()] == [(1, 1)]


def network(folder, stripes):
    options = {"backbone": "vit", "stripes": stripes, "neck_feat": "after"}
    made = DpmppNetwork(Size.MICRO, (64, 32), 0, DpmppOptions(Backbone.VIT, stripes=stripes)).eval()
    similarity = "masked-cosine"
    card = NetworkCard(
        "dpm++", Size.MICRO, (64, 32), similarity=similarity, mask_side=MaskSide.SUBSPACE, options=options
    )
    save_network(folder, card, made.state_dict())
    return folder


def test_stripes_are_the_blocks_after_the_first(tmp_path):
    striped = Retriever.load(network(tmp_path / "striped", 2))
    width = striped.encoder.network.width
    assert stripes_of(striped) == [slice(width, 2 * width), slice(2 * width, 3 * width)]
    assert stripes_of(Retriever.load(network(tmp_path / "plain", 0))) == []
    assert stripes_of(Retriever.load("colors")) == []


def test_a_network_is_studied_once_and_anew_when_it_changes(tmp_path, world, monkeypatch):
    from glimpse.datasets import read

    dataset = read("occluded_duke", world)
    test = dataset.protocol()
    rows = len(test.query)
    pixels = np.ones((rows, 64), np.int32)
    visible = np.linspace(0.3, 0.9, rows)
    own = Shots(test.query, visible, (pixels * 2 * (np.arange(64) % 2)), pixels * 2)
    questions = Questions(test, single_query(test.gallery, test.gallery, name="whole"), own, own)
    kept = tmp_path / "study.json"
    first = studied(network(tmp_path / "net", 2), questions, kept)
    assert first["masks"]
    assert first["controls"]["test"]["valid"] + first["controls"]["test"]["skipped"] == rows
    assert set(first["bootstrap"]["whole"]) == {PLAIN, STATIC, ANOTHERS}
    assert "stripes" in first["knows"]["series"]
    assert json.loads(kept.read_text()) == first
    with monkeypatch.context() as patch:
        patch.setattr(study, "_study", lambda *arguments: pytest.fail("studied before"))
        assert studied(tmp_path / "net", questions, kept) == first
    other = studied(network(tmp_path / "other", 0), questions, kept)
    assert other["stamp"] != first["stamp"]
    assert "stripes" not in other["knows"]["series"]
