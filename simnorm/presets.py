"""How frameworks average batch statistics for inference, and what else one might do.

An *average* turns the means and variances of a stream of batches into the mean and variance that
normalize at test time. Its word names a framework's default settings, any of which can be changed:
``keras3(momentum=0.9)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar

from simnorm.errors import SimnormError
from simnorm.grammar import read_spec, spec_text

# What running averages are before the first batch, in all three frameworks.
FIRST_MEAN, FIRST_VARIANCE = 0.0, 1.0


@dataclass(frozen=True, kw_only=True)
class Average:
    """A way to average batch statistics.

    Parameters
    ----------
    momentum
        Weight of the old value, from 0 to 1; of an average that has one.
    epsilon
        What is added to the variance under the root, in the squared unit of the data.
    ddof
        0 or 1: the divisor of the batch variances that are averaged is n - ddof.
    """

    word: ClassVar[str]
    note: ClassVar[str]
    # Whether a batch of one row is refused in training.
    refuses_single: ClassVar[bool] = False

    momentum: float | None = None
    epsilon: float = 0.0
    ddof: float = 0

    def __post_init__(self) -> None:
        """Refuse numbers out of range."""
        if self.momentum is not None and not 0.0 <= self.momentum <= 1.0:
            raise SimnormError(
                "presets", f"momentum={self.momentum}", "momentum is a number from 0 to 1"
            )
        if not 0.0 <= self.epsilon < float("inf"):
            raise SimnormError(
                "presets", f"epsilon={self.epsilon}", "epsilon is a finite number from 0"
            )
        if self.ddof not in (0, 1):
            raise SimnormError("presets", f"ddof={self.ddof}", "ddof is 0 or 1")

    def __str__(self) -> str:
        """Return the canonical spec: what differs from the word's own settings."""
        usual = type(self)()
        changed = {f.name: getattr(self, f.name) for f in fields(self)}
        changed = {k: v for k, v in changed.items() if v != getattr(usual, k)}
        return spec_text(self.word, changed)


@dataclass(frozen=True, kw_only=True)
class Keras3(Average):
    """Keras 3: an exponential average of biased batch variances."""

    momentum: float | None = 0.99
    epsilon: float = 1e-3
    ddof: float = 0
    word: ClassVar[str] = "keras3"
    note: ClassVar[str] = "exponential average of biased variances, momentum 0.99, epsilon 0.001"


@dataclass(frozen=True, kw_only=True)
class PyTorch(Average):
    """PyTorch: an exponential average of unbiased batch variances; its momentum of 0.1 is 0.9."""

    momentum: float | None = 0.9
    epsilon: float = 1e-5
    ddof: float = 1
    word: ClassVar[str] = "pytorch"
    note: ClassVar[str] = (
        "exponential average of unbiased variances, momentum 0.9 (which PyTorch calls 0.1), "
        "epsilon 0.00001"
    )
    refuses_single: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class Flax(Average):
    """Flax: as Keras, with another epsilon."""

    momentum: float | None = 0.99
    epsilon: float = 1e-5
    ddof: float = 0
    word: ClassVar[str] = "flax"
    note: ClassVar[str] = "exponential average of biased variances, momentum 0.99, epsilon 0.00001"


@dataclass(frozen=True, kw_only=True)
class Cumulative(Average):
    """The plain mean over all batches so far: PyTorch's ``momentum=None``."""

    momentum: float | None = None
    epsilon: float = 1e-5
    ddof: float = 1
    word: ClassVar[str] = "cumulative"
    note: ClassVar[str] = "mean over all batches so far: pytorch with momentum=None"
    refuses_single: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Refuse a momentum: the weights are given."""
        super().__post_init__()
        _no_momentum(self)


@dataclass(frozen=True, kw_only=True)
class Precise(Average):
    """PreciseBN: all rows of the batches pooled, by the law of total variance."""

    momentum: float | None = None
    epsilon: float = 1e-5
    ddof: float = 0
    word: ClassVar[str] = "precise"
    note: ClassVar[str] = "PreciseBN: mean and variance of all rows of the batches, pooled"

    def __post_init__(self) -> None:
        """Refuse a momentum: the weights are given."""
        super().__post_init__()
        _no_momentum(self)


def _no_momentum(average: Average) -> None:
    if average.momentum is not None:
        got = f"momentum={average.momentum}"
        raise SimnormError("presets", got, f"{average.word} weighs all batches alike")


PRESETS: Mapping[str, type[Average]] = {
    kind.word: kind for kind in (Keras3, PyTorch, Flax, Cumulative, Precise)
}


def average(spec: object) -> Average:
    """Return the average that a spec names.

    Raises
    ------
    SimnormError
        If there is no such word, or a number is out of range.

    Examples
    --------
    >>> str(average("keras3(momentum=0.9, epsilon=0.001)")), average("pytorch").ddof
    ('keras3(momentum=0.9)', 1)
    """
    return spec if isinstance(spec, Average) else read_spec(spec, PRESETS, "presets")
