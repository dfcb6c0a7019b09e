"""Run a design as a person at a terminal wants it: progress, table, paths."""

from __future__ import annotations

import json
import math
import shlex
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from simnorm import stopped
from simnorm.api import run
from simnorm.cli.plan import planned, print_plan
from simnorm.cli.progress import progress_bar, stage
from simnorm.cli.report import check_wished
from simnorm.design import Design
from simnorm.engine import worker_count
from simnorm.errors import SimnormError
from simnorm.formatting import plural, seconds_text
from simnorm.options import STUDIES, SWEEP
from simnorm.results import Result
from simnorm.store import REPORT, check_folder, default_folder, replaced

if TYPE_CHECKING:
    import pandas as pd

# Exit code of a run that has fallen short of what was asked for.
MISSED = 3
# Whose versions decide what a trial comes to, as far as its provenance has them.
PACKAGES = ("torch", "scikit-learn", "numpy", "scipy")
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

    # What takes time is alone on the machine.
    workers = 1 if STUDIES[design.study].is_timed else worker_count(wishes.workers)
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
    with progress_bar(shown=not wishes.quiet, study=design.study) as on_progress:
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
    facts, study = result.provenance, STUDIES[result.design.study]
    spent, threads = seconds_text(facts["seconds"]), plural(facts["workers"], "thread")
    if study.is_trial:
        packages = [name for name in PACKAGES if name in facts]
        versions = ", ".join(f"{name} {facts[name]}" for name in packages)
        typer.echo(f"{spent} on {threads}, {versions}", err=True)
        return
    rate = facts["draws"] / max(facts["seconds"], 1e-9) / 1e6
    typer.echo(
        f"{facts['draws']:,} draws in {spent} ({rate:.0f} M/s) on {threads}, "
        f"{facts['reducer']} reducer, numpy {facts['numpy']}",
        err=True,
    )
