"""Compiled loops: outputs of batches, their errors and ranks, value by value.

Batches are sorted places among sorted full sets, shape (lanes, k, n); there is one full set for
all lanes, or one for each. Every value is taken less the smallest of its batch, and then less what
else there is: in another order, values far from zero would lose their digits. So no sum of these
may be reordered.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simnorm.kernels.loops import loop, summing

Floats = NDArray[np.float64]
Places = NDArray[np.int32]


@summing()
def batch_moments(places: Places, rising: Floats, means: Floats, variances: Floats) -> None:
    """Take means less the smallest value, and biased variances, shape (lanes, k)."""
    size = places.shape[2]
    buffer = np.empty(size)
    for lane in range(places.shape[0]):
        row = rising[lane if rising.shape[0] > 1 else 0]
        for batch in range(places.shape[1]):
            at = places[lane, batch]
            low = row[at[0]]
            total = 0.0
            for i in range(size):
                d = row[at[i]] - low
                buffer[i] = d
                total += d
            mean = total / size
            squares = 0.0
            for i in range(size):
                x = buffer[i] - mean
                squares += x * x
            means[lane, batch] = mean
            variances[lane, batch] = squares / size


@loop()
def output_powers(
    places: Places, rising: Floats, means: Floats, stds: Floats, found: Floats
) -> None:
    """Take the means of outputs to the third and fourth power, shape (2, lanes)."""
    size = places.shape[2]
    for lane in range(places.shape[0]):
        row = rising[lane if rising.shape[0] > 1 else 0]
        cubes, fourths = 0.0, 0.0
        for batch in range(places.shape[1]):
            at = places[lane, batch]
            low, mean, std = row[at[0]], means[lane, batch], stds[lane, batch]
            if not std > 0.0:
                continue
            third, fourth = 0.0, 0.0
            for i in range(size):
                t = ((row[at[i]] - low) - mean) / std
                tt = t * t
                third += tt * t
                fourth += tt * tt
            cubes += third
            fourths += fourth
        found[0, lane] = cubes / size / places.shape[1]
        found[1, lane] = fourths / size / places.shape[1]


@loop()
def direct_errors(
    places: Places,
    rising: Floats,
    means: Floats,
    slopes: Floats,
    beta: float,
    centres: Floats,
    inverses: Floats,
    found: Floats,
) -> None:
    """Take mean and mean square of slope (x - mean) + beta - z over all values, shape (2, lanes).

    Parameters
    ----------
    places, rising, means
        The batches.
    slopes, beta
        Of the outputs; slopes of shape (lanes, k).
    centres, inverses
        z is (d + centre) times inverse, d being x less the smallest value; shapes (lanes, k) and
        (lanes,).
    found
        Receives both.
    """
    size = places.shape[2]
    for lane in range(places.shape[0]):
        row = rising[lane if rising.shape[0] > 1 else 0]
        errors, squares = 0.0, 0.0
        inverse = inverses[lane]
        for batch in range(places.shape[1]):
            at = places[lane, batch]
            low, mean = row[at[0]], means[lane, batch]
            slope, centre = slopes[lane, batch], centres[lane, batch]
            error, square = 0.0, 0.0
            for i in range(size):
                d = row[at[i]] - low
                e = ((d - mean) * slope + beta) - (d + centre) * inverse
                error += e
                square += e * e
            errors += error
            squares += square
        found[0, lane] = errors / size / places.shape[1]
        found[1, lane] = squares / size / places.shape[1]


@loop()
def rank_errors(places: Places, middles: Floats, found: Floats) -> None:
    """Take mean and mean square of (mean rank - 1/2)/n less that in the full set, (2, lanes).

    The latter are the middles, shape (1 or lanes, N). Equal values have the same, and no others.
    """
    size = places.shape[2]
    for lane in range(places.shape[0]):
        row = middles[lane if middles.shape[0] > 1 else 0]
        errors, squares = 0.0, 0.0
        for batch in range(places.shape[1]):
            at = places[lane, batch]
            i = 0
            while i < size:
                x = row[at[i]]
                j = i + 1
                while j < size and row[at[j]] == x:
                    j += 1
                e = (i + j) / (2.0 * size) - x
                errors += (j - i) * e
                squares += (j - i) * (e * e)
                i = j
        found[0, lane] = errors / size / places.shape[1]
        found[1, lane] = squares / size / places.shape[1]


@loop()
def count_outputs(
    places: Places,
    rising: Floats,
    means: Floats,
    stds: Floats,
    first: float,
    width: float,
    closed: bool,
    counts: Floats,
) -> None:
    """Count outputs in bins of one width from `first` on, shape (lanes, bins).

    Where `closed`, what lies outside counts as in the outermost bin.
    """
    size, bins = places.shape[2], counts.shape[1]
    for lane in range(places.shape[0]):
        row = rising[lane if rising.shape[0] > 1 else 0]
        for batch in range(places.shape[1]):
            at = places[lane, batch]
            low, mean, std = row[at[0]], means[lane, batch], stds[lane, batch]
            for i in range(size):
                t = ((row[at[i]] - low) - mean) / std if std > 0.0 else 0.0
                b = int(np.floor((t - first) / width))
                if closed:
                    b = min(max(b, 0), bins - 1)
                if 0 <= b < bins:
                    counts[lane, b] += 1.0


@loop()
def errors_by_value(
    places: Places,
    rising: Floats,
    means: Floats,
    stds: Floats,
    centres: Floats,
    inverses: Floats,
    first: float,
    width: float,
    found: Floats,
) -> None:
    """Add up squared errors of outputs in bins of the z-score, and count, shape (2, lanes, bins).

    z is (d + centre) times inverse, as in `direct_errors`.
    """
    size, bins = places.shape[2], found.shape[2]
    for lane in range(places.shape[0]):
        row = rising[lane if rising.shape[0] > 1 else 0]
        inverse = inverses[lane]
        for batch in range(places.shape[1]):
            at = places[lane, batch]
            low, mean, std = row[at[0]], means[lane, batch], stds[lane, batch]
            centre = centres[lane, batch]
            for i in range(size):
                d = row[at[i]] - low
                z = (d + centre) * inverse
                b = int(np.floor((z - first) / width))
                if 0 <= b < bins:
                    e = ((d - mean) / std if std > 0.0 else 0.0) - z
                    found[0, lane, b] += e * e
                    found[1, lane, b] += 1.0
