"""How this package compiles: many inner functions, few entries.

Only entries are cached on disk, callable from Python, and release Python's lock. An inner function is
compiled as part of whatever calls it; without a wrapper of its own, that takes half the time.
"""

import numba

inner = numba.njit(error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)
entry = numba.njit(error_model="numpy", cache=True, nogil=True)
