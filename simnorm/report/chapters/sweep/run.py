"""A sweep's tables and words, as every chapter of its report needs them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from simnorm.figures import PAGED, kinds_of, pages, panelled
from simnorm.figures.choice import main_rows, page_names, thing
from simnorm.figures.kinds import missing
from simnorm.figures.tables import floats, is_data, names_of, pages_of
from simnorm.questions import independent_questions
from simnorm.report import text
from simnorm.report.article import Block, figure
from simnorm.report.columns import ranked
from simnorm.report.methods import MEASURES
from simnorm.stopped import is_at_work, not_begun, notice

if TYPE_CHECKING:
    import pandas as pd

    from simnorm.report import Design, Reportable
# Fewer than so many need no picture.
FEWEST_QUESTIONS = 5
# The figures of errors.
ERRORS = ("overview", "variance", "bias", "rmse")
# A figure goes on over so many pages at most.
MOST_PAGES = 3


@dataclass(frozen=True)
class Run:
    """What a run of a sweep holds, under names that have glyphs.

    Parameters
    ----------
    whole
        The tidy table.
    frame
        Its rows of the sampling scheme that figures and tables show.
    curves, facts
        The long table of curves; what every column of data is like, the worst column first.
    design, provenance
        Of the result.
    """

    whole: pd.DataFrame
    frame: pd.DataFrame
    curves: pd.DataFrame
    facts: pd.DataFrame
    design: Design
    provenance: dict[str, Any]

    @cached_property
    def falls_short(self) -> bool:
        """Whether a notice on the first page says what was not reached."""
        facts = self.provenance
        said = notice(self.design, self.whole, not_begun(facts), at_work=is_at_work(facts))
        return bool(said)

    @classmethod
    def of(
        cls, frame: pd.DataFrame, curves: pd.DataFrame, columns: pd.DataFrame, result: Reportable
    ) -> Run:
        """Return a run from its tables."""
        main = main_rows(frame)
        facts = ranked(columns, names_of(main)) if is_data(main) else columns
        return cls(frame, main, curves, facts, result.design, dict(result.provenance))

    @cached_property
    def of_data(self) -> bool:
        """Whether the full sets are columns of a file."""
        return is_data(self.frame)

    @property
    def path(self) -> str:
        """Where the data come from."""
        return str(self.design.data)

    @cached_property
    def names(self) -> list[str]:
        """The distributions, or the columns with the worst first."""
        return names_of(self.frame)

    @property
    def thing(self) -> str:
        """What a name is: a distribution or a column."""
        return thing(self.frame)

    @property
    def things(self) -> str:
        """The same, of several."""
        return f"{self.thing}s"

    @property
    def rows(self) -> str:
        """What a batch is made of."""
        return "rows" if self.of_data else "observations"

    @cached_property
    def against(self) -> str:
        """What errors are about."""
        return text.against(self.frame)

    @cached_property
    def has_error(self) -> bool:
        """Whether anything has an error; batches that are their full sets alone have none."""
        rows = self.frame[self.frame["measure"].isin(MEASURES)]
        values = floats(rows, "estimate")
        known = np.isfinite(values)
        if not known.any():
            return False
        return bool(values[known].any()) or not (rows["status"] == "undefined").any()

    @cached_property
    def questions(self) -> int:
        """How many questions the audit asks."""
        return len(independent_questions(self.whole))

    def has(self, kind: str) -> bool:
        """Return whether there is a figure of a kind, and whether it has something to say.

        Figures that some runs need and others do not have a function ``wanted`` in their modules.
        """
        if kind not in kinds_of(self.whole) or (kind == "histograms" and not self.of_data):
            return False
        if kind == "audit" and self.questions < FEWEST_QUESTIONS:
            return False
        if kind in ERRORS and not self.has_error:
            return False
        table = self.whole if kind in ("audit", "sampling") else self.frame
        if kind in ("heatmap", "khat"):
            wanted: bool = import_module(f"simnorm.figures.{kind}").wanted(table)
            return wanted and not missing(kind, table, self.curves)
        return not missing(kind, table, self.curves)

    def figures(self, kind: str, title: str, caption: str, alt: str, more: str = "") -> list[Block]:
        """Return the figure of a kind, and its further pages with captions of a few words.

        Parameters
        ----------
        kind, title, caption, alt
            See `simnorm.report.article.figure`.
        more
            How the captions of further pages begin; the title unless told.
        """
        found = [figure(kind, f"{caption} {self.left_out(kind)}", alt, title=title)]
        for page in range(2, self.pages(kind) + 1):
            part = f"{more or title}, continued: {self.part(kind, page)}."
            made = figure(kind, part, name=f"{kind}-{page}", options={"page": page})
            found.append(made)
        return found

    def pages(self, kind: str) -> int:
        """Return how many pages of the figure of a kind are shown."""
        return min(MOST_PAGES, int(pages(kind, self.frame)))

    def left_out(self, kind: str) -> str:
        """Return a sentence on what the further pages of a figure would show, or nothing."""
        every = int(pages(kind, self.frame))
        if every <= MOST_PAGES:
            return ""
        if kind not in PAGED:
            return f"The first {MOST_PAGES} of {every} pages."
        shown = pages_of(page_names(self.frame), panelled(kind, self.frame))[:MOST_PAGES]
        count = len({name for names, _ in shown for name in names})
        whole = count == len(self.names)
        return "" if whole else f"The first {count} of {len(self.names):,} {self.things}."

    def part(self, kind: str, page: int) -> str:
        """Return what a page of a figure shows."""
        if kind not in PAGED:
            return f"page {page} of {self.pages(kind)}"
        return text.parts(self.frame, panelled(kind, self.frame))[page - 1]
