import numpy as np
import pytest

from glimpse.errors import OptionError
from glimpse.models.text.vocabularies import train_tokenizer
from glimpse.pretraining.world_rows import PRETRAINING_SEED, CaptionColumns, Site, WorldRows

SITE = Site(people=3, held_out=2, cameras=2, takes=2, occluded=0.4, partial=0.3)


@pytest.fixture(scope="module")
def world():
    return SITE.world()


@pytest.fixture
def rows(world):
    return WorldRows(world, SITE, 0, SITE.people, (32, 16))


def test_records_tell_who_is_seen_by_which_camera(rows):
    records = rows.records()
    assert len(rows) == len(records) == 3 * 2 * 2
    assert records.person.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert records.camera.tolist() == [0, 0, 1, 1] * 3
    assert len(set(records.path.tolist())) == 12


def test_a_row_is_the_same_image_in_any_company(rows):
    together = rows.read(np.array([5, 0, 11]))
    assert together.shape == (3, 32, 16, 3)
    for image, row in zip(together, [5, 0, 11], strict=True):
        np.testing.assert_array_equal(rows.read(np.array([row]))[0], image)


def test_held_out_people_are_others_and_kinds_are_mixed(world, rows):
    held = WorldRows(world, SITE, SITE.people, SITE.held_out, (32, 16))
    assert not set(held.records().person) & set(rows.records().person)
    many = WorldRows(world, Site(people=3, held_out=2, cameras=2, takes=40), 0, 3, (32, 16))
    kinds = [many._shot(row).kind for row in range(len(many))]
    shares = [kinds.count(kind) / len(kinds) for kind in ("whole", "occluded", "partial")]
    assert shares == pytest.approx([0.7, 0.2, 0.1], abs=0.07)


def test_captions_come_to_be_known_as_images_are_read(world):
    plain = WorldRows(world, SITE, 0, 3, (64, 32))
    chosen = np.array([7, 2])
    captions = plain.sentences(chosen, plain.render(chosen))
    tokenizer = train_tokenizer(captions * 2, size=700, context=48)
    columns = CaptionColumns(len(plain), tokenizer)
    rows = WorldRows(world, SITE, 0, 3, (64, 32), captions=columns)
    rows.read(chosen)
    assert [tokenizer.decode(columns.ids[row].tolist()) for row in chosen] == [
        tokenizer.decode(tokenizer.encode([caption]).ids[0]) for caption in captions
    ]
    assert columns.ends[0] == 0


def test_impossible_sites_are_refused():
    with pytest.raises(OptionError, match="two cameras"):
        Site(cameras=1)
    with pytest.raises(OptionError, match="shares"):
        Site(occluded=0.8, partial=0.3)


def test_the_world_of_pretraining_has_a_seed_of_its_own():
    assert Site().seed == PRETRAINING_SEED
