"""CLIP-ReID's network: its embedding and its size."""

import torch

from glimpse.methods.clip_reid import (
    ClipReID,
)
from glimpse.models.backbones.sizes import CLIP_TEXT, Size
from glimpse.models.backbones.text import TextBackbone
from glimpse.models.clip_reid import ClipReIDNetwork, ClipReIDOptions
from glimpse.models.text.prompts import wordless_template
from glimpse.recipes.clip_reid import ClipReIDRecipe

TEXT = CLIP_TEXT[Size.MICRO]


def method(persons=2):
    torch.manual_seed(0)
    network = ClipReIDNetwork(Size.MICRO, (64, 32), 0, ClipReIDOptions())
    texts, template = TextBackbone(TEXT), wordless_template(TEXT)
    return ClipReID(network, texts, template, persons, ClipReIDRecipe()).eval()


def test_the_embedding_is_both_features_as_they_are(batch):
    model = method()
    features = model.network(batch.images)
    wanted = torch.cat([features.feature, features.projected], dim=1)
    torch.testing.assert_close(model.embed(batch), wanted)
    last = model.network.backbone
    torch.testing.assert_close(features.projected, features.feature @ last.projection)
    torch.testing.assert_close(features.early, last(batch.images, depths=[3]).at[3][:, 0])


def test_the_published_network_has_the_published_size():
    with torch.device("meta"):
        network = ClipReIDNetwork(Size.BASE, (256, 128), 0, ClipReIDOptions())
        texts = TextBackbone(CLIP_TEXT[Size.BASE])
    # OpenAI's ViT-B/16 has 86,192,640 parameters on the image side for 197 positions, and all but the
    # temperature of its 149,620,737 are in the two backbones
    backbones = 86_192_640, 149_620_737 - 1 - 86_192_640
    assert sum(p.numel() for p in network.backbone.parameters()) == backbones[0] - (197 - 129) * 768
    assert sum(p.numel() for p in texts.parameters()) == backbones[1]
    assert network.dim == 1280
