"""``simnorm plot``: one figure of a run as SVG, PDF or PNG; nothing is computed again."""

from __future__ import annotations

import math
import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simnorm.cli.guard import guarded
from simnorm.cli.interrupts import say
from simnorm.cli.plain import echo
from simnorm.errors import SimnormError
from simnorm.grammar import LARGEST_SIZE, whole_number

if TYPE_CHECKING:
    from simnorm.results import Result

RUN = Annotated[Path, typer.Argument(help="A run folder.", metavar="RUN")]
KIND = Annotated[
    str | None,
    typer.Option(help="The kind of figure; without it the kinds are listed.", metavar="KIND"),
]
FILE = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--out",
        help="The file to write, ending in .svg, .pdf or .png [default: RUN/KIND.svg].",
        metavar="FILE",
    ),
]
ESTIMATOR = Annotated[str | None, typer.Option(help="Draw this statistic alone.", metavar="SPEC")]
NAME = Annotated[
    str | None,
    typer.Option(help="Draw this distribution or column of data alone.", metavar="NAME"),
]
BATCH_SIZE = Annotated[str | None, typer.Option(help="Draw this batch size alone.", metavar="N")]
REFERENCE = Annotated[
    str | None,
    typer.Option(
        help="What errors are about: full_set or population [default: full_set].", metavar="WHAT"
    ),
]
SINGLE = Annotated[
    bool,
    typer.Option(
        "--single",
        help="One pair of axes, as result.plot draws it; KIND may be a measure too, such as "
        "relative_rmse.",
    ),
]
PAGE = Annotated[
    str | None,
    typer.Option(
        help="Which page, where a figure has several [default: all, as FILE, FILE-2, ...].",
        metavar="NUMBER",
    ),
]
WIDTH = Annotated[
    str | None,
    typer.Option(
        help="Width: 3.4 is a column of a paper, 6.7 a page [default: as in the report].",
        metavar="INCHES",
    ),
]
DPI = Annotated[
    str | None,
    typer.Option(
        help="Dots per inch of a PNG [default: 200]; SVG and PDF have none.", metavar="DPI"
    ),
]
NO_PATHS = Annotated[bool, typer.Option("-q", "--quiet", help="Do not print the path.")]

NARROWEST, WIDEST = 2.0, 30.0
COLUMNS = 80


@guarded
def plot(
    run: RUN,
    kind: KIND = None,
    out: FILE = None,
    estimator: ESTIMATOR = None,
    name: NAME = None,
    batch_size: BATCH_SIZE = None,
    reference: REFERENCE = None,
    single: SINGLE = False,
    page: PAGE = None,
    width: WIDTH = None,
    dpi: DPI = None,
    quiet: NO_PATHS = False,
) -> None:
    """Write one figure of a run, or list the kinds there are.

    Nothing is computed again, and the same run gives the same bytes.
    """
    from simnorm import figures
    from simnorm.results import load

    result = load(run)
    if kind is None:
        wishes = (out, estimator, name, batch_size, reference, single or None, page, width, dpi)
        if any(wish is not None for wish in wishes):
            kinds = ", ".join(figures.kinds_of(result.frame))
            hint = f"Add for example --kind {figures.kinds_of(result.frame)[0]}."
            raise SimnormError("kind", "", f"one of {kinds} says what to draw", hint)
        _list_kinds(result)
        return
    path = out or run / f"{_file_name(kind)}.svg"
    options: dict[str, Any] = {"reference": reference} if reference else {}
    if width is not None:
        options["width"] = _number(width, "width", NARROWEST, WIDEST, "inches")
    if dpi is not None:
        options["dpi"] = _number(dpi, "dpi", 30.0, 2400.0, "dots per inch")
    if batch_size is not None:
        options["batch_size"] = whole_number(batch_size, "batch_size", 1, LARGEST_SIZE)
    written = result.save_figure(
        path, kind, estimator=estimator, name=name, single=single, page=page, **options
    )
    if not quiet:
        for one in written:
            say(f"figure: {one}")


def _file_name(kind: str) -> str:
    """Return a measure such as ``quantile(q=0.95)`` as the name of a file."""
    return re.sub(r"[^\w.-]+", "-", kind).strip("-.") or "figure"


def _number(text: str, parameter: str, low: float, high: float, unit: str) -> float:
    try:
        # Python itself reads digits of any script, and 1_000.
        value = float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise SimnormError(parameter, text, f"allowed are {low:g} to {high:g} {unit}")
    return value


def _list_kinds(result: Result) -> None:
    """Print a line for every kind, and why this run has nothing to show in some."""
    from simnorm import figures

    kinds = figures.about(result.frame)
    left = max(map(len, kinds)) + 2
    blank = " " * left
    for kind, words in kinds.items():
        why = figures.missing(kind, result.frame, result.curves)
        many = 1 if why else figures.pages(kind, result.frame)
        end = f" (not here: {why})" if why else f" ({many} pages)" if many > 1 else ""
        line = f"{kind:<{left}}{words}{end}"
        echo(textwrap.fill(line, COLUMNS, subsequent_indent=blank, break_on_hyphens=False))
