"""The bank of occluders."""

import numpy as np

from glimpse.records import Records
from glimpse.segmentation.base import PERSON
from glimpse.training.batches import TrainingData
from glimpse.training.transfer.bank import donor_bank


def test_the_bank_holds_rows_with_masks_and_prefers_occluded_ones():
    count = 400
    masks = np.ones((count, 8, 4), np.uint8)
    masks[:40, 4:] = 0  # occluded below
    masks[40:60] = 0  # nobody knows
    records = Records.from_columns([f"{i}.png" for i in range(count)], np.arange(count))

    class Pixels:
        def read(self, rows):
            return np.broadcast_to(
                np.arange(count, dtype=np.uint8)[rows, None, None, None], (len(rows), 8, 4, 3)
            )

    data = TrainingData(records, Pixels(), {PERSON: masks})
    held = donor_bank(data, PERSON, (4, 2), 60, seed=0)
    assert len(held) == 60
    assert held.cells.any((1, 2)).all()
    assert (held.labels < 40).sum() > 25
    again = donor_bank(data, PERSON, (4, 2), 60, seed=0)
    assert held.labels.tolist() == again.labels.tolist()
    assert len(donor_bank(data, PERSON, (4, 2), 9999, seed=0)) == 380
