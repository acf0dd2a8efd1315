"""The schedules are exactly the computed values of baselines.md, "Optimizers and schedulers"."""

import pytest

from glimpse.errors import OptionError
from glimpse.training.schedulers import Constant, WarmupCosine, WarmupSteps

TRANSREID = WarmupCosine(epochs=120, warmup=5, start=8e-5, minimum=1.6e-5)
CLIP_PROMPTS = WarmupCosine(epochs=120, warmup=5, start=1e-5, minimum=1e-6)
CLIP_IMAGES = WarmupSteps(warmup=10, start=0.1, milestones=(30, 50))
BOT = WarmupSteps(warmup=10, start=0.01, milestones=(40, 70))
AGW = WarmupSteps(warmup=10, start=0.0, milestones=(21, 51))


@pytest.mark.parametrize(
    ("schedule", "base", "epoch", "lr", "digits"),
    [
        (TRANSREID, 0.008, 1, 0.001664, 6),
        (TRANSREID, 0.008, 2, 0.003248, 6),
        (TRANSREID, 0.008, 4, 0.006416, 6),
        (TRANSREID, 0.008, 5, 0.007966, 6),
        (TRANSREID, 0.008, 10, 0.007864, 6),
        (TRANSREID, 0.008, 60, 0.004008, 6),
        (TRANSREID, 0.008, 119, 1.7e-5, 6),
        (TRANSREID, 0.008, 120, 1.6e-5, 12),
        (CLIP_PROMPTS, 3.5e-4, 1, 7.8e-5, 12),
        (CLIP_PROMPTS, 3.5e-4, 5, 3.49e-4, 6),
        (CLIP_PROMPTS, 3.5e-4, 60, 1.76e-4, 6),
        (CLIP_PROMPTS, 3.5e-4, 120, 1e-6, 12),
        (CLIP_IMAGES, 5e-6, 1, 9.5e-7, 12),
        (CLIP_IMAGES, 5e-6, 5, 2.75e-6, 12),
        (CLIP_IMAGES, 5e-6, 10, 5e-6, 12),
        (CLIP_IMAGES, 5e-6, 29, 5e-6, 12),
        (CLIP_IMAGES, 5e-6, 30, 5e-7, 12),
        (CLIP_IMAGES, 5e-6, 50, 5e-8, 12),
        (BOT, 3.5e-4, 10, 3.5e-4, 12),
        (BOT, 3.5e-4, 40, 3.5e-5, 12),
        (BOT, 3.5e-4, 70, 3.5e-6, 12),
        (AGW, 0.1, 1, 0.01, 12),
        (AGW, 0.1, 10, 0.1, 12),
        (AGW, 0.1, 20, 0.1, 12),
        (AGW, 0.1, 21, 0.01, 12),
        (AGW, 0.1, 51, 0.001, 12),
        (Constant(), 0.008, 77, 0.008, 12),
    ],
)
def test_the_rate_is_the_computed_one(schedule, base, epoch, lr, digits):
    assert schedule(epoch, base) == pytest.approx(lr, abs=0.5 * 10**-digits)


def test_twice_as_fast_biases_start_and_end_with_the_rest():
    # "absolute and shared by all groups", transreid.md, "Optimization"
    assert TRANSREID(120, 0.016) == TRANSREID(120, 0.008)
    assert TRANSREID(0, 0.016) == TRANSREID(0, 0.008)
    assert TRANSREID(60, 0.016) > TRANSREID(60, 0.008)


def test_milestones_must_grow():
    with pytest.raises(OptionError, match="milestones must grow"):
        WarmupSteps(milestones=(70, 40))
