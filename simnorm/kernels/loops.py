"""How loops are compiled: without the interpreter's lock, and kept on disk."""

from __future__ import annotations

import functools

import numba as nb

# A loop that Python calls, and a part that only other loops call: a wrapper for Python that nobody
# uses takes a tenth of a second to compile.
loop = functools.partial(nb.njit, nogil=True, cache=True, no_cfunc_wrapper=True)
part = functools.partial(loop, no_cpython_wrapper=True)
# A loop whose sums have the same terms whatever else is asked for may take them in any order.
summing = functools.partial(loop, fastmath={"reassoc", "nsz"})
