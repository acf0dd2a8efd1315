"""A network on disk: its card as `network.json` and its weights as `network.safetensors`.

Files beside them that belong to the network, such as a tokenizer, are named in the card as `files`, each with
its SHA-256.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from glimpse.errors import OptionError, StorageError, WeightsError
from glimpse.files import atomic_write, fingerprint, printable, storage_error
from glimpse.models.card import NetworkCard
from glimpse.models.factory import build_network
from glimpse.models.former_names import former_card, former_weight
from glimpse.models.weights.install import check_value
from glimpse.serial import parse_json

CARD, WEIGHTS, TOKENIZER = "network.json", "network.safetensors", "tokenizer.json"

_FILES = "files"


def save_network(
    folder: Path, card: NetworkCard, weights: Mapping[str, Tensor], beside: Iterable[str] = ()
) -> None:
    """Write a card and the network's state; the card last, so that a folder with a card is whole.

    Args:
        folder: where.
        card: of the network.
        weights: its state.
        beside: names of files that are in the folder already and belong to the network.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(folder, error) from error
    with atomic_write(folder / WEIGHTS) as file:
        # clones: tensors that share memory are written each
        file.write(save({name: t.detach().cpu().clone().contiguous() for name, t in weights.items()}))
    prints = {name: fingerprint(folder / name) for name in sorted(beside)}
    values = card.to_json() | ({_FILES: prints} if prints else {})
    with atomic_write(folder / CARD) as file:
        file.write((json.dumps(values, indent=2) + "\n").encode())


def load_network(folder: Path) -> tuple[NetworkCard, nn.Module]:
    """The card and the network, in evaluation mode, that `save_network` wrote."""
    try:
        values = former_card(parse_json((folder / CARD).read_bytes()))
        if not isinstance(values, dict):
            raise ValueError("its card is no object")
        beside = values.pop(_FILES, {})
        card = NetworkCard.from_json(values)
        weights = {former_weight(name): value for name, value in load_file(folder / WEIGHTS).items()}
    except FileNotFoundError as error:
        raise OptionError(
            f"there is no network in {printable(folder)}: expected {CARD} and {WEIGHTS}"
        ) from error
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise StorageError(f"the network in {printable(folder)} is damaged: {error}") from error
    _check_beside(folder, beside)
    network = build_network(card)
    found, wanted = weights.keys(), network.state_dict().keys()
    if found != wanted:
        raise StorageError(
            f"the weights in {printable(folder)} do not belong to its card: {min(found ^ wanted)} is "
            f"{'missing' if min(found ^ wanted) in wanted else 'left over'}"
        )
    try:
        for name, value in network.state_dict().items():
            check_value(name, weights[name], value)
    except WeightsError as error:
        raise StorageError(
            f"the weights in {printable(folder)} do not belong to its card: {error}"
        ) from error
    network.load_state_dict(weights)
    return card, network.eval()


def _check_beside(folder: Path, prints: Any) -> None:
    """Refuse a folder whose further files are not those that were saved with the network."""
    if not isinstance(prints, dict):
        raise StorageError(f"the card of the network {printable(folder)} must tell of its files as an object")
    for name, expected in prints.items():
        if Path(name).name != name or not (folder / name).is_file():
            raise StorageError(f"the network {printable(folder)} lacks its file {name}")
        if fingerprint(folder / name) != expected:
            raise StorageError(
                f"the file {name} of the network {printable(folder)} is not the one that was saved with it"
            )
