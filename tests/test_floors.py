"""Arrows point down the floors of docs/architecture.md, never up."""

import ast
from pathlib import Path

import pytest

import glimpse

PACKAGE = Path(glimpse.__file__).parent

GROUND = {"compiled", "files", "errors", "extras", "memory", "options", "progress"}
TABLES = {"records", "pixels", "embeddings"}
FLOORS = [
    GROUND,
    TABLES,
    {"protocols"},
    {"evaluation", "similarity", "reranking", "baselines", "embeddings_io"},
    {"datasets", "world", "foreground"},
    {"encoders"},
    {"methods", "training"},
    {"retriever", "weights"},
    {"gallery"},
    {"ladder", "explain"},
    {"cli", "service", "demo", "__main__"},
]
HEIGHT = {room: height for height, floor in enumerate(FLOORS) for room in floor}
NO_MODEL = {"evaluation", "similarity", "reranking", "protocols", "records", "datasets"}
MODELS = {"encoders", "methods", "training", "retriever"}


def room_of(path):
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imported_rooms(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] if node.module != "glimpse" else [f"glimpse.{a.name}" for a in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        yield from (name.split(".")[1] for name in names if name.startswith("glimpse."))


MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_from_its_own_floor_or_below(path):
    room = room_of(path)
    for other in imported_rooms(path):
        if other != "__version__":
            assert HEIGHT[other] <= HEIGHT[room], f"{room} imports {other}, which stands above it"
            assert not (room in NO_MODEL and other in MODELS), f"{room} must not know the model {other}"
