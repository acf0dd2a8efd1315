from dataclasses import replace

import pytest
import torch

from glimpse.choices import Size
from glimpse.methods.prepare import prepare
from glimpse.models.storage import load_network
from glimpse.models.text.tokenizer import Tokenizer
from glimpse.pretraining.image_cache import CachedRows
from glimpse.pretraining.pretrain import Architecture, pretrain, pretraining_recipe
from glimpse.pretraining.world_rows import Site
from glimpse.recipes.bot import BoTRecipe
from glimpse.recipes.clip_reid import ClipReIDRecipe
from glimpse.recipes.provenance import with_settings
from glimpse.recipes.transreid import TransReIDRecipe

SITE = Site(people=6, held_out=2, cameras=2, takes=2)
METHODS = {
    Architecture.VIT: ("transreid", TransReIDRecipe),
    Architecture.RESNET: ("bot", BoTRecipe),
    Architecture.CLIP: ("clip-reid", ClipReIDRecipe),
}


def short(backbone):
    recipe = with_settings(pretraining_recipe(backbone, Size.MICRO), ["epochs=1"])
    if backbone is Architecture.CLIP:
        return replace(recipe, batch=8, vocabulary=600)
    return with_settings(recipe, ["sampler.persons=4", "sampler.images=2"])


@pytest.mark.parametrize("backbone", list(Architecture))
def test_what_is_pretrained_is_what_its_method_starts_from(backbone, tmp_path, people, micro):
    fitted = pretrain(backbone, short(backbone), SITE, tmp_path / "run", threads=1)
    assert set(fitted.outcome.best_measures) == {"rank1", "map"}
    _, network = load_network(fitted.best)
    name, recipe = METHODS[backbone]
    prepared = prepare(name, micro(recipe(), weights=str(fitted.best)), people)
    assert prepared.start == "the weights in best"
    source = network.images if backbone is Architecture.CLIP else network.backbone
    target = prepared.method.network.backbone
    for key, value in source.state_dict().items():
        if key != "position":  # the published strides have another grid
            torch.testing.assert_close(target.state_dict()[key], value, rtol=0, atol=0)
    if backbone is Architecture.CLIP:
        assert len(Tokenizer.load(fitted.best / "tokenizer.json")) <= 1024
        assert prepared.method.prompts.template.words == 4


class Killed(Exception):
    pass


def test_a_run_can_be_resumed_and_gives_the_same_weights(tmp_path, monkeypatch):
    recipe = with_settings(short(Architecture.RESNET), ["epochs=2"])
    whole = pretrain(Architecture.RESNET, recipe, SITE, tmp_path / "whole", threads=1)
    read, reads = CachedRows.read, []

    def dying(self, rows):
        reads.append(rows)
        if len(reads) == 4:  # within the second epoch
            raise Killed
        return read(self, rows)

    monkeypatch.setattr(CachedRows, "read", dying)
    with pytest.raises(Killed):
        pretrain(Architecture.RESNET, recipe, SITE, tmp_path / "killed", threads=1)
    resumed = pretrain(Architecture.RESNET, recipe, SITE, tmp_path / "killed", threads=1, resume=True)
    weights = [fitted.final / "network.safetensors" for fitted in (whole, resumed)]
    assert weights[0].read_bytes() == weights[1].read_bytes()
