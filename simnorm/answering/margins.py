"""What was said beforehand to be too small to matter, in one place."""

from __future__ import annotations

# An error of a normalized value up to a tenth of a standard deviation is good enough.
ERROR = 0.1
# A difference in accuracy of up to one point, 1 % of the test rows.
ACCURACY = 0.01
# A difference in time of up to 5 %.
TIME = 0.05
# A ratio of two shifts of activations up to 10 % from 1.
SHIFT = 0.1
# A difference between two cosines.
COSINE = 0.05
# Skewness and excess kurtosis that rounding alone may add.
SHAPE = 1e-6

TOLD = {
    ERROR: "0.1 standard deviations, root mean square, of a normalized value",
    ACCURACY: "1 point of accuracy",
    TIME: "5 % of the time",
}
