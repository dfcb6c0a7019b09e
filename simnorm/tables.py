"""From a run's sums to its tidy tables: one row per number, with status, theory and z."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simnorm import theory
from simnorm.design import Design
from simnorm.diagnostics import (
    EXACT,
    FAILED,
    LARGEST_JUMP_SHARE,
    LARGEST_KHAT,
    OK,
    UNDEFINED,
    UNRELIABLE,
    Jumps,
    draws_verdict,
    influence_khat,
    rare_jumps,
    verdicts,
)
from simnorm.distributions import Distribution, distribution
from simnorm.engine import KEPT_REPLICATIONS, Sums
from simnorm.estimators import relative_constant
from simnorm.studies import sweep
from simnorm.studies.sweep import Cell, Source
from simnorm.tally import MEASURES, Tally, measure

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

Floats = NDArray[np.float64]

LEFT = "the sums left the range of doubles"
LEFT_BY_ERROR = "the sums of its standard error left the range of doubles"


def typed(columns: dict[str, Any], schema: dict[str, type]) -> pd.DataFrame:
    """Return a table with the schema's columns and types."""
    types = {float: np.dtype(float), int: np.dtype(np.int64), object: np.dtype(object)}
    return pd.DataFrame(
        {
            name: pd.Series(columns[name], dtype=types.get(kind, "str"))
            for name, kind in schema.items()
        }
    )


# Of the ledger's four verdicts on a cell (bias and squares, absolute and relative), each measure's.
VERDICTS = tuple(
    (0 if name.removeprefix("relative_") == "bias" else 1)
    + (2 if name.startswith("relative_") else 0)
    for name in ALL_MEASURES
)


def build_frame(design: Design, found: dict[Source, Sums]) -> pd.DataFrame:
    """Return the tidy table of a sweep's sums."""
    parts = [_source_columns(design, source, sums) for source, sums in found.items()]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in SCHEMA}
    return typed(columns, SCHEMA)


def _source_columns(design: Design, source: Source, sums: Sums) -> dict[str, NDArray[Any]]:
    """Return the columns of one source's rows: cells, and the measures of each."""
    law = distribution(source.distribution)
    cells = sweep.cells(design)
    rows = _Rows.of(design, law, cells, sums)
    per_cell: dict[str, Sequence[Any] | NDArray[Any]] = {
        "estimator": [str(kind) for kind, _, _ in cells],
        "batch_size": [n for _, n, _ in cells],
        "reference": [reference for _, _, reference in cells],
        "batches": [design.full_size // n for _, n, _ in cells],
        "replications": rows.used,
        "failed": rows.failed,
    }
    same = {
        "study": design.study,
        "source": "law",
        "distribution": source.distribution,
        "column": "",
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
        self.used, self.failed = np.zeros((2, cells), dtype=np.int64)

    @classmethod
    def of(cls, design: Design, law: Distribution, cells: Sequence[Cell], sums: Sums) -> _Rows:
        rows = cls(len(cells))
        rows._judge(design, law, cells, sums)
        powers = _relative_powers(law, cells)
        rows._measure(sums, powers)
        rows._expect(design, law, cells, powers)
        rows._settle(design, law, cells, sums)
        return rows

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return the columns that differ from measure to measure."""
        names = ("estimate", "mcse", "ci_low", "ci_high", "theory", "theory_kind", "z", "khat")
        stop = np.where(self.status == UNDEFINED, "undefined", "replications").astype(object)
        columns = {name: getattr(self, name) for name in (*names, "status", "reason")}
        return columns | {"stop_reason": stop}

    def _judge(self, design: Design, law: Distribution, cells: Sequence[Cell], sums: Sums) -> None:
        """Take the ledger's verdicts, and count what every cell has lost."""
        for i, (kind, n, reference) in enumerate(cells):
            found = verdicts(kind, law, n, design.full_size, reference)
            self.status[i] = [found[v].status for v in VERDICTS]
            self.reason[i] = [found[v].reason for v in VERDICTS]
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
            with np.errstate(all="ignore"):
                columns = [column / powers[:, m] if name != base else column for column in found]
            self.estimate[:, m], self.mcse[:, m], self.ci_low[:, m], self.ci_high[:, m] = columns
            self.khat[:, m] = khats[base]

    def _expect(
        self, design: Design, law: Distribution, cells: Sequence[Cell], powers: Floats
    ) -> None:
        """Take what theory expects, where anything is defined."""
        numbers = theory.of_distribution(law)
        undefined = self.status == UNDEFINED
        for i, (kind, n, reference) in enumerate(cells):
            if undefined[i].all():
                continue
            against = design.full_size if reference == "full_set" else None
            values = theory.values_of(kind, n, against, numbers)
            for m, name in enumerate(ALL_MEASURES):
                value = values.get(name.removeprefix("relative_"))
                if value is not None and not undefined[i, m]:
                    self.theory[i, m] = float(value) / powers[i, m]
                    self.theory_kind[i, m] = value.kind

    def _settle(self, design: Design, law: Distribution, cells: Sequence[Cell], sums: Sums) -> None:
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
        self._say(shown & (self.mcse == 0.0), UNRELIABLE, "no replication differed from another")
        for i, m in np.argwhere(shown & (self.khat > LARGEST_KHAT)):
            kept = min(self.used[i], KEPT_REPLICATIONS)
            self.status[i, m] = UNRELIABLE
            self.reason[i, m] = (
                f"a few of the first {kept:,} replications make the standard error "
                f"(Pareto k-hat {self.khat[i, m]:.2f} > 0.5)"
            )
        self._ask_for_more(design, law, cells, shown)
        self._doubt_jumps(design, law, cells, shown)
        self._doubt_stationary(shown)
        self._tell_failures(sums, undefined)
        gone = (self.status == UNDEFINED) | lost
        self.estimate[gone] = np.nan
        for values in (self.mcse, self.ci_low, self.ci_high):
            values[gone | bare] = np.nan
        for values in (self.estimate, self.mcse, self.ci_low, self.ci_high):
            # The same in every replication by construction; sums hold 0 but for rounding.
            values[exact & (self.used > 0)[:, np.newaxis]] = 0.0
            values[self.used == 0] = np.nan
        self.ci_high[~np.isfinite(self.ci_high)] = np.nan
        self.khat[(self.status == UNDEFINED) | (self.status == EXACT)] = np.nan
        tested = (self.status == OK) & (self.theory_kind == "exact") & (self.mcse > 0.0)
        self.z[tested] = (self.estimate[tested] - self.theory[tested]) / self.mcse[tested]

    def _say(self, where: NDArray[np.bool_], status: str, reason: str | NDArray[Any]) -> None:
        self.status[where] = status
        self.reason[where] = np.broadcast_to(np.asarray(reason, dtype=object), where.shape)[where]

    def _too_few(self, used: int, reason: str, otherwise: str) -> NDArray[Any]:
        found = [reason if count <= used else otherwise for count in self.used.tolist()]
        return np.array(found, dtype=object)[:, np.newaxis]

    def _ask_for_more(
        self, design: Design, law: Distribution, cells: Sequence[Cell], shown: NDArray[np.bool_]
    ) -> None:
        """Doubt the standard errors that need more replications, as the law has it."""
        squares = np.array(VERDICTS) % 2 == 1
        for i, (kind, n, reference) in enumerate(cells):
            for name, of_name in (("bias", ~squares), ("mse", squares)):
                enough = draws_verdict(
                    kind, law, n, design.full_size, name, int(self.used[i]), reference
                )
                if enough.status != OK:
                    # That nothing differed is said already, and says more.
                    here = shown[i] & of_name & (self.mcse[i] > 0.0)
                    self.status[i, here], self.reason[i, here] = enough

    def _doubt_jumps(
        self, design: Design, law: Distribution, cells: Sequence[Cell], shown: NDArray[np.bool_]
    ) -> None:
        """Doubt what jumps of order statistics may have changed unseen, for a law with atoms."""
        if law.largest_atom == 0.0:
            return
        bias, mse = ALL_MEASURES.index("bias"), ALL_MEASURES.index("mse")
        squares = np.array(VERDICTS) % 2 == 1
        for i, (kind, n, reference) in enumerate(cells):
            replications = int(self.used[i])
            missed = rare_jumps(kind, law, n, replications * (design.full_size // n))
            if reference == "full_set":
                whole = rare_jumps(kind, law, design.full_size, replications)
                missed = Jumps(missed.bias + whole.bias, missed.squares + whole.squares)
            for part, of_name, error in (
                (missed.bias, ~squares, self.mcse[i, bias]),
                (missed.squares, squares, self.mcse[i, mse]),
            ):
                # Where nothing differed at all, that is said already.
                if part > LARGEST_JUMP_SHARE * error > 0.0:
                    here = shown[i] & of_name
                    self.status[i, here] = UNRELIABLE
                    self.reason[i, here] = (
                        f"values repeat: the {kind.word} may jump in replications too rare for "
                        f"these {replications:,} to have met enough of them"
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
            self.reason[i, ~undefined[i]] = (
                f"{self.failed[i]:,} of {sums.tally.count:,} replications failed; "
                f"replication {first.replication}: {first.message}"
            )


def _relative_powers(law: Distribution, cells: Sequence[Cell]) -> Floats:
    """Return what every cell's measures are divided by: 1, or a power of its constant."""
    constants = {kind: relative_constant(kind, law) for kind, _, _ in cells}
    powers = {
        kind: [
            constant ** theory.measure_power(name) if name.startswith("relative_") else 1.0
            for name in ALL_MEASURES
        ]
        for kind, constant in constants.items()
    }
    return np.array([powers[kind] for kind, _, _ in cells])


def build_curves(design: Design, found: dict[Source, Sums], frame: pd.DataFrame) -> pd.DataFrame:
    """Return running RMSEs against the full set, at doubling numbers of replications."""
    rmse = frame[(frame["measure"] == "rmse") & (frame["reference"] == "full_set")]
    parts = []
    for source, sums in found.items():
        here = (rmse["distribution"] == source.distribution) & (rmse["sampling"] == source.sampling)
        parts.append(_source_curves(design, source, sums, rmse[here]))
    columns = {name: np.concatenate([part[name] for part in parts]) for name in CURVES_SCHEMA}
    return typed(columns, CURVES_SCHEMA)


def _source_curves(
    design: Design, source: Source, sums: Sums, rmse: pd.DataFrame
) -> dict[str, NDArray[Any]]:
    """Return one source's curves; `rmse` has a row for every cell against the full set."""
    cells = sweep.cells(design)
    against_full = [i for i, cell in enumerate(cells) if cell.reference == "full_set"]
    status = rmse["status"].to_numpy(dtype=object)
    drawn = np.isin(status, [OK, UNRELIABLE, FAILED])
    positions = np.array(against_full, dtype=np.intp)[drawn]
    points = _convergence(sums.kept[:, positions], _part(sweep.may_fail(design, source), positions))
    x, y, mcse = (np.array([point[k] for point in points]).T for k in range(3))
    # As in the table: where its row has no standard error to trust, none is drawn.
    trusted = (status == OK) | ((status == FAILED) & rmse["mcse"].notna().to_numpy())
    mcse[~trusted[drawn]] = np.nan
    exact = rmse["theory"].where(rmse["theory_kind"] == "exact").to_numpy()[drawn]
    valid = np.isfinite(x)
    shown = {
        "estimator": np.array([str(cells[i].estimator) for i in positions], dtype=object),
        "batch_size": np.array([cells[i].batch_size for i in positions], dtype=np.int64),
        "theory": exact,
    }
    columns = {name: np.repeat(v, len(points))[valid.ravel()] for name, v in shown.items()}
    columns |= {"x": x[valid], "y": y[valid], "mcse": mcse[valid]}
    same = {"study": design.study, "distribution": source.distribution, "column": ""}
    same |= {"sampling": source.sampling, "factors": "", "reference": "full_set"}
    for name, value in {**same, "kind": "convergence"}.items():
        columns[name] = np.full(int(valid.sum()), value, dtype=object)
    return columns


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
