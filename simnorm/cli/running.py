"""Run a design as a person at a terminal wants it: progress, table, paths."""

from __future__ import annotations

import json
import math
import os
import signal
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from simnorm import stopped
from simnorm.api import run
from simnorm.cli.going_on import (
    NOT_BEGUN,
    WHOLE,
    Told,
    command_line,
    finished_lines,
    folded_note,
    go_on_line,
    interrupted_lines,
    left_lines,
    report_line,
    shared_words,
)
from simnorm.cli.interrupts import Stop, Stopped, heeded, meanwhile, say
from simnorm.cli.plain import echo
from simnorm.cli.plan import planned, print_plan
from simnorm.cli.progress import progress_bar, stage
from simnorm.cli.report import check_wished
from simnorm.crews import check_scheduler
from simnorm.design import Design
from simnorm.errors import Interrupted, RunError, SimnormError
from simnorm.formatting import plural, seconds_text
from simnorm.options import STUDIES, SWEEP
from simnorm.results import Result
from simnorm.store import ANSWER, DESIGN, REPORT, check_folder, home_of, is_run, where_runs_are
from simnorm.workers import worker_count

if TYPE_CHECKING:
    import pandas as pd

# What a folder is called that no option has named.
RUN_FOLDER = "run folder"
# Exit code of a run that has fallen short of what was asked for.
MISSED = 3
# Whose versions decide what a trial comes to, as far as its provenance has them.
PACKAGES = ("torch", "scikit-learn", "numpy", "scipy")
# What a plan says of a run on a cluster.
HERE = "the time is that of this machine; the cluster is not asked"
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
    scheduler: str | None = None
    # The run folder that was named as the design: the run goes on there.
    home: Path | None = None

    def folder(self, design: Design) -> Path:
        """Return where the design's run goes to."""
        return self.out or self.home or home_of(design)


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
    with meanwhile(NOT_BEGUN):
        if given.get("data") is not None and not wishes.quiet:
            announce_reading(given["data"])
        design = Design.make(**{k: v for k, v in given.items() if v is not None}, notes=notes)
    if with_report and wishes.report is None:
        wishes = wishes._replace(report=wishes.folder(design) / REPORT)
    run_design(design, wishes, notes)


def run_file(path: Path, wishes: Wishes) -> None:
    """Run a design from its file; in the folder of a run, go on there."""
    notes: list[str] = []
    if os.path.isdir(path) and not os.path.isfile(path / DESIGN):
        allowed = "a run folder is needed, or the file of a design"
        hint = where_runs_are(path)
        if os.path.isfile(path / ANSWER):
            hint = "It is an answer's: type that `simnorm answer` again."
        raise SimnormError("design", str(path), allowed, hint)
    with meanwhile(NOT_BEGUN):
        design = Design.from_file(path, notes)
    if is_run(path):
        wishes = wishes._replace(home=path)
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
    """Check every wish, run the design, print its table and name its files.

    What is wrong with a folder that was not named by ``--out`` is not said of that option.
    """
    try:
        _run_design(design, wishes, notes)
    except SimnormError as error:
        if error.parameter == "out" and wishes.out is None:
            error.parameter = RUN_FOLDER
        raise


def _run_design(design: Design, wishes: Wishes, notes: list[str]) -> None:
    folder = wishes.folder(design)
    # What takes time is alone on the machine.
    workers = 1 if STUDIES[design.study].is_timed else worker_count(wishes.workers)
    with meanwhile(NOT_BEGUN):
        check_scheduler(wishes.scheduler, wishes.workers, is_used=not wishes.dry_run)
        check_folder(folder, design)
        check_wished(wishes.report, wishes.paper)
        is_found = wishes.out is None and wishes.home is None
        if is_found and (words := shared_words(folder, design)):
            notes.append(words)
        if not wishes.quiet:
            for note in notes:
                say(f"note: {note}")
        if wishes.dry_run:
            if wishes.scheduler and not wishes.quiet:
                say(f"note: {HERE}")
            _foretell(planned(design, workers, folder), wishes)
            return
    result = _drawn(design, wishes, folder, workers)
    with meanwhile(*finished_lines(folder, design)):
        _shown(result, wishes, folder)


def _foretell(plan: dict[str, Any], wishes: Wishes) -> None:
    if wishes.json:
        echo(json.dumps(plan))
    else:
        print_plan(plan)


def _drawn(design: Design, wishes: Wishes, folder: Path, workers: int) -> Result:
    """Run the design. If that ends before its time, say what is kept, and how it goes on."""
    stop = Stop(lambda: left_lines(folder), shown=not wishes.quiet)
    told = Told(folder, shown=not wishes.quiet)

    def note(sentence: str) -> None:
        if not wishes.quiet:
            say(folded_note(sentence))

    with heeded(stop):
        try:
            with progress_bar(
                shown=not wishes.quiet, study=design.study, stop=stop, away=bool(wishes.scheduler)
            ) as bar:  # fmt: skip
                result = run(
                    design,
                    workers=None if wishes.scheduler else workers,
                    scheduler=wishes.scheduler or "",
                    out=folder,
                    on_progress=told.through(bar),
                    on_note=note,
                    command=command_line(),
                    stop=stop,
                )
        except Interrupted as error:
            lines = interrupted_lines(folder, error, told.last)
            raise Stopped(stop.signum or signal.SIGINT, *lines) from None
        except RunError as error:
            is_home = error.parameter == "out" and wishes.out is None
            name = RUN_FOLDER if is_home else error.option()
            say(textwrap.fill(f"simnorm: {error.sentence(name)}", 80, **WHOLE))
            if is_run(folder):
                say(go_on_line())
            raise typer.Exit(error.exit_code) from None
        if stop():
            # It came when all was drawn.
            raise Stopped(stop.signum, *finished_lines(folder, design))
    return result


def _shown(result: Result, wishes: Wishes, folder: Path) -> None:
    """Print the table, write the report that is wished for, and name the files."""
    from simnorm.cli.summary import print_summary

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
            say(textwrap.fill(f"note: {without}", 80))
        say(f"run: {folder}")
        if report is not None:
            say(f"report: {report}")
        elif result.design.study == SWEEP:
            say(report_line(folder))
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
    say(textwrap.fill(f"simnorm: {said} {step}", 80))
    for line in stopped.missed_lines(result.design, result.frame):
        say(textwrap.fill(line, 80, initial_indent="  ", subsequent_indent="    "))
    if stopped.is_partial(result.frame):
        say(f"to go on for as long again: {command_line()}")


def announce_reading(path: str) -> None:
    """Say on stderr that a file is being read that takes more than a moment."""
    try:
        size = Path(path).stat().st_size
    except (OSError, ValueError):
        return  # the reader says what is wrong
    if size > SLOW_FILE:
        say(f"reading {path} ({size / 1e6:,.0f} MB)")


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
    echo(json.dumps(document, allow_nan=False))


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
        say(f"{spent} on {threads}, {versions}")
        return
    rate = facts["draws"] / max(facts["seconds"], 1e-9) / 1e6
    say(
        f"{facts['draws']:,} draws in {spent} ({rate:.0f} M/s) on {threads}, "
        f"{facts['reducer']} reducer, numpy {facts['numpy']}"
    )
