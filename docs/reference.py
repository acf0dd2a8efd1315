"""The API reference: its pages, made from what the source says of itself.

Nothing is imported and nothing is named here by its file, so that the reference follows the code wherever
it moves, and is made without torch.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import zip_longest
from pathlib import Path

PACKAGE = "glimpse"
NOT_SHOWN = ("cli", "demo")
"""Rooms without pages: the commands have a page of their own."""
ORDER = (
    "records",
    "pixels",
    "embeddings",
    "datasets",
    "protocols",
    "evaluation",
    "similarity",
    "reranking",
    "retriever",
    "models",
    "recipes",
    "methods",
    "training",
    "segmentation",
    "world",
    "explain",
    "ablation",
    "errors",
)
"""The rooms in the order of the data's way; whatever else there is follows by name."""
OVERVIEW = (
    "A page for each public module, made from its docstrings. "
    "What a room offers is listed on its first page: import it from there."
)


def members(body: list[ast.stmt]) -> dict[str, ast.stmt]:
    """The classes, functions and variables that a module or class defines, by name."""
    found: dict[str, ast.stmt] = {}
    for statement in body:
        match statement:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                found[statement.name] = statement
            case ast.Assign() | ast.AnnAssign():
                targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
                nodes = [node for target in targets for node in ast.walk(target)]
                found |= {node.id: statement for node in nodes if isinstance(node, ast.Name)}
            case ast.If() | ast.Try():
                found |= members([*statement.body, *statement.orelse])
    return found


def variables(body: list[ast.stmt]) -> dict[str, str]:
    """The variables that stand alone on the left, and the docstring below each; empty without one."""
    found = {}
    for statement, following in zip_longest(body, body[1:]):
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                match following:
                    case ast.Expr(value=ast.Constant(value=str(doc))):
                        found[name] = doc
                    case _:
                        found[name] = ""
            case ast.If() | ast.Try():
                found |= variables([*statement.body, *statement.orelse])
    return found


def imported(body: list[ast.stmt]) -> dict[str, str]:
    """The names that a module takes from others of the package, those under `if TYPE_CHECKING` as well."""
    found = {}
    for statement in body:
        match statement:
            case ast.ImportFrom(module=str(module), names=names, level=0) if module.split(".")[0] == PACKAGE:
                found |= {alias.asname or alias.name: f"{module}.{alias.name}" for alias in names}
            case ast.If() | ast.Try():
                found |= imported([*statement.body, *statement.orelse])
    return found


@dataclass(frozen=True)
class Module:
    """One source file.

    Attributes:
        name: dotted, from the package down.
        is_package: whether other modules stand below it.
        doc: its docstring.
        defined: what it defines.
        variables: those of them that stand alone on the left, and the docstring of each.
        taken: names that it imports from elsewhere in the package, and where from.
        public: `__all__`, or without one what it defines under a name that has no underscore before it.
    """

    name: str
    is_package: bool
    doc: str
    defined: dict[str, ast.stmt] = field(repr=False)
    variables: dict[str, str] = field(repr=False)
    taken: dict[str, str] = field(repr=False)
    public: tuple[str, ...]

    @property
    def headed(self) -> set[str]:
        """What of it has a heading on its page: classes, functions, and variables alone on the left."""
        kinds = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        return {
            name for name, own in self.defined.items() if name in self.variables or isinstance(own, kinds)
        }

    @property
    def file(self) -> str:
        """Its source, below the source folder."""
        return f"{self.name.replace('.', '/')}{'/__init__' if self.is_package else ''}.py"

    @property
    def page(self) -> str:
        """Where its page stands in the site."""
        path = f"api/{self.name.replace('.', '/')}"
        if self.is_package:
            return f"{path}/index.md"
        return f"{path}_.md" if self.name.endswith(".index") else f"{path}.md"

    @property
    def room(self) -> str:
        """The first name below the package; empty for the package itself."""
        return self.name.split(".")[1] if "." in self.name else ""


def read_module(path: Path, source: Path) -> Module:
    """What a file says of itself."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    parts = path.relative_to(source).with_suffix("").parts
    is_package = parts[-1] == "__init__"
    defined = members(tree.body)
    offered = getattr(defined.get("__all__"), "value", None)
    public = ast.literal_eval(offered) if offered else [name for name in defined if not name.startswith("_")]
    return Module(
        ".".join(parts[:-1] if is_package else parts),
        is_package,
        ast.get_docstring(tree) or "",
        defined,
        variables(tree.body),
        imported(tree.body),
        tuple(name for name in public if not name.startswith("_")),
    )


class Reference:
    """The public modules below a source folder, and where each name is defined."""

    def __init__(self, source: Path) -> None:
        modules = [read_module(path, source) for path in sorted((source / PACKAGE).rglob("*.py"))]
        self.all = {module.name: module for module in modules}
        shown = [
            module
            for module in modules
            if not any(part.startswith("_") for part in module.name.split("."))
            and module.room not in NOT_SHOWN
        ]
        self.shown = sorted(shown, key=self._place)

    @staticmethod
    def _place(module: Module) -> tuple[bool, int, str]:
        known = module.room in ORDER
        place = ORDER.index(module.room) if known else len(ORDER)
        return module.room != "", place, module.name

    @property
    def rooms(self) -> dict[str, list[Module]]:
        """The shown modules of each room, its package first; under the empty name the package's own."""
        rooms: dict[str, list[Module]] = {}
        for module in self.shown:
            rooms.setdefault(module.room, []).append(module)
        return rooms

    def resolve(self, dotted: str) -> str | None:
        """Where a dotted name is defined, as the reference has it; None if there is no such name.

        `glimpse.Retriever` is `glimpse.retriever.retriever.Retriever`, say. A variable within a class is told
        with its class, as it has no heading of its own.
        """
        parts = dotted.split(".")
        for count in range(len(parts) - 1, 0, -1):
            module = self.all.get(".".join(parts[:count]))
            if module is None:
                continue
            first, rest = parts[count], parts[count + 1 :]
            if first in module.defined:
                return self._member(module, first, rest)
            if first in module.taken:
                return self.resolve(".".join([module.taken[first], *rest]))
            break
        return dotted if dotted in self.all else None

    def find(self, name: str, scopes: Sequence[str] = ()) -> str | None:
        """Where a name leads in the reference, said within these modules and classes, the nearest first.

        A class of which there is one among all public names is found from everywhere.
        """
        places = [self.resolve(f"{scope}.{name}") for scope in scopes]
        # `pixels` alone is a word, not the room
        places = [place for place in places if place not in self.all] + [self.resolve(name)]
        if name[0].isupper():
            places.append(self._classes.get(name))
        return next((place for place in places if place and self.is_shown(place)), None)

    @cached_property
    def _classes(self) -> dict[str, str]:
        places: dict[str, set[str]] = {}
        for module in self.shown:
            for name in module.public:
                place = self.resolve(f"{module.name}.{name}")
                if place and name[0].isupper():
                    places.setdefault(name, set()).add(place)
        return {name: found.pop() for name, found in places.items() if len(found) == 1}

    def _member(self, module: Module, name: str, rest: list[str]) -> str | None:
        found, own = f"{module.name}.{name}", module.defined[name]
        if not rest:
            return found
        if not isinstance(own, ast.ClassDef) or len(rest) > 1:
            return None
        inside = members(own.body).get(rest[0])
        if isinstance(inside, ast.FunctionDef) and ast.get_docstring(inside) and not rest[0].startswith("_"):
            return f"{found}.{rest[0]}"
        if inside is not None:
            return found
        bases = [base.id for base in own.bases if isinstance(base, ast.Name)]
        inherited = (self.resolve(f"{module.name}.{base}.{rest[0]}") for base in bases)
        return next((place for place in inherited if place), None)

    def is_shown(self, place: str) -> bool:
        """Whether the reference has a heading for what is defined there, by the name that `resolve` gave."""
        home = self._home(place)
        name = place.removeprefix(home.name).lstrip(".")
        if home not in self.shown or not name:
            return home in self.shown
        # what a module offers is shown as it is, the members of a class if they have a docstring
        first, _, member = name.partition(".")
        if first not in home.public or first not in home.headed:
            return False
        return not member or (not member.startswith("_") and bool(self.summary(place)))

    def summary(self, place: str) -> str:
        """The first paragraph of the docstring of what is defined there; empty without one."""
        home = self._home(place)
        name = place.removeprefix(home.name).lstrip(".")
        if not name:
            return first_paragraph(home.doc)
        if name in home.variables:
            return first_paragraph(home.variables[name])
        body: dict[str, ast.stmt] = home.defined
        own: ast.stmt | None = None
        for part in name.split("."):
            own = body[part]
            body = members(own.body) if isinstance(own, ast.ClassDef) else {}
        has_doc = isinstance(own, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        return first_paragraph(ast.get_docstring(own) or "") if has_doc else ""

    def _home(self, place: str) -> Module:
        return self.all[max((name for name in self.all if f"{place}.".startswith(f"{name}.")), key=len)]

    def pages(self) -> dict[str, str]:
        """The text of every page, by its place in the site."""
        return {
            "api/index.md": self._overview(),
            **{module.page: self._page(module) for module in self.shown},
        }

    def nav(self) -> list[dict[str, object]]:
        """The pages as entries of the navigation, the room's own before its modules."""
        entries: list[dict[str, object]] = [{"Overview": "api/index.md"}]
        for room, modules in self.rooms.items():
            title = f"{PACKAGE}.{room}" if room else PACKAGE
            below = [{self._short(module): module.page} for module in modules[1:]]
            entries.append({title: [modules[0].page, *below] if below else modules[0].page})
        return entries

    @staticmethod
    def _short(module: Module) -> str:
        return module.name.split(".", 2)[2]

    def _overview(self) -> str:
        rows = [
            (f"[`{room[0].name}`]({room[0].page.removeprefix('api/')})", first_paragraph(room[0].doc))
            for room in self.rooms.values()
        ]
        return "\n".join(["# API reference", "", OVERVIEW, "", *table("Rooms", "room", rows)])

    def _page(self, module: Module) -> str:
        own = [name for name in module.public if name in module.headed]
        lines = ["---", f'title: "{module.name}"', "---", "", f"::: {module.name}", "    options:"]
        lines += [f"      members: {own or 'false'}", ""]
        if module.is_package:
            lines += self._offers(module, own)
            below = [
                other
                for other in self.shown
                if other.name.startswith(f"{module.name}.")
                and other.name.count(".") == module.name.count(".") + 1
            ]
            rows = [(f"[`{other.name}`][{other.name}]", first_paragraph(other.doc)) for other in below]
            lines += table("Modules", "module", rows) if module.room else []
        return "\n".join(lines)

    def _offers(self, module: Module, own: list[str]) -> list[str]:
        """The names that a package passes on from its modules."""
        rows = []
        for name in module.public:
            place = self.resolve(f"{module.name}.{name}")
            if name in own or place is None:
                continue
            rows.append(
                (f"[`{name}`][{place}]" if self.is_shown(place) else f"`{name}`", self.summary(place))
            )
        return table("Public names", "name", rows)


def first_paragraph(doc: str) -> str:
    """The first paragraph of a docstring, on one line."""
    return " ".join(doc.split("\n\n")[0].split())


def cell(text: str) -> str:
    """Text for one cell of a Markdown table."""
    return text.replace("|", "\\|")


def table(title: str, kind: str, rows: list[tuple[str, str]]) -> list[str]:
    """A Markdown table under its heading; nothing without rows."""
    if not rows:
        return []
    lines = [f"| {left} | {cell(right)} |" for left, right in rows]
    return [f"## {title}", "", f"| {kind} | what it is |", "|---|---|", *lines, ""]
