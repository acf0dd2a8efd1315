"""How an exported model is fed, as a text in its ONNX metadata, beside how its vectors are compared."""

from __future__ import annotations

import json
from collections.abc import Mapping

from glimpse.errors import OptionError
from glimpse.retriever.encoders.onnx import Preprocessing
from glimpse.serial import from_plain, parse_json, to_plain

KEY = "glimpse.feeding"


def feeding_to_texts(preprocessing: Preprocessing) -> dict[str, str]:
    """What an importer need not be told."""
    return {KEY: json.dumps(to_plain(preprocessing))}


def feeding_from_texts(texts: Mapping[str, str]) -> Preprocessing | None:
    """Back from `feeding_to_texts`; None if the texts say nothing of it."""
    if KEY not in texts:
        return None
    try:
        return from_plain(Preprocessing, parse_json(texts[KEY]), complete=True)
    except ValueError as wrong:
        raise OptionError(f"what the model says of its input, {KEY}, is damaged: {wrong}") from wrong
