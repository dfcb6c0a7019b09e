"""The law of an estimate: histograms of the statistics of batches, and the full set's own error.

Errors say how far batch statistics stray on the whole; a histogram of the statistics themselves
shows how: wide, skewed, beside the value that is wanted. `histogram_curves` makes them from the
first block of a source, drawn again: nothing of a run is needed but its design.

`split_curves` needs the kept replications of a run: what the full set's own estimate is off by.
"""

from simnorm.batch_laws.curves import histogram_curves
from simnorm.batch_laws.split import split_curves

__all__ = ["histogram_curves", "split_curves"]
