"""Arrows point down the floors of docs/architecture.md, never up, and never in a circle."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import glimpse

PACKAGE = Path(glimpse.__file__).parent

GROUND = {
    "choices",
    "compiled",
    "errors",
    "extras",
    "files",
    "options",
    "plugins",
    "progress",
    "ranges",
    "runtime",
    "serial",
    "version",
}
FLOORS = [
    GROUND,
    {"records", "pixels", "embeddings", "recipes"},
    {"protocols"},
    {"similarity"},
    {"evaluation", "reranking", "datasets", "models", "baselines"},
    {"retriever", "training", "world", "segmentation"},
    {"methods"},
    {"gallery", "video"},
    {"ablation", "explain", "model_check", "pretraining"},
    {"service"},
    {"cli", "demo", "__main__"},
]
HEIGHT = {room: height for height, floor in enumerate(FLOORS) for room in floor}
# what a room must not know though the floors would allow it
NEVER = {
    "evaluation": {"models"},
    "reranking": {"models"},
    "datasets": {"models"},
    "models": {"evaluation", "reranking", "datasets"},
    "retriever": {"training", "world"},
    "gallery": {"training", "world", "methods"},
    "recipes": {"records", "pixels", "embeddings"},
}


def modules():
    """Every file of the package but the facade, by its dotted name."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if name:
            yield name, path


MODULES = dict(modules())


def room_of(module):
    return module.split(".")[0]


def imported(tree, *, everywhere):
    """The modules of the package that a file imports: at its top, or anywhere in it."""
    nodes = ast.walk(tree) if everywhere else executed(tree)
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "glimpse":
            base = node.module.partition(".")[2]
            for alias in node.names:
                inner = f"{base}.{alias.name}".removeprefix(".")
                yield inner if inner in MODULES else base
        elif isinstance(node, ast.Import):
            yield from (a.name.removeprefix("glimpse.") for a in node.names if a.name.startswith("glimpse."))


def executed(tree):
    """The nodes that run on import: not those inside functions, not those for type checkers alone."""
    waiting = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            continue
        yield node
        waiting += ast.iter_child_nodes(node)


def parsed(module):
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


@pytest.mark.parametrize("module", MODULES)
def test_a_room_imports_from_its_own_floor_or_below(module):
    room = room_of(module)
    for other in map(room_of, imported(parsed(module), everywhere=True)):
        assert HEIGHT[other] <= HEIGHT[room], f"{room} imports {other}, which stands above it"
        assert other not in NEVER.get(room, ()), f"{room} must not know {other}"


def test_no_circle_of_files_is_imported_at_module_level():
    arrows = {name: set(imported(parsed(name), everywhere=False)) & MODULES.keys() for name in MODULES}
    # a package's name stands for its __init__, which may import its own files but not the other way round
    done, path = set(), []

    def follow(name):
        assert name not in path, "a circle of imports: " + " -> ".join([*path[path.index(name) :], name])
        if name in done:
            return
        path.append(name)
        for other in sorted(arrows[name]):
            follow(other)
        path.pop()
        done.add(name)

    for name in MODULES:
        follow(name)


def loaded_after(code):
    """The names of all modules that a fresh interpreter has after running `code`."""
    code += "\nimport sys; print('LOADED', *sorted(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    return set(shown.rpartition("LOADED")[2].split())


def test_serving_never_reaches_training():
    found = loaded_after(
        "import numpy as np, glimpse\n"
        "images = [np.full((40, 20, 3), shade, np.uint8) for shade in (10, 100, 200)]\n"
        "for name in ('occluded-micro', 'clip-micro', 'colors'):\n"
        "    retriever = glimpse.Retriever.load(name)\n"
        "    gallery = retriever.embed(images)\n"
        "    assert retriever.rank(gallery[:1], gallery, k=2).rows[0, 0] == 0\n"
    )
    training = {m for m in found if m.startswith(("glimpse.training", "glimpse.methods"))}
    assert not training


def test_a_gallery_is_searched_without_training(tmp_path):
    found = loaded_after(
        "import numpy as np\n"
        "from glimpse.gallery import Gallery\n"
        f"gallery = Gallery.create({str(tmp_path / 'gallery')!r}, 'colors')\n"
        "gallery.search([np.full((40, 20, 3), 100, np.uint8)])\n"
    )
    assert not {m for m in found if m.startswith(("glimpse.training", "glimpse.methods", "glimpse.world"))}


def test_recipes_and_choices_need_no_torch():
    names = [m for m in MODULES if room_of(m) in ("recipes", "choices")]
    found = loaded_after("\n".join(f"import glimpse.{name}" for name in names))
    assert "glimpse.recipes.dpm" in found
    assert not found & {"torch", "numba", "scipy", "PIL"}


RENDERER = (
    *("body", "camera", "clothes", "colors", "develop", "frame", "hair", "lens", "materials", "noise"),
    *("occluders", "person", "pose", "scenery", "shade", "skeleton", "solids", "stage", "texture", "trace"),
    *("view", "wardrobe", "window"),
)
RENDERED = (
    "a part of the renderer: whole images are tested against its slow twin (world/test_raycast, test_world)"
)
UNTESTED_ALONE = {
    "choices.py": "words to choose by; each is tested where it is chosen",
    "version.py": "a number",
    "gallery/answers.py": "a declaration; what fills it is tested (gallery/test_ranking, test_gallery)",
    "cli/demo.py": "hands its options to demo/run.py",
    "datasets/layout.py": "a declaration; the layouts are tested at once (datasets/test_catalog)",
    "retriever/encoders/base.py": "an interface",
    **dict.fromkeys((f"world/{name}.py" for name in RENDERER), RENDERED),
}
"""The source files without a test file of their own, and why."""


def is_recipe_of_a_method(source):
    """Constants: every key of every recipe is tested at once (recipes/test_registry, test_provenance)."""
    return source.parts[0] == "recipes" and (PACKAGE / "methods" / source.name).is_file()


def test_every_source_file_has_its_test_file():
    sources = {path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if not path.name.startswith("__")}
    lacking = {
        source.as_posix()
        for source in sources
        if not (Path(__file__).parent / source.with_name(f"test_{source.name}")).is_file()
        and not is_recipe_of_a_method(source)
    }
    assert sorted(lacking - UNTESTED_ALONE.keys()) == [], "add the test file, or say here why there is none"
    assert sorted(UNTESTED_ALONE.keys() - lacking) == [], "these have a test file: take them off the list"
