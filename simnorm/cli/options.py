"""The options that commands share. They arrive as text: the library's own messages check them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

BATCH_SIZES = Annotated[
    str | None,
    typer.Option(
        help="Batch sizes n: 2,4,8 or 2:64:2 (step) or 2:1024:x2 (factor), also mixed "
        "[default: 2:1024:x2].",
        metavar="SIZES",
    ),
]
DIST = Annotated[
    list[str] | None,
    typer.Option(
        help="Distribution such as normal or t(df=5); repeat it or join with commas "
        "[default: normal,uniform,laplace,exponential,t(df=5)].",
        metavar="SPEC",
    ),
]
DATA = Annotated[
    str | None,
    typer.Option(
        help="Your own data as the full set, column by column: CSV, TSV (also .gz), Parquet, "
        "NPY or NPZ.",
        metavar="FILE",
    ),
]
COLUMNS = Annotated[
    list[str] | None,
    typer.Option(
        help="Columns to measure; repeat it or join with commas [default: every numeric one].",
        metavar="NAMES",
    ),
]
EXCLUDE = Annotated[
    list[str] | None,
    typer.Option(help="Columns to leave out.", metavar="NAMES"),
]
NA = Annotated[
    str | None,
    typer.Option(
        help="Missing values: refuse, or drop the rows that have one [default: refuse].",
        metavar="RULE",
    ),
]
SEP = Annotated[
    str | None,
    typer.Option(
        "--sep", help="What separates fields [default: by the file's ending].", metavar="CHAR"
    ),
]
DECIMAL = Annotated[
    str | None, typer.Option(help="The decimal point [default: .].", metavar="CHAR")
]
SAMPLING = Annotated[
    list[str] | None,
    typer.Option(
        help="How batches come from the full set: shuffle, replacement; without data iid; with "
        "data sequential (file order), grouped:COLUMN; repeat it or join with commas "
        "[default: shuffle].",
        metavar="SCHEME",
    ),
]
RUNNING_SAMPLING = Annotated[
    list[str] | None,
    typer.Option(
        help="How batches come from the full set: shuffle (anew every epoch), replacement; without "
        "data iid; with data sequential (file order), grouped:COLUMN; repeat it or join with "
        "commas [default: shuffle and iid, with data shuffle and sequential].",
        metavar="SCHEME",
    ),
]
EXACT = Annotated[
    bool,
    typer.Option(
        "--exact", help="Enumerate all subsets of the data where there are 100,000 or fewer."
    ),
]
ESTIMATORS = Annotated[
    list[str] | None,
    typer.Option(
        help="Batch statistic such as mean or std(ddof=1); repeat it or join with commas "
        "[default: mean, both variances, both stds].",
        metavar="SPEC",
    ),
]
FULL_SIZE = Annotated[
    str | None,
    typer.Option(
        help="Size N of the full set that is cut [default: 16384, or the rows of the data].",
        metavar="N",
    ),
]
REPLICATIONS = Annotated[
    str | None,
    typer.Option(
        help="Number R of independent full sets, or orders of the rows [default: 256].", metavar="R"
    ),
]
TARGET_MCSE = Annotated[
    str | None,
    typer.Option(
        help="In place of R: the largest standard error (MCSE) wanted, 1% of the estimate or a "
        "number in its unit; each cell (statistic, batch size, reference) stops alone.",
        metavar="TARGET",
    ),
]
MAX_REPLICATIONS = Annotated[
    str | None,
    typer.Option(help="The most replications for --target-mcse [default: 131072].", metavar="R"),
]
TIME_LIMIT = Annotated[
    str | None,
    typer.Option(
        help="Stop drawing after 90 (seconds), 10m or 2h and report what is there; tables and PDF "
        "come on top.",
        metavar="TIME",
    ),
]
SEED = Annotated[
    str | None,
    typer.Option(help="Seed, from 0 to 2^128 - 1 [default: 0].", metavar="SEED"),
]
WORKERS = Annotated[
    str | None,
    typer.Option(help="Threads; no effect on any number [default: all processors].", metavar="N"),
]
SCHEDULER = Annotated[
    str | None,
    typer.Option(
        help="Compute on a Dask cluster: tcp://HOST:8786, tls://HOST:8786 or a scheduler file; no "
        "effect on any number. Takes simnorm[dask].",
        metavar="ADDRESS",
    ),
]
OUT = Annotated[
    Path | None,
    typer.Option(
        "-o", "--out", help="Run folder [default: runs/STUDY-xxxxxxxx].", metavar="FOLDER"
    ),
]
REPORT = Annotated[
    Path | None,
    typer.Option(
        help="Also write the report there: FILE.pdf, or FILE.md for pull requests.", metavar="FILE"
    ),
]
PAPER = Annotated[
    str | None,
    typer.Option(help="Paper of the PDF: a4 or letter [default: a4].", metavar="PAPER"),
]
JSON = Annotated[
    bool, typer.Option("--json", help="Print all results as JSON instead of the table.")
]
EPSILON = Annotated[
    list[str] | None,
    typer.Option(
        help="What is added to a variance under the root, in the squared unit of the data; repeat "
        "it or join with commas [default: 0,0.00001,0.001].",
        metavar="NUMBERS",
    ),
]
GAMMA = Annotated[
    list[str] | None,
    typer.Option(help="Scale after normalizing, one or several [default: 1].", metavar="NUMBERS"),
]
BETA = Annotated[
    list[str] | None,
    typer.Option(help="Shift after normalizing, one or several [default: 0].", metavar="NUMBERS"),
]
PRESET = Annotated[
    list[str] | None,
    typer.Option(
        help="How batch statistics are averaged for inference: keras3, pytorch, flax, cumulative, "
        "precise, or with changes: keras3(momentum=0.9). momentum is the weight of the OLD value; "
        "repeat it or join with commas [default: keras3,pytorch,cumulative,precise].",
        metavar="SPEC",
    ),
]
STEPS = Annotated[
    str | None,
    typer.Option(help="Batches seen in training [default: 1000].", metavar="T"),
]
DRIFT = Annotated[
    list[str] | None,
    typer.Option(
        help="How far the mean moves in a step, in standard deviations; one or several "
        "[default: 0,0.001].",
        metavar="NUMBERS",
    ),
]
NO_REPORT = Annotated[bool, typer.Option("--no-report", help="Write no report.")]
STUDY_SIZES = Annotated[
    str | None,
    typer.Option(
        help="Batch sizes n: 2,4,8 or 2:64:2 (step) or 2:1024:x2 (factor), also mixed.",
        metavar="SIZES",
    ),
]
STUDY_REPORT = Annotated[
    Path | None,
    typer.Option(
        help="Where the report goes: FILE.pdf, or FILE.md for pull requests [default: report.pdf "
        "in the run folder].",
        metavar="FILE",
    ),
]
DATASETS = Annotated[
    list[str] | None,
    typer.Option(
        help="Bundled data sets: wine, breast_cancer, digits, spread_scales (digits, scales from "
        "1 to 1,000,000), heavy_tails and normal_tails (wine with such features); repeat it or "
        "join with commas [default: all six].",
        metavar="NAMES",
    ),
]
SHIFT_DATASETS = Annotated[
    list[str] | None,
    typer.Option(
        help="Bundled data sets: wine, breast_cancer, digits, spread_scales, heavy_tails, "
        "normal_tails; repeat it or join with commas [default: digits].",
        metavar="NAMES",
    ),
]
LABELLED_DATA = Annotated[
    str | None,
    typer.Option(
        help="Your own data in place of the bundled: CSV, TSV (also .gz), Parquet, NPY or NPZ.",
        metavar="FILE",
    ),
]
TARGET = Annotated[
    str | None,
    typer.Option(
        help="With --data: the column with the classes, of text or numbers.", metavar="COLUMN"
    ),
]
FEATURES = Annotated[
    list[str] | None,
    typer.Option(
        "--columns",
        help="With --data: the features; repeat it or join with commas [default: every numeric "
        "column but the target].",
        metavar="NAMES",
    ),
]
MODELS = Annotated[
    list[str] | None,
    typer.Option(
        help="Classifiers: knn (nearest neighbours), mlp (a small neural network) [default: both].",
        metavar="NAMES",
    ),
]
SCALERS = Annotated[
    list[str] | None,
    typer.Option(
        help="Scalings of the features: none, min_max, z_score, robust, batch (every batch by its "
        "own mean and standard deviation) [default: all five].",
        metavar="NAMES",
    ),
]
SCALED_SIZES = Annotated[
    str | None,
    typer.Option(
        "--batch-sizes",
        help="Batch sizes n of the scaler batch, as 2,8 or 2:64:x2 [default: 2,8,32,128].",
        metavar="SIZES",
    ),
]
FOLDS = Annotated[
    str | None,
    typer.Option(
        help="Parts of a cross-validation, each tested once on what the others have taught "
        "[default: 5].",
        metavar="K",
    ),
]
REPEATS = Annotated[
    str | None,
    typer.Option(
        "--replications",
        help="Repeats of the whole cross-validation, each with its own parts, at most 1,024 "
        "[default: 10].",
        metavar="R",
    ),
]
NETS = Annotated[
    list[str] | None,
    typer.Option(
        help="Networks: mlp (with ReLU), linear (as deep, without it) [default: both].",
        metavar="NAMES",
    ),
]
VARIANTS = Annotated[
    list[str] | None,
    typer.Option(
        help="none, bn (batch normalization), noisy_bn (with noise after it, as Santurkar et al. "
        "2018) [default: all three].",
        metavar="NAMES",
    ),
]
RATES = Annotated[
    str | None,
    typer.Option(
        help="Learning rates of gradient descent; the one with the smallest training loss in the "
        "end is told of as best [default: 0.05,0.1,0.2,0.5].",
        metavar="RATES",
    ),
]
TRAINED_SIZES = Annotated[
    str | None,
    typer.Option("--batch-sizes", help="Batch sizes n of training [default: 32].", metavar="SIZES"),
]
TRAINING_STEPS = Annotated[
    str | None,
    typer.Option("--steps", help="Steps of training [default: 300].", metavar="T"),
]
RUNS = Annotated[
    str | None,
    typer.Option(
        "--replications",
        help="Seeds: in each all variants are trained from the same weights on the same batches, "
        "at most 1,024 [default: 10].",
        metavar="R",
    ),
]
WIDTHS = Annotated[
    str | None,
    typer.Option(help="Widths of the hidden layers [default: 64,256,1024].", metavar="WIDTHS"),
]
TIMED_SIZES = Annotated[
    str | None,
    typer.Option(
        "--batch-sizes",
        help="Batch sizes n, as 8,32 or 8:512:x4 [default: 8,32,128,512].",
        metavar="SIZES",
    ),
]
EPOCHS = Annotated[
    str | None,
    typer.Option(
        help="Epochs of a training, over which standardizing once is shared out [default: 10].",
        metavar="E",
    ),
]
TIMED_ROWS = Annotated[
    str | None,
    typer.Option("--full-size", help="Rows N of the training set [default: 16384].", metavar="N"),
]
ROUNDS = Annotated[
    str | None,
    typer.Option(
        "--replications",
        help="Rounds, in each of which everything is timed once, at most 1,024 [default: 30].",
        metavar="R",
    ),
]
TRIAL_LIMIT = Annotated[
    str | None,
    typer.Option(
        "--time-limit",
        help="Begin no more replications after 90 (seconds), 10m or 2h and report what is there; "
        "tables and PDF come on top.",
        metavar="TIME",
    ),
]
DRY_RUN = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
QUIET = Annotated[bool, typer.Option("-q", "--quiet", help="No progress, notes or paths.")]
VERBOSE = Annotated[bool, typer.Option("-v", "--verbose", help="Say more about the run.")]
