"""Writing figures to files: every page of a kind, or one, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from simnorm import store
from simnorm.errors import SimnormError
from simnorm.figures import figure, pages, plot
from simnorm.figures.kinds import Part, kinds_of, known_kind, measures_of, missing, part_of
from simnorm.figures.style import save
from simnorm.grammar import whole_number

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

ENDINGS = (".svg", ".pdf", ".png")


def check_path(path: Path, parameter: str = "out") -> None:
    """Refuse a path where no figure can be written, before anything is drawn."""
    if path.is_dir():
        raise SimnormError(parameter, str(path), "it is a folder, a file name is needed")
    if path.suffix.lower() not in ENDINGS:
        raise SimnormError(
            parameter, str(path), f"its ending must be {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}"
        )
    store.check_writable(path, parameter)


def page_path(path: Path, page: int) -> Path:
    """Return where a page goes: the first to `path`, the second to ``NAME-2``, and so on.

    Examples
    --------
    >>> page_path(Path("variance.svg"), 1).name, page_path(Path("variance.svg"), 2).name
    ('variance.svg', 'variance-2.svg')
    """
    return path if page == 1 else path.with_name(f"{path.stem}-{page}{path.suffix}")


def write(
    kind: str,
    frame: pd.DataFrame,
    curves: pd.DataFrame,
    path: Path,
    *,
    part: Part = Part(),  # noqa: B008  # it cannot change
    single: bool = False,
    page: int | str | None = None,
    dpi: float = 200,
    **options: Any,
) -> list[Path]:
    """Write a kind of figure, and return the paths: one, or as many as the figure has pages.

    Parameters
    ----------
    kind, frame, curves, part, options
        As in `simnorm.figures.figure`.
    path
        Where the first page goes; its ending says how it is written.
    single
        On one pair of axes, as `simnorm.figures.plot` draws it; the kind may be a measure.
    page
        One page alone, from 1.
    dpi
        Dots per inch of a PNG.

    Raises
    ------
    SimnormError
        If there is no such kind, part, option or page, the run has nothing to show in it, or the
        file cannot be written.
    """
    check_path(path)
    is_kind = known_kind(frame, kind, measures_of(frame)) in kinds_of(frame)
    shown = part_of(frame, curves, part)
    why = missing(kind, *shown) if is_kind else ""
    if why:
        raise SimnormError("kind", kind, f"there is nothing to show: {why}")
    if single or not is_kind:
        drawn = plot(kind, frame, curves, part=part, **options).figure
        return [_save(drawn, path, dpi)]  # type: ignore[arg-type]  # plot makes no subfigures
    many = pages(kind, shown[0])
    if page is not None:
        if many == 1 and str(page).strip() != "1":
            raise SimnormError("page", page, f"this figure {kind!r} has one page")
        wanted = whole_number(page, "page", 1, many)
        return [_save(_page(kind, *shown, wanted, many, options), path, dpi)]
    return [
        _save(_page(kind, *shown, at, many, options), page_path(path, at), dpi)
        for at in range(1, many + 1)
    ]


def _page(
    kind: str,
    frame: pd.DataFrame,
    curves: pd.DataFrame,
    page: int,
    many: int,
    options: dict[str, Any],
) -> Figure:
    if many > 1:
        options = options | {"page": page}
    return figure(kind, frame, curves, **options)


def _save(drawn: Figure, path: Path, dpi: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with store.atomic(path) as temporary:
        save(drawn, temporary, dpi)
    return path
