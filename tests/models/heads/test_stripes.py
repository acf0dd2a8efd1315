"""Stripes: which patches they have, and what their masks are told."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from glimpse.choices import Backbone, MaskKind, Size
from glimpse.errors import OptionError
from glimpse.models.dpmpp import DpmppNetwork, DpmppOptions
from glimpse.models.heads.stripes import StripedMaskHead, seen_loss, stripe_patches, stripe_rows


def network(stripes, mask=MaskKind.LIGHT):
    torch.manual_seed(0)
    return DpmppNetwork(Size.MICRO, (64, 32), 0, DpmppOptions(Backbone.VIT, mask, stripes=stripes)).eval()


@given(st.integers(1, 40), st.data())
def test_stripes_are_equally_tall_and_cover_every_row(rows, data):
    count = data.draw(st.integers(1, rows))
    found = stripe_rows(rows, count)
    assert len(found) == count
    assert len({some.stop - some.start for some in found}) == 1
    assert {row for some in found for row in range(some.start, some.stop)} == set(range(rows))
    assert [some.start for some in found] == sorted(some.start for some in found)


def test_a_stripes_patches_are_numbered_row_by_row():
    assert stripe_patches((4, 2), 2).tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert stripe_patches((3, 1), 2).tolist() == [[0, 1], [1, 2]]


@pytest.mark.parametrize("kind", [MaskKind.LIGHT, MaskKind.FULL, MaskKind.STATIC, MaskKind.NONE])
def test_every_kind_of_mask_has_blocks_for_stripes(kind):
    found = network(3, kind).embed(torch.zeros(1, 3, 64, 32))
    shapes = [list(part.shape) for part in (found if isinstance(found, tuple) else (found,))]
    assert shapes == [[1, 256]] * (1 if kind is MaskKind.NONE else 2)


def test_stripes_need_rows():
    with pytest.raises(OptionError, match="no more stripes than the 8 rows"):
        network(9)


def head_that_sees(shares):
    """A head of two stripes on 4 x 2 patches, in whose images the person is seen by `shares` per row."""
    head = StripedMaskHead(torch.nn.Identity(), 8, (4, 2), 2)
    return head, torch.logit(torch.tensor(shares)[None, :, None].expand(1, 4, 2), eps=1e-6)


def test_trust_is_the_share_of_the_usual_person_that_a_stripe_shows():
    head, seen = head_that_sees([1.0, 1.0, 1.0, 0.0])
    torch.testing.assert_close(head.trust(seen), torch.tensor([[1.0, 0.5]]), atol=1e-4, rtol=0)


def test_where_persons_are_seldom_seen_nothing_is_missing():
    head, seen = head_that_sees([0.5, 1.0, 1.0, 0.0])
    masks = torch.zeros(2, 8, 4, dtype=torch.uint8)
    masks[0, :2] = 1
    masks[:, 2:6] = 1
    head.expect(masks)
    assert head.usual[:, 0].tolist() == [0.5, 1.0, 1.0, 0.0]
    torch.testing.assert_close(head.trust(seen), torch.ones(1, 2), atol=1e-4, rtol=0)
    _, hidden = head_that_sees([0.5, 1.0, 0.0, 0.0])
    torch.testing.assert_close(head.trust(hidden), torch.tensor([[1.0, 0.01]]), atol=1e-4, rtol=0)


def test_trust_learns_from_where_persons_are_seen_alone():
    ours = network(2)
    images = torch.randn(4, 3, 64, 32)
    masks = ours.masks(ours(images))
    assert masks[:, 64:].unique(dim=1).shape[1] <= 2  # one trust per stripe
    masks.sum().backward()
    head = ours.mask_head
    assert all(weights.grad is None for weights in head.maps.parameters())
    assert head.whole.last.weight.grad is not None
    seen_loss(head.seen(ours(images).levels, ours.grid), torch.ones(4, 16, 8)).backward()
    assert all(weights.grad is not None for weights in head.maps.parameters())


def test_the_head_can_learn_what_is_hidden():
    ours = network(2).train()
    generator = torch.Generator().manual_seed(0)
    lower = torch.arange(16)[:, None].expand(16, 8) >= 8
    optimizer = torch.optim.AdamW(ours.mask_head.parameters(), 1e-2)

    def pictures(count):
        hidden = torch.rand(count, generator=generator) < 0.5
        images = torch.randn(count, 3, 64, 32, generator=generator) * 0.1
        images[:, 0] += 1
        images[hidden, :, 32:] -= 2
        return images, torch.where(hidden[:, None, None] & lower, 0.0, 1.0), hidden

    for _ in range(30):
        images, seen, _ = pictures(16)
        with torch.no_grad():
            levels = ours(images).levels
        optimizer.zero_grad()
        seen_loss(ours.mask_head.seen(levels, ours.grid), seen).backward()
        optimizer.step()
    images, _, hidden = pictures(16)
    with torch.no_grad():
        trust = ours.eval().masks(ours(images))[:, [64, 128]]
    assert trust[:, 0].min() > 0.8
    assert trust[hidden, 1].max() < 0.2
    assert trust[~hidden, 1].min() > 0.8


def test_images_of_which_nothing_is_known_teach_nothing():
    logits = torch.tensor([[[0.0]], [[5.0]]], requires_grad=True)
    seen_loss(logits, torch.tensor([[[1.0]], [[-1.0]]])).backward()
    assert logits.grad.flatten().tolist() == [-0.5, 0.0]
    nothing = seen_loss(logits, torch.full((2, 1, 1), -1.0))
    assert nothing.item() == 0
    nothing.backward()


def test_cells_are_pooled_to_patches():
    seen = torch.tensor(np.kron([[1.0, 0.0]], np.ones((2, 2))), dtype=torch.float32)[None]
    wanted = torch.nn.functional.binary_cross_entropy_with_logits(
        torch.tensor([[[2.0, -1.0]]]), torch.tensor([[[1.0, 0.0]]])
    )
    torch.testing.assert_close(seen_loss(torch.tensor([[[2.0, -1.0]]]), seen), wanted)
