"""Commands with random words: each ends in exit code 0 or in one sentence and exit code 2.

What would begin long work is replaced, so that only what is checked before it is tried here.
"""

import os
import random
import sys
import time
from collections import Counter

import numpy as np
import pytest
import typer
from PIL import Image

import glimpse.ablation.run
import glimpse.demo
import glimpse.explain
import glimpse.methods.fit
import glimpse.pretraining.pretrain
import glimpse.world.export
from glimpse.cli import app, main
from glimpse.errors import GlimpseError
from glimpse.retriever import Retriever
from glimpse.world.world import World

COUNT = max(20, int(os.environ.get("GLIMPSE_FUZZ", "0")) // 20)  # they take longer than files
SEED = int(os.environ.get("GLIMPSE_FUZZ_SEED", "0"))
LONGEST = 30  # seconds that a command may take before its work begins

ODD = [
    *("0", "1", "-1", "2", "7", "100", "1e3", "1e309", "-inf", "nan", "inf", "0.5", "-0.0", "1_000", "0x10"),
    *("true", "none", "auto", "cpu", "cuda", "cuda:99", "mps", "meta", "xpu:0", "'", '"', "%s", "$HOME", "~"),
    *("~nouser", "--", "-", "..", ".", "/", "/dev/null", "/dev/full", "/proc/self/mem", "nowhere", "empty"),
    *("nowhere/deep", "junk.onnx", "junk.safetensors", "junk.npz", "broken.csv", "duke", ":", "a:b:c", "x:"),
    *("size=huge", "=", "a=b=c", "market1501:nowhere", "epochs=nan", "optimizer.lr=nan", "0x0", "1x"),
    *("sampler.images=99999", "99999x99999", "x", "é", "人", "\U0001f600", "١٢", "a b", "a\nb", "\t", " "),
    *("9" * 20, "1" * 400, "x" * 300),
]
PLAUSIBLE = {
    "--data": ["market1501:photos", "folder:photos", "table:table.csv"],
    "--images": ["photos", "market1501:photos"],
    "--image": ["photo.jpg", "128x64"],
    "--out": ["new", "new.safetensors", "new.onnx", "new.png"],
    "--set": ["epochs=1", "seed=3", "validation.share=0"],
    "--size": ["micro", "tiny", "128x64"],
    "--preset": ["world", "published"],
    "--similarity": ["cosine", "masked-cosine", "set-jaccard"],
    "--rerank": ["k-reciprocal", "sim"],
    "--parts": ["stripes:6", "labels:photos", "pose:photo.jpg", "world:photos"],
    "--arm": ["a=bot", "b=transreid"],
    "--records": ["table.csv"],
    "method": ["bot", "transreid", "dpm++", "sap", "mos", "clip"],
    "backbone": ["vit", "resnet", "clip"],
    "retriever": ["colors", "vit-micro", "resnet-micro"],
    "source": ["photos", "table.csv", "vit-micro", "stripes:6", "market1501:photos"],
    "file": ["junk.onnx", "junk.safetensors", "photo.jpg"],
    "out": ["new.safetensors"],
}
NUMBERS = ["1", "2", "8", "0.5"]


class WorkBeginsError(GlimpseError):
    """Where the command would begin its work."""


def begin(*_, **__):
    raise WorkBeginsError("here the work would begin")


def commands(group, path=()):
    """Every command with the words that name it."""
    if not hasattr(group, "commands"):
        return [(path, group)]
    return [one for name, inner in group.commands.items() for one in commands(inner, (*path, name))]


COMMANDS = commands(typer.main.get_command(app))


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a little of everything, in which commands run without their work."""
    random_bytes = np.random.default_rng(0).bytes(300)
    for folder in ("photos", "empty"):
        (tmp_path / folder).mkdir()
    image = Image.fromarray(np.zeros((40, 20, 3), np.uint8))
    for name in ("photo.jpg", "photos/0001_c1s1_000001_00.jpg", "photos/b.png"):
        image.save(tmp_path / name)
    (tmp_path / "table.csv").write_text("path,person,camera\nphoto.jpg,1,1\n")
    (tmp_path / "broken.csv").write_bytes(b"\xff\xfepath,\x00\n" + random_bytes)
    for name in ("junk.onnx", "junk.safetensors", "junk.npz"):
        (tmp_path / name).write_bytes(random_bytes)
    monkeypatch.chdir(tmp_path)
    for owner, name in (
        (glimpse.ablation.run, "run_ablation"),
        (glimpse.demo, "run_demo"),
        (glimpse.methods.fit, "fit"),
        (glimpse.pretraining.pretrain, "pretrain"),
        (glimpse.world.export, "export_world"),
        (World, "render"),
        (Retriever, "embed_to_file"),
        (Retriever, "embed"),
    ):
        monkeypatch.setattr(owner, name, begin)
    return tmp_path


def word(name, rng):
    """Something for an option or an argument: mostly what could stand there, else anything."""
    return rng.choice(PLAUSIBLE.get(name, NUMBERS) if rng.random() < 0.7 else ODD)


def drawn(command, rng):
    """Random words for the arguments and for some of the options of a command."""
    words = []
    for parameter in command.params:
        wanted = parameter.required and rng.random() < 0.95
        if parameter.param_type_name == "argument":
            if wanted or rng.random() < 0.5:
                words.append(word(parameter.name, rng))
            continue
        if "--help" in parameter.opts or not (wanted or rng.random() < 0.2):
            continue
        option = rng.choice([*parameter.opts, *parameter.secondary_opts])
        words.append(option)
        if not parameter.is_flag and rng.random() < 0.97:
            words.append(word(option, rng))
    if rng.random() < 0.05:
        words.insert(rng.randrange(len(words) + 1), rng.choice(ODD))
    return words


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=[" ".join(path) for path, _ in COMMANDS])
def test_random_words_end_in_one_sentence(path, command, place, monkeypatch, capsys, record_property):
    rng = random.Random(f"{SEED} {' '.join(path)}")
    ends = Counter()
    for number in range(COUNT):
        words = [*path, *drawn(command, rng)]
        monkeypatch.setattr(sys, "argv", ["glimpse", *words])
        started = time.monotonic()
        with pytest.raises(SystemExit) as stop:
            main()
        told = capsys.readouterr()
        where = f"number {number}: glimpse {words}: {stop.value.code} {told.err[-500:]!r}"
        assert stop.value.code in ((0, 1, 2) if path == ("datasets", "check") else (0, 2)), where
        assert "Traceback" not in told.err, where
        assert "Warning:" not in told.err, where
        if stop.value.code == 2:
            sentences = [line for line in told.err.splitlines() if line.startswith("glimpse: ")]
            assert len(sentences) == 1, where
            assert sentences[0] == told.err.splitlines()[-1], where
        assert time.monotonic() - started < LONGEST, where
        ends["done" if stop.value.code == 0 else "refused"] += 1
    record_property("refused", ends["refused"])
