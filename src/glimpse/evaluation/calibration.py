"""`Calibration`: the score threshold for "same person", and its error rates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glimpse.errors import OptionError, ShapeError, StorageError
from glimpse.evaluation.result import read_format, write_json
from glimpse.evaluation.verification import Roc

Floats = NDArray[np.float64]

FORMAT = "glimpse-calibration-1"
POINTS = 1024
"""Points of the curve that are kept: our choice."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """A threshold on scores, with the ROC curve that it is from. Higher scores are more alike.

    The rates are those of the pairs it was calibrated on; check them on data of your own cameras.

    Attributes:
        wanted: the false-match rate that was asked for.
        threshold: pairs that score at least this are called the same person.
        thresholds: [K] scores, falling.
        false_match: [K] share of impostor pairs that score at least as much, rising.
        true_match: [K] share of genuine pairs that score at least as much, rising.
        genuine: pairs of one person that were seen.
        impostors: pairs of two persons that were seen.
        note: on which data and with which similarity.
    """

    wanted: float
    threshold: float
    thresholds: Floats
    false_match: Floats
    true_match: Floats
    genuine: int
    impostors: int
    note: str = ""

    def same_person(self, score: float) -> bool:
        """Whether a pair with this score is called the same person."""
        _check_score(score)
        return score >= self.threshold

    def false_match_rate(self, score: float) -> float:
        """The share of impostor pairs that score at least this much; rounded up, never down.

        Above the highest impostor it is 1 / `impostors`.
        """
        _check_score(score)
        # the thresholds fall: the nearest one at or below the score has the next larger rate
        place = int(np.searchsorted(-self.thresholds, -score, side="left"))
        rate = float(self.false_match[place]) if place < len(self.thresholds) else 1.0
        return max(rate, 1 / self.impostors)

    def true_match_rate(self, score: float) -> float:
        """The share of genuine pairs that score at least this much; rounded down, never up."""
        _check_score(score)
        place = int(np.searchsorted(-self.thresholds, -score, side="right")) - 1
        return float(self.true_match[place]) if place >= 0 else 0.0

    def at(self, wanted: float) -> Calibration:
        """The same curve with the threshold for another false-match rate."""
        return replace(self, wanted=wanted, threshold=_threshold(self, wanted))

    def save(self, path: Path | str) -> None:
        """Write the calibration as JSON, all or nothing."""
        write_json(self.as_dict(), Path(path))

    @classmethod
    def load(cls, path: Path | str) -> Calibration:
        """Read a calibration that `save` wrote."""
        return cls.from_dict(read_format(Path(path), FORMAT))

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a card that carries the calibration."""
        return {
            "format": FORMAT,
            "wanted": self.wanted,
            "threshold": self.threshold,
            "genuine": self.genuine,
            "impostors": self.impostors,
            "note": self.note,
            "thresholds": self.thresholds.tolist(),
            "false_match": self.false_match.tolist(),
            "true_match": self.true_match.tolist(),
        }

    @classmethod
    def from_dict(cls, held: dict[str, Any]) -> Calibration:
        """The calibration that `as_dict` gave."""
        try:
            thresholds, false_match, true_match = (
                np.array(held[name], np.float64) for name in ("thresholds", "false_match", "true_match")
            )
            if thresholds.ndim != 1 or not thresholds.shape == false_match.shape == true_match.shape != (0,):
                raise ValueError("its curve must have as many scores as rates, and at least one")
            if any((np.diff(rising) < 0).any() for rising in (-thresholds, false_match, true_match)):
                raise ValueError("its scores must fall and its rates rise")
            calibration = cls(
                wanted=float(held["wanted"]),
                threshold=float(held["threshold"]),
                thresholds=thresholds,
                false_match=false_match,
                true_match=true_match,
                genuine=int(held["genuine"]),
                impostors=int(held["impostors"]),
                note=str(held["note"]),
            )
            if calibration.impostors < 1:
                raise ValueError("it must have seen impostors")
        except (KeyError, TypeError, ValueError) as damage:
            raise StorageError(f"not a whole calibration: {damage}") from damage
        return calibration


def calibrate(curve: Roc, wanted: float, note: str = "") -> Calibration:
    """The threshold that accepts the most genuine pairs at a wanted false-match rate.

    Args:
        curve: from pairs that were not trained on.
        wanted: false-match rate, at least one in as many impostor pairs as there were.
        note: on which data and with which similarity.

    >>> curve = Roc(np.array([0.9, 0.4]), np.array([0.5, 1.0]), np.array([0.0, 0.25]), 2, 4)
    >>> calibration = calibrate(curve, 0.25)
    >>> calibration.same_person(0.5), calibrate(curve, 0.25).at(0.25).threshold
    (True, 0.4)
    """
    finite = np.isfinite(curve.thresholds)
    if not finite.any():
        raise OptionError("no genuine pair has a finite score to put a threshold at")
    # of equal false-match rates only the lowest threshold is worth keeping, and the very first
    ends = finite & np.append(np.diff(curve.false_match) > 0, True)
    ends[int(np.flatnonzero(finite)[0])] = True
    kept = np.flatnonzero(ends)
    if len(kept) > POINTS:
        # evenly over the logarithm of the rate, where thresholds are asked for
        rates = np.log(np.maximum(curve.false_match[kept], 0.5 / curve.impostors))
        places = np.searchsorted(rates, np.linspace(rates[0], rates[-1], POINTS - 1))
        exact = np.searchsorted(curve.false_match[kept], wanted, side="right") - 1
        kept = kept[np.unique([*places, max(0, int(exact))])]
    points = Calibration(
        wanted,
        float(curve.thresholds[kept[0]]),
        curve.thresholds[kept],
        curve.false_match[kept],
        curve.true_match[kept],
        curve.genuine,
        curve.impostors,
        note,
    )
    return points.at(wanted)


def _threshold(curve: Calibration, wanted: float) -> float:
    if not 1 / curve.impostors <= wanted <= 1:
        raise OptionError(
            f"a false-match rate between {1 / curve.impostors:.2g} (one of the {curve.impostors} impostor "
            f"pairs) and 1 can be calibrated, got {wanted}"
        )
    place = int(np.searchsorted(curve.false_match, wanted, side="right")) - 1
    if place < 0:
        raise OptionError(
            f"even the most alike pair of one person is less so than {curve.false_match[0]:.2g} of the "
            f"impostor pairs: no threshold has a false-match rate of {wanted}"
        )
    return float(curve.thresholds[place])


def _check_score(score: float) -> None:
    if np.isnan(score):
        raise ShapeError("a score must be a number, got nan")
