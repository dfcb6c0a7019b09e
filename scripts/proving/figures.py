"""The pictures of "Can I trust it?", drawn from the tables in reports/proof alone."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from proving.coverage import PROMISE
from simnorm.figures.style import FAINT, INK, PAGE_WIDTH, save, styled

ROOT = Path(__file__).resolve().parents[2]
TABLES = ROOT / "reports" / "proof"
PICTURES = ROOT / "reports"

MAIN_RUN = "R=1000"
COLOURS = {"green": "#029e73", "amber": "#de8f05", "red": "#b3202a"}
RIVAL = "#4d4d4d"
BAND = "#bfe3d6"
# How far the points of a law are spread out in its line.
SPREAD = 0.34

KINDS = {
    "E": "exact values",
    "Z": "theory, z-tests",
    "U": "no draw used twice",
    "B": "same bits",
    "C": "coverage",
}
KINDS_OF_TESTS = {
    "test_power": "tests built for 1 %",
    "test_theory": "sweeps against theory",
    "test_distributions": "laws: a million draws",
    "test_running": "running averages",
    "test_streams": "correlation of streams",
    "test_tally": "coverage of the bias",
    "test_calibration": "default sweep, R = 256",
    "test_inputs": "normalized inputs, R = 256",
    "test_resampling": "with replacement",
    "test_real_data": "real data",
}


def spread(count: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return heights within a line that fill it evenly, neighbours far apart."""
    golden = (np.arange(count) * 0.6180339887498949) % 1.0
    return SPREAD * (2.0 * golden - 1.0)


def plain_law(law: str) -> str:
    """Return a law without the parameters that its bare word means."""
    return law.split("(")[0] if law.startswith(("contaminated", "bernoulli", "poisson")) else law


def strips(ax: Axes, table: pd.DataFrame, what: str, laws: list[str], colour: str | None) -> None:
    """Draw every row's coverage, a line for each law."""
    for line, law in enumerate(laws):
        rows = table[(table["law"] == law) & table[what].notna()]
        y = line + spread(len(rows))
        ax.scatter(
            100.0 * rows[what],
            y,
            s=5.0,
            linewidths=0.0,
            alpha=0.55,
            color=colour or [COLOURS[word] for word in rows["status"]],
            zorder=3,
        )


def share_text(values: pd.Series) -> str:
    """Return how many values keep the promise, in per cent, rounded down to a tenth."""
    inside = values.between(*PROMISE)
    if inside.all():
        return "100 %"
    return f"{np.floor(1000.0 * inside.mean()) / 10.0:.1f} %"


@styled
def coverage_figure(table: pd.DataFrame) -> Figure:
    """Draw the coverage of simnorm's intervals beside those of two other formulas."""
    run = table[table["run"] == MAIN_RUN]
    laws = [*dict.fromkeys(run["law"])]
    green = run[run["status"] == "green"]
    flagged = run[run["status"] != "green"]
    figure = Figure(figsize=(PAGE_WIDTH, 4.1), layout="constrained")
    axes = figure.subplots(1, 3, sharex=True, sharey=True)
    panels = (
        ("simnorm", "coverage", "by full set"),
        ("other toolkits", "normal_theory", "normal theory"),
        ("unclustered", "unclustered", "right kurtosis"),
    )
    for ax, (title, what, below) in zip(axes, panels, strict=True):
        ax.axvspan(100.0 * PROMISE[0], 100.0 * PROMISE[1], color=BAND, linewidth=0.0, zorder=1)
        if what == "coverage":
            strips(ax, flagged, what, laws, None)
        strips(ax, green, what, laws, COLOURS["green"] if what == "coverage" else RIVAL)
        ax.set_title(f"{title}\n", fontsize=8.5)
        below = f"{below}: {share_text(green[what])} in the band"
        ax.text(0.0, 1.015, below, transform=ax.transAxes, fontsize=7.0, color=FAINT, va="bottom")
        ax.grid(visible=False, axis="y")
        ax.set_xticks([40, 60, 80, 95])
        ax.tick_params(axis="y", length=0.0)
    axes[0].set_yticks(range(len(laws)), [plain_law(law) for law in laws])
    axes[0].set_ylim(len(laws) - 0.4, -0.6)
    axes[1].set_xlabel(
        "how often a nominal 95 % interval holds the truth, in %; "
        f"band: 93.5 to 96.5; {run['seeds'].iloc[0]:,} seeds"
    )
    handles = [
        dot(COLOURS["green"], f"{len(green)} rows without a warning"),
        dot(COLOURS["amber"], "amber: k-hat 0.3 to 0.5"),
        dot(COLOURS["red"], "red: flagged unreliable"),
        dot(RIVAL, f"the same {len(green)} rows"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, columnspacing=1.1)
    return figure


def dot(colour: str, label: str) -> Line2D:
    """Return a legend's entry."""
    return Line2D([], [], marker="o", markersize=4.0, linestyle="", color=colour, label=label)


def mutants_panel(ax: Axes, table: pd.DataFrame) -> str:
    """Draw how many faults each kind of oracle sees."""
    killed = table["killed_by"].fillna("")
    counts = {kind: int(killed.str.contains(kind).sum()) for kind in KINDS}
    shown = {kind: count for kind, count in counts.items() if count}
    places = range(len(shown))
    ax.barh(places, list(shown.values()), color=COLOURS["green"], height=0.62)
    for place, count in zip(places, shown.values(), strict=True):
        ax.text(count, place, f" {count}", va="center", fontsize=7.0)
    ax.set_yticks(places, [KINDS[kind] for kind in shown])
    ax.invert_yaxis()
    ax.set_xlim(0.0, 1.12 * len(table))
    ax.axvline(len(table), color=INK, linewidth=0.7, linestyle=":")
    ax.grid(visible=False, axis="y")
    ax.set_xlabel("planted faults that each kind of test sees")
    return f"{(killed != '').sum()} of {len(table)} planted faults are found"


def power_panel(ax: Axes, table: pd.DataFrame) -> str:
    """Draw the smallest error that each family of tests sees."""
    family = table["test"].str.split("::").str[0]
    lines = [name for name in KINDS_OF_TESTS if (family == name).any()]
    for line, name in enumerate(lines):
        values = table.loc[family == name, "smallest_error_percent"].astype(float)
        colour = COLOURS["green"] if name == "test_power" else RIVAL
        ax.scatter(
            values,
            line + 0.6 * spread(len(values)),
            s=9.0,
            color=colour,
            alpha=0.6,
            linewidths=0.0,
            zorder=3,
        )
    ax.axvline(1.0, color=INK, linewidth=0.7, linestyle=":")
    ax.set_xscale("log")
    ax.set_xticks([0.1, 1.0, 10.0], ["0.1 %", "1 %", "10 %"])
    ax.set_yticks(range(len(lines)), [KINDS_OF_TESTS[name] for name in lines])
    ax.set_ylim(len(lines) - 0.5, -0.5)
    ax.grid(visible=False, axis="y")
    ax.set_xlabel("smallest error surely seen")
    return "A 1 % error in a variance is caught"


def digits_panel(ax: Axes, table: pd.DataFrame) -> str:
    """Draw the correct digits of the sets of NIST, every path through the package."""
    rows = table[~table["set"].str.startswith("normal +")]
    sets = [*dict.fromkeys(rows["set"])]
    ax.axvline(15.0, color=INK, linewidth=0.7, linestyle=":")
    for line, name in enumerate(sets):
        values = rows.loc[rows["set"] == name, "digits"].astype(float)
        y = line + 0.6 * spread(len(values))
        ax.scatter(values, y, s=9.0, color=COLOURS["green"], alpha=0.6, linewidths=0.0, zorder=3)
    ax.set_yticks(range(len(sets)), sets)
    ax.set_ylim(len(sets) - 0.5, -0.5)
    ax.set_xlim(min(14.0, rows["digits"].min() - 0.5), 16.2)
    ax.set_xticks([14, 15, 16])
    ax.grid(visible=False, axis="y")
    ax.set_xlabel("correct digits by every code path, 15.95 at most")
    least = rows["digits"].min()
    return f"{np.floor(10.0 * least) / 10.0:.1f} digits or more on NIST's reference sets"


def independence_panel(ax: Axes, table: pd.DataFrame) -> str:
    """Say in lines what was compared and how much of it was found."""
    ax.set_axis_off()
    for line, row in enumerate(table.itertuples()):
        y = 1.0 - (line + 0.5) / len(table)
        what = str(row.what).removeprefix("streams shared by ").replace("^2", "²")
        ax.text(0.0, y, what, transform=ax.transAxes, fontsize=7.0, va="center")
        said = f"{row.value:,g} of {row.count:,}"
        if float(row.bound) > 0.0:
            said = f"{row.value:.2g}, bound {row.bound:.2g}"
        ax.text(1.0, y, said, transform=ax.transAxes, fontsize=7.0, va="center", ha="right")
    return "Streams of random numbers share nothing"


PANELS: dict[str, Callable[[Axes, pd.DataFrame], str]] = {
    "mutants": mutants_panel,
    "power": power_panel,
    "digits": digits_panel,
    "independence": independence_panel,
}


@styled
def proof_figure(tables: dict[str, pd.DataFrame]) -> Figure:
    """Draw a panel for every other part of the proof that has a table."""
    lines = -(-len(tables) // 2)
    figure = Figure(figsize=(PAGE_WIDTH, 2.6 * lines), layout="constrained")
    parts = figure.subfigures(lines, 2, squeeze=False, wspace=0.03, hspace=0.04).ravel()
    for part, (name, table) in zip(parts, tables.items(), strict=False):
        title = PANELS[name](part.subplots(), table)
        part.suptitle(title, x=0.01, ha="left", fontsize=8.5, fontweight="bold")
    return figure


def main(arguments: list[str]) -> None:
    """Draw what there are tables for."""
    parser = argparse.ArgumentParser(prog="scripts/prove figures", description=__doc__)
    parser.add_argument("--tables", type=Path, default=TABLES)
    parser.add_argument("--out", type=Path, default=PICTURES)
    options = parser.parse_args(arguments)
    path = options.tables / "coverage.csv"
    if path.exists():
        save(coverage_figure(pd.read_csv(path)), options.out / "coverage.png")
    found = {name: options.tables / f"{name}.csv" for name in PANELS}
    tables = {name: pd.read_csv(path) for name, path in found.items() if path.exists()}
    if tables:
        save(proof_figure(tables), options.out / "proof.png")
