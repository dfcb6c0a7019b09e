"""How a result shows itself in a notebook: a small HTML card, without style sheets or scripts.

Colours are inherited, so that it reads on light and on dark pages alike. Nothing here loads
matplotlib.
"""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simnorm.figures.choice import main_rows, main_scheme, schemes_of, thing
from simnorm.figures.tables import (
    best_values,
    estimators_of,
    featured_size,
    is_data,
    is_location,
    measure_for,
    named,
    names_of,
    reference_of,
    short,
    unit_of,
)
from simnorm.formatting import NOTHING, format_estimate, format_like, plural, significant
from simnorm.options import STUDIES, SWEEP
from simnorm.sampling import SHUFFLE
from simnorm.stopped import drawn_words, notice_of

if TYPE_CHECKING:
    import pandas as pd

    from simnorm.results import Result

MOST_ROWS = 10
# A row of more numbers with their error bars is wider than a notebook.
MOST_SIZES = 8
LONGEST = 36
# What a study without a featured statistic of its own is about, most wanted first.
QUANTITIES = ("normalized_value", "inference_value")
TITLES = {
    "inputs": "Is batch normalization as good as a z-score?",
    "running": "How good are running averages at test time?",
    "scaling": "Do classifiers need scaled inputs, and will a batch's statistics do?",
    "shift": "Does batch normalization reduce internal covariate shift?",
    "overhead": "What does batch normalization cost in time?",
}

BOX = (
    "border: 1px solid rgba(128, 128, 128, 0.4); border-radius: 6px; padding: 0.7em 1em; "
    "max-width: 72em; line-height: 1.4"
)
QUIET = "opacity: 0.7; font-size: 0.9em"
TABLE = (
    "border-collapse: collapse; margin: 0.4em 0; font-variant-numeric: tabular-nums; "
    "font-size: 0.85em; color: inherit"
)
CELL = "text-align: right; padding: 0.15em 0.45em; white-space: nowrap; border: none"
RULE = "border-bottom: 1px solid rgba(128, 128, 128, 0.6)"
NAME = CELL.replace("right", "left", 1) + "; font-weight: normal"

KEY = {
    "†": "† no error bar to trust",
    "*": "* some replications failed",
    NOTHING: f"{NOTHING} undefined",
    "≈": "≈ theory for large batches",
}


class Table(NamedTuple):
    """What the card's table shows: one quantity, by name and batch size."""

    rows: pd.DataFrame
    what: str
    factor: float


def html_of(result: Result) -> str:
    """Return the card of a result as HTML."""
    if STUDIES[result.design.study].is_trial:
        return _box([*_head(result), *_of_trial(result)])
    table = _table(result)
    names, sizes = names_of(table.rows), sorted({int(n) for n in table.rows["batch_size"]})
    parts = _head(result)
    answer = _answer(result, table)
    if answer:
        parts.append(f'<div style="margin-top: 0.4em">{_safe(answer)}</div>')
    used: set[str] = set()
    if names:
        parts.append(_html_table(table, names[:MOST_ROWS], _some(sizes, MOST_SIZES), used))
    notes = [text for mark, text in KEY.items() if mark in used]
    notes.append(_more(result, table, names, sizes))
    parts.append(f'<div style="{QUIET}">{_safe(". ".join(notes))}</div>')
    return _box(parts)


def _box(parts: list[str]) -> str:
    return f'<div style="{BOX}">\n' + "\n".join(parts) + "\n</div>"


def _head(result: Result) -> list[str]:
    """Return title, what was run, and what a reader must know first."""
    parts = [
        f'<div style="font-weight: 600">{_safe(_title(result))}</div>',
        f'<div style="{QUIET}">{_safe(_line(result))}</div>',
    ]
    partial = notice_of(result)
    if partial:
        parts.append(f'<div style="font-weight: 600; margin-top: 0.4em">{_safe(partial)}</div>')
    return parts


def _of_trial(result: Result) -> list[str]:
    """Return the table of a trial, and what it leaves out."""
    from simnorm.card_trials import DOUBTFUL, grid_of

    grid = grid_of(result.frame)
    if not grid.rows:
        return [f'<div style="{QUIET}">All: result.frame, result.table(), result.report()</div>']
    rows = dict(list(grid.rows.items())[:MOST_ROWS])
    head = "".join(f'<th style="{CELL}; {RULE}">{_safe(word)}</th>' for word in grid.heads)
    lines = [f'<thead><tr><th style="{NAME}; {RULE}">{_safe(grid.corner)}</th>{head}</tr></thead>']
    for name, texts in rows.items():
        cells = "".join(f'<td style="{CELL}">{_cell(text, "")}</td>' for text in texts)
        lines.append(f'<tr><th style="{NAME}">{_safe(short(name, LONGEST))}</th>{cells}</tr>')
    left = len(grid.rows) - len(rows)
    more = f"... and {plural(left, 'row')} more: result.frame" if left else "All: result.frame"
    notes = [KEY[DOUBTFUL]] * any(DOUBTFUL in text for row in rows.values() for text in row)
    notes.append(f"{more}, result.table(), result.figure(), result.report()")
    body = "\n".join(lines)
    return [
        f'<div style="margin-top: 0.6em">{_safe(grid.what)}.</div>',
        f'<div style="overflow-x: auto"><table style="{TABLE}">{body}</table></div>',
        f'<div style="{QUIET}">{_safe(". ".join(notes))}</div>',
    ]


def _safe(text: str) -> str:
    return html.escape(text)


def _title(result: Result) -> str:
    from simnorm.report.words import title

    return TITLES.get(result.design.study) or title(main_rows(result.frame))


def _line(result: Result) -> str:
    """Return what was run, in a line."""
    design = result.design
    names = [short(name, LONGEST) for name in design.names]
    kind = "column" if design.data else "distribution"
    said = ", ".join(names) if len(names) <= 5 else plural(len(names), kind)
    parts = [
        said or short(design.data, LONGEST),
        f"N = {design.full_size:,}" * bool(design.full_size),
    ]
    parts += [drawn_words(design, result.frame), f"seed {design.seed}"]
    study = "" if design.study == SWEEP else f"study {design.study}: "
    return study + "; ".join(part for part in parts if part)


def _table(result: Result) -> Table:
    """Return the rows of the quantity that stands for the run."""
    if result.design.study == SWEEP:
        return _of_sweep(main_rows(result.frame))
    frame = main_rows(result.frame)
    held = estimators_of(frame[frame["measure"] == "rmse"])
    word = next((word for word in QUANTITIES if word in held), next(iter(held), ""))
    rows = frame[(frame["estimator"] == word) & (frame["measure"] == "rmse")]
    reference = reference_of(rows)
    rows = rows[rows["reference"] == reference]
    # Of what the study varies, the first.
    first = str(rows["factors"].iloc[0]) if len(rows) else ""
    rows = named(rows[rows["factors"] == first])
    about = f" about the {reference.replace('_', ' ')}, in standard deviations"
    return Table(rows, f"RMSE of the {word.replace('_', ' ')}{about}" + _factor_words(first), 1.0)


def _factor_words(factors: str) -> str:
    pairs = [pair.replace("=", " ") for pair in factors.split(";") if pair]
    return f" ({', '.join(pairs)})" if pairs else ""


def _of_sweep(frame: pd.DataFrame) -> Table:
    from simnorm.report.facts import told_estimators
    from simnorm.report.words import in_words

    reference = reference_of(frame)
    found = {word: _errors(frame, word, reference) for word in told_estimators(frame)}
    if not found:
        return Table(named(frame.iloc[:0]), "", 1.0)
    # The spread, unless it has far fewer errors to trust than the other.
    shares = {word: _trusted_share(rows) for word, rows in found.items()}
    word = next(word for word in found if 2.0 * shares[word] >= max(shares.values()))
    rows = found[word]
    relative = bool((rows["measure"] == "relative_rmse").all())
    in_per_cent = relative and not is_location(word)
    unit = "%" if in_per_cent else "standard deviations" if relative else unit_of(word, "rmse")
    unit = f"in {unit}" if unit != "absolute" else "absolute"
    spec = f", {word}" if in_words(word) != word else ""
    whole = "column" if is_data(frame) else reference.replace("_", " ")
    what = f"RMSE of the {in_words(word)}{spec}, about the {whole}, {unit}"
    return Table(rows, what, 100.0 if in_per_cent else 1.0)


def _errors(frame: pd.DataFrame, word: str, reference: str) -> pd.DataFrame:
    """Return the named rows of an estimator's RMSE."""
    rows = frame[(frame["estimator"] == word) & (frame["measure"] == measure_for(frame, word))]
    return named(rows[rows["reference"] == reference])


def _trusted_share(rows: pd.DataFrame) -> float:
    return float(np.isfinite(best_values(rows)).mean()) if len(rows) else 0.0


def _answer(result: Result, table: Table) -> str:
    """Return the answer in a sentence or two, as page one of the report has it."""
    from simnorm.report import data, text
    from simnorm.report.pieces import plain

    if result.design.study != SWEEP:
        return _range_sentence(table)
    frame = main_rows(result.frame)
    if frame.empty:
        return ""
    return plain(data.answer(frame, result.columns) if is_data(frame) else text.answer(frame))


def _range_sentence(table: Table) -> str:
    """Return the smallest and the largest error at the batch size spoken of."""
    n = featured_size(table.rows)
    rows = table.rows[table.rows["batch_size"] == n]
    values = {
        short(str(name), LONGEST): float(value)
        for name, value in zip(rows["name"], best_values(rows), strict=True)
        if math.isfinite(value)
    }
    if not values:
        return ""
    low, high = min(values, key=values.__getitem__), max(values, key=values.__getitem__)
    ends = f"{significant(values[low], 2)} sd ({low})"
    if low != high:
        ends += f" to {significant(values[high], 2)} sd ({high})"
    return f"At batch size {n:,} a normalized value is off by {ends}, in root mean square."


def _some(sizes: list[int], most: int) -> list[int]:
    """Return at most so many sizes, evenly chosen, with both ends."""
    if len(sizes) <= most:
        return sizes
    step = (len(sizes) - 1) / (most - 1)
    return [sizes[round(place * step)] for place in range(most)]


def _html_table(table: Table, names: list[str], sizes: list[int], used: set[str]) -> str:
    """Return the table as HTML; put the marks that appear into `used`."""
    cells = {(str(row.name), int(row.batch_size)): row for row in _records(table.rows)}
    head = "".join(f'<th style="{CELL}; {RULE}">{n:,}</th>' for n in sizes)
    corner = f'<th style="{NAME}; {RULE}">batch size n</th>'
    lines = [f"<thead><tr>{corner}{head}</tr></thead>", "<tbody>"]
    for name in names:
        row = [f'<th style="{NAME}; vertical-align: top">{_safe(short(name, LONGEST))}</th>']
        for n in sizes:
            estimate, theory = _texts(cells.get((name, n)), table.factor, used)
            row.append(f'<td style="{CELL}; vertical-align: top">{_cell(estimate, theory)}</td>')
        lines.append(f"<tr>{''.join(row)}</tr>")
    kinds = set(table.rows["theory_kind"])
    exact = ", exact theory below" if "exact" in kinds else ", theory below" if kinds - {""} else ""
    caption = f"{table.what}: estimate ± its Monte Carlo standard error{exact}."
    about = f'<div style="margin-top: 0.6em">{_safe(caption)}</div>'
    body = "\n".join([*lines, "</tbody>"])
    return f'{about}\n<div style="overflow-x: auto"><table style="{TABLE}">{body}</table></div>'


def _cell(estimate: str, theory: str) -> str:
    """Return an estimate with its error bar in smaller type, and theory below."""
    value, sign, error = _safe(estimate).partition(" ±")
    # In (2.50 ± 0.12)e−7 the error bar is no tail.
    quiet = (
        f'<span style="{QUIET}">{sign}{error}</span>' if sign and ")" not in error else sign + error
    )
    below = f'<br><span style="{QUIET}">{_safe(theory)}</span>' if theory else ""
    return value + quiet + below


class Row(NamedTuple):
    """What a cell shows."""

    name: str
    batch_size: int
    estimate: float
    mcse: float
    theory: float
    theory_kind: str
    status: str


def _records(rows: pd.DataFrame) -> list[Row]:
    return [Row(*values) for values in rows[list(Row._fields)].itertuples(index=False, name=None)]


def _texts(row: Row | None, factor: float, used: set[str]) -> tuple[str, str]:
    """Return an estimate and its theory as they are shown; add the marks to `used`."""
    if row is None:
        return "", ""
    theory = ""
    if math.isfinite(row.theory):
        theory = format_like(factor * row.theory, factor * row.mcse)
        if row.theory_kind != "exact":
            theory = f"≈{theory}"
            used.add("≈")
    if not math.isfinite(row.estimate):
        mark = "*" if row.status == "failed" else ""
        used |= {NOTHING, mark}
        return NOTHING + mark, theory
    mark = {"unreliable": "†", "failed": "*"}.get(row.status, "")
    used.add(mark)
    return format_estimate(factor * row.estimate, factor * row.mcse) + mark, theory


def _more(result: Result, table: Table, names: list[str], sizes: list[int]) -> str:
    """Return what the table leaves out, and where all of it is."""
    left = []
    if len(names) > MOST_ROWS:
        left.append(plural(len(names) - MOST_ROWS, thing(table.rows)))
    if len(sizes) > MOST_SIZES:
        left.append(plural(len(sizes) - MOST_SIZES, "batch size"))
    more = f"... and {' and '.join(left)} more: result.frame" if left else "All: result.frame"
    scheme = main_scheme(result.frame) if len(result.frame) else SHUFFLE
    if len(schemes_of(result.frame)) > 1:
        more += f" (here: sampling {scheme})"
    return f"{more}, result.table(), result.plot(), result.report()"
