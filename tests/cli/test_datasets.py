import json
import subprocess
import sys

import pytest
from PIL import Image

from glimpse.cli import app, main


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


@pytest.fixture
def partial_ilids(tmp_path):
    for name in ("query/1.jpg", "query/2.jpg", "gallery/1.jpg"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (2, 5)).save(path)
    return tmp_path


def test_the_table_lists_every_layout_and_says_nothing_is_downloaded(run):
    code, out, _ = run("datasets")
    assert code == 0
    assert "occluded_duke  Occluded-Duke" in out
    assert "withdrawn: your own copy only" in out
    assert "Nothing is downloaded" in out
    code, out, _ = run("datasets", "--json")
    table = {layout["name"]: layout for layout in json.loads(out)}
    assert table["market1501"]["published"]["train"] == [751, 12936]
    assert len(table) == 18


def test_check_shows_both_counts_and_valid_and_skipped_queries(run, partial_ilids):
    code, out, err = run("datasets", "check", f"partial-ilids:{partial_ilids}")
    assert (code, err) == (1, "")  # there are problems
    assert "test query    2 persons / 2 rows     119 persons / 119 rows" in out
    assert "test      1       1              1        one right answer per query" in out
    assert "problem: test gallery: found 1 persons / 1 rows, expected 119 persons / 119 rows" in out


def test_check_gives_the_same_as_json(run, partial_ilids):
    code, out, _ = run("datasets", "check", f"partial_ilids:{partial_ilids}", "--json")
    report = json.loads(out)
    assert code == 1
    assert report["parts"]["test query"] == {"found": [2, 2], "expected": [119, 119]}
    assert (report["protocols"][0]["valid"], report["protocols"][0]["skipped"]) == (1, 1)
    assert len(report["problems"]) == 2


def test_check_decodes_on_request_and_names_the_broken(run, partial_ilids):
    (partial_ilids / "query" / "2.jpg").write_bytes(b"")
    _, out, _ = run("datasets", "check", f"partial_ilids:{partial_ilids}", "--decode", "--json")
    broken = [p for p in json.loads(out)["problems"] if "2.jpg" in p]
    assert len(broken) == 1


def test_reader_options_are_typed(run, tmp_path):
    for kind in ("occluded", "whole"):
        for person in range(4):
            path = tmp_path / f"{kind}_body_images" / f"{person}_1.png"
            path.parent.mkdir(exist_ok=True)
            Image.new("RGB", (2, 5)).save(path)
    code, out, _ = run("datasets", "check", f"p_ethz:{tmp_path}", "--reader", "split=3")
    assert code == 1  # its counts are not those of P-ETHZ
    assert "seeded split 3 of 10" in out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["market1501"], "name a data set as NAME:DIR"),
        (["market1500:."], "did you mean market1501?"),
        (["market1501:none"], "none is not a folder"),
        (["p_ethz:.", "--reader", "split=x"], "the option split must be a whole number, got 'x'"),
        (["p_ethz:.", "--reader", "spilt=1"], "no option is called 'spilt'; did you mean split?"),
        (["p_ethz:.", "--reader", "split"], "the option 'split' has no value: key=value is expected"),
        (
            ["sysu_mm01:.", "--reader", "draw=best"],
            "the option draw must be one of official, seeded, got 'best'",
        ),
        (["market1501:.", "--reader", "split=1"], "no option is called 'split'; there are none"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(run, arguments, sentence):
    code, out, err = run("datasets", "check", *arguments)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1


def test_unknown_options_and_commands_exit_with_2(run):
    for arguments in (["--wrong"], ["datasets", "chek"], ["nothing"]):
        code, _, err = run(*arguments)
        assert code == 2
        assert "Traceback" not in err


def test_a_full_disk_is_one_sentence(run, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device", "table.csv")

    monkeypatch.setattr("glimpse.cli.app", full)
    code, _, err = run("datasets")
    assert (code, err) == (2, "glimpse: table.csv: the disk is full\n")


def test_help_and_version_name_the_commands(run):
    code, out, _ = run("--help")
    assert code == 0
    assert "datasets" in out
    assert run("--version")[1].startswith("glimpse 0.")
    code, out, _ = run("datasets", "check", "--help")
    assert "Example: glimpse datasets check" in out
    assert app.info.help


HEAVY = ("torch", "numba", "scipy", "numpy", "PIL", "rich")


@pytest.mark.parametrize(("statement", "heavy"), [("import glimpse", HEAVY), ("import glimpse.cli", HEAVY)])
def test_importing_loads_nothing_heavy(statement, heavy):
    program = f"{statement}; import sys; print([m for m in {heavy!r} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_mistakes_with_names_are_one_line_and_exit_code_2(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    long, strange = "n" * 300, "two\nlines"
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").touch()
    (tmp_path / "images").mkdir()
    Image.new("RGB", (2, 5)).save(tmp_path / "images" / "1.png")
    for arguments, sentence in [
        (("datasets", "check", f"folder:{long}"), f"{long}: its name is too long"),
        (("datasets", "check", "folder:~nouser/x"), "~nouser/x names a home folder, and there is none"),
        (("datasets", "check", "folder:loop"), "loop is not a folder"),
        (("datasets", "check", f"folder:{strange}"), "two\\nlines is not a folder"),
        (("datasets", "check", "folder:file/below"), "file/below is not a folder"),
        (("embed", "~nouser/x", "images", "o.safetensors"), "~nouser/x names a home folder"),
        (("embed", "colors", long, "o.safetensors"), "its name is too long"),
    ]:
        code, out, err = run(*arguments)
        assert (code, out, err.count("\n")) == (2, "", 1), arguments
        assert sentence in err


def test_a_name_that_is_no_text_can_be_shown(tmp_path):
    """The stream of a real process refuses half a surrogate pair."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b\udcff.png").write_bytes(b"none")
    command = [
        sys.executable,
        "-m",
        "glimpse",
        "datasets",
        "check",
        f"folder:{tmp_path}",
        "--decode",
        "--json",
    ]
    told = subprocess.run(command, capture_output=True)
    assert (told.returncode, told.stderr.strip()) == (1, b"")
    assert "b\\udcff.png" in json.loads(told.stdout)["problems"][0]


def test_what_holds_for_every_protocol_is_said_once(run, tmp_path):
    for camera in range(1, 7):
        for person in (1, 2):
            path = tmp_path / f"cam{camera}" / f"{person:04d}" / "0001.jpg"
            path.parent.mkdir(parents=True)
            Image.new("RGB", (4, 8), (40 * camera, 100 * person, 0)).save(path)
    (tmp_path / "exp").mkdir()
    for name, persons in (("train_id", "1"), ("val_id", ""), ("test_id", "2")):
        (tmp_path / "exp" / f"{name}.txt").write_text(persons)
    for command in (("datasets", "check"), ("evaluate", "colors", "--data")):
        _, out, _ = run(*command, f"sysu_mm01:{tmp_path}")
        assert out.count("gallery by AGW's seeded draw") == 1
