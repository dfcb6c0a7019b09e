"""``--dry-run``: what a design would cost, in draws, time and memory."""

from __future__ import annotations

import dataclasses
import math
import textwrap
import time
from pathlib import Path
from typing import Any

from simnorm.api import memory_needed
from simnorm.cli.plain import echo
from simnorm.design import Design
from simnorm.formatting import plural, seconds_text
from simnorm.grammar import number_text
from simnorm.options import OVERHEAD, SCALING, SHIFT, STUDIES
from simnorm.studies import check_extra, study_of
from simnorm.studies.drawing import sources
from simnorm.tasks import Task, compute, total_draws

# The time of a large run is foretold from one block of full sets of this size.
PROBE_SIZE = 16_384
# What a replication is that is no full set.
REPLICATION = {
    SCALING: "repeats of the cross-validation",
    SHIFT: "seeds, in each of which everything is trained",
    OVERHEAD: "rounds, in each of which everything is timed",
}
# Settings of which a trial may have the first alone, so that one replication takes little.
LISTS = ("batch_sizes", "models", "scalers", "nets", "variants", "rates", "widths")


def planned(design: Design, workers: int, folder: Path) -> dict[str, Any]:
    """Return what the design would cost: cells, draws, time, memory.

    A trial has replications in place of draws.

    Raises
    ------
    SimnormError
        If it could not run here.
    """
    check_extra(design)
    study_of(design).check(design)
    plan = {
        "design": design.to_dict(),
        "cells": study_of(design).cell_count(design),
        "draws": total_draws(design),
        "workers": workers,
        "seconds": foretold_seconds(design, workers),
        "bytes": memory_needed(design, workers),
        "folder": str(folder),
    }
    if STUDIES[design.study].is_trial:
        del plan["draws"]
    return plan


def print_plan(plan: dict[str, Any]) -> None:
    """Print a plan for people."""
    design = plan["design"]
    is_trial = STUDIES[design["study"]].is_trial
    workers = plural(plan["workers"], "worker")
    most = "at most " if "target_mcse" in design else ""
    seconds = min(plan["seconds"], design.get("time_limit", math.inf))
    time_words = f"{most}about {seconds_text(seconds)}"
    if "draws" in plan:
        work = {
            "draws": f"{most}{plan['draws']:,}",
            "time": f"{time_words} of drawing with {workers}",
        }
    else:
        work = {"time": f"{time_words} with {workers}"}
    lines = {
        "study": design["study"],
        **_subject(design),
        **_settings(design),
        "batch sizes": _some([str(n) for n in design["batch_sizes"]]),
        **({} if is_trial else {"sampling": ", ".join(design["sampling"])}),
        **({"full size N": f"{design['full_size']:,}"} if design.get("full_size") else {}),
        **_precision_lines(design),
        "seed": str(design["seed"]),
        "cells": f"{plan['cells']:,}",
        **work,
        "memory": f"about {plan['bytes'] / 2**20:,.0f} MiB beside the imports",
        "run folder": plan["folder"],
    }
    for name, value in lines.items():
        echo(textwrap.fill(f"{name + ':':<16}{value}", 80, subsequent_indent=" " * 16))


def _subject(design: dict[str, Any]) -> dict[str, str]:
    """Return what the study is of."""
    what: dict[str, str] = {}
    if "data" in design:
        what = {"data": design["data"], "columns": _some(design["columns"])}
    elif design.get("distributions"):
        what = {"distributions": ", ".join(design["distributions"])}
    if "estimators" in design:
        what["estimators"] = ", ".join(design["estimators"])
    return what


def _settings(design: dict[str, Any]) -> dict[str, str]:
    """Return the study's own settings; of what does not apply, nothing."""
    lines = {}
    for name in STUDIES[design["study"]].settings:
        value = design.get(name)
        given = value if isinstance(value, list) else [value]
        if given not in ([], [""], [None]):
            lines[name] = ", ".join(
                number_text(v) if isinstance(v, float) else str(v) for v in given
            )
    return lines


def _precision_lines(design: dict[str, Any]) -> dict[str, str]:
    lines = {}
    if "target_mcse" in design:
        lines["target MCSE"] = design["target_mcse"].replace("%", " %")
        lines["replications R"] = f"at most {design['max_replications']:,}"
    else:
        what = REPLICATION.get(design["study"], "")
        lines["replications R"] = f"{design['replications']:,} {what}".rstrip()
    if "time_limit" in design:
        lines["time limit"] = seconds_text(design["time_limit"])
    return lines


def _some(texts: list[str]) -> str:
    shown = [*texts[:6], "...", *texts[-3:]] if len(texts) > 14 else texts
    return f"{', '.join(shown)} ({len(texts)})"


def foretold_seconds(design: Design, workers: int) -> float:
    """Return the time a run should take, by timing one block of every distribution."""
    if STUDIES[design.study].is_trial:
        return _seconds_of_trial(design, workers)
    probe = _probe(design)
    compute(probe, Task(0, 0, 0))  # compiles, or reads what was compiled before
    seconds = 0.0
    per_source = total_draws(design) / len(sources(design))
    # Columns of data take as long as each other, so that one source of each scheme will do.
    step = len(sources(design)) // len(design.sampling) if design.data else 1
    for source in range(0, len(sources(probe)), step):
        begin = time.perf_counter()
        node = compute(probe, Task(source, 0, 0))
        spent = time.perf_counter() - begin
        seconds += step * spent * per_source / node.draws if node.draws else 0.0
    return seconds / workers


def _seconds_of_trial(design: Design, workers: int) -> float:
    """Return the time a trial should take, by one replication of every source."""
    first = {name: getattr(design, name)[:1] for name in LISTS}
    compute(dataclasses.replace(design, **first, steps=min(design.steps, 1)), Task(0, 0, 0))
    begin = time.perf_counter()
    for source in range(len(sources(design))):
        compute(design, Task(source, 0, 0))
    spent = time.perf_counter() - begin
    return spent * design.replications / min(workers, design.replications * len(sources(design)))


def _probe(design: Design) -> Design:
    """Return a small design whose time a draw is that of a large one."""
    if design.data:
        return dataclasses.replace(design, replications=1)
    size = min(design.full_size, PROBE_SIZE)
    sizes = tuple(n for n in design.batch_sizes if n <= size) or (size,)
    return dataclasses.replace(design, batch_sizes=sizes, full_size=size, replications=1)
