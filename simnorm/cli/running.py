"""Run a design as a person at a terminal wants it: progress, table, paths."""

from __future__ import annotations

import dataclasses
import json
import math
import shlex
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from simnorm import stopped
from simnorm.api import memory_needed, run
from simnorm.cli.report import check_wished
from simnorm.design import Design
from simnorm.engine import Progress, Task, compute, total_draws, worker_count
from simnorm.errors import SimnormError
from simnorm.formatting import seconds_text
from simnorm.grammar import number_text
from simnorm.options import STUDIES, SWEEP
from simnorm.results import Result
from simnorm.store import REPORT, check_folder, default_folder, replaced
from simnorm.studies import study_of
from simnorm.studies.drawing import sources

if TYPE_CHECKING:
    import pandas as pd

# Exit code of a run that has fallen short of what was asked for.
MISSED = 3
# The time of a large run is foretold from one block of full sets of this size.
PROBE_SIZE = 16_384
# From this size on, reading a file takes long enough to wonder.
SLOW_FILE = 50_000_000


class Wishes(NamedTuple):
    """What the options say beside the design."""

    workers: str | None
    out: Path | None
    report: Path | None
    json: bool
    dry_run: bool
    quiet: bool
    verbose: bool
    paper: str | None = None


def run_given(given: dict[str, Any], wishes: Wishes, *, with_report: bool = False) -> None:
    """Make a design from what options say, without those left out, and run it.

    Parameters
    ----------
    given
        Arguments of `Design.make`.
    wishes
        What else the options say.
    with_report
        Whether a report is written into the run folder where no place is named.
    """
    notes: list[str] = []
    if given.get("data") is not None and not wishes.quiet:
        announce_reading(given["data"])
    design = Design.make(**{k: v for k, v in given.items() if v is not None}, notes=notes)
    if with_report and wishes.report is None:
        folder = wishes.out or default_folder(design)
        wishes = wishes._replace(report=folder / REPORT)
    run_design(design, wishes, notes)


def run_study(given: dict[str, Any], wishes: Wishes, *, no_report: bool) -> None:
    """Run a study as `run_given` does, with its report unless there is to be none."""
    if no_report and wishes.report is not None:
        allowed = "--no-report says to write none"
        raise SimnormError("report", str(wishes.report), allowed, "Drop one.")
    if no_report and wishes.paper is not None:
        raise SimnormError("paper", wishes.paper, "--no-report says to write none", "Drop one.")
    run_given(given, wishes, with_report=not no_report)


def run_design(design: Design, wishes: Wishes, notes: list[str]) -> None:
    """Check every wish, run the design, print its table and name its files."""
    from simnorm.cli.summary import print_summary

    workers = worker_count(wishes.workers)
    folder = wishes.out or default_folder(design)
    check_folder(folder, design)
    if before := replaced(folder, design):
        notes.append(f"{folder} held this design with {before}: the new run takes its place")
    check_wished(wishes.report, wishes.paper)
    if not wishes.quiet:
        for note in notes:
            typer.echo(f"note: {note}", err=True)
    if wishes.dry_run:
        plan = planned(design, workers, folder)
        if wishes.json:
            typer.echo(json.dumps(plan))
        else:
            print_plan(plan)
        return
    with progress_bar(shown=not wishes.quiet) as on_progress:
        result = run(
            design, workers=workers, out=folder, on_progress=on_progress, command=command_line()
        )
    gone = None
    try:
        if wishes.json:
            print_json(result, folder)
        else:
            print_summary(result)
        sys.stdout.flush()
    except BrokenPipeError as error:
        gone = error  # whoever reads the table has left; the report is made all the same
    if wishes.verbose and not wishes.quiet:
        print_details(result)
    report = None
    if wishes.report is not None:
        with stage("report", shown=not wishes.quiet):
            report = result.report(wishes.report, paper=wishes.paper)
    if not wishes.quiet:
        if without := stopped.without_error_bars(result.design, result.frame):
            typer.echo(textwrap.fill(f"note: {without}", 80), err=True)
        typer.echo(f"run: {folder}", err=True)
        if report is not None:
            typer.echo(f"report: {report}", err=True)
        elif design.study == SWEEP:
            typer.echo(f"for a PDF: simnorm report {shlex.quote(str(folder))}", err=True)
    tell_missed(result)
    if gone is not None:
        raise gone
    if len(result.missed()):
        raise typer.Exit(MISSED)


def tell_missed(result: Result) -> None:
    """Say on stderr, quiet or not, which cells have not reached what was asked for."""
    said = stopped.notice(result.design, result.frame)
    if not said:
        return
    step = stopped.next_step(result.design, result.frame)
    typer.echo(textwrap.fill(f"simnorm: {said} {step}", 80), err=True)
    for line in stopped.missed_lines(result.design, result.frame):
        typer.echo(textwrap.fill(line, 80, initial_indent="  ", subsequent_indent="    "), err=True)


def announce_reading(path: str) -> None:
    """Say on stderr that a file is being read that takes more than a moment."""
    try:
        size = Path(path).stat().st_size
    except OSError:
        return  # the reader says what is wrong
    if size > SLOW_FILE:
        typer.echo(f"reading {path} ({size / 1e6:,.0f} MB)", err=True)


def command_line() -> str:
    """Return the command as it could be typed again."""
    return shlex.join(["simnorm", *sys.argv[1:]])


@contextmanager
def progress_bar(*, shown: bool) -> Iterator[Callable[[Progress], None] | None]:
    """Show draws, rate and time left on stderr while the block runs, if that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    if not (shown and console.is_terminal):
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
    )
    with Bar(*columns, console=console, transient=True) as bar:
        shown_task = bar.add_task("starting", total=None, rate="(the first run compiles, ~10 s)")
        begin: tuple[float, int] | None = None

        def on_progress(progress: Progress) -> None:
            # The clock starts with the first node, so that compiling does not spoil the rate.
            nonlocal begin
            now = time.perf_counter()
            begin = begin or (now, progress.done)
            seconds, draws = now - begin[0], progress.done - begin[1]
            rate = ""
            if seconds > 0 and draws > 0:
                left = (progress.total - progress.done) * seconds / draws
                rate = f"{draws / seconds / 1e6:.0f} M draws/s, {seconds_text(left)} left"
            completed, total, what = progress.done, progress.total, "drawing"
            if progress.cells:
                # How much there is to draw, nobody knows; cells end one after the other.
                completed, total = progress.cells - progress.open_cells, progress.cells
                what = f"{completed:,} of {total:,} cells precise"
                rate = rate.partition(",")[0]
            if completed >= total:
                # All is drawn; what follows is no draw and has no rate.
                what, rate = "tables", ""
            bar.update(shown_task, description=what, completed=completed, total=total, rate=rate)

        yield on_progress


@contextmanager
def stage(word: str, *, shown: bool) -> Iterator[None]:
    """Show a word on stderr while the block runs, if that is a terminal."""
    from rich.console import Console

    console = Console(stderr=True)
    if not (shown and console.is_terminal):
        yield
        return
    with console.status(word):
        yield


def planned(design: Design, workers: int, folder: Path) -> dict[str, Any]:
    """Return what the design would cost: cells, draws, time, memory."""
    return {
        "design": design.to_dict(),
        "cells": study_of(design).cell_count(design),
        "draws": total_draws(design),
        "workers": workers,
        "seconds": foretold_seconds(design, workers),
        "bytes": memory_needed(design, workers),
        "folder": str(folder),
    }


def print_plan(plan: dict[str, Any]) -> None:
    """Print a plan for people."""
    design = plan["design"]
    workers = f"{plan['workers']} worker{'s' * (plan['workers'] > 1)}"
    if "data" in design:
        what = {"data": design["data"], "columns": _some(design["columns"])}
    else:
        what = {"distributions": ", ".join(design["distributions"])}
    what = {"study": design["study"]} | what
    if "estimators" in design:
        what["estimators"] = ", ".join(design["estimators"])
    most = "at most " if "target_mcse" in design else ""
    seconds = min(plan["seconds"], design.get("time_limit", math.inf))
    for name in STUDIES[design["study"]].settings:
        given = design[name] if isinstance(design[name], list) else [design[name]]
        what[name] = ", ".join(number_text(v) if isinstance(v, float) else str(v) for v in given)
    lines = what | {
        "batch sizes": _some([str(n) for n in design["batch_sizes"]]),
        "sampling": ", ".join(design["sampling"]),
        "full size N": f"{design['full_size']:,}",
        **_precision_lines(design),
        "seed": str(design["seed"]),
        "cells": f"{plan['cells']:,}",
        "draws": f"{most}{plan['draws']:,}",
        "time": f"{most}about {seconds_text(seconds)} of drawing with {workers}",
        "memory": f"about {plan['bytes'] / 2**20:,.0f} MiB beside the imports",
        "run folder": plan["folder"],
    }
    for name, value in lines.items():
        typer.echo(textwrap.fill(f"{name + ':':<16}{value}", 80, subsequent_indent=" " * 16))


def _precision_lines(design: dict[str, Any]) -> dict[str, str]:
    lines = {}
    if "target_mcse" in design:
        lines["target MCSE"] = design["target_mcse"].replace("%", " %")
        lines["replications R"] = f"at most {design['max_replications']:,}"
    else:
        lines["replications R"] = f"{design['replications']:,}"
    if "time_limit" in design:
        lines["time limit"] = seconds_text(design["time_limit"])
    return lines


def _some(texts: list[str]) -> str:
    shown = [*texts[:6], "...", *texts[-3:]] if len(texts) > 14 else texts
    return f"{', '.join(shown)} ({len(texts)})"


def foretold_seconds(design: Design, workers: int) -> float:
    """Return the time a run should take, by timing one block of every distribution."""
    probe = _probe(design)
    compute(probe, Task(0, 0, 0))  # compiles, or reads what was compiled before
    seconds = 0.0
    per_source = total_draws(design) / len(sources(design))
    # Columns of data take as long as each other, so that one source of each scheme will do.
    step = len(sources(design)) // len(design.sampling) if design.data else 1
    for source in range(0, len(sources(probe)), step):
        begin = time.perf_counter()
        node = compute(probe, Task(source, 0, 0))
        spent = time.perf_counter() - begin
        seconds += step * spent * per_source / node.draws if node.draws else 0.0
    return seconds / workers


def _probe(design: Design) -> Design:
    """Return a small design whose time a draw is that of a large one."""
    if design.data:
        return dataclasses.replace(design, replications=1)
    size = min(design.full_size, PROBE_SIZE)
    sizes = tuple(n for n in design.batch_sizes if n <= size) or (size,)
    return dataclasses.replace(design, batch_sizes=sizes, full_size=size, replications=1)


def print_json(result: Result, folder: Path) -> None:
    """Print design, folder and all rows as one JSON document; null where there is no value."""
    document = {
        "design": result.design.to_dict(),
        "folder": str(folder),
        "provenance": result.provenance,
        "results": _records(result.frame),
    }
    if result.design.data:
        document["columns"] = _records(result.columns)
    typer.echo(json.dumps(document, allow_nan=False))


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    rows = table.to_dict(orient="records")
    return [{str(key): _plain(value) for key, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None  # a tail index may be infinite, which JSON does not know
    return value


def print_details(result: Result) -> None:
    """Print how the run went, on stderr."""
    facts = result.provenance
    rate = facts["draws"] / max(facts["seconds"], 1e-9) / 1e6
    typer.echo(
        f"{facts['draws']:,} draws in {seconds_text(facts['seconds'])} ({rate:.0f} M/s) on "
        f"{facts['workers']} threads, {facts['reducer']} reducer, numpy {facts['numpy']}",
        err=True,
    )
