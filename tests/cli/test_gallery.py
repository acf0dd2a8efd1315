"""`glimpse gallery`: every verb, in words and as JSON."""

import json
import re

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from glimpse.cli.gallery import app
from glimpse.embeddings import Embeddings
from glimpse.errors import GlimpseError, OptionError
from glimpse.records import Records


def run(*arguments):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None:
        raise result.exception
    return result.stdout


@pytest.fixture
def images(tmp_path):
    (tmp_path / "images").mkdir()
    for person, color in enumerate(("red", "blue", "green")):
        for camera in (1, 2):
            image = np.asarray(Image.new("RGB", (20, 40), color)).copy()
            image[: 6 * camera] = 0
            Image.fromarray(image).save(tmp_path / "images" / f"{person:04d}_c{camera}.png")
    return tmp_path / "images"


@pytest.fixture
def gallery(images, tmp_path):
    names = r"(?P<person>\d+)_c(?P<camera>\d)"
    said = run(
        "add", tmp_path / "people", images, "--retriever", "colors", "--names", names, "--source", "shop"
    )
    assert said == "6 added, 0 were there already\n"
    return tmp_path / "people"


def test_images_are_found_as_people_and_as_images(gallery, images):
    said = run("search", gallery, images / "0001_c2.png", "-k", 2)
    first, second, last = said.splitlines()
    assert re.fullmatch(
        rf"  1  1\.000  person 1  2 images  camera 2  [0-9a-f]{{12}}  {images}/0001_c2.png", first
    )
    assert second.startswith("  2  ")
    assert last == "6 images searched, all scored, by colors"
    answer = json.loads(
        run("search", gallery, "--text", "in blue", "--images", "--where", "camera=1", "--json")
    )
    assert (answer["searched"], answer["exact"], answer["space"]) == (3, True, "colors")
    assert answer["found"][0]["matches"][0]["path"] == f"{images}/0001_c1.png"
    id = answer["found"][0]["matches"][0]["id"]
    liked = json.loads(run("search", gallery, "--like", id[:10], "--unlike", id[:10], "-k", 1, "--json"))
    assert liked["found"][0]["score"] == pytest.approx(0.5, abs=1e-5)


def test_adding_again_adds_nothing_and_what_is_broken_is_named(gallery, images):
    (images / "x.png").write_bytes(b"no image")
    result = CliRunner().invoke(app, ["add", str(gallery), str(images)])
    assert result.stdout == "0 added, 6 were there already\n"
    assert result.stderr.startswith(f"left out {images}/x.png: ")
    with pytest.raises(OptionError, match="none of the 1 images can be used"):
        run("add", gallery, images / "x.png")


def test_people_are_deleted_expired_and_erased(gallery):
    assert run("delete", gallery, "--where", "person=0", "--where", "camera=1") == "1 images deleted\n"
    assert run("expire", gallery, "--older-than", "1") == "0 images expired\n"
    erased = run("erase", gallery, "--where", "person=1", "--purpose", "asked", "--as", "ann", "--json")
    assert json.loads(erased) == {"erased": 2}
    assert run("compact", gallery) == "3 images kept\n"
    info = json.loads(run("info", gallery, "--json"))
    assert (info["images"], info["people"], info["cameras"], info["sources"]) == (3, 2, [1, 2], ["shop"])
    assert (info["spaces"][0]["exact"], info["spaces"][0]["recall"]) == (True, 1.0)
    assert "space colors: 3 x 531, cosine, search is exact" in run("info", gallery)
    events = json.loads(run("audit", gallery, "--json"))
    assert [e["action"] for e in events if e["state"] == "done"] == [
        *("create", "add", "delete", "expire", "erase", "compact")
    ]
    assert (events[-3]["who"], events[-3]["purpose"]) == ("ann", "asked")
    assert "ann  erase done" in run("audit", gallery, "--last", 3)


def test_embeddings_of_a_retriever_and_of_any_model(gallery, images, tmp_path):
    from glimpse.retriever import Retriever

    Image.new("RGB", (20, 40), "white").save(images / "new.png")
    new = Records.from_columns([str(images / "new.png")], [9])
    Retriever.load("colors").embed_to_file(new, tmp_path / "own.safetensors", table=tmp_path / "own.csv")
    assert run("add", gallery, tmp_path / "own.safetensors").startswith("1 added")
    Embeddings(np.ones((1, 4), np.float32)).save(tmp_path / "model.safetensors")
    with pytest.raises(OptionError, match="must lie beside it, as model"):
        run("add", gallery, tmp_path / "model.safetensors")
    new.save(tmp_path / "model.csv")
    with pytest.raises(OptionError, match="different retrievers are not comparable"):
        run("add", gallery, tmp_path / "model.safetensors")
    assert run("add", tmp_path / "other", tmp_path / "model.safetensors", "--made-by", "osnet").startswith(
        "1 added"
    )
    Records.from_columns(["/another.png"], [9]).save(tmp_path / "own.csv")
    with pytest.raises(OptionError, match="vectors of other records"):
        run("add", gallery, tmp_path / "own.safetensors")


def test_another_retriever_embeds_everything(gallery, images):
    assert run("add", gallery, "--retriever", "vit-micro") == "6 added, 0 were there already\n"
    assert "by vit-micro" in run("search", gallery, images / "0001_c2.png")
    assert "by colors" in run("search", gallery, images / "0001_c2.png", "--space", "colors")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("add {gallery}", "there is nothing to add"),
        ("add {gallery} {images} --keep-days 3", "--keep-days is for new galleries"),
        ("add {images}/new {images}", "there is no gallery at"),
        ("add {gallery} {images}/nothing", "there is nothing at"),
        ("add {gallery} {images} --names x(", "is no regular expression"),
        ("search {gallery}", "needs an image, a sentence or an earlier match"),
        ("search {gallery} {images}/nothing.png", "there is no such file"),
        ("search {gallery} --like zz", "an image's id is"),
        ("search {gallery} --text red --modality guess", "the modality of a query is rgb or ir"),
        ("search {images} --text red", "there is no gallery in"),
        ("delete {gallery}", "say which rows to delete"),
        ("delete {gallery} --where color=red", "there is no condition 'color'"),
        ("erase {gallery}", "say which rows to erase"),
        ("expire {gallery}", "neither told nor a rule"),
        ("info {images}", "there is no gallery in"),
    ],
)
def test_bad_words_are_one_sentence(gallery, images, words, sentence):
    with pytest.raises(GlimpseError, match=re.escape(sentence)):
        run(*words.format(gallery=gallery, images=images).split())
