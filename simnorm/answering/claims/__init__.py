"""One function for each claim: from results to a verdict."""

from __future__ import annotations

from collections.abc import Callable

from simnorm.answering.claims import accuracy, inference, training, values
from simnorm.answering.claims.case import Case
from simnorm.answering.verdicts import Verdict

# In the order of the report.
CLAIMS: tuple[Callable[[Case], Verdict], ...] = (
    values.replaces,
    values.sampling_error,
    values.which_batch_size,
    values.gamma_beta,
    inference.test_time,
    inference.batch_size_one,
    values.full_set_z,
    accuracy.neighbours_need_scaling,
    accuracy.nets_need_scaling,
    accuracy.assumes_gaussian,
    accuracy.min_max,
    training.covariate_shift,
    training.overhead,
)

__all__ = ["CLAIMS", "Case", "judge"]


def judge(case: Case) -> tuple[Verdict, ...]:
    """Return the verdict on every claim."""
    return tuple(claim(case) for claim in CLAIMS)
