"""Where the compiled loops are, if they are."""

from __future__ import annotations

import functools


@functools.cache
def compiled_kernels():  # type: ignore[no-untyped-def]  # a module or None
    """Return the module of compiled loops, or None where numba cannot be imported."""
    try:
        from simnorm import kernels
    except ImportError:
        return None
    return kernels
