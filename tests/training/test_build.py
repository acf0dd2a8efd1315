import numpy as np
import pytest

from glimpse.choices import EpochLength, Fill, OptimizerKind, SchedulerKind
from glimpse.errors import OptionError
from glimpse.recipes.groups import AugmentRecipe, OptimizerRecipe, SamplerRecipe
from glimpse.records import Records
from glimpse.training.augment import Augmentation, ChannelExchange, ColorJitter, Erasing, FlipAndCrop
from glimpse.training.batches import IMAGE_MODALITY, TrainingData
from glimpse.training.build import build_augmentation, build_optimizer, build_sampler, build_schedule
from glimpse.training.optimizers import BIAS_TWICE, Rule
from glimpse.training.sampler import PersonSampler
from glimpse.training.schedulers import Constant, WarmupSteps


def test_the_default_schedule_is_transreids():
    schedule = build_schedule(OptimizerRecipe(), epochs=120)
    for epoch, lr in ((1, 0.001664), (5, 0.007966), (60, 0.004008), (120, 1.6e-5)):
        assert schedule(epoch, 0.008) == pytest.approx(lr, abs=5e-7)


def test_steps_and_constants_are_built_from_their_keys():
    steps = OptimizerRecipe(scheduler=SchedulerKind.STEPS, warmup=10, warmup_start=0.1, milestones=(30, 50))
    assert build_schedule(steps, 60) == WarmupSteps(10, 0.1, (30, 50), 0.1)
    assert build_schedule(OptimizerRecipe(scheduler=SchedulerKind.CONSTANT), 60) == Constant()


def test_an_optimizer_takes_every_key_of_its_group_and_the_methods_rules():
    recipe = OptimizerRecipe(kind=OptimizerKind.ADAM, lr=0.1, weight_decay=0.2, momentum=0.3, nesterov=True)
    rule = Rule(("head.*",), lr=10)
    built = build_optimizer(recipe, 9, parameters=("a.*",), exclude=("a.b",), rules=(rule,))
    assert (built.kind, built.lr, built.weight_decay) == (OptimizerKind.ADAM, 0.1, 0.2)
    assert (built.momentum, built.nesterov) == (0.3, True)
    assert (built.parameters, built.exclude) == (("a.*",), ("a.b",))
    assert built.rules == (BIAS_TWICE, rule)


def test_augmentation_leaves_out_what_is_off():
    assert build_augmentation(AugmentRecipe()) == Augmentation(geometry=FlipAndCrop(), erasing=Erasing())
    bare = AugmentRecipe(flip=0, padding=0, erasing=0, mean=(0.1, 0.2, 0.3))
    assert build_augmentation(bare) == Augmentation(mean=(0.1, 0.2, 0.3))
    full = AugmentRecipe(brightness=0.3, hue=0.2, erasing_fill=Fill.CONSTANT, padding_fill=127)
    assert build_augmentation(full) == Augmentation(
        geometry=FlipAndCrop(fill=127),
        jitter=ColorJitter(0.3, 0.0, 0.0, 0.2),
        erasing=Erasing(fill=Fill.CONSTANT),
    )


def test_channels_are_exchanged_where_asked():
    assert build_augmentation(AugmentRecipe(exchange=0.4)).exchange == ChannelExchange(0.4)


@pytest.mark.parametrize(("epoch", "batches"), [("images", 3), ("larger-modality", 4), ("persons", 1)])
def test_an_epoch_of_the_balanced_sampler_is_as_long_as_the_recipe_says(epoch, batches):
    """Nine visible and five infrared images; two persons with one image of each modality in a batch."""
    modality = ["rgb", "rgb", "rgb", "ir", "ir"] * 2 + ["rgb"] * 3 + ["ir"]
    person = [4] * 5 + [7] * 5 + [9] * 4
    records = Records.from_columns([f"{row}.png" for row in range(14)], person, modality=modality)
    recipe = SamplerRecipe(persons=2, images=1, balanced=True, length=EpochLength(epoch))
    plan = build_sampler(recipe, TrainingData(records), seed=0).plan(1)
    assert [len(batch) for batch in plan] == [4] * batches


def infrared_rows():
    """Three persons with two visible and two infrared images each."""
    person = np.repeat([4, 7, 9], 4)
    modality = ["rgb", "rgb", "ir", "ir"] * 3
    paths = [f"{row}.png" for row in range(12)]
    return TrainingData(Records.from_columns(paths, person, camera=0, modality=modality))


def test_a_sampler_draws_persons_and_where_asked_as_many_of_every_modality():
    data = infrared_rows()
    plain = build_sampler(SamplerRecipe(persons=2, images=4), data, seed=3)
    assert isinstance(plain, PersonSampler)
    assert (plain.persons, plain.images, plain.seed) == (2, 4, 3)
    balanced = build_sampler(SamplerRecipe(persons=3, images=1, balanced=True), data, seed=3)
    plan = balanced.plan(1)
    assert len(plan) == 2  # as many images as there are rows
    for batch in plan:
        assert data.modalities[batch].tolist() == [0, 1] * 3
        assert len(set(data.labels[batch].tolist())) == 3


def test_a_balanced_sampler_needs_to_know_every_modality():
    rows = infrared_rows().records
    modality = ["", *rows.modality[1:].tolist()]
    with pytest.raises(OptionError, match="needs to know every row's modality, and not that of row 0"):
        build_sampler(SamplerRecipe(balanced=True), TrainingData(rows.with_columns(modality=modality)), 0)


def test_a_balanced_sampler_needs_two_modalities():
    visible = TrainingData(infrared_rows().records.filter(modality="rgb"))
    with pytest.raises(OptionError, match="a balanced sampler needs two modalities, got only rgb"):
        build_sampler(SamplerRecipe(persons=2, images=1, balanced=True), visible, seed=0)


def test_the_recipe_asks_for_distinct_images():
    data = infrared_rows()
    assert build_sampler(SamplerRecipe(persons=2, images=4, distinct=True), data, seed=0).distinct
    assert not build_sampler(SamplerRecipe(persons=2, images=4), data, seed=0).distinct
    balanced = SamplerRecipe(persons=2, images=4, balanced=True, distinct=True)
    assert build_sampler(balanced, data, seed=0).distinct


def captioned_rows():
    """The images of `infrared_rows`, each with three captions."""
    images = infrared_rows().records
    rows = images[np.repeat(np.arange(12), 3)]
    took = {IMAGE_MODALITY: rows.modality.astype(object)}
    return TrainingData(
        Records.from_columns(rows.path, rows.person, modality="text", caption="somebody", extra=took)
    )


@pytest.mark.parametrize("balanced", [False, True])
def test_with_captions_the_same_images_are_drawn_each_with_one_of_them(balanced):
    images, pairs = infrared_rows(), captioned_rows()
    recipe = SamplerRecipe(persons=2, images=2, balanced=balanced)
    drawn, with_one = (build_sampler(recipe, data, seed=3).plan(1) for data in (images, pairs))
    assert [pairs.images[batch].tolist() for batch in with_one] == [batch.tolist() for batch in drawn]
    assert len({row % 3 for batch in with_one for row in batch.tolist()}) > 1
