"""Compiled loops: skewness and excess kurtosis of batches."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simnorm.kernels.loops import summing

Floats = NDArray[np.float64]


@summing()
def shapes(samples: Floats, skewness: Floats, excess_kurtosis: Floats) -> None:
    """Take both of batches, shape (lanes, k, n); NaN where all values of a batch are equal.

    Centred twice, as the estimators are: the first mean is rounded to the size of the data, the
    second to their spread.
    """
    size = samples.shape[2]
    for lane in range(samples.shape[0]):
        for batch in range(samples.shape[1]):
            values = samples[lane, batch]
            mean, equal = 0.0, True
            for i in range(size):
                mean += values[i]
                equal = equal and values[i] == values[0]
            mean /= size
            if equal:
                skewness[lane, batch] = np.nan
                excess_kurtosis[lane, batch] = np.nan
                continue
            rest = 0.0
            for i in range(size):
                rest += values[i] - mean
            rest /= size
            second, third, fourth = 0.0, 0.0, 0.0
            for i in range(size):
                x = (values[i] - mean) - rest
                xx = x * x
                second += xx
                third += xx * x
                fourth += xx * xx
            second /= size
            skewness[lane, batch] = third / size / (second * np.sqrt(second))
            excess_kurtosis[lane, batch] = fourth / size / (second * second) - 3.0
