import pytest
import torch

from glimpse.choices import Size
from glimpse.errors import ShapeError
from glimpse.models.transreid import TransReIDNetwork, TransReIDOptions, jigsaw


def numbered(count):
    return torch.arange(1.0, count + 1).view(1, count, 1)


def by_the_book(tokens, shift, groups, parts):
    """The same with lists: transreid.md, "Jigsaw branch" word for word."""
    order = tokens[shift - 1 :] + tokens[: shift - 1]
    while len(order) % groups:
        order.append(order[len(tokens) - 2])
    rows = [order[start :: len(order) // groups] for start in range(len(order) // groups)]
    shuffled = [token for row in rows for token in row]
    length = len(tokens) // parts
    return [shuffled[part * length : (part + 1) * length] for part in range(parts)]


def test_eight_tokens_give_the_golden_parts():
    parts = jigsaw(numbered(8), shift=5, groups=2, parts=4)
    assert [part.flatten().tolist() for part in parts] == [[5, 1], [6, 2], [7, 3], [8, 4]]


@pytest.mark.parametrize(("tokens", "length"), [(210, 52), (242, 60), (128, 32)])
def test_published_grids_give_the_golden_lengths(tokens, length):
    parts = jigsaw(numbered(tokens), shift=5, groups=2, parts=4)
    assert [part.shape[1] for part in parts] == [length] * 4


@pytest.mark.parametrize("count", [8, 9, 11, 50, 128, 231])
def test_any_number_of_tokens_is_rearranged_as_the_book_says(count):
    parts = jigsaw(numbered(count), shift=5, groups=2, parts=4)
    assert [part.flatten().tolist() for part in parts] == by_the_book(list(range(1, count + 1)), 5, 2, 4)


def test_too_few_tokens_are_refused():
    with pytest.raises(ShapeError, match="3 patches"):
        jigsaw(numbered(3), shift=5, groups=2, parts=4)


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


@pytest.mark.parametrize(("stride", "patches"), [(16, 128), (12, 210), (11, 242)])
def test_the_published_networks_have_the_published_sizes(stride, patches):
    with torch.device("meta"):
        net = TransReIDNetwork(Size.BASE, (256, 128), 6, TransReIDOptions(stride=stride, jigsaw=True))
    assert net.dim == 3840
    # ViT-B/16 of 197 positions has 85,798,656 parameters without its classifier
    backbone = 85_798_656 - (197 - 1 - patches) * 768 + 6 * 768
    assert sum(p.numel() for p in net.backbone.parameters()) == backbone
    assert sum(p.numel() for p in net.local.parameters()) == 7_087_872 + 2 * 768
