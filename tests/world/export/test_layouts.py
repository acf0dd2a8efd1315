import json

import pytest

from glimpse.datasets import part_counts
from glimpse.world.export import SCALES, WRITERS, export_world, make_options


def test_the_reader_finds_what_the_card_says_and_no_problem(tree_of, layout, read_without_warnings):
    folder = tree_of(layout)
    dataset = read_without_warnings(layout, folder)
    card = json.loads((folder / "glimpse-world.json").read_text())["counts"]
    found = part_counts(dataset.train, dataset.protocols)
    assert {part: [count.persons, count.rows] for part, count in found.items()} == card
    assert dataset.rendered
    assert not dataset.problems


def test_every_query_has_a_right_answer(tree_of, layout, read_without_warnings):
    dataset = read_without_warnings(layout, tree_of(layout))
    for protocol in dataset.protocols.values():
        # as in the real set, the indoor search knows nothing of those who stay outdoors
        most = len(protocol.query) - 1 if protocol.name.startswith("indoor") else 0
        assert all(validity.valid > 0 and validity.skipped <= most for validity in protocol.validity())


def test_nobody_is_in_two_splits(tree_of, layout, read_without_warnings):
    dataset = read_without_warnings(layout, tree_of(layout))
    persons = [set(dataset.train.persons.tolist())]
    for protocol in dataset.protocols.values():
        tested = set(protocol.query.persons.tolist()) | set(protocol.gallery.persons.tolist())
        assert not tested & persons[0]
    if "val" in dataset.protocols:
        sides = [set(dataset.protocols[name].gallery.persons.tolist()) for name in ("val", "test")]
        assert not sides[0] & sides[1]


@pytest.mark.parametrize("scale", SCALES)
def test_every_scale_of_every_layout_can_be_planned(layout, scale):
    options = make_options(layout, scale=scale)
    if scale == "large":
        assert 95_000 <= options.people * options.images_per_person <= 105_000
    else:
        tree = WRITERS[layout].plan(options)
        paths = [path for image in tree.images for path in image.paths]
        assert len(paths) == len(set(paths))
        assert all(0 <= p.person < tree.people and 0 <= p.camera < tree.cameras for p in tree.images)


def test_the_fewest_images_and_people_make_a_whole_tree(tmp_path, layout, read_without_warnings):
    writer = WRITERS[layout]
    export_world(
        layout,
        tmp_path,
        people=writer.fewest_people,
        images_per_person=writer.fewest_images,
        shape=(32, 16),
        seed=5,
    )
    dataset = read_without_warnings(layout, tmp_path)
    for protocol in dataset.protocols.values():
        assert protocol.validity()[0].valid > 0
