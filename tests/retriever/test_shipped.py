"""What ships with Glimpse: colors, networks pre-trained on a rendered world, and one for occluded people."""

import json
import re

import numpy as np
import pytest

from glimpse.choices import Size
from glimpse.evaluation import evaluate
from glimpse.models.pretrained import starting_folder
from glimpse.pretraining.world_rows import PRETRAINING_SEED
from glimpse.protocols import Protocol
from glimpse.protocols.exclusion import nothing
from glimpse.records import Records
from glimpse.retriever import NetworkEncoder, Retriever
from glimpse.retriever.folder import shipped
from glimpse.similarity import ConflictPenalized, MaskedCosine
from glimpse.world.world import World

OCCLUDED, PARTIAL = "occluded-micro", "partial-micro"
NETWORKS = sorted(shipped().keys() - {"colors"})
PRETRAINED = sorted({*NETWORKS} - {OCCLUDED, PARTIAL})
PEOPLE, CAMERAS, SEED = 24, 4, 5


@pytest.fixture(scope="module")
def crowd():
    """People whom nobody was trained on, and who is who."""
    world = World(SEED, PEOPLE, CAMERAS)
    shots = [world.shot(person, camera, 0, "whole") for person in range(PEOPLE) for camera in range(CAMERAS)]
    person, camera = np.divmod(np.arange(len(shots)), CAMERAS)
    rows = Records.from_columns([f"{row}.png" for row in range(len(shots))], person, camera=camera)
    protocol = Protocol("test", rows[camera == 0], rows[camera > 0], nothing)
    return world.render(shots, (128, 64)).images, protocol, camera


def test_weights_take_no_more_than_25_megabytes():
    assert NETWORKS
    size = sum(path.stat().st_size for name in NETWORKS for path in shipped()[name].iterdir())
    assert size <= 25 * 2**20


@pytest.mark.parametrize("name", PRETRAINED)
def test_a_card_tells_how_the_weights_were_made_and_what_they_score(name):
    about = json.loads((shipped()[name] / "card.json").read_bytes())["about"]
    kind, size = name.rsplit("-", 1)
    backbone, *norms = kind.split("-")
    assert about["command"].startswith(f"glimpse pretrain {backbone} --size {size} ")
    recipe = json.loads(about["recipe"])
    assert recipe.get("ibn", False) == (norms == ["ibn"])
    assert recipe["size"] == size
    assert recipe["world"]["seed"] == PRETRAINING_SEED != SEED
    assert about["seeds"] == f"{recipe['seed']} of the training, {PRETRAINING_SEED} of the world"
    assert re.match(r"\d+ cores of .*; device .*, \d threads", about["hardware"])
    assert re.match(r"rank1 [\d.]+ %, map [\d.]+ % on 64 people who were held out", about["scores"])
    assert starting_folder("auto", kind, Size(size)) == shipped()[name]


def test_the_retriever_for_occluded_people_has_masks_and_tells_what_it_was_trained_on():
    about = json.loads((shipped()[OCCLUDED] / "card.json").read_bytes())["about"]
    assert about["command"].startswith("glimpse train dpm++ ")
    assert "seed 102" in about["data"]
    assert re.match(r"\d+ cores of .*; device .*, \d threads", about["hardware"])
    assert re.match(r"rank-1 [\d.]+ %, mAP [\d.]+ % ", about["scores"])
    retriever = Retriever.load(OCCLUDED)
    assert isinstance(retriever.similarity, MaskedCosine)
    assert isinstance(retriever.encoder, NetworkEncoder)
    # cameras of somebody else's world have the same numbers and mean nothing here
    assert retriever.encoder.card.cameras == ()
    size = sum(path.stat().st_size for path in shipped()[OCCLUDED].iterdir())
    assert size <= 15 * 2**20


def test_the_retriever_for_partial_people_compares_sets_and_tells_what_it_was_trained_on():
    about = json.loads((shipped()[PARTIAL] / "card.json").read_bytes())["about"]
    assert about["command"].startswith("glimpse train mos ")
    assert json.loads(about["recipe"])["method"] == "mos"
    assert "seed 311" in about["data"]
    assert re.match(r"\d+ cores of .*; device .*, \d threads", about["hardware"])
    assert re.match(r"rank-1 [\d.]+ %, mAP [\d.]+ % on partial queries ", about["scores"])
    retriever = Retriever.load(PARTIAL)
    assert isinstance(retriever.similarity, ConflictPenalized)
    assert retriever.similarity.weight > 0
    assert sum(path.stat().st_size for path in shipped()[PARTIAL].iterdir()) <= 3 * 2**20


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_find_strangers_that_colors_do_not(name, crowd):
    images, protocol, camera = crowd
    found = {}
    for each in ("colors", name):
        retriever = Retriever.load(each)
        vectors = retriever.embed(images)
        scores = retriever.score(vectors[camera == 0], vectors[camera > 0])
        found[each] = evaluate(scores, protocol).mean_ap
    assert found[name] > found["colors"] + 0.05, found
