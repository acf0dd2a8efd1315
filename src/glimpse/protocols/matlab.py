"""Reading a variable of a MATLAB file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glimpse.errors import LayoutError


def read_variable(path: Path, name: str, meaning: str) -> NDArray[Any]:
    """A variable, cells as arrays of objects.

    Args:
        path: the file.
        name: the variable.
        meaning: what it is, for the sentence that says that it is not there.
    """
    from scipy.io import loadmat

    try:
        return np.asarray(loadmat(path)[name])
    # a damaged file ends in whatever its damage leads scipy to: errors of its own, of zlib, of numpy
    except Exception as wrong:
        raise LayoutError(f"{path} does not hold {meaning} {name}: {wrong}") from wrong
