"""What is known of the study's cells before anything is drawn: verdicts, and theory.

All that is asked of `simnorm.theory` is asked here.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from simnorm.columns import Column
from simnorm.design import Design
from simnorm.diagnostics import (
    EXACT,
    LARGEST_EQUAL_SHARE,
    LARGEST_TAIL_SHARE,
    OK,
    UNDEFINED,
    UNRELIABLE,
    WHOLE,
    Verdict,
    replications_for,
)
from simnorm.distributions import Distribution, distribution
from simnorm.grammar import number_text
from simnorm.known import CONSTANT as CONSTANT_COLUMN
from simnorm.known import FILE_ORDER, IN_GROUPS, ONE_GROUP, ROWS_ALONE
from simnorm.quantities import Cell, Known
from simnorm.sampling import IID, REPLACEMENT, SEQUENTIAL, SHUFFLE, group_column
from simnorm.studies.drawing import Source, chunk
from simnorm.studies.inputs import grid
from simnorm.studies.inputs.batches import whole_quantile
from simnorm.studies.inputs.grid import FULL_SET, Bins, Settings
from simnorm.theory import normalized as theory
from simnorm.theory.values import Value

Floats = NDArray[np.float64]

NO_SCORE = "the column is constant and has no z-score"
NO_NUMBERS = "the column's standard deviation is no double, so there is no z-score"
ALONE = "a batch of one value comes out as beta, whatever the value"
MIDDLE = "a batch of one value comes out as 1/2, whatever the value"
NO_TIES = "a batch of one value has no other between its ends"
SINGLE = "a batch of one value has no spread"
NEVER_EQUAL = "the values of a batch are all equal less often than once in 10^12"
ALWAYS_EQUAL = "the values of a batch are always equal"
TWO = "a batch of two comes out as -1 and 1"
THREE = "three values that are not all equal have one kurtosis, whatever they are"
NOTHING_LEFT = "the batch is the full set, nothing is left to be unseen"
NO_IQR = "the interquartile range is zero, no divisor"
# A first order of the squared error by value is shown where that of all values is at most this.
LARGEST_FIRST_ORDER = 0.05
# Replications of squares whose kurtosis is infinite.
FEWEST_FOR_ROBUST = 1000
# Points of a Gauss-Legendre rule in every bin.
NODES, WEIGHTS = np.polynomial.legendre.leggauss(3)

ZERO = Value(0.0, "exact")


def known_of(design: Design, source: Source) -> Callable[[Cell], Known]:
    """Return what says of a source's cells what is known of them."""
    about = _sources_of(design, source)
    return lambda cell: about[cell.column].known(cell)


@functools.lru_cache(maxsize=4)
def _sources_of(design: Design, source: Source) -> Mapping[str, _Source]:
    """Return what is known of a source, by column."""
    if not source.columns:
        return {"": _OfLaw(design, distribution(source.distribution), source.sampling)}
    common, groups = 0, 0
    group = group_column(source.sampling)
    if group is not None and design.dataset is not None:
        sizes = np.bincount(design.dataset.group_codes(group))
        common, groups = math.gcd(*sizes.tolist()), len(sizes)
    return {
        column.name: _OfColumn(design, column, source.sampling, common, groups)
        for column in chunk(design, source).columns
    }


def settings_of(cell: Cell) -> Settings:
    """Return the factors of a cell; what it has not is at its usual value.

    Examples
    --------
    >>> settings_of(Cell("best_gamma", 2, factors="epsilon=0.001"))
    Settings(epsilon=0.001, gamma=1.0, beta=0.0)
    """
    found = dict(part.split("=") for part in cell.factors.split(";") if part)
    usual = {"epsilon": 0.0, "gamma": 1.0, "beta": 0.0}
    return Settings(*(float(found.get(name, value)) for name, value in usual.items()))


def _is_plain(settings: Settings) -> bool:
    return settings == Settings(0.0, 1.0, 0.0)


class _Source:
    """What laws and columns share."""

    def __init__(self, design: Design, sampling: str) -> None:
        self.size, self.sampling = design.full_size, sampling
        self.replaced = sampling == REPLACEMENT

    # Asked of both kinds of source.

    def terms(self, n: int, reference: str, epsilon: float) -> theory.Terms | None:
        """Return E v/(v + epsilon) and E v/sqrt(v + epsilon)/S."""
        raise NotImplementedError

    def full_chance(self, reference: str) -> Value:
        """Return the probability that the reference has a spread."""
        raise NotImplementedError

    def equal_chance(self, n: int) -> Value | None:
        """Return the probability that all values of a batch are equal."""
        raise NotImplementedError

    def values(self, cell: Cell) -> dict[str, Value]:
        """Return the theory of a cell's measures."""
        name, n = cell.quantity, cell.batch_size
        if name in (grid.NORMALIZED, grid.DIRECT):
            return self._errors(cell)
        if name == grid.CORRELATION:
            terms = self.terms(n, cell.reference, 0.0)
            if terms is None or not terms.square > 0.0:
                return {}
            square, product = terms
            kind = "exact" if {product.kind, square.kind} == {"exact"} else "asymptotic"
            # The mean square of z-scores is 0 in a full set without a spread, otherwise 1.
            whole = self.full_chance(cell.reference)
            return {"mean": Value(product / math.sqrt(square * whole), kind)}
        if name == grid.BEST_GAMMA:
            terms = self.terms(n, cell.reference, settings_of(cell).epsilon)
            best = None if terms is None else theory.best_gamma(terms.product, terms.square)
            return {} if best is None else {"mean": best}
        if name == grid.CONSTANT:
            chance = self.equal_chance(n)
            return {} if chance is None else {"mean": chance}
        return {}

    def _errors(self, cell: Cell) -> dict[str, Value]:
        epsilon, gamma, beta = settings_of(cell)
        terms = self.terms(cell.batch_size, cell.reference, epsilon)
        if terms is None:
            return {}
        full = self.full_chance(cell.reference)
        mse = theory.normalized_mse(terms.product, terms.square, gamma, beta, full)
        return {"mse": mse, "rmse": Value(math.sqrt(mse), mse.kind)}

    def known(self, cell: Cell) -> Known:
        """Return verdict and theory of a cell."""
        verdict = self.verdict(cell)
        values = {} if verdict.status == UNDEFINED else self.values(cell)
        return Known(verdict, values, self.needed(cell))

    def needed(self, cell: Cell) -> int:  # noqa: ARG002
        """Return the replications that rare large values ask for; 0 for no demand."""
        return 0

    def verdict(self, cell: Cell) -> Verdict:
        """Return what the design alone says."""
        n, name = cell.batch_size, cell.quantity
        undefined = self.undefined(cell)
        if undefined:
            return Verdict(UNDEFINED, undefined)
        if name in (grid.CORRELATION, grid.BEST_GAMMA, grid.SKEWNESS, grid.KURTOSIS):
            if n == 1:
                return Verdict(UNDEFINED, SINGLE)
            if n == 2 and name == grid.SKEWNESS:
                return Verdict(EXACT, TWO, is_zero=True)
            if n == 2 and name == grid.KURTOSIS:
                return Verdict(EXACT, TWO)
            if n == 3 and name == grid.KURTOSIS:
                return Verdict(EXACT, THREE)
        if name == grid.CONSTANT and (chance := self.equal_chance(n)) is not None:
            if chance <= LARGEST_EQUAL_SHARE:
                return Verdict(EXACT, NEVER_EQUAL, is_zero=True)
            if chance == 1.0:
                return Verdict(EXACT, ALWAYS_EQUAL)
        if n == 1 and name == grid.NORMALIZED and self._always_spread(cell.reference):
            return Verdict(EXACT, ALONE)
        if n == self.size and self.sampling != IID and not self.replaced:
            return self.of_whole(cell)
        return self.fixed(cell)

    def _always_spread(self, reference: str) -> bool:
        return 1.0 - self.full_chance(reference) <= LARGEST_EQUAL_SHARE

    def undefined(self, cell: Cell) -> str:
        """Return why a cell has no value, an empty text if it has."""
        if cell.quantity == grid.UNSEEN and cell.batch_size == self.size and not self.replaced:
            return NOTHING_LEFT
        return ""

    def of_whole(self, cell: Cell) -> Verdict:
        """Return the verdict where a batch is the full set."""
        raise NotImplementedError

    def fixed(self, cell: Cell) -> Verdict:
        """Return the verdict where nothing else decides."""
        raise NotImplementedError


# Errors that are 0 where the batch is the full set, of outputs without epsilon, gamma and beta.
PLAIN = (grid.WORST_IN_BATCH, grid.WORST_IN_EPOCH, *grid.SCALERS)


class _OfLaw(_Source):
    def __init__(self, design: Design, law: Distribution, sampling: str) -> None:
        super().__init__(design, sampling)
        self.law = law
        self.is_continuous = law.largest_atom == 0.0
        # Only then a batch is as many independent draws.
        self.is_plain = sampling in (SHUFFLE, IID)

    def terms(self, n: int, reference: str, epsilon: float) -> theory.Terms | None:
        if n == 1:
            return theory.Terms(ZERO, ZERO)
        if not self.is_plain:
            return None
        full = self.size if reference == FULL_SET else None
        return theory.epsilon_terms(self.law, n, full, epsilon)

    def full_chance(self, reference: str) -> Value:
        if reference != FULL_SET:
            return Value(1.0, "exact")
        return theory.spread_chance(self.law, self.size)

    def equal_chance(self, n: int) -> Value | None:
        if n == 1:
            return Value(1.0, "exact")
        if self.is_plain:
            return Value(1.0 - theory.spread_chance(self.law, n), "exact")
        # Equal draws are the same one again.
        return Value(float(self.size) ** (1.0 - n), "exact") if self.is_continuous else None

    def values(self, cell: Cell) -> dict[str, Value]:
        n = cell.batch_size
        if cell.quantity == grid.UNSEEN:
            return self._unseen(n)
        if cell.quantity in (grid.SKEWNESS, grid.KURTOSIS) and self.is_plain and self.law.is_normal:
            return {"mean": ZERO if cell.quantity == grid.SKEWNESS else theory.output_kurtosis(n)}
        return super().values(cell)

    def _unseen(self, n: int) -> dict[str, Value]:
        if self.is_plain:
            return {"mean": theory.unseen_share(self.law, n)}
        if not self.is_continuous:
            return {}
        return {"mean": _unseen_again(self.size, n)}

    def undefined(self, cell: Cell) -> str:
        reason = super().undefined(cell)
        if reason:
            return reason
        if cell.reference == "population" and not math.isfinite(self.law.std):
            return f"{self.law} has no finite standard deviation, so there is no z-score"
        if cell.quantity == grid.ROBUST:
            low, high = self.law.quantile([0.25, 0.75])
            if not low < high:
                return NO_IQR
            index = small_range_index(cell.batch_size) * _least_exponent(self.law)
            if self.is_continuous and not index > 2.0:
                return (
                    "the mean squared error does not exist: quartiles of a batch of "
                    f"{cell.batch_size} are too often next to each other"
                )
        return ""

    def needed(self, cell: Cell) -> int:
        if cell.quantity == grid.ROBUST:
            # The square of the mean square exists, but its own error is rough.
            index = small_range_index(cell.batch_size) * _least_exponent(self.law)
            return FEWEST_FOR_ROBUST if index <= 8.0 and self.is_continuous else 0
        if cell.reference != "population":
            return 0  # by its own full set a value is bounded
        # Errors of one value hold z^2, and the sd of a batch is no larger than its values.
        kurtosis = {
            grid.DIRECT: self.law.squares_kurtosis,
            grid.WORST_IN_EPOCH: 0.0,
        }.get(cell.quantity, self.law.excess_kurtosis)
        return replications_for(kurtosis, self.size, LARGEST_TAIL_SHARE)

    def of_whole(self, cell: Cell) -> Verdict:
        name, settings = cell.quantity, settings_of(cell)
        if cell.reference == FULL_SET:
            if name in PLAIN:
                return Verdict(EXACT, WHOLE, is_zero=True)
            if name in (grid.NORMALIZED, grid.DIRECT) and _is_plain(settings):
                return Verdict(EXACT, WHOLE, is_zero=True)
            if settings.epsilon == 0.0 and self._always_spread(FULL_SET):
                is_zero = name in (grid.NORMALIZED, grid.DIRECT) and _is_plain(settings)
                return Verdict(EXACT, WHOLE, is_zero=is_zero)
        return self.fixed(cell)

    def fixed(self, cell: Cell) -> Verdict:
        name, n = cell.quantity, cell.batch_size
        if n == 1 and name == grid.UNSEEN and self.is_continuous:
            return Verdict(EXACT, NO_TIES)
        if n == 1 and self.sampling == SHUFFLE and self._always_spread(FULL_SET):
            # All values of the full set are used, and the mean of their squared scores is 1.
            if name == grid.DIRECT and cell.reference == FULL_SET:
                return Verdict(EXACT, ALONE)
            if name == grid.QUANTILE:
                return Verdict(EXACT, MIDDLE)
        if name == grid.DIRECT:
            index = min(self.law.tails())
            # The standard error of mean z^2 needs the fourth moment, and the eighth to be known.
            if cell.reference != FULL_SET and not index > 8.0:
                return _no_error(index, 8)
        if name == grid.ROBUST and self.is_continuous:
            index = small_range_index(n) * _least_exponent(self.law)
            if not index > 4.0:
                return _no_error(index, 4)
        return Verdict(OK)


def _least_exponent(law: Distribution) -> float:
    """Return the power at which a law's distribution function begins, at most 1.

    Below 1 its density has a pole, next to which draws crowd.
    """
    shapes = {"gamma": ("a",), "beta": ("a", "b"), "weibull": ("c",), "chi2": ("df",)}
    found = [getattr(law, name) for name in shapes.get(law.word, ())]
    half = 0.5 if law.word == "chi2" else 1.0
    return float(min([1.0, *(half * value for value in found)]))


def _no_error(index: float, order: int) -> Verdict:
    tail = f"the error's tail index {number_text(float(index))} is not above {order}"
    return Verdict(UNRELIABLE, f"its standard error does not exist: {tail}")


def small_range_index(n: int) -> float:
    """Return the tail index of 1/IQR of n draws with a bounded density; infinite if it is bounded.

    The linear quartiles lie between two of the sorted values. For the IQR to be small, all from
    the lower end of the one to the upper end of the other must be close: as many distances as
    there are between these. Where they are all of the batch, a scaled value is bounded.

    Examples
    --------
    >>> [small_range_index(n) for n in (4, 5, 6, 8, 9)]
    [inf, 2.0, 3.0, 5.0, 4.0]
    """
    low, high = (n - 1) // 4, -(-3 * (n - 1) // 4)
    return math.inf if low == 0 else float(high - low)


@functools.lru_cache(maxsize=256)
def _unseen_again(size: int, n: int) -> Value:
    """Return the mean share of a full set outside batches drawn with replacement, without ties."""
    ranks = Column("", np.arange(float(size)))
    found = theory.unseen_share_of_column(ranks, n, REPLACEMENT)
    assert found is not None
    return found


class _OfColumn(_Source):
    def __init__(
        self, design: Design, column: Column, sampling: str, common: int, groups: int
    ) -> None:
        super().__init__(design, sampling)
        self.column, self.exact = column, design.exact
        self.common, self.groups = common, groups
        self.has_theory = sampling in (SHUFFLE, REPLACEMENT)
        self._terms: dict[tuple[int, float], theory.Terms | None] = {}

    def terms(self, n: int, reference: str, epsilon: float) -> theory.Terms | None:  # noqa: ARG002
        if not self.has_theory:
            return theory.Terms(ZERO, ZERO) if n == 1 else None
        if (n, epsilon) not in self._terms:
            self._terms[n, epsilon] = theory.epsilon_terms_of_column(
                self.column, n, self.sampling, epsilon, exact=self.exact
            )
        return self._terms[n, epsilon]

    def full_chance(self, reference: str) -> Value:  # noqa: ARG002
        return Value(1.0, "exact")

    def equal_chance(self, n: int) -> Value | None:
        if n == 1:
            return Value(1.0, "exact")
        if not self.has_theory:
            return None if n <= self.column.counts.max() else Value(0.0, "exact")
        chance = theory.spread_chance_of_column(self.column, n, self.sampling)
        return Value(1.0 - chance, "exact")

    def values(self, cell: Cell) -> dict[str, Value]:
        if cell.quantity != grid.UNSEEN:
            return super().values(cell)
        if not self.has_theory:
            return {}
        found = theory.unseen_share_of_column(self.column, cell.batch_size, self.sampling)
        return {} if found is None else {"mean": found}

    def needed(self, cell: Cell) -> int:
        rough = cell.quantity == grid.ROBUST and small_range_index(cell.batch_size) <= 8.0
        return FEWEST_FOR_ROBUST if rough else 0

    def undefined(self, cell: Cell) -> str:
        column = self.column
        if column.is_constant:
            if cell.quantity == grid.CONSTANT:
                return ""
            return CONSTANT_COLUMN if cell.quantity == grid.UNSEEN else NO_SCORE
        if not grid.has_scores(column):
            return NO_NUMBERS
        if cell.quantity == grid.ROBUST:
            rising = column.rising[np.newaxis]
            if not whole_quantile(rising, 0.25)[0] < whole_quantile(rising, 0.75)[0]:
                return NO_IQR
        return super().undefined(cell)

    def of_whole(self, cell: Cell) -> Verdict:
        settings = settings_of(cell)
        plain = cell.quantity in (grid.NORMALIZED, grid.DIRECT) and _is_plain(settings)
        return Verdict(EXACT, WHOLE, is_zero=plain or cell.quantity in PLAIN)

    def fixed(self, cell: Cell) -> Verdict:
        n = cell.batch_size
        if self.sampling == SEQUENTIAL:
            return Verdict(EXACT, FILE_ORDER)
        if self.replaced:
            return Verdict(OK)
        if self.groups == 1:
            return Verdict(EXACT, ONE_GROUP)
        if n == 1:
            return Verdict(EXACT, ROWS_ALONE)
        if self.groups and self.common % n == 0:
            return Verdict(EXACT, IN_GROUPS)
        return Verdict(OK)


# ---------------------------------------------------------------------------------------------
# Curves


def output_density(source: Source, size: int, bins: Bins) -> Floats:
    """Return the mean density of outputs in bins, NaN where it is not known."""
    nothing = np.full(bins.number, np.nan)
    if source.columns or source.sampling not in (SHUFFLE, IID):
        return nothing
    law = distribution(source.distribution)
    if law.largest_atom > 0.0 or not (law.is_normal or size == 2):
        return nothing
    edges = bins.edges
    if grid.holds_all(size):
        edges[[0, -1]] = -np.inf, np.inf
    return theory.output_share(edges[:-1], edges[1:], size) / bins.width


def errors_by_value(design: Design, source: Source, column: str, size: int, bins: Bins) -> Floats:
    """Return the root mean squared error of values by their z-score, NaN where it is not known.

    For the normal law it is that of n draws, averaged over each bin, less what the full set shares
    with its batches; for others the first order, where this is near.
    """
    nothing = np.full(bins.number, np.nan)
    if source.sampling not in (SHUFFLE, REPLACEMENT, IID):
        return nothing
    # By chance alone, the batch's mean and sd are n draws of N, without replacement.
    left = 1.0 - size / design.full_size if source.sampling == SHUFFLE else 1.0
    z = bins.centres
    if source.columns:
        (about,) = (c for c in chunk(design, source).columns if c.name == column)
        shape = about.skewness, about.excess_kurtosis
    else:
        law = distribution(source.distribution)
        if law.is_normal and source.sampling != REPLACEMENT:
            return np.sqrt(_normal_errors(size, bins) * left)
        shape = law.skewness, law.excess_kurtosis
    first_order = (shape[1] + 6.0) / (4.0 * size)
    if not (all(map(math.isfinite, shape)) and first_order <= LARGEST_FIRST_ORDER):
        return nothing
    return np.sqrt(np.maximum(theory.noise_parabola(z, size, *shape) * left, 0.0))


@functools.lru_cache(maxsize=64)
def _normal_errors(size: int, bins: Bins) -> Floats:
    """Return E[(output - z)^2 | z in a bin] of n normal draws."""
    z = bins.centres[:, np.newaxis] + 0.5 * bins.width * NODES
    weights = WEIGHTS * np.exp(-0.5 * z * z)
    # It is even in z, and so are the bins.
    half = -(-bins.number // 2)
    found = theory.conditional_mse(z[:half], size)
    found = (found * weights[:half]).sum(axis=-1) / weights[:half].sum(axis=-1)
    return np.concatenate([found, found[: bins.number - half][::-1]])


def errors_by_gamma(
    design: Design, source: Source, column: str, size: int, reference: str, gammas: Floats
) -> Floats:
    """Return the root mean squared error by gamma, NaN where it is not known."""
    terms = _sources_of(design, source)[column].terms(size, reference, design.epsilon[0])
    if terms is None:
        return np.full(gammas.shape, np.nan)
    mse = gammas * gammas * terms.square + 1.0 - 2.0 * gammas * terms.product
    return np.sqrt(np.maximum(mse, 0.0))
