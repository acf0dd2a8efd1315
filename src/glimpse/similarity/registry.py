"""The similarities by name, as cards and commands know them: a row each. Nothing here needs torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from glimpse.errors import OptionError

if TYPE_CHECKING:
    from glimpse.similarity.base import Similarity

SIMILARITIES: Mapping[str, str] = MappingProxyType(
    {
        "cosine": "glimpse.similarity.cosine:Cosine",
        "masked-cosine": "glimpse.similarity.masked:MaskedCosine",
        "set-jaccard": "glimpse.similarity.sets:SetJaccard",
        "euclidean": "glimpse.similarity.cosine:Euclidean",
        "part-cosine": "glimpse.similarity.parts:PartCosine",
        "conflict-penalized": "glimpse.similarity.conflict:ConflictPenalized",
        "two-pass": "glimpse.similarity.two_pass:TwoPass",
    }
)
"""By name, where the class is, as `module:class`."""


@cache
def similarity_classes() -> Mapping[str, type[Similarity]]:
    """Every similarity's class by its name."""
    found: dict[str, type[Similarity]] = {}
    for name, reference in SIMILARITIES.items():
        module, _, attribute = reference.partition(":")
        found[name] = getattr(import_module(module), attribute)
    return MappingProxyType(found)


def check_similarity(name: str) -> str:
    """The name, if a similarity is called so.

    >>> check_similarity("cosin")
    Traceback (most recent call last):
    ...
    glimpse.errors.OptionError: no similarity is called 'cosin'; there are cosine, masked-cosine, \
set-jaccard, euclidean, part-cosine, conflict-penalized, two-pass
    """
    if name not in SIMILARITIES:
        raise OptionError(f"no similarity is called {name!r}; there are {', '.join(SIMILARITIES)}")
    return name


def named_similarity(name: str, **values: Any) -> Similarity:
    """The similarity of that name; of `values` it takes those that it has fields for.

    >>> named_similarity("masked-cosine", side="subspace").side
    'subspace'
    >>> named_similarity("cosine", side="subspace")
    Cosine(unit_gallery=False, dtype=<MatmulDtype.FLOAT32: 'float32'>, device='cpu')
    """
    kind: Any = similarity_classes()[check_similarity(name)]
    known = {field.name: field for field in fields(kind)}
    given = {key: value for key, value in values.items() if key in known}
    for key, field in known.items():
        if key not in given and field.default is MISSING and field.default_factory is MISSING:
            raise OptionError(f"the similarity {name} needs its {key}, which a name alone does not give")
    similarity: Similarity = kind(**given)
    return similarity
