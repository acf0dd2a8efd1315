"""What mkdocstrings runs on every docstring before it renders it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import griffe
from docstrings import with_examples, with_links, with_lists
from reference import Reference


class Docstrings(griffe.Extension):
    """Examples become code; names in backticks become links where they are clear from the place.

    Attributes:
        reference: of the packages below the source folder.
    """

    def __init__(self, source: str) -> None:
        self.reference = Reference(Path(source))

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Rewrite the docstring of a module, class, function or variable."""
        if obj.docstring is None:
            return
        scopes, around = [], obj
        while around is not None:
            scopes.append(around.path)
            around = around.parent
        own = {parameter.name for parameter in getattr(obj, "parameters", ())}

        def place_of(name: str) -> str | None:
            place = None if name in own else self.reference.find(name, scopes)
            # a name is no news where it stands
            return None if place in scopes else place

        obj.docstring.value = with_links(with_lists(with_examples(obj.docstring.value)), place_of)
