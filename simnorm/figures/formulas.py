"""The exact laws of variance that a curve follows, written beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from simnorm.figures.cells import Cells
from simnorm.figures.fitting import text_width
from simnorm.figures.style import FAINT
from simnorm.figures.tables import floats

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from simnorm.figures.tables import Floats

    Law = Callable[[Floats, Floats], Floats]

# A law has this relative error at most: that of sums of a few terms.
CLOSE = 1e-9

# Of a mean: the whole value. The last one is that of rows of a file without their repetition.
OF_MEAN: dict[str, Law] = {
    "1/n − 1/N": lambda n, N: 1.0 / n - 1.0 / N,
    "1/n": lambda n, _: 1.0 / n,
    "(1 − 1/N)/n": lambda n, N: (1.0 - 1.0 / N) / n,
    "(1/n − 1/N) · N/(N − 1)": lambda n, N: (1.0 / n - 1.0 / N) * N / (N - 1.0),
}
# Of an unbiased variance: what a normal law has, and what is multiplied by the excess kurtosis.
OF_VARIANCE: dict[str, tuple[Law, Law]] = {
    "κ·(1/n − 1/N) + 2/(n − 1) − 2/(N − 1)": (
        lambda n, N: 2.0 / (n - 1.0) - 2.0 / (N - 1.0),
        lambda n, N: 1.0 / n - 1.0 / N,
    ),
    "κ/n + 2/(n − 1)": (lambda n, _: 2.0 / (n - 1.0), lambda n, _: 1.0 / n),
}
# The size of the type, and the air about it in parts of the axes.
TYPE, MARGIN = 6.5, 0.035


def law_of(rows: pd.DataFrame, spec: str) -> str:
    """Return the law that all exact values of an estimator's relative variance follow, or nothing.

    Only what holds for the values in the table to nine digits is said. For independent
    observations the variance of an unbiased variance about that of its full set is
    ``sigma^4 (kappa (1/n - 1/N) + 2/(n - 1) - 2/(N - 1))``, as both are U-statistics of the same
    sample, whose covariance is the variance of the larger one.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"batch_size": [2, 4], "full_size": 64, "name": "a",
    ...                      "theory_kind": "exact", "theory": [1/2 - 1/64, 1/4 - 1/64]})
    >>> law_of(rows, "mean")
    '1/n − 1/N'
    """
    rows = rows[(rows["theory_kind"] == "exact") & (floats(rows, "batch_size") > 1.0)]
    theory = floats(rows, "theory")
    rows, theory = rows[np.isfinite(theory)], theory[np.isfinite(theory)]
    if theory.size < 2:
        return ""
    n, whole = floats(rows, "batch_size"), floats(rows, "full_size")
    if spec == "mean":
        return next((text for text, law in OF_MEAN.items() if _agree(theory, law(n, whole))), "")
    if spec == "unbiased_variance":
        return next(
            (text for text, laws in OF_VARIANCE.items() if _one_kurtosis(rows, theory, laws)), ""
        )
    return ""


def _agree(theory: Floats, law: Floats) -> bool:
    return bool((np.abs(theory - law) <= CLOSE * np.abs(theory)).all())


def _one_kurtosis(rows: pd.DataFrame, theory: Floats, laws: tuple[Law, Law]) -> bool:
    """Return whether each name's values give one excess kurtosis at three sizes or more."""
    n, whole = floats(rows, "batch_size"), floats(rows, "full_size")
    base, factor = laws[0](n, whole), laws[1](n, whole)
    names = rows["name"].to_numpy(dtype=object)
    for name in set(names):
        mine = (names == name) & (factor > 0.0)
        if mine.sum() < 3:
            return False
        kurtosis = ((theory - base)[mine] / factor[mine]).mean()
        if not _agree(theory[mine], (base + kurtosis * factor)[mine]):
            return False
    return True


def law_note(laws: Mapping[str, str]) -> list[str]:
    """Return a sentence on laws that are too long for their panels, or nothing.

    Examples
    --------
    >>> law_note({"mean": "1/n", "unbiased_variance": "κ/n + 2/(n − 1)"})
    ['Exact curves of unbiased_variance: κ/n + 2/(n − 1), κ the excess kurtosis.']
    """
    return [
        f"Exact curves of {spec}: {text}, κ the excess kurtosis."
        for spec, text in laws.items() if "κ" in text
    ]  # fmt: skip


def write_law(ax: Axes, rows: pd.DataFrame, text: str, inches: tuple[float, float]) -> None:
    """Write a law into the lower left or the upper right of axes, where nothing is drawn.

    Parameters
    ----------
    ax
        Axes whose limits are set.
    rows
        What is drawn.
    text
        The law.
    inches
        Width and height of the axes.
    """
    wide = text_width(text, TYPE) / inches[0] + 2.0 * MARGIN
    high = 1.25 * TYPE / 72.0 / inches[1] + 2.0 * MARGIN
    x, y = _drawn(ax, rows)
    for right, top in ((False, False), (True, True)):
        across = x > 1.0 - wide if right else x < wide
        along = y > 1.0 - high if top else y < high
        if not (across & along).any():
            ax.text(
                1.0 - MARGIN if right else MARGIN, 1.0 - MARGIN if top else MARGIN, text,
                transform=ax.transAxes, fontsize=TYPE, color=FAINT, zorder=1.5,
                va="top" if top else "bottom", ha="right" if right else "left",
            )  # fmt: skip
            return


def _drawn(ax: Axes, rows: pd.DataFrame) -> tuple[Floats, Floats]:
    """Return points and curves in parts of the axes, curves as many points."""
    to_axes = ax.transData + ax.transAxes.inverted()
    cells, found = Cells.of(rows), []
    for name in dict.fromkeys(cells.name):
        mine = cells.of_name(str(name))
        for y in (mine.estimate, mine.theory):
            keep = np.isfinite(y) & (y > 0.0)
            if keep.any():
                at = to_axes.transform(np.column_stack([mine.size[keep], y[keep]]))
                x = np.linspace(at[0, 0], at[-1, 0], 60)
                found.append(np.column_stack([x, np.interp(x, at[:, 0], at[:, 1])]))
    every = np.concatenate(found) if found else np.empty((0, 2))
    return every[:, 0], every[:, 1]
