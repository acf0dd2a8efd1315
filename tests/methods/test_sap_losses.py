import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from glimpse.errors import ShapeError
from glimpse.methods.sap_losses import (
    patch_consistency,
    patch_labels,
    proxy_consistency,
    supervised_patches,
    teacher_matrix,
)
from glimpse.models.backbones.vit import PatchEmbed
from glimpse.segmentation.sources import StripeParts


def maps(count=2, size=(64, 32), parts=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randint(0, parts + 1, (count, 1, 8, 4), generator=generator).float()
    return torch.nn.functional.interpolate(coarse, size)[:, 0].to(torch.uint8)


def test_stripes_give_every_row_of_patches_its_part_and_no_background():
    found = patch_labels(torch.from_numpy(StripeParts(4).parts([""], (256, 128))), 4, 16, 16, 0.05)
    assert found.shape == (1, 128, 5)
    numbers = found[0].argmax(1).reshape(16, 8)
    assert numbers.tolist() == [[1 + row // 4] * 8 for row in range(16)]
    assert (found[0].amax(1) > 0.9999).all()
    assert (teacher_matrix(found, 0.5)[0, 0] == 1).all()  # m_f is 1 everywhere


@given(st.integers(0, 500), st.sampled_from([(8, 8), (8, 6), (16, 12), (16, 11)]))
def test_rows_sum_to_one_and_count_the_pixels_that_the_backbone_sees(seed, patch):
    side, stride = patch
    labels = maps(seed=seed)
    found = patch_labels(labels, 3, side, stride, 0.05)
    torch.testing.assert_close(found.sum(2), torch.ones(found.shape[:2]))
    embed = PatchEmbed((64, 32), side, stride, 5, bias=True)
    assert found.shape[1] == embed(torch.zeros(1, 3, 64, 32)).shape[1]
    rows, columns = (64 - side) // stride + 1, (32 - side) // stride + 1
    for number in (0, found.shape[1] - 1, found.shape[1] // 2):
        top, left = (number // columns) * stride, (number % columns) * stride
        window = labels[0, top : top + side, left : left + side]
        counts = torch.bincount(window.flatten(), minlength=4) * 256 / side**2
        torch.testing.assert_close(found[0, number], (0.05 * counts).softmax(0))
    assert rows * columns == found.shape[1]


def test_the_teachers_matrix():
    found = patch_labels(maps(), 3, 8, 8, 0.05)
    matrix = teacher_matrix(found, 0.5)
    assert matrix.shape == (2, 33, 33)
    torch.testing.assert_close(matrix, matrix.transpose(1, 2))
    assert (matrix[:, 0, 0] == 1).all()
    assert torch.equal(matrix[:, 0, 1:], (found[..., 0] < 0.5).float())
    torch.testing.assert_close(matrix[1, 3, 7], (found[1, 2] * found[1, 6]).sum())
    assert ((matrix >= 0) & (matrix <= 1 + 1e-6)).all()


def test_the_least_patch_consistency_is_the_entropy_of_the_target_and_nothing_is_lower():
    matrix = teacher_matrix(patch_labels(maps(), 3, 8, 8, 0.05), 0.5)
    kept = torch.ones(2, 32, dtype=torch.bool)
    target = matrix.softmax(-1)
    entropy = -(target * target.log()).sum(-1).mean()
    perfect = matrix[:, None]  # one head, whose softmax is the target
    assert patch_consistency(perfect, matrix, kept, 1.0).item() == pytest.approx(entropy.item(), rel=1e-6)
    for seed in range(5):
        other = torch.randn(2, 4, 33, 33, generator=torch.Generator().manual_seed(seed))
        assert patch_consistency(other, matrix, kept, 1.0) > entropy


def test_rows_of_dropped_patches_are_not_taught_and_the_class_tokens_always_is():
    matrix = teacher_matrix(patch_labels(maps(), 3, 8, 8, 0.05), 0.5)
    logits = torch.randn(2, 2, 33, 33, generator=torch.Generator().manual_seed(0)).requires_grad_()
    kept = torch.zeros(2, 32, dtype=torch.bool)
    kept[:, 4] = True
    patch_consistency(logits, matrix, kept, 1.0).backward()
    taught = logits.grad.abs().sum((0, 1, 3)).nonzero().flatten()
    assert taught.tolist() == [0, 5]


def test_a_lower_temperature_of_the_target_asks_for_sharper_attention():
    matrix = teacher_matrix(patch_labels(maps(), 3, 8, 8, 0.05), 0.5)
    kept = torch.ones(2, 32, dtype=torch.bool)
    sharp = (20 * matrix)[:, None]
    assert patch_consistency(sharp, matrix, kept, 0.05) < patch_consistency(sharp, matrix, kept, 1.0)


def plain_proxy(attention, found, kept, literal, temperature=1.0):
    """The formula, row by row."""
    means = []
    for row in range(len(attention)):
        losses = []
        some = kept[row].nonzero().flatten()
        for part in range(attention.shape[1]):
            wanted = found[row, :, part]
            if wanted.max() <= 0.5 and not literal:
                continue
            target = (wanted[some] / temperature).softmax(0)
            spread = attention[row, part, some]
            losses.append(-(target * (spread / spread.sum()).log()).sum())
        means.append(torch.stack(losses).mean() if losses else torch.tensor(0.0))
    return torch.stack(means).mean()


@pytest.mark.parametrize("literal", [False, True])
def test_the_proxy_consistency_is_over_patches_kept_and_parts_present(literal):
    found = patch_labels(maps(parts=2), 3, 8, 8, 0.05)  # part 3 is nowhere
    generator = torch.Generator().manual_seed(1)
    attention = torch.randn(2, 4, 32, generator=generator).softmax(-1)
    kept = torch.rand(2, 32, generator=generator) < 0.7
    expected = plain_proxy(attention, found, kept, literal)
    torch.testing.assert_close(proxy_consistency(attention, found, kept, literal=literal), expected)
    assert plain_proxy(attention, found, kept, not literal) != expected
    sharper = proxy_consistency(attention, found, kept, literal=literal, temperature=0.1)
    torch.testing.assert_close(sharper, plain_proxy(attention, found, kept, literal, 0.1))


def test_a_proxy_that_spreads_as_the_target_does_cannot_do_better():
    found = patch_labels(maps(), 3, 8, 8, 0.05)
    kept = torch.ones(2, 32, dtype=torch.bool)
    target = found.transpose(1, 2).softmax(-1)
    best = proxy_consistency(target, found, kept, literal=True)
    entropy = -(target * target.log()).sum(-1).mean()
    torch.testing.assert_close(best, entropy)
    assert proxy_consistency(target.flip(2), found, kept, literal=True) > best


def test_proxies_of_another_number_of_parts_are_refused():
    with pytest.raises(ShapeError, match="proxies and parts must agree"):
        proxy_consistency(torch.zeros(1, 3, 32), torch.zeros(1, 32, 4), torch.ones(1, 32, dtype=torch.bool))


@pytest.mark.parametrize(("ratio", "dropped"), [(0.0, 0), (0.3, 9), (0.99, 31)])
def test_exactly_the_share_of_patches_is_dropped(ratio, dropped):
    patches = torch.randn(3, 32, 8, generator=torch.Generator().manual_seed(0))
    kept = supervised_patches(patches, ratio, 0.1, torch.Generator().manual_seed(1))
    assert (~kept).sum(1).tolist() == [dropped] * 3
    again = supervised_patches(patches, ratio, 0.1, torch.Generator().manual_seed(1))
    assert torch.equal(kept, again)


def test_patches_that_are_like_all_others_are_dropped_most():
    """By Gumbel-top-1: the frequencies are the softmax of the formula."""
    patches = torch.tensor([[[1.0, 0], [1, 0.2], [1, -0.2], [-1, 0.1]]])
    unit = torch.nn.functional.normalize(patches[0], dim=-1)
    wanted = ((unit @ unit.T).mean(1) / 0.5).softmax(0)
    many = supervised_patches(patches.expand(20000, -1, -1), 0.25, 0.5, torch.Generator().manual_seed(0))
    torch.testing.assert_close((~many).float().mean(0), wanted, atol=0.015, rtol=0)


def test_the_share_to_drop_leaves_no_gradient():
    patches = torch.randn(1, 8, 4, requires_grad=True)
    assert not supervised_patches(patches, 0.5, 0.1, torch.Generator().manual_seed(0)).requires_grad
