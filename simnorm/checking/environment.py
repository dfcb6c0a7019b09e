"""Whether this is the environment that a run was made in: only then must the last bits agree."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError
from typing import Any

from simnorm.compiled import compiled_kernels
from simnorm.database import Session
from simnorm.machine import packages_of, processor
from simnorm.options import STUDIES, SWEEP
from simnorm.provenance import bits_of, version_of

# In another environment numbers agree to this part of the size of the errors in their cell.
TOLERANCE = 1e-9


def present(study: str = SWEEP) -> dict[str, str]:
    """Return what decides the last bits of a study here, as a run's provenance has it."""
    found = {name: version_of(name) for name in ("numpy", "scipy", "pandas")}
    compiled = compiled_kernels() is not None
    if compiled:
        found["numba"] = version_of("numba")
    if STUDIES[study].is_trial:
        # In training and distances the loops of linear algebra decide as well.
        found |= {name: _version(name) for name in packages_of(study)}
        found["processor"] = processor()
    return found | {
        "platform": " ".join([platform.system(), *platform.libc_ver()]).strip(),
        "cpu": platform.machine(),
        "reducer": "compiled" if compiled else "array",
    }


def _version(package: str) -> str:
    try:
        return version_of(package)
    except PackageNotFoundError:
        return "none"


def differences(provenance: Mapping[str, Any], study: str = SWEEP) -> list[str]:
    """Return in what the environment of a run differs from this one.

    Examples
    --------
    >>> differences(present() | {"numpy": "1.0"}) == [f"numpy 1.0, here {version_of('numpy')}"]
    True
    """
    here = present(study)
    return [
        f"{name} {provenance.get(name, 'unknown')}, here {here.get(name, 'none')}"
        for name in {**here, **({"numba": ""} if "numba" in provenance else {})}
        if provenance.get(name) != here.get(name)
    ]


def of_sessions(sessions: Iterable[Session], study: str = SWEEP) -> list[str]:
    """Return in what the environments of sessions that may have drawn something differ from this.

    The provenance has that of the last one alone. A session that was killed has counted nothing.
    """
    here = bits_of(study)
    found: dict[str, None] = {}
    for session in sessions:
        if session.ended and not session.draws:
            continue
        try:
            there = json.loads(session.versions)
            found |= {
                f"{name} {value} in session {session.number}, here {here.get(name, 'none')}": None
                for name, value in there.items()
                if here.get(name) != value
            }
        except (ValueError, AttributeError):
            found[f"the environment of session {session.number} cannot be read"] = None
    return list(found)
