"""Whether the nets train as well: loss by step, and accuracy in the end."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from simnorm.figures.legend import note_lines, put_legend, put_note
from simnorm.figures.scales import log_axis, number
from simnorm.figures.shift.looks import look_of
from simnorm.figures.shift.shift import variant_keys
from simnorm.figures.shift.shift_by_step import draw_line, steps_axis
from simnorm.figures.shift.shown import ACCURACY, LOSS, Run, net_name, notes, run_of
from simnorm.figures.style import NARROW, PAGE_WIDTH, empty_figure, plain, styled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

HEIGHT, ROW = 2.1, 0.36


@styled
def figure(frame: pd.DataFrame, curves: pd.DataFrame, *, width: float = PAGE_WIDTH) -> Figure:
    """Draw the training loss against steps, a panel per net, and last the accuracy of all.

    Parameters
    ----------
    frame, curves
        The tables of a run.
    width
        Width in inches.
    """
    run = run_of(frame, curves)
    lossy = [net for net in run.nets if _has_loss(run, net)]
    accurate = [net for net in run.nets if _has_accuracy(run, net)]
    count = len(lossy) + bool(accurate)
    if not count:
        return empty_figure("Nothing to show: the run has neither loss nor accuracy.", width)
    wide = width >= NARROW
    shape = (1, count) if wide else (count, 1)
    high = 0.5 + (HEIGHT if wide else 1.55 * count)
    drawn = Figure(figsize=(width, high), layout="constrained")
    panels = list(drawn.subplots(*shape, squeeze=False).ravel())
    seen = []
    for ax, net in zip(panels, lossy, strict=False):
        for variant in run.variants:
            seen += draw_line(ax, *run.way(net, variant, LOSS), variant)
        steps_axis(ax)
        plain(ax.set_title(net_name(net)))
        ax.set_xlabel("training step")
    for place, ax in enumerate(panels[: len(lossy)]):
        log_axis(ax, min(seen) / 1.15, max(seen) * 1.15)
        if place and wide:
            ax.tick_params(labelleft=False)
        else:
            ax.set_ylabel("training loss")
    if accurate:
        _draw_accuracy(panels[-1], run, accurate)
    put_legend(drawn, *variant_keys(run.variants))
    said = notes(run)
    put_note(drawn, said)
    drawn.set_figheight(drawn.get_figheight() + 0.14 * len(note_lines(said, width)))
    return drawn


def _has_loss(run: Run, net: str) -> bool:
    return any((run.way(net, variant, LOSS)[1] > 0.0).any() for variant in run.variants)


def _has_accuracy(run: Run, net: str) -> bool:
    return any(run.value(net, variant, ACCURACY).is_known for variant in run.variants)


def _draw_accuracy(ax: Axes, run: Run, nets: list[str]) -> None:
    """Draw the accuracy on rows kept apart: a row per net, in it a point per variant."""
    for row, net in enumerate(nets):
        for place, variant in enumerate(run.variants):
            value, look = run.value(net, variant, ACCURACY), look_of(variant)
            if not value.is_known:
                continue
            at = -row - 0.22 * (place - (len(run.variants) - 1) / 2)
            if value.is_sure and value.high > value.low:
                ax.plot([100 * value.low, 100 * value.high], [at, at], color=look.colour,
                        linewidth=1.6, zorder=3)  # fmt: skip
            face = look.colour if value.is_sure else "white"
            ax.plot(100 * value.estimate, at, marker=look.shape, markersize=look.size, color=face,
                    markeredgecolor="white" if value.is_sure else look.colour,
                    markeredgewidth=0.5, linestyle="none", zorder=4)  # fmt: skip
    ax.set_ylim(-len(nets) + 0.45, 0.55)
    ax.set_yticks([-float(row) for row in range(len(nets))], [
        "\n".join(net_name(net).split(" ", 1)) for net in nets
    ])  # fmt: skip
    ax.tick_params(axis="y", length=0.0)
    ax.grid(visible=False, axis="y")
    ax.spines["left"].set_visible(False)
    # No accuracy is beyond 100 %, whatever its interval is.
    low, high = max(ax.get_xlim()[0], -0.5), min(ax.get_xlim()[1], 100.5)
    ax.set_xlim(low, high)
    if high - low < 1.0 or not math.isfinite(high - low):
        ax.set_xlim((low + high) / 2 - 0.6, (low + high) / 2 + 0.6)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    ax.set_xlabel("test accuracy, in %")
    plain(ax.set_title("In the end"))
