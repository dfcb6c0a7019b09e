"""How much of the error about the population is the batch's, and how much the full set's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simnorm.figures.split_parts import (
    Parts,
    Shares,
    all_parts,
    shares_of,
    simulated,
)
from simnorm.figures.tables import is_data
from simnorm.formatting import percent
from simnorm.report.words import in_words

if TYPE_CHECKING:
    import pandas as pd

OF_DATA = "A file has no population: all of the error is the batch’s about the file."
NOTHING = "The run does not have the error of its full sets about the population."
UNKNOWN = "No error about the population has both a value to trust and a full set’s beside it."
# A smaller part of a squared error is not worth a word.
LEAST = 0.005


def split_finding(frame: pd.DataFrame, curves: pd.DataFrame, estimator: str = "") -> str:
    """Return whose error it is, at the smallest and at the largest batches.

    Parameters
    ----------
    frame, curves
        The tables of a run.
    estimator
        As in `simnorm.figures.split.figure`.
    """
    every = all_parts(frame, curves, estimator)
    found = [parts for parts in every if parts.name == every[0].name]
    if not found:
        return OF_DATA if is_data(frame) else NOTHING
    # The last one is the scale, where the two parts may be correlated.
    said = [sentence for parts in reversed(found) if (sentence := _of_one(parts))]
    return said[0] if said else UNKNOWN


def _of_one(parts: Parts) -> str:
    what = f"the {in_words(parts.spec)} of {parts.name}"
    if parts.level == 0.0:
        if (simulated(parts.population)["estimate"] == 0.0).all():
            return f"Of {what} no batch that was drawn is off the population value."
        return (
            f"For {what}, no full set that was drawn (N = {parts.full_size:,}) is off the "
            "population value: all of the error seen is the batch’s."
        )
    shares = shares_of(parts)
    if not shares:
        return ""
    small, large = shares[0], shares[-1]
    text = (
        f"For {what}, {_part(small.full_set)} of the mean squared error about the population comes "
        f"from the full set (N = {parts.full_size:,}) at n = {small.n:,}"
    )
    if large.n > small.n:
        text += f", and {_part(large.full_set)} at n = {large.n:,}"
    return f"{text}; the rest is the batch’s. {_covariance(shares)}".strip()


def _part(share: float) -> str:
    """Return a part of the squared error in words.

    Examples
    --------
    >>> _part(0.0000001), _part(0.0625)
    ('less than 0.001 %', '6.2 %')
    """
    return "less than 0.001 %" if share < 1e-5 else percent(share)


def _covariance(shares: list[Shares]) -> str:
    """Return a sentence on the term that both parts have together, where it is seen."""
    exact = [share for share in shares if share.is_exact]
    most = max(exact, key=lambda share: abs(share.rest), default=None)
    if most is None or abs(most.rest) < LEAST:
        return ""
    return (
        f"The two parts are correlated: at n = {most.n:,} twice their covariance is "
        f"{percent(most.rest).replace('-', '−')} of the whole."
    )
