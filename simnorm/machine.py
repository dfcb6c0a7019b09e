"""What this machine is, as far as it decides the last bits of what is computed on it."""

from __future__ import annotations

import functools
import platform
from pathlib import Path

from simnorm.options import SCALING, STUDIES

CPUINFO = Path("/proc/cpuinfo")


@functools.cache
def processor() -> str:
    """Return the name of the processor, by which libraries of linear algebra choose their loops."""
    try:
        lines = CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def packages_of(study: str) -> tuple[str, ...]:
    """Return the packages beside the usual ones that decide what a study comes to.

    Examples
    --------
    >>> packages_of("shift"), packages_of("sweep")
    (('torch',), ())
    """
    own = ("scikit-learn",) if study == SCALING else ()
    extra = STUDIES[study].extra
    return (*own, extra) if extra else own
