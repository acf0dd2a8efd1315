"""`NAME:DIR`, the way in which the command line names a data set."""

from __future__ import annotations

from pathlib import Path

from glimpse.errors import OptionError


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
    return name, Path(folder).expanduser()
