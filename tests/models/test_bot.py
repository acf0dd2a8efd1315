"""BoT's network: its embedding and its size."""

import torch

from glimpse.choices import NeckFeat, Size
from glimpse.methods.bot import BoT
from glimpse.models.bot import BoTNetwork, BoTOptions
from glimpse.recipes.bot import BoTRecipe


def test_the_embedding_is_taken_after_the_neck_or_before_it(batch):
    network = BoTNetwork(Size.MICRO, BoTOptions()).eval()
    network.neck.norm.running_mean.fill_(0.25)
    before, after = network(batch.images)
    assert not torch.allclose(before, after)
    torch.testing.assert_close(network.embed(batch.images), after)
    network.neck_feat = NeckFeat.BEFORE
    torch.testing.assert_close(network.embed(batch.images), before)


def test_the_published_network_has_the_published_size():
    # ResNet-50 without its classifier, a neck of 2048, and 751 prototypes (bot.md, "Network")
    with torch.device("meta"):
        method = BoT(BoTNetwork(Size.BASE, BoTOptions()), 751, BoTRecipe(center_weight=0.0))
    assert sum(p.numel() for p in method.network.backbone.parameters()) == 23_508_032
    assert sum(p.numel() for p in method.parameters()) == 23_508_032 + 2 * 2048 + 2048 * 751
    frozen = [name for name, p in method.named_parameters() if not p.requires_grad]
    assert frozen == ["network.neck.norm.bias"]
