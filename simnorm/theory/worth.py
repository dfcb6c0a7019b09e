"""The mean of a shuffled batch, and how many shuffled rows a batch of another scheme is worth."""

from __future__ import annotations


def shuffled_mse(n: float, full_size: int, *, of_data: bool) -> float:
    """Return the exact mean squared error of a shuffled batch's mean, in squared sd.

    Of data the sd is the column's own, with divisor N, of a distribution the population's.

    Examples
    --------
    >>> shuffled_mse(2, 4, of_data=False), round(shuffled_mse(2, 4, of_data=True), 4)
    (0.25, 0.3333)
    """
    correction = full_size / (full_size - 1) if of_data and full_size > 1 else 1.0
    # A batch of n > N is none of shuffled rows.
    return correction * max(1.0 / n - 1.0 / full_size, 0.0)


def effective_size(mse: float, full_size: int, *, of_data: bool) -> float:
    """Return the m whose shuffled batches have this mean squared error of their mean, in sd^2.

    Examples
    --------
    >>> effective_size(0.25, 4, of_data=False)
    2.0
    """
    correction = (full_size - 1) / full_size if of_data else 1.0
    return 1.0 / (mse * correction + 1.0 / full_size)
