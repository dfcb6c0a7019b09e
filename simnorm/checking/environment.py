"""Whether this is the environment that a run was made in: only then must the last bits agree."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import Any

from simnorm.api import version_of
from simnorm.compiled import compiled_kernels

# In another environment numbers agree to this part of the size of the errors in their cell.
TOLERANCE = 1e-9


def present() -> dict[str, str]:
    """Return what decides the last bits here, as a run's provenance has it."""
    found = {name: version_of(name) for name in ("numpy", "scipy", "pandas")}
    compiled = compiled_kernels() is not None
    if compiled:
        found["numba"] = version_of("numba")
    return found | {
        "platform": " ".join([platform.system(), *platform.libc_ver()]).strip(),
        "cpu": platform.machine(),
        "reducer": "compiled" if compiled else "array",
    }


def differences(provenance: Mapping[str, Any]) -> list[str]:
    """Return in what the environment of a run differs from this one.

    Examples
    --------
    >>> differences(present() | {"numpy": "1.0"}) == [f"numpy 1.0, here {version_of('numpy')}"]
    True
    """
    here = present()
    return [
        f"{name} {provenance.get(name, 'unknown')}, here {here.get(name, 'none')}"
        for name in {**here, **({"numba": ""} if "numba" in provenance else {})}
        if provenance.get(name) != here.get(name)
    ]
