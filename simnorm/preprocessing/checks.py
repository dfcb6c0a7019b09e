"""What the parameters of the transformers may be."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from simnorm.errors import SimnormError
from simnorm.preprocessing.batches import Floats


def whole_number(parameter: str, value: object) -> int:
    """Return `value` if it is a whole number from 1 on.

    Examples
    --------
    >>> whole_number("batch_size", 0)
    Traceback (most recent call last):
        ...
    simnorm.errors.SimnormError: batch_size: got 0; allowed is a whole number from 1.
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, Integral) or value < 1:
        raise SimnormError(parameter, value, "allowed is a whole number from 1")
    return int(value)


def number(
    parameter: str, value: Any, allowed: str, low: float = 0.0, high: float = math.inf
) -> float:
    """Return `value` if it is a finite number from `low` to `high`, which `allowed` says in words.

    Examples
    --------
    >>> number("epsilon", -1, "allowed is a number from 0")
    Traceback (most recent call last):
        ...
    simnorm.errors.SimnormError: epsilon: got -1; allowed is a number from 0.
    """
    is_number = isinstance(value, Real) and not isinstance(value, bool | np.bool_)
    if not (is_number and low <= value <= high and math.isfinite(value)):
        raise SimnormError(parameter, value, allowed)
    return float(value)


def per_feature(parameter: str, value: ArrayLike, features: int) -> Floats:
    """Return `value` as numbers, one for all features or one for each of them.

    Examples
    --------
    >>> per_feature("gamma", [1, 2], features=3)
    Traceback (most recent call last):
        ...
    simnorm.errors.SimnormError: gamma: got [1, 2]; allowed is one finite number, or one for each \
of the 3 features.
    """
    try:
        numbers = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        numbers = np.array(math.nan)
    if numbers.shape not in {(), (features,)} or not np.isfinite(numbers).all():
        allowed = f"allowed is one finite number, or one for each of the {features} features"
        raise SimnormError(parameter, value, allowed)
    return numbers


def generator(random_state: Any) -> Any:
    """Return what shuffles: `random_state` itself, or a new generator from this seed.

    Unlike in scikit-learn None means fresh entropy and not numpy's global generator, which
    nothing in simnorm reads.

    Examples
    --------
    >>> generator(7).permutation(4).tolist() == generator(7).permutation(4).tolist()
    True
    """
    # A generator of numpy's, new or old.
    if hasattr(random_state, "permutation"):
        return random_state
    try:
        return np.random.Generator(np.random.PCG64DXSM(random_state))
    except (TypeError, ValueError) as cause:
        allowed = "allowed is a whole number from 0, a numpy generator or None"
        raise SimnormError("random_state", random_state, allowed) from cause
