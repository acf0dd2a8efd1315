"""Commands that are killed at random moments, or run out of disk, end as undisturbed when they are run again.

What a command leaves is compared byte by byte with what it leaves undisturbed, but for times; nothing
half-written stays.
"""

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from foreign_checkpoints import draw, timm_shapes
from PIL import Image
from safetensors.torch import save_file

COUNT = max(
    2, int(os.environ.get("GLIMPSE_FUZZ", "0")) // 20
)  # kills of each command, and disks of each that are full
SEED = int(os.environ.get("GLIMPSE_FUZZ_SEED", "0"))
ROOT = Path(__file__).parents[2]
MOST_KILLS = 8  # of one piece of work, before it may end
LONGEST = 600  # seconds that a command may take
OWN_DISKS = ["unshare", "--map-root-user", "--mount"]
PAGE, LARGE = 4096, 2**30  # bytes

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1200 + 60 * COUNT),
    pytest.mark.skipif(sys.platform != "linux", reason="children are forked, and their ends awaited"),
]


@dataclass(frozen=True)
class Command:
    """A command that writes.

    Attributes:
        words: of the command, but for `{inputs}`.
        again: further words when it is run after a kill.
        done: what it says, and exits with 2, if a kill came when its work was done already.
        timed: keys of its JSON files that tell times, and what they rest on.
    """

    words: str
    again: str = ""
    done: str | None = None
    timed: tuple[str, ...] = ()


RUN = ("started", "finished", "resumed", "seconds", "images_per_second", "sha256")
SHORT = "--set epochs=2 --set sampler.persons=4 --set sampler.images=2 --set validation.share=0.34"
COMMANDS = {
    "train": Command(
        f"train bot --data csv:{{inputs}}/people.csv --preset world --out out {SHORT} --checkpoint-steps 1 "
        "--threads 1",
        again="--resume",
        timed=RUN,
    ),
    "train-masks": Command(
        f"train transreid --data csv:{{inputs}}/people.csv --preset world --out out {SHORT} --threads 1 "
        "--set transfer.share=0.5 --average 0.9 --no-test",
        again="--resume",
        timed=RUN,
    ),
    "pretrain": Command(
        "pretrain resnet --people 6 --cameras 2 --takes 2 --set epochs=1 --set sampler.persons=4 "
        "--set sampler.images=2 --out out --threads 1 --checkpoint-steps 1",
        again="--resume",
        timed=(*RUN, "command", "hardware"),
    ),
    "ablation": Command(
        "ablation --data csv:{inputs}/people.csv --arm plain=bot:epochs=1,sampler.persons=4,sampler.images=2,"
        "validation.share=0.34 --baseline colors --seeds 0,1 --out out --threads 1",
        timed=(*RUN, "runs"),
    ),
    "world make": Command(
        "world make out --layout occluded_duke --people 12 --images-per-person 24 --size 32x16 --seed 5",
        done="already holds a finished world",
    ),
    "embed": Command("embed resnet-micro {inputs}/images out.safetensors --workers 2"),
    "export": Command("export resnet-micro --out out.onnx"),
    "import-weights": Command("import-weights {inputs}/network.safetensors --out out"),
    "import-weights of a model": Command(
        "import-weights {inputs}/model.onnx --out out", done="a retriever is there"
    ),
    "explain": Command(
        "explain vit-micro --data csv:{inputs}/people.csv --queries 1 --answers 3 --no-occlusions --out out"
    ),
    "parts make": Command("parts make stripes:4 --images {inputs}/images --out out"),
    # its worlds are rendered anew, so that their files have other times, which the pixel cache keeps
    "demo": Command("demo --scale tiny --out out", timed=("crc32", "mtimes_ns")),
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory, run):
    """Eight persons, four images each, by two cameras; a model, and a checkpoint."""
    folder, random_colors = tmp_path_factory.mktemp("inputs"), np.random.default_rng(0)
    (folder / "images").mkdir()
    rows = ["path,person,camera,split"]
    for person in range(8):
        color = random_colors.integers(0, 256, 3)
        for shot in range(4):
            pixels = (color + random_colors.integers(-30, 31, (64, 32, 3))).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / "images" / f"{person}-{shot}.png")
            split = "train" if person < 6 else "gallery" if shot % 2 else "query"
            rows.append(f"images/{person}-{shot}.png,{person},{shot % 2},{split}")
    (folder / "people.csv").write_text("\n".join(rows) + "\n")
    save_file(draw(timm_shapes(16, depth=12)), folder / "network.safetensors")
    assert run(["export", "resnet-micro", "--plain", "--out", "model.onnx"], folder)[0] == 0
    return folder


@pytest.fixture(scope="module")
def ask(request):
    """Asks a process that runs commands, see `forked.py`; where it may, with disks of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    parent = subprocess.Popen(
        [*(OWN_DISKS if has_disks() else []), sys.executable, Path(__file__).with_name("forked.py")],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def asking(**what):
        parent.stdin.write(json.dumps(what) + "\n")
        parent.stdin.flush()
        return json.loads(parent.stdout.readline())

    yield asking
    parent.stdin.close()
    parent.wait(60)


@cache
def has_disks():
    """Whether this user may mount a disk that nobody else sees."""
    words = [*OWN_DISKS, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    try:
        return subprocess.run(words, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@pytest.fixture(scope="module")
def run(ask):
    """Runs a command in a folder, and kills it after so many seconds; gives its exit code and its seconds."""
    return lambda words, folder, seconds=LONGEST, disk=None: ask(
        words=words, folder=str(folder), seconds=seconds, disk=disk
    )


@dataclass(frozen=True)
class Undisturbed:
    """What a command leaves, how many bytes these are, and how many seconds it takes."""

    left: dict
    bytes: int
    seconds: float


@pytest.fixture(scope="module")
def undisturbed(inputs, run, tmp_path_factory):
    """Gives a command's words, and what it leaves when nothing stops it."""

    @cache
    def running(name):
        words, timed = COMMANDS[name].words.format(inputs=inputs).split(), COMMANDS[name].timed
        base, found = tmp_path_factory.mktemp("undisturbed"), []
        for attempt in ("first", "second"):  # the first one fills the caches of compiled kernels
            folder = base / attempt
            folder.mkdir()
            status, seconds = run(words, folder)
            assert status == 0, told_in(folder)
            found.append(left(folder, timed))
        assert found[0] == found[1], "two undisturbed runs differ"
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        return words, Undisturbed(found[1], size, seconds)

    return running


def told_in(folder):
    """What the commands printed that ran in a folder."""
    return folder.with_name(f"{folder.name}.txt").read_text()


def content(path, timed):
    """What a file holds, in short; of JSON, without what tells times."""
    data = path.read_bytes()
    if path.suffix in (".json", ".jsonl", ".md"):
        lines = data.decode().splitlines() if path.suffix == ".jsonl" else [data.decode()]
        if path.suffix != ".md":
            return [bare(json.loads(line), timed) for line in lines]
        return data.decode()
    return hashlib.sha256(data).hexdigest()


def bare(value, timed):
    if isinstance(value, dict):
        return {key: bare(part, timed) for key, part in value.items() if key not in timed}
    return [bare(part, timed) for part in value] if isinstance(value, list) else value


def left(folder, timed):
    """Everything in a folder by its name, folders too."""
    return {
        path.relative_to(folder).as_posix(): content(path, timed) if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def check_end(command, status, told):
    """That a command ended well at last, or found its work done."""
    finished = status == 2 and command.done is not None and command.done in told
    assert status == 0 or finished, told
    assert "Traceback" not in told


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_is_killed_and_run_again_ends_as_undisturbed(undisturbed, run, tmp_path, name):
    command, moments = COMMANDS[name], random.Random(f"{name} {SEED}")
    words, wanted = undisturbed(name)
    killed = pieces = 0
    while killed < COUNT:
        pieces += 1
        folder = tmp_path / f"killed-{pieces}"
        folder.mkdir()
        given, kills = words, 0
        while kills < MOST_KILLS and killed < COUNT:
            status, _ = run(given, folder, moments.uniform(0, wanted.seconds * 1.1))
            if status != -9:  # it was done before
                break
            killed, kills = killed + 1, kills + 1
            given = [*words, *command.again.split()]
        if status == -9:
            status, _ = run(given, folder)
        check_end(command, status, told_in(folder))
        assert left(folder, command.timed) == wanted.left, f"after {kills} kills"
        shutil.rmtree(folder)


@pytest.mark.skipif("not has_disks()", reason="disks are mounted in a namespace of their own")
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_on_a_full_disk_says_so_and_is_finished_later(undisturbed, run, ask, tmp_path, name):
    command, sizes = COMMANDS[name], random.Random(f"{name} {SEED} full")
    words, wanted = undisturbed(name)
    full = disks = 0
    while full < COUNT:
        disks += 1
        folder, copied = tmp_path / f"full-{disks}", tmp_path / f"copied-{disks}"
        folder.mkdir()
        status, _ = run(words, folder, disk=PAGE * sizes.randint(1, wanted.bytes // PAGE + 1))
        given = words
        if status == 2:
            full += 1
            told = told_in(folder)
            assert told.splitlines()[-1].startswith("glimpse: "), told
            assert told.count("glimpse: ") == 1, told
            assert "the disk is full" in told, told
            given = [*words, *command.again.split()]
            status, _ = run(given, folder, disk=LARGE)
        check_end(command, status, told_in(folder))
        ask(copy=str(folder), to=str(copied))
        assert left(copied, command.timed) == wanted.left
        shutil.rmtree(copied)
