import numpy as np
import pytest
import torch

from glimpse.methods.clip_reid import CACHED
from glimpse.methods.prepare import prepare
from glimpse.recipes.registry import recipe_of, trained_methods
from glimpse.segmentation.base import PERSON
from glimpse.training.batches import Batch, TrainingData
from glimpse.training.stages import Step


@pytest.mark.parametrize("method", trained_methods())
def test_losses_in_bfloat16_are_near_those_in_float32_and_are_kept_in_float32(method, people, micro):
    torch.manual_seed(0)
    # some methods ask where persons are
    persons = {PERSON: np.ones((len(people), 64, 32), np.uint8)}
    prepared = prepare(method, micro(recipe_of(method)), TrainingData(people.records, people.pixels, persons))
    model = prepared.method.eval()
    generator = torch.Generator().manual_seed(1)
    batch = Batch(
        rows=torch.arange(8),
        labels=torch.arange(8) // 2,
        cameras=torch.arange(8) % 2,
        modalities=torch.zeros(8, dtype=torch.long),
        images=torch.randn(8, 3, 64, 32, generator=generator),
        columns={CACHED: torch.randn(8, 32, generator=generator)},
    )
    for stage in prepared.stages:
        step = Step(stage.name, "all", 1, 1, 0, 1)
        exact = model.losses(batch, step)
        with torch.autocast("cpu", torch.bfloat16):
            half = model.losses(batch, step)
        for name, value in exact.items():
            assert half[name].dtype == torch.float32
            torch.testing.assert_close(half[name], value, rtol=0.02, atol=0.02)
