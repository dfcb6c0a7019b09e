"""The check against theory: no z of the run is larger than chance makes it.

Of an honest run chance would make the largest |z| exceed the bound with a probability of LEVEL, if
its estimates were independent and normal, with standard errors from as many normal replications.
They are not: a small estimate of a variance comes with a small standard error. Variances of sweeps
are therefore judged by their logarithms, which takes most of it away. What is left is not known to
the last: of 1,315 honest runs with 20 to 256 replications, of laws from bernoulli to gamma, none
failed, so that with 95 % confidence fewer than 3 in 1,000 do.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from simnorm.checking.finding import Failure, Finding
from simnorm.checking.folder import Folder
from simnorm.checking.keys import words_of
from simnorm.figures.tables import floats
from simnorm.formatting import plural
from simnorm.options import STUDIES, SWEEP
from simnorm.questions import questions_of, sidak_bound, z_by_logarithms

NAME = "theory"

# Reports call one honest run in a hundred suspicious, which is too many to be called wrong.
LEVEL = 1e-4


def check(folder: Folder) -> Finding:
    """Compare z of all that a run asks theory with what chance alone gives."""
    frame = folder.frame
    study = str(frame["study"].iloc[0]) if len(frame) else folder.written.study
    if STUDIES[study].is_trial:
        return Finding.of(NAME, "no theory knows what training comes to: nothing to compare", [])
    asked = judged(study, frame)
    if asked.empty:
        return Finding.of(NAME, "no row has both an error bar and exact theory", [])
    z = floats(asked, "z")
    bound = sidak_bound(len(asked), int(asked["replications"].min()), LEVEL)
    failures = [
        Failure(f"{words_of(row)}, z", f"{value:.3g}", f"at most {bound:.2f} in size")
        for value, row in zip(z, asked.to_dict("records"), strict=True)
        if not abs(value) <= bound
    ]
    largest = f"largest |z| {np.abs(z).max():.2f}, bound {bound:.2f}"
    by = " (variances by logarithms)" if (asked["measure"] == "variance").any() else ""
    questions = plural(len(asked), "question")
    looked = f"{questions}, {largest}{by}; root mean square of z {np.sqrt(np.mean(z**2)):.2f}"
    verb = "is" if len(failures) == 1 else "are"
    wrong = f"{len(failures):,} of {questions} {verb} too far from theory: {largest}{by}"
    return Finding.of(NAME, looked, failures, wrong)


def judged(study: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the questions of a study, with the z that they are judged by.

    Where reports and figures show z as it stands in the table, a sweep's variances are judged by
    their logarithms: k batches of R replications are at most R k independent errors. Other studies
    have logarithms where they need them.
    """
    asked = questions_of(study, frame)
    if study != SWEEP or asked.empty:
        return asked
    errors = floats(asked, "replications") * floats(asked, "batches")
    return asked.assign(z=z_by_logarithms(asked, errors))
