"""Oracles of kind E: no chance. Hand values, enumeration, identities, and one pass against many."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable

import numpy as np

import simnorm as sn
from mutants.runs import ROWS, table
from simnorm import tally
from simnorm.estimators import estimator
from simnorm.preprocessing import BatchNormalizer, StreamingMoments
from simnorm.solving.search import Point, Search

Floats = np.ndarray
MEASURES = ("bias", "variance", "mse", "rmse")


def close(got: object, expected: object, tolerance: float = 1e-9, unit: float = 0.0) -> bool:
    """Return whether numbers agree, in parts of the largest or of `unit`; NaN agrees with NaN."""
    a, b = np.asarray(got, dtype=float), np.asarray(expected, dtype=float)
    size = max(float(np.nanmax(np.abs(b), initial=0.0)), unit) or 1.0
    return bool(np.allclose(a, b, rtol=0.0, atol=tolerance * size, equal_nan=True))


def hand_values() -> None:
    """Measures, standard errors and intervals of two and of three replications, by hand.

    A = 1, 3 and Q = 2, 10: mean square 6 with the error sd/sqrt(2) = 4; variance 6 - 4 + 2/2 = 3
    with no error, because Q - 4 A is -2 twice. The t quantile for one degree is 12.706. A = 0, 1, 5
    and Q = 1, 2, 30: the bias is 2 with sd sqrt(7), the mean square 11 with sd sqrt(271).
    """
    two = tally.Tally.of([[1.0, 3.0]], [[2.0, 10.0]])
    three = tally.Tally.of([[0.0, 1.0, 5.0]], [[1.0, 2.0, 30.0]])
    centred = np.array([1.0, -2.0, 10.0])  # Q - 4 A
    expected = {
        ("bias", 2): (2.0, 1.0),
        ("mse", 2): (6.0, 4.0),
        ("rmse", 2): (math.sqrt(6.0), 4.0 / (2.0 * math.sqrt(6.0))),
        ("variance", 2): (3.0, 0.0),
        ("bias", 3): (2.0, math.sqrt(7.0 / 3.0)),
        ("mse", 3): (11.0, math.sqrt(271.0 / 3.0)),
        ("rmse", 3): (math.sqrt(11.0), math.sqrt(271.0 / 3.0 / 44.0)),
        ("variance", 3): (7.0 + 7.0 / 3.0, math.sqrt(centred.var(ddof=1) / 3.0)),
    }
    quantiles = {2: 12.706204736, 3: 4.302652730}
    for (name, count), (value, error) in expected.items():
        found = tally.measure(two if count == 2 else three, name)
        assert close(found.estimate, [value]), (name, count)
        assert close(found.mcse, [error]), (name, count)
        half = quantiles[count] * error
        low, high = value - half, value + half
        if name != "bias":
            low, high = value * math.exp(-half / value), value * math.exp(half / value)
        assert close([found.ci_low[0], found.ci_high[0]], [low, high], 1e-8), (name, count)


def merged_blocks() -> None:
    """Tallies of parts, merged, are the tally of the whole: far from zero, and of unequal parts."""
    rng = np.random.default_rng(1)
    # Powers of two carry the offset without a rounding of their own.
    a = rng.integers(-1000, 1000, size=(3, 37)) / 64.0
    q = rng.integers(0, 1000, size=(3, 37)) / 64.0
    for offset in (0.0, 2.0**36):
        whole = tally.Tally.of(a + offset, q + offset)
        for edges in ([0, 1, 37], [0, 30, 36, 37], [0, 8, 16, 24, 32, 37]):
            parts = [
                tally.Tally.of(a[:, i:j] + offset, q[:, i:j] + offset)
                for i, j in itertools.pairwise(edges)
            ]
            merged = functools.reduce(lambda x, y: x.merge(y), parts)
            assert merged.count == whole.count
            assert close(merged.offset + (merged.pivot - whole.pivot), whole.offset, 1e-12)
            assert close(merged.scatter, whole.scatter, 1e-12)
    centred = a - a.mean(axis=-1, keepdims=True)
    assert close(tally.Tally.of(a, q).scatter[0], (centred**2).sum(axis=-1))


def own_clusters() -> None:
    """Other people's errors, by hand: two full sets, each cut in half, are two replications."""
    found = sn.mcse([0.3, -0.3, 0.1, -0.1], "rmse", cluster=["a", "a", "b", "b"])
    # Q = 0.09 and 0.01: mean 0.05 with the standard error 0.04.
    value = math.sqrt(0.05)
    assert close([found.estimate, found.mcse], [value, 0.04 / (2.0 * value)])
    assert found.replications == 2
    # Sets of two and one: 1, 3 and 8 have the mean 4, without the first set 8, the second 2:
    # the jackknife's variance about the estimate is half the sum of their squared distances, 10.
    found = sn.mcse([1.0, 3.0, 8.0], "bias", cluster=["a", "a", "b"])
    assert close([found.estimate, found.mcse], [4.0, math.sqrt(10.0)])


def own_value(word: str, values: Floats) -> Floats:
    """Return an estimator's value along the last axis, by its definition and plain numpy."""
    kinds: dict[str, Callable[[Floats], Floats]] = {
        "mean": lambda x: x.sum(axis=-1) / x.shape[-1],
        "biased_variance": lambda x: central(x, 2),
        "unbiased_variance": lambda x: central(x, 2) * x.shape[-1] / (x.shape[-1] - 1.0),
        "std(ddof=0)": lambda x: np.sqrt(central(x, 2)),
        "std(ddof=1)": lambda x: np.sqrt(central(x, 2) * x.shape[-1] / (x.shape[-1] - 1.0)),
        "min": lambda x: np.sort(x)[..., 0],
        "max": lambda x: np.sort(x)[..., -1],
        "median": lambda x: own_quantile(x, 0.5),
        "quantile(q=0.1)": lambda x: own_quantile(x, 0.1),
        "quantile(q=0.9)": lambda x: own_quantile(x, 0.9),
        "iqr": lambda x: own_quantile(x, 0.75) - own_quantile(x, 0.25),
        "skewness": lambda x: central(x, 3) / central(x, 2) ** 1.5,
        "excess_kurtosis": lambda x: central(x, 4) / central(x, 2) ** 2 - 3.0,
    }
    return kinds[word](values)


def central(x: Floats, power: int) -> Floats:
    """Return the central moment with divisor n."""
    mean = x.sum(axis=-1, keepdims=True) / x.shape[-1]
    return ((x - mean) ** power).sum(axis=-1) / x.shape[-1]


def own_quantile(x: Floats, q: float) -> Floats:
    """Return the point at q (n - 1) on the line through the order statistics."""
    rising = np.sort(x, axis=-1)
    place = q * (x.shape[-1] - 1)
    low = min(math.floor(place + 1e-12), x.shape[-1] - 1)
    high = min(low + 1, x.shape[-1] - 1)
    return rising[..., low] + (place - low) * (rising[..., high] - rising[..., low])


WORDS = (
    "mean", "biased_variance", "unbiased_variance", "std(ddof=0)", "std(ddof=1)", "min", "max",
    "median", "quantile(q=0.1)", "quantile(q=0.9)", "iqr", "skewness", "excess_kurtosis",
)  # fmt: skip


def definitions() -> None:
    """Every estimator does what its definition says, on batches of 4 and 7, also far from zero."""
    for size, offset in ((4, 0.0), (7, 0.0), (4, 1e6)):
        batches = np.stack([np.roll(ROWS, i)[:size] for i in range(len(ROWS))]) + offset
        for word in WORDS:
            expected = own_value(word, batches - offset)
            located = estimator(word).is_location
            found = estimator(word)(batches) - (offset if located else 0.0)
            assert close(found, expected, 1e-9 if not offset else 1e-7), (word, size, offset)
    assert math.isnan(float(estimator("unbiased_variance")([2.5])))
    assert math.isnan(float(estimator("std(ddof=1)")([2.5])))


FEW = ROWS[:6]
OF_FEW = ("mean", "biased_variance", "unbiased_variance", "median", "max", "quantile(q=0.9)")


def all_batches(n: int, *, replaced: bool) -> list[tuple[int, ...]]:
    """Return all batches of n of the few rows there can be, each as often as it comes."""
    every = range(len(FEW))
    if replaced:
        return list(itertools.product(every, repeat=n))
    return list(itertools.combinations(every, n))


def enumeration() -> None:
    """All batches of three of six rows are replications: tally and theory know what comes out.

    The tally's variance has the divisor R - 1, so that of a whole enumeration is R/(R - 1) times
    the truth.
    """
    for replaced in (False, True):
        batches = FEW[np.array(all_batches(3, replaced=replaced))]
        for word in OF_FEW:
            errors = own_value(word, batches) - own_value(word, FEW)
            variance = float(((errors - errors.mean()) ** 2).mean())
            kind = estimator(word)
            mine = kind(batches) - kind(FEW)
            sums = tally.Tally.of([mine], [mine**2])
            R = len(errors)
            found = {name: float(tally.measure(sums, name).estimate[0]) for name in MEASURES}
            size = math.sqrt(float((errors**2).mean()))
            assert close(found["bias"], errors.mean(), unit=size), word
            assert close(found["variance"], variance * R / (R - 1.0)), word
            assert close(found["mse"], (errors**2).mean()), word
            scheme = "replacement" if replaced else "shuffle"
            given = {"n": 3, "data": FEW, "sampling": scheme}
            assert close(float(sn.theory.bias_of(word, **given)), errors.mean(), unit=size), word
            assert close(float(sn.theory.variance_of(word, **given)), variance), (word, scheme)


def table_theory() -> None:
    """What a run on data calls exact theory is what all batches give."""
    frame = table(
        data={"x": FEW}, batch_sizes=[2, 3], replications=16, sampling="shuffle,replacement",
        estimators=OF_FEW,
    )  # fmt: skip
    known = frame[frame["theory_kind"] == "exact"]
    assert len(known) >= 150
    for row in known.itertuples():
        replaced = row.sampling == "replacement"
        batches = FEW[np.array(all_batches(row.batch_size, replaced=replaced))]
        errors = own_value(row.estimator, batches) - own_value(row.estimator, FEW)
        mse = float((errors**2).mean())
        constant = own_value("std(ddof=0)", FEW)
        if not estimator(row.estimator).is_location:
            constant = own_value(row.estimator, FEW)
        values = {"bias": errors.mean(), "variance": errors.var(), "mse": mse}
        values["rmse"] = math.sqrt(mse)
        base = row.measure.removeprefix("relative_")
        power = 2 if base in ("variance", "mse") else 1
        divisor = constant**power if row.measure != base else 1.0
        unit = max(math.sqrt(mse), 1e-3) ** power
        assert close(row.theory * divisor, values[base], unit=unit), row[1:14]


def coins() -> None:
    """Theory against all sixteen full sets of four tosses of a coin, p = 0.3, cut in half."""
    p, N, n = 0.3, 4, 2
    for word in ("mean", "biased_variance", "unbiased_variance"):
        for against_full in (True, False):
            errors, weights = [], []
            for tosses in itertools.product((0.0, 1.0), repeat=N):
                x = np.array(tosses)
                chance = float(np.prod(np.where(x > 0, p, 1 - p)))
                law = {"mean": p}.get(word, p * (1 - p))
                whole = float(own_value(word, x)) if against_full else law
                errors += [float(own_value(word, x[i : i + n])) - whole for i in (0, n)]
                weights += [chance / 2] * 2
            e, w = np.array(errors), np.array(weights)
            bias = float(w @ e)
            given = {"n": n, "N": N if against_full else None, "distribution": f"bernoulli(p={p})"}
            assert close(float(sn.theory.bias_of(word, **given)) + 1.0, bias + 1.0), word
            variance = float(sn.theory.variance_of(word, **given))
            assert close(variance, w @ (e - bias) ** 2), (word, against_full)


def normal_std() -> None:
    """E s of normal batches is c4 sigma: 0.797885 for n = 2, and the table's bias is that less 1.

    Var s = (1 - c4^2) sigma^2; c4(3) = sqrt(pi)/2. Against a full set of three, two by two: by
    Basu's theorem E[s S] = c4(2)/c4(3), so that the mean square is 2 (1 - c4(2)/c4(3)).
    """
    two, three = math.sqrt(2 / math.pi), math.sqrt(math.pi) / 2
    assert close(float(sn.theory.bias_of("std(ddof=1)", n=2, N=3)), two - three)
    assert close(float(sn.theory.mse_of("std(ddof=1)", n=2, N=3)), 2.0 * (1.0 - two / three))
    for n, c4 in ((2, math.sqrt(2 / math.pi)), (3, math.sqrt(math.pi) / 2)):
        assert close(float(sn.theory.bias_of("std(ddof=1)", n=n)), c4 - 1.0)
        assert close(float(sn.theory.variance_of("std(ddof=1)", n=n)), 1.0 - c4 * c4)
        assert close(float(sn.theory.bias_of("std", n=n)), c4 * math.sqrt((n - 1) / n) - 1.0)


def searches() -> None:
    """The smallest number that reaches a target, as counting finds it: also exactly at it."""
    for power in (0.5, 1.0):
        for target in (0.5, 0.1, 0.25, 0.0301):
            search = Search(target, most=2000)
            while wanted := search.wanted():
                search.take({n: Point(n**-power) for n in wanted})
            expected = next(n for n in range(1, 2002) if n == 2001 or n**-power <= target)
            assert search.found == (expected if expected <= 2000 else None), (power, target)


def running_averages() -> None:
    """Two steps of batch normalization by hand; streamed moments in parts are those of the whole.

    Batches (1, 3) and (2, 6), momentum 0.9: the mean goes 0, 0.2, 0.58; the variance, unbiased,
    1, 1.1, 1.79, and biased 1, 1.0, 1.3.
    """
    rows = np.array([[1.0], [3.0], [2.0], [6.0]])
    for ddof, variance in ((1, 1.79), (0, 1.3)):
        found = BatchNormalizer(batch_size=2, momentum=0.9, running_ddof=ddof).fit(rows)
        assert close(found.running_mean_, [0.58])
        assert close(found.running_var_, [variance])
    parts = [StreamingMoments.of(ROWS[i:j]) for i, j in ((0, 1), (1, 4), (4, 12))]
    moments = parts[0] + parts[1] + parts[2]
    assert close(moments.variance(), central(ROWS, 2))
    assert close(moments.skewness, own_value("skewness", ROWS))
    assert close(moments.excess_kurtosis, own_value("excess_kurtosis", ROWS))
