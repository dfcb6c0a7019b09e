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
    typer.Option(help="Size N of the full set that is cut [default: 16384].", metavar="N"),
]
REPLICATIONS = Annotated[
    str | None,
    typer.Option(help="Number R of independent full sets [default: 256].", metavar="R"),
]
SEED = Annotated[
    str | None,
    typer.Option(help="Seed, from 0 to 2^128 - 1 [default: 0].", metavar="SEED"),
]
WORKERS = Annotated[
    str | None,
    typer.Option(help="Threads; no effect on any number [default: all processors].", metavar="N"),
]
OUT = Annotated[
    Path | None,
    typer.Option(
        "-o", "--out", help="Run folder [default: runs/STUDY-xxxxxxxx].", metavar="FOLDER"
    ),
]
REPORT = Annotated[
    Path | None, typer.Option(help="Also write the PDF report there.", metavar="FILE")
]
JSON = Annotated[
    bool, typer.Option("--json", help="Print all results as JSON instead of the table.")
]
DRY_RUN = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
QUIET = Annotated[bool, typer.Option("-q", "--quiet", help="No progress, notes or paths.")]
VERBOSE = Annotated[bool, typer.Option("-v", "--verbose", help="Say more about the run.")]
