"""From a run's sums to its tidy tables: one row per number, with status, theory and z."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simnorm import theory
from simnorm.batch_laws.split import split_curves
from simnorm.columns import Column
from simnorm.describe import (
    COLUMNS_SCHEMA,
    batch_correlations,
    column_facts,
    group_correlation,
    histogram,
)
from simnorm.design import Design
from simnorm.diagnostics import (
    EXACT,
    FAILED,
    FEWEST_JUMPS,
    LARGEST_JUMP_SHARE,
    LARGEST_TAIL_SHARE,
    OK,
    UNDEFINED,
    UNRELIABLE,
)
from simnorm.distributions import distribution
from simnorm.khat import LARGEST_KHAT, influence_khat
from simnorm.known import Known, KnownColumn, known_law
from simnorm.quantities import curve_rows, failed_words
from simnorm.rare import differing
from simnorm.sampling import SEQUENTIAL, batch_count, group_column
from simnorm.schedule import Sums
from simnorm.schema import CURVES_SCHEMA, SCHEMA, SCHEMA_VERSION, joined, typed
from simnorm.studies import drawing, sweep
from simnorm.studies.drawing import Source
from simnorm.studies.sweep import Cell
from simnorm.tally import MEASURES, Measured, Tally, measure, without_error
from simnorm.tasks import KEPT_REPLICATIONS

ALL_MEASURES = (*MEASURES, *(f"relative_{name}" for name in MEASURES))

FIRST_CONVERGENCE_POINT = 16

Floats = NDArray[np.float64]

# Cells, each with what is known of its source.
About = Sequence[tuple[Cell, Known]]

LEFT = "the sums left the range of doubles"
ALIKE = "no replication differed from another"
LEFT_BY_ERROR = "the sums of its standard error left the range of doubles"


# Of the ledger's four verdicts on a cell (bias and squares, absolute and relative), each measure's.
VERDICTS = tuple(
    (0 if name.removeprefix("relative_") == "bias" else 1)
    + (2 if name.startswith("relative_") else 0)
    for name in ALL_MEASURES
)


def build_frame(design: Design, found: dict[Source, Sums]) -> pd.DataFrame:
    """Return the tidy table of a sweep's sums."""
    return joined([source_rows(design, source, sums) for source, sums in found.items()])


def known_of(design: Design, source: Source) -> dict[str, Known]:
    """Return what is known of the source before it is drawn, by column."""
    if not source.columns:
        law = distribution(source.distribution)
        return {"": known_law(law, design.full_size, source.sampling)}
    sizes: tuple[int, ...] = ()
    group = group_column(source.sampling)
    if group is not None and design.dataset is not None:
        sizes = tuple(np.bincount(design.dataset.group_codes(group)).tolist())
    return {
        column.name: KnownColumn(column, source.sampling, sizes, exact=design.exact)
        for column in drawing.chunk(design, source).columns
    }


def source_rows(design: Design, source: Source, sums: Sums) -> dict[str, NDArray[Any]]:
    """Return the columns of one source's rows: cells, and the measures of each."""
    cells = sweep.cells(design, source)
    known = known_of(design, source)
    rows = _Rows.of(cells, [known[cell.column] for cell in cells], sums)
    per_cell: dict[str, Sequence[Any] | NDArray[Any]] = {
        "column": [cell.column for cell in cells],
        "estimator": [str(cell.estimator) for cell in cells],
        "batch_size": [cell.batch_size for cell in cells],
        "reference": [cell.reference for cell in cells],
        "batches": [batch_count(design.full_size, cell.batch_size) for cell in cells],
        "replications": rows.used,
        "failed": rows.failed,
    }
    same = {
        "study": design.study,
        "source": "file" if source.columns else "law",
        "distribution": source.distribution,
        "full_size": design.full_size,
        "sampling": source.sampling,
        "factors": "",
        "seed": design.seed,
        "schema_version": SCHEMA_VERSION,
    }
    columns = {name: _repeated(values, len(ALL_MEASURES)) for name, values in per_cell.items()}
    columns["measure"] = np.tile(np.array(ALL_MEASURES, dtype=object), len(cells))
    size = len(cells) * len(ALL_MEASURES)
    for name, value in same.items():
        columns[name] = np.full(size, value, dtype=np.int64 if SCHEMA[name] is int else object)
    columns |= {name: values.ravel() for name, values in rows.columns().items()}
    return columns


def _repeated(values: Sequence[Any] | NDArray[Any], times: int) -> NDArray[Any]:
    kind = np.int64 if isinstance(values[0], int | np.integer) else object
    return np.repeat(np.array(values, dtype=kind), times)


class _Rows:
    """What stands in the rows of one source: arrays of shape (cells, measures)."""

    def __init__(self, cells: int) -> None:
        shape = (cells, len(ALL_MEASURES))
        self.estimate, self.mcse, self.ci_low, self.ci_high, self.khat, self.theory, self.z = (
            np.full(shape, np.nan) for _ in range(7)
        )
        self.theory_kind, self.status, self.reason = (
            np.full(shape, "", dtype=object) for _ in range(3)
        )
        self.is_zero = np.zeros(shape, dtype=np.bool_)
        self.used, self.failed = np.zeros((2, cells), dtype=np.int64)

    @classmethod
    def of(cls, cells: Sequence[Cell], known: Sequence[Known], sums: Sums) -> _Rows:
        rows = cls(len(cells))
        about = list(zip(cells, known, strict=True))
        rows._judge(about, sums)
        powers = _relative_powers(about)
        rows._measure(sums, powers)
        rows._expect(about, powers)
        rows._settle(about, sums)
        return rows

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return the columns that differ from measure to measure."""
        names = ("estimate", "mcse", "ci_low", "ci_high", "theory", "theory_kind", "z", "khat")
        stop = np.where(self.status == UNDEFINED, "undefined", "replications").astype(object)
        columns = {name: getattr(self, name) for name in (*names, "status", "reason")}
        return columns | {"stop_reason": stop}

    def _judge(self, about: About, sums: Sums) -> None:
        """Take the ledger's verdicts, and count what every cell has lost."""
        for i, (cell, known) in enumerate(about):
            found = known.verdicts(cell.estimator, cell.batch_size, cell.reference)
            self.status[i] = [found[v].status for v in VERDICTS]
            self.reason[i] = [found[v].reason for v in VERDICTS]
            self.is_zero[i] = [found[v].is_zero for v in VERDICTS]
        if sums.tally.void is not None:
            # What has no value by the ledger has not failed.
            self.failed = np.where(self.status[:, 0] == UNDEFINED, 0, sums.tally.void)
        self.used = sums.tally.count - self.failed

    def _measure(self, sums: Sums, powers: Floats) -> None:
        """Take estimates, standard errors, intervals and k-hats."""
        khats = influence_khat(sums.kept[0], sums.kept[1], sums.tally.void)
        for m, name in enumerate(ALL_MEASURES):
            base = name.removeprefix("relative_")
            found = measure(sums.tally, base)
            fixed = self.status[:, m] == EXACT
            if fixed.any():
                # The same in every replication: no error bar, and nothing to correct for.
                found = Measured(*np.where(fixed, without_error(sums.tally, base), found))
            with np.errstate(all="ignore"):
                columns = [column / powers[:, m] if name != base else column for column in found]
            self.estimate[:, m], self.mcse[:, m], self.ci_low[:, m], self.ci_high[:, m] = columns
            self.khat[:, m] = khats[base]

    def _expect(self, about: About, powers: Floats) -> None:
        """Take what theory expects, where anything is defined."""
        undefined = self.status == UNDEFINED
        for i, (cell, known) in enumerate(about):
            if undefined[i].all():
                continue
            values = known.theory(cell.estimator, cell.batch_size, cell.reference)
            for m, name in enumerate(ALL_MEASURES):
                value = values.get(name.removeprefix("relative_"))
                if value is not None and not undefined[i, m]:
                    self.theory[i, m] = float(value) / powers[i, m]
                    self.theory_kind[i, m] = value.kind

    def _settle(self, about: About, sums: Sums) -> None:
        """Settle every row's status and leave empty what it does not allow."""
        undefined, exact = self.status == UNDEFINED, self.status == EXACT
        lost = ~undefined & ~exact & ~np.isfinite(self.estimate)
        self._say(lost, UNDEFINED, self._too_few(1, "a variance needs two replications", LEFT))
        self._say(
            (self.status == OK) & ~np.isfinite(self.mcse),
            UNRELIABLE,
            self._too_few(1, "one replication has no standard error", LEFT_BY_ERROR),
        )
        # Without a standard error that exists, only the estimate is shown.
        bare = self.status == UNRELIABLE
        shown = self.status == OK
        self._doubt_alike(sums, shown)
        for i, m in np.argwhere(shown & (self.khat > LARGEST_KHAT)):
            kept = min(self.used[i], KEPT_REPLICATIONS)
            self.status[i, m] = UNRELIABLE
            self.reason[i, m] = (
                f"a few of the first {kept:,} replications make the standard error "
                f"(Pareto k-hat {self.khat[i, m]:.2f} > 0.5)"
            )
        self._ask_for_more(about, shown)
        self._doubt_jumps(about, shown)
        self._doubt_rare(about, shown)
        self._doubt_stationary(shown)
        self._tell_failures(sums, undefined)
        gone = (self.status == UNDEFINED) | lost
        self.estimate[gone] = np.nan
        for values in (self.mcse, self.ci_low, self.ci_high):
            values[gone | bare] = np.nan
        for values in (self.estimate, self.mcse, self.ci_low, self.ci_high):
            # The same in every replication by construction; sums hold 0 but for rounding.
            values[self.is_zero & exact & (self.used > 0)[:, np.newaxis]] = 0.0
            values[self.used == 0] = np.nan
        self.mcse[exact & (self.used > 0)[:, np.newaxis]] = 0.0
        self.ci_high[~np.isfinite(self.ci_high)] = np.nan
        self.khat[(self.status == UNDEFINED) | (self.status == EXACT)] = np.nan
        tested = (self.status == OK) & (self.theory_kind == "exact") & (self.mcse > 0.0)
        self.z[tested] = (self.estimate[tested] - self.theory[tested]) / self.mcse[tested]

    def _doubt_alike(self, sums: Sums, shown: NDArray[np.bool_]) -> None:
        """Doubt standard errors that none or a few of the replications make."""
        kept = sums.kept.shape[-1]
        squares = np.array(VERDICTS) % 2 == 1
        for values, of_name in zip(sums.kept, (~squares, squares), strict=True):
            count = differing(values)
            # Where no number is common, none is waited for.
            few = (2 * count < kept) & (count * (self.used / kept) < FEWEST_JUMPS)
            for i in np.flatnonzero(few & (shown & of_name).any(axis=-1)):
                here = shown[i] & of_name
                self.status[i, here] = UNRELIABLE
                some = f"only {count[i]} of the first {kept:,} replications differ from the others"
                self.reason[i, here] = some if count[i] else ALIKE
        self._say(shown & (self.mcse == 0.0), UNRELIABLE, ALIKE)

    def _say(self, where: NDArray[np.bool_], status: str, reason: str | NDArray[Any]) -> None:
        self.status[where] = status
        self.reason[where] = np.broadcast_to(np.asarray(reason, dtype=object), where.shape)[where]

    def _too_few(self, used: int, reason: str, otherwise: str) -> NDArray[Any]:
        found = [reason if count <= used else otherwise for count in self.used.tolist()]
        return np.array(found, dtype=object)[:, np.newaxis]

    def _ask_for_more(self, about: About, shown: NDArray[np.bool_]) -> None:
        """Doubt the standard errors that need more replications, as the source has it.

        Not where a k-hat that more replications would not change speaks already.
        """
        squares = np.array(VERDICTS) % 2 == 1
        final = self.khat > LARGEST_KHAT
        final &= self.used[:, np.newaxis] >= KEPT_REPLICATIONS
        for i, (cell, known) in enumerate(about):
            if not shown[i].any():
                continue
            for name, of_name in (("bias", ~squares), ("mse", squares)):
                found = known.draws_verdict(
                    cell.estimator, cell.batch_size, cell.reference, name, int(self.used[i])
                )
                if found.status != OK:
                    # That nothing differed is said already, and says more.
                    here = shown[i] & of_name & (self.mcse[i] > 0.0) & ~final[i]
                    self.status[i, here], self.reason[i, here] = found.status, found.reason

    def _doubt_jumps(self, about: About, shown: NDArray[np.bool_]) -> None:
        """Doubt what jumps of order statistics may have changed unseen, for a law with atoms."""
        bias, mse = ALL_MEASURES.index("bias"), ALL_MEASURES.index("mse")
        squares = np.array(VERDICTS) % 2 == 1
        for i, (cell, known) in enumerate(about):
            replications = int(self.used[i])
            missed = known.missed_jumps(
                cell.estimator, cell.batch_size, cell.reference, replications
            )
            if missed is None:
                continue
            for part, of_name, error in (
                (missed.bias, ~squares, self.mcse[i, bias]),
                (missed.squares, squares, self.mcse[i, mse]),
            ):
                # Where nothing differed at all, that is said already.
                if part > LARGEST_JUMP_SHARE * error > 0.0:
                    here = shown[i] & of_name
                    self.status[i, here] = UNRELIABLE
                    self.reason[i, here] = (
                        f"values repeat: the {cell.estimator.word} may jump in replications too "
                        f"rare for these {replications:,} to have met enough of them"
                    )

    def _doubt_rare(self, about: About, shown: NDArray[np.bool_]) -> None:
        """Doubt what values may do that are large and rarely meet, for a column of data."""
        base = np.array([name.removeprefix("relative_") for name in ALL_MEASURES])
        bias = self.estimate[:, ALL_MEASURES.index("bias")]
        for i, (cell, known) in enumerate(about):
            if not shown[i].any():
                continue
            found = known.rare(cell.estimator, cell.batch_size, float(bias[i]))
            if found is None:
                continue
            replications = int(self.used[i])
            for fourth, name, of_name, unit in (
                (found.mean_error, "bias", base == "bias", found.unit),
                (found.mean_square, "mse", np.isin(base, ["mse", "rmse"]), found.unit**2),
                (found.centred_square, "variance", base == "variance", found.unit**2),
            ):
                # In the column's unit, whose fourth power may be no double.
                variance = replications * (self.mcse[i, ALL_MEASURES.index(name)] / unit) ** 2
                if fourth > LARGEST_TAIL_SHARE * replications * variance * variance > 0.0:
                    here = shown[i] & of_name
                    self.status[i, here] = UNRELIABLE
                    self.reason[i, here] = (
                        "a few rows with large values meet in a batch, or are left out, too rarely "
                        f"for these {replications:,} replications"
                    )

    def _doubt_stationary(self, shown: NDArray[np.bool_]) -> None:
        """Doubt standard errors of variances that vanish to first order.

        As for a statistic with two equally likely values: p (1 - p) does not move with p at 1/2.
        What is left is of the second order, the squared standard error of the bias.
        """
        second_order = 2.0 * self.mcse[:, ALL_MEASURES.index("bias")] ** 2
        first_order = self.mcse[:, ALL_MEASURES.index("variance")]
        vanishing = first_order < second_order
        of_name = np.array([name.removeprefix("relative_") == "variance" for name in ALL_MEASURES])
        self._say(
            shown & vanishing[:, np.newaxis] & of_name,
            UNRELIABLE,
            "its standard error vanishes to first order",
        )

    def _tell_failures(self, sums: Sums, undefined: NDArray[np.bool_]) -> None:
        """Say which cells have lost replications, how many, and what the first of these said."""
        for i in np.flatnonzero(self.failed):
            first = sums.failures[int(i)]
            self.status[i, ~undefined[i]] = FAILED
            said = failed_words(int(self.failed[i]), sums.tally.count, first)
            self.reason[i, ~undefined[i]] = said


def _relative_powers(about: About) -> Floats:
    """Return what every cell's measures are divided by: 1, or a power of its constant."""
    constants = [known.constant(cell.estimator) for cell, known in about]
    powers = {
        constant: [
            constant ** theory.measure_power(name) if name.startswith("relative_") else 1.0
            for name in ALL_MEASURES
        ]
        for constant in constants
    }
    return np.array([powers[constant] for constant in constants])


def build_curves(design: Design, found: dict[Source, Sums], frame: pd.DataFrame) -> pd.DataFrame:
    """Return what the sums of every source give: running RMSEs, and errors of full sets."""
    parts = []
    for source, sums in found.items():
        here = (frame["distribution"] == source.distribution) & (
            frame["sampling"] == source.sampling
        )
        if source.columns:
            here &= frame["column"].isin(source.columns)
        rows = {name: frame.loc[here, name].to_numpy(dtype=object) for name in SCHEMA}
        parts.append(source_curves(design, source, sums, rows))
    return joined(parts, CURVES_SCHEMA)


def source_curves(
    design: Design, source: Source, sums: Sums, rows: dict[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """Return one source's running RMSEs and its full sets' errors; `rows` are of its table."""
    parts = (
        _convergence_curves(design, source, sums, rows),
        split_curves(design, source, sums, rows),
    )
    return {name: np.concatenate([part[name] for part in parts]) for name in CURVES_SCHEMA}


def _convergence_curves(
    design: Design, source: Source, sums: Sums, rows: dict[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    cells = sweep.cells(design, source)
    reference = drawing.references(source)[0]
    against = [i for i, cell in enumerate(cells) if cell.reference == reference]
    rmse = {
        name: rows[name][ALL_MEASURES.index("rmse") :: len(ALL_MEASURES)][against]
        for name in ("status", "mcse", "theory", "theory_kind")
    }
    status = rmse["status"]
    drawn = np.isin(status, [OK, UNRELIABLE, FAILED])
    positions = np.array(against, dtype=np.intp)[drawn]
    may_fail = _part(sweep.may_fail(design, source), positions)
    if sums.tally.void is not None:
        # Of a task that was given up, the replications of every cell are void.
        may_fail = np.ones(len(positions), np.bool_)
    points = _convergence(sums.kept[:, positions], may_fail)
    x, y, mcse = (np.array([point[k] for point in points]).T for k in range(3))
    # As in the table: where its row has no standard error to trust, none is drawn.
    has_error = np.isfinite(rmse["mcse"].astype(np.float64))
    trusted = (status == OK) | ((status == FAILED) & has_error)
    mcse[~trusted[drawn]] = np.nan
    expected = rmse["theory"].astype(np.float64)
    exact = np.where(rmse["theory_kind"] == "exact", expected, np.nan)[drawn]
    valid = np.isfinite(x)
    shown = {
        "column": np.array([cells[i].column for i in positions], dtype=object),
        "estimator": np.array([str(cells[i].estimator) for i in positions], dtype=object),
        "batch_size": np.array([cells[i].batch_size for i in positions], dtype=np.int64),
        "theory": exact,
    }
    columns = {name: np.repeat(v, len(points))[valid.ravel()] for name, v in shown.items()}
    columns |= {"x": x[valid], "y": y[valid], "mcse": mcse[valid]}
    same = {"study": design.study, "distribution": source.distribution}
    same |= {"sampling": source.sampling, "factors": "", "reference": reference}
    for name, value in {**same, "kind": "convergence"}.items():
        columns[name] = np.full(int(valid.sum()), value, dtype=object)
    return columns


def column_rows(design: Design, source: Source) -> list[dict[str, Any]]:
    """Return what the columns of a source are like, a row each."""
    return [column_facts(column) for column in drawing.chunk(design, source).columns]


def columns_table(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Return the table of columns."""
    return typed({name: [row[name] for row in rows] for name in COLUMNS_SCHEMA}, COLUMNS_SCHEMA)


def data_curves(design: Design, source: Source, *, with_histogram: bool) -> dict[str, NDArray[Any]]:
    """Return histograms of a source's columns, and how alike rows are that stand together."""
    found: list[dict[str, Any]] = []
    group = group_column(source.sampling)
    for column in drawing.chunk(design, source).columns:
        points = {"icc": _correlations(design, source, column, group)}
        if with_histogram:
            points["histogram"] = [(0, x, y) for x, y in zip(*histogram(column), strict=True)]
        found += [
            {
                "kind": kind,
                "column": column.name,
                "reference": "full_set",
                "batch_size": n,
                "x": x,
                "y": y,
            }
            for kind, values in points.items()
            for n, x, y in values
        ]
    return curve_rows(design, source, found)


def _correlations(
    design: Design, source: Source, column: Column, group: str | None
) -> list[tuple[int, float, float]]:
    """Return batch sizes, group counts and intraclass correlations of a column, if it has some."""
    if source.sampling == SEQUENTIAL:
        found = batch_correlations(column, design.batch_sizes)
        return [(n, float(n), rho) for n, rho in found]
    if group is None or design.dataset is None:
        return []
    codes = design.dataset.group_codes(group)
    return [(0, float(codes.max() + 1), group_correlation(column, codes))]


def _part(mask: NDArray[np.bool_] | None, positions: NDArray[np.intp]) -> Any:
    return None if mask is None else mask[positions]


def _convergence(kept: Floats, may_fail: NDArray[np.bool_] | None) -> list[tuple[Floats, ...]]:
    """Return numbers of replications, RMSEs and their errors of the first 16, 32, ... and all."""
    most = kept.shape[-1]
    counts = []
    count = FIRST_CONVERGENCE_POINT
    while count < most:
        counts.append(count)
        count *= 2
    points: list[tuple[Floats, ...]] = []
    for count in (*counts, most):
        tally = Tally.of(kept[0, :, :count], kept[1, :, :count], may_fail)
        found = measure(tally, "rmse")
        used = np.broadcast_to(tally.used, found.estimate.shape).astype(float)
        points.append((np.where(used > 0.0, used, np.nan), found.estimate, found.mcse))
    return points
