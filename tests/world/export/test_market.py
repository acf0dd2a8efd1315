"""Market-1501 and Occluded-Duke as they are on disk."""

from collections import Counter

from glimpse.records import DISTRACTOR, JUNK


def test_market_has_junk_and_distractors_in_the_gallery_only(tree_of, read_without_warnings):
    dataset = read_without_warnings("market1501", tree_of("market1501"))
    protocol = dataset.protocol()
    gallery = Counter(protocol.gallery.person.tolist())
    assert gallery[JUNK] > 0
    assert gallery[DISTRACTOR] > 0
    assert not {JUNK, DISTRACTOR} & set(protocol.query.person.tolist())
    queries = Counter(zip(protocol.query.person.tolist(), protocol.query.camera.tolist(), strict=True))
    assert set(queries.values()) == {1}, "one query for each person and camera"


def test_most_occluded_duke_queries_stand_in_the_gallery_under_the_same_name(tree_of):
    folder = tree_of("occluded_duke")
    query = {path.name for path in (folder / "query").iterdir()}
    gallery = {path.name for path in (folder / "bounding_box_test").iterdir()}
    assert 0 < len(query & gallery) < len(query)
    for name in query & gallery:
        twins = [folder / place / name for place in ("query", "bounding_box_test")]
        assert twins[0].read_bytes() == twins[1].read_bytes()
    queries = {name[:4] for name in query}
    assert queries < {name[:4] for name in gallery}, "some persons are only searched"
