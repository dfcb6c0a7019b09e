"""``simnorm solve``: the smallest batch size, number of batches or of steps that is enough."""

from __future__ import annotations

import json as json_module
import textwrap
from typing import Annotated, Any

import typer

from simnorm.cli.guard import guarded
from simnorm.cli.options import (
    COLUMNS,
    DATA,
    DECIMAL,
    EXCLUDE,
    NA,
    QUIET,
    REPLICATIONS,
    SEED,
    SEP,
    WORKERS,
)
from simnorm.cli.plain import echo

TARGET = Annotated[
    str | None,
    typer.Option(help="The error to be reached, such as 0.1.", metavar="RMSE"),
]
LAWS = Annotated[
    list[str] | None,
    typer.Option(
        help="Distribution such as normal or lognormal(s=1); repeat it or join with commas "
        "[default: normal].",
        metavar="SPEC",
    ),
]
QUANTITY = Annotated[
    str | None,
    typer.Option(
        help="normalized_value (a value normalized by its batch, against its z-score) or an "
        "estimator such as mean or biased_variance, whose error is relative "
        "[default: normalized_value].",
        metavar="WHAT",
    ),
]
SOLVE_FOR = Annotated[
    str | None,
    typer.Option(
        "--for",
        help="batch_size; batches, of PreciseBN; or steps, of a running average: until a value "
        "normalized at inference is that good [default: batch_size].",
        metavar="WHAT",
    ),
]
REFERENCE = Annotated[
    str | None,
    typer.Option(
        help="population or full_set [default: population; with data full_set].", metavar="WHAT"
    ),
]
SIZE = Annotated[
    str | None,
    typer.Option(help="Size N of a distribution's full set [default: 16384].", metavar="N"),
]
EACH = Annotated[
    str | None,
    typer.Option(help="n, with --for batches or steps [default: 32].", metavar="N"),
]
HOW = Annotated[
    str | None,
    typer.Option(
        help="The running average, with --for steps: keras3, pytorch, flax, cumulative, or "
        "keras3(momentum=0.9) [default: keras3].",
        metavar="SPEC",
    ),
]
EPSILON = Annotated[
    str | None,
    typer.Option(
        help="What is added to the variance under the root [default: the preset's with --for "
        "steps, otherwise 0].",
        metavar="NUMBER",
    ),
]
AS_JSON = Annotated[bool, typer.Option("--json", help="One JSON object for each answer, on lines.")]


@guarded
def solve(
    target_rmse: TARGET = None,
    dist: LAWS = None,
    data: DATA = None,
    columns: COLUMNS = None,
    exclude: EXCLUDE = None,
    na: NA = None,
    sep: SEP = None,
    decimal: DECIMAL = None,
    quantity: QUANTITY = None,
    solve_for: SOLVE_FOR = None,
    reference: REFERENCE = None,
    full_size: SIZE = None,
    batch_size: EACH = None,
    preset: HOW = None,
    epsilon: EPSILON = None,
    replications: REPLICATIONS = None,
    seed: SEED = None,
    workers: WORKERS = None,
    json: AS_JSON = False,
    quiet: QUIET = False,
) -> None:
    """Find the smallest batch size that is good enough.

    Exact where theory is exact; elsewhere a simulated error is searched, and the answer comes with
    the range it lies in. Exit code 3 if no batch size is enough.
    """
    from simnorm.cli.interrupts import meanwhile
    from simnorm.cli.progress import progress_bar
    from simnorm.cli.running import announce_reading
    from simnorm.errors import SimnormError
    from simnorm.solving import solve as solved
    from simnorm.solving.answers import together
    from simnorm.workers import worker_count

    if target_rmse is None:
        raise SimnormError("target_rmse", "nothing", "the error to be reached is needed",
                           "Try --target-rmse 0.1.")  # fmt: skip
    given: dict[str, Any] = {
        "distributions": dist,
        "data": data,
        "columns": columns,
        "exclude": exclude,
        "na": na,
        "separator": sep,
        "decimal": decimal,
        "quantity": quantity,
        "solve_for": solve_for,
        "reference": reference,
        "full_size": full_size,
        "batch_size": batch_size,
        "preset": preset,
        "epsilon": epsilon,
        "replications": replications,
        "seed": seed,
        "workers": None if workers is None else worker_count(workers),
    }
    given = {name: value for name, value in given.items() if value is not None}
    if data is not None and not quiet:
        announce_reading(data)
    nothing = "interrupted; nothing of a search is kept"
    with meanwhile(nothing), progress_bar(shown=not quiet) as on_progress:
        answers = solved(target_rmse, on_progress=on_progress, **given)
    for answer in answers:
        if json:
            echo(json_module.dumps(answer.to_dict(), allow_nan=False))
        else:
            echo(answer.sentence())
    if not json and (last := together(answers)):
        echo(textwrap.fill(last, 80))
    if any(answer.number is None for answer in answers):
        raise typer.Exit(3)
