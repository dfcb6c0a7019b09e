"""What a report of chapters says, before anybody sets it: an article, and where it comes from."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from simnorm.figures import figure, save, save_svg
from simnorm.figures.choice import main_rows, schemes_of
from simnorm.figures.style import PAGE_WIDTH
from simnorm.figures.tables import is_data, names_of
from simnorm.neutral import neutral_table
from simnorm.report.article import Article, article_of
from simnorm.report.names import escaped, renamed, renaming_note, shown_names
from simnorm.report.origin import design_text, moment, provenance_rows
from simnorm.schema import SCHEMA
from simnorm.stopped import missed_lines, notice_of, stopping_rule

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from simnorm.report import Reportable

# So many names of distributions or columns stand among the keywords of a document.
MOST_KEYWORDS = 24

# The attached table is whole up to so many rows, about 0.9 MB in a PDF. More rows come with fewer
# digits, and from the second number on without those that others say.
WHOLE_ROWS, MOST_ROWS = 16_000, 42_000
DIGITS = 5


@dataclass(frozen=True)
class Content:
    """A report's article, the tables that its figures are drawn from, and its origin.

    Parameters
    ----------
    article
        The report.
    frame, curves
        The tables of the run, under names that have glyphs.
    finished
        When the run was finished.
    around
        What goes around the article: author, note on names, provenance, design, notice.
    """

    article: Article
    frame: pd.DataFrame
    curves: pd.DataFrame
    finished: datetime
    around: dict[str, Any]

    @classmethod
    def of(cls, result: Reportable) -> Content:
        """Return what there is to say about a result."""
        frame, curves, columns, names = tables_of(result)
        finished = moment(str(result.provenance.get("finished", "")))
        design = result.design
        around = {
            "author": author(result),
            "date": [finished.year, finished.month, finished.day],
            "keywords": keywords(frame),
            "of_data": is_data(frame),
            "attached": attached_note(frame),
            "note": renaming_note(names, of_data=is_data(frame)),
            "provenance": provenance_rows(result.provenance, frame, stopping_rule(design)),
            "design": design_text(design.to_toml()),
            "notice": notice_of(result, frame),
            "missed": missed_lines(design, frame, 2),
            "timed": bool(design.time_limit),
        }
        made = article_of(frame, curves, columns, result)
        return cls(made, frame, curves, finished, around)

    def data(self) -> dict[str, Any]:
        """Return everything that the template shows, as plain values of characters with glyphs."""
        found: dict[str, Any] = shown(dataclasses.asdict(self.article) | self.around)
        return found

    def picture(self, name: str, path: Path, *, outlined: bool = False) -> None:
        """Draw a figure of the article and write it as SVG.

        Parameters
        ----------
        name
            What the article calls it.
        path
            The file to write.
        outlined
            Whether letters are drawn as shapes, for readers that have not the fonts.
        """
        kind, options = self.article.pictures()[name]
        drawn = figure(kind, self.frame, self.curves, **{"width": PAGE_WIDTH} | options)
        (save if outlined else save_svg)(drawn, path)


def tables_of(
    result: Reportable,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, dict[str, str]]:
    """Return the tables of a run under names that have glyphs, and those by the names they are for.

    The results, the curves, and what every column of data is like.
    """
    names = shown_names(result.frame)
    parts = (result.frame, result.curves, result.columns)
    frame, curves, columns = (light(renamed(table, names)) for table in parts)
    if len(schemes_of(frame)) == 1 and not is_data(frame):
        # Its names once for all that is said and drawn of it; columns of data have an order.
        frame = main_rows(frame)
    return frame, curves, columns, names


def author(result: Reportable) -> str:
    """Return who made a report."""
    return f"simnorm {result.provenance.get('simnorm', '')}".strip()


def keywords(frame: pd.DataFrame) -> list[str]:
    """Return what somebody would look for who wants to find the report of a run again."""
    studies = [str(word) for word in frame["study"].drop_duplicates()]
    words = ["batch statistics", "batch normalization", *studies, *names_of(frame)[:MOST_KEYWORDS]]
    return list(dict.fromkeys(words))


def attachments(result: Reportable) -> dict[str, bytes]:
    """Return the files that a report carries, by name; names of columns as they are."""
    table = result.frame[[name for name in SCHEMA if name in result.frame]]
    if len(table) > MOST_ROWS:
        table = table[~(table["measure"].str.startswith("relative_") | (table["measure"] == "mse"))]
    digits = None if len(result.frame) <= WHOLE_ROWS else f"%.{DIGITS}g"
    found = {"results.csv": csv_bytes(table, digits)}
    if result.design.data:
        found["columns.csv"] = csv_bytes(result.columns)
    return found | {"design.toml": result.design.to_toml().encode()}


def attached_note(frame: pd.DataFrame) -> str:
    """Return in what the attached table falls short of the run's own, or nothing."""
    if len(frame) <= WHOLE_ROWS:
        return ""
    short = "has five digits of every number"
    if len(frame) > MOST_ROWS:
        short += " and neither the MSE nor relative measures, which follow from the others"
    return f"To keep this document small, the attached results.csv {short}; the run folder has all."


def csv_bytes(table: pd.DataFrame, digits: str | None = None) -> bytes:
    """Return a table as the bytes of a CSV file."""
    text = neutral_table(table).to_csv(index=False, lineterminator="\n", float_format=digits)
    return str(text).encode()


def light(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose texts are Python's own: rows are picked from it in half the time."""
    import pandas as pd

    texts = [name for name in table if isinstance(table[name].dtype, pd.StringDtype)]
    # A copy holds columns of one type together, which halves that time again.
    return table.astype(dict.fromkeys(texts, object)).copy()


def shown(value: Any) -> Any:
    """Return `value` with every text in it reduced to characters that have a glyph."""
    if isinstance(value, str):
        # A number and its per cent sign must not part at the end of a line.
        return escaped(value).replace(" %", "\u00a0%")
    if isinstance(value, dict):
        return {key: shown(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [shown(part) for part in value]
    return value
