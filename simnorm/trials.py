"""Rows of the trials: studies whose replication is no full set with its batches.

A replication is a repeat of cross-validation, a training run of all variants, or an interleaved
round of timings. It gives two numbers for every cell, A and Q, which the cell's `summary` reads:

============  =====================================  ========  ====================================
summary       A and Q                                measure   estimate and interval
============  =====================================  ========  ====================================
mean          a number, nothing                      mean      mean of A, t
folds         mean and mean square over the folds    mean      mean of A, corrected resampled t
ratio         logarithm of a ratio, nothing          ratio     exp of the mean of A and its t ends
median        a number, nothing                      median    order statistics of A
median_ratio  logarithm of a ratio, nothing          ratio     exp of order statistics of A
============  =====================================  ========  ====================================

Whatever is compared is paired inside a replication, as a cell of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.diagnostics import EXACT, FAILED, OK, UNDEFINED, UNRELIABLE
from simnorm.intervals import order_interval, order_ranks
from simnorm.khat import FEWEST_FOR_KHAT, LARGEST_KHAT, pareto_khat
from simnorm.quantities import ALIKE, ALONE, columns_of, failed_words
from simnorm.schema import SCHEMA, SCHEMA_VERSION
from simnorm.tally import t_quantile

if TYPE_CHECKING:
    from simnorm.design import Design
    from simnorm.schedule import Sums
    from simnorm.studies.drawing import Source

Floats = NDArray[np.float64]

MEAN, FOLDS, RATIO, MEDIAN, MEDIAN_RATIO = "mean", "folds", "ratio", "median", "median_ratio"
MEASURE_OF = {
    MEAN: "mean", FOLDS: "mean", RATIO: "ratio", MEDIAN: "median", MEDIAN_RATIO: "ratio",
}  # fmt: skip
AGAINST = "against"

ALIKE_FOLDS = "no fold differed from another, which is no proof that none would"
FEW = "so few replications that an end of the interval is missing"


class Cell(NamedTuple):
    """What is measured in every replication of a source.

    Parameters
    ----------
    quantity
        Its name, which stands in the column `estimator`.
    batch_size
        n; 0 for what has no batches.
    factors
        The study's own part, ``key=value`` joined with semicolons; for what is compared with
        something else, ``against=...`` comes last.
    summary
        How A and Q are read: see the module.
    folds
        Of cross-validation, the number of folds k; 1 where a replication is one split at random.
    share
        Test rows over training rows of a split; 1/(k - 1) unless told.
    undefined
        Why there can be no value, known before anything is run.
    exact
        Why the value is the same in every replication, known before anything is run.
    """

    quantity: str
    batch_size: int
    factors: str = ""
    summary: str = MEAN
    folds: int = 0
    undefined: str = ""
    exact: str = ""
    share: float = 0.0


class Summary(NamedTuple):
    """An estimate with its standard error and 95 % interval; what is not known is NaN."""

    estimate: float
    mcse: float
    low: float
    high: float


NOTHING = Summary(math.nan, math.nan, math.nan, math.nan)


def rows(
    design: Design,
    source: Source,
    cells: Sequence[Cell],
    sums: Sums,
    *,
    full_size: int,
    batches: Callable[[Cell], int] | int = 1,
) -> dict[str, NDArray[Any]]:
    """Return the columns of one source's rows, one row for every cell.

    Parameters
    ----------
    design, source, cells, sums
        What was run, and what it came to; of the sums the kept A and Q, shape (2, cells, R).
    full_size
        N, the rows of the data, or 0.
    batches
        What stands in the column `batches`: a number, or a function of the cell.
    """
    found = []
    for i, (cell, (a, q)) in enumerate(zip(cells, np.moveaxis(sums.kept, 1, 0), strict=True)):
        row = row_of(cell, a, q)
        if i in sums.failures and row["status"] in (OK, FAILED, UNRELIABLE):
            # A task was given up, which is no doubt of this cell's own.
            said = failed_words(row["failed"], a.size, sums.failures[i])
            row |= {"status": FAILED, "reason": said}
        found.append(
            row
            | {
                "study": design.study,
                "source": source_word(source),
                "distribution": source.distribution,
                "column": "",
                "full_size": full_size,
                "sampling": source.sampling,
                "estimator": cell.quantity,
                "batch_size": cell.batch_size,
                "factors": cell.factors,
                "reference": "",
                "measure": MEASURE_OF[cell.summary],
                "theory": math.nan,
                "theory_kind": "",
                "z": math.nan,
                "replications": a.size - row["failed"],
                "batches": batches(cell) if callable(batches) else batches,
                "stop_reason": UNDEFINED if row["status"] == UNDEFINED else sums.stop_reason,
                "seed": design.seed,
                "schema_version": SCHEMA_VERSION,
            }
        )
    return columns_of(found, SCHEMA)


def source_word(source: Source) -> str:
    """Return what stands in the column `source`."""
    return "file" if source.columns else "bundled" if source.distribution else "bench"


def row_of(cell: Cell, a: Floats, q: Floats) -> dict[str, Any]:
    """Return estimate, error bar and status of a cell from A and Q of its replications."""
    if cell.undefined:
        return _row(NOTHING, UNDEFINED, cell.undefined)
    is_there = np.isfinite(a) & np.isfinite(q)
    failed = int(np.count_nonzero(~is_there))
    a, q = a[is_there], q[is_there]
    if not a.size:
        return _row(NOTHING, UNDEFINED, "no replication came to a finite number", failed)
    if cell.exact:
        value = float(a[0])
        return _row(Summary(value, 0.0, value, value), EXACT, cell.exact, failed)
    found = summary_of(cell, a, q)
    khat = math.nan
    if a.size >= FEWEST_FOR_KHAT and cell.summary in (MEAN, FOLDS, RATIO):
        khat = float(pareto_khat(a[np.newaxis])[0])
    status, reason = _doubt(cell, found, a.size, khat)
    if status == OK and failed:
        status, reason = FAILED, f"{failed} of {a.size + failed} replications gave no number"
    return _row(found, status, reason, failed, khat)


def _row(
    found: Summary, status: str, reason: str, failed: int = 0, khat: float = math.nan
) -> dict[str, Any]:
    return {
        "estimate": found.estimate, "mcse": found.mcse,
        "ci_low": found.low, "ci_high": found.high,
        "failed": failed, "khat": khat, "status": status, "reason": reason,
    }  # fmt: skip


def _doubt(cell: Cell, found: Summary, count: int, khat: float) -> tuple[str, str]:
    """Return the status of a cell that has a value, and why it is not ok."""
    if cell.summary in (MEDIAN, MEDIAN_RATIO):
        low, high = order_ranks(count, 0.5)
        return (UNRELIABLE, FEW) if low < 1 or high > count else (OK, "")
    if not math.isfinite(found.mcse):
        return UNRELIABLE, ALONE
    if found.mcse == 0.0:
        return UNRELIABLE, ALIKE_FOLDS if cell.summary == FOLDS else ALIKE
    if khat > LARGEST_KHAT:
        return UNRELIABLE, f"a few replications make the standard error (Pareto k-hat {khat:.2f})"
    return OK, ""


def summary_of(cell: Cell, a: Floats, q: Floats) -> Summary:
    """Return the summary of a cell's replications.

    Parameters
    ----------
    cell
        What is measured.
    a, q
        Finite numbers of the replications, shape (R,).

    Examples
    --------
    >>> cell = Cell("training_step", 8, summary="ratio")
    >>> found = summary_of(cell, np.log([2.0, 8.0]), np.zeros(2))
    >>> round(found.estimate, 9)
    4.0
    """
    if cell.summary == FOLDS:
        return corrected_t(a, q, cell.folds, cell.share)
    found = _median(a) if cell.summary in (MEDIAN, MEDIAN_RATIO) else _mean(a)
    if cell.summary not in (RATIO, MEDIAN_RATIO):
        return found
    estimate, low, high = (math.exp(part) for part in (found.estimate, found.low, found.high))
    return Summary(estimate, estimate * found.mcse, low, high)


def corrected_t(a: Floats, q: Floats, folds: int, share: float = 0.0) -> Summary:
    """Return the mean over repeated splits of the same rows with its corrected resampled t.

    Training sets of different splits share most of their rows, so that the J = R k values are not
    independent and s^2 / J is far too small. The variance of their mean is taken as
    s^2 (1/J + n_test/n_train), with J - 1 degrees of freedom.

    Parameters
    ----------
    a, q
        Mean and mean square of the folds' values in every repeat, shape (R,).
    folds
        How many values a repeat has: k of cross-validation, 1 of a split at random.
    share
        Test rows over training rows; 1/(k - 1), which cross-validation has, unless told.

    References
    ----------
    Nadeau and Bengio (2003), Inference for the generalization error, Machine Learning 52; Bouckaert
    and Frank (2004), Evaluating the replicability of significance tests.

    Examples
    --------
    Four folds whose values are 0, 1, 1 and 2:

    >>> found = corrected_t(np.array([1.0]), np.array([1.5]), folds=4)
    >>> round(found.mcse, 4)  # sqrt(2/3 (1/4 + 1/3))
    0.6236
    """
    count = a.size * folds
    mean = float(a.mean())
    if count < 2:
        return Summary(mean, math.nan, math.nan, math.nan)
    # About the mean itself, so that equal folds have no variance left by rounding.
    square = float((q - 2.0 * mean * a + mean * mean).mean())
    if square <= 1e-14 * max(float(q.mean()), mean * mean):
        square = 0.0
    share = share or 1.0 / (folds - 1.0)
    error = math.sqrt(square * count / (count - 1.0) * (1.0 / count + share))
    return _with_t(mean, error, count)


def _mean(a: Floats) -> Summary:
    mean = float(a.mean())
    if a.size < 2:
        return Summary(mean, math.nan, math.nan, math.nan)
    error = 0.0 if np.ptp(a) == 0.0 else float(a.std(ddof=1)) / math.sqrt(a.size)
    return _with_t(mean, error, a.size)


def _with_t(mean: float, error: float, count: int) -> Summary:
    reach = float(t_quantile(count)) * error
    return Summary(mean, error, mean - reach, mean + reach)


def _median(a: Floats) -> Summary:
    """Return the median; its standard error is the interval's half width over that of a normal."""
    rising = np.sort(a)
    low, high = (float(end) for end in order_interval(rising, 0.5))
    low, high = (end if math.isfinite(end) else math.nan for end in (low, high))
    return Summary(float(np.median(a)), (high - low) / (2.0 * 1.959963984540054), low, high)
