"""A network of one of the methods as an encoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from glimpse.embeddings import Embeddings
from glimpse.errors import OptionError
from glimpse.models.card import NetworkCard
from glimpse.models.factory import EmbeddingNetwork, TextNetwork
from glimpse.models.storage import TOKENIZER, load_network, save_network
from glimpse.models.taken import Taken
from glimpse.models.text.tokenizer import Tokenizer
from glimpse.pixels.preparation import Preparation
from glimpse.records import Capture
from glimpse.retriever.encoders.base import Pixels, check_pixels, no_text_side
from glimpse.runtime import torch_device


@dataclass(frozen=True, eq=False)
class NetworkEncoder:
    """A network with its card.

    Vectors are float32 and not normalized. An image's vector does not depend on the batch it came with
    beyond the last bits of a matrix product (none differ on the CPUs tried).

    Attributes:
        network: an `EmbeddingNetwork`.
        card: how it was built and what it wants to be fed.
        tokenizer: for a network with a text side.
        flip: average each vector with that of the mirrored image.
        device: where torch computes.
        bfloat16: compute matrix products in bfloat16: faster, and a cosine of about 0.9999 to float32.
    """

    network: nn.Module
    card: NetworkCard
    tokenizer: Tokenizer | None = None
    flip: bool = False
    device: str = "cpu"
    bfloat16: bool = False

    kind = "network"

    def __post_init__(self) -> None:
        if not isinstance(self.network, EmbeddingNetwork):
            raise OptionError(f"{type(self.network).__name__} is no network that embeds")
        object.__setattr__(self, "device", str(torch_device(self.device)))
        self.network.to(self.device).eval()

    @property
    def preparation(self) -> Preparation:
        """Resized as the card says."""
        return Preparation(self.card.image, self.card.interpolation)

    @property
    def dim(self) -> int:
        """The network's."""
        return cast("EmbeddingNetwork", self.network).dim

    @property
    def concurrent(self) -> bool:
        """On a CPU."""
        return torch.device(self.device).type == "cpu"

    def embed(self, pixels: Pixels, capture: Capture) -> Embeddings:
        """See `Encoder.embed`."""
        check_pixels(pixels, self.card.image)
        taken = Taken.of(capture, self.card, self.device)
        with self._inference():
            images = normalized(torch.from_numpy(pixels).to(self.device), self.card)
            # one tensor, normalized once; the mirrored images are made from it
            vectors, masks = embed_images(cast("EmbeddingNetwork", self.network), images, taken, self.flip)
        return Embeddings(
            vectors.float().numpy(force=True), None if masks is None else masks.float().numpy(force=True)
        )

    def embed_texts(self, texts: Sequence[str]) -> Embeddings:
        """See `Encoder.embed_texts`."""
        if not isinstance(self.network, TextNetwork):
            raise no_text_side(f"the method {self.card.method}")
        if self.tokenizer is None:
            raise OptionError(f"the text side of {self.card.method} needs a tokenizer, and none was saved")
        tokens = self.tokenizer.encode(texts).trimmed()
        ids, ends = (torch.from_numpy(numbers).to(self.device) for numbers in (tokens.ids, tokens.ends))
        with self._inference():
            vectors = self.network.embed_text(ids, ends)
        return Embeddings(vectors.float().numpy(force=True))

    def write(self, folder: Path) -> dict[str, Any]:
        """The network's card and weights, and its tokenizer."""
        save_network(folder, self.card, self.network.state_dict())
        if self.tokenizer is not None:
            self.tokenizer.save(folder / TOKENIZER)
        return {"flip": self.flip}

    @classmethod
    def read(
        cls, folder: Path, values: Mapping[str, Any], device: str = "cpu", bfloat16: bool = False
    ) -> NetworkEncoder:
        """What `write` wrote; without values, what training left."""
        flip = values.get("flip", False)
        if set(values) - {"flip"} or not isinstance(flip, bool):
            raise OptionError(f"a card says of a network only `flip`, true or false, got {dict(values)}")
        card, network = load_network(folder)
        tokenizer = Tokenizer.load(folder / TOKENIZER) if (folder / TOKENIZER).is_file() else None
        return cls(network, card, tokenizer, flip, device, bfloat16)

    def _inference(self) -> _Inference:
        return _Inference(torch.device(self.device).type, self.bfloat16)


class _Inference:
    """No gradients, and bfloat16 if asked for."""

    def __init__(self, device: str, bfloat16: bool) -> None:
        self._contexts = (torch.inference_mode(), torch.autocast(device, torch.bfloat16, enabled=bfloat16))

    def __enter__(self) -> None:
        for context in self._contexts:
            context.__enter__()

    def __exit__(self, *error: Any) -> None:
        for context in reversed(self._contexts):
            context.__exit__(*error)


def normalized(pixels: Tensor, card: NetworkCard) -> Tensor:
    """uint8 `[B, H, W, 3]` as `[B, 3, H, W]`, a new tensor: (pixel / 255 - mean) / deviation."""
    mean, std = (torch.tensor(v, device=pixels.device) * 255 for v in (card.mean, card.std))
    return pixels.float().sub_(mean).div_(std).permute(0, 3, 1, 2)


def embed_images(
    network: EmbeddingNetwork, images: Tensor, taken: Taken | None, flip: bool
) -> tuple[Tensor, Tensor | None]:
    """Vectors, and masks if the network has them, `[B, D]`, of normalized images `[B, 3, H, W]`."""
    vectors, masks = _pair(network.embed(images, taken))
    if flip:
        mirrored, mirrored_masks = _pair(network.embed(images.flip(3), taken))
        vectors = (vectors + mirrored) / 2
        masks = None if masks is None or mirrored_masks is None else (masks + mirrored_masks) / 2
    return vectors, masks


def _pair(output: Tensor | tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor | None]:
    return (output, None) if isinstance(output, Tensor) else output
