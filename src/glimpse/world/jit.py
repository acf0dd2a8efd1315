"""How this package compiles: many inner functions, few entries.

Only entries are cached on disk, callable from Python, and release Python's lock. An inner function is
compiled as part of whatever calls it; without a wrapper of its own, that takes half the time.
"""

import hashlib
from pathlib import Path

import numba

inner = numba.njit(error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)
entry = numba.njit(error_model="numpy", cache=True, nogil=True)


_CONSTANTS = ("frame.py", "lens.py", "solids.py")  # whose numbers are compiled in


def source_digest() -> int:
    """A number that changes with any source that is compiled.

    Numba's cache looks at the file of the entry only, and would go on running an inner function's old code.
    """
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        source = path.read_bytes()
        if path.name in _CONSTANTS or b"import inner" in source or b"import entry" in source:
            digest.update(source)
    return int.from_bytes(digest.digest()[:7], "big")
