"""What is measured: one module for each study, all with the same few functions.

A study is two values: its cells, and one pure function from a block of full sets to two numbers,
A and Q, for every cell and replication. Drawing is shared (`drawing`).
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol, cast

from simnorm.errors import SimnormError
from simnorm.options import STUDIES

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from simnorm.design import Design
    from simnorm.schedule import Sums
    from simnorm.studies.drawing import Source
    from simnorm.studies.labelled import Label


class Study(Protocol):
    """The functions of a study's module that the engine and the store call."""

    def cells(self, design: Design, source: Source) -> tuple[Any, ...]:
        """Return what is measured on a source: named tuples, in the order of the results."""

    def cell_count(self, design: Design) -> int:
        """Return the number of cells of all sources."""

    def labels(self, design: Design, source: Source) -> Iterable[Label]:
        """Return what each number of `block_errors` is, in the same order: see `simnorm.labels`."""

    def may_fail(self, design: Design, source: Source) -> NDArray[np.bool_] | None:
        """Return the cells where a NaN makes a replication void; None if there are no such."""

    def draws(self, design: Design, source: Source) -> int:
        """Return the observations that a replication of a source draws."""

    def check(self, design: Design) -> None:
        """Refuse what only shows when something is called, before anything is drawn."""

    def memory_needed(self, design: Design, workers: int) -> int:
        """Return the bytes that a run needs at most, beside what the imports take."""

    def block_errors(
        self,
        design: Design,
        source: Source,
        block: int,
        *,
        compiled: bool = True,
        said: dict[int, tuple[int, str]] | None = None,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Draw a block and return A and Q, both of shape (cells and more, lanes).

        What stands behind the cells is tallied as well, and belongs to the study's curves.
        """

    def rows(self, design: Design, source: Source, sums: Sums) -> dict[str, NDArray[Any]]:
        """Return the rows of a source's results as columns, which a run under way is judged by."""

    def curve_points(
        self, design: Design, source: Source, sums: Sums, rows: dict[str, NDArray[Any]]
    ) -> dict[str, NDArray[Any]]:
        """Return the points of a source's curves as columns; `rows` are its results."""


def check_extra(design: Design) -> None:
    """Refuse a study that cannot do without a package which is not there.

    Raises
    ------
    SimnormError
        With the command that installs it.
    """
    extra = STUDIES[design.study].extra
    if extra and find_spec(extra) is None:
        allowed = f"it needs {extra}, which is not installed"
        hint = f"Get it: pip install {extra}; in a checkout scripts/quickstart --with-{extra}."
        raise SimnormError("study", design.study, allowed, hint)


def study_of(design: Design) -> Study:
    """Return the module of a design's study."""
    return cast(Study, import_module(f"simnorm.studies.{design.study}"))
