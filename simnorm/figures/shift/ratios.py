"""Shift with batch normalization as a multiple of the shift without, by definition and rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from simnorm.figures.legend import note_lines, put_legend, put_note
from simnorm.figures.narrow import shape_of
from simnorm.figures.shift.looks import look_of
from simnorm.figures.shift.shift import row_labels, value_axis, variant_keys
from simnorm.figures.shift.shown import (
    BEST,
    BN,
    BY_CONSTRUCTION,
    LOSS,
    MARGIN,
    NONE,
    Definition,
    Run,
    Value,
    net_name,
    notes,
    run_of,
    variant_name,
)
from simnorm.figures.style import FAINT, PAGE_WIDTH, empty_figure, plain, styled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

ROW, REST = 0.33, 0.62
APART = 0.26
# What stands behind the name of a measure that is small by construction.
DAGGER = " †"
RATE_SHAPES = "vDo^p"
BAND = "#e4e4e4"
# The loss stands below the measures of shift: what all this is for.
TRAINED = Definition(LOSS, "training loss", "", "outcome")


@styled
def figure(frame: pd.DataFrame, curves: pd.DataFrame, *, width: float = PAGE_WIDTH) -> Figure:
    """Draw ratios to the net without normalization, a panel per net, and the band of the margin.

    Filled points have every variant at its own best learning rate; open ones, for the first variant
    that is compared, one rate for both.

    Parameters
    ----------
    frame, curves
        The tables of a run.
    width
        Width in inches.
    """
    run = run_of(frame, curves)
    base, variants = pairs_of(run)
    rows = rows_of(run, base, variants)
    if not rows:
        why = "the run has one variant alone" if len(run.variants) < 2 else "no ratio has a value"
        return empty_figure(f"Nothing to show: {why}.", width)
    parts, across = shape_of(len(run.nets), width)
    high = parts * (ROW * len(rows) + REST) + 0.3
    drawn = Figure(figsize=(width, high), layout="constrained")
    panels = drawn.subplots(parts, across, squeeze=False, sharex=True)
    low, top = _ends(run, base, variants, rows)
    for place, (ax, net) in enumerate(zip(panels.ravel(), run.nets, strict=True)):
        draw_net(ax, run, net, base, variants, rows)
        row_labels(ax, [_marked(one, base) for one in rows], shown_here=place % across == 0)
        plain(ax.set_title(net_name(net)))
        value_axis(ax, low, top, (width - 1.5) / across)
    for ax in panels[-1]:
        ax.set_xlabel(f"times that {variant_name(base)}")
    handles, labels = variant_keys(variants)
    for rate in open_rates(run):
        handles.append((Line2D([], [], linestyle="none", **_open(run, variants[0], rate)),))
        labels.append(f"{variant_name(variants[0])}, rate {rate}")
    handles.append((Patch(facecolor=BAND),))
    put_legend(drawn, handles, [*labels, f"no difference: within {100 * MARGIN:.0f} %"])
    said = notes(run)
    put_note(drawn, said)
    drawn.set_figheight(drawn.get_figheight() + 0.14 * len(note_lines(said, width)))
    return drawn


def pairs_of(run: Run) -> tuple[str, list[str]]:
    """Return what ratios are to, none or else BN, and the variants that are compared with it."""
    base = NONE if NONE in run.variants else BN
    return base, [variant for variant in run.variants if variant != base]


def open_rates(run: Run) -> list[str]:
    """Return the rates that are drawn beside the best one: none if there is no other."""
    return run.rates if run.rate == BEST and len(run.rates) > 1 else []


def _open(run: Run, variant: str, rate: str) -> dict[str, Any]:
    """Return how a point of one rate looks: the larger the rate, the darker."""
    look = look_of(variant)
    place = run.rates.index(rate) / max(1, len(run.rates) - 1)
    pale = 0.6 * (1.0 - place)
    colour = tuple((1.0 - pale) * part + pale for part in to_rgb(look.colour))
    return {"marker": RATE_SHAPES[run.rates.index(rate) % len(RATE_SHAPES)], "markersize": 4.0,
            "color": "white", "markeredgecolor": colour, "markeredgewidth": 1.1}  # fmt: skip


def _marked(one: Definition, base: str) -> Definition:
    is_small = base == NONE and one.word in BY_CONSTRUCTION
    return one._replace(label=one.label + DAGGER) if is_small else one


def rows_of(run: Run, base: str, variants: Sequence[str]) -> list[Definition]:
    """Return the measures that have a ratio, the training loss last."""
    return [
        one
        for one in (*run.definitions, TRAINED)
        if any(
            ratio(run, net, variant, one.word, base).is_known
            for net in run.nets for variant in variants
        )
    ]  # fmt: skip


def ratio(run: Run, net: str, variant: str, word: str, base: str, rate: str = "") -> Value:
    """Return the ratio of a variant to another, nothing where it is no ratio."""
    found = run.value(net, variant, word, base, rate)
    return found if found.is_ratio and found.estimate > 0.0 else Value()


def _ends(
    run: Run, base: str, variants: Sequence[str], rows: Sequence[Definition]
) -> tuple[float, float]:
    found = [1.0 / (1.0 + MARGIN) ** 3, (1.0 + MARGIN) ** 3]
    for net in run.nets:
        for variant in variants:
            for one in rows:
                found += ratio(run, net, variant, one.word, base)[:3]
        for rate in open_rates(run):
            for one in rows:
                here = ratio(run, net, variants[0], one.word, base, rate)
                found += [] if here.is_survivor else [here.estimate]
    known = [value for value in found if math.isfinite(value) and value > 0.0]
    air = max((max(known) / min(known)) ** 0.05, 1.05)
    return min(known) / air, max(known) * air


def draw_net(
    ax: Axes, run: Run, net: str, base: str, variants: Sequence[str], rows: Sequence[Definition]
) -> None:
    """Draw one panel: a row per measure, in it a point with its interval per variant."""
    ax.axvspan(1.0 / (1.0 + MARGIN), 1.0 + MARGIN, color=BAND, linewidth=0.0, zorder=0.5)
    ax.axvline(1.0, color=FAINT, linewidth=0.7, zorder=1.5)
    for row, one in enumerate(rows):
        for place, variant in enumerate(variants):
            at = -row - APART * (place - (len(variants) - 1) / 2) - 0.12 * bool(open_rates(run))
            _draw(ax, ratio(run, net, variant, one.word, base), at, variant)
        for rate in open_rates(run):
            value = ratio(run, net, variants[0], one.word, base, rate)
            if value.is_known and not value.is_survivor:
                ax.plot(value.estimate, -row + 0.33, linestyle="none", zorder=3.8,
                        **_open(run, variants[0], rate))  # fmt: skip


def _draw(ax: Axes, value: Value, at: float, variant: str) -> None:
    if not value.is_known:
        return
    look = look_of(variant)
    if value.is_sure and value.high > value.low:
        ax.plot([value.low, value.high], [at, at], color=look.colour, linewidth=1.6, zorder=3.5)
    face = look.colour if value.is_sure else "white"
    ax.plot(value.estimate, at, marker=look.shape, markersize=look.size, color=face,
            markeredgecolor="white" if value.is_sure else look.colour, markeredgewidth=0.5,
            linestyle="none", zorder=4)  # fmt: skip
