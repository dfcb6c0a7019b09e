"""Exact values for weighted sums of a few order statistics: extremes, range, quantiles, iqr.

An observation is Q(U), Q the quantile function and U uniform, so that order statistics are Q of
those of uniforms. An error is a sum of c_i P_i with sum c_i = 0, where the points P_i are order
statistics of the batch, with a minus sign those of the full set, or constants of the population.
Then

    E error^2 = -sum over i < j of c_i c_j E (P_i - P_j)^2,

and only mean squared gaps between two points are needed. They follow from two facts (David and
Nagaraja, Order Statistics, chapters 2 and 3):

- V, the s-th of N uniforms, has the law Beta(s, N - s + 1). Given V the others are uniform on
  (0, V) and on (V, 1), so that for r > s the r-th is V + (1 - V) B, B ~ Beta(r - s, N - r + 1).
- A batch of n of the N is a random part of them, whatever their values. It has K of the s lowest
  with the hypergeometric probability C(s, k) C(N - s, n - k) / C(N, n). If K = k < r, the r-th of
  the batch is V + (1 - V) B with B ~ Beta(r - k, n - r + 1); it is V itself or below otherwise.

What lies below V is what lies above in the mirror, where u becomes 1 - u. Integrals over V and B
are sums over the nodes of Gauss and Legendre in logit(v) and logit(b), where both tails of both
keep their digits. Every value is computed by two rules, and is none where they disagree.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.distributions import Distribution
from simnorm.estimators import InterquartileRange, Maximum, Minimum, Quantile, Range, RankSum
from simnorm.theory.moments import Pair

Floats = NDArray[np.float64]
Ranks = tuple[int, ...]

# Beyond this logit a probability leaves the range of doubles.
FARTHEST = 690.0
# Panels meet where the density has fallen by these factors, exp(-x), on each side of its mode,
# and end where density times squared quantiles has fallen by exp(-REACH).
REACH = 42.0
# The same where the gap is next to nothing. Farther out, where terms of a mixture are left out,
# the density bends.
SHORT_REACH = 40.0
# A moment that exists barely is made by what lies farther out than doubles go: values off by 1 %,
# on which all rules agree, were seen up to 55.
FEWEST_REACHED = 100.0


class Rule(NamedTuple):
    """How finely integrals are done."""

    nodes: int
    drops: tuple[float, ...]
    stretch: float


# Two are nearly always enough; mixtures of narrow and wide parts need the others. With knots, rules
# have many panels anyway.
RULES = (
    Rule(13, (4.5, 14.0), 1.0),
    Rule(16, (5.0, 15.0), 1.1),
    Rule(36, (1.5, 3.5, 6.0, 9.0, 13.0, 20.0), 1.4),
    Rule(44, (1.0, 2.0, 4.0, 6.5, 9.5, 14.0, 22.0), 1.4),
)
RULES_WITH_KNOTS = (*RULES[:2], Rule(22, (3.0, 9.0, 18.0), 1.2))
# Largest difference of two rules, relative to the variance, and of biases to the sd.
LARGEST_DIFFERENCE = 1e-8
# Next to n = N the terms of a range or iqr cancel: their rounding may be as much of the variance.
LARGEST_LOSS = 1e-6
# A variance below this part of its terms is their rounding, whatever the rule.
LOST = 1e-11
# Some hundred roundings: of terms that cancel, and a bias below this part of the rmse is a zero.
ROUNDING = 1e-13
# Panels next to a knot grow by this factor.
NEAR = 5.0
# Laws with more breaks of the quantile function than this would take too long.
MOST_KNOTS = 8
# The table of quantiles: panels to a side, degree, and up to where they are of about one length.
PANELS = 384
DEGREE = 10
SPREAD = 16.0
# Of where the batch's rank falls, what is less likely than the likeliest by this is left out.
NEGLIGIBLE = 1e-20


class Mixture(NamedTuple):
    """A mixture of Beta(first + i, other) laws, i = 0, 1, ..., of total probability `mass`.

    The density in logit(b) is proportional to the sum of exp(logs[i]) (b/b0)^(first + i)
    ((1 - b)/(1 - b0))^other; dividing by b0, near the mode, keeps the digits of large powers.
    """

    first: int
    other: int
    logs: Floats
    start: float
    mass: float


class Axis(NamedTuple):
    """Nodes of a rule for one or several mixtures at once.

    Parameters
    ----------
    logits
        Nodes, rising, shape (panels, nodes of a panel).
    edges
        Ends of the panels.
    logs
        Logarithms of the densities in the logit at the nodes, shape (mixtures, panels, nodes).
    weights
        Densities times the steps of the rule, which sum to the masses: shape (mixtures, panels *
        nodes).
    """

    logits: Floats
    edges: Floats
    logs: Floats
    weights: Floats


@functools.lru_cache(maxsize=8)
def _legendre(nodes: int) -> tuple[Floats, Floats]:
    x, w = np.polynomial.legendre.leggauss(nodes)
    return x, w


def expit(t: Floats) -> Floats:
    """Return 1/(1 + exp(-t)), within the range of doubles.

    Examples
    --------
    >>> expit(np.array([0.0]))
    array([0.5])
    """
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(t, -FARTHEST, FARTHEST))))


def _logits(probabilities: Iterable[float]) -> tuple[float, ...]:
    return tuple(math.log(p) - math.log1p(-p) for p in probabilities)


# ---------------------------------------------------------------------------------------------
# Where ranks fall


def _rank(rank: int, size: int) -> Mixture:
    """Return the law of the rank-th of `size` uniforms."""
    other = size - rank + 1
    return Mixture(rank, other, np.zeros(1), math.log(rank / other), 1.0)


def _above(rank: int, n: int, given: int, N: int) -> Mixture | None:
    """Return the law of B = (U - V)/(1 - V), where U is the rank-th of the batch and above V.

    V is the given-th of the full set. With n = N both are of one sample.
    """
    if n == N:
        if rank <= given:
            return None
        other = n - rank + 1
        return Mixture(rank - given, other, np.zeros(1), math.log((rank - given) / other), 1.0)
    lowest, highest = max(0, n + given - N), min(n, given)
    # Of the given lowest, k are in the batch: probabilities by ratios of neighbours from the
    # likeliest, so that large sizes keep their digits.
    middle = min(max((n + 1) * (given + 1) // (N + 2), lowest), highest)
    spread = math.sqrt(n * (given / N) * (1.0 - given / N) * (1.0 - n / N)) + 1.0
    reach = math.ceil(14.0 * spread) + 40
    k = np.arange(max(lowest, middle - reach), min(highest, middle + reach) + 1, dtype=float)
    ratios = (given - k[1:] + 1) * (n - k[1:] + 1) / (k[1:] * (N - given - n + k[1:]))
    logs = np.concatenate([[0.0], np.cumsum(np.log(ratios))])
    logs -= logs.max()
    chances = np.exp(logs)
    chances /= chances.sum()
    chances = chances[k < rank]
    if not chances.size or chances.max() <= NEGLIGIBLE:
        return None
    keep = chances > NEGLIGIBLE * chances.max()
    chances = chances[keep][::-1]
    mass = float(chances.sum())
    a = rank - k[k < rank][keep][::-1]
    other = n - rank + 1
    start = math.log(float(chances @ a) / mass / other)
    # 1/Beta(a + 1, b) = 1/Beta(a, b) (a + b)/a, each power of b measured in its value at start.
    b0 = 1.0 / (1.0 + math.exp(-start))
    steps = np.log((a[:-1] + other) / a[:-1] * b0)
    norms = np.concatenate([[0.0], np.cumsum(steps)])
    logs = np.log(chances) + norms
    return Mixture(int(a[0]), other, logs - logs.max(), start, mass)


# ---------------------------------------------------------------------------------------------
# Rules


def _log_density(mixture: Mixture, t: Floats) -> Floats:
    """Return the logarithm of the density in the logit, up to a constant."""
    step = t - mixture.start
    b0 = 1.0 / (1.0 + math.exp(-mixture.start))
    stretch = np.log1p(b0 * np.expm1(step))  # log((1 - b0)/(1 - b))
    base = mixture.first * (step - stretch) - mixture.other * stretch
    if len(mixture.logs) == 1:
        return np.asarray(base)
    i = np.arange(len(mixture.logs))
    powers = mixture.logs + (step - stretch)[..., np.newaxis] * i
    top = powers.max(axis=-1)
    return np.asarray(base + top + np.log(np.exp(powers - top[..., np.newaxis]).sum(axis=-1)))


def _reach(rate: float, growth: float) -> float:
    """Return by how much the density falls until nothing is left under growing quantiles.

    `rate` is the power of the probability in the density, `growth` that of the quantiles; where
    their power is 0 they grow more slowly, and some allowance is enough.
    """
    if growth > 0.0:
        return REACH / (1.0 - growth / rate)
    return REACH * (1.0 + 0.6 / rate)


def _axis(
    mixtures: tuple[Mixture | None, ...],
    low: float | None,
    high: float,
    rule: Rule,
    knots: Floats | None = None,
) -> Axis | None:
    """Return a rule for mixtures; `low` and `high` are the growths of squared quantiles.

    Without a `low` the gap is next to nothing there.
    """
    there = [mixture for mixture in mixtures if mixture is not None]
    if not there:
        return None
    left = SHORT_REACH
    if low is not None:
        left = rule.stretch * _reach(min(m.first for m in there), low)
    right = rule.stretch * _reach(min(m.other for m in there), high)
    edges = _edges(there, left, right, rule.drops)
    if knots is not None:
        inside = knots[(knots > edges[0]) & (knots < edges[-1])]
        edges = np.unique(np.concatenate([edges, inside]))
    x, w = _legendre(rule.nodes)
    half = 0.5 * np.diff(edges)
    logits = (edges[:-1] + half)[:, np.newaxis] + half[:, np.newaxis] * x
    steps = half[:, np.newaxis] * w
    logs = np.full((len(mixtures), *logits.shape), -1e6)
    weights = np.zeros((len(mixtures), logits.size))
    for position, mixture in enumerate(mixtures):
        if mixture is not None:
            density = _log_density(mixture, logits)
            top = density.max()
            total = float((np.exp(density - top) * steps).sum())
            # Divided by its own sum, a density of one loses nothing to the rule.
            logs[position] = density - top + math.log(mixture.mass / total)
            weights[position] = (np.exp(logs[position]) * steps).ravel()
    return Axis(logits, edges, logs, weights)


def _edges(there: list[Mixture], left: float, right: float, drops: tuple[float, ...]) -> Floats:
    """Return where panels meet: where the density has fallen by `drops`, and by left and right."""
    ends = []
    for m in there:
        lengths = [m.first, m.first + len(m.logs) - 1]
        for a in lengths:
            width = math.sqrt(1.0 / a + 1.0 / m.other)
            centre = math.log(a / m.other)
            ends.append(centre - left / a - math.sqrt(2.0 * left) * width)
            ends.append(centre + right / m.other + math.sqrt(2.0 * right) * width)
    low, high = max(min(ends), -FARTHEST), min(max(ends), FARTHEST)
    # The second grid is closer: the first may have stepped over a narrow density.
    for _ in range(2):
        grid = np.linspace(low, high, 121)
        logs = np.logaddexp.reduce([_log_density(m, grid) for m in there])
        mode = int(logs.argmax())
        falls = logs[mode] - logs
        lower = np.interp([*drops, left], falls[: mode + 1][::-1], grid[: mode + 1][::-1])
        upper = np.interp([*drops, right], falls[mode:], grid[mode:])
        low, high = lower[-1], upper[-1]
    return np.unique(np.concatenate([lower, [grid[mode]], upper]))


@functools.lru_cache(maxsize=4096)
def _outer(
    ranks: Ranks, size: int, low: float, high: float, rule: Rule, knots: tuple[float, ...]
) -> Axis:
    axis = _axis(tuple(_rank(r, size) for r in ranks), low, high, rule, np.array(knots))
    assert axis is not None
    return axis


@functools.lru_cache(maxsize=4096)
def _inner(ranks: Ranks, n: int, given: Ranks, N: int, high: float, rule: Rule) -> Axis | None:
    return _axis(tuple(_above(r, n, s, N) for s in given for r in ranks), None, high, rule)


def _around(knots: tuple[float, ...], inner: Axis) -> tuple[float, ...]:
    """Return the knots and, around each, where panels meet that grow from the inner rule's size.

    As a function of V the mean gap changes within so much of a knot: U is on its other side.
    """
    centre = inner.logits.ravel()[inner.weights.max(axis=0).argmax()]
    first = 3.0 * math.exp(min(centre, 0.0))
    found = list(knots)
    for knot in knots:
        room = min([8.0, *(0.5 * abs(knot - other) for other in knots if other != knot)])
        steps = first * NEAR ** np.arange(max(0, math.ceil(math.log(room / first, NEAR))))
        found += [*(knot + steps), *(knot - steps)]
    return tuple(sorted(found))


# ---------------------------------------------------------------------------------------------
# Gaps


class QuantileTable(NamedTuple):
    """A standard law's quantiles as polynomials between places that are even in `_place(logit)`.

    Some laws take microseconds for a quantile; polynomials of `DEGREE` on such short panels are
    good to the last digits, and cost the same for all laws.
    """

    knots: tuple[float, ...]
    middles: Floats
    halves: Floats
    coefficients: Floats

    @classmethod
    def of(cls, law: Distribution) -> QuantileTable:
        """Make the table of a law: panels meet at its knots too."""
        top = float(_place(np.array(FARTHEST)))
        edges = np.linspace(-top, top, 2 * PANELS + 1)
        # A knot where panels meet anyway would make a panel of no length.
        knots = tuple(
            t for t in _logits(law.knots()) if np.abs(edges - _place(np.array(t))).min() > 1e-12
        )
        edges = np.sort(np.concatenate([edges, _place(np.array(knots))]))
        middles, halves = 0.5 * (edges[1:] + edges[:-1]), 0.5 * np.diff(edges)
        nodes = -np.cos(np.pi * (np.arange(DEGREE + 1) + 0.5) / (DEGREE + 1))
        place = middles[:, np.newaxis] + halves[:, np.newaxis] * nodes
        t = np.copysign(SPREAD * np.expm1(np.abs(place)), place)
        with np.errstate(all="ignore"):
            values = law.standard_quantile(expit(t).ravel(), expit(-t).ravel()).reshape(t.shape)
            coefficients = np.linalg.solve(np.vander(nodes), values.T)
        return cls(knots, middles, halves, coefficients)

    def __call__(self, t: Floats) -> Floats:
        """Return the quantiles at logits."""
        t = np.clip(t, -FARTHEST, FARTHEST)
        place = _place(t)
        step = 2.0 * self.halves.max()
        cell = np.minimum(((place - self.middles[0]) / step + 0.5).astype(int), 2 * PANELS - 1)
        for knot in self.knots:
            cell += t > knot
        x = (place - self.middles[cell]) / self.halves[cell]
        found: Floats = self.coefficients[0][cell]
        for power in self.coefficients[1:]:
            found *= x
            found += power[cell]
        return found


def _place(t: Floats) -> Floats:
    """Return where a logit stands in the table: its panels grow with the distance from 0."""
    return np.asarray(np.copysign(np.log1p(np.abs(t) / SPREAD), t))


@functools.lru_cache(maxsize=128)
def _table(law: Distribution) -> QuantileTable:
    return QuantileTable.of(law)


class Side(NamedTuple):
    """A standard law seen from below or, with u and 1 - u exchanged, from above."""

    law: Distribution
    mirrored: bool = False

    def quantile(self, t: Floats) -> Floats:
        """Return the quantiles at logits, with another sign in the mirror: gaps are wanted."""
        return _table(self.law)(-t if self.mirrored else t)

    def growths(self, power: int) -> tuple[float, float]:
        """Return the powers with which quantiles to `power` grow next to u = 0 and u = 1."""
        tails = self.law.tails()
        lower, upper = power / tails.lower, power / tails.upper
        return (upper, lower) if self.mirrored else (lower, upper)

    def knots(self) -> tuple[float, ...]:
        """Return the logits where the quantile function is not smooth."""
        knots = _logits(self.law.knots())
        return tuple(-t for t in reversed(knots)) if self.mirrored else knots


def _split(inner: Axis, v: Floats, knots: tuple[float, ...]) -> tuple[Floats, Floats]:
    """Return nodes and weights of the inner rule with panels cut at the law's knots.

    For every outer logit v the knots lie elsewhere: shapes (outer, nodes) and (mixtures, outer,
    nodes). The logarithm of the density is interpolated between the nodes of its panel.
    """
    nodes = inner.logits.shape[1]
    x, w = _legendre(nodes)
    first, last = inner.edges[0], inner.edges[-1]
    # u = v + (1 - v) b meets p at b/(1 - b) = (p - v)/(1 - p), in odds:
    with np.errstate(all="ignore"):
        odds = np.exp(v)
        cuts = [np.log((math.exp(knot) - odds) / (1.0 + odds)) for knot in knots]
    cuts = [np.clip(np.nan_to_num(cut, nan=first), first, last) for cut in cuts]
    fixed = np.broadcast_to(inner.edges, (len(v), len(inner.edges)))
    edges = np.sort(np.concatenate([fixed, np.stack(cuts, axis=-1)], axis=-1), axis=-1)
    half = 0.5 * np.diff(edges, axis=-1)
    middle = edges[:, :-1] + half
    t = middle[..., np.newaxis] + half[..., np.newaxis] * x
    panel = np.clip(np.searchsorted(inner.edges, middle) - 1, 0, len(inner.edges) - 2)
    length = np.diff(inner.edges)[panel]
    place = 2.0 * (t - inner.edges[panel][..., np.newaxis]) / length[..., np.newaxis] - 1.0
    basis = _lagrange(nodes, place)
    logs = np.einsum("ospk,mosk->mosp", basis, inner.logs[:, panel])
    weights = np.exp(logs) * (half[..., np.newaxis] * w)
    shape = (len(v), -1)
    return t.reshape(shape), weights.reshape(len(inner.logs), *shape)


def _lagrange(nodes: int, at: Floats) -> Floats:
    """Return the values at points of [-1, 1] of the polynomials that are 1 at one node each."""
    x, w = _legendre(nodes)
    signs = np.where(np.arange(nodes) % 2, -1.0, 1.0) * np.sqrt((1.0 - x * x) * w)
    distance = at[..., np.newaxis] - x
    distance = np.where(distance == 0.0, 1e-300, distance)
    parts = signs / distance
    return np.asarray(parts / parts.sum(axis=-1, keepdims=True))


@functools.lru_cache(maxsize=2048)
def _gaps(law: Distribution, ranks: Ranks, n: int, given: Ranks, N: int, rule: Rule) -> Floats:
    """Return E (X - Y)^2 for X of the batch's ranks and Y of the full set's, shape (Y, X)."""
    found = np.zeros(len(given) * len(ranks))
    for side in (Side(law), Side(law, mirrored=True)):
        low, high = side.growths(2)
        if side.mirrored:
            ranks = tuple(n + 1 - r for r in ranks)
            given = tuple(N + 1 - s for s in given)
        inner = _inner(ranks, n, given, N, high, rule)
        if inner is None:
            continue
        knots = side.knots()
        outer = _outer(given, N, low, high, rule, _around(knots, inner))
        v = outer.logits.ravel()
        here = outer.weights.repeat(len(ranks), axis=0)
        if knots:
            t, weights = _split(inner, v, knots)
        else:
            t, weights = inner.logits.ravel()[np.newaxis], inner.weights
        with np.errstate(over="ignore"):
            # Odds of v + (1 - v) b.
            near, step = np.exp(v)[:, np.newaxis], np.exp(t)
            far = side.quantile(np.log(near + step + near * step))
        gaps = (far - side.quantile(v)[:, np.newaxis]) ** 2
        if weights.ndim == 2:
            found += ((here @ gaps) * weights).sum(axis=-1)
        else:
            found += np.einsum("mo,mon,on->m", here, weights, gaps)
    return found.reshape(len(given), len(ranks))


@functools.lru_cache(maxsize=4096)
def _from(law: Distribution, ranks: Ranks, n: int, origin: float, power: int, rule: Rule) -> Floats:
    """Return E (X - origin)^power of the ranks of n draws."""
    side = Side(law)
    axis = _outer(ranks, n, *side.growths(power), rule, side.knots())
    return np.asarray(axis.weights @ (side.quantile(axis.logits.ravel()) - origin) ** power)


def uniform_mean(
    law: Distribution,
    function: Callable[[Floats], Floats],
    power: int,
    rule: Rule,
    cuts: tuple[float, ...] = (),
) -> float:
    """Return E f(X) for one draw X of a standard law, by one rule.

    Parameters
    ----------
    law, function, power
        The law, f, and the power that f grows with.
    rule
        How finely.
    cuts
        Probabilities where f(Q(u)) is not smooth, beside the law's knots.

    Examples
    --------
    >>> from simnorm.distributions import distribution
    >>> round(uniform_mean(distribution("exponential"), np.square, 2, RULES[1]), 9)
    2.0
    """
    side = Side(law)
    knots = tuple(sorted({*side.knots(), *_logits(cuts)}))
    axis = _outer((1,), 1, *side.growths(power), rule, knots)
    return float(axis.weights[0] @ function(side.quantile(axis.logits.ravel())))


# ---------------------------------------------------------------------------------------------
# Errors


class Points(NamedTuple):
    """One or two neighbouring ranks of a sample with their coefficients in the error."""

    size: int
    ranks: Ranks
    coefficients: tuple[float, ...]


def _clusters(kind: RankSum, size: int, sign: float) -> Iterator[Points]:
    """Yield the order statistics of a sample, neighbours together: they share their rules."""
    weights = [(rank, sign * weight) for rank, weight in kind.weights(size) if weight]
    while weights:
        pair = 2 if len(weights) > 1 and weights[1][0] == weights[0][0] + 1 else 1
        ranks, coefficients = zip(*weights[:pair], strict=True)
        yield Points(size, ranks, coefficients)
        weights = weights[pair:]


def _constants(kind: RankSum, law: Distribution) -> list[tuple[float, float]]:
    """Return population values with their coefficients, which make all coefficients sum to 0."""
    parts: tuple[tuple[RankSum, float], ...] = ((kind, 1.0),)
    if isinstance(kind, Range):
        parts = ((Maximum(), 1.0), (Minimum(), -1.0))
    if isinstance(kind, InterquartileRange):
        parts = ((Quantile(0.75), 1.0), (Quantile(0.25), -1.0))
    return [(part.population(law), -sign) for part, sign in parts]


def _exists(kind: RankSum, law: Distribution, sizes: tuple[int, ...], power: int) -> bool:
    """Return whether E |error|^power exists, and is not made by what is beyond all doubles."""
    tails = law.tails()
    return all(
        (rate - power / index) * FARTHEST >= FEWEST_REACHED
        for size in sizes
        for rank, weight in kind.weights(size)
        for rate, index in ((rank, tails.lower), (size - rank + 1, tails.upper))
        if weight
    )


def _bias(
    law: Distribution, points: list[Points], constants: list[tuple[float, float]], rule: Rule
) -> tuple[float, float]:
    """Return the bias, and the sum of the sizes of its terms."""
    origin = law.standard_median()
    parts = [c * (value - origin) for value, c in constants]
    for p in points:
        parts += list(np.array(p.coefficients) * _from(law, p.ranks, p.size, origin, 1, rule))
    return math.fsum(parts), math.fsum(np.abs(parts))


def _size(law: Distribution, points: list[Points], rule: Rule) -> float:
    """Return the largest mean distance of the points from the median."""
    side, origin = Side(law), law.standard_median()
    sizes = []
    for p in points:
        axis = _outer(p.ranks, p.size, *side.growths(1), rule, side.knots())
        sizes += list(axis.weights @ np.abs(side.quantile(axis.logits.ravel()) - origin))
    return float(max(sizes))


def _mse(
    law: Distribution, points: list[Points], constants: list[tuple[float, float]], rule: Rule
) -> tuple[float, float]:
    """Return the mean squared error, and the sum of the sizes of its terms."""
    parts = []
    for (x, c), (y, d) in itertools.combinations(constants, 2):
        parts.append(c * d * (x - y) ** 2)
    for p in points:
        for value, c in constants:
            squares = _from(law, p.ranks, p.size, value, 2, rule)
            parts += list(c * np.array(p.coefficients) * squares)
        if len(p.ranks) == 2:
            gap = _gaps(law, p.ranks[1:], p.size, p.ranks[:1], p.size, rule)
            parts.append(p.coefficients[0] * p.coefficients[1] * float(gap[0, 0]))
    for p, q in itertools.combinations(points, 2):
        products = np.outer(q.coefficients, p.coefficients)
        parts += list((products * _gaps(law, p.ranks, p.size, q.ranks, q.size, rule)).ravel())
    return -math.fsum(parts), math.fsum(np.abs(parts))


class Moments(NamedTuple):
    """What one rule makes of an error, with the sizes of what may cancel in it."""

    bias: float
    rounding: float
    mse: float
    terms: float
    size: float

    @property
    def variance(self) -> float:
        """The mean squared error without the bias."""
        return self.mse - self.bias * self.bias

    def agrees(self, other: Moments) -> bool:
        """Return whether another rule has found the same."""
        difference = abs(self.bias - other.bias)
        if math.isnan(self.mse):
            return difference <= max(LARGEST_DIFFERENCE * abs(self.bias), ROUNDING * self.size)
        if not self.variance > 0.0:
            return False
        unit = math.sqrt(self.variance)
        if difference > max(LARGEST_DIFFERENCE * unit, min(LARGEST_LOSS * unit, self.rounding)):
            return False
        difference = abs(self.mse - other.mse)
        if difference <= LARGEST_DIFFERENCE * self.variance:
            return True
        return difference <= min(LARGEST_LOSS * self.variance, ROUNDING * self.terms)


def order_pair(kind: RankSum, n: int, full: int | None, law: Distribution) -> Pair | None:
    """Return bias and variance of the error for scale 1, or None where they cannot be had.

    Examples
    --------
    >>> from simnorm.distributions import distribution
    >>> from simnorm.estimators import maximum
    >>> pair = order_pair(maximum, 3, None, distribution("uniform"))
    >>> round(pair.bias, 12), round(pair.variance, 12)
    (-0.25, 0.0375)
    """
    law = law.standard
    sizes = (n,) if full is None else (n, full)
    if len(law.knots()) > MOST_KNOTS or not _exists(kind, law, sizes, 1):
        return None
    has_variance = _exists(kind, law, sizes, 2)
    points = list(_clusters(kind, n, 1.0))
    constants: list[tuple[float, float]] = []
    if full is None:
        constants = _constants(kind, law)
    else:
        points += _clusters(kind, full, -1.0)
    if not all(math.isfinite(value) for value, _ in constants):
        return None
    previous: Moments | None = None
    for rule in RULES_WITH_KNOTS if law.knots() else RULES:
        bias, terms = _bias(law, points, constants, rule)
        squares = (math.nan, math.nan)
        if has_variance:
            with np.errstate(over="ignore", invalid="ignore"):
                squares = _mse(law, points, constants, rule)
            # Squared quantiles may leave the doubles where those themselves do not.
            has_variance = math.isfinite(squares[0])
        found = Moments(
            bias, ROUNDING * terms, *squares, 0.0 if has_variance else _size(law, points, rule)
        )
        if previous is not None and found.agrees(previous):
            unit = math.sqrt(found.mse) if has_variance else found.size
            bias = bias if abs(bias) > ROUNDING * unit else 0.0
            return Pair(bias, found.variance)
        if found.variance < LOST * found.terms:
            return None
        previous = found
    return None
