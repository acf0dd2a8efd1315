import re
import shutil

from benchmarks.__main__ import ROOT
from benchmarks.robustness import class_of, merged, page, tried

CSV = "test_tables.py::test_a_damaged_file_ends_in_a_sentence_or_is_read[table.csv]"
KILLS = "test_writing.py::test_a_command_that_is_killed_and_run_again_ends_as_undisturbed[embed]"


def row(kind=CSV, seed=0, tried=10, refused=None, failed=0, commit="abc"):
    about = {"seconds": 1.25, "commit": commit, "on": "2 cores"}
    return {"kind": kind, "seed": seed, "tried": tried, "refused": refused, "failed": failed, **about}


def test_runs_of_several_kinds_and_seeds_add_up_and_the_same_seed_counts_once():
    rows = []
    for new in (row(), row(seed=1, tried=20, refused=7, commit="def"), row(KILLS, tried=3), row(tried=15)):
        rows = merged(rows, new)
    told = page(rows)
    assert "38 inputs of 2 kinds, seeds 0-1: none failed. At `abc`, `def`, on 2 cores." in told
    assert "| damaged tables of records | 1 | 35 | 7 | 0 | 2 |" in told
    assert "| kills | 1 | 3 |  | 0 | 1 |" in told
    assert f"| {CSV} | 0-1 | 35 | 7 | 0 | 2 |" in told


def test_a_failure_is_named_on_top():
    assert f": **1 failed**: {KILLS}." in page([row(), row(KILLS, failed=1)])


def test_every_kind_has_a_class():
    for path in sorted((ROOT / "tests" / "fuzz").glob("test_*.py")):
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE):
            assert "::" not in class_of({"kind": f"{path.name}::{name}"})


def test_a_test_is_told_when_it_is_done(tmp_path):
    shutil.copy(ROOT / "tests" / "fuzz" / "conftest.py", tmp_path)
    (tmp_path / "test_some.py").write_text(
        "import os\n"
        "COUNT = int(os.environ['GLIMPSE_FUZZ']) + int(os.environ['GLIMPSE_FUZZ_SEED'])\n"
        "def test_one(record_property):\n"
        "    record_property('refused', 5)\n"
        "def test_two():\n"
        "    assert False\n"
    )
    first, second = tried(["-p", "no:cacheprovider", str(tmp_path)], inputs=30, seed=3)
    assert first.pop("kind").endswith("test_some.py::test_one")
    assert second.pop("kind").endswith("test_some.py::test_two")
    assert first == {"tried": 33, "refused": 5, "failed": 0, "seconds": 0.0}
    assert second == {"tried": 33, "refused": None, "failed": 1, "seconds": 0.0}
