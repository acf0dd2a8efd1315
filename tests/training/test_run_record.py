import shutil
import subprocess

import pytest

from glimpse.errors import TrainingError
from glimpse.records import Records
from glimpse.training.run_record import check_same_run, fingerprint, git_commit, read_run


def table(folder, persons=(1, 2, 3)):
    return Records.from_columns([f"{folder}/p{i}/{i}.jpg" for i in range(3)], list(persons), camera=[1, 2, 3])


def test_a_fingerprint_follows_the_content_and_not_the_place_or_the_order():
    here = fingerprint(table("/data/market"))
    assert here == fingerprint(table("/elsewhere/m"))
    assert here == fingerprint(table("/data/market")[[2, 0, 1]])
    assert here != fingerprint(table("/data/market", (1, 2, 2)))
    assert here != fingerprint(table("/data/market")[:2])
    assert here["rows"] == here["persons"] == 3


def test_fingerprints_of_odd_tables():
    assert fingerprint(Records.empty())["rows"] == 0
    bare = Records.from_columns(["a.jpg", "b.jpg"], [1, 1])
    assert fingerprint(bare) != fingerprint(bare[:1])
    odd = Records.from_columns(["x/\udcff.jpg"], [1])
    assert fingerprint(odd)["rows"] == 1


def test_the_commit_is_known_inside_git_and_none_outside(tmp_path):
    assert git_commit(tmp_path) is None
    assert git_commit(tmp_path / "nowhere") is None
    if shutil.which("git") is None:
        return
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    (tmp_path / "file").write_text("1")
    for command in (["init", "-q"], ["add", "file"], [*identity, "commit", "-qm", "first"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    clean = git_commit(tmp_path)
    assert len(clean) == 40
    (tmp_path / "file").write_text("2")
    assert git_commit(tmp_path) == clean + "+"
    (tmp_path / "elsewhere").mkdir()
    assert git_commit(tmp_path / "elsewhere") == clean


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        (b"{", "missing or damaged"),
        (b"\xff\xfe{}", "missing or damaged"),
        (b"[" * 100_000, "missing or damaged"),
        (b"[]", "is not the record of a run"),
        (b"null", "is not the record of a run"),
        (b"{}", "is not the record of a run"),
        (b'{"resumed": 3}', "is not the record of a run"),
    ],
)
def test_a_damaged_record_cannot_be_resumed(tmp_path, written, sentence):
    (tmp_path / "run.json").write_bytes(written)
    with pytest.raises(TrainingError, match=f"cannot resume: .*run.json {sentence}|{sentence}"):
        read_run(tmp_path / "run.json")


def test_a_key_that_one_run_lacks_is_a_difference():
    run = {"recipe": {"a": 1, "b": None}, "seed": 0, "data": {}, "stages": {}, "engine": {}}
    check_same_run(run, run)
    with pytest.raises(TrainingError, match=r"made with recipe\.b None, now it is None"):
        check_same_run({**run, "recipe": {"a": 1}}, run)


def test_the_engine_of_an_earlier_version_is_understood():
    same = {"recipe": {}, "seed": 0, "data": {}, "stages": {}}
    now = {**same, "engine": {"dtype": "float32", "average": None}}
    check_same_run({**same, "engine": {"precision": "float32", "average": None, "workers": 1}}, now)
    with pytest.raises(TrainingError, match=r"made with engine\.dtype bfloat16, now it is float32"):
        check_same_run({**same, "engine": {"precision": "bfloat16", "average": None}}, now)
