"""Where the compiled loops are, if they are."""

from __future__ import annotations

import functools
import importlib.util
import os
from pathlib import Path


@functools.cache
def compiled_kernels():  # type: ignore[no-untyped-def]  # a module or None
    """Return the module of compiled loops, or None where numba cannot be imported."""
    try:
        from simnorm import kernels
    except ImportError:
        return None
    return kernels


def compiles_first() -> bool:
    """Tell whether a run will have to compile its loops; no where that cannot be seen.

    What numba has compiled it keeps, in a folder beside the loops or where NUMBA_CACHE_DIR says.
    """
    if importlib.util.find_spec("numba") is None:
        return False
    place = os.environ.get("NUMBA_CACHE_DIR")
    if place:
        return next(Path(place).rglob("*.nbi"), None) is None
    loops = Path(__file__).parent / "kernels"
    # Where it may not write it keeps them in a folder of the user's.
    may_write = os.access(loops, os.W_OK)
    return may_write and next(loops.glob("__pycache__/*.nbi"), None) is None
