"""Optional dependencies: imported when first needed, and named in one sentence when absent."""

from __future__ import annotations

import importlib
from types import ModuleType

from glimpse.errors import MissingExtraError


def require(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import `module`, or say which extra of Glimpse brings it.

    >>> require("json", extra="arrow", purpose="reading JSON").__name__
    'json'
    >>> require("no_such_module", extra="arrow", purpose="reading Parquet")
    Traceback (most recent call last):
    ...
    glimpse.errors.MissingExtraError: reading Parquet needs no_such_module: pip install "glimpse[arrow]"
    """
    try:
        return importlib.import_module(module)
    except ImportError as missing:
        raise MissingExtraError(f'{purpose} needs {module}: pip install "glimpse[{extra}]"') from missing
