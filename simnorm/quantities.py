"""Quantities other than errors of batch statistics: cells, rows and curves of the other studies.

Every replication gives two numbers, A and Q, for every cell. What they are, the cell's `pair` says:

=============  ======================================  ===================================
pair           A and Q                                 measures
=============  ======================================  ===================================
errors         mean error, mean squared error          bias, variance, mse, rmse, relative_*
value          a number, nothing                       mean = E A
ratio          numerator, denominator                  mean = E A / E Q
root_ratio     numerator, squared denominator          mean = E A / sqrt(E Q)
=============  ======================================  ===================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simnorm.design import MOST_REPLICATIONS, Design
from simnorm.diagnostics import (
    EXACT,
    FAILED,
    FEWEST_FOR_BIAS,
    FEWEST_FOR_SQUARES,
    FEWEST_JUMPS,
    OK,
    UNDEFINED,
    UNRELIABLE,
    Verdict,
)
from simnorm.grammar import number_text
from simnorm.khat import FEWEST_FOR_KHAT, LARGEST_KHAT, pareto_khat
from simnorm.rare import differing
from simnorm.sampling import batch_count
from simnorm.schedule import Sums
from simnorm.schema import CURVES_SCHEMA, SCHEMA, SCHEMA_VERSION
from simnorm.studies.drawing import Source
from simnorm.tally import MEASURES, Measured, Tally, interval, measure, quietly, without_error
from simnorm.tasks import KEPT_REPLICATIONS, Failure
from simnorm.theory import Value, measure_power

Floats = NDArray[np.float64]

ERRORS, VALUE, RATIO, ROOT_RATIO = "errors", "value", "ratio", "root_ratio"
MEAN = "mean"
RELATIVE = "relative_"

# A standard error below this part of an estimate is rounding.
ROUNDING = 1e-10
ALIKE = "no replication differed from another"
NEGATIVE = "chance is larger than the error itself: the mean square came out negative"
ALONE = "one replication has no standard error"
LEFT = "it came out as no finite number"


class Cell(NamedTuple):
    """What is measured on a source's draws.

    Parameters
    ----------
    quantity
        Its name, which stands in the column `estimator`.
    batch_size
        n.
    reference
        What errors are about; empty for what is no error.
    column
        Of data, which column.
    factors
        The study's own part, ``key=value`` joined with semicolons.
    pair
        What A and Q are: see the module.
    measures
        What is told of it.
    unit
        What relative measures of errors are divided by, squared where the measure is.
    """

    quantity: str
    batch_size: int
    reference: str = ""
    column: str = ""
    factors: str = ""
    pair: str = ERRORS
    measures: tuple[str, ...] = ("mse", "rmse")
    unit: float = 1.0


class Known(NamedTuple):
    """What a study knows of a cell before anything is drawn.

    Parameters
    ----------
    verdict
        What the design alone says of its rows.
    theory
        Values of its measures.
    needed
        Replications below which a standard error is not to be trusted, beside the general limits.
    own
        Verdicts on measures that have another one, relative ones like those they are made of.
    needed_for_squares
        As `needed`, for all measures but bias and mean.
    """

    verdict: Verdict = Verdict(OK)
    theory: dict[str, Value] = {}  # noqa: RUF012  # never written to
    needed: int = 0
    own: dict[str, Verdict] = {}  # noqa: RUF012  # never written to
    needed_for_squares: int = 0

    def verdict_on(self, measure: str) -> Verdict:
        """Return what the design says of a measure's row."""
        return self.own.get(measure.removeprefix(RELATIVE), self.verdict)


def factors_text(**values: object) -> str:
    """Return the study's own part of a row's key.

    Examples
    --------
    >>> factors_text(epsilon=0.001, preset="keras3")
    'epsilon=0.001;preset=keras3'
    """
    texts = (number_text(v) if isinstance(v, float) else str(v) for v in values.values())
    return ";".join(f"{key}={text}" for key, text in zip(values, texts, strict=True))


def split_factors(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with a column for every factor, behind the others.

    Examples
    --------
    >>> split_factors(pd.DataFrame({"factors": ["steps=10;preset=keras3", ""]}))["steps"].tolist()
    ['10', '']
    """
    found = {text: dict(part.split("=", 1) for part in text.split(";") if part)
             for text in frame["factors"].unique()}  # fmt: skip
    names = dict.fromkeys(name for parts in found.values() for name in parts)
    return frame.assign(
        **{n: frame["factors"].map({t: p.get(n, "") for t, p in found.items()}) for n in names}
    )


@quietly
def measured(tally: Tally, pair: str, name: str) -> Measured:
    """Return a measure of every cell, all of which have pairs of one kind.

    Notes
    -----
    The standard errors of ratios are those of the delta method, by replication: for g = A/Q the
    influence is (A - g Q)/Q, for g = A/sqrt(Q) it is (A - g Q/(2 sqrt(Q)))/sqrt(Q).

    Examples
    --------
    >>> tally = Tally.of([[1.0, 3.0]], [[4.0, 4.0]])
    >>> found = measured(tally, "ratio", "mean")
    >>> float(found.estimate[0]), float(found.mcse[0])
    (0.5, 0.25)
    >>> float(measured(tally, "root_ratio", "mean").estimate[0])
    1.0
    """
    if pair == ERRORS:
        return measure(tally, name)
    if pair == VALUE:
        return measure(tally, "bias")
    count = tally.used
    a, q = tally.mean
    divisor = np.where(np.greater(count, 1), count * (count - 1.0), np.nan)
    aa, aq, qq = tally.scatter / divisor
    root = q if pair == RATIO else np.sqrt(q)
    slope = a / q if pair == RATIO else a / (2.0 * q)
    squared = (aa - 2.0 * slope * aq + slope * slope * qq) / (root * root)
    error = np.sqrt(np.maximum(squared, 0.0))
    return interval(a / root, error, count, logarithmic=False)


@quietly
def influences(kept: Floats, pair: str, name: str) -> Floats:
    """Return what every kept replication adds to a measure, up to a constant factor."""
    a, q = kept
    mean = a.mean(axis=-1, keepdims=True)
    if pair == ERRORS:
        return np.asarray({"bias": a, "variance": q - 2.0 * mean * a}.get(name, q))
    if pair == VALUE:
        return np.asarray(a)
    whole = q.mean(axis=-1, keepdims=True)
    slope = mean / whole if pair == RATIO else mean / (2.0 * whole)
    return np.asarray(a - slope * q)


def source_rows(
    design: Design,
    source: Source,
    cells: Sequence[Cell],
    sums: Sums,
    known: Callable[[Cell], Known],
) -> dict[str, NDArray[Any]]:
    """Return the columns of one source's rows: cells, and the measures of each.

    Parameters
    ----------
    design, source, sums
        What was run, and what it came to.
    cells
        The source's cells.
    known
        What is known of a cell.
    """
    lost = np.zeros(len(cells), np.int64) if sums.tally.void is None else sums.tally.void
    rows = [
        row | {"failed": failed}
        for kind, places in _by_kind(cells).items()
        for failed, some in _by_loss(places, lost)
        for row in _rows_of_kind(cells, some, kind, sums, known)
    ]
    rows.sort(key=lambda row: (row["cell"], row["order"]))
    same = {
        "study": design.study,
        "source": "file" if source.columns else "law",
        "distribution": source.distribution,
        "full_size": design.full_size,
        "sampling": source.sampling,
        "seed": design.seed,
        "schema_version": SCHEMA_VERSION,
    }
    for row in rows:
        cell = cells[row["cell"]]
        if row["failed"] and row["status"] != UNDEFINED:
            first = sums.failures[row["cell"]]
            said = failed_words(row["failed"], sums.tally.count, first)
            row |= {"status": FAILED, "reason": said, "z": float("nan")}
        row |= same | {
            "replications": sums.tally.count - row["failed"],
            "column": cell.column,
            "estimator": cell.quantity,
            "batch_size": cell.batch_size,
            "factors": cell.factors,
            "reference": cell.reference,
            "batches": batch_count(design.full_size, cell.batch_size),
            "stop_reason": "undefined" if row["status"] == UNDEFINED else "replications",
        }
    return columns_of(rows, SCHEMA)


def columns_of(rows: Sequence[dict[str, Any]], schema: dict[str, type]) -> dict[str, NDArray[Any]]:
    """Return rows as the columns of a schema."""
    types = {float: np.float64, int: np.int64}
    return {
        name: np.array([row[name] for row in rows], dtype=types.get(kind, object))
        for name, kind in schema.items()
    }


def curve_rows(
    design: Design, source: Source, points: Sequence[dict[str, Any]]
) -> dict[str, NDArray[Any]]:
    """Return points of curves as columns; each has at least `kind`, `x` and `y`."""
    empty: dict[str, Any] = {
        name: np.nan if kind is float else 0 if kind is int else ""
        for name, kind in CURVES_SCHEMA.items()
    }
    empty |= {"study": design.study, "distribution": source.distribution}
    empty |= {"sampling": source.sampling}
    return columns_of([empty | point for point in points], CURVES_SCHEMA)


def _by_kind(cells: Sequence[Cell]) -> dict[tuple[str, tuple[str, ...]], list[int]]:
    """Return the places of the cells that have the same pairs and measures."""
    found: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    for place, cell in enumerate(cells):
        found.setdefault((cell.pair, cell.measures), []).append(place)
    return found


def without_lost(sums: Sums) -> Sums:
    """Return sums without the replications of tasks that were given up, for a study's curves.

    Of a study that calls no function of the user, no others are void. In a run that went on with
    more batch sizes not all numbers may have lost the same: there the most counts for all.
    """
    tally = sums.tally
    if tally.void is None:
        return sums
    rest = Tally(tally.count - int(tally.void.max()), tally.pivot, tally.offset, tally.scatter)
    return replace(sums, tally=rest, kept=_not_lost(sums.kept))


def _not_lost(kept: Floats) -> Floats:
    """Return the kept replications that not all of some cells have lost."""
    return kept[..., ~np.isnan(kept).all(axis=(0, 1))]


def _by_loss(places: Sequence[int], lost: NDArray[np.int64]) -> Iterator[tuple[int, list[int]]]:
    """Yield the cells that have lost as many replications as each other."""
    for failed in np.unique(lost[list(places)]).tolist():
        yield failed, [place for place in places if lost[place] == failed]


def failed_words(lost: int, count: int, first: Failure) -> str:
    """Return why a cell has lost replications, and what the first of them said."""
    return (
        f"{lost:,} of {count:,} replications failed; "
        f"replication {first.replication}: {first.message}"
    )


def part_of(tally: Tally, places: Sequence[int] | slice) -> Tally:
    """Return the tally of some cells."""
    return Tally(
        tally.count, tally.pivot[:, places], tally.offset[:, places], tally.scatter[:, places]
    )


def _rows_of_kind(
    cells: Sequence[Cell],
    places: list[int],
    kind: tuple[str, tuple[str, ...]],
    sums: Sums,
    known: Callable[[Cell], Known],
) -> list[dict[str, Any]]:
    pair, names = kind
    tally, kept = part_of(sums.tally, places), sums.kept[:, places]
    if sums.tally.void is not None and (failed := int(sums.tally.void[places[0]])):
        tally, kept = replace(tally, count=tally.count - failed), _not_lost(kept)
    facts = [known(cells[place]) for place in places]
    found = []
    units = np.array([cells[place].unit for place in places])
    squares = tally.mean[1]
    for order, name in enumerate(names):
        base = name.removeprefix(RELATIVE)
        power = units ** measure_power(name) if name != base else 1.0
        with np.errstate(all="ignore"):
            numbers = [part / power for part in measured(tally, pair, base)]
            # What is the same in every replication: variances need no correction there.
            same = without_error(tally, base).estimate / power if pair == ERRORS else numbers[0]
        values = influences(kept, pair, base) if kept.shape[-1] else np.empty((len(places), 0))
        with np.errstate(all="ignore"):
            khats = _khats(values)
        # Where the kept ones are lost, nothing tells that the others are alike.
        different = differing(values) if kept.shape[-1] else np.full(len(places), tally.count)
        for i, place in enumerate(places):
            row = _row(
                Measured(*(float(part[i]) for part in numbers)),  # type: ignore[arg-type]
                float(same[i]),
                facts[i],
                name,
                tally.count,
                float(khats[i]),
                int(different[i]),
                float(squares[i]),
            )
            found.append(row | {"cell": place, "order": order, "measure": name})
    return found


def _khats(values: Floats) -> Floats:
    if values.shape[-1] < FEWEST_FOR_KHAT:
        return np.full(len(values), np.nan)
    return pareto_khat(values)


def _row(
    found: Measured,
    fixed: float,
    known: Known,
    name: str,
    count: int,
    khat: float,
    different: int,
    square: float,
) -> dict[str, Any]:
    """Return one row's numbers with its status: what is not allowed is left empty."""
    nothing = float("nan")
    theory = known.theory.get(name)
    verdict = known.verdict_on(name)
    status, reason = verdict.status, verdict.reason
    row = {
        "theory": nothing if theory is None else float(theory),
        "theory_kind": "" if theory is None else theory.kind,
        "z": nothing, "khat": khat,
    }  # fmt: skip
    empty = {"estimate": nothing, "mcse": nothing, "ci_low": nothing, "ci_high": nothing}
    if status == UNDEFINED:
        none = {"theory": nothing, "theory_kind": "", "khat": nothing}
        return row | empty | none | {"status": status, "reason": reason}
    if status == EXACT:
        value = 0.0 if verdict.is_zero else fixed
        sure = {"estimate": value, "mcse": 0.0, "ci_low": value, "ci_high": value}
        return row | sure | {"khat": nothing, "status": status, "reason": reason}
    estimate, mcse, low, high = (float(part) for part in found)
    base = name.removeprefix(RELATIVE)
    if square < 0.0 and base in ("mse", "rmse"):
        shown = estimate if base == "mse" else nothing
        return row | empty | {"estimate": shown, "status": UNRELIABLE, "reason": NEGATIVE}
    if not np.isfinite(estimate):
        return row | empty | {"khat": nothing, "status": UNDEFINED, "reason": LEFT,
                              "theory": nothing, "theory_kind": ""}  # fmt: skip
    row |= {"estimate": estimate, "mcse": mcse, "ci_low": low, "ci_high": high}
    if status == OK:
        status, reason = _doubt(name, mcse, count, khat, different, known)
    elif status == UNRELIABLE:
        # By the ledger: there is no standard error to show.
        row |= {"mcse": nothing, "ci_low": nothing, "ci_high": nothing}
    if status == OK and theory is not None and theory.kind == "exact":
        # Where replications differ by rounding alone, so does theory.
        is_sure = mcse > ROUNDING * abs(estimate)
        row["z"] = z_of(estimate, float(theory), mcse, name) if is_sure else nothing
    return row | {"status": status, "reason": reason}


def z_of(estimate: float, theory: float, mcse: float, name: str) -> float:
    """Return how many standard errors an estimate is off exact theory.

    A mean square of few errors, one in every replication of some studies, is far from normal: its
    standard error is small where it is small. Its cube root is nearly normal (Wilson and Hilferty
    1931); where the standard error is small, this makes no difference.

    Examples
    --------
    >>> round(z_of(1.1, 1.0, 0.1, "bias"), 9), round(z_of(0.5, 1.0, 0.1, "mse"), 2)
    (1.0, -3.09)
    """
    base = name.removeprefix(RELATIVE)
    if base in ("bias", MEAN) or not (estimate > 0.0 and theory > 0.0):
        return (estimate - theory) / mcse
    power = 2.0 / 3.0 if base == "rmse" else 1.0 / 3.0
    return float(((estimate / theory) ** power - 1.0) * estimate / (power * mcse))


def _doubt(
    name: str, mcse: float, count: int, khat: float, different: int, known: Known
) -> tuple[str, str]:
    """Return the status of a row that the ledger allows, and why it is not ok."""
    if count == 1 or not np.isfinite(mcse):
        return UNRELIABLE, ALONE
    if mcse == 0.0:
        return UNRELIABLE, ALIKE
    if different == 0:
        # All say the same to the last digits, as where epsilon is all there is: that is known well.
        return OK, ""
    is_first = name.removeprefix(RELATIVE) in ("bias", MEAN)
    few = max(known.needed, FEWEST_FOR_BIAS if is_first else FEWEST_FOR_SQUARES)
    few = few if is_first else max(few, known.needed_for_squares)
    if count < few:
        number = f"{few:,}" if few <= MOST_REPLICATIONS else f"far more than {MOST_REPLICATIONS:,}"
        return UNRELIABLE, f"{number} replications or more are needed for a standard error"
    kept = min(count, KEPT_REPLICATIONS)
    if different < kept / 2 and different * (count / kept) < FEWEST_JUMPS:
        return UNRELIABLE, f"only {different} of the first {kept:,} replications differ"
    if khat > LARGEST_KHAT:
        return UNRELIABLE, (
            f"a few of the first {kept:,} replications make the standard error "
            f"(Pareto k-hat {khat:.2f} > 0.5)"
        )
    return OK, ""


__all__ = [
    "ERRORS",
    "MEAN",
    "MEASURES",
    "RATIO",
    "ROOT_RATIO",
    "VALUE",
    "Cell",
    "Known",
    "columns_of",
    "curve_rows",
    "factors_text",
    "influences",
    "measured",
    "part_of",
    "source_rows",
    "split_factors",
]
