"""What the report of an answer says, before anybody sets it: an article from several runs."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from simnorm.answering import STUDIES
from simnorm.figures import figure, save, save_svg
from simnorm.figures.style import PAGE_WIDTH
from simnorm.report.article import Article, Block, chapter
from simnorm.report.content import MOST_KEYWORDS, attachments, csv_bytes, shown
from simnorm.report.origin import moment
from simnorm.report.volume import front
from simnorm.report.volume.appendix import appendix
from simnorm.report.volume.measured import measured
from simnorm.report.volume.missing import missing_blocks
from simnorm.report.volume.scoped import scoped, targets
from simnorm.report.volume.sizes import sizes
from simnorm.report.volume.tables import Tables
from simnorm.report.volume.verdicts import chapter_label, verdict_blocks

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from simnorm.answering import Answer
    from simnorm.report import Reportable

TITLES = {
    "sweep": "A batch is a small sample",
    "inputs": "Batch normalization at the input",
    "running": "At test time",
    "scaling": "Who needs scaled inputs",
    "shift": "Internal covariate shift",
    "overhead": "What it costs",
}
MEASURED, SIZES = "measured", "solve"


@dataclass(frozen=True)
class Content:
    """An article on all studies, what its figures are drawn from, and its origin.

    Parameters
    ----------
    article
        The report.
    appendix
        Its last chapters.
    tables
        The tables of every study that has a result.
    drawn
        Of every figure by its name: the study, the kind and its options.
    finished
        When the last run was finished.
    around
        What goes around the article: author, notes, attachments.
    """

    article: Article
    appendix: list[dict[str, Any]]
    tables: Mapping[str, Tables]
    drawn: Mapping[str, tuple[str, str, dict[str, Any]]]
    finished: datetime
    around: dict[str, Any]

    @classmethod
    def of(cls, answer: Answer) -> Content:
        """Return what there is to say about an answer."""
        results = {study: r for study in STUDIES if (r := answer.result(study)) is not None}
        tables = {
            study: Tables.of(result, answer.settings.batch_size)
            for study, result in results.items()
        }
        parts = _chapters(answer, tables)
        known = {str(part["label"]) for part in parts}
        for part in parts:
            known |= targets(part["blocks"])
        finished = _finished(answer, results)
        drawn = {
            block["name"]: (study, block["of"], block["options"])
            for study, part in zip([p["study"] for p in parts], parts, strict=True)
            for block in part["blocks"]
            if block["kind"] == "figure"
        }
        around = {
            "author": _author(answer, results),
            "date": [finished.year, finished.month, finished.day],
            "keywords": _keywords(answer),
            "notice": front.notice(answer),
            "missed": [],
            "note": " ".join(dict.fromkeys(t.note for t in tables.values() if t.note)),
            "attached": [_attachment(name) for name in files_of(answer)],
        }
        article = front.article(answer, tables, known, chapters=parts)
        return cls(article, appendix(answer, results), tables, drawn, finished, around)

    def data(self) -> dict[str, Any]:
        """Return everything that the template shows, as plain values of characters with glyphs."""
        whole = dataclasses.asdict(self.article) | self.around | {"appendix": self.appendix}
        found: dict[str, Any] = shown(whole)
        return found

    def picture(self, name: str, path: Path, *, outlined: bool = False) -> None:
        """Draw a figure of the article from the tables of its study; see `report.content`."""
        study, kind, options = self.drawn[name]
        tables = self.tables[study]
        made = figure(kind, tables.frame, tables.curves, **{"width": PAGE_WIDTH} | options)
        (save if outlined else save_svg)(made, path)


def _chapters(answer: Answer, tables: Mapping[str, Tables]) -> list[dict[str, Any]]:
    """Return the chapters, each with its study."""
    found = [_chapter(MEASURED, "How it was measured", measured(answer, tables))]
    for study in STUDIES:
        claims = verdict_blocks(answer.verdicts, study)
        if study in tables:
            blocks = [*claims, *scoped(tables[study].blocks(study), study)]
        else:
            blocks = [*missing_blocks(answer, study), *claims]
        if blocks:
            found.append(_chapter(study, TITLES[study], blocks))
    blocks = scoped(sizes(answer, tables), SIZES)
    if blocks:
        claims = verdict_blocks(answer.verdicts, SIZES)
        found.append(_chapter(SIZES, "Which batch size, then?", [*claims, *blocks]))
    return found


def _chapter(study: str, title: str, blocks: list[Block]) -> dict[str, Any]:
    return chapter(title, blocks, chapter_label(study)) | {"study": study}


def _author(answer: Answer, results: Mapping[str, Reportable]) -> str:
    """Return who made the report: this program in the version of the answer, or of its runs."""
    held = [answer.provenance, *(result.provenance for result in results.values())]
    version = next((str(part["simnorm"]) for part in held if part.get("simnorm")), "")
    return f"simnorm {version}".strip()


def _finished(answer: Answer, results: Mapping[str, Reportable]) -> datetime:
    """Return when the last run was finished."""
    times = [moment(str(r.provenance.get("finished", ""))) for r in results.values()]
    return max(times, default=moment(str(answer.provenance.get("finished", ""))))


def _keywords(answer: Answer) -> list[str]:
    words = ["batch normalization", "standardization", "StandardScaler", *STUDIES]
    names = answer.settings.names[:MOST_KEYWORDS]
    return list(dict.fromkeys([*words, *names]))


def files_of(answer: Answer) -> dict[str, bytes]:
    """Return the files that the report carries, by name: verdicts, and tables of every run."""
    found = {"verdicts.csv": csv_bytes(answer.table)}
    if len(answer.needed):
        found["needed.csv"] = csv_bytes(answer.needed)
    for study in STUDIES:
        result = answer.result(study)
        if result is not None:
            parts = attachments(result)
            found |= {f"{study}-{name}": content for name, content in parts.items()}
    return found


def _attachment(name: str) -> dict[str, str]:
    """Return how a file is attached."""
    study, _, kind = name.rpartition("-")
    what = {
        "verdicts.csv": "Every claim with its verdict",
        "needed.csv": "The batch size that everything needs",
        "results.csv": f"All rows of the results table of simnorm study {study}",
        "columns.csv": f"What every column of the data is like, of simnorm study {study}",
        "design.toml": f"The design of simnorm study {study}: simnorm run computes it again",
    }
    toml = name.endswith(".toml")
    return {
        "name": name,
        "relationship": "source" if toml else "data",
        "mime": "application/toml" if toml else "text/csv",
        "description": re.sub("simnorm study sweep", "simnorm sweep", what[kind]),
    }
