"""The similarities by name, as cards and commands know them: a row each. Nothing here needs torch.

A package of its own adds a similarity by an entry point of the group `glimpse.similarities`, which is such a
row (docs/add-a-method.md):

    [project.entry-points."glimpse.similarities"]
    my-similarity = "my_package:MySimilarity"
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from glimpse.errors import OptionError
from glimpse.plugins import PluginWarning, cannot_load, points

if TYPE_CHECKING:
    from glimpse.similarity.base import Similarity

GROUP = "glimpse.similarities"
"""The group of entry points by which other packages add their similarities."""
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
"""Glimpse's own by name, where the class is, as `module:class`."""


@cache
def similarities() -> Mapping[str, str]:
    """Every similarity by its name, as `module:class`: our own, then those of other packages, sorted."""
    found = dict(SIMILARITIES)
    for point in points(GROUP):
        if point.name in found:
            warnings.warn(
                f"two similarities are called {point.name!r}: {found[point.name]}, and {point.value}, which "
                "is left out",
                PluginWarning,
                stacklevel=2,
            )
        else:
            found[point.name] = point.value
    return MappingProxyType(found)


def similarity_class(name: str) -> type[Similarity]:
    """The class of a similarity, imported when it is asked for.

    Raises:
        OptionError: if there is no such similarity, or the package that should bring it does not.
    """
    from glimpse.similarity.base import Similarity

    reference = similarities()[check_similarity(name)]
    module, _, attribute = reference.partition(":")
    try:
        kind = getattr(import_module(module), attribute)
    except Exception as error:
        if name in SIMILARITIES:
            raise
        raise cannot_load("similarity", name, reference, error) from error
    if not isinstance(kind, type) or not issubclass(kind, Similarity):
        raise OptionError(f"the entry point {name!r} of {GROUP} must be a Similarity, got {kind!r}")
    return kind


class SimilarityClasses(Mapping[str, "type[Similarity]"]):
    """Every similarity's class by its name, each imported when it is looked up."""

    def __getitem__(self, name: str) -> type[Similarity]:
        if name not in similarities():
            raise KeyError(name)
        return similarity_class(name)

    def __iter__(self) -> Iterator[str]:
        return iter(similarities())

    def __len__(self) -> int:
        return len(similarities())


def check_similarity(name: str) -> str:
    """The name, if a similarity is called so.

    >>> check_similarity("cosin")
    Traceback (most recent call last):
    ...
    glimpse.errors.OptionError: no similarity is called 'cosin'; there are cosine, masked-cosine, \
set-jaccard, euclidean, part-cosine, conflict-penalized, two-pass, or install the package that brings it
    """
    # our own first: what another package breaks must not stop a retriever that has nothing to do with it
    if name not in SIMILARITIES and name not in similarities():
        raise OptionError(
            f"no similarity is called {name!r}; there are {', '.join(similarities())}, or install the "
            "package that brings it"
        )
    return name


def named_similarity(name: str, **values: Any) -> Similarity:
    """The similarity of that name; of `values` it takes those that it has fields for.

    >>> named_similarity("masked-cosine", side="subspace").side
    'subspace'
    >>> named_similarity("cosine", side="subspace")
    Cosine(unit_gallery=False, dtype=<MatmulDtype.FLOAT32: 'float32'>, device='cpu')
    """
    kind: Any = similarity_class(name)
    known = {field.name: field for field in fields(kind)}
    given = {key: value for key, value in values.items() if key in known}
    for key, field in known.items():
        if key not in given and field.default is MISSING and field.default_factory is MISSING:
            raise OptionError(f"the similarity {name} needs its {key}, which a name alone does not give")
    similarity: Similarity = kind(**given)
    return similarity
