import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from glimpse.choices import Form, MaskKind
from glimpse.methods.embedding import embed_rows
from glimpse.methods.fit import fit
from glimpse.models.factory import similarity_of
from glimpse.models.storage import load_network
from glimpse.progress import silent
from glimpse.recipes.bot import BoTRecipe
from glimpse.recipes.clip_reid import ClipReIDRecipe
from glimpse.recipes.dpm import DpmRecipe
from glimpse.recipes.groups import ValidationRecipe
from glimpse.recipes.provenance import with_settings
from glimpse.recipes.transreid import TransReIDRecipe
from glimpse.similarity import MaskSide


@pytest.fixture(scope="session")
def images(people, tmp_path_factory):
    """The eight persons as files."""
    folder = tmp_path_factory.mktemp("images")
    paths = [str(folder / path) for path in people.records.path]
    for path, image in zip(paths, people.pixels.images, strict=True):
        Image.fromarray(image).save(path)
    return people.records.with_columns(path=np.array(paths, object))


def rank1(folder, people):
    """How many of the training images find their person in the other camera first."""
    card, network = load_network(folder)
    found = embed_rows(network, card, people.pixels, people.records.camera)
    person, camera = people.records.person, people.records.camera
    same = person[:, None] == person
    scores = np.where(same & (camera[:, None] == camera), -2, similarity_of(card).pairwise(found, found))
    return same[np.arange(len(same)), scores.argmax(1)].mean()


# What the published schedules, made for published weights and thousands of images, cannot do in a minute.
SHORT = {
    "bot": (BoTRecipe(), ["epochs=25", "optimizer.lr=3e-3", "optimizer.milestones=18,22"]),
    "transreid": (
        TransReIDRecipe(),
        ["epochs=100", "optimizer.kind=adamw", "optimizer.lr=1e-3", "augment.erasing=0"],
    ),
    "dpm": (
        DpmRecipe(
            form=Form.JOINT,
            mask=MaskKind.LIGHT,
            train_mask_side=MaskSide.SUBSPACE,
            test_mask_side=MaskSide.SUBSPACE,
        ),
        [
            "epochs=90",
            "stride=16",
            "neck-feat=after",
            "enrichment-weight=0.64",
            "optimizer.kind=adamw",
            "optimizer.lr=1e-3",
            "mask-optimizer.kind=adamw",
            "mask-optimizer.lr=1e-3",
            "augment.erasing=0",
        ],
    ),
    "clip-reid": (
        ClipReIDRecipe(),
        [
            "prompt-epochs=10",
            "prompt-optimizer.lr=1e-2",
            "epochs=50",
            "optimizer.lr=1e-3",
            "optimizer.milestones=35,45",
            "augment.erasing=0",
        ],
    ),
}


@pytest.mark.parametrize(
    "method",
    [
        "bot",
        pytest.param("transreid", marks=pytest.mark.slow),
        pytest.param("dpm", marks=pytest.mark.slow),
        "clip-reid",
    ],
)
def test_every_baseline_learns_eight_persons(method, people, images, micro, tmp_path):
    published, settings = SHORT[method]
    settings = [*settings, "optimizer.warmup=3", "validation.share=0", "sampler.persons=8"]
    recipe = with_settings(micro(published), settings)
    fitted = fit(method, recipe, images, tmp_path / "run")
    assert rank1(fitted.final, people) > 0.95


def brief(micro, recipe):
    return with_settings(
        micro(recipe), ["epochs=2", "validation.every=1", "validation.share=0.25", "sampler.images=2"]
    )


def test_a_run_leaves_networks_recipe_and_persons(images, micro, tmp_path):
    recipe = brief(micro, BoTRecipe())
    fitted = fit("bot", recipe, images, tmp_path / "run", cache=tmp_path / "pixels")
    run = tmp_path / "run"
    card, network = load_network(run / "final")
    assert (fitted.final, fitted.best) == (run / "final", run / "best")
    assert card.method == "bot"
    whole = load_file(run / "final.safetensors")
    for name, value in network.state_dict().items():
        assert value.equal(whole[f"network.{name}"])
    stored = json.loads((run / "recipe.json").read_text())
    assert (stored["method"], stored["start"], stored["epochs"]) == ("bot", "random weights", 2)
    known = json.loads((run / "persons.json").read_text())
    assert len(known["persons"]) == 6  # a quarter of the eight validate
    assert known["cameras"] == [2, 5]
    assert whole["classifier.weight"].shape[0] == 6
    assert set(fitted.outcome.best_measures) == {"rank1", "map"}


def test_clip_reid_keeps_prompts_and_prototypes(images, micro, tmp_path):
    recipe = replace(brief(micro, ClipReIDRecipe()), prompt_epochs=1, validation=ValidationRecipe(share=0))
    fitted = fit("clip-reid", recipe, images, tmp_path / "run")
    assert fitted.best is None
    words = load_file(fitted.final / "prompts.safetensors")["words"]
    prototypes = load_file(fitted.final / "prototypes.safetensors")["prototypes"]
    assert words.shape == (8, 4, 64)
    assert prototypes.shape == (8, 32)
    assert prototypes.abs().sum() > 0


def test_rows_that_are_given_for_validation_choose_the_best_epoch(images, micro, tmp_path):
    recipe = brief(micro, TransReIDRecipe())
    few = images.filter(person=[0, 3])
    rest = images.filter(person=[6, 9, 12, 15, 18, 21])
    fitted = fit("transreid", recipe, rest, tmp_path / "run", validation=few)
    assert len(json.loads((tmp_path / "run" / "persons.json").read_text())["persons"]) == 6
    assert fitted.best is not None


def test_the_same_recipe_gives_the_same_bytes_whatever_was_drawn_before(images, micro, tmp_path):
    recipe = brief(micro, BoTRecipe())
    runs = []
    for name in ("first", "second"):
        torch.randn(7 if name == "first" else 8)
        runs.append(fit("bot", recipe, images, tmp_path / name, cache=tmp_path / "pixels", progress=silent))
    first, second = ((fitted.final / "network.safetensors").read_bytes() for fitted in runs)
    assert first == second
