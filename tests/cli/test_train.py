import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from glimpse.choices import Size
from glimpse.cli import main
from glimpse.files import begin_folder
from glimpse.models.card import NetworkCard
from glimpse.models.factory import build_network
from glimpse.models.storage import save_network

SHORT = ("epochs=2", "sampler.persons=4", "sampler.images=2", "validation.share=0.34", "weights=none")


def short_training(market, out):
    """The words of a command that trains for a moment."""
    command = ["train", "bot", "--data", f"market1501:{market}", "--preset", "world", "--out", out]
    return command + [word for setting in SHORT for word in ("--set", setting)]


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command line as its user does; gives exit code, output and errors."""

    def running(*arguments):
        monkeypatch.setattr(sys, "argv", ["glimpse", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        captured = capsys.readouterr()
        return stop.value.code or 0, captured.out, captured.err

    return running


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    """Six training persons and two test persons by two cameras, in the layout of Market-1501."""
    root = tmp_path_factory.mktemp("market")
    random = np.random.default_rng(0)
    for folder, persons, cameras in (
        ("bounding_box_train", range(1, 7), (1, 2)),
        ("query", (7, 8), (1,)),
        ("bounding_box_test", (7, 8), (1, 2)),
    ):
        (root / folder).mkdir()
        for person in persons:
            color = np.random.default_rng(person).integers(0, 256, 3)
            for camera in cameras:
                for shot in range(1 if folder == "query" else 2):
                    pixels = (color + random.integers(-9, 10, (64, 32, 3))).clip(0, 255).astype(np.uint8)
                    name = f"{person:04d}_c{camera}s1_{shot:06d}_00.jpg"
                    Image.fromarray(pixels).save(root / folder / name)
    return root


def sentences(err):
    """What was refused, without what is told of a data set that is smaller than the published one."""
    return [line for line in err.splitlines() if not line.startswith("problem in ")]


@pytest.fixture
def broken(market, tmp_path):
    """The same rows, but no image can be decoded."""
    for path in market.glob("*/*.jpg"):
        (tmp_path / "broken" / path.parent.name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "broken" / path.parent.name / path.name).write_bytes(b"no image")
    return tmp_path / "broken"


def test_training_is_measured_once_and_can_be_resumed(run, market, tmp_path):
    command = short_training(market, tmp_path / "run")
    code, out, err = run(*command, "--json")
    assert code == 0, err
    measures = json.loads(out)
    assert measures["start"] == "random weights"
    assert set(measures["test"]) == set(measures["validation"]) == {"final", "best"}
    assert all(0 <= value <= 1 for values in measures["test"].values() for value in values.values())
    assert json.loads((tmp_path / "run" / "measures.json").read_text()) == measures
    code, _, err = run(*command)
    assert code == 2
    assert "holds a training run already: resume it (--resume)" in err
    code, out, err = run(*command, "--resume")
    assert code == 0, err
    assert "test, best: rank-1" in out


@pytest.mark.parametrize(
    ("out", "more", "sentence"),
    [
        ("", (), "the value of --out is empty"),
        ("{market}", (), "is the data set"),
        ("{market}/..", (), "contains the data set"),
        ("{market}", ("--resume",), "is the data set"),
        ("{tmp}/mine", (), "mine is not empty: choose a new or an empty folder for a training run"),
        ("{tmp}/mine", ("--resume",), "mine is not empty: choose a new or an empty folder"),
        ("{tmp}/ablation", ("--resume",), "ablation holds an ablation: choose a new or an empty folder"),
        ("{tmp}/mine/notes.txt", (), "a part of its path is a file"),
    ],
)
def test_a_run_fills_a_new_folder_or_its_own(run, market, tmp_path, out, more, sentence):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    begin_folder(tmp_path / "ablation", "an ablation", resume=False)
    before = {path: path.stat().st_mtime_ns for root in (market, tmp_path) for path in root.rglob("*")}
    code, _, err = run(*short_training(market, out.format(market=market, tmp=tmp_path)), *more)
    assert code == 2
    assert len(sentences(err)) == 1
    assert sentence in err
    after = {path: path.stat().st_mtime_ns for root in (market, tmp_path) for path in root.rglob("*")}
    assert after == before


def test_of_two_processes_the_first_alone_reports(market, tmp_path):
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone"]
    command = [*launch, "-m", "glimpse", *short_training(market, "run"), "--json"]
    source = str(Path(__file__).parents[2] / "src")
    environment = {**os.environ, "PYTHONPATH": source, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=True
    )
    measures = json.loads(done.stdout)  # one report, not two
    assert all(set(measures[part]) == {"final", "best"} for part in ("test", "validation"))
    assert all(measures["validation"].values())
    assert json.loads((tmp_path / "run" / "measures.json").read_text()) == measures
    assert json.loads((tmp_path / "run" / "run.json").read_text())["hardware"]["processes"] == 2


def test_a_selector_says_where_persons_are(run, market, tmp_path):
    card = NetworkCard("spt", Size.MICRO, (64, 32))
    save_network(tmp_path / "selector", card, build_network(card).state_dict())
    command = ["train", "transreid", "--data", f"market1501:{market}", "--preset", "world", "--no-test"]
    for setting in ("epochs=1", "sampler.persons=4", "sampler.images=2", "validation.share=0.34"):
        command += ["--set", setting]
    command += ["--set", "weights=none", "--masks", tmp_path / "selector"]
    code, _, err = run(*command, "--set", "transfer.share=0.5", "--out", tmp_path / "run")
    assert code == 0, err
    assert "patch selector" in json.loads((tmp_path / "run" / "recipe.json").read_text())["masks"]
    code, _, err = run(*command, "--out", tmp_path / "other")
    assert code == 2
    assert "the recipe transfers no patches" in err


@pytest.fixture(scope="module")
def captioned(tmp_path_factory):
    """Five training, two validation and two test persons, twice each, in the layout of CUHK-PEDES."""
    root = tmp_path_factory.mktemp("captioned")
    (root / "imgs").mkdir()
    random = np.random.default_rng(0)
    entries = []
    for person in range(1, 10):
        color = np.random.default_rng(person).integers(0, 256, 3)
        for shot in range(2):
            pixels = (color + random.integers(-9, 10, (64, 32, 3))).clip(0, 255).astype(np.uint8)
            name = f"{person:04d}_{shot}.png"
            Image.fromarray(pixels).save(root / "imgs" / name)
            split = "train" if person < 6 else "val" if person < 8 else "test"
            captions = [f"person {person}, {word}" for word in ("once", "twice")]
            entries.append({"id": person, "file_path": name, "captions": captions, "split": split})
    (root / "reid_raw.json").write_text(json.dumps(entries))
    return root


def test_captions_are_not_read_by_a_method_of_images_and_val_chooses_its_model(run, captioned, tmp_path):
    command = short_training(captioned, tmp_path / "run")
    command[command.index(f"market1501:{captioned}")] = f"cuhk_pedes:{captioned}"
    code, out, err = run(*command)
    assert code == 0, err
    assert f"no test: cuhk_pedes:{captioned} has captions as queries, which bot does not read" in err
    assert "validation, best: rank-1" in out
    assert "test, " not in out
    assert "bot learns from 10 images; 20 captions are not read" in err
    recipe = json.loads((tmp_path / "run" / "recipe.json").read_text())
    assert recipe["validated_by"] == "query: 4 rgb; gallery: 4 rgb; not counted: same_image"
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (record["data"]["rows"], record["data"]["persons"]) == (10, 5)
    code, _, err = run(*command, "--set", "sampler.balanced=true", "--out", tmp_path / "other")
    assert code == 2
    assert err.splitlines()[-1].endswith("a balanced sampler needs two modalities, got only rgb")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("method", "weights"),
    [
        ("bot", "timm/resnet50.tv_in1k"),
        ("transreid", "timm/vit_base_patch16_224.orig_in21k_ft_in1k"),
        ("dpm++", "openai/clip-vit-base-patch16"),
    ],
)
def test_a_published_recipe_without_weights_is_refused_before_an_image_is_read(
    run, broken, tmp_path, method, weights
):
    command = ["train", method, "--data", f"market1501:{broken}", "--out", tmp_path / "run"]
    code, out, err = run(*command)
    assert code == 2
    assert out == ""
    assert len(sentences(err)) == 1
    assert f"glimpse import-weights {weights} --out weights/" in err
    assert "--set weights=none" in err
    assert not (tmp_path / "run").exists()
    # told to start from noise, or at a size with weights, it goes on to the images
    for insisted in (["--set", "weights=none"], ["--size", "tiny"]):
        code, out, err = run(*command, *insisted, "--set", "sampler.persons=2")
        assert code == 2
        assert "cannot use the image" in err
        assert out.startswith("starting from ")


def test_weights_that_are_not_there_are_refused_before_an_image_is_read(run, broken, tmp_path):
    settings = ["--set", f"weights={tmp_path / 'none'}"]
    code, out, err = run(
        "train", "bot", "--data", f"market1501:{broken}", "--out", tmp_path / "run", *settings
    )
    assert code == 2
    assert out == ""
    assert "there are no weights to start from" in err
    assert len(sentences(err)) == 1


def test_the_start_is_said_first(run, market, tmp_path):
    out = run(*short_training(market, tmp_path / "run"), "--no-test")[1]
    assert out.splitlines()[0] == "starting from random weights"


def table(folder, persons, cameras=(1, 2), split=True):
    """A table of images of so many persons, the last two to test with; gives the words of its data set."""
    random, rows = np.random.default_rng(0), ["path,person,camera" + ",split" * split]
    for person in range(persons):
        for shot, camera in enumerate(cameras):
            color = np.random.default_rng(person).integers(0, 256, 3)
            pixels = (color + random.integers(-9, 10, (64, 32, 3))).clip(0, 255).astype(np.uint8)
            name = f"{person}_{shot}.png"
            Image.fromarray(pixels).save(folder / name)
            part = "train" if person < persons - 2 else "gallery" if shot else "query"
            rows.append(f"{name},{person},{camera}" + f",{part}" * split)
    (folder / "people.csv").write_text("\n".join(rows))
    return f"csv:{folder / 'people.csv'}"


def training_on(data, out):
    command = short_training("", out)
    command[command.index("market1501:")] = data
    return command


def test_what_is_trained_on_is_no_test(run, tmp_path):
    data = table(tmp_path, 8, split=False)
    code, out, err = run(*training_on(data, tmp_path / "run"))
    assert code == 0, err
    assert f"no test: 16 images of query and gallery of {data} are trained on: divide its rows" in err
    assert "validation, best: rank-1" in out
    assert "test, " not in out
    measures = json.loads((tmp_path / "run" / "measures.json").read_text())
    assert measures["test"] == {}
    assert "protocol" not in measures
    code, _, err = run(*training_on(data, tmp_path / "silent"), "--no-test")
    assert (code, err) == (0, "")


def test_ten_persons_are_enough_to_try(run, tmp_path):
    data = table(tmp_path, 10)
    command = ["train", "bot", "--data", data, "--preset", "world", "--size", "micro", "--set", "epochs=2"]
    code, out, err = run(*command, "--out", tmp_path / "run")
    assert code == 0, err
    assert "batches of 6 persons, not of 16: there are no more" in err  # of 8, two are set aside
    assert "test, final: rank-1" in out
    assert json.loads((tmp_path / "run" / "run.json").read_text())["recipe"]["sampler"]["persons"] == 6
    code, _, err = run(*command, "--out", tmp_path / "run", "--resume")
    assert code == 0, err


@pytest.fixture(scope="module")
def regdb(tmp_path_factory):
    """Twelve persons, two visible and two thermal images each, as RegDB without its lists."""
    root = tmp_path_factory.mktemp("regdb")
    random = np.random.default_rng(0)
    for person in range(1, 13):
        color = random.integers(0, 256, 3)
        for side in ("Visible", "Thermal"):
            (root / side / str(person)).mkdir(parents=True)
            for shot in range(2):
                pixels = (color + random.integers(-9, 10, (64, 32, 3))).clip(0, 255).astype(np.uint8)
                pixels = pixels if side == "Visible" else np.repeat(pixels[..., :1], 3, 2)
                Image.fromarray(pixels).save(root / side / str(person) / f"{shot}.bmp")
    return root


def test_the_direction_is_chosen_by_name_and_validated_likewise(run, regdb, tmp_path):
    command = ["train", "agw", "--data", f"regdb:{regdb}", "--preset", "world", "--reader", "split=3"]
    settings = ("epochs=1", "sampler.persons=2", "sampler.images=2", "validation.share=0.34", "weights=none")
    command += [word for setting in settings for word in ("--set", setting)]
    for name, validated in (
        ("thermal-to-visible", "query: 4 ir; gallery: 4 rgb; not counted: nothing"),
        ("visible-to-thermal", "query: 4 rgb; gallery: 4 ir; not counted: nothing"),
    ):
        out = tmp_path / name
        code, _, err = run(*command, "--protocol", name, "--out", out)
        assert code == 0, err
        measures = json.loads((out / "measures.json").read_text())
        assert measures["protocol"] == name
        assert set(measures["test"]["final"]) == {"rank1", "map"}
        assert json.loads((out / "recipe.json").read_text())["validated_by"] == validated
    code, _, err = run(*command, "--protocol", "all-multi", "--out", tmp_path / "none")
    assert code == 2
    assert "regdb has no protocol 'all-multi'; there are visible-to-thermal, thermal-to-visible" in err
    assert not (tmp_path / "none").exists()


@pytest.fixture
def never_decoded(monkeypatch):
    """Fails a test in which an image is decoded."""

    def build(*args, **kwargs):
        raise AssertionError("an image is decoded")

    monkeypatch.setattr("glimpse.methods.fit.PixelCache.build", build)


@pytest.mark.usefixtures("never_decoded")
@pytest.mark.parametrize("resume", [(), ("--resume",)])
def test_a_test_that_nobody_can_pass_is_refused_before_the_training(run, tmp_path, resume):
    data = table(tmp_path, 8, cameras=(1, 1))
    code, _, err = run(*training_on(data, tmp_path / "run"), *resume)
    assert code == 2
    assert "none of the 2 queries of the test has a right answer in its gallery of 2 rows" in err
    assert "--no-test" in err
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("never_decoded")
def test_persons_with_one_image_each_cannot_validate_and_that_is_said_first(run, tmp_path):
    data = table(tmp_path, 8, cameras=(1,), split=False)
    code, _, err = run(*training_on(data, tmp_path / "run"), "--no-test")
    assert code == 2
    assert "as each person has a single image: set none aside (validation.share=0)" in err


@pytest.mark.usefixtures("never_decoded")
@pytest.mark.parametrize(
    ("method", "weights", "sentence"),
    [
        ("bot", "vit-micro", "vit-micro is a ViT, and a ResNet is needed"),
        ("bot", "resnet-tiny", "resnet-tiny does not fit"),
        ("dpm++", "vit-micro", "vit-micro has no images to start from"),
        ("dpm++", "resnet-small", "or a shipped network (clip-micro, clip-tiny, "),
    ],
)
def test_weights_that_do_not_fit_are_refused_before_an_image_is_read(
    run, market, tmp_path, method, weights, sentence
):
    command = short_training(market, tmp_path / "run")
    command[1] = method
    command[command.index("weights=none")] = f"weights={weights}"
    if method == "dpm++":
        command += ["--set", "adapt-epochs=1"]
    code, _, err = run(*command)
    assert code == 2
    assert sentence in err
    assert not (tmp_path / "run").exists()


def test_a_shipped_network_is_taken_by_its_name(run, market, tmp_path):
    command = short_training(market, tmp_path / "run")
    command[command.index("weights=none")] = "weights=resnet-micro"
    assert run(*command, "--no-test")[1].splitlines()[0] == "starting from the weights in resnet-micro"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["bat", "--data", "market1501:."], "no method is called 'bat'"),
        (["bot", "--data", "market"], "name a data set as NAME:DIR"),
        (["bot", "--data", "market1501:.", "--set", "epoch=3"], "did you mean epochs"),
        (["bot", "--data", "market1501:.", "--set", "epochs=many"], "whole number"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(run, tmp_path, arguments, sentence):
    code, _, err = run("train", *arguments, "--out", tmp_path / "run")
    assert code == 2
    assert sentence in err
    assert err.count("\n") == 1
