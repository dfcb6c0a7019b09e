"""The check against theory: no z of the run is larger than chance makes it.

Of an honest run chance makes the largest |z| exceed the bound with a probability of LEVEL at most,
as far as its estimates are near normal.
"""

from __future__ import annotations

import numpy as np

from simnorm.checking.finding import Failure, Finding
from simnorm.checking.folder import Folder
from simnorm.checking.keys import words_of
from simnorm.figures.tables import floats
from simnorm.questions import questions_of, sidak_bound

NAME = "theory"

# Reports call one honest run in a hundred suspicious, which is too many to be called wrong.
LEVEL = 1e-4


def check(folder: Folder) -> Finding:
    """Compare z of all that a run asks theory with what chance alone gives."""
    frame = folder.frame
    study = str(frame["study"].iloc[0]) if len(frame) else folder.written.study
    asked = questions_of(study, frame)
    if asked.empty:
        return Finding.of(NAME, "no row has both an error bar and exact theory", [])
    z = floats(asked, "z")
    bound = sidak_bound(len(asked), int(asked["replications"].min()), LEVEL)
    failures = [
        Failure(f"{words_of(row)}, z", f"{value:.3g}", f"at most {bound:.2f} in size")
        for value, row in zip(z, asked.to_dict("records"), strict=True)
        if not abs(value) <= bound
    ]
    looked = (
        f"{len(asked):,} question{'s' * (len(asked) > 1)}, largest |z| {np.abs(z).max():.2f}, "
        f"bound {bound:.2f}; root mean square of z {np.sqrt(np.mean(z**2)):.2f}"
    )
    return Finding.of(NAME, looked, failures)
