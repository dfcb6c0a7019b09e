"""Looking things up in a run's tidy table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from simnorm.errors import SimnormError, nearest
from simnorm.estimators import UserEstimator, estimator

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LONGEST_NAME = 30

FULL_SET = "full_set"
# Where a table's attributes say which batch size it is to be told of.
FEATURED = "batch_size"
USUAL_BATCH_SIZE = 16
TRUSTED = ("ok", "exact")

# Which estimator stands for its kind: the first of these that a table has, by its full spec or by
# its word alone.
LOCATIONS = ("mean", "median", "trimmed_mean", "quantile", "min", "max")
SCALES = ("std(ddof=0)", "std", "biased_variance", "unbiased_variance", "iqr", "mad", "range")

# More curves than this cannot be told apart, more panels do not fit on a page.
MOST_NAMES = 8
MOST_PANELS = 15
# Of more than this, so many stand for all on a first page.
FIRST_NAMES = 6

T = TypeVar("T")


def is_data(frame: pd.DataFrame) -> bool:
    """Return whether the full sets of a table are columns of the user's data."""
    return bool((frame["source"].to_numpy(dtype=object) == "file").any())


def word_of(spec: str) -> str:
    """Return the word of an estimator's spec.

    Examples
    --------
    >>> word_of("quantile(q=0.9)")
    'quantile'
    """
    return spec.partition("(")[0]


@lru_cache(maxsize=256)
def is_location(spec: str) -> bool:
    """Return whether an estimator's relative errors are in population standard deviations."""
    try:
        return estimator(spec).is_location
    except SimnormError:
        return False


@lru_cache(maxsize=256)
def power_of(spec: str) -> int:
    """Return the power of the data's unit that an estimator is in; 0 where that is not known."""
    try:
        known = estimator(spec)
    except SimnormError:
        return 0
    return 0 if isinstance(known, UserEstimator) else known.power


def is_scale(spec: str) -> bool:
    """Return whether an estimator measures the spread of a sample."""
    return spec in SCALES or word_of(spec) in SCALES


def named(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with a column ``name``: the distribution, or the file's column.

    Where the table has several sampling schemes, each name says which, so that no two sources
    share one. A table that has names keeps them: a part of it may have a single scheme.
    """
    if "name" in frame:
        return frame
    law = frame["distribution"].fillna("").astype(str)
    column = frame["column"].fillna("").astype(str)
    name = law.where(law != "", column)
    if len(frame["sampling"].drop_duplicates()) > 1:
        name = name + ", " + frame["sampling"].astype(str)
    return frame.assign(name=name)


def names_of(frame: pd.DataFrame) -> list[str]:
    """Return the distributions (or columns) of a table in their order."""
    return [str(name) for name in named(frame)["name"].drop_duplicates()]


def rows_of(frame: pd.DataFrame, measure: str, reference: str) -> pd.DataFrame:
    """Return the named rows of one measure against one reference, by batch size."""
    for column, value in (("measure", measure), ("reference", reference)):
        known = [str(word) for word in frame[column].drop_duplicates()]
        if known and value not in known:
            raise SimnormError(
                column, value, "this table has " + ", ".join(known), nearest(value, known).strip()
            )
    chosen = frame[(frame["measure"] == measure) & (frame["reference"] == reference)]
    return named(chosen).sort_values("batch_size", kind="stable")


def estimators_of(frame: pd.DataFrame) -> list[str]:
    """Return the estimators of a table in their order."""
    return [str(word) for word in frame["estimator"].drop_duplicates()]


def short(name: str, longest: int = LONGEST_NAME) -> str:
    """Return `name`, cut with an ellipsis if it is longer than `longest`."""
    return name if len(name) <= longest else name[: longest - 1] + "…"


def floats(rows: pd.DataFrame, column: str) -> Floats:
    """Return a column as float64, missing values as NaN."""
    return np.asarray(rows[column], dtype=np.float64)


def shown_estimators(frame: pd.DataFrame) -> list[str]:
    """Return the one or two estimators that stand for all: one of location, one of scale.

    Of each kind the first of those that have a value for half of the distributions at least, as the
    median has for Cauchy laws; of a file, of which theory knows all variances and few standard
    deviations, one with exact values. Where one kind is missing, the table's first other estimator
    takes its place.
    """
    rows = frame[(frame["measure"] == "rmse") & np.isfinite(floats(frame, "estimate"))]
    counts = named(rows).groupby("estimator")["name"].nunique()
    valued = {str(spec) for spec in counts.index[2 * counts >= len(names_of(frame))]}
    present = sorted(estimators_of(frame), key=lambda spec: spec not in valued)
    best = valued & _known_exactly(rows) if (frame["source"] == "file").any() else set()
    location, scale = (_first(present, best, valued, ranks) for ranks in (LOCATIONS, SCALES))
    chosen = [spec for spec in (location, scale) if spec]
    others = [spec for spec in present if spec not in chosen and spec in valued]
    # Two pictures say more than one, unless the second says the same.
    others = [spec for spec in others if not (scale and is_scale(spec))]
    return (chosen + others)[:2] or present[:1]


def _known_exactly(rows: pd.DataFrame) -> set[str]:
    """Return the estimators with exact values in half of their rows at least."""
    exact = _is_exact(rows)
    found = {
        spec: float(exact[(rows["estimator"] == spec).to_numpy()].mean())
        for spec in estimators_of(rows)
    }
    return {spec for spec, share in found.items() if share >= 0.5}


def _first(present: Sequence[str], best: set[str], valued: set[str], ranks: Sequence[str]) -> str:
    """Return the estimator that stands for a kind, or nothing."""
    ranked = [
        (spec not in valued, spec not in best, rank, place, spec)
        for place, spec in enumerate(present)
        for rank, known in enumerate(ranks)
        if known in (spec, word_of(spec))
    ]
    return min(ranked)[-1] if ranked else ""


def reference_of(frame: pd.DataFrame) -> str:
    """Return what errors are shown about: the full set, unless the table has none about it."""
    held = [str(word) for word in frame["reference"].drop_duplicates()]
    return FULL_SET if FULL_SET in held or not held else held[0]


def is_absolute(frame: pd.DataFrame, spec: str, measure: str = "rmse", reference: str = "") -> bool:
    """Return whether an estimator is shown in absolute errors.

    It is where a relative measure is missing though there is an absolute one: the range of an
    unbounded distribution has no population value to be relative to, and the skewness of a
    symmetric one is zero. Of columns of data, most must be so.
    """
    reference = reference or reference_of(frame)
    # Narrowed step by step: to compare a column of texts takes longer than all the rest.
    rows = frame[(frame["estimator"] == spec).to_numpy(bool)]
    rows = rows[np.isfinite(floats(rows, "estimate"))]
    rows = rows[rows["measure"].isin([measure, f"relative_{measure}"])]
    rows = rows[rows["reference"] == reference]
    key = ["distribution", "column", "sampling", "batch_size", "factors"]
    measures = rows["measure"].to_numpy()
    found = []
    for name in (measure, f"relative_{measure}"):
        at = np.flatnonzero(measures == name)
        found.append(set(zip(*(rows[word].to_numpy()[at] for word in key), strict=True)))
    lost = found[0] - found[1]
    if is_data(frame):
        # A column that is constant, or whose quantiles are equal, must not decide for the others.
        return 2 * len(lost) > len(found[0])
    return bool(lost)


def measure_for(frame: pd.DataFrame, spec: str, measure: str = "rmse", reference: str = "") -> str:
    """Return the measure an estimator is shown in: the relative one, or the absolute one."""
    absolute = is_absolute(frame, spec, measure, reference)
    return measure if absolute else f"relative_{measure}"


def unit_of(spec: str, measure: str) -> str:
    """Return the unit of an absolute measure, for an axis or the head of a table.

    Examples
    --------
    >>> unit_of("range", "rmse"), unit_of("range", "variance"), unit_of("skewness", "rmse")
    ('unit of data', 'unit of data²', 'absolute')
    """
    power = power_of(spec) * (2 if measure in ("variance", "mse") else 1)
    return "unit of data" + {1: "", 2: "²", 4: "⁴"}.get(power, f"^{power}") if power else "absolute"


def chunks(items: Sequence[T], most: int) -> list[list[T]]:
    """Return `items` in order, in as few groups as possible, as equal as possible.

    Examples
    --------
    >>> chunks([1, 2, 3, 4, 5], 4)
    [[1, 2, 3], [4, 5]]
    """
    if not items:
        return [[]]
    size = math.ceil(len(items) / math.ceil(len(items) / most))
    return [list(items[at : at + size]) for at in range(0, len(items), size)]


def pages_of(names: Sequence[str], estimators: Sequence[str]) -> list[tuple[list[str], list[str]]]:
    """Return the names and estimators of every page of a figure with a panel per estimator."""
    return [
        (some, panels)
        for some in chunks(names, MOST_NAMES)
        for panels in chunks(estimators, MOST_PANELS)
    ]


def featuring(frame: pd.DataFrame, batch_size: int) -> pd.DataFrame:
    """Return a table of which sentences speak of one batch size: `featured_size` finds it."""
    found = frame.copy(deep=False)
    found.attrs = frame.attrs | {FEATURED: batch_size}
    return found


def featured_size(frame: pd.DataFrame) -> int:
    """Return the batch size that sentences speak of, with any value.

    The one nearest to that which `featuring` has named; to 16 unless told.
    """
    values = np.nan_to_num(floats(frame, "estimate"))
    errors = frame["measure"].isin(["rmse", "relative_rmse"])
    alive = frame[errors & (values > 0.0)]
    if alive.empty:
        alive = frame
    sizes = sorted({int(n) for n in alive["batch_size"]})
    wanted = math.log(frame.attrs.get(FEATURED, USUAL_BATCH_SIZE))
    return min(sizes, key=lambda n: abs(math.log(n) - wanted), default=0)


def best_values(rows: pd.DataFrame) -> Floats:
    """Return the exact values of rows where there are some, elsewhere estimates to be trusted."""
    return np.where(trusted(rows), known_values(rows), np.nan)


def known_values(rows: pd.DataFrame) -> Floats:
    """Return the exact values of rows where there are some, all estimates elsewhere."""
    return np.where(_is_exact(rows), floats(rows, "theory"), floats(rows, "estimate"))


def trusted(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which rows have an exact value or an estimate with a valid error bar."""
    status = rows["status"].to_numpy(dtype=object)
    part = (status == "failed") & np.isfinite(floats(rows, "mcse"))
    sure: NDArray[np.bool_] = _is_exact(rows) | np.isin(status, TRUSTED) | part
    return sure


def _is_exact(rows: pd.DataFrame) -> NDArray[np.bool_]:
    exact = (rows["theory_kind"] == "exact").to_numpy(dtype=bool)
    return exact & np.isfinite(floats(rows, "theory"))


def with_exact_goals(curves: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the curves with the RMSE that `frame` knows exactly as their theory, or none.

    A running RMSE need not come near an asymptotic value, so that is no goal for it.
    """
    import pandas as pd

    key = ["distribution", "column", "sampling", "estimator", "batch_size", "factors", "reference"]
    goals = frame[(frame["measure"] == "rmse") & (frame["theory_kind"] == "exact")]
    exact = dict(
        zip(goals[key].itertuples(index=False, name=None), floats(goals, "theory"), strict=True)
    )
    found = [exact.get(row, np.nan) for row in curves[key].itertuples(index=False, name=None)]
    return curves.assign(theory=pd.Series(found, index=curves.index, dtype=np.float64))
