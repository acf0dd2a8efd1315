from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glimpse.errors import OptionError
from glimpse.training.sampler import (
    BalancedSampler,
    CaptionSampler,
    PersonSampler,
    ShuffledSampler,
    share,
)


def people(counts):
    """A shuffled column of persons; person i has counts[i] rows."""
    return np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)) * 3, counts))


@given(
    counts=st.lists(st.integers(1, 9), min_size=2, max_size=12),
    images=st.integers(1, 4),
    epoch=st.integers(1, 5),
)
def test_an_epoch_is_whole_batches_of_p_persons_with_k_images_each(counts, images, epoch):
    person = people(counts)
    plan = PersonSampler(person, persons=2, images=images, seed=1).plan(epoch)
    for batch in plan:
        shown = person[batch].reshape(2, images)
        assert (shown == shown[:, :1]).all()
        assert shown[0, 0] != shown[1, 0]
    times = Counter(row for batch in plan for row in batch.tolist())
    rich = {3 * i for i, count in enumerate(counts) if count >= images}
    assert all(count == 1 for row, count in times.items() if person[row] in rich)
    # it stops only when fewer than P persons have a chunk left
    chunks = {3 * i: max(1, count // images) for i, count in enumerate(counts)}
    for batch in plan:
        for who in np.unique(person[batch]):
            chunks[who] -= 1
    assert min(chunks.values()) >= 0
    assert sum(left > 0 for left in chunks.values()) < 2


def test_a_person_with_too_few_images_repeats_only_its_own():
    person = np.array([0, 1, 1, 1, 1])
    (batch,) = PersonSampler(person, persons=2, images=4).plan(1)
    assert Counter(person[batch].tolist()) == {0: 4, 1: 4}
    assert sorted(row for row in batch.tolist() if row) == [1, 2, 3, 4]


@pytest.mark.parametrize(("found", "wanted"), [(1, [4]), (2, [2, 2]), (3, [1, 1, 2]), (4, [1] * 4)])
def test_distinct_images_of_a_person_come_all_before_one_comes_again(found, wanted):
    person = np.repeat([0, 1], [found, 8])
    for epoch in range(1, 6):
        plan = PersonSampler(person, persons=2, images=4, distinct=True).plan(epoch)
        short = Counter(row for batch in plan for row in batch.tolist() if person[row] == 0)
        assert sorted(short.values()) == wanted
        assert len(set(plan[0][person[plan[0]] == 1])) == 4


def test_distinct_images_change_nothing_for_who_has_enough():
    person = people([4, 5, 8, 9])
    plain, distinct = (PersonSampler(person, 2, 4, seed=1, distinct=asked).plan(3) for asked in (False, True))
    assert np.array_equal(plain, distinct)


def test_short_persons_are_drawn_with_replacement_unless_images_are_to_be_distinct():
    person = np.repeat([0, 1], [3, 4])
    plans = [PersonSampler(person, persons=2, images=4, seed=s).plan(1)[0] for s in range(30)]
    assert min(len(set(plan[person[plan] == 0])) for plan in plans) < 3


def test_balanced_batches_too_can_have_distinct_images():
    person, modality = visible_infrared()
    for distinct, least in ((True, 2), (False, 1)):
        plans = [
            BalancedSampler(person, modality, persons=6, images=4, seed=s, distinct=distinct).plan(1)[0]
            for s in range(30)
        ]
        infrared = [len(set(block)) for plan in plans for block in plan.reshape(6, 2, 4)[:, 0]]
        assert set(modality[plans[0].reshape(6, 2, 4)[:, 0].ravel()]) == {"ir"}
        assert min(infrared) == least


def test_plans_depend_on_seed_and_epoch_and_nothing_else():
    person = people([8] * 6)
    sampler = PersonSampler(person, persons=3, images=2, seed=5)
    first = np.array(sampler.plan(1))
    sampler.plan(2)
    assert np.array_equal(first, sampler.plan(1))
    assert not np.array_equal(first, sampler.plan(2)[: len(first)])
    other = PersonSampler(person, persons=3, images=2, seed=6).plan(1)
    assert not np.array_equal(first, other[: len(first)])


def test_every_person_is_picked_about_equally_often():
    plans = [PersonSampler(people([4] * 8), persons=2, images=4, seed=s).plan(1) for s in range(50)]
    assert all(len(plan) >= 3 for plan in plans)
    first = Counter(people([4] * 8)[plan[0][0]] for plan in plans)
    assert len(first) == 8


@pytest.mark.parametrize(
    ("person", "persons", "sentence"),
    [
        ([1, 1, 2, 2], 3, "a batch needs 3 persons, the training rows have 2"),
        ([1, -1, 2], 2, "row 1 shows nobody in particular"),
        ([], 2, "the training rows have 0"),
        ([0.5], 1, "whole numbers"),
    ],
)
def test_impossible_batches_are_refused(person, persons, sentence):
    with pytest.raises(OptionError, match=sentence):
        PersonSampler(np.array(person, None if person else np.int64), persons=persons, images=2)


def visible_infrared():
    person = np.repeat(np.arange(6), 7)
    modality = np.tile(np.array(["rgb"] * 5 + ["ir"] * 2), 6)
    return person, modality


def test_balanced_batches_hold_k_of_each_modality_and_each_person_once():
    person, modality = visible_infrared()
    plan = BalancedSampler(person, modality, persons=2, images=4).plan(1)
    assert len(plan) == 3
    for batch in plan:
        assert Counter(modality[batch].tolist()) == {"rgb": 8, "ir": 8}
        blocks = batch.reshape(2, 2, 4)  # persons, modalities, images
        assert all(len(set(person[block.ravel()])) == 1 for block in blocks)
        assert all(len(set(modality[block])) == 1 for block in blocks.reshape(4, 4))
        assert all(len(set(block)) == 4 for block in blocks[:, 1])  # rgb has five: no repetition
    assert sorted(who for batch in plan for who in set(person[batch])) == list(range(6))


def test_balanced_batches_can_draw_their_persons_anew():
    person, modality = visible_infrared()
    plan = BalancedSampler(person, modality, persons=4, images=1, batches=9).plan(2)
    assert [len(batch) for batch in plan] == [8] * 9
    assert all(len(set(person[batch])) == 4 for batch in plan)


def test_who_lacks_a_modality_is_left_out():
    person, modality = visible_infrared()
    modality[person == 2] = "rgb"
    plan = BalancedSampler(person, modality, persons=5, images=1).plan(1)
    assert 2 not in person[plan[0]]
    with pytest.raises(OptionError, match="have 5 in every modality"):
        BalancedSampler(person, modality, persons=6, images=1)


def test_shuffled_batches_hold_every_row_once_and_none_is_empty():
    for rows in (1, 7, 8, 9):
        plan = ShuffledSampler(rows, batch=4).plan(3)
        assert sorted(np.concatenate(plan)) == list(range(rows))
        assert all(len(batch) for batch in plan)
    assert [len(b) for b in ShuffledSampler(9, batch=4, whole=True).plan(1)] == [4, 4]
    with pytest.raises(OptionError):
        ShuffledSampler(3, batch=4, whole=True)


def captioned(counts):
    """[N] which image each row shows; image i has counts[i] captions, their rows are scattered."""
    return np.random.default_rng(1).permutation(np.repeat(np.arange(len(counts)), counts))


def test_each_drawn_image_comes_with_one_of_its_captions():
    image = captioned([2, 1, 3, 2, 4, 1, 2, 2])
    of_images = PersonSampler(np.repeat([0, 1, 2, 3], 2), persons=2, images=2, seed=4)
    plan = CaptionSampler(of_images, image, seed=4).plan(2)
    assert [image[batch].tolist() for batch in plan] == [batch.tolist() for batch in of_images.plan(2)]
    assert all(len(set(image[batch])) == 4 for batch in plan)  # two different images of a person


def test_captions_depend_on_seed_and_epoch_and_all_of_them_come():
    image = captioned([3] * 20)
    sampler = CaptionSampler(ShuffledSampler(20, batch=5, seed=2), image, seed=2)
    first = np.array(sampler.plan(1))
    assert np.array_equal(first, sampler.plan(1))
    drawn = [set(np.concatenate(sampler.plan(epoch)).tolist()) for epoch in range(1, 40)]
    assert drawn[0] != drawn[1]
    assert set.union(*drawn) == set(range(60))
    other = CaptionSampler(ShuffledSampler(20, batch=5, seed=2), image, seed=3)
    assert np.array_equal(image[first], image[np.array(other.plan(1))])
    assert not np.array_equal(first, other.plan(1))


def test_the_shares_of_two_processes_are_the_global_batch():
    (batch,) = PersonSampler(people([4] * 4), persons=4, images=4).plan(1)
    parts = [batch[share(batch, rank, 2)] for rank in range(2)]
    assert np.array_equal(np.concatenate(parts), batch)
    with pytest.raises(OptionError, match="cannot be shared evenly by 3 processes"):
        share(batch, 0, 3)
