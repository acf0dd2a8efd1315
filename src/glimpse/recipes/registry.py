"""The methods: one row each, which says where its recipe, its network and its training are.

Everything is imported when it is asked for: recipes need no torch, and a network nothing that trains it.
A package of its own adds a method by an entry point of the group `glimpse.methods` that names its row
(docs/add-a-method.md):

    [project.entry-points."glimpse.methods"]
    my-method = "my_package:ROW"
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint
from types import MappingProxyType
from typing import Any

from glimpse.choices import Reads
from glimpse.errors import OptionError
from glimpse.plugins import cannot_load, points

GROUP = "glimpse.methods"
"""The group of entry points by which other packages add their methods."""
_NAME, _REFERENCE = re.compile(r"[a-z0-9.+-]+"), re.compile(r"[\w.]+:\w+")


@dataclass(frozen=True)
class MethodRow:
    """A method; every part is named as `module:attribute`.

    Attributes:
        name: as the command line knows it, lower case with dashes.
        recipe: the recipe's class, a frozen dataclass that can be made without arguments; without torch.
        network: the network's class; its `from_card` takes a `NetworkCard`, see `glimpse.models.factory`.
        prepare: the function of recipe and training data that gives a `glimpse.methods.prepare.Prepared`.
        world: settings that the preset `world` changes; none if empty.
        trained: whether `glimpse train` trains it; a network for pre-training alone is not listed.
        reads: which rows it learns from: images, each once, or images with their captions.
    """

    name: str
    recipe: str
    network: str
    prepare: str
    world: str = ""
    trained: bool = True
    reads: Reads = Reads.IMAGES

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise OptionError(f"a method's name is in lower case with dashes, got {self.name!r}")
        for part in ("recipe", "network", "prepare", *(["world"] if self.world else [])):
            if not _REFERENCE.fullmatch(getattr(self, part)):
                raise OptionError(
                    f"the {part} of {self.name} is named as module:attribute, got {getattr(self, part)!r}"
                )
        if self.reads not in list(Reads):
            raise OptionError(
                f"the method {self.name} must read {' or '.join(map(repr, map(str, Reads)))}, "
                f"got {str(self.reads)!r}"
            )


_ROWS = (
    MethodRow(
        name="bot",
        recipe="glimpse.recipes.bot:BoTRecipe",
        network="glimpse.models.bot:BoTNetwork",
        prepare="glimpse.methods.bot:prepare_bot",
        world="glimpse.recipes.bot:WORLD",
    ),
    MethodRow(
        name="transreid",
        recipe="glimpse.recipes.transreid:TransReIDRecipe",
        network="glimpse.models.transreid:TransReIDNetwork",
        prepare="glimpse.methods.transreid:prepare_transreid",
        world="glimpse.recipes.transreid:WORLD",
    ),
    MethodRow(
        name="dpm",
        recipe="glimpse.recipes.dpm:DpmRecipe",
        network="glimpse.models.dpm:DpmNetwork",
        prepare="glimpse.methods.dpm:prepare_dpm",
        world="glimpse.recipes.dpm:WORLD",
    ),
    MethodRow(
        name="dpm++",
        recipe="glimpse.recipes.dpmpp:DpmppRecipe",
        network="glimpse.models.dpmpp:DpmppNetwork",
        prepare="glimpse.methods.dpmpp_stages:prepare_dpmpp",
        world="glimpse.recipes.dpmpp:WORLD",
    ),
    MethodRow(
        name="clip-reid",
        recipe="glimpse.recipes.clip_reid:ClipReIDRecipe",
        network="glimpse.models.clip_reid:ClipReIDNetwork",
        prepare="glimpse.methods.clip_reid:prepare_clip_reid",
        world="glimpse.recipes.clip_reid:WORLD",
    ),
    MethodRow(
        name="spt",
        recipe="glimpse.recipes.spt:SptRecipe",
        network="glimpse.models.spt:SptNetwork",
        prepare="glimpse.methods.spt:prepare_spt",
        world="glimpse.recipes.spt:WORLD",
    ),
    MethodRow(
        name="mos",
        recipe="glimpse.recipes.mos:MosRecipe",
        network="glimpse.models.mos:MosNetwork",
        prepare="glimpse.methods.mos:prepare_mos",
        world="glimpse.recipes.mos:WORLD",
    ),
    MethodRow(
        name="sap",
        recipe="glimpse.recipes.sap:SapRecipe",
        network="glimpse.models.sap:SapNetwork",
        prepare="glimpse.methods.sap:prepare_sap",
        world="glimpse.recipes.sap:WORLD",
    ),
    MethodRow(
        name="agw",
        recipe="glimpse.recipes.agw:AgwRecipe",
        network="glimpse.models.agw:AgwNetwork",
        prepare="glimpse.methods.agw:prepare_agw",
        world="glimpse.recipes.agw:WORLD",
    ),
    MethodRow(
        name="sim",
        recipe="glimpse.recipes.sim:SimRecipe",
        network="glimpse.models.bot:BoTNetwork",  # SIM's own network is BoT's
        prepare="glimpse.methods.sim:prepare_sim",
        world="glimpse.recipes.sim:WORLD",
    ),
    MethodRow(
        name="clip",
        recipe="glimpse.recipes.clip:ClipRecipe",
        network="glimpse.models.clip:ClipNetwork",
        prepare="glimpse.methods.clip:prepare_clip",
        trained=False,
        reads=Reads.CAPTIONS,
    ),
)
_BUILT_IN: Mapping[str, MethodRow] = MappingProxyType({row.name: row for row in _ROWS})


@cache
def _found() -> tuple[Mapping[str, MethodRow], Mapping[str, str]]:
    """Every row, and for each entry point that gives none a sentence on why, by the name of the method."""
    found, broken = dict(_BUILT_IN), dict[str, str]()
    for point in points(GROUP):
        try:
            row = _loaded(point)
            if row.name in found:
                raise OptionError(
                    f"two methods are called {row.name!r}: {found[row.name].recipe}, {row.recipe}"
                )
        except OptionError as error:
            broken[method_name(point.name)] = str(error)
        else:
            found[row.name] = row
    return MappingProxyType(found), MappingProxyType(broken)


def _loaded(point: EntryPoint) -> MethodRow:
    try:
        row = point.load()
    except Exception as error:
        raise cannot_load("method", point.name, point.value, error) from error
    if not isinstance(row, MethodRow):
        raise OptionError(f"the entry point {point.name!r} of {GROUP} must be a MethodRow, got {row!r}")
    return row


def rows() -> Mapping[str, MethodRow]:
    """Every method by its name: those of this package, then those of others, sorted.

    What another package breaks is left out; `broken_methods` says why.
    """
    return _found()[0]


def broken_methods() -> Mapping[str, str]:
    """The methods that other packages name but do not give, and a sentence on why."""
    return _found()[1]


def trained_methods() -> tuple[str, ...]:
    """The names of the methods that `glimpse train` trains."""
    return tuple(name for name, row in rows().items() if row.trained)


def method_name(method: str) -> str:
    """A method's name as rows have it.

    >>> method_name("CLIP_ReID")
    'clip-reid'
    """
    return method.lower().replace("_", "-")


def row_of(method: str) -> MethodRow:
    """The row of a method, by its name in any case, with dashes or underscores.

    Raises:
        OptionError: if no method is called so, or it is broken; the sentence names those that there are.
    """
    name = method_name(method)
    # our own first: what another package breaks must not stop a retriever that has nothing to do with it
    row = _BUILT_IN.get(name) or rows().get(name)
    if row is None and name in broken_methods():
        raise OptionError(broken_methods()[name])
    if row is None:
        raise OptionError(
            f"no method is called {method!r}; there are {', '.join(trained_methods())}, or install the "
            "package that brings it"
        )
    return row


def resolve(reference: str) -> Any:
    """What `module:attribute` names.

    Raises:
        OptionError: if there is no such module, or nothing of that name in it; a module that is there but
            fails keeps its own error.
    """
    name, _, attribute = reference.partition(":")
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        raise OptionError(f"a method names {reference}, but there is no module {error.name}") from error
    try:
        return getattr(module, attribute)
    except AttributeError as error:
        raise OptionError(f"a method names {reference}, but {name} has no {attribute}") from error


def recipe_of(method: str) -> Any:
    """The recipe of a method that can be trained, with the defaults as published.

    Raises:
        OptionError: if no such method is called so; the sentence names those that are.
    """
    row = row_of(method)
    if not row.trained:
        raise OptionError(f"no method is called {method!r}; there are {', '.join(trained_methods())}")
    return resolve(row.recipe)()


def listed_recipes() -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """The recipe of every method that can be trained, and a sentence for each that another package breaks."""
    recipes, broken = {}, list(broken_methods().values())
    for name in trained_methods():
        try:
            recipes[name] = recipe_of(name)
        except Exception as error:
            if name in _BUILT_IN:
                raise
            broken.append(str(cannot_load("method", name, row_of(name).recipe, error)))
    return recipes, tuple(broken)


def world_settings(method: str) -> tuple[str, ...]:
    """What the preset `world` sets otherwise than the published recipe, as `--set` takes it."""
    row = row_of(method)
    return tuple(resolve(row.world)) if row.world else ()
