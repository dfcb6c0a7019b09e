"""The check of identities: equations between rows that hold whatever was drawn.

They are looked for in the table alone. Each holds exactly but for rounding, so that it is held to
a billionth of the rmse of its cell; numbers made of a constant c, and not of errors, have 1e-12 c
more. Rows that have no value take no part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simnorm.checking.compared import equations_of_trial
from simnorm.checking.equation import ROUNDING, TOLERANCE, Equation, Floats
from simnorm.checking.finding import Finding
from simnorm.checking.folder import Folder
from simnorm.checking.keys import CELL, KEY, words_of
from simnorm.formatting import plural
from simnorm.options import STUDIES, SWEEP
from simnorm.quantities import MEAN, z_of
from simnorm.sampling import GROUPED, SEQUENTIAL, SHUFFLE
from simnorm.tally import MEASURES, t_quantile
from simnorm.theory import measure_power

NAME = "identities"

VARIANCES = ("biased_variance", "unbiased_variance")
STDS = ("std(ddof=0)", "std(ddof=1)")


class Cells:
    """A table with a row for every cell; numbers by measure, NaN where there are none."""

    def __init__(self, frame: pd.DataFrame) -> None:
        rows = frame.drop_duplicates(list(KEY))
        values = ["estimate", "mcse", "theory", "replications", "failed"]
        wide = rows.set_index(list(KEY))[values].astype(np.float64).unstack("measure")  # noqa: PD010  # one each
        self._wide = wide
        self.index = wide.index.to_frame(index=False)
        self.words = [words_of(row) for row in self.index.to_dict("records")]
        counts = rows.drop_duplicates(list(CELL)).set_index(list(CELL)).loc[wide.index]
        self.full_size = counts["full_size"].to_numpy(dtype=np.float64)
        self.used = counts["replications"].to_numpy(dtype=np.float64)
        self.failed = counts["failed"].to_numpy(dtype=np.float64)
        self.of_file = (counts["source"] == "file").to_numpy(dtype=bool)
        self.size = self.index["batch_size"].to_numpy(dtype=np.float64)
        self.constant = self._constants()

    def of(self, measure: str, value: str = "estimate") -> Floats:
        """Return a value of a measure, for every cell."""
        if (value, measure) not in self._wide.columns:
            return np.full(len(self.words), np.nan)
        return self._wide[value, measure].to_numpy(dtype=np.float64)

    def _constants(self) -> Floats:
        """Return what relative measures are divided by, as the most of them say."""
        with np.errstate(all="ignore"):
            ratio = self.of("rmse") / self.of("relative_rmse")
        ratio[~(np.isfinite(ratio) & (ratio > 0.0))] = np.nan
        groups = self.index[["distribution", "column", "estimator"]]
        return np.asarray(
            pd.Series(ratio).groupby(list(groups.to_numpy().T)).transform("median"), dtype=float
        )

    def partner(self, first: str, second: str, on: str = "estimator") -> NDArray[np.intp]:
        """Return for cells with one value in a column those that differ in it alone, else -1."""
        others = [self.index[name].tolist() for name in CELL if name != on]
        keys = list(zip(*others, strict=True))
        values = self.index[on].tolist()
        place = {key: i for i, (key, value) in enumerate(zip(keys, values, strict=True))
                 if value == second}  # fmt: skip
        found = [place.get(key, -1) if value == first else -1
                 for key, value in zip(keys, values, strict=True)]  # fmt: skip
        return np.array(found, dtype=np.intp)


def check(folder: Folder) -> Finding:
    """Look at all equations that the table has both sides of."""
    frame = folder.frame
    equations = list(equations_of(frame))
    count = sum(int(equation.asked.sum()) for equation in equations)
    failures = [failure for equation in equations for failure in equation.failures()]
    cells = plural(_cells(frame), "cell")
    of_rmse = "" if STUDIES[folder.written.study].is_trial else " of the rmse"
    looked = f"{plural(count, 'equation')} within and between {cells}, to 1e-9{of_rmse}"
    wrong = f"{len(failures):,} of {plural(count, 'equation')} do not hold"
    return Finding.of(NAME, looked, failures, wrong)


def _cells(frame: pd.DataFrame) -> int:
    return len(frame.drop_duplicates(list(CELL)))


def equations_of(frame: pd.DataFrame) -> Iterator[Equation]:
    """Yield all equations for the cells of a table."""
    if not len(frame):
        return
    if STUDIES[str(frame["study"].iloc[0])].is_trial:
        with np.errstate(all="ignore"):
            yield from equations_of_trial(frame)
        return
    cells = Cells(frame)
    with np.errstate(all="ignore"):
        yield from _within(cells)
        yield from _relative(cells)
        yield from _of_rows(frame)
        if set(frame["study"]) == {SWEEP}:
            yield from _same_draws(cells)
            yield from _divisors(cells)
            yield from _references(cells)
            yield from _whole_means(cells)


def _within(cells: Cells) -> Iterator[Equation]:
    """Yield the equations between the measures of a cell."""
    mse, rmse, bias = (cells.of(name) for name in ("mse", "rmse", "bias"))
    limit = TOLERANCE * np.abs(mse)
    yield Equation("rmse^2 = mse", cells.words, rmse * rmse, mse, limit)
    squared = cells.of("bias", "mcse") ** 2
    # A difference below zero is shown as zero.
    variance = np.maximum(mse - bias * bias + squared, 0.0)
    name = "variance = mse - bias^2 + MCSE(bias)^2"
    yield Equation(name, cells.words, cells.of("variance"), variance, limit)
    error = cells.of("mse", "mcse")
    twice = 2.0 * rmse * cells.of("rmse", "mcse")
    name = "2 rmse MCSE(rmse) = MCSE(mse)"
    yield Equation(name, cells.words, twice, error, TOLERANCE * error)
    square, root = cells.of("mse", "theory"), cells.of("rmse", "theory")
    yield Equation("theory: rmse^2 = mse", cells.words, root * root, square, TOLERANCE * square)


def _relative(cells: Cells) -> Iterator[Equation]:
    """Yield that relative measures are the others, divided by one constant for all batch sizes."""
    for name in MEASURES:
        power = measure_power(f"relative_{name}")
        divisor = cells.constant**power
        size = cells.of("rmse") ** power
        for value in ("estimate", "mcse", "theory"):
            part = cells.of(name, value)
            whole = cells.of(f"relative_{name}", value) * divisor
            limit = TOLERANCE * np.maximum(np.abs(part), size if value == "estimate" else 0.0)
            what = f"relative_{name} c^{power} = {name}" + f" ({value})" * (value != "estimate")
            yield Equation(what, cells.words, whole, part, limit)


def _of_rows(frame: pd.DataFrame) -> Iterator[Equation]:
    """Yield that intervals and z are those of estimate and MCSE."""
    words = [words_of(row) for row in frame[list(KEY)].to_dict("records")]
    estimate, mcse, low, high, z, expected = (
        frame[name].to_numpy(dtype=np.float64)
        for name in ("estimate", "mcse", "ci_low", "ci_high", "z", "theory")
    )
    measure = frame["measure"].str.removeprefix("relative_")
    # What is exact has no t quantile, nor needs one.
    half = np.where(mcse == 0.0, 0.0, t_quantile(frame["replications"].to_numpy()) * mcse)
    plain = measure.isin(["bias", MEAN]).to_numpy(dtype=bool)
    factor = np.where(half == 0.0, 1.0, np.exp(half / estimate))
    ends = (
        ("ci_low", low, np.where(plain, estimate - half, estimate / factor)),
        ("ci_high", high, np.where(plain, estimate + half, estimate * factor)),
    )
    for name, got, right in ends:
        limit = TOLERANCE * (np.abs(right) + np.abs(estimate) + half)
        yield Equation(f"{name} by estimate and MCSE", words, got, right, limit)
    score = (estimate - expected) / mcse
    if set(frame["study"]) != {SWEEP}:
        score = np.array([
            z_of(*values) if np.isfinite(values[:3]).all() and values[2] > 0.0 else np.nan
            for values in zip(
                estimate.tolist(), expected.tolist(), mcse.tolist(), measure, strict=True
            )
        ])  # fmt: skip
    limit = TOLERANCE * (1.0 + np.abs(score))
    yield Equation("z by estimate, theory and MCSE", words, z, score, limit)


def _both(cells: Cells, at: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return places of cells and partners that have the same replications, and fixed references."""
    here = np.flatnonzero(at >= 0)
    there = at[here]
    same = cells.used[here] == cells.used[there]
    same &= (cells.failed[here] == 0) & (cells.failed[there] == 0)
    # The full set of a law is another one in every replication.
    population = (cells.index["reference"] == "population").to_numpy(dtype=bool)
    same &= (population | cells.of_file)[here]
    return here[same], there[same]


def _same_draws(cells: Cells) -> Iterator[Equation]:
    """Yield the mean of variances from the errors of standard deviations: E v = E s^2.

    With s = c + e this is c^2 + 2 c bias + mse.
    """
    for std, variance in zip(STDS, VARIANCES, strict=True):
        here, there = _both(cells, cells.partner(std, variance))
        c = cells.constant[here]
        expected = cells.of("mse")[here] + 2.0 * c * cells.of("bias")[here]
        got = cells.of("bias")[there]
        limit = TOLERANCE * cells.of("rmse")[there] + ROUNDING * c * c
        name = f"bias = mse + 2 c bias of {std}"
        yield Equation(name, _some(cells, there), got, expected, limit)


def _divisors(cells: Cells) -> Iterator[Equation]:
    """Yield that statistics that differ by their divisor alone are proportional."""
    for (first, second), power in ((VARIANCES, 1.0), (STDS, 0.5)):
        here, there = _both(cells, cells.partner(first, second))
        size = cells.size[here]
        factor = (size / (size - 1.0)) ** power
        c, d = cells.constant[here], cells.constant[there]
        mean = factor * (cells.of("bias")[here] + c) - d
        limit = TOLERANCE * cells.of("rmse")[there] + ROUNDING * d
        words = _some(cells, there)
        name = f"bias by that of {first}"
        yield Equation(name, words, cells.of("bias")[there], mean, limit)
        variance = factor**2 * cells.of("variance")[here]
        limit = TOLERANCE * cells.of("mse")[there] + ROUNDING * d * d
        name = f"variance by that of {first}"
        yield Equation(name, words, cells.of("variance")[there], variance, limit)


def _references(cells: Cells) -> Iterator[Equation]:
    """Yield that the biases about both references differ by the same for every batch size.

    By the mean error of the full sets about the population.
    """
    at = cells.partner("population", "full_set", on="reference")
    here = np.flatnonzero(at >= 0)
    there = at[here]
    here, there = (part[(cells.failed[here] == 0) & (cells.failed[there] == 0)]
                   for part in (here, there))  # fmt: skip
    gap = cells.of("bias")[here] - cells.of("bias")[there]
    # Cells that have stopped at the same number have seen the same full sets.
    keys = [
        cells.index[name].to_numpy()[here] for name in ("distribution", "sampling", "estimator")
    ]
    gaps = pd.Series(gap).groupby([*keys, cells.used[here], cells.used[there]])
    same = cells.used[here] == cells.used[there]
    usual = np.where(same, gaps.transform("median").to_numpy(dtype=np.float64), np.nan)
    scale = np.where(np.isfinite(cells.constant[here]), np.abs(cells.constant[here]), 0.0)
    limit = TOLERANCE * cells.of("rmse")[here] + ROUNDING * scale
    name = "bias less the bias about the full set, as at other batch sizes"
    yield Equation(name, _some(cells, here), gap, usual, limit)


def _whole_means(cells: Cells) -> Iterator[Equation]:
    """Yield that batches without a rest have the mean of their full set on average."""
    index = cells.index
    words = index["sampling"].str.partition(":")[0]
    asked = (index["estimator"] == "mean") & (index["reference"] == "full_set")
    asked &= words.isin([SHUFFLE, GROUPED, SEQUENTIAL])
    here = np.flatnonzero(asked.to_numpy(dtype=bool) & (cells.full_size % cells.size == 0.0))
    scale = np.where(np.isfinite(cells.constant[here]), np.abs(cells.constant[here]), 0.0)
    limit = TOLERANCE * cells.of("rmse")[here] + ROUNDING * scale
    name = "bias = 0, as n divides N"
    yield Equation(name, _some(cells, here), cells.of("bias")[here], np.zeros(len(here)), limit)


def _some(cells: Cells, places: Iterable[int]) -> list[str]:
    return [cells.words[i] for i in places]
