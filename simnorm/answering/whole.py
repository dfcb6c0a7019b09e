"""`Answer`: the results of all studies, and what they say to every claim."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from simnorm.answering.settings import Settings
from simnorm.answering.verdicts import Verdict, table_of

if TYPE_CHECKING:
    import pandas as pd

    from simnorm.results import Result

# The studies in the order of their chapters.
STUDIES = ("sweep", "inputs", "running", "scaling", "shift", "overhead")
REPORT = "report.pdf"


class Missing(NamedTuple):
    """Why a study has no result, and what to do about it: two sentences."""

    reason: str
    what_to_do: str = ""


@dataclass(frozen=True, repr=False)
class Answer:
    """Does batch normalization replace standardizing the inputs? Every claim with its verdict.

    Parameters
    ----------
    results
        What each study came to, by its word, or why it is missing.
    verdicts
        One for each claim.
    settings
        What was asked: the batch size, the data, how long it may take.
    needed
        The batch size that every column or distribution needs, the most demanding first; columns
        as in `simnorm.answering.needed.SCHEMA`.
    sentences
        The answer in plain words, for the top of a page.
    advice
        What to do, sentence by sentence.
    provenance
        Versions, times and command.
    """

    results: dict[str, Result | Missing]
    verdicts: tuple[Verdict, ...]
    settings: Settings
    needed: pd.DataFrame
    sentences: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def table(self) -> pd.DataFrame:
        """The verdicts as a table: a row for each claim, columns as in `Verdict`."""
        return table_of(self.verdicts)

    @property
    def missing(self) -> dict[str, Missing]:
        """The studies without a result."""
        return {word: r for word, r in self.results.items() if isinstance(r, Missing)}

    def result(self, study: str) -> Result | None:
        """Return the result of a study, None where it is missing."""
        found = self.results.get(study)
        return None if found is None or isinstance(found, Missing) else found

    def verdict(self, key: str) -> Verdict:
        """Return the verdict on a claim.

        Raises
        ------
        SimnormError
            If there is no such claim.
        """
        from simnorm.errors import SimnormError, nearest

        found = {verdict.key: verdict for verdict in self.verdicts}
        if key not in found:
            allowed = f"the claims are {', '.join(found)}"
            raise SimnormError("key", key, allowed, nearest(key, found).strip())
        return found[key]

    def report(self, path: str | Path = REPORT, paper: str | None = None, format: str = "") -> Path:
        """Write the answer as PDF or Markdown, and return its path.

        Parameters
        ----------
        path
            The file; its ending is ``.pdf`` or ``.md``.
        paper
            Of a PDF, ``a4`` or ``letter``; A4 if None.
        format
            ``pdf`` or ``md``, by the ending unless told.

        Raises
        ------
        SimnormError
            If the place cannot be written to, or paper and format do not go with it.
        """
        from simnorm.report import volume  # matplotlib and Typst come with it
        from simnorm.results import check_report_path

        path = Path(path)
        check_report_path(path, format=format)
        path.parent.mkdir(parents=True, exist_ok=True)
        volume.write(self, path, paper=paper, format=format)
        return path

    def __repr__(self) -> str:
        """Return what was asked, and the word for every claim."""
        words = ", ".join(f"{verdict.key}: {verdict.word}" for verdict in self.verdicts)
        asked = self.settings.data or f"{len(self.settings.names)} distributions"
        return f"<simnorm answer for {asked}, batches of {self.settings.batch_size}; {words}>"

    def _repr_html_(self) -> str:
        """Return the verdicts as a table for a notebook."""
        cells = ("claim", "word", "number")
        rows = [[getattr(verdict, name) for name in cells] for verdict in self.verdicts]
        head = "".join(f"<th>{name}</th>" for name in ("claim", "verdict", "number"))
        body = "".join(
            f"<tr>{''.join(f'<td>{html.escape(text)}</td>' for text in row)}</tr>" for row in rows
        )
        said = html.escape(" ".join(self.sentences))
        return f"<p>{said}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
