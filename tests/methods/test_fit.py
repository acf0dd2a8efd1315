import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import glimpse.methods.fit
from glimpse.choices import Form, MaskKind, Size
from glimpse.errors import OptionError, StorageError, TrainingError
from glimpse.evaluation import calibrate, roc
from glimpse.methods.bot import BoT
from glimpse.methods.embedding import embed_rows
from glimpse.methods.fit import finished_run, fit, run
from glimpse.methods.prepare import prepare, prepared_from_seed
from glimpse.methods.rows import ENDS, IDS
from glimpse.models.factory import similarity_of
from glimpse.models.storage import WEIGHTS, load_network
from glimpse.models.text.vocabularies import train_tokenizer
from glimpse.progress import silent
from glimpse.protocols import one_against_rest, sysu_mm01, text_to_image, without_cameras
from glimpse.recipes.bot import BoTRecipe
from glimpse.recipes.clip import ClipRecipe
from glimpse.recipes.clip_reid import ClipReIDRecipe
from glimpse.recipes.dpm import DpmRecipe
from glimpse.recipes.groups import ValidationRecipe, scaled
from glimpse.recipes.provenance import with_settings
from glimpse.recipes.transreid import TransReIDRecipe
from glimpse.records import NO_CAMERA, Records
from glimpse.retriever import Finished, Retriever
from glimpse.segmentation.parts import PART
from glimpse.similarity import MaskSide, SetJaccard, fit_conflict
from glimpse.training.engine import Engine


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
    found = embed_rows(network, card, people.pixels, people.records)
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


@pytest.fixture(scope="session")
def captions(images):
    """Two captions of each image, the second of them short."""
    colors = ("red", "blue", "green", "white", "black", "brown", "pink", "gray")
    person = images.person // 3
    wears = [f"a person in a {colors[p]} coat, image {row}" for row, p in enumerate(person)]
    short = [f"somebody in {colors[p]}" for p in person]
    return Records.from_columns(
        np.tile(images.path, 2), np.tile(images.person, 2), modality="text", caption=[*wears, *short]
    )


def told(run):
    return json.loads((run / "recipe.json").read_text())


def weights_of(fitted):
    return [(folder / WEIGHTS).read_bytes() for folder in (fitted.final, fitted.best)]


def test_captions_are_no_further_images_of_a_method_of_images(images, captions, micro, tmp_path):
    recipe = brief(micro, BoTRecipe())
    both = Records.concat([images, captions])
    alone, beside = (
        fit("bot", recipe, rows, tmp_path / name, cache=tmp_path / "pixels")
        for name, rows in (("alone", images), ("beside", both))
    )
    assert weights_of(alone) == weights_of(beside)
    runs = [json.loads((tmp_path / name / "run.json").read_text()) for name in ("alone", "beside")]
    assert runs[0]["data"] == runs[1]["data"]
    assert told(tmp_path / "beside")["rows"] == "48 images; 128 captions are not read"
    assert "rows" not in told(tmp_path / "alone")
    assert finished_run("bot", recipe, both, tmp_path / "beside", Engine())


@pytest.fixture
def reading():
    """A recipe of CLIP, which reads, on images and captions of a few persons."""
    return replace(scaled(ClipRecipe(), Size.MICRO), epochs=2, batch=16, vocabulary=600)


def test_a_method_that_reads_learns_from_captions_and_is_validated_by_them(
    images, captions, reading, tmp_path
):
    recipe = with_settings(reading, ["validation.every=1", "validation.share=0.25"])
    rows = Records.concat([images, captions])
    fitted = fit("clip", recipe, rows, tmp_path / "run")
    assert told(tmp_path / "run")["rows"] == "48 images with 96 captions"
    assert told(tmp_path / "run")["validated_by"] == "query: 32 text; gallery: 16 rgb; not counted: nothing"
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    assert run["data"]["rows"] == 96
    assert finished_run("clip", recipe, rows, tmp_path / "run", Engine())
    # what is left finds images by words, and measures what validation measured
    retriever = Retriever.load(fitted.final)
    aside = sorted(set(images.persons) - set(told_persons(tmp_path / "run")))
    query, gallery = captions.filter(person=aside), images.filter(person=aside)
    scores = retriever.similarity.pairwise(retriever.embed(query), retriever.embed(gallery))
    right = gallery.person[scores.argmax(1)] == query.person
    assert right.mean() == pytest.approx(fitted.outcome.measures["rank1"], abs=1 / 32 + 1e-6)
    again = fit("clip", recipe, rows, tmp_path / "again")
    assert weights_of(again) == weights_of(fitted)


def test_a_finish_sees_each_image_once_however_many_captions_it_has(
    images, captions, reading, tmp_path, monkeypatch
):
    seen = []
    monkeypatch.setattr(
        "glimpse.methods.prepare.prepare",
        lambda *given: replace(prepare(*given), finish=lambda network, rows: seen.append(rows) or Finished()),
    )
    recipe = with_settings(reading, ["epochs=1", "validation.share=0"])
    fitted = fit("clip", recipe, Records.concat([images, captions]), tmp_path / "run")
    (rows,) = seen
    assert rows.records.path.tolist() == images.path.tolist()
    found = Retriever.load(fitted.final).embed(images).vectors
    np.testing.assert_allclose(rows.embeddings.vectors, found, rtol=1e-4, atol=1e-5)


def told_persons(run):
    return json.loads((run / "persons.json").read_text())["persons"]


def test_the_protocol_that_a_data_set_selects_by_chooses_the_best_epoch(
    images, captions, reading, micro, tmp_path
):
    aside = [0, 3]
    rest = [6, 9, 12, 15, 18, 21]
    selection = text_to_image(
        captions.filter(person=aside), images.filter(person=aside), name="val", trained_on=""
    )
    rows = Records.concat([images.filter(person=rest), captions.filter(person=rest)])
    recipe = with_settings(reading, ["validation.every=1"])
    fit("clip", recipe, rows, tmp_path / "clip", validation=selection)
    assert told_persons(tmp_path / "clip") == rest  # nobody of the training rows is set aside
    assert told(tmp_path / "clip")["validated_by"] == "query: 32 text; gallery: 16 rgb; not counted: nothing"
    fit("bot", brief(micro, BoTRecipe()), rows, tmp_path / "bot", validation=selection)
    assert told_persons(tmp_path / "bot") == rest
    words = told(tmp_path / "bot")["validated_by"]
    assert words == "query: 4 rgb; gallery: 16 rgb; not counted: same_person_and_camera"


def test_validation_asks_as_the_data_set_does(images, micro, tmp_path):
    by_camera = images.camera == 5
    rows = images.with_columns(modality=np.where(by_camera, "ir", "rgb"))
    like = sysu_mm01(rows.filter(modality="ir"), rows.filter(modality="rgb"), None)[0]
    recipe = brief(micro, BoTRecipe())
    fit("bot", recipe, rows, tmp_path / "infrared", like=like, cache=tmp_path / "pixels")
    words = told(tmp_path / "infrared")["validated_by"]
    assert words == "query: 8 ir; gallery: 8 rgb; not counted: same_sysu_location"
    rows = images.with_columns(kind=np.where(by_camera, "occluded", "whole"))
    like = without_cameras(rows.filter(kind="occluded"), rows.filter(kind="whole"))
    fit("bot", recipe, rows, tmp_path / "occluded", like=like, cache=tmp_path / "pixels")
    words = told(tmp_path / "occluded")["validated_by"]
    assert words == "query: 8 rgb occluded; gallery: 8 rgb whole; not counted: nothing"


def test_rows_that_a_method_cannot_use_are_refused_before_anything_is_decoded(
    images, captions, micro, reading, tmp_path
):
    nowhere = images.with_columns(path=np.array([f"nowhere/{row}.jpg" for row in range(64)], object))
    recipe = brief(micro, BoTRecipe())
    balanced = with_settings(recipe, ["sampler.balanced=true"])
    lonely = nowhere[::8]  # a single image of each person
    for method, asked, rows, sentence in (
        ("clip", reading, nowhere, "clip learns from images with captions"),
        ("bot", recipe, captions, "bot learns from images"),
        ("bot", balanced, nowhere, "a balanced sampler needs two modalities, got only rgb"),
        (
            "bot",
            recipe,
            lonely,
            r"none of the 2 queries .* as each person has a single image: set none aside",
        ),
    ):
        with pytest.raises(OptionError, match=sentence):
            fit(method, asked, rows, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def conflicts(network, rows):
    """What a method of set similarities fits: a prior, its weight, and a threshold."""
    found, persons = rows.embeddings, rows.records.person
    similarity = fit_conflict(SetJaccard(), found, persons, np.random.default_rng(0), held_out=0.4)
    everybody = one_against_rest(rows.records.with_columns(camera=NO_CAMERA))
    curve = roc((found, found), everybody, similarity=similarity)
    return Finished(similarity, {"ceiling": similarity.prior.ceiling}, calibrate(curve, 0.2))


@pytest.fixture
def finishing(monkeypatch):
    """Makes BoT a method that finishes, on features before the neck, which are not negative."""

    def with_finish(finish):
        def prepared(method, recipe, data):
            found = prepare(method, recipe, data)
            card = replace(found.card, options={**found.card.options, "neck_feat": "before"})
            return replace(found, card=card, finish=finish)

        monkeypatch.setattr("glimpse.methods.prepare.prepare", prepared)

    return with_finish


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_what_a_method_finishes_with_is_what_its_networks_are_loaded_with(images, micro, tmp_path, finishing):
    # larger than the network's input, so that training and a retriever resize them differently
    paths = [str(tmp_path / f"{row:02d}.png") for row in range(len(images))]
    for path, small in zip(paths, images.path, strict=True):
        Image.open(small).resize((80, 160)).save(path)
    rows, seen = images.with_columns(path=np.array(paths, object)), []
    finishing(lambda network, rows: seen.append((rows, conflicts(network, rows))) or seen[-1][1])
    fitted = fit("bot", brief(micro, BoTRecipe()), rows, tmp_path / "run")
    assert len(seen) == 2
    for folder, (embedded, wanted) in zip((fitted.final, fitted.best), seen, strict=True):
        loaded = Retriever.load(folder)
        assert len(embedded.records.persons) == 6  # those who validate take no part
        vectors = loaded.embed(embedded.records).vectors
        np.testing.assert_allclose(embedded.embeddings.vectors, vectors, rtol=1e-4, atol=1e-5)
        kept, fresh = loaded.similarity, wanted.similarity
        assert (kept.similarity, kept.weight) == (SetJaccard(), fresh.weight)
        assert kept.prior.scale == fresh.prior.scale
        assert 0 < fresh.prior.together.max() <= 1
        np.testing.assert_array_equal(kept.prior.together, fresh.prior.together)
        np.testing.assert_array_equal(loaded.arrays["ceiling"], fresh.prior.ceiling)
        assert loaded.calibration.as_dict() == wanted.calibration.as_dict()
        pair = embedded.embeddings[:9], embedded.embeddings
        np.testing.assert_array_equal(loaded.score(*pair), fresh.pairwise(*pair))


class Killed(Exception):
    pass


@pytest.mark.parametrize("where", ["finish", "write_finished", "save_network"])
def test_a_run_that_is_killed_as_it_finishes_goes_on_to_the_same_bytes(
    where, images, micro, tmp_path, finishing, monkeypatch
):
    recipe, engine = brief(micro, BoTRecipe()), Engine()
    pixels = tmp_path / "pixels"
    finishing(conflicts)
    whole = fit("bot", recipe, images, tmp_path / "whole", cache=pixels)
    calls = []

    def dying(*arguments):
        """Do it for the final network, and die as the best one is at the same place."""
        calls.append(arguments)
        if len(calls) == 2:
            raise Killed
        return original(*arguments)

    original = conflicts if where == "finish" else getattr(glimpse.methods.fit, where)
    with monkeypatch.context() as patch:
        if where == "finish":
            finishing(dying)
        else:
            patch.setattr(f"glimpse.methods.fit.{where}", dying)
        with pytest.raises(Killed):
            fit("bot", recipe, images, tmp_path / "killed", cache=pixels)
    Retriever.load(tmp_path / "killed" / "final")
    assert not (tmp_path / "killed" / "best" / "network.json").exists()
    assert not finished_run("bot", recipe, images, tmp_path / "killed", engine)
    finishing(conflicts)
    resumed = fit("bot", recipe, images, tmp_path / "killed", cache=pixels, resume=True)
    assert contents(resumed.final) == contents(whole.final)
    assert contents(resumed.best) == contents(whole.best)
    assert finished_run("bot", recipe, images, tmp_path / "killed", engine)


def test_what_no_longer_finishes_leaves_nothing_of_an_older_finish(images, micro, tmp_path, finishing):
    recipe = with_settings(brief(micro, BoTRecipe()), ["validation.share=0"])
    finishing(conflicts)
    fit("bot", recipe, images, tmp_path / "run")
    finishing(None)
    fitted = fit("bot", recipe, images, tmp_path / "run", resume=True)
    assert Retriever.load(fitted.final).similarity == similarity_of(load_network(fitted.final)[0])


def test_a_tokenizer_is_saved_with_every_network(people, micro, tmp_path):
    recipe = with_settings(brief(micro, BoTRecipe()), ["epochs=1"])
    tokenizer = train_tokenizer(["a red coat", "a red bag"], size=600, context=8)
    prepared = replace(prepared_from_seed("bot", recipe, people), tokenizer=tokenizer)
    fitted = run(
        prepared,
        "bot",
        recipe,
        people,
        tmp_path / "run",
        None,
        lambda method: {"map": 1.0},
        resume=False,
        quiet=True,
    )
    for folder in (fitted.final, fitted.best):
        loaded = Retriever.load(folder).encoder.tokenizer
        assert loaded.decode(loaded.encode(["a red coat"]).ids[0]) == "a red coat"
    (fitted.best / "tokenizer.json").unlink()
    with pytest.raises(StorageError, match=r"lacks its file tokenizer\.json"):
        Retriever.load(fitted.best)


def test_a_network_that_embeds_texts_is_not_trained_without_a_tokenizer(people, micro, tmp_path):
    columns = {IDS: torch.full((64, 4), 5), ENDS: torch.full((64,), 3)}
    captioned = replace(people, columns=columns)
    recipe = replace(scaled(ClipRecipe(), Size.MICRO), batch=8)
    prepared = prepared_from_seed("clip", recipe, captioned)
    with pytest.raises(TrainingError, match="the network of clip embeds texts, and there is no tokenizer"):
        run(prepared, "clip", recipe, captioned, tmp_path / "run", None, None, resume=False, quiet=True)
    assert not (tmp_path / "run").exists()


class Halves:
    """Says that the upper half of everybody is their head, and the left of the rest their left leg."""

    truth = "an assumption"
    names = ("background", "head", "left_leg", "right_leg")

    def key(self, paths):
        return "halves"

    def parts(self, paths, size):
        maps = np.full((len(paths), *size), 1, np.uint8)
        maps[:, size[0] // 2 :] = 2
        maps[:, size[0] // 2 :, size[1] // 2 :] = 3
        return maps


class PartRecipe(BoTRecipe):
    """Of a method that asks for part labels."""

    needs_parts = True


def test_part_labels_reach_the_batches_of_a_recipe_that_asks_for_them(micro, images, tmp_path, monkeypatch):
    seen = []
    losses = BoT.losses

    def looking(self, batch, step):
        seen.append(batch)
        return losses(self, batch, step)

    monkeypatch.setattr(BoT, "losses", looking)
    recipe = micro(PartRecipe(), epochs=1)
    fit("bot", recipe, images, tmp_path / "run", cache=tmp_path / "cache", parts=Halves())
    assert json.loads((tmp_path / "run" / "recipe.json").read_text())["part_maps"] == "an assumption"
    labels = torch.cat([batch.maps[PART] for batch in seen])
    assert set(labels.unique().tolist()) == {0, 1, 2, 3}
    # sides change places in the mirror: left stays left, but for crops of up to the padding
    assert recipe.augment.flip == 0.5
    middle, padding = labels.shape[2] // 2, recipe.augment.padding
    assert not (labels[:, :, middle + padding :] == 2).any()
    assert not (labels[:, :, : middle - padding] == 3).any()


def test_part_labels_that_nobody_asks_for_are_refused(micro, images, tmp_path):
    with pytest.raises(OptionError, match="part maps are given to a recipe that learns from none"):
        fit("bot", micro(BoTRecipe(), epochs=1), images, tmp_path / "run", parts=Halves())
    with pytest.raises(OptionError, match="give label maps"):
        fit("bot", micro(PartRecipe(), epochs=1), images, tmp_path / "other")
