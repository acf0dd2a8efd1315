"""The methods that can be trained, by name, as the command line knows them.

A recipe's module is imported when it is asked for, and must not import torch: `glimpse recipes` is quick.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from glimpse.errors import OptionError

RECIPES: Mapping[str, str] = {
    "bot": "glimpse.methods.bot.recipe:BoTRecipe",
    "transreid": "glimpse.methods.transreid.recipe:TransReIDRecipe",
    "dpm": "glimpse.methods.dpm.recipe:DpmRecipe",
    "dpm++": "glimpse.methods.dpmpp.recipe:DpmppRecipe",
    "clip-reid": "glimpse.methods.clip_reid.recipe:ClipReIDRecipe",
    "spt": "glimpse.methods.spt.recipe:SptRecipe",
}
"""By the method's name, where its recipe's class is."""


def recipe_of(method: str) -> Any:
    """The recipe of a method, with the defaults as published.

    Raises:
        OptionError: if no method is called so; the sentence names those that are.
    """
    name = method.lower().replace("_", "-")
    if name not in RECIPES:
        raise OptionError(f"no method is called {method!r}; there are {', '.join(RECIPES) or 'none'}")
    module, _, kind = RECIPES[name].partition(":")
    return getattr(import_module(module), kind)()
