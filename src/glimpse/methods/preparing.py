"""From a method's name and recipe to what the engine trains."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from glimpse.errors import OptionError
from glimpse.methods.bot.training import prepare_bot
from glimpse.methods.clip.training import prepare_clip
from glimpse.methods.clip_reid.training import prepare_clip_reid
from glimpse.methods.dpm.training import prepare_dpm
from glimpse.methods.dpmpp.training import prepare_dpmpp
from glimpse.methods.prepared import Prepared
from glimpse.methods.spt.training import prepare_spt
from glimpse.methods.transreid.training import prepare_transreid
from glimpse.training.data import TrainingData

_PREPARE: Mapping[str, Callable[[Any, TrainingData], Prepared]] = MappingProxyType(
    {
        "bot": prepare_bot,
        "transreid": prepare_transreid,
        "dpm": prepare_dpm,
        "dpm++": prepare_dpmpp,
        "clip-reid": prepare_clip_reid,
        "spt": prepare_spt,
        "clip": prepare_clip,
    }
)


def prepare(method: str, recipe: Any, data: TrainingData) -> Prepared:
    """The method of that name, as the recipe says, for the persons of the training rows."""
    name = method.lower().replace("_", "-")
    if name not in _PREPARE:
        raise OptionError(f"no method is called {method!r}; there are {', '.join(_PREPARE)}")
    return _PREPARE[name](recipe, data)
