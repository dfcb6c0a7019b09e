"""The tidy tables of a run, their schema, and reading them back."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from simnorm import store, theory
from simnorm.design import Design
from simnorm.diagnostics import (
    EXACT,
    LARGEST_KHAT,
    OK,
    UNDEFINED,
    UNRELIABLE,
    Verdict,
    influence_khat,
    ledger,
)
from simnorm.distributions import Distribution, distribution
from simnorm.engine import Sums
from simnorm.errors import SimnormError
from simnorm.estimators import estimator, relative_constant
from simnorm.reducers import REFERENCES
from simnorm.studies import sweep
from simnorm.studies.sweep import Cell, Source
from simnorm.tally import MEASURES, Measured, Tally, measure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SCHEMA_VERSION = 1

ALL_MEASURES = (*MEASURES, *(f"relative_{name}" for name in MEASURES))

# Columns in their order, with the type each is read back as.
SCHEMA: dict[str, type] = {
    "study": str,
    "source": str,
    "distribution": str,
    "column": str,
    "full_size": int,
    "sampling": str,
    "estimator": str,
    "batch_size": int,
    "factors": str,
    "reference": str,
    "measure": str,
    "estimate": float,
    "mcse": float,
    "ci_low": float,
    "ci_high": float,
    "theory": float,
    "theory_kind": str,
    "z": float,
    "replications": int,
    "batches": int,
    "failed": int,
    "khat": float,
    "status": str,
    "reason": str,
    "stop_reason": str,
    "seed": object,
    "schema_version": int,
}
CURVES_SCHEMA: dict[str, type] = {
    "study": str,
    "distribution": str,
    "column": str,
    "sampling": str,
    "estimator": str,
    "batch_size": int,
    "factors": str,
    "reference": str,
    "kind": str,
    "x": float,
    "y": float,
    "mcse": float,
    "theory": float,
}
FIRST_CONVERGENCE_POINT = 16


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

    def table(
        self, measure: str = "rmse", *, reference: str = "full_set", value: str = "estimate"
    ) -> pd.DataFrame:
        """Return a wide table: a row per distribution and batch size, a column per estimator.

        Parameters
        ----------
        measure
            ``bias``, ``variance``, ``mse``, ``rmse`` or one of these after ``relative_``.
        reference
            ``full_set`` or ``population``.
        value
            The column of `frame` to show: ``estimate``, ``mcse``, ``theory``, ``z``, ``status``.
        """
        rows = self._rows(measure, reference)
        if value not in self.frame.columns:
            raise SimnormError("value", value, "a column of the frame is allowed")
        keys = ["distribution", "batch_size"]
        wide = rows.pivot(index=keys, columns="estimator", values=value)  # noqa: PD010  # one each
        return wide.reindex(
            index=pd.MultiIndex.from_frame(rows[keys].drop_duplicates()),
            columns=list(self.design.estimators),
        )

    def _rows(self, measure: str, reference: str) -> pd.DataFrame:
        choices = {
            "measure": (measure, ALL_MEASURES),
            "reference": (reference, REFERENCES),
        }
        for name, (given, allowed) in choices.items():
            if given not in allowed:
                raise SimnormError(name, given, f"allowed are {', '.join(allowed)}")
        chosen = (self.frame["measure"] == measure) & (self.frame["reference"] == reference)
        return self.frame[chosen]

    def plot(
        self,
        measure: str = "variance",
        *,
        estimator: str | None = None,
        reference: str = "full_set",
        ax: Axes | None = None,
    ) -> Axes:
        """Draw a measure against batch size, with 95 % intervals and theory, and return the axes.

        Parameters
        ----------
        measure, reference
            As in `table`.
        estimator
            Which estimator; ``std(ddof=0)`` if None and it is there, otherwise the first.
        ax
            Matplotlib axes to draw on; a new figure's if None.
        """
        from simnorm.figures import draw

        self._rows(measure, reference)
        spec = None if estimator is None else check_estimator(self.frame, estimator)
        return draw(self.frame, measure, ax=ax, estimator=spec, reference=reference)

    def figure(self, kind: str) -> Figure:
        """Return one of the report's figures, by its name in `simnorm.figures.FIGURES`."""
        from simnorm.figures import figure

        return figure(kind, self.frame, self.curves)

    def report(self, path: str | Path = store.REPORT) -> Path:
        """Write the PDF report and return its path.

        Raises
        ------
        SimnormError
            If the place cannot be written to.
        """
        from simnorm.report import write_report

        path = Path(path)
        check_report_path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_report(self, path)
        return path

    def save(self, folder: Path) -> None:
        """Write design, tables and provenance to a run folder, each file in one step."""
        store.write_text(folder / store.RESULTS, csv_text(self.frame))
        store.write_text(folder / store.CURVES, csv_text(self.curves))
        provenance = json.dumps(self.provenance, indent=2, sort_keys=True, allow_nan=False)
        store.write_text(folder / store.PROVENANCE, provenance + "\n")
        store.write_text(folder / store.DESIGN, self.design.to_toml())

    def __repr__(self) -> str:
        """Return what the result holds."""
        design = self.design
        return (
            f"<simnorm {design.study}: {', '.join(design.distributions)}; N = "
            f"{design.full_size}, {len(design.batch_sizes)} batch sizes, R = "
            f"{design.replications}, seed {design.seed}; {len(self.frame)} rows>"
        )

    def _repr_html_(self) -> str:
        return str(self.table("relative_rmse").to_html())


def check_report_path(path: Path) -> None:
    """Refuse a path where no report can be written, before anything is computed."""
    if path.is_dir():
        raise SimnormError("report", str(path), "it is a folder, a file name is needed")
    if path.suffix.lower() != ".pdf":
        raise SimnormError("report", str(path), "a report is a PDF", "Name a file ending in .pdf.")
    store.check_writable(path, "report")


def load(folder: str | Path) -> Result:
    """Return the result that a run folder holds.

    Raises
    ------
    SimnormError
        If the folder holds no finished run.
    """
    folder = Path(folder)
    names = (store.DESIGN, store.RESULTS, store.CURVES, store.PROVENANCE)
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise SimnormError(
            "run",
            str(folder),
            f"a folder with a finished run is needed, {missing[0]} is missing",
            "`simnorm sweep` makes one.",
        )
    try:
        return Result(
            Design.from_file(folder / store.DESIGN),
            _read_table(folder / store.RESULTS, SCHEMA),
            _read_table(folder / store.CURVES, CURVES_SCHEMA),
            json.loads((folder / store.PROVENANCE).read_text(encoding="utf-8")),
        )
    except (OSError, ValueError) as error:
        if isinstance(error, SimnormError):
            raise
        raise SimnormError("run", str(folder), f"a table cannot be read ({error})") from None


def csv_text(table: pd.DataFrame) -> str:
    """Return a table as CSV text: empty where there is no value, floats that read back exactly."""
    return str(table.to_csv(index=False, lineterminator="\n"))


def _read_table(path: Path, schema: dict[str, type]) -> pd.DataFrame:
    table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    if list(table.columns) != list(schema):
        raise ValueError(f"{path.name} has other columns than this version of simnorm writes")
    columns: dict[str, Any] = {}
    for name, kind in schema.items():
        texts = table[name]
        if kind is float:
            columns[name] = [float(text) if text else math.nan for text in texts]
        elif kind is str:
            columns[name] = texts
        else:
            columns[name] = [int(text) for text in texts]
    return _typed(columns, schema)


def _typed(columns: dict[str, Any], schema: dict[str, type]) -> pd.DataFrame:
    types = {float: np.dtype(float), int: np.dtype(np.int64), object: np.dtype(object)}
    return pd.DataFrame(
        {
            name: pd.Series(columns[name], dtype=types.get(kind, "str"))
            for name, kind in schema.items()
        }
    )


def build_frame(design: Design, found: dict[Source, Sums]) -> pd.DataFrame:
    """Return the tidy table of a sweep's sums."""
    rows: list[dict[str, Any]] = []
    for source, sums in found.items():
        measured = {name: measure(sums.tally, name) for name in MEASURES}
        khats = influence_khat(*sums.kept)
        law = distribution(source.distribution)
        numbers = theory.of_distribution(law)
        for position, cell in enumerate(sweep.cells(design)):
            for name in ALL_MEASURES:
                part = measured[name.removeprefix("relative_")]
                values = tuple(float(column[position]) for column in part)
                khat = float(khats[name.removeprefix("relative_")][position])
                rows.append(
                    _row(design, source, law, numbers, cell, name, values, khat, sums.tally.count)
                )
    return _typed({name: [row[name] for row in rows] for name in SCHEMA}, SCHEMA)


def _row(
    design: Design,
    source: Source,
    law: Distribution,
    numbers: theory.Law | None,
    cell: Cell,
    name: str,
    values: tuple[float, ...],
    khat: float,
    replications: int,
) -> dict[str, Any]:
    kind, n, reference = cell
    verdict = ledger(kind, law, n, design.full_size, reference, name)
    base = name.removeprefix("relative_")
    expected = None
    if numbers is not None and verdict.status != UNDEFINED:
        against = design.full_size if reference == "full_set" else None
        expected = theory.value_of(base, kind, n, against, numbers)
    if name != base:
        constant = relative_constant(kind, law) ** theory.measure_power(name)
        values = tuple(value / constant for value in values)
        expected = theory.relative(expected, name, kind, law)
    verdict, (estimate, mcse, low, high) = _settle(verdict, values, khat, replications)
    z = math.nan
    if verdict.status == OK and expected is not None and expected.kind == "exact" and mcse > 0.0:
        z = (estimate - expected) / mcse
    return {
        "study": design.study,
        "source": "law",
        "distribution": source.distribution,
        "column": "",
        "full_size": design.full_size,
        "sampling": source.sampling,
        "estimator": str(kind),
        "batch_size": n,
        "factors": "",
        "reference": reference,
        "measure": name,
        "estimate": estimate,
        "mcse": mcse,
        "ci_low": low,
        "ci_high": high,
        "theory": math.nan if expected is None else float(expected),
        "theory_kind": "" if expected is None else expected.kind,
        "z": z,
        "replications": replications,
        "batches": design.full_size // n,
        "failed": 0,
        "khat": khat if verdict.status in (OK, UNRELIABLE) else math.nan,
        "status": verdict.status,
        "reason": verdict.reason,
        "stop_reason": "undefined" if verdict.status == UNDEFINED else "replications",
        "seed": design.seed,
        "schema_version": SCHEMA_VERSION,
    }


def _settle(
    verdict: Verdict, values: tuple[float, ...], khat: float, replications: int
) -> tuple[Verdict, tuple[float, ...]]:
    """Return the final status and estimate, mcse and interval; NaN where they do not apply."""
    none = math.nan
    if verdict.status == UNDEFINED:
        return verdict, (none, none, none, none)
    if verdict.status == EXACT:
        # The same in every replication by construction; what was summed is 0 but for rounding.
        return verdict, (0.0, 0.0, 0.0, 0.0)
    estimate, mcse, low, high = values
    if not math.isfinite(estimate):
        reason = (
            "a variance needs two replications"
            if replications == 1
            else "the sums left the range of doubles"
        )
        return Verdict(UNDEFINED, reason), (none, none, none, none)
    if not math.isfinite(mcse) and verdict.status == OK:
        verdict = Verdict(UNRELIABLE, "one replication has no standard error")
    if verdict.status == UNRELIABLE:
        return verdict, (estimate, none, none, none)
    if khat > LARGEST_KHAT:
        reason = f"a few replications make the standard error (Pareto k-hat {khat:.2f} > 0.5)"
        verdict = Verdict(UNRELIABLE, reason)
    return verdict, (estimate, mcse, low, high if math.isfinite(high) else none)


def build_curves(design: Design, found: dict[Source, Sums], frame: pd.DataFrame) -> pd.DataFrame:
    """Return running RMSEs against the full set, at doubling numbers of replications."""
    rmse = frame[(frame["measure"] == "rmse") & (frame["reference"] == "full_set")]
    keys = ["distribution", "sampling", "estimator", "batch_size"]
    known = {
        tuple(key): (status, value if kind == "exact" else math.nan)
        for *key, status, value, kind in rmse[
            [*keys, "status", "theory", "theory_kind"]
        ].itertuples(index=False)
    }
    rows: list[dict[str, Any]] = []
    for source, sums in found.items():
        points = _convergence(sums.kept)
        for position, cell in enumerate(sweep.cells(design)):
            kind, n, reference = cell
            key = (source.distribution, source.sampling, str(kind), n)
            if reference != "full_set" or known[key][0] in (UNDEFINED, EXACT):
                continue
            for count, part in points:
                valid = known[key][0] == OK
                rows.append(
                    {
                        "study": design.study,
                        "distribution": source.distribution,
                        "column": "",
                        "sampling": source.sampling,
                        "estimator": str(kind),
                        "batch_size": n,
                        "factors": "",
                        "reference": reference,
                        "kind": "convergence",
                        "x": count,
                        "y": part.estimate[position],
                        "mcse": part.mcse[position] if valid else math.nan,
                        "theory": known[key][1],
                    }
                )
    return _typed({name: [row[name] for row in rows] for name in CURVES_SCHEMA}, CURVES_SCHEMA)


def _convergence(kept: Any) -> list[tuple[int, Measured]]:
    """Return the RMSE of the first 16, 32, ... kept replications, and of all of them."""
    most = kept.shape[-1]
    counts = []
    count = FIRST_CONVERGENCE_POINT
    while count < most:
        counts.append(count)
        count *= 2
    return [
        (count, measure(Tally.of(kept[0, :, :count], kept[1, :, :count]), "rmse"))
        for count in (*counts, most)
    ]


def check_estimator(frame: pd.DataFrame, wanted: str) -> str:
    """Return the canonical spec of an estimator that the frame must hold."""
    spec = str(estimator(wanted))
    held = list(dict.fromkeys(frame["estimator"]))
    if spec not in held:
        raise SimnormError("estimator", wanted, f"the run holds {', '.join(held)}")
    return spec
