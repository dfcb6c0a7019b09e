"""A run's result: its tables, saving them and reading them back."""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simnorm import stopped, store
from simnorm.believable import check_provenance, check_table
from simnorm.describe import COLUMNS_SCHEMA
from simnorm.design import Design
from simnorm.distributions import Distribution
from simnorm.distributions import distribution as read_distribution
from simnorm.errors import SimnormError, nearest, shown
from simnorm.estimators import Estimator
from simnorm.estimators import estimator as read_estimator
from simnorm.formatting import plural
from simnorm.grammar import whole_number
from simnorm.neutral import neutral_table, original
from simnorm.options import STUDIES, SWEEP
from simnorm.quantities import MEAN, split_factors
from simnorm.reducers import REFERENCES
from simnorm.schema import CURVES_SCHEMA, SCHEMA, SCHEMA_VERSION, typed
from simnorm.tables import ALL_MEASURES, columns_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simnorm.figures import Part
    from simnorm.studies.drawing import Source

Floats = NDArray[np.float64]

# Letters of what is wrong with a file.
LONGEST_REASON = 300

__all__ = ["SCHEMA_VERSION", "Result", "check_report_path", "csv_text", "load"]


@dataclass(frozen=True, repr=False)
class Result:
    """The results of a study: tables, the design that made them, and where they come from.

    Parameters
    ----------
    design
        What was computed.
    frame
        One row per cell and measure, columns as in `SCHEMA`; what does not apply is empty.
    curves
        Long table of convergence curves, columns as in `CURVES_SCHEMA`.
    provenance
        Versions, platform, times and command.
    columns
        Of a run on data, what every column is like, columns as in `COLUMNS_SCHEMA`.

    Examples
    --------
    >>> import simnorm as sn
    >>> result = sn.sweep("normal", batch_sizes=[2, 4], full_size=64, replications=64)
    >>> result.table("rmse").shape
    (2, 5)
    """

    design: Design
    frame: pd.DataFrame
    curves: pd.DataFrame
    provenance: dict[str, Any] = field(default_factory=dict)
    columns: pd.DataFrame = field(default_factory=lambda: columns_table([]))

    def table(
        self, measure: str | None = None, *, reference: str = "full_set", value: str = "estimate"
    ) -> pd.DataFrame:
        """Return a wide table: a row per source and batch size, a column per estimator.

        A source is a distribution, or a column of data; where the run has several sampling
        schemes, these are a level of the rows too, and so is what a study alone varies, such as
        epsilon. The columns of a study are its quantities.

        Parameters
        ----------
        measure
            ``bias``, ``variance``, ``mse``, ``rmse`` or one of these after ``relative_``; where the
            run has cells without an error bar to trust, also ``median`` and ``quantile(q=0.95)`` of
            their errors (`simnorm.robust.QUANTILES`). Of ``scaling`` and ``shift`` ``mean`` and
            ``ratio``, of ``overhead`` ``median`` and ``ratio``. The first that the study has if
            left out: ``rmse``, ``mean`` or ``median``.
        reference
            ``full_set`` or ``population``; of what is no error there is none.
        value
            The column of `frame` to show: ``estimate``, ``mcse``, ``theory``, ``z``, ``status``.
        """
        rows = self._rows(self._first_measure() if measure is None else measure, reference)
        if value not in self.frame.columns:
            raise SimnormError("value", value, "a column of the frame is allowed")
        keys = ["column" if self.design.data and not self._is_trial else "distribution"]
        keys += ["sampling"] * (len(self.design.sampling) > 1) + ["batch_size", *self._factors()]
        wide = rows.pivot(index=keys, columns="estimator", values=value)  # noqa: PD010  # one each
        return wide.reindex(
            index=pd.MultiIndex.from_frame(rows[keys].drop_duplicates()),
            columns=list(rows["estimator"].unique()),
        )

    @property
    def is_partial(self) -> bool:
        """Whether the run was cut short or interrupted, or is still at work."""
        facts = self.provenance
        is_less = stopped.not_begun(facts) or stopped.is_at_work(facts)
        return stopped.is_partial(self.frame) or bool(is_less)

    def missed(self) -> pd.DataFrame:
        """Return the cells that have not reached the target, or not R in time: a row for each.

        With a target, of every such cell the measure that is farthest from it; `achieved` is its
        Monte Carlo standard error, against the estimate where the target is a share of it.
        """
        return stopped.missed(self.design, self.frame)

    @property
    def _is_trial(self) -> bool:
        return STUDIES[self.design.study].is_trial

    def _first_measure(self) -> str:
        return str(self.frame["measure"].iloc[0]) if self._is_trial and len(self.frame) else "rmse"

    def _factors(self) -> list[str]:
        """Return the columns that the study's own factors stand in."""
        return [name for name in self.frame.columns if name not in SCHEMA]

    def _rows(self, measure: str, reference: str) -> pd.DataFrame:
        frame = self.frame
        is_sweep = self.design.study == SWEEP
        held = tuple(frame["measure"].unique())
        if is_sweep:
            held = (*ALL_MEASURES, *(word for word in held if word not in ALL_MEASURES))
        for name, given, allowed in (
            ("measure", measure, held),
            ("reference", reference, REFERENCES),
        ):
            if given not in allowed:
                raise SimnormError(name, given, f"allowed are {', '.join(allowed)}")
        # What is no error has no reference.
        about = ["", reference] if measure == MEAN or self._is_trial else [reference]
        return frame[(frame["measure"] == measure) & frame["reference"].isin(about)]

    def plot(
        self,
        kind: str | None = None,
        ax: Axes | None = None,
        *,
        estimator: str | Estimator | None = None,
        name: str | Distribution | None = None,
        batch_size: int | None = None,
        reference: str | None = None,
    ) -> Axes:
        """Draw a measure or any kind of figure on one pair of axes, and return these.

        Simulation is drawn as points with 95 % intervals, theory as lines. `figure` draws a kind
        with all its panels.

        Parameters
        ----------
        kind
            A measure, as in `table`, against batch size: ``rmse`` is in the unit of the data,
            ``relative_rmse`` is what the panels of ``figure("rmse")`` show; or a kind of figure, of
            a sweep ``overview sampling_distribution split heatmap khat audit convergence histograms
            sampling``; `simnorm.figures.about` lists those of a run. If left out ``variance``, or
            the first kind of a study that has no such measure.
        ax
            Matplotlib axes to draw on, which keep your style; those of a new figure, unknown to
            pyplot, if None.
        estimator
            Which estimator. If None, of a measure ``std(ddof=0)`` where it is there, otherwise the
            first; a kind chooses one that stands for all.
        name
            Which distribution, or column of data. If None, all of them where one pair of axes can
            hold them, otherwise the first.
        batch_size
            Which batch size; all of them, or the one that the kind features, if None.
        reference
            ``full_set`` or ``population``; the full set, where the run has it, if None.

        Raises
        ------
        SimnormError
            If there is no such kind, or the run does not hold what is asked for or has nothing to
            show in it, or the kind has no form on one pair of axes.

        Examples
        --------
        >>> import simnorm as sn
        >>> result = sn.sweep("normal", batch_sizes=[2, 4], full_size=64, replications=64)
        >>> ax = result.plot("relative_rmse", estimator="mean")
        >>> ax.get_xlabel()
        'batch size n'
        """
        from simnorm import figures

        part = self._part(estimator, name, batch_size)
        if kind is None:
            kind = self._first_kind() if self._is_trial else "variance"
        if reference is not None and reference not in REFERENCES:
            allowed = f"allowed are {', '.join(REFERENCES)}"
            raise SimnormError("reference", reference, allowed, nearest(reference, REFERENCES))
        return figures.plot(kind, self.frame, self.curves, ax, part=part, reference=reference or "")

    def _part(
        self,
        estimator: str | Estimator | None,
        name: str | Distribution | None,
        batch_size: int | None,
    ) -> Part:
        """Return the part of the run that is asked for, in the words of its table."""
        from simnorm.figures import Part

        # What cannot be read is refused with the words that the run holds.
        if estimator is not None and self.design.study == SWEEP:
            with contextlib.suppress(SimnormError):
                estimator = read_estimator(estimator)
        if name is not None and not self.design.data and str(name) not in self.design.names:
            with contextlib.suppress(SimnormError):
                name = read_distribution(name)
        return Part(str(estimator or ""), str(name or ""), batch_size or 0)

    def _first_kind(self) -> str:
        from simnorm.figures import kinds_of

        return kinds_of(self.frame)[0]

    def replay(
        self,
        estimator: str | Estimator | Callable[..., Any],
        batch_size: int,
        replication: int,
        distribution: str | Distribution | None = None,
        *,
        column: str | None = None,
        sampling: str | None = None,
    ) -> Floats:
        """Draw one replication again and return the estimates of its batches.

        A function of yours that failed there fails again: what it raises comes out.

        Parameters
        ----------
        estimator, batch_size
            The cell: an estimator of the run, or the function itself, and a batch size of the run.
        replication
            Which one, from 0, as the reason of a row that failed says.
        distribution, column, sampling
            Which one, where the run has several.

        Returns
        -------
        numpy.ndarray
            One estimate for each of the batches, in drawing order.

        Raises
        ------
        SimnormError
            If the run is no sweep or does not hold it, or the function is not there.

        Examples
        --------
        >>> import simnorm as sn
        >>> result = sn.sweep("normal", batch_sizes=[2], full_size=8, replications=16)
        >>> result.replay("mean", 2, replication=3).shape
        (4,)
        """
        from simnorm.estimators import UserEstimator
        from simnorm.studies import drawing, sweep

        design = self.design
        if design.study != SWEEP:
            raise SimnormError("study", design.study, "estimates are those of a sweep")
        spec = _one_of(design.estimators, str(read_estimator(estimator)), "estimator")
        kind = sweep.estimators(design)[design.estimators.index(spec)]
        if isinstance(kind, UserEstimator) and kind.function is None:
            given = read_estimator(estimator)
            if given == kind:
                raise kind.missing()
            kind = given
        size = _one_of(design.batch_sizes, batch_size, "batch_size")
        number = whole_number(replication, "replication", 0, design.replications - 1)
        source = self._source(distribution, column, sampling)
        number = whole_number(number, "replication", 0, drawing.replications(design, source) - 1)
        wanted = column or design.names[0]
        batches, whole = sweep.batches_of(design, source, number, size, wanted)
        estimates = kind.along_last(batches)
        # Against the full set, a function may have failed there.
        kind.along_last(whole)
        return np.asarray(estimates[0])

    def _source(
        self, law: str | Distribution | None, column: str | None, sampling: str | None
    ) -> Source:
        from simnorm.studies import drawing

        design = self.design
        parameter, name = ("column", column) if design.data else ("distribution", law)
        if name is not None and not design.data:
            name = str(read_distribution(name))
        if name is None and len(design.names) == 1:
            name = design.names[0]
        wanted = _one_of(design.names, name, parameter)
        if sampling is None and len(design.sampling) == 1:
            sampling = design.sampling[0]
        scheme = _one_of(design.sampling, sampling, "sampling")
        held = [source for source in drawing.sources(design) if source.sampling == scheme]
        return next(s for s in held if wanted in (s.distribution, *s.columns))

    def figure(
        self,
        kind: str | None = None,
        *,
        estimator: str | Estimator | None = None,
        name: str | Distribution | None = None,
        batch_size: int | None = None,
        **options: Any,
    ) -> Figure:
        """Return a whole figure, with all its panels, as the report has it.

        Parameters
        ----------
        kind
            A kind of figure, see `simnorm.figures.about`: the first of the study if left out.
        estimator, name, batch_size
            Draw these alone, as in `plot`.
        options
            Where the kind has them: ``reference``, ``page`` (from 1, see `simnorm.figures.pages`),
            ``width`` in inches.

        Raises
        ------
        SimnormError
            If there is no such kind or option, or the run does not hold what is asked for.

        Examples
        --------
        >>> import simnorm as sn
        >>> result = sn.sweep("normal", batch_sizes=[2, 4], full_size=64, replications=64)
        >>> float(result.figure("variance", width=6.0).get_figwidth())
        6.0
        """
        from simnorm.figures import figure

        kind = self._first_kind() if kind is None else kind
        part = self._part(estimator, name, batch_size)
        return figure(kind, self.frame, self.curves, part=part, **options)

    def save_figure(
        self,
        path: str | Path,
        kind: str | None = None,
        *,
        estimator: str | Estimator | None = None,
        name: str | Distribution | None = None,
        batch_size: int | None = None,
        single: bool = False,
        page: int | str | None = None,
        dpi: float = 200,
        **options: Any,
    ) -> list[Path]:
        """Write a figure as SVG, PDF or PNG, the same bytes each time, and return the paths.

        Parameters
        ----------
        path
            The file; its ending says how it is written. Further pages go to ``NAME-2`` and so on.
        kind, estimator, name, batch_size, options
            As in `figure`.
        single
            One pair of axes, as in `plot`.
        page
            One page alone, from 1; all if None.
        dpi
            Dots per inch of a PNG.

        Raises
        ------
        SimnormError
            If there is no such kind or part, nothing to show in it, or no file can be written.
        """
        from simnorm.figures.write import write

        part = self._part(estimator, name, batch_size)
        kind = self._first_kind() if kind is None else kind
        return write(
            kind, self.frame, self.curves, Path(path),
            part=part, single=single, page=page, dpi=dpi, **options,
        )  # fmt: skip

    def report(
        self, path: str | Path = store.REPORT, *, paper: str | None = None, format: str = ""
    ) -> Path:
        """Write the report as PDF or Markdown, and return its path.

        Parameters
        ----------
        path
            The file; its ending is ``.pdf`` or ``.md``. The pictures of ``NAME.md`` go to
            ``NAME_files``.
        paper
            Of a PDF, ``a4`` or ``letter``; A4 if None.
        format
            ``pdf`` or ``md``, by the ending unless told.

        Raises
        ------
        SimnormError
            If the place cannot be written to, or paper and format do not go with it.
        """
        from simnorm.report import write_report

        path = Path(path)
        check_report_path(path, format=format)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_report(self, path, paper=paper, format=format)
        return path

    def save(self, folder: Path) -> None:
        """Write design, tables and provenance to a run folder, each file in one step."""
        texts = {
            store.DESIGN: self.design.to_toml(),
            store.RESULTS: csv_text(self.frame[list(SCHEMA)]),
            store.CURVES: csv_text(self.curves),
        }
        if self.design.data:
            texts[store.COLUMNS] = csv_text(self.columns)
        changed = {name: text for name, text in texts.items() if not _holds(folder / name, text)}
        if changed:
            # While they are of two runs they are not finished.
            (folder / store.PROVENANCE).unlink(missing_ok=True)
        for name, text in changed.items():
            store.write_text(folder / name, text)
        made_of = {store.MADE_OF: store.checksum(texts[store.DESIGN].encode())}
        provenance = json.dumps(
            self.provenance | made_of, indent=2, sort_keys=True, allow_nan=False
        )
        # With it the run is finished.
        store.write_text(folder / store.PROVENANCE, provenance + "\n")

    def __repr__(self) -> str:
        """Return what the result holds."""
        design = self.design
        what = shown(", ".join(design.names) or design.data, 200)[1:-1]
        what = f" {what}; " if what else " "
        size = f"N = {design.full_size}, " if design.full_size else ""
        return (
            f"<simnorm {design.study}:{what}{size}{plural(len(design.batch_sizes), 'batch size')}, "
            f"{stopped.drawn_words(design, self.frame)}; seed {design.seed}; "
            f"{len(self.frame)} rows>"
        )

    def _repr_html_(self) -> str:
        """Return the card that a notebook shows."""
        from simnorm.card import html_of

        return html_of(self)


def _holds(path: Path, text: str) -> bool:
    return os.path.isfile(path) and path.read_bytes() == text.encode()


def check_report_path(path: Path, parameter: str = "report", *, format: str = "") -> None:
    """Refuse a path where no report can be written, before anything is computed."""
    from simnorm.report.formats import check_pictures, format_of

    store.check_writable(path, parameter)
    if path.is_dir():
        raise SimnormError(parameter, str(path), "it is a folder, a file name is needed")
    format_of(path, format, parameter)
    check_pictures(path, parameter)


def _one_of(held: tuple[Any, ...], wanted: Any, parameter: str) -> Any:
    if wanted not in held:
        got = "nothing" if wanted is None else wanted
        raise SimnormError(parameter, got, f"the run holds {', '.join(map(str, held))}")
    return wanted


def load(folder: str | Path, functions: object = (), *, data: Any = None) -> Result:
    """Return the result that a run folder holds.

    Parameters
    ----------
    folder
        The run folder.
    functions
        The functions that estimators named ``user.NAME`` stand for, needed for `Result.replay`
        alone.
    data
        The data of the run, needed for the same alone.

    Raises
    ------
    SimnormError
        If the folder holds no run, or one that has nothing to show yet.

    Notes
    -----
    Of a run that is not finished, because it goes on or was interrupted, the tables are made of
    what is stored, and nothing is written: see `simnorm.unfinished`.
    """
    folder = Path(folder)
    names = (store.DESIGN, store.RESULTS, store.CURVES, store.PROVENANCE)
    missing = [name for name in names if not os.path.isfile(folder / name)]
    reading: dict[str, Any] = {"functions": functions, "data": data, "read": data is not None}
    if (missing or not store.is_current(folder)) and store.is_run(folder):
        from simnorm.unfinished import so_far

        return so_far(folder, functions, data)
    if missing:
        raise SimnormError(
            "run",
            str(folder),
            f"a folder with a finished run is needed, {missing[0]} is missing",
            store.where_runs_are(folder),
        )
    try:
        design = Design.from_file(folder / store.DESIGN, **reading)
        parts: list[Any] = [
            design,
            read_table(folder / store.RESULTS, SCHEMA),
            read_table(folder / store.CURVES, CURVES_SCHEMA),
            _read_provenance(folder / store.PROVENANCE),
        ]
        for name, table in zip((store.RESULTS, store.CURVES), parts[1:3], strict=True):
            _check_believable(design, name, table)
        if design.study != SWEEP:
            parts[1] = split_factors(parts[1])
        if design.data:
            parts.append(read_table(folder / store.COLUMNS, COLUMNS_SCHEMA))
        return Result(*parts)
    except (OSError, ValueError, OverflowError, RecursionError) as error:
        if isinstance(error, SimnormError):
            raise
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        reason = reason if len(reason) <= LONGEST_REASON else f"{reason[:LONGEST_REASON]}..."
        raise SimnormError("run", str(folder), f"a table cannot be read ({reason})") from None


def _read_provenance(path: Path) -> dict[str, Any]:
    try:
        found = check_provenance(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from None
    found.pop(store.MADE_OF, None)  # of the files, not of the run
    return found


def csv_text(table: pd.DataFrame) -> str:
    """Return a table as CSV text: empty where there is no value, floats that read back exactly.

    No text is a formula to a spreadsheet, see `simnorm.neutral`.
    """
    return str(neutral_table(table).to_csv(index=False, lineterminator="\n"))


def read_table(path: Path, schema: dict[str, type]) -> pd.DataFrame:
    """Return a table that was written as CSV.

    Raises
    ------
    ValueError
        If it has other columns than the schema, or values of other types.
    """
    try:
        return _checked_table(path, schema)
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from None


def _check_believable(design: Design, name: str, table: pd.DataFrame) -> None:
    try:
        check_table(design, table)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _checked_table(path: Path, schema: dict[str, type]) -> pd.DataFrame:
    table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    if list(table.columns) != list(schema):
        raise ValueError("other columns than this version of simnorm writes")
    columns: dict[str, Any] = {}
    for name, kind in schema.items():
        texts = table[name]
        if kind is float:
            columns[name] = [float(text) if text else math.nan for text in texts]
        elif kind is str:
            columns[name] = texts.map(original)
        else:
            columns[name] = [int(text) for text in texts]
    return typed(columns, schema)
