"""What is refused is tested with the methods; here is the loss of BoT between modalities."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from glimpse.choices import Size
from glimpse.errors import OptionError
from glimpse.methods.bot import BoT, prepare_bot
from glimpse.methods.cross_modal import cross_modal_triplet
from glimpse.models.bot import BoTNetwork, BoTOptions
from glimpse.recipes.bot import BoTRecipe
from glimpse.training.batches import TrainingData
from glimpse.training.losses import hetero_center_triplet
from glimpse.training.stages import Step


def test_infrared_is_told_by_the_batch(batch):
    features = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    mixed = replace(batch, modalities=torch.tensor([0, 1, 1, 0]))
    expected = hetero_center_triplet(features, batch.labels, torch.tensor([False, True, True, False]), 0.4)
    assert cross_modal_triplet(features, mixed, 0.4) == expected
    assert cross_modal_triplet(features, batch, 0.4) != expected


def test_bot_has_the_term_where_it_has_a_weight(batch):
    mixed = replace(batch, modalities=torch.tensor([0, 1, 0, 1]))
    network = BoTNetwork(Size.MICRO, BoTOptions())
    step = Step("train", "all", 1, 1, 0, 1)
    assert "cross_modal" not in BoT(network, 2, BoTRecipe()).losses(mixed, step)
    found = BoT(network, 2, BoTRecipe(cross_modal=2.0)).losses(mixed, step)
    expected = 2 * cross_modal_triplet(network(mixed.images)[0], mixed, 0.3)
    torch.testing.assert_close(found["cross_modal"], expected)


def test_rows_of_unknown_modality_are_refused(people, micro):
    records = people.records.with_columns(modality=np.array(["rgb"] * 63 + [""]))
    data = TrainingData(records, people.pixels)
    prepare_bot(micro(BoTRecipe()), data)
    with pytest.raises(OptionError, match=r"a loss between modalities needs to know .* that of row 63"):
        prepare_bot(micro(BoTRecipe(cross_modal=1.0)), data)
