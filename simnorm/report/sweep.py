"""What the template of a sweep's report shows, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from simnorm.figures import FIGURES, PAGED, pages, panelled
from simnorm.figures.choice import main_rows, thing
from simnorm.figures.schemes import compared
from simnorm.figures.tables import FIRST_NAMES, is_data, names_of, short
from simnorm.formatting import plural
from simnorm.report import robust, tables, text
from simnorm.report.content import author, keywords, shown
from simnorm.report.data import FIRST_ROWS, file_name, first_page
from simnorm.report.names import renamed, renaming_note, shown_names
from simnorm.report.origin import design_text, provenance_rows
from simnorm.report.schemes import chapter
from simnorm.stopped import missed_lines, notice, replications_range, stopping_rule

if TYPE_CHECKING:
    import pandas as pd

    from simnorm.report import Reportable


@dataclass(frozen=True)
class Shown:
    """A run's tables as a report shows them, under names that have glyphs.

    Parameters
    ----------
    whole
        The tidy table.
    frame
        Its rows of the sampling scheme that figures and tables show.
    curves, columns
        The other tables.
    note
        A sentence on the names that were replaced, or nothing.
    """

    whole: pd.DataFrame
    frame: pd.DataFrame
    curves: pd.DataFrame
    columns: pd.DataFrame
    note: str

    @classmethod
    def of(cls, result: Reportable) -> Shown:
        """Return the tables of a result."""
        names = shown_names(result.frame)
        parts = (result.frame, result.curves, result.columns)
        whole, curves, columns = (renamed(table, names) for table in parts)
        return cls(whole, main_rows(whole), curves, columns, renaming_note(names))


def pictures(run: Shown) -> list[tuple[str, int, str]]:
    """Return kind, page and file name of every picture."""
    without = set() if is_data(run.whole) else {"histograms"}
    without |= set() if compared(run.whole) else {"sampling"}
    return [
        (kind, page, kind if page == 1 else f"{kind}-{page}")
        for kind in FIGURES
        if kind not in without
        for page in range(1, pages(kind, run.frame) + 1)
    ]


def report_data(result: Reportable, run: Shown, finished: datetime) -> dict[str, Any]:
    """Return everything the template shows, as plain values."""
    frame, of_data = run.frame, is_data(run.frame)
    where = str(result.design.data)
    data = _common(result, run, finished) | {
        "head": f"Sweep of {short(file_name(where))}" if of_data else _head(frame),
        "of_data": of_data,
        "words": _words(frame),
        "sampling": chapter(run.whole, run.curves),
        "scheme": text.scheme_sentence(run.whole, frame),
        "note": run.note,
        "columns": None,
    }
    if of_data:
        data |= first_page(frame, run.columns, where, result.provenance)
        data["answer_table"] = tables.answer_table(frame, most=FIRST_ROWS)
    else:
        data |= _first_page(frame)
    found: dict[str, Any] = shown(data)
    return found


def _first_page(frame: pd.DataFrame) -> dict[str, Any]:
    """Return what a report on distributions says that one on data says otherwise."""
    many = len(names_of(frame)) > FIRST_NAMES
    return {
        "subtitle": text.subtitle(frame),
        "setting": text.setting(frame),
        "answer": text.answer(frame),
        "shape": text.shape_matters(frame),
        "tiles": text.tiles(frame),
        "tiles_note": text.tiles_note(frame),
        "answer_table": tables.answer_table(frame),
        "all_answers": tables.answer_table(frame, every=True) if many else None,
        "data": text.data_sentence(frame),
    }


def _words(frame: pd.DataFrame) -> dict[str, str]:
    """Return what the template calls things."""
    of_data = is_data(frame)
    return {
        "thing": thing(frame),
        "rows": "rows" if of_data else "observations",
        "against": text.against(frame),
        "set": "order of the rows" if of_data else "full set",
        "cut": text.cutting_method(frame),
    }


def _common(result: Reportable, run: Shown, finished: datetime) -> dict[str, Any]:
    """Return what reports of all kinds have."""
    frame, whole, curves = run.frame, run.whole, run.curves
    sizes = sorted({int(n) for n in frame["batch_size"]})
    printed = tables.printed_sizes(frame)
    blocks = tables.performance_table(frame)
    return {
        "title": text.TITLE,
        "author": author(result),
        "keywords": keywords(whole),
        "date": [finished.year, finished.month, finished.day],
        "day": f"{finished.day} {finished:%B %Y}",
        "overview_alt": text.overview_alt(frame),
        "trust": text.trust(whole),
        "cutting": text.cutting_sentence(frame),
        "estimators": text.remarks(frame),
        "statuses": [[word, text.MEANINGS[word]] for word in text.MEANINGS],
        "status": text.status_sentence(whole),
        "status_failed": bool((whole["status"] == "failed").any()),
        "not_ok": text.not_ok(whole),
        "replications": replications_range(frame),
        "parts": {kind: text.parts(frame, panelled(kind, frame)) for kind in PAGED},
        "heads": text.figure_heads(frame),
        "absolute": {
            measure: text.absolute_sentence(frame, measure)
            for measure in ("variance", "bias", "rmse")
        },
        "findings": {
            "variance": text.variance_finding(frame),
            "bias": text.bias_finding(frame),
            "rmse": text.rmse_finding(frame),
            "audit": text.audit_finding(whole),
            "convergence": text.convergence_finding(frame, curves),
        },
        "all_answers": None,
        "robust": robust.section(frame),
        "amber": robust.amber(frame),
        "audit": tables.audit_table(whole),
        "performance": blocks,
        "unprinted": len(names_of(frame)) - len(blocks),
        "printed": text.sizes_text(printed) if len(printed) < len(sizes) else "",
        "provenance": provenance_rows(result.provenance, frame),
        "design": design_text(result.design.to_toml()),
        "notice": notice(result.design, whole),
        "missed": missed_lines(result.design, whole, 2),
        "timed": bool(result.design.time_limit),
        "stopping": stopping_rule(result.design),
    }


def _head(frame: pd.DataFrame) -> str:
    names = names_of(frame)
    whose = names[0] if len(names) == 1 else plural(len(names), "distribution")
    return f"Sweep of {short(whose)}"
