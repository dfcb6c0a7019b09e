"""What is known of a source before anything is drawn: verdicts, theory, and constants.

A law is known by its moments and tails, a column of data by its numbers. The tables ask both the
same questions.
"""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
from scipy.special import gammaln

from simnorm import diagnostics, theory
from simnorm.columns import Column
from simnorm.diagnostics import (
    BALANCED,
    EXACT,
    FEW_GROUPS,
    LARGEST_EQUAL_SHARE,
    LARGEST_TAIL_SHARE,
    OK,
    UNDEFINED,
    UNRELIABLE,
    WHOLE,
    Jumps,
    Verdict,
    enough,
    rare_jumps,
    replications_for,
)
from simnorm.distributions import Distribution
from simnorm.estimators import (
    Estimator,
    Mean,
    RankSum,
    Shape,
    Spread,
    TrimmedMean,
    UserEstimator,
    relative_constant,
)
from simnorm.khat import FEWEST_FOR_KHAT
from simnorm.rare import Fourth, fourth_cumulants, squared_mean_kurtosis
from simnorm.sampling import GROUPED, IID, REPLACEMENT, SEQUENTIAL, SHUFFLE, batch_count
from simnorm.skewed import replications_for_rows
from simnorm.theory import Value
from simnorm.theory.enumeration import enumerated_values
from simnorm.theory.finite import finite_values
from simnorm.theory.finite_order import order_kurtosis
from simnorm.theory.replacement import replacement_pair

# Bias and squares, absolute and relative.
Verdicts = tuple[Verdict, Verdict, Verdict, Verdict]

CONSTANT = "the column is constant"
ROWS_ALONE = "every row is a batch of its own, in any order"
IN_GROUPS = "no batch reaches beyond its group, in any order of the groups"
BALANCED_VALUES = "all values are as far from their mean: the error vanishes to first order"
ONE_GROUP = "there is one group, in file order"
FILE_ORDER = "file order, nothing is drawn"

# A skewness or kurtosis of a column below this is the rounding of a zero, and divides nothing.
ROUNDING = 1e-12
# Excess kurtosis of the square of a normal variable.
NORMAL_SQUARE = 12.0


class Known(Protocol):
    """What the tables ask of a source."""

    def verdicts(self, kind: Estimator, n: int, reference: str) -> Verdicts:
        """Return what the design alone says of a cell's rows."""

    def constant(self, kind: Estimator) -> float:
        """Return what relative measures are divided by."""

    def theory(self, kind: Estimator, n: int, reference: str) -> dict[str, Value]:
        """Return the theoretical values of the measures that have one."""

    def draws_verdict(
        self, kind: Estimator, n: int, reference: str, measure: str, replications: int
    ) -> Verdict:
        """Return whether so many replications are enough for a standard error."""

    def missed_jumps(
        self, kind: Estimator, n: int, reference: str, replications: int
    ) -> Jumps | None:
        """Return what jumps that are too rare may add; None where there are none."""

    def rare(self, kind: Estimator, n: int, bias: float) -> Fourth | None:
        """Return the fourth cumulants that rare events give; None where there is nothing to say."""


class KnownLaw:
    """What is known of full sets that a law gives."""

    def __init__(self, law: Distribution, full_size: int, sampling: str) -> None:
        self.law, self.full_size, self.sampling = law, full_size, sampling
        self._numbers = theory.of_distribution(law)

    def verdicts(self, kind: Estimator, n: int, reference: str) -> Verdicts:  # noqa: D102
        return diagnostics.verdicts(kind, self.law, n, self.full_size, reference, self.sampling)

    def constant(self, kind: Estimator) -> float:  # noqa: D102
        return relative_constant(kind, self.law)

    def theory(self, kind: Estimator, n: int, reference: str) -> dict[str, Value]:  # noqa: D102
        if self.sampling == REPLACEMENT:
            pair = replacement_pair(kind, n, self.full_size, reference, self._numbers)
            return {} if pair is None else theory.values_of_pair(pair)
        against = self.full_size if reference == "full_set" else None
        return theory.values_of(kind, n, against, self._numbers)

    def draws_verdict(  # noqa: D102
        self, kind: Estimator, n: int, reference: str, measure: str, replications: int
    ) -> Verdict:
        return diagnostics.draws_verdict(
            kind, self.law, n, self.full_size, measure, replications, reference, self.sampling
        )

    def missed_jumps(  # noqa: D102
        self, kind: Estimator, n: int, reference: str, replications: int
    ) -> Jumps | None:
        if self.law.largest_atom == 0.0:
            return None
        batches = batch_count(self.full_size, n)
        missed = rare_jumps(kind, self.law, n, replications * batches)
        if reference == "full_set":
            whole = rare_jumps(kind, self.law, self.full_size, replications)
            missed = Jumps(missed.bias + whole.bias, missed.squares + whole.squares)
        return missed

    def rare(self, kind: Estimator, n: int, bias: float) -> Fourth | None:  # noqa: ARG002, D102
        return None


class KnownColumn:
    """What is known of a column of data: everything but the order of its rows.

    Parameters
    ----------
    column
        The column.
    sampling
        The scheme.
    group_sizes
        How many rows every group has, where rows are drawn by groups.
    exact
        Whether all subsets are enumerated where there are few.
    """

    def __init__(
        self,
        column: Column,
        sampling: str,
        group_sizes: tuple[int, ...] = (),
        *,
        exact: bool = False,
    ) -> None:
        self.column, self.sampling, self.exact = column, sampling, exact
        self._values: dict[tuple[Estimator, int], dict[str, Value]] = {}
        self.word = sampling.partition(":")[0]
        # What all groups' sizes are multiples of.
        self.common = math.gcd(*group_sizes) if group_sizes else 0
        self.groups = len(group_sizes)

    def constant(self, kind: Estimator) -> float:  # noqa: D102
        if kind.is_location:
            return self.column.std
        value = abs(self.column.value_of(kind))
        return 0.0 if isinstance(kind, Shape) and value < ROUNDING else value

    def verdicts(self, kind: Estimator, n: int, reference: str) -> Verdicts:  # noqa: ARG002, D102
        reason = self._why_undefined(kind, n)
        if reason:
            return (Verdict(UNDEFINED, reason),) * 4
        bias, squares = self._absolute(kind, n)
        constant = self.constant(kind)
        if math.isfinite(constant) and constant > 0.0:
            return bias, squares, bias, squares
        what = "standard deviation" if kind.is_location else kind.word
        none = Verdict(UNDEFINED, f"the column's {what} is zero or not finite, no divisor")
        return bias, squares, none, none

    def _why_undefined(self, kind: Estimator, n: int) -> str:
        if n < kind.smallest_batch:
            return kind.too_small
        if isinstance(kind, Shape):
            if self.column.is_constant:
                return f"{CONSTANT} and has no {kind.word}"
            if self._equal_chance(n) > LARGEST_EQUAL_SHARE:
                return f"{kind.word} has no value where all {n} of a batch are equal"
        elif not isinstance(kind, UserEstimator) and not math.isfinite(self.column.value_of(kind)):
            return f"the column's {kind.word} is not finite"
        return ""

    def _equal_chance(self, n: int) -> float:
        """Return about the chance that all values of a batch are equal."""
        counts, size = self.column.counts.astype(np.float64), float(self.column.size)
        if self.word == REPLACEMENT:
            return float(((counts / size) ** n).sum())
        counts = counts[counts >= n]
        if self.word != SHUFFLE:  # who stands next to whom is not up to chance
            return float(len(counts) > 0)
        logs = gammaln(counts + 1) - gammaln(counts - n + 1)
        logs += gammaln(size - n + 1) - gammaln(size + 1)
        return float(np.exp(logs).sum())

    def _absolute(self, kind: Estimator, n: int) -> tuple[Verdict, Verdict]:
        """Return the verdicts on bias and squares."""
        ok, size = Verdict(OK), self.column.size
        if self.column.is_constant and not isinstance(kind, UserEstimator):
            return (Verdict(EXACT, CONSTANT, is_zero=True),) * 2
        if self.word == REPLACEMENT:
            return ok, ok
        fixed = FILE_ORDER if self.word == SEQUENTIAL else ONE_GROUP if self.groups == 1 else ""
        if n == size and (fixed or self.column.is_symmetric(kind)):
            return (Verdict(EXACT, WHOLE, is_zero=True),) * 2
        if fixed:
            return (Verdict(EXACT, fixed),) * 2
        same = ROWS_ALONE if n == 1 else IN_GROUPS if self._stays_in_groups(n) else ""
        bias = Verdict(EXACT, same) if same else ok
        if isinstance(kind, Mean) and size % n == 0:
            return Verdict(EXACT, BALANCED, is_zero=True), Verdict(EXACT, same) if same else ok
        return bias, bias

    def _stays_in_groups(self, n: int) -> bool:
        return self.word == GROUPED and self.common % n == 0

    def theory(self, kind: Estimator, n: int, reference: str) -> dict[str, Value]:  # noqa: ARG002, D102
        # A cache of its own, which goes with the column: many columns have much to hold.
        if (kind, n) not in self._values:
            self._values[kind, n] = self._theory(kind, n)
        return self._values[kind, n]

    def _theory(self, kind: Estimator, n: int) -> dict[str, Value]:
        if self.word not in (SHUFFLE, REPLACEMENT):
            return {}
        if self.exact:
            every = enumerated_values(kind, n, self.column, self.word)
            if every is not None:
                return every
        return finite_values(kind, n, self.column, self.word)

    def draws_verdict(  # noqa: D102
        self,
        kind: Estimator,
        n: int,
        reference: str,  # noqa: ARG002
        measure: str,
        replications: int,
    ) -> Verdict:
        base = measure.removeprefix("relative_")
        if (
            self.word == REPLACEMENT
            and isinstance(kind, Spread)
            and self.column.squares_are_constant
        ):
            return Verdict(UNRELIABLE, BALANCED_VALUES)
        needed = self._needed(kind, n, is_bias=base == "bias")
        if self.word == GROUPED:
            # Nothing foretells what rarely meets; a k-hat tells, from so many replications on.
            needed = max(needed, FEWEST_FOR_KHAT)
            if replications < needed:
                return Verdict(UNRELIABLE, f"{FEW_GROUPS} {needed} replications or more")
        verdict = enough(base, n, self.column.size, replications, needed)
        if verdict.status != OK or self.word != SHUFFLE or self.column.is_constant:
            return verdict
        if batch_count(self.column.size, n) > 1 or n == self.column.size:
            return verdict  # every row is in some batch, and what is rare is told by `rare`
        needed = replications_for_rows(kind, self.column, n, replications, is_bias=base == "bias")
        return enough(base, n, self.column.size, replications, needed)

    def missed_jumps(  # noqa: D102
        self,
        kind: Estimator,  # noqa: ARG002
        n: int,  # noqa: ARG002
        reference: str,  # noqa: ARG002
        replications: int,  # noqa: ARG002
    ) -> Jumps | None:
        return None  # jumps are in the kurtosis of an order statistic, which is known

    def _needed(self, kind: Estimator, n: int, *, is_bias: bool) -> int:
        """Return the replications that the column's large values ask for; 0 for no demand."""
        if self.word not in (SHUFFLE, REPLACEMENT) or self.column.is_constant:
            return 0
        batches = batch_count(self.column.size, n)
        if isinstance(kind, RankSum):
            plain, squared = order_kurtosis(kind, n, self.column, self.word)
            kurtosis = plain if is_bias else squared
            return replications_for(kurtosis, batches, LARGEST_TAIL_SHARE)
        if self.word == SHUFFLE:
            return 0  # what is rare is told by `rare`
        mean = isinstance(kind, Mean) or (isinstance(kind, TrimmedMean) and kind.cut(n) == 0)
        if not mean and not isinstance(kind, Spread):
            return 0
        own = self.column.excess_kurtosis if mean else self.column.squares_kurtosis
        needed = replications_for(own, batches * n, LARGEST_TAIL_SHARE)
        if is_bias:
            return needed
        # A squared normal error has an excess kurtosis of 12, which all limits are made for.
        moments = self.column.moments if mean else self.column.square_moments
        more = max(squared_mean_kurtosis(moments, n) - NORMAL_SQUARE, 0.0)
        return max(needed, replications_for(more, batches, LARGEST_TAIL_SHARE))

    def rare(self, kind: Estimator, n: int, bias: float) -> Fourth | None:  # noqa: D102
        if self.word != SHUFFLE or self.column.is_constant:
            return None
        return fourth_cumulants(kind, n, self.column, bias if math.isfinite(bias) else 0.0)


def known_law(law: Distribution, full_size: int, sampling: str) -> Known:
    """Return what is known of a law's full sets; iid draws have no full set to compare with."""
    return KnownLaw(law, full_size, SHUFFLE if sampling == IID else sampling)
