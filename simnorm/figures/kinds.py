"""The kinds of figures: their words, what they show, what they are drawn from.

Nothing here loads matplotlib, so that a list of the kinds costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simnorm.errors import SimnormError, nearest
from simnorm.figures.schemes import compared
from simnorm.figures.tables import floats, is_data
from simnorm.options import STUDIES
from simnorm.questions import independent_questions

if TYPE_CHECKING:
    import pandas as pd

# The kinds of a sweep in the order of a report, with what each shows.
SWEEP_KINDS: dict[str, str] = {
    "overview": "how far a batch's mean and its spread are off",
    "variance": "variance of the errors by batch size, a panel per statistic",
    "bias": "bias by batch size, a panel per statistic",
    "rmse": "root mean square error by batch size, a panel per statistic",
    "sampling_distribution": "what a statistic is distributed like, by batch size",
    "split": "errors about the population: the batch's part, the full set's part",
    "heatmap": "the error of every distribution or column at every batch size",
    "khat": "where tails are too heavy for an error bar",
    "audit": "every z against exact theory",
    "convergence": "how the RMSE settles as replications are added",
    "histograms": "what the columns of your data look like",
    "sampling": "sampling schemes beside shuffled batches",
}

# The kinds that are drawn from `curves` alone, and from both tables; the others take `frame`.
FROM_CURVES = frozenset({"convergence", "histograms"})
FROM_BOTH = frozenset({"sampling_distribution", "split"})

# The kinds that show all sampling schemes of a run; the others show one.
OF_ALL_SCHEMES = frozenset({"audit", "sampling"})

# The kinds with a panel per estimator: with many distributions or estimators they go on over pages.
# Of many columns of data only the worst are drawn.
PAGED = frozenset({"variance", "bias", "rmse"})

# The kinds of the other studies: functions of the two tables, in modules of the study's folder.
STUDY_KINDS: dict[str, dict[str, str]] = {
    "inputs": {
        "error": "error of a batch-normalized value by batch size",
        "outputs": "what normalized values are distributed like",
        "by_value": "which values are normalized wrong, and which way",
        "epsilon": "what epsilon does to columns of small spread",
        "gamma": "what gamma and beta do to the values",
        "scalers": "min-max and robust scaling beside the z-score",
    },
    "running": {
        "trajectory": "error of the running averages as training goes on",
        "floor": "what error is left at the end, by batch size",
        "split": "what the error is made of",
        "sampling": "sorted and shuffled batches",
    },
    "scaling": {
        "accuracy": "accuracy of every model with every way of scaling",
        "difference": "accuracy less that of z-scores, in points",
    },
    "shift": {
        "shift": "how much the shift is, by definition",
        "ratios": "the shift with batch normalization beside that without",
        "shift_by_step": "the shift as training goes on",
        "training": "loss by step, and accuracy in the end",
    },
    "overhead": {"ratio": "time with batch normalization as a multiple of that without"},
}

# Which curves a kind of figure is drawn from, and why a run may have none.
CURVES_OF = {
    "convergence": ("convergence", "no cell of the run has a running RMSE"),
    "histograms": ("histogram", "histograms are those of data, the run is on distributions"),
    "sampling_distribution": (
        "distribution",
        "the run has no histograms of these estimates; a run made before simnorm kept them is to "
        "be run again",
    ),
    "split": (
        "split",
        "the run does not have the error of its full sets; a run made before simnorm kept it is to "
        "be run again",
    ),
}


class Part(NamedTuple):
    """The part of a run that is drawn; what is empty or 0 is drawn whole."""

    estimator: str = ""
    name: str = ""
    batch_size: int = 0


def study_of(frame: pd.DataFrame) -> str:
    """Return the study whose table this is."""
    return str(frame["study"].iloc[0]) if len(frame) else "sweep"


def about(frame: pd.DataFrame) -> dict[str, str]:
    """Return the kinds of figures that a run has, each with what it shows."""
    return STUDY_KINDS.get(study_of(frame), SWEEP_KINDS)


def kinds_of(frame: pd.DataFrame) -> tuple[str, ...]:
    """Return the kinds of figures that a run has."""
    return tuple(about(frame))


def measures_of(frame: pd.DataFrame) -> tuple[str, ...]:
    """Return the measures that can be drawn against batch size: of a trial there are none."""
    if STUDIES[study_of(frame)].is_trial:
        return ()
    return tuple(str(word) for word in frame["measure"].drop_duplicates())


def known_kind(frame: pd.DataFrame, kind: str, others: tuple[str, ...] = ()) -> str:
    """Return `kind`.

    Raises
    ------
    SimnormError
        If the run has no such kind and `others` does not hold it.
    """
    known = tuple(dict.fromkeys((*kinds_of(frame), *others)))
    if kind in known:
        return kind
    raise SimnormError(
        "kind", kind, f"allowed are {', '.join(known)}", nearest(kind.lower(), known).strip()
    )


def missing(kind: str, frame: pd.DataFrame, curves: pd.DataFrame) -> str:
    """Return why a run has nothing to show in a figure of this kind; nothing if it has.

    Parameters
    ----------
    kind
        A kind of `kinds_of`.
    frame, curves
        The tables of a result.
    """
    if study_of(frame) != "sweep":
        return ""
    if kind == "split" and is_data(frame):
        return "a file has no population that it could be off from"
    if kind in CURVES_OF:
        word, why = CURVES_OF[kind]
        return "" if (curves["kind"] == word).any() else why
    if kind == "sampling":
        return "" if compared(frame) else "the run has shuffled batches alone"
    if kind == "audit":
        asked = independent_questions(frame)
        return "" if len(asked) else "no row has both an error bar and exact theory"
    if kind == "khat":
        return _no_khat(frame)
    alive = np.isfinite(floats(frame, "estimate")).any()
    return "" if alive else "every value of the run is undefined"


def _no_khat(frame: pd.DataFrame) -> str:
    if np.isfinite(floats(frame, "khat")).any() or (frame["status"] == "unreliable").any():
        return ""
    return "no cell has a Pareto k-hat: that takes 200 replications"


def part_of(
    frame: pd.DataFrame, curves: pd.DataFrame, part: Part
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows of both tables that belong to a part of the run.

    Curves that belong to no estimator or batch size, such as the histogram of a column, stay.

    Raises
    ------
    SimnormError
        If the run does not hold the estimator, name or batch size.
    """
    if part.estimator:
        held = [str(word) for word in frame["estimator"].drop_duplicates()]
        _held("estimator", part.estimator, held)
        frame = frame[frame["estimator"] == part.estimator]
        curves = curves[curves["estimator"].isin([part.estimator, ""])]
    if part.name:
        held = [str(word) for word in _names(frame).drop_duplicates()]
        _held("name", part.name, held)
        frame = frame[_names(frame) == part.name]
        curves = curves[_names(curves) == part.name]
    if part.batch_size:
        # What has no batches, where others have some, stands beside them.
        sizes = sorted({int(n) for n in frame["batch_size"]} - {0})
        _held("batch_size", part.batch_size, sizes)
        frame = frame[frame["batch_size"].isin([part.batch_size, 0])]
        curves = curves[curves["batch_size"].isin([part.batch_size, 0])]
    return frame, curves


def _names(table: pd.DataFrame) -> pd.Series:
    """Return the distribution of every row, or the column of data."""
    law, column = (table[word].fillna("").astype(str) for word in ("distribution", "column"))
    return law.where(law != "", column)


def _held(parameter: str, wanted: object, held: list[str] | list[int], most: int = 12) -> None:
    if wanted in held:
        return
    if not any(held):
        raise SimnormError(parameter, wanted, "the run has none to choose from", "Leave it out.")
    few = ", ".join(f"{word}" for word in held[:most])
    more = f" and {len(held) - most:,} more" if len(held) > most else ""
    words = [word for word in held if isinstance(word, str)]
    hint = nearest(str(wanted), words).strip() if words else ""
    raise SimnormError(parameter, wanted, f"the run holds {few}{more}", hint)
