"""From a result to a PDF file: data and figures into a folder, Typst over it, one rename."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simnorm.errors import RunError
from simnorm.figures import (
    FIGURES,
    OF_ALL_SCHEMES,
    PAGED,
    figure,
    pages,
    panelled,
    save_svg,
)
from simnorm.figures.choice import main_rows, thing
from simnorm.figures.schemes import compared
from simnorm.figures.style import PAGE_WIDTH
from simnorm.figures.tables import FIRST_NAMES, is_data, names_of, short
from simnorm.formatting import plural
from simnorm.options import SWEEP
from simnorm.report import robust, tables, text
from simnorm.report.article import article_of
from simnorm.report.data import FIRST_ROWS, file_name, first_page
from simnorm.report.names import escaped, renamed, renaming_note, shown_names
from simnorm.report.schemes import chapter
from simnorm.schema import SCHEMA
from simnorm.stopped import missed_lines, notice, replications_range, stopping_rule

if TYPE_CHECKING:
    import pandas as pd

    from simnorm.report import Reportable

TEMPLATE, ARTICLE = "template.typ", "article.typ"
INCLUDED = (
    ARTICLE, "formulas.typ", "parts.typ", "look.typ", "data.typ", "robust.typ", "sampling.typ",
)  # fmt: skip

# A longer line of the design, as of very many columns, is cut, and so is a longer list.
LONGEST_LINE = 1500
MOST_PARTS = 24

# Shown in this order where present; what else the provenance has follows.
PROVENANCE_ORDER = (
    "command", "started", "finished", "seconds", "draws", "workers", "reducer", "simnorm",
    "python", "numpy", "scipy", "pandas", "numba", "platform", "cpu",
)  # fmt: skip


def write(result: Reportable, path: str | Path) -> None:
    """Write the report of `result` to `path`; see `simnorm.report.write_report`."""
    path = Path(path)
    try:
        check_place(path)
        _write_whole(compiled(result), path)
    except OSError as error:
        raise RunError(
            "report", os.fspath(path), f"the file cannot be written ({error.strerror or error})",
            "Name a place you may write to.",
        ) from None  # fmt: skip


def compiled(result: Reportable) -> bytes:
    """Return the report of `result` as the bytes of a PDF."""
    if not is_sweep(result.frame):
        return _compiled_article(result)
    run = Shown.of(result)
    finished = _moment(str(result.provenance.get("finished", "")))
    data = report_data(result, run, finished)
    with tempfile.TemporaryDirectory(prefix="simnorm-report-") as folder:
        root = Path(folder)
        _write_parts(result, root)
        for kind, page, name in _pictures(run):
            which = {"page": page} if kind in PAGED else {}
            table = run.whole if kind in OF_ALL_SCHEMES else run.frame
            picture = figure(kind, table, run.curves, width=PAGE_WIDTH, **which)
            save_svg(picture, root / f"{name}.svg")
        return _typeset(root, data, int(finished.timestamp()))


def is_sweep(frame: pd.DataFrame) -> bool:
    """Return whether a table is a sweep's, which has a template of its own."""
    return not len(frame) or frame["study"].iloc[0] == SWEEP


def _compiled_article(result: Reportable) -> bytes:
    """Return the report of a study that is made of chapters."""
    shown = shown_names(result.frame)
    parts = (result.frame, result.curves, result.columns)
    frame, curves, columns = (renamed(table, shown) for table in parts)
    finished = _moment(str(result.provenance.get("finished", "")))
    made = article_of(frame, curves, columns, result)
    data = dataclasses.asdict(made) | {
        "author": f"simnorm {result.provenance.get('simnorm', '')}".strip(),
        "date": [finished.year, finished.month, finished.day],
        "of_data": is_data(frame),
        "note": renaming_note(shown),
        "provenance": provenance_rows(result.provenance, frame, stopping_rule(result.design)),
        "design": design_text(result.design.to_toml()),
        "notice": notice(result.design, frame),
        "missed": missed_lines(result.design, frame, 2),
        "timed": bool(result.design.time_limit),
    }
    with tempfile.TemporaryDirectory(prefix="simnorm-report-") as folder:
        root = Path(folder)
        _write_parts(result, root)
        for kind in made.figures():
            save_svg(figure(kind, frame, curves, width=PAGE_WIDTH), root / f"{kind}.svg")
        return _typeset(root, _shown(data), int(finished.timestamp()), ARTICLE)


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
        shown = shown_names(result.frame)
        parts = (result.frame, result.curves, result.columns)
        whole, curves, columns = (renamed(table, shown) for table in parts)
        return cls(whole, main_rows(whole), curves, columns, renaming_note(shown))


def _pictures(run: Shown) -> list[tuple[str, int, str]]:
    """Return kind, page and file name of every picture."""
    without = set() if is_data(run.whole) else {"histograms"}
    without |= set() if compared(run.whole) else {"sampling"}
    return [
        (kind, page, kind if page == 1 else f"{kind}-{page}")
        for kind in FIGURES
        if kind not in without
        for page in range(1, pages(kind, run.frame) + 1)
    ]


def _write_parts(result: Reportable, root: Path) -> None:
    """Write templates and attachments to the folder that Typst sees; names as they are."""
    for name in (TEMPLATE, *INCLUDED):
        (root / name).write_bytes(files("simnorm.report").joinpath(name).read_bytes())
    tables_of = {"results.csv": result.frame[[c for c in SCHEMA if c in result.frame]]}
    if result.design.data:
        tables_of["columns.csv"] = result.columns
    for name, table in tables_of.items():
        (root / name).write_bytes(table.to_csv(index=False, lineterminator="\n").encode())
    (root / "design.toml").write_bytes(result.design.to_toml().encode())


def _typeset(root: Path, data: dict[str, Any], timestamp: int, template: str = TEMPLATE) -> bytes:
    """Run Typst over the template in `root`."""
    try:
        import typst
    except ImportError:
        raise RunError(
            "report", "no package typst", "the PDF is set by it", "Install it: pip install typst."
        ) from None
    try:
        pdf: bytes = typst.compile(
            os.fspath(root / template),
            root=os.fspath(root),
            sys_inputs={"report": json.dumps(data, allow_nan=False)},
            # Fonts of this machine would make the output depend on it.
            ignore_system_fonts=True,
            timestamp=timestamp,
            pdf_standards=["a-3a", "ua-1"],
        )
    except (typst.TypstError, RuntimeError, ValueError) as error:
        # The message alone: the folder in a trace is gone when anybody reads it.
        lines = str(getattr(error, "message", "") or error).strip().splitlines()
        why = lines[0] if lines else "no reason given"
        raise RunError(
            "report", template, f"it cannot be set ({why})",
            "This is a fault of simnorm; please report it with the run's design.toml.",
        ) from None  # fmt: skip
    return pdf


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
    shown: dict[str, Any] = _shown(data)
    return shown


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
        "author": f"simnorm {result.provenance.get('simnorm', '')}".strip(),
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


def design_text(toml: str) -> str:
    """Return a design as it is printed: of many columns the first; the attached file has all."""
    lines = []
    for line in toml.strip("\n").split("\n"):
        if len(line) > LONGEST_LINE:
            line = f"{line[:LONGEST_LINE]} …  # the rest is in the attached design.toml"
        lines.append(line)
    return "\n".join(lines)


def _shown(value: Any) -> Any:
    """Return `value` with every text in it reduced to characters that have a glyph."""
    if isinstance(value, str):
        # A number and its per cent sign must not part at the end of a line.
        return escaped(value).replace(" %", "\u00a0%")
    if isinstance(value, dict):
        return {key: _shown(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(part) for part in value]
    return value


def _head(frame: pd.DataFrame) -> str:
    names = names_of(frame)
    whose = names[0] if len(names) == 1 else plural(len(names), "distribution")
    return f"Sweep of {short(whose)}"


def provenance_rows(
    provenance: dict[str, Any], frame: pd.DataFrame, stopping: str = ""
) -> list[list[str]]:
    """Return where the numbers come from, as pairs of word and text."""
    known = [key for key in PROVENANCE_ORDER if key in provenance]
    others = sorted(key for key in provenance if key not in PROVENANCE_ORDER)
    rows = [[key, _value_text(provenance[key])] for key in [*known, *others]]
    seeds = [str(seed) for seed in frame["seed"].drop_duplicates()]
    at = 1 if rows and rows[0][0] == "command" else 0
    rows += [["stopping", stopping]] if stopping else []
    return [*rows[:at], ["seed", text.listed(seeds)], *rows[at:]]


def _value_text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | dict):
        return str(value)
    if isinstance(value, dict):
        parts = [f"{key} {_value_text(part)}" for key, part in sorted(value.items())]
        more = len(parts) - MOST_PARTS
        return ", ".join(parts[:MOST_PARTS]) + (f" and {more:,} more" if more > 0 else "")
    return f"{value:,}"


def _moment(iso: str) -> datetime:
    """Return the time a run finished; the epoch if it does not say."""
    try:
        moment = datetime.fromisoformat(iso)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def check_place(path: Path) -> None:
    """Raise what writing would raise, before anything is drawn."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


def _write_whole(content: bytes, path: Path) -> None:
    """Write a file in one step: a reader sees the old one or the new one, never half of it."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files private; a report has the permissions any new file has.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
