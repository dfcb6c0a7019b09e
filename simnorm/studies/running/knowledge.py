"""What is known of a cell before anything is drawn: verdicts, theory, replications needed."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simnorm import diagnostics
from simnorm.columns import Column
from simnorm.design import Design
from simnorm.diagnostics import (
    EXACT,
    FEWEST_JUMPS,
    FEWEST_SINGLES,
    LARGEST_EQUAL_SHARE,
    LARGEST_TAIL_SHARE,
    OK,
    UNDEFINED,
    UNRELIABLE,
    Verdict,
    replications_for,
)
from simnorm.distributions import Distribution, distribution
from simnorm.estimators import BiasedVariance, Mean
from simnorm.khat import FEWEST_FOR_KHAT
from simnorm.known import CONSTANT, FILE_ORDER, NORMAL_SQUARE, ONE_GROUP
from simnorm.presets import Average, Precise
from simnorm.quantities import RELATIVE, Cell, Known
from simnorm.rare import squared_mean_kurtosis
from simnorm.sampling import GROUPED, IID, REPLACEMENT, SEQUENTIAL, SHUFFLE
from simnorm.studies.drawing import Source, chunk
from simnorm.studies.running import expected
from simnorm.studies.running.batches import groups_of
from simnorm.theory import measure_power
from simnorm.theory.normalized import spread_chance, spread_chance_of_column
from simnorm.theory.running import Split, Stream, weights
from simnorm.theory.values import Value

if TYPE_CHECKING:
    from simnorm.studies.running import Case

RUNNING_MEAN, RUNNING_VARIANCE, INFERENCE = "running_mean", "running_variance", "inference_value"

POPULATION = "population"
SQUARES = ("variance", "mse", "rmse")

NO_DIVISOR = "one value has no unbiased variance"
KEPT = "a momentum of 1 keeps the start"
ONE_VALUE = "the variance of one value is 0"
EVERY_ROW = "every batch is the full set"
WHOLE_EPOCHS = "after whole epochs every row has the same weight"
NO_MEAN = "without epsilon 1/variance has no mean for so few values"
NO_BOTTOM = "all values that count may be equal, and nothing bounds the variance from below"
RARELY_EQUAL = "values that are all equal decide it, and are too rare for these replications"
# An epsilon, and a start, of at least this part of a variance bounds it from below.
LARGE_BOTTOM = 1e-2
# Mean squared errors below this are no matter.
SMALL_PART = 1e-4
NO_ERROR = "without epsilon its standard error does not exist for so few values"

# Noise and bias below these parts of the unit are the rounding of a zero.
NO_NOISE, NO_BIAS = 1e-24, 1e-13


class About(NamedTuple):
    """A cell with what it is about."""

    quantity: str
    n: int
    reference: str
    source: Distribution | Column
    case: Case


class Knowledge:
    """What is known of the cells of a source.

    Parameters
    ----------
    design, source
        What is run.
    cases
        Presets and drifts by their factors.
    replications
        How many there are.
    """

    def __init__(
        self, design: Design, source: Source, cases: dict[str, Case], replications: int
    ) -> None:
        self.design, self.source, self.cases = design, source, cases
        self.replications = replications
        self.word = source.sampling.partition(":")[0]
        self.known: dict[Cell, Known] = {}
        self.splits: dict[About, Split | None] = {}
        self.kinds: dict[str, Distribution | Column] = (
            {column.name: column for column in chunk(design, source).columns}
            if source.columns
            else {"": distribution(source.distribution)}
        )
        groups = groups_of(design, source)
        self.is_fixed = FILE_ORDER if self.word == SEQUENTIAL else ""
        if groups is not None and groups[0].count == 1:
            self.is_fixed = ONE_GROUP

    def __call__(self, cell: Cell) -> Known:
        """Return what is known of a cell."""
        if cell not in self.known:
            self.known[cell] = self._known(cell)
        return self.known[cell]

    def _known(self, cell: Cell) -> Known:
        about = self.about(cell)
        reason = self._why_undefined(about)
        if reason:
            return Known(Verdict(UNDEFINED, reason))
        own = self._moments(about)
        equal = self._equal_values(about) if about.quantity == INFERENCE else Verdict(OK)
        if equal.status != OK:
            own = {name: equal if v.status == OK else v for name, v in own.items()}
        if own["mse"].status == UNDEFINED == own.get("bias", own["mse"]).status:
            return Known(own["mse"])
        fixed = self._exactly(about)
        # An expansion about the mean variance knows nothing of batches without any.
        theory = {} if equal.status != OK else self._theory(about, cell, fixed)
        if fixed is not None:
            own = {name: fixed for name in own if own[name].status != UNDEFINED} | {
                name: verdict for name, verdict in own.items() if verdict.status == UNDEFINED
            }
        plain, squares = self._needed(about)
        return Known(Verdict(OK), theory, plain, own, squares)

    def about(self, cell: Cell) -> About:
        """Return what a cell is about."""
        case = self.cases[cell.factors]
        return About(cell.quantity, cell.batch_size, cell.reference, self.kinds[cell.column], case)

    def stream(self, about: About) -> Stream | None:
        """Return the stream of batches, None where theory has none."""
        sd = about.source.std
        drift = about.case.drift * (sd if math.isfinite(sd) else 0.0)
        return expected.stream_of(
            about.case.average,
            about.n,
            about.case.steps,
            self.source.sampling,
            self.design.full_size,
            about.reference,
            drift,
        )

    # -----------------------------------------------------------------------------------------
    # Verdicts

    def _why_undefined(self, about: About) -> str:
        kind, n = about.case.average, about.n
        if kind.refuses_single and n == 1:
            return "PyTorch refuses batches of one value in training: they have no variance"
        if about.quantity == RUNNING_MEAN:
            return ""
        size = n * about.case.steps if isinstance(kind, Precise) else n
        if kind.ddof and size == 1:
            return NO_DIVISOR
        if about.quantity == INFERENCE and isinstance(about.source, Column):
            return CONSTANT if about.source.is_constant else ""
        return ""

    def _moments(self, about: About) -> dict[str, Verdict]:
        """Return verdicts by measure, as far as moments decide them."""
        ok = Verdict(OK)
        if isinstance(about.source, Column):
            return dict.fromkeys(("bias", *SQUARES), ok)
        law, N = about.source, self.design.full_size
        sampling = SHUFFLE if self.word == IID else self.word
        if about.quantity != INFERENCE:
            kind = Mean() if about.quantity == RUNNING_MEAN else BiasedVariance()
            # A batch of one has a variance here, of 0; the reference has the same moments.
            bias, squares, *_ = diagnostics.verdicts(
                kind, law, max(about.n, 2), N, POPULATION, sampling
            )
            return {"bias": bias} | dict.fromkeys(SQUARES, squares)
        found = diagnostics.verdicts(Mean(), law, about.n, N, POPULATION, sampling)[1]
        if found.status == UNRELIABLE and about.n > 1 and about.reference == POPULATION:
            # A large value is in the running variance as well, and bounds what it is divided by.
            found = ok
        if found.status == OK:
            found = self._without_epsilon(about)
        return dict.fromkeys(SQUARES, found)

    def _equal_values(self, about: About) -> Verdict:
        """Judge what a variance of nothing does, where all values that count may be equal."""
        if self.word in (SEQUENTIAL, GROUPED):
            return Verdict(OK)
        count = max(1, round(about.n * effective_batches(about.case.average, about.case.steps)))
        if isinstance(about.source, Column):
            count = min(count, about.source.size)
            chance = float(spread_chance_of_column(about.source, count, self.word))
        else:
            chance = float(spread_chance(about.source, count))
        if about.n == 1 and not isinstance(about.case.average, Precise):
            return Verdict(OK)  # it has no variance, in every replication
        equal, bottom = 1.0 - chance, self._bottom(about)
        if equal <= LARGEST_EQUAL_SHARE:
            return Verdict(OK)
        if bottom == 0.0:
            return Verdict(UNDEFINED, NO_BOTTOM)
        # By about so much a variance of nothing is off from the z-score.
        if equal * about.source.std**2 / bottom <= SMALL_PART:
            return Verdict(OK)
        enough = equal * self.replications >= FEWEST_JUMPS
        return Verdict(OK) if enough else Verdict(UNRELIABLE, RARELY_EQUAL)

    @staticmethod
    def _bottom(about: About) -> float:
        """Return what a running variance is at least: epsilon, and what is left of its start."""
        kind = about.case.average
        return kind.epsilon + weights(kind.momentum, about.case.steps)[1]

    def _without_epsilon(self, about: About) -> Verdict:
        """Judge the mean of 1/variance, if nothing bounds the variance from below."""
        kind, n, T = about.case.average, about.n, about.case.steps
        bottom = self._bottom(about)
        if bottom > LARGE_BOTTOM * about.source.std**2 or (
            n == 1 and not isinstance(kind, Precise)
        ):
            return Verdict(OK)
        values = n - 1
        if kind.momentum is None:
            values = n * T - 1 if isinstance(kind, Precise) else (n - 1) * T
        if kind.momentum is not None:
            values = round((n - 1) * effective_batches(kind, T))
        if values <= 2 and bottom == 0.0:
            return Verdict(UNDEFINED, NO_MEAN)
        return Verdict(UNRELIABLE, NO_ERROR) if values <= 4 else Verdict(OK)

    def _exactly(self, about: About) -> Verdict | None:
        """Return the verdict on an error that is the same in every replication."""
        if self.is_fixed:
            return Verdict(EXACT, self.is_fixed)
        if self._is_same_in_any_order(about):
            return Verdict(EXACT, self._why_exact(about))
        mean = self._split(about._replace(quantity=RUNNING_MEAN))
        variance = self._split(about._replace(quantity=RUNNING_VARIANCE))
        reason = self._why_exact(about)
        unit = about.source.std or 1.0
        if about.quantity == INFERENCE:
            fixed = isinstance(about.source, Column) or about.reference == POPULATION
            alike = all(_is_noiseless(s, u) for s, u in ((mean, unit), (variance, unit * unit)))
            return Verdict(EXACT, reason) if fixed and alike else None
        split, unit = (mean, unit) if about.quantity == RUNNING_MEAN else (variance, unit * unit)
        if split is None or not _is_noiseless(split, unit):
            return None
        return Verdict(EXACT, reason, is_zero=abs(split.bias) <= NO_BIAS * unit)

    def _is_same_in_any_order(self, about: About) -> bool:
        """Return whether it does not matter which rows are in which batch, with theory or not."""
        if not isinstance(about.source, Column) or self._split(about) is not None:
            return False
        whole = about.n == self.design.full_size and self.word != REPLACEMENT
        kept = about.case.average.momentum == 1.0
        return about.source.is_constant or whole or kept or self._is_of_one(about)

    def _why_exact(self, about: About) -> str:
        if isinstance(about.source, Column) and about.source.is_constant:
            return CONSTANT
        if about.case.average.momentum == 1.0:
            return KEPT
        if about.n == self.design.full_size:
            return EVERY_ROW
        return ONE_VALUE if self._is_of_one(about) else WHOLE_EPOCHS

    @staticmethod
    def _is_of_one(about: About) -> bool:
        """Return whether a running variance is made of variances of one value."""
        plain = not isinstance(about.case.average, Precise)
        return about.n == 1 and plain and about.quantity == RUNNING_VARIANCE

    # -----------------------------------------------------------------------------------------
    # Replications

    def _needed(self, about: About) -> tuple[int, int]:
        """Return the replications that bias and squares need for a standard error."""
        plain = squares = 0
        if self.word != GROUPED:
            N = float(self.design.full_size)
            draws = about.n * effective_batches(about.case.average, about.case.steps)
            draws = min(draws, N) if self.word in (SHUFFLE, REPLACEMENT) else draws
            if about.quantity == INFERENCE:
                squares = self._tails_of_value(about, draws)
            else:
                # Of batches of one, chance is in the reference alone.
                plain, squares = _tails(about, N if self._is_of_one(about) else draws)
        if self.word == GROUPED:
            # Nothing foretells what rarely meets; a k-hat tells, from so many replications on.
            plain = squares = FEWEST_FOR_KHAT
        # A replication is a single error.
        return plain, max(squares, FEWEST_SINGLES)

    def _tails_of_value(self, about: About, draws: float) -> int:
        """Return the replications that squares of a normalized value need.

        What a large value does to a running mean is bounded, because it is in the running variance
        as well; but not in batches of one, nor where it is in the full set and not in them.
        """
        needed = 0
        if about.n == 1:
            needed = _tails(about._replace(quantity=RUNNING_MEAN), draws)[1]
        if isinstance(about.source, Distribution) and about.reference != POPULATION:
            kurtosis, size = about.source.squares_kurtosis, float(self.design.full_size)
            needed = max(needed, replications_for(kurtosis, size, LARGEST_TAIL_SHARE))
        return needed

    # -----------------------------------------------------------------------------------------
    # Theory

    def _split(self, about: About) -> Split | None:
        if about not in self.splits:
            self.splits[about] = self._split_of(about)
        return self.splits[about]

    def _split_of(self, about: About) -> Split | None:
        stream = self.stream(about)
        if stream is None or about.quantity == INFERENCE:
            return None
        if about.quantity == RUNNING_MEAN:
            return expected.mean_split(stream, about.source)
        return expected.variance_split(stream, about.source, about.case.average)

    def split(self, cell: Cell) -> Split | None:
        """Return the parts of an error, None where there is no theory."""
        return self._split(self.about(cell))

    def _theory(self, about: About, cell: Cell, fixed: Verdict | None) -> dict[str, Value]:
        if about.quantity != INFERENCE:
            split = self._split(about)
            if split is not None and fixed is not None:
                # Without what rounding leaves.
                split = Split(0.0, 0.0, 0.0, 0.0) if fixed.is_zero else split._replace(noise=0.0)
            values = {} if split is None else split.values
        else:
            values = self._inference(about)
        relative = {
            RELATIVE + name: Value(value / cell.unit ** measure_power(name), value.kind)
            for name, value in values.items()
            if RELATIVE + name in cell.measures
        }
        return values | relative

    def _inference(self, about: About) -> dict[str, Value]:
        stream = self.stream(about)
        if stream is None:
            return {}
        mse = expected.inference_value(stream, about.source, about.case.average)
        return {} if mse is None else {"mse": mse, "rmse": Value(math.sqrt(mse), mse.kind)}


def _is_noiseless(split: Split | None, unit: float) -> bool:
    return split is not None and split.noise <= NO_NOISE * unit * unit


@functools.lru_cache(maxsize=256)
def effective_batches(kind: Average, steps: int) -> float:
    """Return how many batches of equal weight are as far from a normal law.

    The excess kurtosis of a weighted sum is that of a part times sum w^4 / (sum w^2)^2.

    Examples
    --------
    >>> from simnorm.presets import average
    >>> effective_batches(average("cumulative"), 50), effective_batches(average("pytorch"), 1)
    (50.0, 1.0)
    """
    squares = np.square(weights(kind.momentum, steps)[0])
    if not squares.any():
        return 1.0
    return round(float(squares.sum() ** 2 / (squares @ squares)), 9)


def _tails(about: About, draws: float) -> tuple[int, int]:
    """Return the replications that large values ask for, of so many draws in effect."""
    is_mean, source = about.quantity == RUNNING_MEAN, about.source
    if isinstance(source, Column) and (
        source.is_constant or (not is_mean and source.squares_are_constant)
    ):
        return 0, 0
    kurtosis = source.excess_kurtosis if is_mean else source.squares_kurtosis
    plain = replications_for(kurtosis, draws, LARGEST_TAIL_SHARE)
    if isinstance(source, Column):
        moments = source.moments if is_mean else source.square_moments
        squared = squared_mean_kurtosis(moments, draws)  # type: ignore[arg-type]
    else:
        squared = squared_kurtosis(kurtosis / draws)
    # As many as give a squared error the digits that the fewest give that of a normal one.
    return plain, max(plain, replications_for(squared, 1.0, NORMAL_SQUARE / FEWEST_SINGLES))


# Beyond this powers would leave the range of doubles, and no run is long enough anyway.
LARGEST_SHAPE = 1e30


def squared_kurtosis(kurtosis: float) -> float:
    """Return about the excess kurtosis of the square of an error that has an excess kurtosis.

    As if the error were a gamma number, as batch variances of a normal law are. Infinite where its
    own is: this is the business of the ledger.

    Examples
    --------
    >>> squared_kurtosis(0.0), round(squared_kurtosis(1.0))
    (12.0, 62)
    """
    if not math.isfinite(kurtosis):
        return math.inf
    # Cumulants of a gamma number of variance 1 and shape a are (j - 1)! a^(1 - j/2).
    share = min(max(kurtosis, 0.0) / 6.0, LARGEST_SHAPE)
    k3, k4, k5, k6, k8 = (math.factorial(j - 1) * share ** (0.5 * j - 1.0) for j in (3, 4, 5, 6, 8))
    fourth = k4 + 3.0
    sixth = k6 + 15.0 * k4 + 10.0 * k3**2 + 15.0
    eighth = k8 + 28.0 * k6 + 56.0 * k5 * k3 + 35.0 * k4**2 + 210.0 * k4 + 280.0 * k3**2 + 105.0
    return float((eighth - 4.0 * sixth + 6.0 * fourth - 3.0) / (fourth - 1.0) ** 2 - 3.0)


__all__ = ["Knowledge", "effective_batches"]
