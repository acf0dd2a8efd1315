"""Glimpse: find a person again from whatever is at hand.

The public names are imported when they are first used, so that `import glimpse` costs milliseconds.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from glimpse.version import __version__

if TYPE_CHECKING:
    from glimpse.datasets import Dataset, read
    from glimpse.embeddings import Embeddings
    from glimpse.errors import GlimpseError
    from glimpse.evaluation import Result, evaluate
    from glimpse.pixels import PixelCache
    from glimpse.protocols import Protocol
    from glimpse.records import Records
    from glimpse.retriever import Retriever
    from glimpse.world.world import World


_HOMES = {
    "Dataset": "glimpse.datasets",
    "Embeddings": "glimpse.embeddings",
    "GlimpseError": "glimpse.errors",
    "PixelCache": "glimpse.pixels",
    "Protocol": "glimpse.protocols",
    "Records": "glimpse.records",
    "Result": "glimpse.evaluation",
    "Retriever": "glimpse.retriever",
    "World": "glimpse.world.world",
    "evaluate": "glimpse.evaluation",
    "read": "glimpse.datasets",
}

__all__ = [
    "Dataset",
    "Embeddings",
    "GlimpseError",
    "PixelCache",
    "Protocol",
    "Records",
    "Result",
    "Retriever",
    "World",
    "__version__",
    "evaluate",
    "read",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'glimpse' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
