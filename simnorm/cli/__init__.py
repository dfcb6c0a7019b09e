"""The command line: words to values, one library call, print, exit code.

Nothing heavier than Typer is imported before a command runs, so that help stays instant.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from simnorm.cli.answer import EPILOG as ANSWER_EPILOG
from simnorm.cli.answer import answer
from simnorm.cli.check import check
from simnorm.cli.guard import guarded
from simnorm.cli.options import (
    BATCH_SIZES,
    COLUMNS,
    DATA,
    DECIMAL,
    DIST,
    DRY_RUN,
    ESTIMATORS,
    EXACT,
    EXCLUDE,
    FULL_SIZE,
    JSON,
    MAX_REPLICATIONS,
    NA,
    OUT,
    PAPER,
    QUIET,
    REPLICATIONS,
    REPORT,
    SAMPLING,
    SCHEDULER,
    SEED,
    SEP,
    TARGET_MCSE,
    TIME_LIMIT,
    VERBOSE,
    WORKERS,
)
from simnorm.cli.plain import PlainGroup, echo
from simnorm.cli.plot import plot
from simnorm.cli.report import report as report_command
from simnorm.cli.solve import solve
from simnorm.cli.status import status
from simnorm.cli.study import study_app

EPILOG = """\
Examples:\n
  simnorm sweep --batch-sizes 2,4,8,16\n
  simnorm answer --data train.csv --batch-size 32\n
  simnorm solve --target-rmse 0.1 --dist normal
"""

app = typer.Typer(
    name="simnorm",
    cls=PlainGroup,
    help="How far do the statistics of a batch stray from those of the full set?",
    epilog=EPILOG,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)


def main() -> None:
    """Run the command line."""
    app()


def _print_version(wanted: bool) -> None:
    if wanted:
        from simnorm._version import __version__

        echo(f"simnorm {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001
        bool,
        typer.Option(
            "--version", help="Show the version and exit.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Print help where no command is given."""
    if context.invoked_subcommand is None:
        echo(context.get_help())


@app.command()
@guarded
def sweep(
    batch_sizes: BATCH_SIZES = None,
    dist: DIST = None,
    estimators: ESTIMATORS = None,
    full_size: FULL_SIZE = None,
    data: DATA = None,
    columns: COLUMNS = None,
    exclude: EXCLUDE = None,
    na: NA = None,
    sep: SEP = None,
    decimal: DECIMAL = None,
    sampling: SAMPLING = None,
    exact: EXACT = False,
    replications: REPLICATIONS = None,
    target_mcse: TARGET_MCSE = None,
    max_replications: MAX_REPLICATIONS = None,
    time_limit: TIME_LIMIT = None,
    seed: SEED = None,
    workers: WORKERS = None,
    scheduler: SCHEDULER = None,
    out: OUT = None,
    report: REPORT = None,
    paper: PAPER = None,
    json: JSON = False,
    dry_run: DRY_RUN = False,
    quiet: QUIET = False,
    verbose: VERBOSE = False,
) -> None:
    """Estimate bias, variance and RMSE of batch statistics for every batch size.

    In each of R replications a full set of N observations is drawn and cut into batches of n. The
    batches' mean, variance, ... are compared with the full set's and with the population's. With
    --data the full set is each numeric column of your file. Ends with a table, and a run folder
    with everything in it. Exit code 3: a target was not reached, or time was over.
    """
    from simnorm.cli.running import Wishes, run_given

    given: dict[str, Any] = {
        "distributions": dist,
        "batch_sizes": batch_sizes,
        "estimators": estimators,
        "full_size": full_size,
        "data": data,
        "columns": columns,
        "exclude": exclude,
        "na": na,
        "separator": sep,
        "decimal": decimal,
        "sampling": sampling,
        "exact": exact or None,
        "replications": replications,
        "target_mcse": target_mcse,
        "max_replications": max_replications,
        "time_limit": time_limit,
        "seed": seed,
    }
    run_given(given, Wishes(workers, out, report, json, dry_run, quiet, verbose, paper, scheduler))


app.command(epilog=ANSWER_EPILOG)(answer)
app.add_typer(study_app, name="study")
app.command()(solve)
app.command()(status)
app.command()(check)


@app.command()
@guarded
def run(
    design: Annotated[
        Path, typer.Argument(help="A design.toml, or the run folder it is in.", metavar="DESIGN")
    ],
    workers: WORKERS = None,
    scheduler: SCHEDULER = None,
    out: OUT = None,
    report: REPORT = None,
    paper: PAPER = None,
    json: JSON = False,
    dry_run: DRY_RUN = False,
    quiet: QUIET = False,
    verbose: VERBOSE = False,
) -> None:
    """Run a study from its design file.

    Every run folder and every report carries its design. What is finished of it is not drawn again:
    a run that was interrupted goes on in its folder.
    """
    from simnorm.cli.running import Wishes, run_file

    run_file(design, Wishes(workers, out, report, json, dry_run, quiet, verbose, paper, scheduler))


app.command()(report_command)
app.command()(plot)


@app.command(name="list")
@guarded
def list_words(
    what: Annotated[
        str,
        typer.Argument(
            help="distributions, estimators, presets, studies or ledger; all but the last if left "
            "out.",
            metavar="WHAT",
        ),
    ] = "",
) -> None:
    """List the distributions, estimators, presets and words of studies that simnorm knows."""
    from simnorm.cli.words import print_words

    print_words(what)
