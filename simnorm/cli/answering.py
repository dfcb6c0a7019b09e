"""Carry an answer out as a person at a terminal wants it: progress, verdicts, paths."""

from __future__ import annotations

import json
import math
import signal
import sys
import textwrap
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import typer

from simnorm.answering import Answer, Missing
from simnorm.answering.margins import ERROR
from simnorm.answering.plan import SECONDS, Plan, make_plan
from simnorm.answering.running import (
    SOLVE,
    Watcher,
    carry_out,
    check_folder,
    default_folder,
    finished,
    missing_for,
)
from simnorm.answering.verdicts import WORDS, Verdict
from simnorm.cli.going_on import (
    NOT_BEGUN,
    WHOLE,
    command_line,
    finished_lines,
    folded,
    go_on_line,
    left_lines,
    percent,
    report_line,
)
from simnorm.cli.interrupts import Stop, Stopped, heeded, meanwhile, say
from simnorm.cli.plain import echo
from simnorm.cli.plan import foretold_seconds
from simnorm.cli.progress import progress_bar, stage
from simnorm.cli.report import check_wished
from simnorm.cli.running import announce_reading
from simnorm.crews import check_scheduler
from simnorm.design import Design
from simnorm.engine import Progress
from simnorm.errors import Interrupted, RunError, SimnormError
from simnorm.formatting import seconds_text
from simnorm.options import STUDIES
from simnorm.studies import check_extra, study_of
from simnorm.workers import worker_count

REPORT = "report.pdf"
# Widths of the table's columns, with a space between: 80 in all.
CLAIM, WORD, NUMBER = 38, 13, 27
MOST_COLUMNS = 8
NAME_WIDTH = 32
# Where the words of a study are not enough.
SAID = {SOLVE: "needed batch sizes"}
# One line up, and that line away.
UP = "\x1b[1A\x1b[2K"
DONE, LEFT_OUT = "\N{CHECK MARK}", "\N{EN DASH}"


class Wishes(NamedTuple):
    """What the options say beside the question."""

    workers: str | None
    out: Path | None
    report: Path | None
    no_report: bool
    paper: str | None
    json: bool
    dry_run: bool
    quiet: bool
    verbose: bool
    scheduler: str | None = None


class Terminal(Watcher):
    """Shows a bar for the study under way, and a line for each that is done."""

    def __init__(self, *, shown: bool, stop: Callable[[], bool] | None = None) -> None:
        self.shown, self.stop = shown, stop
        self.study, self.ended = "", 0
        self._stack = ExitStack()

    def begin(self, study: str) -> Callable[[Progress], None] | None:
        """Show a bar."""
        self.study = study
        if self.shown and sys.stderr.isatty():
            say(f"  {SAID.get(study, study)}")
        trial = study if study in STUDIES and STUDIES[study].is_trial else ""
        bar = progress_bar(shown=self.shown, study=trial, stop=self.stop)
        return self._stack.enter_context(bar)

    def end(self, study: str, seconds: float, *, loaded: bool) -> None:
        """Say that a study is there."""
        self.ended += 1
        self._say(DONE, study, "there already" if loaded else seconds_text(seconds))

    def left_out(self, study: str, missing: Missing) -> None:
        """Say that a study is missing, and why."""
        self._say(LEFT_OUT, study, f"left out. {missing.reason} {missing.what_to_do}".strip())

    def _say(self, mark: str, study: str, words: str) -> None:
        self._stack.close()
        self.study = ""
        if not self.shown:
            return
        up = UP if sys.stderr.isatty() and "there already" not in words else ""
        line = f"{mark} {SAID.get(study, study):<20}{words}"
        say(textwrap.fill(line, 80, subsequent_indent=" " * 22), before=up)

    def close(self) -> None:
        """Take away the bar, and the line above it, whatever happened."""
        self._stack.close()
        if self.shown and self.study and sys.stderr.isatty():
            say("", end="", before=UP)
        self.study = ""


def run_answer(given: dict[str, Any], wishes: Wishes) -> None:
    """Check every wish, run the studies, print the verdicts and name the files."""
    workers = worker_count(wishes.workers)
    _check_report(wishes)
    check_scheduler(wishes.scheduler, is_used=not wishes.dry_run)
    with meanwhile(NOT_BEGUN):
        if given.get("data") is not None and not wishes.quiet:
            announce_reading(given["data"])
        plan = make_plan(**given)
        folder = wishes.out or default_folder(plan.settings)
        check_folder(folder, plan.settings)
        report = None if wishes.no_report else wishes.report or folder / REPORT
        check_wished(report, wishes.paper)
        if not wishes.quiet:
            for note in plan.notes:
                say(textwrap.fill(f"note: {note}", 80, subsequent_indent="  "))
        if wishes.dry_run:
            _print_plan(foretold(plan, folder, workers), wishes)
            return
    found = _carried_out(plan, folder, workers, wishes)
    with meanwhile(*finished_lines(folder)):
        _shown(found, folder, report, wishes)


def _carried_out(plan: Plan, folder: Path, workers: int, wishes: Wishes) -> Answer:
    """Run the studies. If that ends before its time, say what is kept, and how it goes on."""
    stop = Stop(lambda: left_lines(folder), shown=not wishes.quiet)
    watcher = Terminal(shown=not wishes.quiet, stop=stop)
    with heeded(stop):
        try:
            found = carry_out(
                plan,
                folder,
                workers=workers,
                scheduler=wishes.scheduler or "",
                watcher=watcher,
                command=command_line(),
                stop=stop,
            )
        except Interrupted as error:
            lines = stopped_lines(folder, watcher, len(plan.designs) + 1, error)
            raise Stopped(stop.signum or signal.SIGINT, *lines) from None
        except RunError as error:
            watcher.close()
            say(textwrap.fill(f"simnorm: {error.sentence(error.option())}", 80, **WHOLE))
            say(go_on_line())
            raise typer.Exit(error.exit_code) from None
        finally:
            watcher.close()
        if stop():
            raise Stopped(stop.signum, *finished_lines(folder))
    return found


def stopped_lines(
    folder: Path, watcher: Terminal, studies: int, error: Interrupted
) -> tuple[str, ...]:
    """Return what is said of an interrupted answer.

    Parameters
    ----------
    folder, watcher
        Where it is kept, and what has seen the studies end.
    studies
        How many there are, needed batch sizes among them.
    error
        How far the study under way is.
    """
    kept = [f"{watcher.ended} of {studies} studies"] if watcher.ended else []
    if error.done and watcher.study:
        name = SAID.get(watcher.study, watcher.study)
        kept.append(f"{percent(error.done, error.total)} of {name}")
    if not kept:
        return ("interrupted before anything new was drawn", go_on_line())
    lines = (folded(f"interrupted; kept in {folder}: {' and '.join(kept)}"), go_on_line())
    return (*lines, report_line(folder)) if watcher.ended else lines


def _shown(found: Answer, folder: Path, report: Path | None, wishes: Wishes) -> None:
    """Print the verdicts, write the report that is wished for, and name the files."""
    gone = None
    try:
        if wishes.json:
            echo(json.dumps(document(found, folder), allow_nan=False, ensure_ascii=False))
        else:
            print_answer(found, verbose=wishes.verbose)
        sys.stdout.flush()
    except BrokenPipeError as error:
        gone = error  # whoever reads the table has left; the report is made all the same
    if report is not None:
        with stage("report", shown=not wishes.quiet):
            found.report(report, paper=wishes.paper)
    if not wishes.quiet:
        say(f"answer: {folder}")
        say(report_line(folder) if report is None else f"report: {report}")
    if gone is not None:
        raise gone


def _check_report(wishes: Wishes) -> None:
    if not wishes.no_report:
        return
    for name, value in (("report", wishes.report), ("paper", wishes.paper)):
        if value is not None:
            raise SimnormError(name, str(value), "--no-report says to write none", "Drop one.")


# ---------------------------------------------------------------------------------------------
# What is printed


def print_answer(found: Answer, *, verbose: bool = False) -> None:
    """Print the answer: what it comes to, the columns that need more, and every verdict."""
    echo(textwrap.fill(" ".join(found.sentences), 80))
    echo("")
    if found.settings.data:
        _print_needed(found)
    echo(f"{'claim':<{CLAIM}} {'verdict':<{WORD}} number")
    for verdict in found.verdicts:
        _print_verdict(verdict, verbose=verbose)
    echo("")
    echo("What to do")
    for sentence in found.advice:
        echo(textwrap.fill(sentence, 80, initial_indent="  ", subsequent_indent="  "))


def _print_verdict(verdict: Verdict, *, verbose: bool) -> None:
    columns = [
        textwrap.wrap(verdict.claim, CLAIM) or [""],
        textwrap.wrap(verdict.word, WORD) or [""],
        textwrap.wrap(verdict.number, NUMBER) or [""],
    ]
    for line in range(max(map(len, columns))):
        cells = [column[line] if line < len(column) else "" for column in columns]
        echo(f"{cells[0]:<{CLAIM}} {cells[1]:<{WORD}} {cells[2]}".rstrip())
    said = [verdict.why] if verdict.word == "not measured" else []
    said += [f"It would take {verdict.needed}."] if verdict.needed else []
    if verbose:
        said = [verdict.detail, verdict.why, *said[bool(said and said[0] == verdict.why) :]]
    for sentence in said:
        if sentence:
            echo(textwrap.fill(sentence, 80, initial_indent="  ", subsequent_indent="  "))


def _print_needed(found: Answer) -> None:
    """Print the columns that need more than the batch size asked for."""
    n = found.settings.batch_size
    table = found.needed
    more = table[(table["batch_size"] > n) | (table["batch_size"] == 0)]
    if not len(more):
        return
    echo(
        f"{len(more):,} of {len(table):,} columns need more than batches of {n:,} for an error of "
        f"{ERROR:g} sd:"
    )
    echo(f"{'column':<{NAME_WIDTH}} {'needed':>20} {f'error at {n:,}, sd':>22}")
    rows = more.head(MOST_COLUMNS).to_dict("records")
    for row in rows:
        name = str(row["name"])
        shown = name if len(name) <= NAME_WIDTH else f"{name[: NAME_WIDTH - 1]}…"
        echo(f"{shown:<{NAME_WIDTH}} {_needed_text(row):>20} {_error_text(row):>22}".rstrip())
    if len(more) > len(rows):
        echo(f"... and {len(more) - len(rows):,} more, in needed.csv")
    echo("")


def _needed_text(row: dict[Any, Any]) -> str:
    size, low, high = int(row["batch_size"]), int(row["low"]), int(row["high"])
    if not size:
        return "constant" if "constant" in str(row["reason"]) else "none"
    if low == high == size:
        return f"{size:,}"
    return f"{size:,} ({low:,} to {high:,})" if high else f"{low:,} or more"


def _error_text(row: dict[Any, Any]) -> str:
    from simnorm.formatting import format_estimate

    return format_estimate(float(row["error"]), float(row["mcse"]))


def document(found: Answer, folder: Path) -> dict[str, Any]:
    """Return an answer as a JSON document; null where there is no value."""
    needed = [
        {key: _plain(value) for key, value in row.items()}
        for row in found.needed.to_dict("records")
    ]
    return {
        "folder": str(folder),
        "settings": json.loads(found.settings.to_json()),
        "answer": list(found.sentences),
        "advice": list(found.advice),
        "verdicts": [verdict._asdict() for verdict in found.verdicts],
        "needed": needed,
        "missing": {word: missing._asdict() for word, missing in found.missing.items()},
        "words": dict(WORDS),
    }


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


# ---------------------------------------------------------------------------------------------
# What would be done


def foretold(plan: Plan, folder: Path, workers: int) -> dict[str, Any]:
    """Return what an answer would take: every study with its time, or why it is left out."""
    studies: list[dict[str, Any]] = []
    for word, design in plan.designs.items():
        line: dict[str, Any] = {"study": word, "replications": design.replications}
        line["batch_sizes"] = list(design.batch_sizes)
        if finished(folder / word, design) is not None:
            studies.append(line | {"seconds": 0.0, "state": "there already"})
            continue
        try:
            check_extra(design)
            study_of(design).check(design)
            seconds = _seconds(word, design, workers)
        except (SimnormError, ImportError) as error:
            missing = missing_for(error)
            said = f"left out. {missing.reason} {missing.what_to_do}".strip()
            studies.append(line | {"seconds": 0.0, "state": said})
            continue
        studies.append(line | {"seconds": seconds, "state": "to be run"})
    return {
        "settings": json.loads(plan.settings.to_json()),
        "studies": studies,
        "seconds": sum(line["seconds"] for line in studies),
        "workers": workers,
        "folder": str(folder),
    }


def _seconds(word: str, design: Design, workers: int) -> float:
    """Return about how long a study takes; a repeat of a trial is too long to be tried out."""
    if word in SECONDS and not design.data:
        return SECONDS[word] * design.replications
    return foretold_seconds(design, workers)


def _print_plan(plan: dict[str, Any], wishes: Wishes) -> None:
    if wishes.json:
        echo(json.dumps(plan))
        return
    settings = plan["settings"]
    what = settings["data"] or ", ".join(settings["names"])
    echo(textwrap.fill(f"answer for {what}; batch size {settings['batch_size']:,}", 80))
    for line in plan["studies"]:
        text = f"R = {line['replications']:,}"
        state = line["state"]
        if state == "to be run":
            state = f"about {seconds_text(line['seconds'])}"
        echo(
            textwrap.fill(f"  {line['study']:<10}{text:<12}{state}", 80, subsequent_indent=" " * 24)
        )
    plural = "s" * (plan["workers"] > 1)
    echo(
        f"time: about {seconds_text(plan['seconds'])} with {plan['workers']} worker{plural}, and "
        "the needed batch sizes"
    )
    echo(f"folder: {plan['folder']}")
