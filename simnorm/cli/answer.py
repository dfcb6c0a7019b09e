"""``simnorm answer``: all studies, one verdict for every claim, one PDF."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from simnorm.cli.guard import guarded
from simnorm.cli.options import (
    COLUMNS,
    DATA,
    DECIMAL,
    DRY_RUN,
    EXCLUDE,
    NA,
    NO_REPORT,
    PAPER,
    QUIET,
    SCHEDULER,
    SEED,
    SEP,
    VERBOSE,
    WORKERS,
)

EPILOG = """\
Examples:\n
  simnorm answer --quick\n
  simnorm answer --data train.csv --batch-size 16\n
  simnorm answer --data train.csv --target label -o my-answer\n
"""

TARGET = Annotated[
    str | None,
    typer.Option(
        help="Column of the data with the classes: accuracy is then measured on your data; it is "
        "no input, and left out everywhere else.",
        metavar="COLUMN",
    ),
]
BATCH_SIZE = Annotated[
    str | None,
    typer.Option(help="The batch size n that you train with [default: 32].", metavar="N"),
]
QUICK = Annotated[
    bool, typer.Option("--quick", help="About 5 minutes on two processors; more is undecided.")
]
THOROUGH = Annotated[bool, typer.Option("--thorough", help="An hour or more; less is undecided.")]
REPORT = Annotated[
    Path | None,
    typer.Option(
        help="Where the report goes: FILE.pdf, or FILE.md for pull requests [default: report.pdf "
        "in the folder].",
        metavar="FILE",
    ),
]
OUT = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--out",
        help="Folder of the answer [default: runs/answer-xxxxxxxx]; what is finished there is not "
        "run again.",
        metavar="FOLDER",
    ),
]
JSON = Annotated[
    bool, typer.Option("--json", help="Print the verdicts as JSON instead of the table.")
]


@guarded
def answer(
    data: DATA = None,
    target: TARGET = None,
    batch_size: BATCH_SIZE = None,
    quick: QUICK = False,
    thorough: THOROUGH = False,
    columns: COLUMNS = None,
    exclude: EXCLUDE = None,
    na: NA = None,
    sep: SEP = None,
    decimal: DECIMAL = None,
    seed: SEED = None,
    workers: WORKERS = None,
    scheduler: SCHEDULER = None,
    out: OUT = None,
    report: REPORT = None,
    no_report: NO_REPORT = False,
    paper: PAPER = None,
    json: JSON = False,
    dry_run: DRY_RUN = False,
    quiet: QUIET = False,
    verbose: VERBOSE = False,
) -> None:
    """Say whether batch normalization replaces standardizing the inputs.

    Runs every study - sweep, inputs, running, scaling, shift, overhead - and judges each claim by
    what they come to: a word, a number with its error, and what was said beforehand to be too small
    to matter. With --data the values are those of your columns. Ends with a table of verdicts and a
    PDF. If it is interrupted, finished studies are kept: type the same command again. About a
    quarter of an hour on two processors.
    """
    from simnorm.cli.answering import Wishes, run_answer
    from simnorm.errors import SimnormError

    if quick and thorough:
        raise SimnormError("quick", "--thorough too", "one of them is allowed", "Drop one.")
    given: dict[str, Any] = {
        "data": data,
        "target": target,
        "batch_size": batch_size,
        "level": "quick" if quick else "thorough" if thorough else None,
        "columns": columns,
        "exclude": exclude,
        "na": na,
        "separator": sep,
        "decimal": decimal,
        "seed": seed,
    }
    given = {name: value for name, value in given.items() if value is not None}
    wishes = Wishes(
        workers, out, report, no_report, paper, json, dry_run, quiet, verbose, scheduler
    )
    run_answer(given, wishes)
