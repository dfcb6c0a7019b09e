"""The table a person reads at the end of a run on data: a line per column, the worst first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from simnorm.cli.plain import echo
from simnorm.cli.summary import (
    SENTENCE_SIZE,
    chosen_estimators,
    print_key,
    print_rows,
    shown_as,
    texts_of,
)
from simnorm.cli.width import filled, fitted, shortened
from simnorm.formatting import decimals_of, fixed, percent, significant
from simnorm.results import Result
from simnorm.robust_table import Cell, robust_cells
from simnorm.sampling import REPLACEMENT, SEQUENTIAL, SHUFFLE, group_column
from simnorm.stopped import drawn_words
from simnorm.theory.worth import effective_size, shuffled_mse

# Up to so many columns have a table of their own, with a line per batch size.
FEW = 2
MOST_LINES = 20
NAME_WIDTH, ESTIMATE, EXACT, LAST = 17, 17, 8, (6, 7)
# What stands beside the errors: for shuffled rows two batch sizes, else the size of equal worth.
NEEDED, WORTH = (("own", "n_own_10"), ("fresh", "n_fresh_10")), "worth"
HEAVY = "?"
# A bias inside batches is said from this part of the variance on, and above so many of its
# standard errors: the estimate of one that is 0 is negative every second time.
LEAST_BIAS, CLEAR_BIAS = 0.01, 3.0
# The mean is worse than that of shuffled rows if by more than so many standard errors, or rounding.
CLEAR_LOSS, ROUNDING = 2.0, 1e-9
KEYS = {
    "own": "n for 10 %: the batch whose variance is within 10 % (RMSE), own: of that of these "
    "{N:,} rows; fresh: of that of their source, for new data, if the rows are a sample of it",
    HEAVY: "? tails too heavy, too few rows or too many ties for that number",
    WORTH: "worth: so many shuffled rows have as good a mean as such a batch",
}


class Line(NamedTuple):
    """A column at one batch size: what to rank it by, and its rows by estimator."""

    column: str
    rank: float
    rows: dict[str, Any]


def print_columns(result: Result) -> None:
    """Print what a batch of each column is worth, and what not shuffling costs."""
    design, frame = result.design, result.frame
    rows = frame[frame["measure"].isin(["rmse", "relative_rmse"])]
    for line in (
        f"Batches of {design.data} against its whole columns, N = {design.full_size:,} rows; "
        f"seed {design.seed}.",
        what_errors_mean(result),
        "",
    ):
        echo(filled(line))
    used: set[str] = set()
    for scheme in design.sampling:
        of_scheme = rows[rows["sampling"] == scheme]
        if len(design.columns) <= FEW and len(design.sampling) == 1:
            _print_each(of_scheme, design.estimators, used, robust_cells(frame))
        else:
            _print_together(result, of_scheme, scheme, used)
    constant = result.columns.loc[result.columns["kind"] != "", ["column", "kind"]]
    for kind, names in constant.groupby("kind")["column"]:
        listed = f"{str(kind).capitalize()}: {_listed([str(name) for name in names])}."
        echo(filled(listed))
    for cost in cost_sentences(result):
        echo(filled(cost))
    for key in (key for key in KEYS if key in used):
        echo(filled(KEYS[key].format(N=design.full_size)))
    print_key(used)


def what_errors_mean(result: Result) -> str:
    """Return what stands behind the error bars of a run on data."""
    design = result.design
    if design.sampling == (SEQUENTIAL,):
        return "File order: nothing is drawn, so the numbers are exact and have no error bars."
    return (
        f"Estimates ± their standard error from {drawn_words(design, result.frame)}, given "
        "this file; exact values hold for these very numbers."
    )


def _print_each(
    rows: pd.DataFrame, specs: tuple[str, ...], used: set[str], cells: Sequence[Cell]
) -> None:
    for column in dict.fromkeys(rows["column"]):
        echo(shortened(column))
        mine = [cell for cell in cells if cell.name == column]
        print_rows(rows[rows["column"] == column], specs, used, mine)


def _print_together(result: Result, rows: pd.DataFrame, scheme: str, used: set[str]) -> None:
    """Print a line per column at one batch size."""
    relative = rows[rows["measure"] == "relative_rmse"]
    size = featured(relative)
    words = chosen_estimators(result.design.estimators, rows, few=2)
    lines = ranked(relative, words, size)
    beside = {line.column: _beside(result, line, scheme, used) for line in lines[:MOST_LINES]}
    echo(f"Batch size {size}, {said(scheme)}.")
    kinds = [shown_as(word) for word in words]
    width = ESTIMATE + EXACT
    titles = "".join(f"{_title(kind.title, width - 1):>{width}}" for kind in kinds)
    heads = _heads(scheme)
    last = f"{'n for 10 %':>{sum(LAST)}}" if len(heads) == 2 else ""
    echo(f"{'':<{NAME_WIDTH}}{titles}{last}".rstrip())
    head = f"{'estimate':>{ESTIMATE}}{'exact' if _has_theory(scheme) else '':>{EXACT}}" * len(kinds)
    echo(f"{'column':<{NAME_WIDTH}}{head}{_ends(heads)}".rstrip())
    for line in lines[:MOST_LINES]:
        text = fitted(line.column, NAME_WIDTH)
        for word, kind in zip(words, kinds, strict=True):
            row = line.rows.get(word)
            estimate, exact = ("", "") if row is None else _texts(row, kind.factor, used)
            text += f"{estimate:>{ESTIMATE}}{exact:>{EXACT}}"
        echo(f"{text}{_ends(beside[line.column])}".rstrip())
    if len(lines) > MOST_LINES:
        echo(f"... and {len(lines) - MOST_LINES:,} columns with smaller errors, in results.csv")
    echo("")


def _texts(row: Any, factor: float, used: set[str]) -> tuple[str, str]:
    """Return a row's estimate and theory, with one digit less where two would not fit."""
    estimate, exact = texts_of(row, factor, used)
    if (len(estimate) < ESTIMATE and len(exact) < EXACT) or "±" not in estimate:
        return estimate, exact
    error = factor * float(row.mcse)
    decimals = max(decimals_of(error) - 1, 0)
    rounded = f"{fixed(factor * float(row.estimate), decimals)} ± {fixed(error, decimals)}"
    mark = {"unreliable": "({})", "failed": "{}*"}.get(row.status, "{}")
    if exact:
        sign = exact[0] if row.theory_kind == "asymptotic" else ""
        exact = sign + fixed(factor * float(row.theory), decimals)
    return mark.format(rounded), exact


def _ends(texts: list[str]) -> str:
    return "".join(f"{text:>{LAST[i + len(LAST) - len(texts)]}}" for i, text in enumerate(texts))


def _has_theory(scheme: str) -> bool:
    return scheme in (SHUFFLE, REPLACEMENT)


def _heads(scheme: str) -> list[str]:
    if scheme == SHUFFLE:
        return [word for word, _ in NEEDED]
    return [] if scheme == REPLACEMENT else [WORTH]


def _beside(result: Result, line: Line, scheme: str, used: set[str]) -> list[str]:
    """Return what stands at the end of a column's line."""
    if scheme == REPLACEMENT:
        return []
    if scheme != SHUFFLE:
        mean = line.rows.get("mean")
        if mean is None or math.isnan(mean.estimate):
            return [""]
        used.add(WORTH)
        return [significant(effective_size(mean.estimate**2, mean.full_size, of_data=True), 2)]
    facts = result.columns[result.columns["column"] == line.column].iloc[0]
    texts = []
    for word, key in NEEDED:
        size = float(facts[key])
        short = f"{size / 1e3:.0f}k" if size < 1e8 else f"{size:.0e}"
        text = "" if math.isnan(size) else f"{size:.0f}" if size < 1e5 else short
        if text and word == "fresh" and not facts["fresh_reliable"]:
            used.add(HEAVY)
            text += HEAVY
        if text:
            used.add("own")
        texts.append(text)
    return texts


def _title(text: str, width: int) -> str:
    """Return a title that fits: without what the reader knows."""
    for shorter in (text, text.replace("RMSE of the ", "RMSE, ")):
        if len(shorter) <= width:
            return shorter
    return text.replace("RMSE of the ", "")[:width]


def said(scheme: str) -> str:
    """Return a sampling scheme in words."""
    group = group_column(scheme)
    if group is not None:
        return f"groups of {group} in random order ({scheme})"
    words = {
        SHUFFLE: "shuffled rows, worst column first",
        REPLACEMENT: "rows drawn with replacement",
        SEQUENTIAL: "rows in file order (sequential)",
    }
    return words.get(scheme, scheme)


def featured(rows: pd.DataFrame) -> int:
    """Return the batch size nearest to 16 that the run has values of."""
    alive = rows[rows["estimate"].notna() & (rows["estimate"] > 0.0)]
    sizes = set((alive if len(alive) else rows)["batch_size"])
    return int(min(sizes, key=lambda n: abs(math.log(n / SENTENCE_SIZE))))


def ranked(rows: pd.DataFrame, words: list[str], size: int) -> list[Line]:
    """Return the columns at a batch size, worst first by the last of the estimators."""
    by = words[-1] if words else ""
    lines = []
    for column, here in rows.groupby("column", sort=False):
        at = here[here["batch_size"] == size]
        found: dict[str, Any] = {str(row.estimator): row for row in at.itertuples(index=False)}
        row = found.get(by)
        value = math.nan if row is None else best(row)
        lines.append(Line(str(column), value, found))
    return sorted(lines, key=lambda line: (math.isnan(line.rank), -line.rank))


def best(row: Any) -> float:
    """Return the exact value of a row, its estimate without one."""
    return float(row.theory if row.theory_kind == "exact" else row.estimate)


def cost_sentences(result: Result) -> list[str]:
    """Return what not shuffling costs, for each scheme and the column where it costs most."""
    frame = result.frame
    rows = frame[frame["estimate"].notna() & (frame["estimator"] == "mean")]
    rows = rows[rows["measure"] == "relative_rmse"]
    schemes = [scheme for scheme in result.design.sampling if not _has_theory(scheme)]
    found = []
    for scheme in schemes:
        of_scheme = rows[rows["sampling"] == scheme]
        if of_scheme.empty:
            continue
        size = featured(of_scheme)
        at = of_scheme[of_scheme["batch_size"] == size]
        found.append(_cost(result, at.iloc[int(at["estimate"].to_numpy().argmax())], size))
    return found


def _cost(result: Result, worst: Any, size: int) -> str:
    scheme, column, N = str(worst["sampling"]), str(worst["column"]), int(worst["full_size"])
    error = float(worst["estimate"])
    shuffled = math.sqrt(shuffled_mse(size, N, of_data=True))
    how = "in file order" if scheme == SEQUENTIAL else f"by {scheme}"
    worth = significant(effective_size(error**2, N, of_data=True), 2)
    # Without a standard error the estimate is taken as it is.
    doubt = np.nan_to_num(CLEAR_LOSS * _standard_error(worst))
    if error <= shuffled * (1.0 + ROUNDING) + doubt:
        text = (
            f"{how[0].upper()}{how[1:]} nothing is lost for the mean: {size} rows of {column} are "
            f"worth {worth} shuffled ones."
        )
    else:
        text = (
            f"What not shuffling costs: {how} the mean of {size} rows of {column} is off by "
            f"{significant(error, 2)} sd, shuffled exactly by {significant(shuffled, 2)} sd: such "
            f"a batch is worth {worth} shuffled rows."
        )
    frame = result.frame
    of_cell = frame[(frame["sampling"] == scheme) & (frame["column"] == column)]
    found = of_cell[
        (of_cell["estimator"] == "unbiased_variance")
        & (of_cell["measure"] == "relative_bias")
        & (of_cell["batch_size"] == size)
    ]
    for _, row in found.iterrows():
        bias = float(row["estimate"])
        if -bias >= LEAST_BIAS and -bias > CLEAR_BIAS * _standard_error(row):
            text += (
                f" The unbiased variance inside batches is {percent(-bias)} too small on average, "
                "and no number of batches mends that."
            )
    return text


def _standard_error(row: Any) -> float:
    """Return a row's standard error: 0 in file order, where nothing is drawn; NaN if unknown."""
    return 0.0 if row["sampling"] == SEQUENTIAL else float(row["mcse"])


def _listed(names: list[str], most: int = 12) -> str:
    rest = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest
