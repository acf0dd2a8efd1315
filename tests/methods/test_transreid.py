from dataclasses import replace

import torch

from glimpse.choices import Size
from glimpse.methods.transreid import TransReID, prepare_transreid
from glimpse.models.transreid import TransReIDNetwork, TransReIDOptions
from glimpse.recipes.transreid import TransReIDRecipe
from glimpse.training.build import build_schedule
from glimpse.training.losses import cross_entropy, soft_triplet
from glimpse.training.stages import Step

STEP = Step("train", "all", 1, 1, 0, 1)


def network(size=Size.MICRO, image=(64, 32), cameras=2, **options):
    torch.manual_seed(0)
    return TransReIDNetwork(size, image, cameras, TransReIDOptions(**options)).eval()


def test_global_and_local_losses_count_half_each(batch):
    method = TransReID(network(jigsaw=True), 2, TransReIDRecipe()).eval()
    losses = method.losses(batch, STEP)
    before, after = method.network(batch.images, batch.cameras)
    triplets = [soft_triplet(feature, batch.labels) for feature in before]
    identities = [
        cross_entropy(head(feature), batch.labels)
        for head, feature in zip(method.classifiers, after, strict=True)
    ]
    for name, values in (("triplet", triplets), ("identity", identities)):
        torch.testing.assert_close(losses[name], 0.5 * values[0] + 0.5 * sum(values[1:]) / 4)


def test_alone_the_global_loss_counts_whole(batch):
    method = TransReID(network(), 2, TransReIDRecipe()).eval()
    before, _ = method.network(batch.images, batch.cameras)
    torch.testing.assert_close(method.losses(batch, STEP)["triplet"], soft_triplet(before[0], batch.labels))


def test_the_published_rates():
    recipe = TransReIDRecipe()
    schedule = build_schedule(recipe.optimizer, recipe.epochs)
    rates = [round(schedule(epoch, 0.008), 6) for epoch in (1, 2, 4, 5, 10, 60, 119, 120)]
    assert rates == [0.001664, 0.003248, 0.006416, 0.007966, 0.007864, 0.004008, 1.7e-05, 1.6e-05]


def test_the_camera_table_is_that_of_the_training_rows(people, micro):
    prepared = prepare_transreid(micro(TransReIDRecipe()), people)
    assert prepared.card.cameras == (2, 5)
    assert prepared.method.network.backbone.camera_embedding.table.shape == (2, 64)
    without = prepare_transreid(micro(TransReIDRecipe(cameras=False)), people)
    assert without.card.cameras == ()
    assert without.method.network.backbone.camera_embedding is None


def test_a_single_camera_needs_no_table(people, micro):
    from dataclasses import replace

    alone = replace(people, records=people.records.with_columns(camera=4))
    assert prepare_transreid(micro(TransReIDRecipe()), alone).card.cameras == ()


def test_the_triplet_loss_joins_when_the_recipe_says(batch):
    method = TransReID(network(), 2, TransReIDRecipe(triplet_from=3)).eval()
    joined = [set(method.losses(batch, replace(STEP, epoch=epoch))) for epoch in (2, 3)]
    assert joined == [{"identity"}, {"identity", "triplet"}]
