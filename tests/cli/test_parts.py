"""`glimpse parts make`: maps of a user's images, a sheet of them, and training that learns from them."""

import json
import sys

import numpy as np
import pytest
from PIL import Image
from tiny_blazepose import onnx_model

from glimpse.cli import main
from glimpse.segmentation import label_maps, world_parts
from glimpse.world.export import export_world


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Run a command; gives its exit code and what it printed."""
    monkeypatch.chdir(tmp_path)

    def running(*arguments):
        monkeypatch.setattr(sys, "argv", ["glimpse", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        return stop.value.code or 0, capsys.readouterr()

    return running


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Eight persons of a rendered Market-1501."""
    folder = tmp_path_factory.mktemp("parts") / "world"
    export_world("market1501", folder, people=12, images_per_person=4, seed=3)
    return folder


def test_maps_of_a_data_set_are_written_shown_and_trained_on(run, world, tmp_path):
    code, printed = run(
        *("parts", "make", f"world:{world}", "--images", f"market1501:{world}", "--out", "maps"),
        *("--merge", "common", "--json"),
    )
    assert code == 0, printed.err
    told = json.loads(printed.out)
    assert told["made"] == told["images"] > 10
    assert told["parts"] == ["background", "head", "torso", "arms", "legs", "feet", "carried"]
    assert sum(told["share"].values()) == pytest.approx(1)
    assert 0.2 < 1 - told["share"]["background"] < 0.7
    with Image.open(tmp_path / "maps" / "sheet.jpg") as sheet:
        assert sheet.width > 900
    paths = sorted((world / "bounding_box_train").glob("*.jpg"))
    made = label_maps(tmp_path / "maps").parts(list(map(str, paths)), (32, 16))
    truth = world_parts(world, "common").parts(list(map(str, paths)), (32, 16))
    np.testing.assert_array_equal(made, truth)

    code, printed = run(
        *("train", "sap", "--preset", "world", "--data", f"market1501:{world}", "--out", "run"),
        *("--set", "teacher=maps", "--parts", "labels:maps", "--set", "epochs=1", "--no-test"),
        *("--set", "sampler.persons=2", "--set", "sampler.images=2", "--set", "validation.share=0"),
    )
    assert code == 0, printed.err
    recipe = json.loads((tmp_path / "run" / "recipe.json").read_text())
    assert recipe["part_maps"].startswith("the world's own part maps, as head, torso")
    card = json.loads((tmp_path / "run" / "final" / "network.json").read_text())
    assert "head,torso,arms,legs,feet,carried" in json.dumps(card)


def test_images_of_a_folder_keep_their_places_and_a_second_call_makes_nothing(run, tmp_path):
    for name in ("a/0.jpg", "b/0.png"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True)
        Image.fromarray(np.zeros((40, 20, 3), np.uint8)).save(path)
    for expected in ("2 part maps made, 0 were there", "0 part maps made, 2 were there"):
        code, printed = run("parts", "make", "stripes:6", "--images", "photos", "--out", "maps")
        assert code == 0
        assert expected in printed.out
        assert "train with --parts labels:maps" in printed.out
    assert (tmp_path / "maps" / "b" / "0.png").is_file()


def test_a_pose_network_tells_in_how_many_images_it_found_nobody(run, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "tiny.onnx").write_bytes(onnx_model())
    for number, color in enumerate(("black", "orangered", "black")):
        Image.new("RGB", (20, 40), color).save(tmp_path / "photos" / f"{number}.png")
    make = ("parts", "make", "blazepose:tiny.onnx", "--images", "photos", "--out")
    code, printed = run(*make, "maps")
    assert code == 0, printed.err
    assert (
        "3 part maps made, 0 were there: the landmarks and the mask of BlazePose (tiny.onnx)" in printed.out
    )
    assert "nobody was found in 2 of the 3" in printed.out
    code, printed = run(*make, "other", "--json")
    assert json.loads(printed.out)["empty"] == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("stripes:6", "--images", "nowhere", "--out", "maps"), "nowhere"),
        (("stripes:6", "--images", "photos", "--out", "photos/maps"), "must lie apart"),
        (("stripes:6", "--images", "photos", "--out", "."), "must lie apart"),
        (("strips:6", "--images", "photos", "--out", "maps"), "part labels are named as"),
        (("stripes:6", "--images", "empty", "--out", "maps"), "empty"),
        (("pose:none.json", "--images", "photos", "--out", "maps"), "none.json cannot be read"),
        (("blazepose:none.onnx", "--images", "photos", "--out", "maps"), "none.onnx cannot be read"),
        (("blazepose:photos/0.jpg", "--images", "photos", "--out", "maps"), "is no model in TFLite or ONNX"),
        (("lip:photos", "--images", "photos", "--out", "maps"), "there is nothing for the image"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(run, tmp_path, arguments, sentence):
    (tmp_path / "empty").mkdir()
    (tmp_path / "photos").mkdir()
    Image.fromarray(np.zeros((40, 20, 3), np.uint8)).save(tmp_path / "photos" / "0.jpg")
    code, printed = run("parts", "make", *arguments)
    assert code == 2
    assert sentence in printed.err
    assert printed.err.count("\n") == 1


def test_maps_for_a_recipe_that_takes_none_are_refused_with_the_key(run, world):
    code, printed = run(
        *("train", "sap", "--preset", "world", "--data", f"market1501:{world}", "--out", "x"),
        *("--parts", f"world:{world}", "--set", "sampler.persons=2"),
    )
    assert code == 2
    assert "set teacher=maps" in printed.err
