"""What became of every tensor of an import, and the refusal of a partial one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

from glimpse.errors import WeightsError


@dataclass(frozen=True)
class ImportReport:
    """The account of an import.

    Attributes:
        style: whose names the file had.
        used: pairs of the file's key and our name.
        reshaped: sentences about what was fitted to the network, such as the position embedding.
        set_aside: pairs of key and reason: known to be no part of a backbone, such as a classifier.
        missing: our names that the file has nothing for.
        left_over: keys of the file that nothing is known about.
    """

    style: str
    used: tuple[tuple[str, str], ...]
    reshaped: tuple[str, ...] = ()
    set_aside: tuple[tuple[str, str], ...] = ()
    missing: tuple[str, ...] = ()
    left_over: tuple[str, ...] = ()

    def check(self, *, allow_missing: Collection[str] = (), allow_left_over: Collection[str] = ()) -> None:
        """Refuse a partial import: every gap must have been named beforehand, by the start of its name."""
        missing = [name for name in self.missing if not name.startswith(tuple(allow_missing))]
        left_over = [key for key in self.left_over if not key.startswith(tuple(allow_left_over))]
        if missing or left_over:
            raise WeightsError(
                f"the weights ({self.style}) do not fit the network: missing {_some(missing)}; "
                f"left over {_some(left_over)}; allow by name what may be so"
            )

    def lines(self) -> list[str]:
        """For people: a line per fact, what was set aside grouped by reason."""
        lines = [f"style: {self.style}", f"used: {len(self.used)} tensors"]
        lines += [f"fitted: {sentence}" for sentence in self.reshaped]
        reasons = Counter(reason for _, reason in self.set_aside)
        lines += [f"set aside: {count} tensors, {reason}" for reason, count in reasons.items()]
        lines += [f"missing: {_some(self.missing)}", f"left over: {_some(self.left_over)}"]
        return lines

    def to_json(self) -> dict[str, Any]:
        """As JSON values, every name included."""
        return asdict(self)


def _some(names: Collection[str]) -> str:
    """The first names and how many more there are.

    >>> _some([]), _some(["a", "b"]), _some(list("abcdef"))
    ('nothing', 'a, b', 'a, b, c, d and 2 more')
    """
    if not names:
        return "nothing"
    first = ", ".join(list(names)[:4])
    return first if len(names) <= 4 else f"{first} and {len(names) - 4} more"
