"""The table a person reads at the end of a run, at 80 columns."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NamedTuple

import pandas as pd

from simnorm.cli.plain import echo
from simnorm.estimators import (
    BiasedVariance,
    Estimator,
    InterquartileRange,
    Maximum,
    Mean,
    Median,
    MedianAbsoluteDeviation,
    Minimum,
    Quantile,
    Range,
    Std,
    TrimmedMean,
    estimator,
)
from simnorm.formatting import NOTHING, format_estimate, format_like, percent, significant
from simnorm.options import SWEEP
from simnorm.results import Result
from simnorm.robust_table import Cell, nearest_cell, robust_cells
from simnorm.sampling import IID
from simnorm.stopped import drawn_words

# Whose columns are shown, most wanted first; one of each kind where the run has both.
LOCATIONS = (Mean, Median, TrimmedMean, Quantile, Minimum, Maximum)
SPREADS = (BiasedVariance, Std, InterquartileRange, MedianAbsoluteDeviation, Range)
MOST_ROWS = 40
MOST_COLUMNS = 4
WIDTH = 80
SENTENCE_SIZE = 16

KEY = {
    "unreliable": "( ) has no error bar to trust; results.csv gives the reason in every row",
    "undefined": f"{NOTHING} is undefined; results.csv gives the reason in every row",
    "failed": "* some replications failed; results.csv says how many and why",
    "asymptotic": "\N{ALMOST EQUAL TO} marks theory that holds for large batches, not exactly",
}


class Shown(NamedTuple):
    """A column pair: an estimator's RMSE and its theory, in a unit."""

    kind: Estimator
    title: str
    factor: float
    measure: str = "relative_rmse"


def print_summary(result: Result) -> None:
    """Print what the run has found, for distributions or for columns of data."""
    study = result.design.study
    if study != SWEEP:
        # Every study has a module of its own, which is loaded when it is needed.
        module = import_module(f"simnorm.cli.{study}_summary")
        getattr(module, f"print_{study}")(result)
    elif result.design.data:
        from simnorm.cli.columns import print_columns

        print_columns(result)
    else:
        print_distributions(result)


def print_distributions(result: Result) -> None:
    """Print a table for every distribution and scheme and, after each, one sentence."""
    design = result.design
    against = f"the full set of N = {design.full_size:,} they are cut from"
    if design.sampling == (IID,):
        against = f"the population, {design.full_size:,} draws in each replication"
    elif IID in design.sampling:
        against += " (iid: the population)"
    for line in (
        f"Batches against {against}; seed {design.seed}.",
        f"Estimates ± their standard error, from {drawn_words(design, result.frame)}.",
        "",
    ):
        echo(textwrap.fill(line, WIDTH))
    rows = result.frame[result.frame["measure"].isin(["rmse", "relative_rmse"])]
    cells = robust_cells(result.frame)
    used: set[str] = set()
    shown: set[str] = set()
    for scheme in design.sampling:
        reference = "population" if scheme == IID else "full_set"
        here = rows[(rows["sampling"] == scheme) & (rows["reference"] == reference)]
        for law in design.distributions:
            title = law if len(design.sampling) == 1 else f"{law}, {scheme}"
            echo(textwrap.shorten(title, WIDTH, placeholder=" ..."))
            of_law = here[here["distribution"] == law]
            robust = [
                c for c in cells if (c.name, c.sampling, c.reference) == (law, scheme, reference)
            ]
            shown |= set(print_rows(of_law, design.estimators, used, robust))
    others = [spec for spec in design.estimators if spec not in shown]
    if others:
        echo(textwrap.fill(f"In results.csv too: {', '.join(others)}.", WIDTH))
    print_key(used)


def print_rows(
    rows: pd.DataFrame, specs: tuple[str, ...], used: set[str], cells: Sequence[Cell] = ()
) -> list[str]:
    """Print a table and its sentences; return the estimators in it.

    `cells` are those of the table whose errors have quantiles.
    """
    chosen = chosen_estimators(specs, rows)
    columns = [shown_as(spec) for spec in chosen]
    for i in range(0, len(columns), 2):
        for line in law_lines(rows, columns[i : i + 2], used):
            echo(line)
    for line in textwrap.wrap(law_sentence(rows[rows["measure"] == "relative_rmse"]), WIDTH):
        echo(line)
    for line in textwrap.wrap(robust_sentence(chosen, cells), WIDTH):
        echo(line)
    echo("")
    return chosen


def robust_sentence(chosen: Sequence[str], cells: Sequence[Cell]) -> str:
    """Return what errors are like where a table has no error bar to trust; nothing if it has all.

    Of the first estimator in the table that lacks one, at the batch size nearest to 16.
    """
    cells = [cell for cell in cells if cell.has_no_rmse]
    told = [word for word in chosen if any(cell.estimator == word for cell in cells)]
    cell = nearest_cell(cell for cell in cells if cell.estimator in told[:1])
    return "" if cell is None else cell.sentence(cell.estimator.replace("_", " "))


def print_key(used: set[str]) -> None:
    """Print what the marks mean that have been used."""
    for key, text in KEY.items():
        if key in used:
            echo(text)


def chosen_estimators(
    estimators: tuple[str, ...], rows: pd.DataFrame, few: int = MOST_COLUMNS
) -> list[str]:
    """Return all estimators if they are few, otherwise a location and a spread.

    Of each the first that is defined at any batch size, as the median is for a Cauchy law.
    """
    if len(estimators) <= few:
        return list(estimators)
    defined = set(rows.loc[rows["status"] != "undefined", "estimator"])
    found = []
    for group in (LOCATIONS, SPREADS):
        ranked = sorted(
            (spec not in defined, place, i)
            for i, spec in enumerate(estimators)
            for place, kind in enumerate(group)
            if isinstance(estimator(spec), kind)
        )
        found += [estimators[i] for _, _, i in ranked[:1]]
    return found if len(found) == 2 else list(estimators[:2])


def shown_as(spec: str) -> Shown:
    """Return an estimator as a pair of columns, relative to the sd or to its own value."""
    kind = estimator(spec)
    name = spec.replace("_", " ")
    if kind.is_location:
        return Shown(kind, f"RMSE of the {name}, in sd", 1.0)
    return Shown(kind, f"RMSE of the {name}, in %", 100.0)


def _in_a_unit(column: Shown, rows: pd.DataFrame) -> Shown:
    """Return the column in the unit of the data where the law has no sd to measure it in."""
    rows = rows[rows["estimator"] == str(column.kind)]
    defined = set(rows.loc[rows["status"] != "undefined", "measure"])
    if defined == {"rmse"}:
        name = column.kind.word.replace("_", " ")
        return Shown(column.kind, f"RMSE of the {name}", 1.0, "rmse")
    return column


def law_lines(rows: pd.DataFrame, columns: list[Shown], used: set[str]) -> list[str]:
    """Return the lines of one distribution; put the marks that appear into `used`."""
    columns = [_in_a_unit(column, rows) for column in columns]
    cells = {(r.estimator, r.batch_size, r.measure): r for r in rows.itertuples(index=False)}
    sizes = list(dict.fromkeys(rows["batch_size"]))
    shown = _thinned(sizes)
    left = max(6, len(str(sizes[-1])))
    right = 14
    middle = min(23, (WIDTH - left) // 2 - right)
    titles = "".join(
        f"{_fitted(column, middle + right - 2):>{middle + right}}" for column in columns
    )
    lines = [f"{'batch':>{left}}{titles}"]
    heads = "".join(f"{'estimate':>{middle}}{_theory_head(rows, c):>{right}}" for c in columns)
    lines.append(f"{'size':>{left}}{heads}")
    for size in shown:
        line = f"{size:>{left}}"
        for column in columns:
            row = cells[str(column.kind), size, column.measure]
            estimate, expected = texts_of(row, column.factor, used)
            line += f"{estimate:>{middle}}{expected:>{right}}"
        lines.append(line.rstrip())
    if len(shown) < len(sizes):
        lines.append(f"   ... {len(sizes) - len(shown)} more batch sizes in results.csv")
    return lines


def _fitted(column: Shown, width: int) -> str:
    """Return the column's title, without the estimator's parameters if it would be too long."""
    if len(column.title) <= width:
        return column.title
    short = str(column.kind).partition("(")[0].replace("_", " ")
    _, comma, unit = column.title.rpartition(", in ")
    title = f"RMSE of the {short}{comma}{unit}"
    return title if len(title) <= width else title[: width - 3] + "..."


def _theory_head(rows: pd.DataFrame, column: Shown) -> str:
    kinds = set(rows.loc[rows["estimator"] == str(column.kind), "theory_kind"])
    return "theory" if "asymptotic" in kinds else "exact" if "exact" in kinds else ""


def _thinned(sizes: list[int]) -> list[int]:
    if len(sizes) <= MOST_ROWS:
        return sizes
    step = (len(sizes) - 1) / (MOST_ROWS - 1)
    return [sizes[round(i * step)] for i in range(MOST_ROWS)]


def texts_of(row: Any, factor: float, used: set[str]) -> tuple[str, str]:
    """Return a row's estimate and theory as they are printed; add the marks to `used`."""
    expected = ""
    if not math.isnan(row.theory):
        expected = format_like(row.theory * factor, row.mcse * factor)
        if row.theory_kind == "asymptotic":
            used.add("asymptotic")
            expected = "\N{ALMOST EQUAL TO}" + expected
    if row.status == "failed":
        used.add("failed")
        if math.isnan(row.estimate):
            return f"{NOTHING}*", expected
        return f"{format_estimate(row.estimate * factor, row.mcse * factor)}*", expected
    if row.status == "undefined":
        used.add("undefined")
        return NOTHING, expected
    if row.status == "unreliable":
        used.add("unreliable")
        return f"({format_estimate(row.estimate * factor, row.mcse * factor)})", expected
    return format_estimate(row.estimate * factor, row.mcse * factor), expected


def law_sentence(rows: pd.DataFrame) -> str:
    """Return what the numbers mean at the batch size nearest to 16.

    The relative RMSE of a statistic is by how much it is typically off.
    """
    # The full set itself, whose errors are 0, says nothing.
    alive = rows[rows["estimate"] > 0.0]
    sizes = sorted(set(alive["batch_size"]), key=lambda n: abs(math.log(n / SENTENCE_SIZE)))
    if not sizes:
        return ""
    at = rows[(rows["batch_size"] == sizes[0]) & rows["estimate"].notna()]
    values = {row.estimator: row for row in at.itertuples(index=False)}
    parts = []
    for spec, name in (
        ("std(ddof=0)", "standard deviation"),
        ("std(ddof=1)", "standard deviation"),
        ("biased_variance", "variance"),
        ("unbiased_variance", "variance"),
    ):
        if spec in values:
            value, about = _best(values[spec])
            parts.append(f"{name} is off by {about}{percent(value)}")
            break
    for spec in ("mean", "median", "min", "max"):
        if spec in values:
            value, about = _best(values[spec])
            verb = "" if parts else " is off"
            parts.append(f"{spec}{verb} by {about}{significant(value, 2)} sd")
            break
    if not parts:
        return ""
    return f"At batch size {sizes[0]} a batch's {' and its '.join(parts)} (root mean square)."


def _best(row: Any) -> tuple[float, str]:
    """Return the exact value where there is one, else the estimate, and what to say of it."""
    if row.theory_kind == "exact":
        return row.theory, ""
    return row.estimate, "about " if row.status == "unreliable" else ""
