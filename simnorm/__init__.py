"""How far the statistics of a batch stray from those of the full set.

`sweep` estimates bias, variance and RMSE of batch statistics for every batch size, with an honest
error bar on every number and the exact value beside it where theory has one.

Examples
--------
>>> import simnorm as sn
>>> result = sn.sweep("normal", batch_sizes=[2, 16], full_size=256, replications=64)
>>> exact = result.table("relative_rmse", value="theory")
>>> float(exact.loc[("normal", 16), "std(ddof=0)"].round(3))
0.176
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from simnorm._version import __version__

if TYPE_CHECKING:
    from simnorm import distributions, estimators, figures, preprocessing, theory
    from simnorm.answering import answer
    from simnorm.api import run, study, sweep
    from simnorm.checking import check
    from simnorm.design import Design
    from simnorm.error_bars import compare, corrected_t, mcse
    from simnorm.errors import RunError, SimnormError
    from simnorm.results import Result, load
    from simnorm.solving import solve
    from simnorm.standing import status

__all__ = [
    "Design",
    "Result",
    "RunError",
    "SimnormError",
    "__version__",
    "answer",
    "check",
    "compare",
    "corrected_t",
    "distributions",
    "estimators",
    "figures",
    "load",
    "mcse",
    "preprocessing",
    "run",
    "solve",
    "status",
    "study",
    "sweep",
    "theory",
]

# Where the names above live: `import simnorm` itself loads no numpy.
_HOMES = {
    "Design": "design",
    "Result": "results",
    "RunError": "errors",
    "SimnormError": "errors",
    "answer": "answering",
    "check": "checking",
    "compare": "error_bars",
    "corrected_t": "error_bars",
    "load": "results",
    "mcse": "error_bars",
    "run": "api",
    "solve": "solving",
    "status": "standing",
    "study": "api",
    "sweep": "api",
}
# Parts that serve alone.
_MODULES = ("distributions", "estimators", "figures", "preprocessing", "theory")


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"simnorm.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'simnorm' has no attribute {name!r}")
    return getattr(importlib.import_module(f"simnorm.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
