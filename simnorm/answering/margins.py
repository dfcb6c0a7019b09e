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
# A shift of at most a tenth of what it was is gone.
GONE = 0.1

# The same in words, by what they are of.
TOLD = {
    "error": "0.1 standard deviations, root mean square, of a normalized value",
    "accuracy": "1 point of accuracy",
    "time": "5 % of the time",
    "shift": "a ratio of shifts within 10 % of 1; at 10 % or less it is gone",
}
