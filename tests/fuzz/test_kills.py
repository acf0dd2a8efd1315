"""Commands that are killed at random moments and run again end as if nothing had happened.

What a command leaves is compared byte by byte with what it leaves undisturbed, but for times; nothing
half-written stays.
"""

import hashlib
import json
import os
import random
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from foreign_checkpoints import draw, timm_shapes
from PIL import Image
from safetensors.torch import save_file

COUNT = max(2, int(os.environ.get("GLIMPSE_FUZZ", "0")) // 20)  # kills of each command
SEED = int(os.environ.get("GLIMPSE_FUZZ_SEED", "0"))
ROOT = Path(__file__).parents[2]
MOST_KILLS = 8  # of one piece of work, before it may end
LONGEST = 300  # seconds that a command may take

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600 + 60 * COUNT),
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
def run():
    """Runs a command in a folder, and kills it after so many seconds; gives its exit code and its seconds."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "src"),
        "OMP_NUM_THREADS": "1",
    }
    parent = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("forked.py")],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def running(words, folder, seconds=LONGEST):
        parent.stdin.write(json.dumps([words, str(folder), seconds]) + "\n")
        parent.stdin.flush()
        return json.loads(parent.stdout.readline())

    yield running
    parent.stdin.close()
    parent.wait(60)


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
        if path.name != "output.txt"
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_is_killed_and_run_again_ends_as_undisturbed(inputs, run, tmp_path, name):
    command, moments = COMMANDS[name], random.Random(f"{name} {SEED}")
    words = command.words.format(inputs=inputs).split()
    for attempt in range(2):  # the first one fills the caches of compiled kernels
        folder = tmp_path / f"undisturbed-{attempt}"
        folder.mkdir()
        status, seconds = run(words, folder)
        assert status == 0, (folder / "output.txt").read_text()
    wanted = left(folder, command.timed)
    assert wanted == left(tmp_path / "undisturbed-0", command.timed), "two undisturbed runs differ"
    killed = pieces = 0
    while killed < COUNT:
        pieces += 1
        folder = tmp_path / f"killed-{pieces}"
        folder.mkdir()
        given, kills = words, 0
        while kills < MOST_KILLS and killed < COUNT:
            status, _ = run(given, folder, moments.uniform(0, seconds * 1.1))
            if status != -9:  # it was done before
                break
            killed, kills = killed + 1, kills + 1
            given = [*words, *command.again.split()]
        if status == -9:
            status, _ = run(given, folder)
        told = (folder / "output.txt").read_text()
        finished = status == 2 and command.done is not None and command.done in told
        assert status == 0 or finished, told
        assert "Traceback" not in told
        assert left(folder, command.timed) == wanted, f"after {kills} kills"
