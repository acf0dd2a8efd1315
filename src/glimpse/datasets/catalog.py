"""The registry of layouts and their readers."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from glimpse.datasets import (
    cuhk_pedes,
    dukemtmc,
    icfg_pedes,
    llcm,
    market1501,
    mars,
    msmt17,
    occluded_duke,
    occluded_reid,
    own,
    p_dukemtmc,
    p_ethz,
    partial_ilids,
    partial_reid,
    regdb,
    rstpreid,
    sysu_mm01,
)
from glimpse.datasets.dataset import Dataset
from glimpse.datasets.layout import Layout
from glimpse.errors import OptionError
from glimpse.files import user_path


def parse_source(text: str) -> tuple[str, Path]:
    """A layout and a folder.

    >>> parse_source("market1501:data/market")
    ('market1501', PosixPath('data/market'))
    >>> parse_source("data/market")
    Traceback (most recent call last):
    ...
    glimpse.errors.OptionError: name a data set as NAME:DIR, like market1501:data/market, got 'data/market'
    """
    name, colon, folder = text.partition(":")
    if not (name and colon and folder):
        raise OptionError(f"name a data set as NAME:DIR, like market1501:data/market, got {text!r}")
    return name, user_path(folder)


Reader = Callable[..., Dataset]

_PUBLISHED = (
    market1501,
    dukemtmc,
    msmt17,
    mars,
    occluded_duke,
    occluded_reid,
    partial_reid,
    partial_ilids,
    p_dukemtmc,
    p_ethz,
    sysu_mm01,
    regdb,
    llcm,
    cuhk_pedes,
    icfg_pedes,
    rstpreid,
)

LAYOUTS: tuple[Layout, ...] = (*(module.LAYOUT for module in _PUBLISHED), own.FOLDER, own.TABLE)
"""In the order in which the documentation lists them."""

_READERS: dict[str, Reader] = {
    **{module.LAYOUT.name: module.read for module in _PUBLISHED},
    own.FOLDER.name: own.read_folder,
    own.TABLE.name: own.read_table,
}


def reader(name: str) -> Reader:
    """The function that reads the layout of that name; hyphens and capitals do not matter.

    >>> reader("Market1501").__module__
    'glimpse.datasets.market1501'
    """
    plain = name.lower().replace("-", "_")
    if plain not in _READERS:
        near = get_close_matches(plain, _READERS, n=2)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(_READERS)}"
        raise OptionError(f"no layout is called {name!r}; {hint}")
    return _READERS[plain]


def read(name: str, root: Path | str, **options: Any) -> Dataset:
    """Read the data set at `root` in the layout `name`; the options are those of its reader."""
    return reader(name)(root, **options)
