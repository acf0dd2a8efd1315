"""The one pass over rows that training and measuring share."""

import numpy as np
import torch
from torch import nn

from glimpse.choices import Size
from glimpse.methods.embedding import embed_rows, over_rows
from glimpse.models.card import NetworkCard
from glimpse.records import Records
from glimpse.training.augment import normalized

HALF = (0.5, 0.5, 0.5)


class Pixels:
    """Row r of N is of one color, (r, 2 r, 3 r) mod 256, and remembers who was read."""

    def __init__(self):
        self.asked = []

    def read(self, rows):
        self.asked.append(rows.tolist())
        colors = np.stack([rows, 2 * rows, 3 * rows], axis=1) % 256
        return np.broadcast_to(colors[:, None, None], (len(rows), 4, 2, 3)).astype(np.uint8)


def test_every_row_is_looked_at_once_and_in_order():
    pixels, seen = Pixels(), []

    def look(images, rows):
        assert not torch.is_grad_enabled()
        seen.append(len(rows))
        return images.mean((2, 3)), torch.from_numpy(rows)

    colors, rows = over_rows(look, pixels, 300, HALF, HALF, torch.device("cpu"))
    assert seen == [128, 128, 44]
    assert [row for some in pixels.asked for row in some] == rows.tolist() == list(range(300))
    whole = normalized(torch.from_numpy(Pixels().read(np.arange(300))), HALF, HALF)
    assert torch.equal(colors, whole.mean((2, 3)))


def test_what_is_found_can_be_learned_from():
    (found,) = over_rows(
        lambda images, _: (images[:, :, 0, 0],), Pixels(), 5, HALF, HALF, torch.device("cpu")
    )
    weight = torch.ones(3, requires_grad=True)
    (found @ weight).sum().backward()  # a tensor of inference mode could not be kept for it
    torch.testing.assert_close(weight.grad, found.sum(0))


class Masked(nn.Module):
    """Vectors that tell color and camera, and masks beside them."""

    def __init__(self, masks):
        super().__init__()
        self.scale, self.masks = nn.Parameter(torch.tensor(2.0)), masks

    def embed(self, images, taken):
        vectors = self.scale * images[:, :, 0, 0] + taken.cameras[:, None]
        return (vectors, torch.sigmoid(vectors)) if self.masks else vectors


def test_embeddings_are_aligned_with_rows_and_cameras():
    card = NetworkCard("bot", Size.MICRO, (4, 2), cameras=(3, 7))
    cameras = np.resize([7, 3, 9], 200)
    records = Records.from_columns([f"{row}.png" for row in range(200)], [0] * 200, camera=cameras)
    found = embed_rows(Masked(masks=True), card, Pixels(), records)
    assert (found.vectors.dtype, found.vectors.shape, found.masks.shape) == (np.float32, (200, 3), (200, 3))
    first = 2 * (np.arange(200) / 127.5 - 1) + np.resize([1, 0, -1], 200)
    np.testing.assert_allclose(found.vectors[:, 0], first, atol=1e-5)
    np.testing.assert_allclose(found.masks, 1 / (1 + np.exp(-found.vectors)), atol=1e-6)
    assert embed_rows(Masked(masks=False), card, Pixels(), records).masks is None
