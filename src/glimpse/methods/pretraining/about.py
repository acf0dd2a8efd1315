"""What a reader of pre-trained weights should know of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from glimpse.training.hardware import hardware


def about_weights(command: str, record: Mapping[str, Any], measures: Mapping[str, float]) -> dict[str, str]:
    """The words of the card, from the record of the run (`glimpse.training.run_record`).

    Args:
        command: that made them.
        record: of the run.
        measures: of the people who were held out.
    """
    recipe, world, used = record["recipe"], record["recipe"]["world"], record["hardware"]
    scores = ", ".join(f"{name} {100 * value:.1f} %" for name, value in measures.items())
    return {
        "command": command,
        "recipe": json.dumps(recipe),
        "data": f"a rendered world of {world['people']} people, whom no evidence is measured on",
        "seeds": f"{recipe['seed']} of the training, {world['seed']} of the world",
        "hardware": f"{hardware()}; device {used['device']}, {used['threads']} threads",
        "scores": f"{scores} on {world['held_out']} people who were held out",
    }
