"""What is trained, and under which names its figures are shown; all of it in the same number of epochs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

TRANSREID = ("cameras=false",)
"""As whoever searches has it; MoS and SAP know no cameras either."""


@dataclass(frozen=True)
class Training:
    """One network, trained with every seed.

    Attributes:
        method: its name.
        settings: what is set otherwise than in the method's recipe for the world.
        teacher: of SAP, by its name in `glimpse.segmentation`, or a share of noise in the truth.
    """

    method: str
    settings: tuple[str, ...] = ()
    teacher: str = ""


@dataclass(frozen=True)
class Shown:
    """An arm: a trained network, and how its embeddings are compared.

    Attributes:
        training: its name.
        reading: a way to compare, see `glimpse`'s own in `study.READINGS`.
    """

    training: str
    reading: str = "own"


_IBN, _EUCLIDEAN = "ibn=true", "triplet=euclidean"

SETS: Mapping[str, Training] = MappingProxyType(
    {
        "bot": Training("bot"),
        "transreid": Training("transreid", TRANSREID),
        "euclidean": Training("mos", (_EUCLIDEAN, "conflict.use=false")),
        "jaccard": Training("mos"),
        "bot-ibn": Training("bot", (_IBN,)),
        "euclidean-ibn": Training("mos", (_IBN, _EUCLIDEAN, "conflict.use=false")),
        "jaccard-ibn": Training("mos", (_IBN,)),
    }
)
"""Trained on the Market layout, where everybody is whole."""


def _steps(suffix: str) -> dict[str, Shown]:
    tail = " IBN" if suffix else ""
    return {
        f"Euclidean{tail}": Shown(f"euclidean{suffix}", "neck"),
        f"Jaccard at test only{tail}": Shown(f"euclidean{suffix}", "jaccard"),
        f"+ Jaccard triplet{tail}": Shown(f"jaccard{suffix}", "jaccard"),
        f"+ conflict penalty (MoS){tail}": Shown(f"jaccard{suffix}"),
    }


SETS_SHOWN: Mapping[str, Shown] = MappingProxyType(
    {
        "BoT": Shown("bot"),
        "TransReID": Shown("transreid"),
        **_steps(""),
        "BoT IBN": Shown("bot-ibn"),
        **_steps("-ibn"),
    }
)
"""By the name in tables. Each of MoS's steps is counted from the one before, and from Euclidean."""

_PLAIN = ("proxies=false", "patch_weight=0")

PARTS: Mapping[str, Training] = MappingProxyType(
    {
        "bot": Training("bot"),
        "transreid": Training("transreid", TRANSREID),
        "baseline": Training("sap", _PLAIN),
        "patch": Training("sap", ("proxies=false",)),
        "proxy": Training("sap", ("patch_weight=0",)),
        "stripes": Training("sap"),
        "literal": Training("sap", ("proxy_temperature=1",)),
        "no-refinement": Training("sap", ("rounds=0",)),
        "no-dropout": Training("sap", ("dropout.share=0",)),
        "pose": Training("sap", ("teacher=maps",), "pose"),
        "truth": Training("sap", ("teacher=maps",), "truth"),
        "truth-10": Training("sap", ("teacher=maps",), "0.1"),
        "truth-30": Training("sap", ("teacher=maps",), "0.3"),
        "truth-50": Training("sap", ("teacher=maps",), "0.5"),
    }
)
"""Trained on the Occluded-Duke layout."""

PARTS_SHOWN: Mapping[str, Shown] = MappingProxyType(
    {
        "BoT": Shown("bot"),
        "TransReID": Shown("transreid"),
        "ViT baseline": Shown("baseline"),
        "+ patch": Shown("patch"),
        "+ proxy": Shown("proxy"),
        "both (SAP, stripes)": Shown("stripes"),
        "SAP, literal target": Shown("literal"),
        "SAP without refinement": Shown("no-refinement"),
        "SAP without dropout": Shown("no-dropout"),
        "SAP, pose": Shown("pose"),
        "SAP, parsing truth": Shown("truth"),
        "SAP, truth, 10 % noise": Shown("truth-10"),
        "SAP, truth, 30 % noise": Shown("truth-30"),
        "SAP, truth, 50 % noise": Shown("truth-50"),
    }
)
"""By the name in tables."""

TRAINED: Mapping[str, Mapping[str, Training]] = MappingProxyType({"sets": SETS, "parts": PARTS})
SHOWN: Mapping[str, Mapping[str, Shown]] = MappingProxyType({"sets": SETS_SHOWN, "parts": PARTS_SHOWN})
"""By family: MoS and what it is measured against, SAP likewise."""
