"""``simnorm study``: a command for every study but the sweep, which is a command of its own."""

from __future__ import annotations

from typing import Any

import typer

from simnorm.cli import trials
from simnorm.cli.guard import guarded
from simnorm.cli.options import (
    BETA,
    COLUMNS,
    DATA,
    DECIMAL,
    DIST,
    DRIFT,
    DRY_RUN,
    EPSILON,
    EXACT,
    EXCLUDE,
    FULL_SIZE,
    GAMMA,
    JSON,
    MAX_REPLICATIONS,
    NA,
    NO_REPORT,
    OUT,
    PAPER,
    PRESET,
    QUIET,
    REPLICATIONS,
    RUNNING_SAMPLING,
    SAMPLING,
    SCHEDULER,
    SEED,
    SEP,
    STEPS,
    STUDY_REPORT,
    STUDY_SIZES,
    TARGET_MCSE,
    TIME_LIMIT,
    VERBOSE,
    WORKERS,
)

study_app = typer.Typer(
    name="study",
    help="Put numbers to one claim about batch normalization, with a PDF report.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)


@study_app.command()
@guarded
def inputs(
    batch_sizes: STUDY_SIZES = None,
    dist: DIST = None,
    data: DATA = None,
    columns: COLUMNS = None,
    exclude: EXCLUDE = None,
    na: NA = None,
    sep: SEP = None,
    decimal: DECIMAL = None,
    full_size: FULL_SIZE = None,
    sampling: SAMPLING = None,
    exact: EXACT = False,
    epsilon: EPSILON = None,
    gamma: GAMMA = None,
    beta: BETA = None,
    replications: REPLICATIONS = None,
    target_mcse: TARGET_MCSE = None,
    max_replications: MAX_REPLICATIONS = None,
    time_limit: TIME_LIMIT = None,
    seed: SEED = None,
    workers: WORKERS = None,
    scheduler: SCHEDULER = None,
    out: OUT = None,
    report: STUDY_REPORT = None,
    no_report: NO_REPORT = False,
    paper: PAPER = None,
    json: JSON = False,
    dry_run: DRY_RUN = False,
    quiet: QUIET = False,
    verbose: VERBOSE = False,
) -> None:
    """Compare batch-normalized inputs with z-scores by the full set.

    Values are normalized by the mean and standard deviation of their batch, as batch normalization
    at the input does, and compared with their z-scores by the full set, as StandardScaler makes
    them. Also: what epsilon, gamma and beta do, which values suffer most, batch sizes 1 and 2, and
    other scalers fitted to a batch. Batch sizes are 1:1024:x2 unless given.
    """
    given: dict[str, Any] = {
        "study": "inputs",
        "distributions": dist,
        "batch_sizes": batch_sizes,
        "full_size": full_size,
        "data": data,
        "columns": columns,
        "exclude": exclude,
        "na": na,
        "separator": sep,
        "decimal": decimal,
        "sampling": sampling,
        "exact": exact or None,
        "epsilon": epsilon,
        "gamma": gamma,
        "beta": beta,
        "replications": replications,
        "target_mcse": target_mcse,
        "max_replications": max_replications,
        "time_limit": time_limit,
        "seed": seed,
    }
    from simnorm.cli.running import Wishes, run_study

    wishes = Wishes(workers, out, report, json, dry_run, quiet, verbose, paper, scheduler)
    run_study(given, wishes, no_report=no_report)


@study_app.command()
@guarded
def running(
    batch_sizes: STUDY_SIZES = None,
    dist: DIST = None,
    data: DATA = None,
    columns: COLUMNS = None,
    exclude: EXCLUDE = None,
    na: NA = None,
    sep: SEP = None,
    decimal: DECIMAL = None,
    full_size: FULL_SIZE = None,
    sampling: RUNNING_SAMPLING = None,
    preset: PRESET = None,
    steps: STEPS = None,
    drift: DRIFT = None,
    replications: REPLICATIONS = None,
    target_mcse: TARGET_MCSE = None,
    max_replications: MAX_REPLICATIONS = None,
    time_limit: TIME_LIMIT = None,
    seed: SEED = None,
    workers: WORKERS = None,
    scheduler: SCHEDULER = None,
    out: OUT = None,
    report: STUDY_REPORT = None,
    no_report: NO_REPORT = False,
    paper: PAPER = None,
    json: JSON = False,
    dry_run: DRY_RUN = False,
    quiet: QUIET = False,
    verbose: VERBOSE = False,
) -> None:
    """Follow running averages of batch statistics to test time.

    Batches come one after the other, as in training; their means and variances are averaged the way
    frameworks do it, and the averages normalize at inference. Their errors are taken after T steps
    and on the way, and split into what is left of the start, the divisor, the lag under drift, and
    noise. Batch sizes are 1:128:x2 unless given.
    """
    given: dict[str, Any] = {
        "study": "running",
        "distributions": dist,
        "batch_sizes": batch_sizes,
        "full_size": full_size,
        "data": data,
        "columns": columns,
        "exclude": exclude,
        "na": na,
        "separator": sep,
        "decimal": decimal,
        "sampling": sampling,
        "presets": preset,
        "steps": steps,
        "drift": drift,
        "replications": replications,
        "target_mcse": target_mcse,
        "max_replications": max_replications,
        "time_limit": time_limit,
        "seed": seed,
    }
    from simnorm.cli.running import Wishes, run_study

    wishes = Wishes(workers, out, report, json, dry_run, quiet, verbose, paper, scheduler)
    run_study(given, wishes, no_report=no_report)


for trial in (trials.scaling, trials.shift, trials.overhead):
    study_app.command()(trial)
