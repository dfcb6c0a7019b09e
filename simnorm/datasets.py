"""Three data sets with classes that come with scikit-learn, and three that are made of them.

All are the same on every machine, but for the last digits.

==============  =====  ========  =======  ==========================================================
word            rows   features  classes  what it is
==============  =====  ========  =======  ==========================================================
wine            178    13        3        chemical analyses of wines, features of different scales
breast_cancer   569    30        2        measurements of cell nuclei, of different scales
digits          1,797  64        10       images of 8 by 8 pixels from 0 to 16, all of one scale
spread_scales   1,797  64        10       made: digits, pixel j times 10^(6 j/63), j from 0 to 63
heavy_tails     178    13        3        made: wine, its features shaped like Student's t
normal_tails    178    13        3        made: wine, its features shaped like a normal distribution
==============  =====  ========  =======  ==========================================================

To a scaler that undoes factors (`min_max`, z-scores, batches) `spread_scales` is `digits` again.
The last two have features of wine in another shape: the value of rank r among N is moved to the
quantile (r - 1/2)/N of a law that has the feature's median and its interquartile range. Order,
scale and classes stay as they are, so that beside each other they show what the shape alone does.
The laws of `heavy_tails` are t with 1, 2 and 4 degrees of freedom in turn: the first (Cauchy) has
no mean, the second no variance, the third no fourth moment.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnorm.errors import SimnormError, nearest

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

# What is made, and of what.
MADE_OF: Mapping[str, str] = {
    "spread_scales": "digits", "heavy_tails": "wine", "normal_tails": "wine",
}  # fmt: skip
# Powers of ten between the smallest and the largest scale.
DECADES = 6.0
# Degrees of freedom of the features, in turn.
HEAVY = (1.0, 2.0, 4.0)


class Bundled(NamedTuple):
    """A data set with classes.

    Parameters
    ----------
    name
        Its word.
    rows
        Shape (N, features), not writeable.
    codes
        The class of every row, from 0 on, shape (N,).
    """

    name: str
    rows: Floats
    codes: Codes

    @property
    def classes(self) -> int:
        """The number of classes."""
        return int(self.codes.max()) + 1

    @property
    def largest_share(self) -> float:
        """The accuracy of always guessing the class that most rows have."""
        return float(np.bincount(self.codes).max() / len(self.codes))


def bundled(word: str) -> Bundled:
    """Return a data set.

    Parameters
    ----------
    word
        ``wine``, ``breast_cancer``, ``digits``, ``spread_scales``, ``heavy_tails`` or
        ``normal_tails``.

    Raises
    ------
    SimnormError
        If there is none of that name.

    Examples
    --------
    >>> found = bundled("heavy_tails")
    >>> found.rows.shape, found.classes, round(found.largest_share, 3)
    ((178, 13), 3, 0.399)

    Shapes differ, medians do not:

    >>> wine = bundled("wine")
    >>> np.allclose(np.median(found.rows, axis=0), np.median(wine.rows, axis=0), rtol=0.02)
    True
    """
    if word not in _MAKERS:
        hint = nearest(str(word), _MAKERS).strip()
        raise SimnormError("datasets", word, f"allowed are {', '.join(_MAKERS)}", hint)
    return _made(word)


@functools.cache
def _made(word: str) -> Bundled:
    rows, codes = _MAKERS[word]()
    rows = np.ascontiguousarray(rows, dtype=np.float64)
    codes = codes.astype(np.int64)
    rows.flags.writeable = codes.flags.writeable = False
    return Bundled(word, rows, codes)


def spread(rows: Floats, decades: float = DECADES) -> Floats:
    """Return the rows with features times powers of ten, evenly spaced from 1 to 10^decades.

    Examples
    --------
    >>> spread(np.ones((1, 3)), decades=4).tolist()
    [[1.0, 100.0, 10000.0]]
    """
    return np.asarray(rows * np.logspace(0.0, decades, rows.shape[1]))


def reshaped(rows: Floats, degrees: tuple[float, ...]) -> Floats:
    """Return the rows with every feature in another shape, its order, median and IQR kept.

    Equal values stay equal: they share the mean of their ranks.

    Parameters
    ----------
    rows
        Shape (N, features).
    degrees
        Degrees of freedom of Student's t, for the features in turn; infinite is normal.

    Examples
    --------
    Five values become quantiles 0.1, 0.3, ... of Cauchy's distribution about 2, of IQR 2:

    >>> reshaped(np.array([[0.0], [1.0], [2.0], [3.0], [10.0]]), (1.0,)).ravel().round(2).tolist()
    [-1.08, 1.27, 2.0, 2.73, 5.08]
    """
    from scipy.special import ndtri, stdtrit
    from scipy.stats import rankdata

    shares = (rankdata(rows, axis=0) - 0.5) / len(rows)
    low, middle, high = np.quantile(rows, [0.25, 0.5, 0.75], axis=0)
    found = np.empty(rows.shape)
    for j, share in enumerate(shares.T):
        df = degrees[j % len(degrees)]
        values, quarter = (
            (ndtri(share), ndtri(0.75)) if np.isinf(df) else (stdtrit(df, share), stdtrit(df, 0.75))
        )
        found[:, j] = middle[j] + (high[j] - low[j]) * values / (2.0 * quarter)
    return found


def _wine() -> tuple[Floats, Codes]:
    from sklearn.datasets import load_wine

    found: tuple[Floats, Codes] = load_wine(return_X_y=True)
    return found


def _breast_cancer() -> tuple[Floats, Codes]:
    from sklearn.datasets import load_breast_cancer

    found: tuple[Floats, Codes] = load_breast_cancer(return_X_y=True)
    return found


def _digits() -> tuple[Floats, Codes]:
    from sklearn.datasets import load_digits

    found: tuple[Floats, Codes] = load_digits(return_X_y=True)
    return found


def _spread_scales() -> tuple[Floats, Codes]:
    rows, codes = _digits()
    return spread(rows), codes


def _heavy_tails() -> tuple[Floats, Codes]:
    rows, codes = _wine()
    return reshaped(rows, HEAVY), codes


def _normal_tails() -> tuple[Floats, Codes]:
    rows, codes = _wine()
    return reshaped(rows, (np.inf,)), codes


_MAKERS: Mapping[str, Callable[[], tuple[Floats, Codes]]] = {
    "wine": _wine,
    "breast_cancer": _breast_cancer,
    "digits": _digits,
    "spread_scales": _spread_scales,
    "heavy_tails": _heavy_tails,
    "normal_tails": _normal_tails,
}
