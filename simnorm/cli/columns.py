"""The table a person reads at the end of a run on data: a line per column, the worst first."""

from __future__ import annotations

import math
import textwrap
from typing import Any, NamedTuple

import pandas as pd
import typer

from simnorm.cli.summary import (
    SENTENCE_SIZE,
    SPREADS,
    WIDTH,
    chosen_estimators,
    print_key,
    print_rows,
    shown_as,
    texts_of,
)
from simnorm.estimators import estimator
from simnorm.formatting import significant
from simnorm.results import Result
from simnorm.sampling import REPLACEMENT, SEQUENTIAL, SHUFFLE, group_column

# Up to so many columns have a table of their own, with a line per batch size.
FEW = 2
MOST_LINES = 20
NAME_WIDTH = 20
GOAL = 0.10


class Line(NamedTuple):
    """A column at one batch size: what to rank it by, and its rows by estimator."""

    column: str
    rank: float
    rows: dict[str, Any]
    goal: str


def print_columns(result: Result) -> None:
    """Print what a batch of each column is worth, and what not shuffling costs."""
    design, frame = result.design, result.frame
    rows = frame[frame["measure"].isin(["rmse", "relative_rmse"])]
    for line in (
        f"Batches of {design.data} against its whole columns, N = {design.full_size:,} rows; "
        f"seed {design.seed}.",
        f"Estimates ± their standard error from R = {design.replications:,} replications, given "
        "this file; exact values hold for these very numbers.",
        "",
    ):
        typer.echo(textwrap.fill(line, WIDTH))
    used: set[str] = set()
    for scheme in design.sampling:
        of_scheme = rows[rows["sampling"] == scheme]
        if len(design.columns) <= FEW and len(design.sampling) == 1:
            _print_each(of_scheme, design.estimators, used)
        else:
            _print_together(of_scheme, design.estimators, scheme, used)
    constant = result.columns.loc[result.columns["kind"] != "", ["column", "kind"]]
    for kind, names in constant.groupby("kind")["column"]:
        listed = f"{str(kind).capitalize()}: {_listed([str(name) for name in names])}."
        typer.echo(textwrap.fill(listed, WIDTH))
    cost = cost_sentence(result)
    if cost:
        typer.echo(textwrap.fill(cost, WIDTH))
    print_key(used)


def _print_each(rows: pd.DataFrame, specs: tuple[str, ...], used: set[str]) -> None:
    for column in dict.fromkeys(rows["column"]):
        typer.echo(textwrap.shorten(column, WIDTH, placeholder=" ..."))
        print_rows(rows[rows["column"] == column], specs, used)


def _print_together(
    rows: pd.DataFrame, specs: tuple[str, ...], scheme: str, used: set[str]
) -> None:
    relative = rows[rows["measure"] == "relative_rmse"]
    size = featured(relative)
    words = chosen_estimators(specs, rows, few=2)
    lines = ranked(relative, words, size)
    typer.echo(f"Batch size {size}, {said(scheme)}.")
    kinds = [shown_as(word) for word in words]
    width = (WIDTH - NAME_WIDTH - 7) // max(len(kinds), 1)
    titles = "".join(f"{_title(kind.title, width - 1):>{width}}" for kind in kinds)
    typer.echo(f"{'':<{NAME_WIDTH}}{titles}{'n for':>7}")
    head = f"{'estimate':>{width - 9}}{'exact':>9}" * len(kinds)
    typer.echo(f"{'column':<{NAME_WIDTH}}{head}{'10 %':>7}")
    for line in lines[:MOST_LINES]:
        text = f"{_fitted(line.column, NAME_WIDTH):<{NAME_WIDTH}}"
        for word, kind in zip(words, kinds, strict=True):
            row = line.rows.get(word)
            estimate, exact = ("", "") if row is None else texts_of(row, kind.factor, used)
            text += f"{estimate:>{width - 9}}{exact:>9}"
        typer.echo(f"{text}{line.goal:>7}".rstrip())
    if len(lines) > MOST_LINES:
        typer.echo(
            f"... and {len(lines) - MOST_LINES:,} columns with smaller errors, in results.csv"
        )
    typer.echo("")


def _title(text: str, width: int) -> str:
    """Return a title that fits: without what the reader knows."""
    for shorter in (text, text.replace("RMSE of the ", "RMSE, ")):
        if len(shorter) <= width:
            return shorter
    return text.replace("RMSE of the ", "")[:width]


def _fitted(name: str, width: int) -> str:
    text = " ".join(name.split())
    return text if len(text) < width else f"{text[: width - 3]}.."


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
        of_scale = here[here["estimator"] == by]
        lines.append(Line(str(column), value, found, goal_size(of_scale)))
    return sorted(lines, key=lambda line: (math.isnan(line.rank), -line.rank))


def best(row: Any) -> float:
    """Return the exact value of a row, its estimate without one."""
    return float(row.theory if row.theory_kind == "exact" else row.estimate)


def goal_size(rows: pd.DataFrame) -> str:
    """Return the smallest batch size of the run with a relative RMSE of 10 % or less."""
    values = {
        int(n): best(row)
        for n, row in zip(rows["batch_size"], rows.itertuples(index=False), strict=True)
    }
    values = {n: value for n, value in values.items() if not math.isnan(value)}
    enough = [n for n, value in values.items() if value <= GOAL]
    if not values or not isinstance(estimator(rows["estimator"].iloc[0]), SPREADS):
        return ""
    return f"{min(enough)}" if enough else f">{max(values)}"


def cost_sentence(result: Result) -> str:
    """Return what not shuffling costs, for the column where it costs most.

    The effective batch size is the m whose exact error of the mean under shuffling is that of the
    scheme: K2 (1/m - 1/N) = mse.
    """
    frame = result.frame
    rows = frame[(frame["estimator"] == "mean") & (frame["measure"] == "relative_mse")]
    rows = rows[~rows["sampling"].isin([SHUFFLE, REPLACEMENT]) & rows["estimate"].notna()]
    if rows.empty:
        return ""
    size = featured(rows)
    at = rows[rows["batch_size"] == size]
    worst = at.iloc[int(at["estimate"].to_numpy().argmax())]
    N = int(worst["full_size"])
    # In units of the column's sd with divisor N, K2 is N/(N - 1).
    effective = 1.0 / (float(worst["estimate"]) * (N - 1) / N + 1.0 / N)
    shuffled = math.sqrt(N / (N - 1) * (1.0 / size - 1.0 / N))
    how = "in file order" if worst["sampling"] == SEQUENTIAL else f"by {worst['sampling']}"
    return (
        f"What not shuffling costs: {how} the mean of {size} rows of {worst['column']} is off by "
        f"{significant(math.sqrt(float(worst['estimate'])), 2)} sd, shuffled exactly by "
        f"{significant(shuffled, 2)} sd: such a batch is worth {significant(effective, 2)} "
        "shuffled rows."
    )


def _listed(names: list[str], most: int = 12) -> str:
    rest = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest
