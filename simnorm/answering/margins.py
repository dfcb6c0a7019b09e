"""What was said beforehand to be too small to matter, and by which rules claims are judged."""

from __future__ import annotations

# An error of a normalized value up to a tenth of a standard deviation is good enough.
ERROR = 0.1
# A mean or spread of a batch that is off by up to 1 % of the spread carries no error to speak of.
SAMPLING = 0.01
# A difference in accuracy of up to one point, 1 % of the test rows.
ACCURACY = 0.01
# A difference in time of up to 5 %.
TIME = 0.05
# A ratio of two shifts up to 10 % from 1; a difference of two cosines of up to 0.05.
SHIFT = 0.1
COSINE = 0.05

# The same in words, by what they are of.
TOLD = {
    "error": "0.1 standard deviations, root mean square, of a normalized value",
    "sampling": "1 % of the standard deviation, of a batch's mean or spread",
    "accuracy": "1 point of accuracy",
    "time": "5 % of the time",
    "shift": "a ratio of shifts within 10 % of 1, a difference of cosines within 0.05",
}

# For whoever prints verdicts beside intervals: which intervals decide.
FAMILIES = (
    "A claim often rests on several comparisons. To say of one that it differs, its interval is "
    "widened so that all m comparisons of the claim hold together with 95 % (Bonferroni: Student's "
    "t at 1 - 0.05/m in place of 0.95, with the degrees of freedom of the number; for medians of "
    "timings, whose intervals are order statistics, this is about so). To say that there is no "
    "difference, all plain intervals must lie inside the margin. Figures and tables show plain "
    "95 % intervals, each for itself, so that a difference that shows there can be undecided in a "
    "verdict. Claims are not corrected for one another."
)

# What page one may say of its verdicts, word by word.
COMPUTED = "Verdicts are computed from the numbers by rules named beforehand, not written in"
WITH_ERRORS = (
    "has no number without its error or its interval, unless it is exact or by theory, and then "
    "says so"
)
