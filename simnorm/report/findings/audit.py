"""Whether a run agrees with theory, for the first page and for the audit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from simnorm.figures.tables import (
    floats,
)
from simnorm.formatting import (
    percent,
)
from simnorm.questions import (
    FAMILY_LEVEL,
    independent_questions,
    sidak_bound,
)
from simnorm.report.words import (
    z_text,
)

if TYPE_CHECKING:
    import pandas as pd


def trust(frame: pd.DataFrame) -> str:
    """Return in one sentence whether the run agrees with theory."""
    asked = independent_questions(frame)
    if asked.empty:
        return "No row has both an error bar and exact theory, so nothing could be audited."
    largest = float(np.abs(floats(asked, "z")).max())
    bound = sidak_bound(len(asked), int(asked["replications"].min()))
    agree = largest <= bound
    verdict = "agrees" if agree else "does not agree"
    relation = "below" if agree else "above"
    which = (
        f"of {len(asked):,} questions the largest |z|"
        if len(asked) > 1
        else ("of the one question |z|")
    )
    return (
        f"The run {verdict} with exact theory: {which} "
        f"is {z_text(largest)}, {relation} the bound of {bound:.2f} that near normal estimates "
        f"exceed by chance in at most {percent(FAMILY_LEVEL, 1)} of runs."
    )


def audit_finding(frame: pd.DataFrame) -> str:
    """Return the verdict of the audit and where the largest deviation is."""
    asked = independent_questions(frame)
    if asked.empty:
        return trust(frame)
    if len(asked) == 1:
        row = asked.iloc[0]
        return (
            f"{trust(frame)} It is the {row['measure']} of {row['estimator']} ({row['name']}, "
            f"batch size {int(row['batch_size']):,})."
        )
    worst = asked.iloc[int(np.abs(floats(asked, "z")).argmax())]
    z = floats(asked, "z")
    return (
        f"{trust(frame)} It belongs to the {worst['measure']} of {worst['estimator']} "
        f"({worst['name']}, batch size {int(worst['batch_size']):,}). The root mean square of all "
        f"z is {z_text(math.sqrt(float(np.mean(z**2))))}; 1 is expected."
    )
