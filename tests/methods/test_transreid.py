from dataclasses import replace

import pytest
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


def test_the_global_branch_is_the_backbone_itself(batch):
    both, plain = network(jigsaw=True), network()
    plain.load_state_dict(
        {name: value for name, value in both.state_dict().items() if name in plain.state_dict()}
    )
    torch.testing.assert_close(
        both(batch.images, batch.cameras)[0][0], plain(batch.images, batch.cameras)[0][0]
    )


def test_local_features_are_those_of_each_part_alone(batch):
    net = network(jigsaw=True)
    depth = len(net.backbone.blocks) - 1
    tokens = net.backbone(batch.images, cameras=batch.cameras, depths=[depth]).at[depth]
    patches = torch.cat([tokens[:, 5:], tokens[:, 1:5]], dim=1)
    count = patches.shape[1]
    order = [i // 2 + (i % 2) * (count // 2) for i in range(count)]
    shuffled = patches[:, order]
    local = net(batch.images, batch.cameras)[0][1:]
    for number, feature in enumerate(local):
        part = shuffled[:, number * (count // 4) : (number + 1) * (count // 4)]
        alone = net.local.norm(net.local.block(torch.cat([tokens[:, :1], part], dim=1)))[:, 0]
        torch.testing.assert_close(feature, alone)


def test_local_branches_compute_one_row_in_training_and_all_in_evaluation(batch):
    network, rows = TransReIDNetwork(Size.MICRO, (64, 32), 0, TransReIDOptions(jigsaw=True)), []
    network.local.block.mlp.register_forward_hook(lambda *call: rows.append(call[2].shape[1]))
    for training in (True, False):
        network.train(training)(batch.images)
    assert rows == [1, 9]  # of a quarter of 32 patches and the class token


def test_the_embedding_divides_local_features_by_four_and_comes_before_the_necks(batch):
    net = network(jigsaw=True)
    for neck in net.necks:
        neck.norm.running_mean.fill_(1.0)
    features, _ = net(batch.images, batch.cameras)
    wanted = torch.cat([features[0], *(feature / 4 for feature in features[1:])], dim=1)
    torch.testing.assert_close(net.embed(batch.images, batch.taken), wanted)
    assert net.dim == 5 * 64


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


@pytest.mark.parametrize(("stride", "patches"), [(16, 128), (12, 210), (11, 242)])
def test_the_published_networks_have_the_published_sizes(stride, patches):
    with torch.device("meta"):
        net = TransReIDNetwork(Size.BASE, (256, 128), 6, TransReIDOptions(stride=stride, jigsaw=True))
    assert net.dim == 3840
    # ViT-B/16 of 197 positions has 85,798,656 parameters without its classifier
    backbone = 85_798_656 - (197 - 1 - patches) * 768 + 6 * 768
    assert sum(p.numel() for p in net.backbone.parameters()) == backbone
    assert sum(p.numel() for p in net.local.parameters()) == 7_087_872 + 2 * 768


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
