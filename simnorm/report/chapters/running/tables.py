"""The tables of the report on running averages, as texts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from simnorm.figures.choice import thing
from simnorm.figures.running.shown import MEAN, VARIANCE, label, settings
from simnorm.figures.tables import FIRST_NAMES, floats, short
from simnorm.formatting import (
    NOTHING,
    fixed,
    format_estimate,
    format_like,
    percent,
    plural,
    significant,
)
from simnorm.presets import Precise
from simnorm.questions import running_questions
from simnorm.report.article import Block, table
from simnorm.report.chapters.running.circumstances import (
    LEFT_MEAN,
    LEFT_VARIANCE,
    pairs_of,
    steps_for_start,
    usual_words,
)
from simnorm.report.chapters.running.facts import Facts, who
from simnorm.report.chapters.running.findings import (
    enough_at_ends,
    floor_text,
    floor_value,
    momentum_words,
    percent_of_start,
)
from simnorm.report.chapters.running.first import batches, number_words
from simnorm.report.facts import Quantity
from simnorm.report.tables import aligned, estimate_text
from simnorm.report.text import z_text
from simnorm.sampling import REPLACEMENT, SEQUENTIAL

if TYPE_CHECKING:
    import pandas as pd

FIRST_ROWS, FEW_ROWS = 8, 5
MOST_ROWS = 10
MOST_COLUMNS = 4
LONGEST = 36
# Errors in sd have four decimals; a smaller error bar is not shown.
LEAST_ERROR = 0.5e-4
MARKS = "† no valid error bar. – undefined."


def first_table(facts: Facts) -> Block:
    """Return the table of the first page: errors by name and preset at one batch size."""
    run = facts.run
    most = FEW_ROWS if run.of_data else FIRST_NAMES
    names = facts.names[:most]
    presets = facts.presets[:MOST_COLUMNS]
    columns = [aligned([cell_text(facts.value(n, p)) for n in names]) for p in presets]
    levels = [facts.level(name) for name in names]
    head = [thing(run.frame), *(short(label(p), 22) for p in presets)]
    if any(math.isfinite(level) for level in levels):
        head.append("z-score")
        columns.append(aligned([_two(level) for level in levels]))
    rows = [[short(name, 24), *cells] for name, *cells in zip(names, *columns, strict=True)]
    left = len(facts.names) - len(names)
    which = ""
    if left:
        which = f" The worst {len(names)} of" if run.of_data else f" The first {len(names)} of"
        which += f" {len(facts.names):,}; results.csv has all."
    shown = [cell for row in rows for cell in row[1 : 1 + len(presets)]]
    bare = any("±" not in cell and cell != NOTHING for cell in shown)
    marked = any("†" in cell or cell == NOTHING for row in rows for cell in row)
    return table(
        head, rows,
        f"RMSE of a value normalized at inference, in sd, after {batches(run.steps)} of "
        f"{run.n:,}. z-score: what one by all {run.full_size:,} is itself off by.{which}"
        + " Without ±: the error bar is below the last digit." * bare
        + (f" {MARKS}" if marked else ""),
    )  # fmt: skip


def cell_text(value: Quantity) -> str:
    """Return an estimate with its error bar, without one that shows in no digit that matters."""
    if value.status == "ok" and 0.0 < value.mcse < LEAST_ERROR:
        return fixed(value.estimate, 4)
    return estimate_text(value)


def _two(value: float) -> str:
    return significant(value, 2) if math.isfinite(value) else NOTHING


def preset_table(facts: Facts) -> Block:
    """Return what the presets do: momentum, divisor, epsilon, and what follows from these."""
    T, rows = facts.run.steps, []
    for preset in facts.presets:
        kind = settings(preset)
        m = kind.momentum
        divisor = "pooled" if isinstance(kind, Precise) else f"n − {kind.ddof:.0f}" * bool(
            kind.ddof
        ) or "n"  # fmt: skip
        if m is None:
            momentum, start, noise, lag = "equal weights", "nothing", f"{T:,}", (T - 1) / 2
        else:
            momentum, start = number_words(m), percent_of_start(m, T)
            noise = significant((1 + m) / (1 - m), 3) if m < 1.0 else "–"
            lag = m / (1 - m) if m < 1.0 else math.nan
        rows.append([short(preset, LONGEST), momentum, divisor, number_words(kind.epsilon), start,
                     noise, f"{lag:,.0f}" if lag >= 100 else _two(lag)])  # fmt: skip
    return table(
        ["preset", "momentum", "divisor", "epsilon", f"start left\nafter {T:,}",
         "noise as of\nbatches", "lag,\nsteps"],
        rows,
        "The ways of averaging. Momentum is the weight of the old value, as in Keras; PyTorch’s "
        "setting 0.1 is 0.9 here. keras3: Keras 3. cumulative: PyTorch with "
        "momentum=None. precise: PreciseBN.",
        "lrrrrrr",
    )  # fmt: skip


def way_table(facts: Facts) -> Block | None:
    """Return errors, floors, steps and what would do, by preset and batch size; None without."""
    run, name, level = facts.run, facts.told, facts.level(facts.told)
    rows = []
    for preset in facts.averaging[:3]:
        for n in run.sizes:
            value = facts.value(name, preset, n)
            floor = floor_value(facts, name, preset, n)
            steps = facts.point("steps_to_floor", name, preset, n)[2]
            momentum = facts.point("momentum_needed", name, preset, n)[2]
            needed = facts.point("batches_needed", name, preset, n)[2]
            reached = ""
            if math.isfinite(floor + level):
                ends = "epoch ends" if enough_at_ends(facts, name, preset, n) else "never"
                reached = "yes" if floor <= level else ends
            would = momentum_words(momentum) if math.isfinite(momentum) else "none" * (
                math.isfinite(floor)
            )  # fmt: skip
            if not math.isfinite(value.estimate) and not math.isfinite(floor):
                continue
            rows.append([
                short(label(preset), 22), f"{n:,}", estimate_text(value),
                floor_text(facts, name, preset, n) or NOTHING,
                f"{steps:,.0f}" if math.isfinite(steps) else NOTHING,
                reached or NOTHING, (would or NOTHING) if math.isfinite(level) else NOTHING,
                f"{needed:,.0f}" if math.isfinite(needed) else NOTHING,
            ])  # fmt: skip
    if not rows:
        return None
    for place in (2, 3):
        for row, cell in zip(rows, aligned([row[place] for row in rows]), strict=True):
            row[place] = cell
    beside = f" of {significant(level, 2)} sd" if math.isfinite(level) else ""
    return table(
        ["preset", "n", f"RMSE after {run.steps:,}, sd", "floor, sd", "steps", "as z-score",
         "momentum", "batches"],
        rows,
        f"{short(name, LONGEST)}: the error on the way. Floor: the error in the end (≈ to first "
        "order). Steps: until within 10 % of it. As z-score: whether the floor is as low as the "
        f"error{beside} that a z-score by all {run.full_size:,} has itself. Momentum: the "
        "smallest that would do, with this divisor and epsilon. Batches: so many PreciseBN needs.",
        "lrrrrrrr", gutter=6.0,
    )  # fmt: skip


def start_table(facts: Facts) -> Block | None:
    """Return how far sources are from where averages start, the furthest first."""
    presets = facts.averaging[:2]
    if not presets or not facts.starts:
        return None
    known = [name for name, start in facts.starts.items() if start.sd > 0.0]
    slow = {name: steps_for_start(facts, name, presets[0]) for name in known}
    ranked = sorted(known, key=lambda name: -np.nan_to_num(slow[name]))
    shown = ranked[:MOST_ROWS]
    if not shown:
        return None
    rows = []
    for name in shown:
        start = facts.starts[name]
        away = significant(start.away, 2) if math.isfinite(start.away) else NOTHING
        steps = [steps_for_start(facts, name, preset) for preset in presets]
        shrunk = [start.shrunk(settings(preset).epsilon) for preset in presets]
        rows.append([
            short(name, LONGEST), away, significant(start.variance, 2),
            *(f"{value:,.0f}" if math.isfinite(value) else NOTHING for value in steps),
            *(significant(value, 2) for value in shrunk),
        ])  # fmt: skip
    left = len(ranked) - len(shown)
    more = f" {plural(left, 'more ' + thing(facts.run.frame))}: closer." if left else ""
    return table(
        [thing(facts.run.frame), "|mean|/sd", "variance",
         *(f"{short(label(p), 14)}\nsteps" for p in presets),
         *(f"{short(label(p), 14)}\nepsilon" for p in presets)],
        rows,
        "How far from mean 0 and variance 1, where averages start. Steps: until no more is left of "
        f"that than {LEFT_MEAN} sd of the mean and {percent(LEFT_VARIANCE)} of the variance. "
        "Epsilon: by how many sd it alone makes values wrong (root mean square)." + more,
        gutter=7.0,
    )  # fmt: skip


def order_table(facts: Facts, scheme: str) -> Block | None:
    """Return errors as shown and under another scheme, the largest loss first."""
    presets = [*facts.averaging[:2], *facts.equal[-1:]]
    lead = next((p for p in presets if pairs_of(facts, scheme, p)), "")
    names = list(pairs_of(facts, scheme, lead))[:FIRST_ROWS] if lead else []
    if not names:
        return None
    columns, head = [], [thing(facts.run.frame)]
    word = {SEQUENTIAL: "file order", REPLACEMENT: "replaced"}.get(scheme, "groups")
    for preset in presets:
        for other, what in (("", usual_words(facts)), (scheme, word)):
            cells = [facts.value(name, preset, scheme=other) for name in names]
            columns.append(aligned([_two(cell.best) for cell in cells]))
            head.append(f"{short(label(preset), 12)}\n{what}")
    rows = [[short(name, 28), *cells] for name, *cells in zip(names, *columns, strict=True)]
    return table(
        head, rows,
        f"RMSE of a value normalized at inference, in sd, after {batches(facts.run.steps)} of "
        f"{facts.run.n:,}: {plural(len(names), 'column')} with the largest loss for {who(lead)}.",
        gutter=6.0,
    )  # fmt: skip


def drift_table(facts: Facts) -> Block | None:
    """Return errors under every drift, a row per preset; None with a single drift."""
    drifts = facts.run.drifts[:4]
    if len(facts.run.drifts) < 2:
        return None
    columns = [
        aligned([estimate_text(facts.value(facts.told, p, drift=d)) for p in facts.presets])
        for d in drifts
    ]
    rows = [
        [short(label(preset), 28), *cells]
        for preset, *cells in zip(facts.presets, *columns, strict=True)
    ]
    heads = ["no drift" if float(d) == 0.0 else f"{d.replace('-', '−')} sd a step" for d in drifts]
    return table(
        ["preset", *heads], rows,
        f"RMSE of a value normalized at inference, in sd, under drift "
        f"({short(facts.told, LONGEST)}, batches of {facts.run.n:,}).",
    )  # fmt: skip


# ---------------------------------------------------------------------------------------------
# Audit and verdict


def asked(facts: Facts) -> pd.DataFrame:
    """Return the rows with a z that ask theory something no other row asks."""
    frame = facts.run.frame
    return running_questions(frame[frame["drift"] == facts.run.drift], facts.presets)


def audit_table(rows: pd.DataFrame) -> Block:
    """Return the questions with the largest z."""
    order = np.argsort(-np.abs(floats(rows, "z")), kind="stable")[:5]
    lines = []
    for _, row in rows.iloc[order].iterrows():
        estimate, mcse = float(row["estimate"]), float(row["mcse"])
        lines.append([
            short(str(row["name"]), 28), short(label(str(row["preset"])), 22),
            f"{int(row['batch_size']):,}", f"{row['measure']} of the {row['estimator']}".replace(
                "_", " "), format_estimate(estimate, mcse), format_like(float(row["theory"]), mcse),
            z_text(float(row["z"])),
        ])  # fmt: skip
    return table(
        ["name", "preset", "n", "measure", "estimate ± MCSE", "exact", "z"],
        lines,
        "The questions with the largest |z|, in the unit of the data; z of variances is that of "
        "their logarithms, as their intervals are.",
        "llrlrrr",
    )


def verdict_table(facts: Facts) -> Block:
    """Return the claim part by part: whether it holds, and how large it is here."""
    run, name = facts.run, facts.told
    presets = facts.averaging[:2] or facts.presets[:2]
    rows = [["noise of the average", "true, computable", _noise(facts, presets)]]
    slow = {p: steps_for_start(facts, name, p) for p in facts.averaging[:2]}
    slow = {p: value for p, value in slow.items() if math.isfinite(value)}
    if slow:
        here = "; ".join(f"{label(p)}: {plural(round(v), 'step')}" for p, v in slow.items())
        rows.append(["start at 0 and 1", "true, fades by itself", here])
    for preset in [p for p in facts.averaging if not settings(p).ddof and run.n > 1][:1]:
        parts = facts.split(name, preset, run.n, VARIANCE)
        off = math.sqrt(parts["divisor"]) if parts else 1.0 / run.n
        rows.append(["divisor n", "true, never fades", f"{who(preset)}: variance too small by "
                     f"{significant(100.0 * off, 2)} % at n = {run.n:,}"])  # fmt: skip
    lags = [(p, settings(p).momentum or 0.0) for p in facts.averaging[:2]]
    if lags:
        here = "; ".join(
            f"{label(p)}: {significant(m / (1 - m), 2)} steps behind" for p, m in lags if m < 1.0
        )
        rows.append(["lag while weights change", "true, the smaller the momentum the less", here])
    single = {p: facts.value(name, p, 1).best for p in facts.averaging if 1 in run.sizes}
    single = {p: value for p, value in single.items() if math.isfinite(value)}
    for preset, value in single.items():
        rows.append(["batch size 1", "true for running variances", f"{label(preset)}: off by "
                     f"{significant(value, 2)} sd"])  # fmt: skip
    precise = next((p for p in facts.equal if isinstance(settings(p), Precise)), "")
    if precise and math.isfinite(facts.value(name, precise).best):
        error = significant(facts.value(name, precise).best, 2)
        rows.append(["cannot be mended", "false", f"PreciseBN: {error} sd after "
                     f"{batches(run.steps)}"])  # fmt: skip
    return table(
        ["part of the claim", "verdict", "how large here"], rows,
        f"“It is difficult to estimate mean and standard deviation at test time”, part by part "
        f"({short(name, LONGEST)}, batches of {run.n:,}).", "lll", wide=2,
    )  # fmt: skip


def _noise(facts: Facts, presets: list[str]) -> str:
    found = []
    for preset in presets:
        parts = facts.split(facts.told, preset, facts.run.n, MEAN)
        if parts:
            found.append(f"{label(preset)}: mean ± {significant(math.sqrt(parts['noise']), 2)} sd")
    return "; ".join(found) or NOTHING
