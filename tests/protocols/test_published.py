import numpy as np
import pytest

from glimpse.protocols import (
    Cmc,
    Validity,
    both_directions,
    llcm,
    one_against_rest,
    single_shot,
    sysu_mm01,
    text_to_image,
    without_cameras,
)
from glimpse.records import Records


def images(triples, modality="rgb"):
    """Rows of (person, camera, how many)."""
    rows = [(p, c, n) for p, c, count in triples for n in range(count)]
    return Records.from_columns(
        [f"cam{c}/{p:04d}/{n:04d}.jpg" for p, c, n in rows],
        [p for p, _, _ in rows],
        camera=[c for _, c, _ in rows],
        modality=modality,
    )


def sysu():
    visible = images([(6, 1, 12), (6, 2, 12), (6, 4, 12), (10, 4, 12), (10, 5, 12)])
    infrared = images([(6, 3, 2), (6, 6, 3), (10, 3, 1), (10, 6, 4)], "ir")
    return infrared, visible


def test_sysu_has_four_searches_of_ten_trials_that_count_identities():
    protocols = {p.name: p for p in sysu_mm01(*sysu(), None)}
    assert list(protocols) == ["all-single", "all-multi", "indoor-single", "indoor-multi"]
    assert all(len(p.trials) == 10 and p.cmc is Cmc.IDENTITIES for p in protocols.values())
    sizes = {name: len(p.trials[0].gallery) for name, p in protocols.items()}
    assert sizes == {"all-single": 5, "all-multi": 50, "indoor-single": 2, "indoor-multi": 20}
    assert all(len(p.trials[0].query) == 10 for p in protocols.values())


def test_sysu_camera_3_ignores_all_of_camera_2_whoever_it_shows():
    protocol = sysu_mm01(*sysu(), None)[0]
    comparison = protocol.comparison(protocol.trials[0])
    query = protocol.query[comparison.query_rows]
    gallery = protocol.gallery[comparison.gallery_rows]
    ignored = comparison.query_key[:, None] == comparison.gallery_key
    assert ignored.tolist() == [[bool(q == 3 and g == 2) for g in gallery.camera] for q in query.camera]


def test_sysu_indoor_skips_queries_of_persons_never_seen_indoors():
    protocols = {p.name: p for p in sysu_mm01(*sysu(), None)}
    assert protocols["all-single"].validity()[0] == Validity(10, 0)
    assert protocols["indoor-single"].validity() == (Validity(5, 5),) * 10


def test_sysu_trials_differ_and_the_official_draw_follows_the_file():
    infrared, visible = sysu()
    seeded = sysu_mm01(infrared, visible, None)[0]
    assert len({tuple(t.gallery.tolist()) for t in seeded.trials}) > 1
    order = np.stack([np.roll(np.arange(1, 13), trial) for trial in range(10)])
    permutations = {(c, p): order for p in (6, 10) for c in (1, 2, 4, 5)}
    official = sysu_mm01(infrared, visible, permutations)[0]
    assert official.gallery.path[official.trials[1].gallery].tolist()[0] == "cam1/0006/0011.jpg"
    assert "official" in official.note
    assert "seeded" in seeded.note


def test_llcm_asks_all_images_and_draws_one_per_person_and_camera():
    visible = images([(1, 1, 3), (1, 2, 2), (2, 9, 1)])
    infrared = images([(1, 1, 2), (2, 4, 2)], "ir")
    towards, back = llcm(visible, infrared)
    assert (towards.name, back.name) == ("infrared-to-visible", "visible-to-infrared")
    assert [len(t.gallery) for t in towards.trials] == [3] * 10
    assert [len(t.query) for t in back.trials] == [6] * 10
    # person 1 in camera 1 has camera 2 left, and person 2 has camera 9
    assert towards.validity()[0] == Validity(4, 0)
    # back: person 1 was seen in infrared by camera 1 alone, so its queries of camera 1 have no answer
    assert back.validity()[0] == Validity(3, 3)


def test_regdb_asks_both_ways_and_leaves_nothing_out():
    visible, thermal = images([(1, 1, 10), (2, 1, 10)]), images([(1, 2, 10), (2, 2, 10)], "ir")
    one, other = both_directions(visible, thermal, trained_on="regdb")
    assert (one.name, other.name) == ("visible-to-thermal", "thermal-to-visible")
    assert one.query is other.gallery
    assert one.validity() == other.validity() == (Validity(20, 0),)


@pytest.mark.parametrize(("exclude", "matches"), [(False, [2, 2, 1]), (True, [1, 1, 0])])
def test_a_caption_asks_every_image_and_by_choice_not_its_own(exclude, matches):
    images = Records.from_columns(["a", "b", "c"], [1, 1, 2])
    captions = Records.from_columns(["a", "a", "c"], [1, 1, 2], modality="text", caption=["x", "y", "z"])
    protocol = text_to_image(
        captions, images, name="test", trained_on="cuhk_pedes", exclude_matching_image=exclude
    )
    assert protocol.comparison(protocol.trials[0]).matches_per_query().tolist() == matches


def test_sets_without_cameras_keep_true_matches_that_share_an_index():
    query = Records.from_columns(["q/001_01.tif"], [1])
    gallery = Records.from_columns(["g/001_01.tif"], [1])
    assert without_cameras(query, gallery).validity()[0] == Validity(1, 0)


def test_one_against_rest_never_answers_with_the_query_itself():
    lone = Records.from_columns(["a", "b", "c"], [1, 1, 2])
    assert one_against_rest(lone).validity()[0] == Validity(2, 1)
    cameras = lone.with_columns(camera=[1, 1, 2])
    assert one_against_rest(cameras).validity()[0] == Validity(0, 3)
    half_known = lone.with_columns(camera=[1, -1, 2])
    assert one_against_rest(half_known).validity()[0] == Validity(2, 1)


def test_single_shot_sampling_is_said_in_the_note():
    protocol = single_shot(images([(1, 1, 2)]), images([(1, 2, 3)]), repeats=5, seed=7)
    assert protocol.single_shot is not None
    assert (protocol.single_shot.repeats, protocol.single_shot.seed) == (5, 7)
    assert "drawn 5 times with seed 7" in protocol.note
