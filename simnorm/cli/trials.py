"""The commands of the studies that draw no full sets: they classify, train networks, or take time.

`simnorm.cli.study` puts them below ``simnorm study``.
"""

from __future__ import annotations

from typing import Any

from simnorm.cli.guard import guarded
from simnorm.cli.options import (
    DATASETS,
    DECIMAL,
    DRY_RUN,
    EPOCHS,
    EXCLUDE,
    FEATURES,
    FOLDS,
    JSON,
    LABELLED_DATA,
    MODELS,
    NA,
    NETS,
    NO_REPORT,
    OUT,
    PAPER,
    QUIET,
    RATES,
    REPEATS,
    ROUNDS,
    RUNS,
    SCALED_SIZES,
    SCALERS,
    SCHEDULER,
    SEED,
    SEP,
    SHIFT_DATASETS,
    STUDY_REPORT,
    TARGET,
    TIMED_ROWS,
    TIMED_SIZES,
    TRAINED_SIZES,
    TRAINING_STEPS,
    TRIAL_LIMIT,
    VARIANTS,
    VERBOSE,
    WIDTHS,
    WORKERS,
)


@guarded
def scaling(
    datasets: DATASETS = None,
    data: LABELLED_DATA = None,
    target: TARGET = None,
    columns: FEATURES = None,
    exclude: EXCLUDE = None,
    na: NA = None,
    sep: SEP = None,
    decimal: DECIMAL = None,
    models: MODELS = None,
    scalers: SCALERS = None,
    batch_sizes: SCALED_SIZES = None,
    folds: FOLDS = None,
    replications: REPEATS = None,
    time_limit: TRIAL_LIMIT = None,
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
    """Compare accuracies by how the inputs are scaled.

    Nearest neighbours and a small neural network classify real data, unscaled, scaled to a range,
    by z-score or robustly, or every batch by its own statistics. Cross-validation is repeated on
    parts that all share, so that differences are paired; their intervals know that the training
    sets overlap (the corrected resampled t of Nadeau and Bengio 2003). With --data FILE and
    --target COLUMN for your own data.
    """
    given: dict[str, Any] = {
        "study": "scaling",
        "datasets": datasets,
        "data": data,
        "target": target,
        "columns": columns,
        "exclude": exclude,
        "na": na,
        "separator": sep,
        "decimal": decimal,
        "models": models,
        "scalers": scalers,
        "batch_sizes": batch_sizes,
        "folds": folds,
        "replications": replications,
        "time_limit": time_limit,
        "seed": seed,
    }
    from simnorm.cli.running import Wishes, run_study

    wishes = Wishes(workers, out, report, json, dry_run, quiet, verbose, paper, scheduler)
    run_study(given, wishes, no_report=no_report)


@guarded
def shift(
    datasets: SHIFT_DATASETS = None,
    nets: NETS = None,
    variants: VARIANTS = None,
    rates: RATES = None,
    batch_sizes: TRAINED_SIZES = None,
    steps: TRAINING_STEPS = None,
    replications: RUNS = None,
    time_limit: TRIAL_LIMIT = None,
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
    """Measure internal covariate shift in small networks.

    They are trained on real data without batch normalization, with it, and with noise behind it,
    at several learning rates; from the same seeds, so that they compare in pairs, at each rate and
    each at its own best one. Shift is measured in three ways: how far activations move, how far
    gradients turn when the layers below have moved (Santurkar et al. 2018), and how far batches
    differ at fixed weights. Takes PyTorch (pip install torch).
    """
    given: dict[str, Any] = {
        "study": "shift",
        "datasets": datasets,
        "nets": nets,
        "variants": variants,
        "rates": rates,
        "batch_sizes": batch_sizes,
        "steps": steps,
        "replications": replications,
        "time_limit": time_limit,
        "seed": seed,
    }
    from simnorm.cli.running import Wishes, run_study

    wishes = Wishes(workers, out, report, json, dry_run, quiet, verbose, paper, scheduler)
    run_study(given, wishes, no_report=no_report)


@guarded
def overhead(
    batch_sizes: TIMED_SIZES = None,
    widths: WIDTHS = None,
    epochs: EPOCHS = None,
    full_size: TIMED_ROWS = None,
    replications: ROUNDS = None,
    time_limit: TRIAL_LIMIT = None,
    seed: SEED = None,
    out: OUT = None,
    report: STUDY_REPORT = None,
    no_report: NO_REPORT = False,
    paper: PAPER = None,
    json: JSON = False,
    dry_run: DRY_RUN = False,
    quiet: QUIET = False,
    verbose: VERBOSE = False,
) -> None:
    """Time what batch normalization adds to training and inference.

    A step of training and one of inference are timed without batch normalization, with it at the
    input, with it between hidden layers, and with inputs that were standardized once. All take
    turns in every round, and times are compared within a round, as ratios with intervals. One
    thread works, so leave the machine alone meanwhile. Takes PyTorch (pip install torch).
    """
    given: dict[str, Any] = {
        "study": "overhead",
        "batch_sizes": batch_sizes,
        "widths": widths,
        "epochs": epochs,
        "full_size": full_size,
        "replications": replications,
        "time_limit": time_limit,
        "seed": seed,
    }
    from simnorm.cli.running import Wishes, run_study

    wishes = Wishes(None, out, report, json, dry_run, quiet, verbose, paper)
    run_study(given, wishes, no_report=no_report)
