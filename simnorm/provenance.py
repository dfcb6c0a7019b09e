"""Where a run's numbers come from: versions, machine, times, data."""

from __future__ import annotations

import functools
import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from simnorm._version import __version__
from simnorm.compiled import compiled_kernels
from simnorm.machine import packages_of, processor
from simnorm.options import STUDIES
from simnorm.tasks import ENGINE_VERSION

if TYPE_CHECKING:
    from simnorm.dataset import Dataset
    from simnorm.design import Design


@functools.cache
def version_of(package: str) -> str:
    """Return an installed package's version, which takes milliseconds to find."""
    return version(package)


def environment(study: str) -> dict[str, Any]:
    """Return what decides the last bits of a study here, and what it was made with."""
    found: dict[str, Any] = {
        "simnorm": __version__,
        "engine_version": ENGINE_VERSION,
        "python": platform.python_version(),
        **{name: version_of(name) for name in ("numpy", "scipy", "pandas")},
        "platform": " ".join([platform.system(), *platform.libc_ver()]).strip(),
        "cpu": platform.machine(),
        "reducer": "compiled" if compiled_kernels() is not None else "array",
    }
    if compiled_kernels() is not None:
        found["numba"] = version_of("numba")
    found |= {package: version_of(package) for package in packages_of(study)}
    if STUDIES[study].is_trial:
        found["processor"] = processor()
    return found


def bits_of(study: str) -> dict[str, str]:
    """Return of the environment what decides the last bits of a study's numbers."""
    names = ("numpy", "scipy", "numba", "cpu", "reducer", "processor", *packages_of(study))
    here = environment(study)
    return {name: str(here[name]) for name in names if name in here}


def provenance_of(design: Design, command: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the provenance of a run.

    Parameters
    ----------
    design
        What was run.
    command
        How; from Python if empty.
    facts
        Times, workers and what else only the run knows.
    """
    found = {
        "command": command or f"simnorm {design.study}, from Python",
        **environment(design.study),
        **facts,
    }
    if design.dataset is not None:
        found |= _of_data(design, design.dataset)
    return found


def _of_data(design: Design, dataset: Dataset) -> dict[str, Any]:
    """Return which data were read, and what was left out of them."""
    found: dict[str, Any] = {"data": dataset.name, "data_sha256": design.data_sha256}
    if dataset.dropped:
        found["rows_dropped"] = dataset.dropped
    if dataset.skipped:
        found["columns_skipped"] = {
            name: "it holds the classes" if name == design.target else reason
            for name, reason in dataset.skipped.items()
        }
    return found
