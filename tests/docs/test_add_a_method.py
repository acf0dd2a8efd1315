"""The worked example of a method in a package of its own, written down and run as it stands."""

import importlib
import json
import math
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

import glimpse
from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError
from glimpse.recipes import registry
from glimpse.similarity import registry as similarities

PAGE = (Path(__file__).parents[2] / "docs" / "add-a-method.md").read_text(encoding="utf-8")
FILE = re.compile(r"^`([\w./-]+)`\n\n```\w+\n(.*?)^```$", flags=re.S | re.M)
CONSOLE = re.compile(r"^```console\n(.*?)^```$", flags=re.S | re.M)
FILES = dict(FILE.findall(PAGE))
COMMANDS = [line for block in CONSOLE.findall(PAGE) for line in block.splitlines()]
SEARCH = re.search(r"^```python\n(import sys\n.*?)^```$", PAGE, flags=re.S | re.M)[1]
ROW = re.search(r'^ +"([\w-]+)": "([\w.]+:\w+)",$', PAGE, flags=re.M)

# each command is an interpreter of its own, and the first to run compiles kernels
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The package where an interpreter finds it, with what pip would have written of its pyproject.toml."""
    site = tmp_path_factory.mktemp("site")
    for name, text in FILES.items():
        if name.startswith("circle_reid/"):
            (site / name).parent.mkdir(exist_ok=True)
            (site / name).write_text(text, encoding="utf-8")
    project = tomllib.loads(FILES["pyproject.toml"])["project"]
    about = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    lines = [
        line
        for group, points in project["entry-points"].items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in points.items()))
    ]
    (about / "entry_points.txt").write_text("\n".join(lines) + "\n")
    return site


@pytest.fixture(scope="module")
def fresh(package, tmp_path_factory):
    """Runs a fresh interpreter with the package, always in the same folder; gives what it printed."""
    folder = tmp_path_factory.mktemp("work")
    paths = [str(package), str(Path(glimpse.__file__).parents[1])]
    # micro networks are slower on two threads, and much slower on busy machines
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}

    def running(*arguments):
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{arguments}: {done.stderr}"
        return done.stdout

    return SimpleNamespace(run=running, folder=folder)


@pytest.fixture(scope="module")
def printed(fresh):
    """Gives what a command of the page printed, by its first word; runs those before it first, each once."""
    commands = {}
    for line in COMMANDS:
        dollar, program, *words = shlex.split(line)
        assert (dollar, program) == ("$", "glimpse"), f"a line of a console block is no command: {line}"
        commands[words[0]] = words
    assert list(commands) == ["recipes", "world", "train", "evaluate"]
    outputs = {}

    def output(name):
        for other, words in commands.items():
            if other not in outputs:
                outputs[other] = fresh.run("-m", "glimpse", *words)
            if other == name:
                return outputs[name]
        raise KeyError(name)

    return output


def loaded(output):
    return set(output.rpartition("LOADED")[2].split())


LIST = "\nimport sys; print('LOADED', *sorted(sys.modules))"


def test_the_recipes_table_says_where_each_value_is_from(printed):
    rows = {line.split()[0]: line for line in printed("recipes").splitlines()}
    assert rows["margin"].split()[1:3] == ["0.25", "float"]
    assert rows["margin"].endswith("given: Circle Loss (Sun et al. 2020): m")
    assert "our choice: FastReID's default" in rows["gamma"]
    assert "our choice: as BoT (bot.md, 'Constants')" in rows["optimizer.lr"]
    assert "read in the authors' code: baselines.md, 'PK sampler'" in rows["sampler.persons"]


def test_there_is_a_world_to_train_on(printed, fresh):
    assert "test query: 20 persons" in printed("world")
    assert (fresh.folder / "worlds" / "market" / "bounding_box_train").is_dir()


def test_it_trains_and_leaves_its_network(printed, fresh):
    assert "started from the weights in resnet-micro" in printed("train")
    final = fresh.folder / "runs" / "circle" / "final"
    card = json.loads((final / "network.json").read_text())
    assert (card["method"], card["size"], card["image"]) == ("circle-reid", "micro", [64, 32])
    weights = load_file(final / "network.safetensors")
    assert not [name for name in weights if "classifier" in name]
    assert abs(weights["power"] - 3.0) > 1e-6  # it was learned
    losses = [
        json.loads(line)["losses"] for line in (final.parent / "metrics.jsonl").read_text().splitlines()
    ]
    assert losses[-1]["all/circle"] < losses[0]["all/circle"]


def test_it_finds_people(printed):
    header, row = (line.split() for line in printed("evaluate").splitlines()[1:3])
    assert float(row[1 + header.index("rank-1")]) > 50  # chance is 5, colors alone reach 21


def test_searching_loads_the_network_and_nothing_that_trains(printed, fresh):
    printed("train")
    output = fresh.run("-c", SEARCH + LIST)
    scores = [float(line.split()[0]) for line in output.splitlines()[:5]]
    assert scores == sorted(scores, reverse=True)
    found = loaded(output)
    assert {"circle_reid", "circle_reid.network"} <= found
    assert not {name for name in found if name.startswith(("glimpse.training", "glimpse.methods"))}
    assert not found & {"circle_reid.recipe", "circle_reid.method", "circle_reid.finish"}


def test_what_was_fitted_after_training_is_loaded_with_the_network(printed, fresh, package, monkeypatch):
    printed("train")
    monkeypatch.syspath_prepend(package)
    registry._found.cache_clear()
    try:
        retriever = glimpse.Retriever.load(str(fresh.folder / "runs" / "circle" / "final"))
    finally:
        registry._found.cache_clear()
        for name in [name for name in sys.modules if name.startswith("circle_reid")]:
            del sys.modules[name]
    persons = retriever.arrays["persons"]
    assert retriever.arrays["means"].shape == (len(persons), retriever.encoder.dim)
    assert len(set(persons.tolist())) == len(persons) > 10
    assert retriever.calibration.wanted == 0.01
    assert retriever.calibration.false_match_rate(retriever.calibration.threshold) <= 0.01
    assert retriever.calibration.note == "cosines of training images"


def test_the_row_and_the_recipe_need_no_torch(fresh):
    found = loaded(fresh.run("-c", "import circle_reid.recipe" + LIST))
    assert "circle_reid.recipe" in found
    assert not found & {"torch", "numba", "scipy", "PIL"}


def test_without_the_package_its_retriever_says_what_to_install(printed, fresh):
    printed("train")
    with pytest.raises(OptionError, match=r"no method is called 'circle-reid'.* install the package"):
        glimpse.Retriever.load(str(fresh.folder / "runs" / "circle" / "final"))


def test_the_circle_loss_is_the_loop_that_defines_it(package, monkeypatch):
    monkeypatch.syspath_prepend(package)
    names = [name for name in FILES if name.startswith("circle_reid/")]
    try:
        circle_loss = importlib.import_module("circle_reid.method").circle_loss
    finally:
        for name in ("circle_reid", *(f"circle_reid.{Path(name).stem}" for name in names)):
            sys.modules.pop(name, None)
    margin, gamma = 0.25, 16.0
    features = torch.randn(8, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    labels = torch.tensor([0, 0, 0, 1, 1, 2, 2, 2])
    unit = (features / features.norm(dim=1, keepdim=True)).numpy()
    total = 0.0
    for a in range(8):
        own = others = 0.0
        for b in range(8):
            s = float(unit[a] @ unit[b])
            if labels[a] != labels[b]:
                others += math.exp(gamma * max(0, s + margin) * (s - margin))
            elif a != b:
                own += math.exp(-gamma * max(0, 1 + margin - s) * (s - 1 + margin))
        total += math.log(1 + others * own) / 8
    assert circle_loss(features, labels, margin, gamma).item() == pytest.approx(total)


def test_a_similarity_is_one_file_and_one_row(monkeypatch):
    name, reference = ROW.groups()
    module, _, kind = reference.partition(":")
    path = f"src/{module.replace('.', '/')}.py"
    assert FILES.keys() - {"pyproject.toml"} == {path, *(n for n in FILES if n.startswith("circle_reid/"))}
    made = type(sys)(module)
    monkeypatch.setitem(sys.modules, module, made)  # before it runs: dataclasses look their module up
    exec(compile(FILES[path], path, "exec"), made.__dict__)
    monkeypatch.setattr(similarities, "SIMILARITIES", {**similarities.SIMILARITIES, name: reference})
    similarities.similarities.cache_clear()
    try:
        similarity = similarities.named_similarity(name)
    finally:
        similarities.similarities.cache_clear()
    assert type(similarity).__name__ == kind
    check_manhattan(similarity)


def test_a_similarity_of_another_package_is_an_entry_point(install):
    (block,) = [
        b for b in re.findall(r"^```toml\n(.*?)^```$", PAGE, flags=re.S | re.M) if "similarities" in b
    ]
    ((group, point),) = tomllib.loads(block)["project"]["entry-points"].items()
    ((name, value),) = point.items()
    code = FILES["src/glimpse/similarity/manhattan.py"]
    install(code, group, name, value, package=value.partition(":")[0])
    check_manhattan(similarities.named_similarity(name))


def check_manhattan(similarity):
    rng = np.random.default_rng(0)
    query, gallery = rng.normal(size=(5, 6)), rng.normal(size=(7, 6))
    naive = -np.array([[np.abs(q - g).sum() for g in gallery] for q in query])
    pair = Embeddings(query), Embeddings(gallery)
    np.testing.assert_allclose(similarity.pairwise(*pair), naive, rtol=1e-5)
    np.testing.assert_array_equal(similarity.top_k(*pair, k=3).rows, naive.argsort(1)[:, :-4:-1])
    np.testing.assert_allclose(similarity.distances(similarity.pairwise(*pair)), -naive, rtol=1e-5)
