"""Data sets and embeddings that commands are given."""

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from glimpse.embeddings import Embeddings
from glimpse.models.backbones.sizes import Size
from glimpse.models.factory import NetworkCard, build_network
from glimpse.records import Records
from glimpse.retriever import NetworkEncoder, Retriever

PERSONS = 12


@pytest.fixture
def tree(tmp_path):
    """Partial-iLIDS: one query and one gallery image of each person."""
    for side in ("query", "gallery"):
        for person in range(1, PERSONS + 1):
            path = tmp_path / "ilids" / side / f"{person}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (2, 5)).save(path)
    return tmp_path / "ilids"


@pytest.fixture
def embeddings(tmp_path):
    """Vectors that find every person, in an order and with paths of their own."""
    rng = np.random.default_rng(0)
    of_person = rng.standard_normal((PERSONS + 1, 16))
    names = [f"{side}/{person}.jpg" for side in ("gallery", "query") for person in range(PERSONS, 0, -1)]
    persons = [person for _ in range(2) for person in range(PERSONS, 0, -1)]
    vectors = of_person[persons] + 0.1 * rng.standard_normal((2 * PERSONS, 16))
    Embeddings(vectors.astype(np.float32)).save(tmp_path / "model.safetensors")
    Records.from_columns(names, persons).save(tmp_path / "model.csv")
    return tmp_path / "model.safetensors"


@pytest.fixture
def two_tables(tmp_path):
    """Query and gallery of two cameras; each query also meets itself in its own camera."""
    rng = np.random.default_rng(1)
    for name, ending, cameras in (("q", ".npz", [1]), ("g", ".safetensors", [1, 2])):
        persons = np.tile(np.arange(8), len(cameras))
        vectors = np.eye(8)[persons] + 0.01 * rng.standard_normal((len(persons), 8))
        Embeddings(vectors, np.ones_like(vectors)).save(tmp_path / f"{name}{ending}")
        Records.from_columns(
            [f"{name}{row}" for row in range(len(persons))],
            persons,
            camera=np.repeat(cameras, 8),
            extra={"visible": np.linspace(0, 1, len(persons))},
        ).save(tmp_path / f"{name}.csv")
    return "--query", tmp_path / "q.npz", "--gallery", tmp_path / "g.safetensors"


@pytest.fixture
def runner_of():
    """For some commands, what runs them: it gives their output, or raises what they raise."""

    def of(*commands):
        app = typer.Typer()
        for command in commands:
            app.command()(command)

        def running(*arguments):
            result = CliRunner().invoke(app, [str(argument) for argument in arguments])
            if result.exception is not None:
                raise result.exception
            return result.stdout

        return running

    return of


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("a/1.png", "a/2.png", "b/1.png", "b/2.png"):
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (20, 10, 3), dtype=np.uint8)).save(path)
    return tmp_path / "images"


@pytest.fixture
def network(tmp_path):
    card = NetworkCard("bot", Size.MICRO, (64, 32))
    Retriever(NetworkEncoder(build_network(card), card)).save(tmp_path / "bot")
    return tmp_path / "bot"
