"""How a run has ended, in numbers and in words: how many replications, and what was not reached."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from simnorm.formatting import plural, seconds_text, significant
from simnorm.precision import FIRST_LOOK, Target, target
from simnorm.quantities import MEAN
from simnorm.sampling import SEQUENTIAL
from simnorm.schedule import INTERRUPTED, MAX, TIME
from simnorm.settling import CELL, achieved, judged
from simnorm.tally import MEASURES

if TYPE_CHECKING:
    from simnorm.report import Design, Reportable

# What has a standard error that a target is for.
ASKED = (*MEASURES, MEAN)
# What names a cell among those of all sources, and a source.
CELL_OF_RUN = ["distribution", "sampling", *CELL]
SOURCE = ["distribution", "column", "sampling"]
ABOUT = {"full_set": "against the", "population": "about the"}
WORDS = {"mse": "MSE", "rmse": "RMSE"}
# Of what was not begun, names that are told, and under which word it stands in the provenance.
MOST_LEFT_OUT, NOT_BEGUN = 4, "not_begun"
# Why a source has no more replications while a process draws them, and where provenance says so.
RUNNING, AT_WORK = "running", "at_work"
# What a cell may lack, the worst first.
LACKS = ("precision", "trust", "look", "")


def replications_range(frame: pd.DataFrame) -> str:
    """Return R, or the fewest and the most replications of a table's rows.

    Examples
    --------
    >>> rows = {"measure": ["bias", "bias"], "sampling": "shuffle", "failed": 0}
    >>> replications_range(pd.DataFrame(rows | {"replications": [512, 4096]}))
    '512 to 4,096'
    """
    rows = _asked(frame)
    drawn = rows[rows["sampling"] != SEQUENTIAL]
    rows = drawn if len(drawn) else rows
    counts = rows["replications"] + rows["failed"]
    if counts.empty:
        return "0"
    fewest, most = int(counts.min()), int(counts.max())
    return f"{most:,}" if fewest == most else f"{fewest:,} to {most:,}"


def _asked(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that all replications have gone into.

    Of studies without errors all rows; medians of a sweep's errors are of the first few alone.
    """
    asked = frame["measure"].isin(ASKED)
    return frame[asked] if asked.any() else frame


def replications_words(frame: pd.DataFrame) -> str:
    """Return `replications_range` with its noun.

    Examples
    --------
    >>> rows = {"measure": ["bias"], "sampling": "shuffle", "failed": 0, "replications": 1}
    >>> replications_words(pd.DataFrame(rows))
    '1 replication'
    """
    found = replications_range(frame)
    return f"{found} replication" + ("" if found == "1" else "s")


def drawn_words(design: Design, frame: pd.DataFrame) -> str:
    """Return R in words, and what it was chosen by."""
    drawn = f"R = {replications_words(frame)}"
    if _has(frame, RUNNING):
        drawn += " so far: the run is still at work"
    elif _has(frame, INTERRUPTED):
        drawn += " before the run was interrupted"
    elif is_partial(frame):
        drawn += f" in {seconds_text(design.time_limit)}, the time limit"
    if not design.target_mcse:
        return drawn
    aim = target(design.target_mcse)
    return f"{drawn}: each cell stops at an MCSE of {aim.words}, if it has one"


def is_partial(frame: pd.DataFrame) -> bool:
    """Tell whether a run was cut short by its time limit or interrupted, or is still at work."""
    return bool(frame["stop_reason"].isin([TIME, INTERRUPTED, RUNNING]).any())


def _has(frame: pd.DataFrame, reason: str) -> bool:
    return bool((frame["stop_reason"] == reason).any())


def not_begun(provenance: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what an unfinished run had not begun with: the tables say nothing of it."""
    found = provenance.get(NOT_BEGUN, ())
    return tuple(map(str, found)) if isinstance(found, list | tuple) else ()


def is_at_work(provenance: Mapping[str, Any]) -> bool:
    """Tell whether a process was at work on a run when its tables were made."""
    return provenance.get(AT_WORK) is True


def missed(design: Design, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the cells that fell short of what was asked, one row for each, the worst first.

    Parameters
    ----------
    design, frame
        What was asked, and the table of what came.

    Returns
    -------
    pandas.DataFrame
        Of every cell the row that it still waits for. First those whose standard error is above the
        target, the farthest ahead; then those whose error bar is not to be trusted; then cells in
        which the target has held at the last look alone. The standard error is in `achieved`, as a
        share where the target is one, and what a row lacks in `lacks`: ``precision``, ``trust``,
        ``look``. Without a target, of every cell that was cut short one row.
    """
    rows = _asked(frame)
    if not design.target_mcse:
        return rows[_is_cut(rows)].drop_duplicates(CELL_OF_RUN)
    wanted = target(design.target_mcse)
    # A cell is judged among those of its source: the others have cells of the same words.
    sources = rows.groupby(["distribution", "sampling"], sort=False, observed=True, dropna=False)
    parts = [_lacking(part, wanted) for _, part in sources] or [_lacking(rows, wanted)]
    found = pd.concat(parts)
    found = found[_is_cut(found)]
    found = found.assign(order=found["lacks"].map(LACKS.index))
    columns, rising = ["order", "achieved"], [True, False]
    worst = found.sort_values(columns, ascending=rising, kind="stable").drop(columns="order")
    return worst.drop_duplicates(CELL_OF_RUN)


def _is_cut(rows: pd.DataFrame) -> pd.Series:
    """Tell which rows a limit has cut short, or the end of the run."""
    return rows["stop_reason"].isin([MAX, TIME, INTERRUPTED, RUNNING])


def _lacking(rows: pd.DataFrame, wanted: Target) -> pd.DataFrame:
    """Return the rows of a source that a target asks for, with what they have and lack."""
    columns = {name: rows[name].to_numpy() for name in rows.columns}
    error, has_scale = achieved(columns, wanted)
    found = judged(columns, wanted)
    # One replication has no standard error at all.
    above = ~(error <= wanted.value)
    lacks = np.where(found.precise, "look", np.where(above, "precision", "trust"))
    lacks = np.where(found.valid, lacks, "")
    return rows.assign(achieved=error, lacks=lacks)[has_scale]


def notice_of(result: Reportable, frame: pd.DataFrame | None = None) -> str:
    """Return the `notice` of a result, or of its table as it is shown."""
    table, facts = result.frame if frame is None else frame, result.provenance
    return notice(result.design, table, not_begun(facts), at_work=is_at_work(facts))


def notice(
    design: Design, frame: pd.DataFrame, left_out: Sequence[str] = (), *, at_work: bool = False
) -> str:
    """Return what a reader must know first: that a run is partial, or has missed its target.

    Nothing if all is there that was asked for.

    Parameters
    ----------
    design, frame
        What was asked, and the table of what came.
    left_out
        What the run had not begun with, see `not_begun`.
    at_work
        Whether a process was at work on it, see `is_at_work`.
    """
    short = missed(design, frame)
    is_running = at_work or _has(frame, RUNNING)
    rest = _left_out_words(left_out, is_running=is_running)
    end = f"the time limit of {seconds_text(design.time_limit)} was over"
    if is_running:
        end = "it is still at work"
    elif rest or _has(frame, INTERRUPTED):
        end = "it was interrupted"
    if short.empty:
        return f"This run is partial: {end}{rest}." if rest or is_running else ""
    if not design.target_mcse:
        if is_running:
            return (
                f"This run is partial: {end}, with {replications_range(short)} of the "
                f"{design.replications:,} replications asked for so far{rest}."
            )
        return (
            f"This run is partial: {end} after {replications_range(short)} of the "
            f"{design.replications:,} replications asked for{rest}."
        )
    many = f"{len(short):,} of {plural(_cells(frame), 'cell')}"
    verb = "has" if len(short) == 1 else "have"
    what = f"{many} {verb} not reached the target, {aim_words(design)}"
    if rest or is_running or is_partial(frame):
        return f"This run is partial: {end}, and {what}{rest}."
    return f"After {design.replications:,} replications, the most allowed, {what}."


def _left_out_words(names: Sequence[str], *, is_running: bool = False) -> str:
    """Return what was not begun, to be put behind a clause."""
    if not names:
        return ""
    shown = list(names[:MOST_LEFT_OUT])
    if len(names) > len(shown):
        shown.append(f"{len(names) - len(shown)} more")
    *some, last = shown
    said = f"{', '.join(some)} and {last}" if some else last
    one, more = ("has", "have") if is_running else ("was", "were")
    return f"; {said} {one if len(names) == 1 else more} not begun"


def aim_words(design: Design) -> str:
    """Return what the target asks for."""
    aim = target(design.target_mcse)
    of = " of the estimate" if aim.is_share else ""
    return f"a Monte Carlo standard error of {aim.words}{of}"


def stopping_rule(design: Design) -> str:
    """Return how a run with a target has found its numbers of replications; else nothing."""
    if not design.target_mcse:
        return ""
    aim = target(design.target_mcse)
    least = (
        f"{aim.words} of the estimate (of a bias, {aim.words} of the RMSE)"
        if aim.is_share
        else aim.words
    )
    return (
        f"Every cell was looked at after {FIRST_LOOK:,} replications or the first block, and at "
        f"every doubling up to {design.replications:,}. It stopped, alone, when at two looks "
        f"running no MCSE of its bias, variance, MSE and RMSE was above {least}. Rows whose MCSE "
        "does not exist were not waited for."
    )


def next_step(design: Design, frame: pd.DataFrame, left_out: Sequence[str] = ()) -> str:
    """Return what would reach what was missed; nothing if nothing was."""
    short = missed(design, frame)
    if _has(frame, RUNNING):
        return "It goes on by itself."
    if left_out or _has(frame, INTERRUPTED):
        return "The same command goes on."
    if short.empty:
        return ""
    if is_partial(frame) and not design.target_mcse:
        share = design.replications / int(short["replications"].min())
        return f"About {seconds_text(design.time_limit * share)} would do: --time-limit."
    sure = short[(short["lacks"] == "precision") & (short["status"] != "unreliable")]
    ratio = sure["achieved"].to_numpy(dtype=np.float64) / target(design.target_mcse).value
    counts = sure["replications"].to_numpy(dtype=np.float64)
    needed = counts * ratio**2
    if not np.isfinite(needed).any():
        limit = "--time-limit" if is_partial(frame) else "--max-replications"
        return f"Give more: {limit}; results.csv says in every row what it lacks."
    if is_partial(frame):
        most = 2.0 * design.time_limit * float(np.nanmax(ratio)) ** 2
        return f"About {seconds_text(most)} might do: --time-limit."
    most = float(np.nanmax(needed))
    step = 10.0 ** (math.floor(math.log10(most)) - 1)
    return f"Some {math.ceil(most / step) * step:,.0f} would do: --max-replications."


def missed_lines(design: Design, frame: pd.DataFrame, most: int = 5) -> list[str]:
    """Return the cells that fell short, a line each, at most so many and a word on the others."""
    short = missed(design, frame)
    shown = short
    if not design.target_mcse:
        shown = short = short.drop_duplicates(SOURCE)
    elif len(short) > most:
        # Cells beside each other say the same: of every statistic the worst.
        shown = short.drop_duplicates([*SOURCE, "estimator"])
    lines = [_line(row, design) for row in shown.head(most).to_dict(orient="records")]
    if len(short) > len(lines):
        lines.append(f"... and {len(short) - len(lines):,} more: see stop_reason in results.csv")
    return lines


def without_error_bars(design: Design, frame: pd.DataFrame) -> str:
    """Return which cells of a run with a target have error bars not to be trusted; else nothing."""
    rows = frame[frame["measure"].isin(ASKED) & (frame["status"] == "unreliable")]
    if not design.target_mcse or rows.empty:
        return ""
    each = rows.drop_duplicates(["distribution", "column", "estimator"])
    names = [
        f"{row['column'] or row['distribution']}: {row['estimator']}"
        for row in each.head(5).to_dict(orient="records")
    ]
    some = ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
    return (
        f"{_cells(rows):,} of {plural(_cells(frame), 'cell')} have measures "
        f"without an error bar to trust ({some}); results.csv gives the reasons"
    )


def _cells(frame: pd.DataFrame) -> int:
    return len(frame.drop_duplicates(CELL_OF_RUN))


def _line(row: dict[Any, Any], design: Design) -> str:
    name = row["column"] or row["distribution"]
    parts = [name] if len(design.sampling) == 1 else [name, row["sampling"]]
    if not design.target_mcse:
        return f"{', '.join(parts)}: R = {row['replications']:,}"
    reference = f"{ABOUT.get(row['reference'], '')} {row['reference'].replace('_', ' ')}"
    parts += [row["estimator"], f"n = {row['batch_size']:,}"]
    parts += [part for part in (row["factors"], reference.strip()) if part]
    return f"{', '.join(parts)}: {_lack(row, target(design.target_mcse))}"


def _lack(row: dict[Any, Any], wanted: Target) -> str:
    """Return what a row has, and why that is not enough."""
    what = WORDS.get(row["measure"], row["measure"])
    if row["lacks"] == "trust":
        return f"the error bar of the {what} is not to be trusted: {row['reason']}"
    error = row["achieved"]
    if not math.isfinite(error):
        return f"the {what} has no MCSE, R = {row['replications']:,}"
    shown = f"{significant(100.0 * error, 2)} %" if wanted.is_share else significant(error, 2)
    of = " of the RMSE" if wanted.is_share and row["measure"] == "bias" else ""
    if row["lacks"] == "look":
        return f"MCSE of the {what} {shown}{of}, at the last look alone (two running are asked for)"
    about = ", too few to trust it" if row["status"] == "unreliable" else ""
    return f"MCSE of the {what} {shown}{of}, R = {row['replications']:,}{about}"
