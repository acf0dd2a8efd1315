"""Reading and writing parts of single images of a batch."""

from __future__ import annotations

from typing import Any

from torch import Tensor


def by_slices(tensor: Tensor) -> Any:
    """The same memory, to be sliced often: numpy's slices cost a tenth of torch's, where the CPU holds it.

    On other devices the tensor itself; both are sliced, assigned to and gone through alike.
    """
    return tensor.numpy() if tensor.device.type == "cpu" else tensor
