"""Whether a run agrees with theory, for the first page and for the audit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from simnorm.figures.tables import floats, is_data, reference_of
from simnorm.formatting import percent, plural
from simnorm.questions import FAMILY_LEVEL, independent_questions, sidak_bound
from simnorm.report.facts import covered
from simnorm.report.words import z_text

if TYPE_CHECKING:
    import pandas as pd


# An estimate without a valid error bar is told of if theory is so many times as large.
FAR = 1.5


def trust(frame: pd.DataFrame) -> str:
    """Return in plain words whether the run agrees with theory, for the first page."""
    return checked_words(independent_questions(frame), unsure=_has_unsure(frame))


def _has_unsure(frame: pd.DataFrame) -> bool:
    """Return whether rows with exact theory have no valid error bar, so that none has a z."""
    unsure = (frame["status"] == "unreliable") & (frame["theory_kind"] == "exact")
    return bool(unsure.any())


def checked_words(asked: pd.DataFrame, *, unsure: bool = False) -> str:
    """Return in how many places a run was checked against exact theory, and how it came out.

    Parameters
    ----------
    asked
        The rows that ask exact theory something, each with its z and its replications.
    unsure
        Whether other rows have exact theory and no valid error bar, which are not checked.

    Examples
    --------
    >>> import pandas as pd
    >>> checked_words(pd.DataFrame({"z": [0.5, -1.0], "replications": [256, 256]}))
    'Checked against exact theory in 2 places: no disagreement.'
    """
    if asked.empty:
        return (
            "No row could be checked: exact theory and a valid error bar never come together here."
        )
    z = np.abs(floats(asked, "z"))
    off = int((z > _bound(asked)).sum())
    found = "no disagreement"
    if off:
        verb = "disagrees" if off == 1 else "disagree"
        found = f"{off:,} of them {verb} by more than chance explains"
    text = f"Checked against exact theory in {plural(len(asked), 'place')}: {found}."
    if unsure:
        text += " Hollow points have no valid error bar and are not checked."
    return text


def _bound(asked: pd.DataFrame) -> float:
    return sidak_bound(len(asked), int(asked["replications"].min()))


def verdict(asked: pd.DataFrame) -> str:
    """Return in one sentence whether z values agree with theory, with the bound they keep."""
    if asked.empty:
        return checked_words(asked)
    largest, bound = float(np.abs(floats(asked, "z")).max()), _bound(asked)
    agree = largest <= bound
    which = (
        f"of {len(asked):,} questions the largest |z|"
        if len(asked) > 1
        else "of the one question |z|"
    )
    return (
        f"The run {'agrees' if agree else 'does not agree'} with exact theory: {which} "
        f"is {z_text(largest)}, {'below' if agree else 'above'} the bound of {bound:.2f} that near "
        f"normal estimates exceed by chance in at most {percent(FAMILY_LEVEL, 1)} of runs."
    )


def audit_finding(frame: pd.DataFrame) -> str:
    """Return the verdict of the audit and where the largest deviation is."""
    asked = independent_questions(frame)
    if asked.empty:
        return verdict(asked)
    if len(asked) == 1:
        row = asked.iloc[0]
        return (
            f"{verdict(asked)} It is the {row['measure']} of {row['estimator']} ({row['name']}, "
            f"batch size {int(row['batch_size']):,})."
        )
    worst = asked.iloc[int(np.abs(floats(asked, "z")).argmax())]
    z = floats(asked, "z")
    return (
        f"{verdict(asked)} It belongs to the {worst['measure']} of {worst['estimator']} "
        f"({worst['name']}, batch size {int(worst['batch_size']):,}). The root mean square of all "
        f"z is {z_text(math.sqrt(float(np.mean(z**2))))}; 1 is expected."
    )


def unmet(frame: pd.DataFrame, measure: str) -> str:
    """Return why hollow points lie far below exact theory, where a measure has such; or nothing.

    A heavy tail has most of its variance in values so rare that hardly any sample holds one.
    """
    rows = frame[(frame["measure"] == measure) & (frame["reference"] == reference_of(frame))]
    rows = rows[(rows["status"] == "unreliable") & (rows["theory_kind"] == "exact")]
    if not (np.abs(floats(rows, "theory")) > FAR * np.abs(floats(rows, "estimate"))).any():
        return ""
    return (
        "Hollow points have no valid error bar and are not checked against theory. Some lie far "
        "below it: most of such a value comes from observations so rare that this run has hardly "
        "met one."
    )


def intervals_sentence(frame: pd.DataFrame) -> str:
    """Return how many intervals of the RMSE contain the exact value, and what that means.

    Nothing where fewer than two are to be counted.
    """
    rows = frame[(frame["measure"] == "rmse") & (frame["reference"] == reference_of(frame))]
    inside, tested = covered(rows)
    if tested < 2:
        return ""
    source = "orders of the rows" if is_data(frame) else "draws"
    return (
        f"Of {tested:,} intervals of the RMSE (each 95 %) with exact theory {inside:,} contain the "
        f"exact value ({percent(inside / tested)}). They all come from the same {source}, so they "
        "tend to miss together: in one run this share may be well off 95 %, and the root mean "
        "square of z off 1; over many seeds both come near."
    )
