"""From the names of one code base to ours, by rules that account for every key."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from glimpse.errors import WeightsError
from glimpse.files import printable

Rules = Sequence[tuple[str, str]]

# Counters of batch norms: torch has kept them since 0.4.1, and nothing here reads them.
_COUNTER = "num_batches_tracked"


@dataclass(frozen=True, eq=False)
class Translation:
    """A state dict under our names, and what became of every key.

    Attributes:
        state: by our name, prefixed with the backbone: `image.` or `text.`.
        used: pairs of foreign key and our name; several keys may form one tensor.
        set_aside: pairs of foreign key and why it is no part of a backbone.
        left_over: foreign keys that no rule knows.
    """

    state: dict[str, Tensor]
    used: tuple[tuple[str, str], ...]
    set_aside: tuple[tuple[str, str], ...]
    left_over: tuple[str, ...]

    def modality(self, name: str) -> dict[str, Tensor]:
        """The state of one backbone, without its prefix."""
        return {
            key.removeprefix(f"{name}."): value
            for key, value in self.state.items()
            if key.startswith(f"{name}.")
        }


def translate(foreign: Mapping[str, Tensor], rules: Rules, aside: Rules) -> Translation:
    r"""Rename every key by the first rule that matches it whole, unless it is to be set aside.

    A rule is a pattern and our name, with groups as `\1`. Our name may end in `#0`, `#1`, `#2`: such
    parts are joined along their first dimension; or in `.T`: such a matrix is turned over. `aside` pairs
    patterns with reasons. Of two keys that would get the same name, the second is left over.

    >>> state = {"norm.weight": torch.ones(2), "head.bias": torch.zeros(3), "gamma": torch.ones(1)}
    >>> done = translate(state, [(r"norm\.(\w+)", r"image.norm.\1")], [(r"head\..*", "a classifier")])
    >>> list(done.state), done.set_aside, done.left_over
    (['image.norm.weight'], (('head.bias', 'a classifier'),), ('gamma',))
    """
    renamed: dict[str, Tensor] = {}
    used: list[tuple[str, str]] = []
    set_aside: list[tuple[str, str]] = []
    left_over: list[str] = []
    for key, value in foreign.items():
        if (reason := _first(aside, key)) is not None:
            set_aside.append((key, reason))
        elif (ours := _first(rules, key)) is not None and ours not in renamed:
            if not value.numel():
                raise WeightsError(
                    f"{printable(key)} is empty, {list(value.shape)}: there are no weights in it"
                )
            renamed[ours] = value
            used.append((key, re.sub(r"#\d$|\.T$", "", ours)))
        else:
            left_over.append(key)
    state = {name: _settled(name, value) for name, value in _joined(renamed).items()}
    return Translation(state, tuple(used), tuple(set_aside), tuple(left_over))


def is_counter(name: str) -> bool:
    """Whether a name is that of a batch norm's counter."""
    return name.endswith(_COUNTER)


def _first(rules: Rules, key: str) -> str | None:
    for pattern, result in rules:
        match = re.fullmatch(pattern, key)
        if match:
            return match.expand(result)
    return None


def _joined(parts: dict[str, Tensor]) -> dict[str, Tensor]:
    """Join `name#0`, `name#1`, ... (queries, keys and values kept apart) and turn `name.T` over."""
    whole: dict[str, Tensor] = {}
    for name, value in parts.items():
        stem, number = name[:-2], name[-2:]
        if number == "#0":
            numbered = [parts[f"{stem}#{i}"] for i in range(3) if f"{stem}#{i}" in parts]
            whole[stem] = torch.cat(numbered)
        elif number == ".T":
            whole[stem] = value.T.contiguous()
        elif number[:1] != "#":
            whole[name] = value
    return whole


def _settled(name: str, value: Tensor) -> Tensor:
    """Without the dimensions of size one that other code bases keep, in single precision."""
    last = name.rsplit(".", 1)[-1]
    if last == "class_token":
        value = value.flatten()
    elif last in ("position", "table", "kind"):
        value = value.reshape(-1, value.shape[-1])
    elif name.endswith("patch_embed.projection.weight") and value.ndim == 2:
        side = round((value.shape[1] / 3) ** 0.5)  # the first ViT ports kept the patches as rows
        value = value.reshape(len(value), 3, side, side)
    return value.float() if value.is_floating_point() else value
