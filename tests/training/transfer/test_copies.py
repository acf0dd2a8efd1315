"""Synthetic occluded copies beside a batch: dpmpp.md, "Synthetic copies"."""

import numpy as np
import pytest
import torch

from glimpse.choices import Fill
from glimpse.errors import OptionError
from glimpse.records import Records
from glimpse.segmentation.base import PERSON
from glimpse.training.augment import Erasing
from glimpse.training.batches import Batch, TrainingData
from glimpse.training.transfer.bank import DonorBank, donor_bank, occlusion_degrees
from glimpse.training.transfer.controlled import ControlledRule
from glimpse.training.transfer.copies import ErasingHide, OccludedCopies, TransferHide

HALF = (0.5, 0.5, 0.5)
OPEN = ControlledRule(overlap=0.0, visible=(0.5, 0.5), shift=0, border=0)


def bank(labels=(7, 8)):
    """Donors who show their upper half; all their pixels are white, or gray."""
    pixels = torch.full((2, 8, 4, 3), 255, dtype=torch.uint8)
    pixels[1] = 200
    cells = np.zeros((2, 4, 2), bool)
    cells[:, :2] = True
    return DonorBank(pixels, cells, np.array(labels))


def batch(count=4, masks=None):
    masks = torch.ones(count, 8, 4, dtype=torch.uint8) if masks is None else masks
    return Batch(
        rows=torch.arange(count) + 100,
        labels=torch.arange(count),
        cameras=torch.arange(count) % 2,
        modalities=torch.zeros(count, dtype=torch.long),
        images=torch.randn(count, 3, 8, 4, generator=torch.Generator().manual_seed(1)),
        maps={PERSON: masks},
        columns={"ids": torch.arange(count) * 2},
        captions=tuple("abcdefgh"[:count]),
    )


def copies(hide=None, share=0.5, erasing=None):
    hide = hide or TransferHide(bank(), HALF, HALF, rule=OPEN)
    return OccludedCopies(share, (4, 2), hide, erasing)


def test_copies_stand_at_the_end_with_everything_that_belongs_to_their_sources():
    before = batch()
    after = copies().apply(before, np.random.default_rng(0))
    assert len(after) == 6
    assert after.sources[:4].tolist() == [-1] * 4
    sources = after.sources[4:]
    for name in ("rows", "labels", "cameras", "modalities"):
        torch.testing.assert_close(getattr(after, name)[4:], getattr(before, name)[sources])
    torch.testing.assert_close(after.columns["ids"][4:], before.columns["ids"][sources])
    assert after.captions == (*"abcd", *("abcd"[source] for source in sources))
    torch.testing.assert_close(after.maps[PERSON][4:], before.maps[PERSON][sources])
    torch.testing.assert_close(after.images[:4], before.images)


def test_a_copy_shows_its_source_in_the_donors_window_and_the_donor_elsewhere():
    before = batch()
    after = copies().apply(before, np.random.default_rng(0))
    for row in (4, 5):
        source = int(after.sources[row])
        torch.testing.assert_close(after.images[row, :, :4], before.images[source, :, :4])
        lower = after.images[row, :, 4:]
        assert after.ignored[row].item() in (7, 8)
        assert lower.unique().tolist() == pytest.approx(
            [1.0 if after.ignored[row] == 7 else 200 / 127.5 - 1], abs=1e-5
        )
        assert after.visible[row].tolist() == [1, 1, 0, 0]
    assert (after.visible[:4] == 1).all()
    assert (after.ignored[:4] == -1).all()


def test_a_moved_target_is_moved_in_the_copy_and_what_left_shows_the_donor():
    cells = np.zeros((1, 4, 4), bool)
    cells[:, :, 1:] = True  # fits the target only after one step to the right
    donor = DonorBank(torch.full((1, 8, 8, 3), 255, dtype=torch.uint8), cells, np.array([5]))
    masks = torch.zeros(1, 8, 8, dtype=torch.uint8)
    masks[:, :, :6] = 1
    start = Batch(
        rows=torch.zeros(1, dtype=torch.long),
        labels=torch.zeros(1, dtype=torch.long),
        cameras=torch.zeros(1, dtype=torch.long),
        modalities=torch.zeros(1, dtype=torch.long),
        images=torch.arange(8.0).expand(1, 3, 8, 8).clone() / 100,
        maps={PERSON: masks},
    )
    rule = ControlledRule(overlap=0.9, visible=(1, 1), shift=1, border=0)
    hide = TransferHide(donor, HALF, HALF, flip=0, rule=rule)
    after = OccludedCopies(1.0, (4, 4), hide).apply(start, np.random.default_rng(0))
    torch.testing.assert_close(
        after.images[1, 0, 0],
        torch.tensor([1, 1, 0, 1, 2, 3, 4, 5.0]) / torch.tensor([1, 1, 100, 100, 100, 100, 100, 100.0]),
    )
    assert after.visible[1].tolist() == [1, 1, 1, 1]


def test_the_border_around_a_donors_person_belongs_to_its_window():
    before = batch()
    rule = ControlledRule(overlap=0.0, visible=(0.5, 0.5), shift=0, border=1)
    after = copies(TransferHide(bank(), HALF, HALF, rule=rule)).apply(before, np.random.default_rng(0))
    torch.testing.assert_close(after.images[4, :, :6], before.images[int(after.sources[4]), :, :6])
    assert after.visible[4].tolist() == [1, 1, 1, 0]


def test_without_a_donor_a_copy_is_the_image_itself():
    same = TransferHide(bank((0, 0)), HALF, HALF, rule=OPEN)
    start = batch(1)
    after = copies(same, share=1.0).apply(start, np.random.default_rng(0))
    torch.testing.assert_close(after.images[1], start.images[0])
    assert after.ignored.tolist() == [-1, -1]
    assert (after.visible == 1).all()


def test_random_erasing_spares_the_copies():
    start = batch()
    erasing = Erasing(1.0, (0.3, 0.4), fill=Fill.CONSTANT, color=(9, 9, 9))
    after = copies(erasing=erasing).apply(start, np.random.default_rng(0))
    assert ((after.images[:4] == 9).flatten(1).any(1)).all()
    assert not (after.images[4:] == 9).any()


def test_the_control_hides_by_rectangles_and_nobody_is_ignored():
    hide = ErasingHide(Erasing(1.0, (0.4, 0.5), fill=Fill.CONSTANT, color=(9, 9, 9)))
    after = copies(hide, share=1.0).apply(batch(), np.random.default_rng(0))
    hidden = (after.images[4:] == 9).all(1)
    assert hidden.flatten(1).float().mean(1).min() > 0.2
    assert (after.ignored == -1).all()
    assert (after.visible[4:] < 1).any()


def test_images_whose_person_is_known_are_copied_first():
    masks = torch.zeros(4, 8, 4, dtype=torch.uint8)
    masks[[1, 3]] = 1
    for seed in range(5):
        after = copies().apply(batch(masks=masks), np.random.default_rng(seed))
        assert after.sources[4:].tolist() == [1, 3]


def test_one_generator_gives_one_batch():
    first, second = (copies().apply(batch(), np.random.default_rng(3)) for _ in range(2))
    assert torch.equal(first.images, second.images)
    assert first.sources.tolist() == second.sources.tolist()


def test_nothing_is_occluded_among_nobody():
    assert occlusion_degrees(np.zeros((0, 4, 2), bool)).shape == (0,)


def test_bad_options_are_refused():
    with pytest.raises(OptionError, match="share must lie"):
        OccludedCopies(0.0, (4, 2), TransferHide(bank(), HALF, HALF))
    alone = TrainingData(Records.from_columns(["a.png"], np.array([1])))
    with pytest.raises(OptionError, match="donors need pixels"):
        donor_bank(alone, PERSON, (4, 2), 10, 0)
