"""What an interval says of a margin named beforehand, and what it would take to say more.

An interval that holds 0 is no proof that there is nothing. Three things can be said of a
difference: it is too small to matter (the whole interval lies inside the margin), it is there (the
interval leaves 0 out), or neither is known yet.
"""

from __future__ import annotations

import math

import numpy as np

from simnorm.errors import SimnormError
from simnorm.formatting import plural
from simnorm.tally import t_quantile

SAME, MORE, LESS, UNDECIDED = "no difference", "more", "less", "undecided"

# A number of replications beyond this one is as good as none.
MOST = 1_000_000
# What it takes where the same rows, split again, do not tell more.
MORE_ROWS = "more rows"
# The next estimate differs from this one by less than so many standard errors with a chance of 80 %
# on both sides together, and of 90 % on one.
LUCK = 1.2815515655446004


def decided(low: float, high: float, margin: float) -> str:
    """Return what a 95 % interval for a difference says.

    Parameters
    ----------
    low, high
        The ends of the interval.
    margin
        Differences up to so much do not matter; named before anything is measured.

    Returns
    -------
    str
        ``no difference`` if the whole interval is inside the margin, else ``more`` or ``less`` if
        it leaves 0 out, else ``undecided``; so it is too where there is no interval.

    Raises
    ------
    SimnormError
        If the margin is not a positive number.

    Examples
    --------
    >>> decided(-0.004, 0.007, 0.01), decided(-0.03, 0.007, 0.01), decided(-0.03, -0.002, 0.01)
    ('no difference', 'undecided', 'less')
    """
    _check(margin)
    if not (math.isfinite(low) and math.isfinite(high)):
        return UNDECIDED
    if -margin <= low and high <= margin:
        return SAME
    if low > 0.0:
        return MORE
    return LESS if high < 0.0 else UNDECIDED


def needed(
    estimate: float,
    low: float,
    high: float,
    margin: float,
    *,
    replications: int,
    folds: int = 1,
    fixed: float = 0.0,
    ratio: bool = False,
    widening: float = 1.0,
) -> float:
    """Return how many replications would decide, if estimate and spread are about right.

    Parameters
    ----------
    estimate, low, high
        A difference with its 95 % interval, or a ratio.
    margin
        Differences up to so much do not matter; of a ratio the share, 0.05 for 5 per cent.
    replications
        R, behind the interval.
    folds
        Values of one replication: 1, or the folds of a repeat of cross-validation.
    fixed
        The part of the variance that repetition leaves as it is: 0, or n_test/n_train.
    ratio
        Whether it is a ratio, whose logarithm is judged.
    widening
        How much longer the interval is by which it is said to be more or less, where that must
        hold together with others; to be the same it needs no more than the plain one.

    Returns
    -------
    float
        The smallest number of replications whose interval would, with a chance of 80 % or more,
        lie inside the margin or leave 0 (a ratio: 1) out; `replications` if it does already;
        infinity if none up to a million would, by this rule; NaN where there is no interval.

    Raises
    ------
    SimnormError
        If the margin is not positive, or there is no replication.

    Notes
    -----
    An interval's half width is t(J - 1) s sqrt(1/J + fixed) with J = R `folds` values of spread s.
    With `fixed` = 0 that is Student's interval; otherwise it is the corrected resampled t of
    Nadeau and Bengio (2003, Machine Learning 52, 239-281), which tends to 1.96 s sqrt(fixed) > 0
    as R grows: repeating cross-validation makes no new data. The next run's estimate will differ
    from this one by chance, so 1.28 s / sqrt(J) are added to the half width, a chance of 80 % that
    neither end is missed. A half width of half the margin decides wherever the estimate falls;
    with a `widening` w, one of the margin over 1 + w.

    Examples
    --------
    A difference of 0.2 points is known to ± 1.6 points from 10 replications. Inside a margin of
    1 point it must be known to ± 0.8, and to ± 0.5 to be safe: the next estimate may be 0.5.

    >>> needed(0.2, -1.4, 1.8, 1.0, replications=10)
    80.0

    Five folds leave a quarter of the variance of one value, however often they are repeated.

    >>> needed(0.2, -1.4, 1.8, 1.0, replications=10, folds=5, fixed=0.25)
    inf
    """
    _check(margin)
    if replications < 1:
        raise SimnormError("replications", replications, "at least one is needed")
    if ratio:
        with np.errstate(all="ignore"):
            estimate, low, high = (float(np.log(value)) for value in (estimate, low, high))
        margin = math.log1p(margin)
    if not (math.isfinite(estimate) and math.isfinite(low) and math.isfinite(high)):
        return math.nan
    wide_low, wide_high = (estimate + widening * (end - estimate) for end in (low, high))
    is_apart = decided(wide_low, wide_high, margin) in (MORE, LESS)
    if is_apart or decided(low, high, margin) == SAME:
        return float(replications)
    now = _width(replications * folds, fixed)
    same, apart = (now * part for part in _widths_wanted(estimate, low, high, margin))
    # An interval no wider than the margin cannot hold 0 and reach beyond it.
    sure = _share(margin / (1.0 + widening), max(estimate - low, high - estimate)) * now

    def enough(count: int) -> bool:
        values = count * folds
        luck = LUCK / math.sqrt(values)
        return _width(values, fixed) <= max(sure, same - luck, (apart - luck) / widening)

    if not enough(MOST):
        return math.inf
    few, many = replications, MOST
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if enough(middle) else (middle, many)
    return float(many)


def needed_words(number: float, unit: str = "replication", *, rows: bool | None = None) -> str:
    """Return what `needed` has found in words that follow "it would take".

    Parameters
    ----------
    number
        What `needed` has found.
    unit
        What a replication is called.
    rows
        Whether a part of the variance stays as it is because replications split the same rows,
        which is so of a ``repeat`` unless told. The corrected resampled t says so; it is a rule
        on the safe side and no theorem, so nothing more than that is claimed.

    Examples
    --------
    >>> needed_words(33.0, "repeat"), needed_words(1234.0, "seed")
    ('about 33 repeats', 'about 1,300 seeds')
    >>> needed_words(math.inf, "repeat")
    'more rows: by the corrected resampled t, repeats alone do not narrow the interval enough'
    >>> needed_words(math.inf, "round"), needed_words(math.nan, "repeat")
    ('more than 1,000,000 rounds', 'at least two repeats')
    """
    if math.isnan(number):
        return f"at least two {unit}s"
    if math.isinf(number):
        if unit == "repeat" if rows is None else rows:
            reason = (
                f"by the corrected resampled t, {unit}s alone do not narrow the interval enough"
            )
            return f"{MORE_ROWS}: {reason}"
        return f"more than {MOST:,} {unit}s"
    # Two digits, rounded up: more would say more than is known.
    step = 10 ** max(0, math.floor(math.log10(number)) - 1)
    return f"about {plural(math.ceil(number / step) * step, unit)}"


def _check(margin: float) -> None:
    if not (math.isfinite(margin) and margin > 0.0):
        raise SimnormError("margin", margin, "a positive number is needed")


def _widths_wanted(estimate: float, low: float, high: float, margin: float) -> tuple[float, float]:
    """Return by which factors an interval must shrink about its estimate, at the most, to decide.

    One that it lies inside the margin, the other that it leaves 0 out.
    """
    below, above = estimate - low, high - estimate
    same = 0.0
    if abs(estimate) < margin:
        same = min(_share(margin + estimate, below), _share(margin - estimate, above))
    return same, _share(abs(estimate), below if estimate > 0.0 else above)


def _share(room: float, used: float) -> float:
    return room / used if used > 0.0 else math.inf


def _width(values: int, fixed: float) -> float:
    """Return the half width of an interval from so many values of spread 1."""
    if values < 2:
        return math.inf
    return float(t_quantile(values)) * math.sqrt(1.0 / values + fixed)
