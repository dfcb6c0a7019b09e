"""The appendix: what words and margins mean, the designs, and where the numbers come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simnorm.answering import margins
from simnorm.answering.verdicts import NOT_MEASURED, WORDS
from simnorm.report.article import Block, chapter, code, listing, small, table
from simnorm.report.article import text as paragraph
from simnorm.report.content import attached_note
from simnorm.report.origin import PROVENANCE_ORDER, design_text, provenance_rows
from simnorm.report.volume.verdicts import plate
from simnorm.stopped import stopping_rule

if TYPE_CHECKING:
    from simnorm.answering import Answer
    from simnorm.report import Reportable

# What all studies of an answer have in common, of the provenance, is told once.
SHARED = ("simnorm", "python", "numpy", "scipy", "pandas", "numba", "scikit-learn", "torch",
          "platform", "cpu")  # fmt: skip
RUN_OF = ("seed", "stopping", "seconds", "workers", "finished")


def appendix(answer: Answer, results: Mapping[str, Reportable]) -> list[dict[str, Any]]:
    """Return the chapters of the appendix.

    Parameters
    ----------
    answer
        The answer.
    results
        The studies that have a result, by their words.
    """
    parts = [chapter("Words and margins", _words(answer)), chapter("Not measured", _gaps(answer))]
    made = [part for part in parts if part["blocks"]]
    if results:
        made.append(chapter("Provenance", _provenance(answer, results)))
        made.append(chapter("Designs", _designs(results)))
    return made


def _words(answer: Answer) -> list[Block]:
    used = {verdict.word for verdict in answer.verdicts}
    rows: list[Any] = [[plate(word), meaning] for word, meaning in WORDS.items() if word in used]
    named = "; ".join(v.margin for v in answer.verdicts if v.margin)
    held = list(dict.fromkeys(part for part in named.split("; ") if part))
    return [
        table(["verdict", "meaning"], rows, "What a verdict means.", "ll", wide=1),
        paragraph(
            "Margins say how small is too small to matter. They are part of the program, not of a "
            "run: the same whatever the data and the numbers."
        ),
        {"kind": "list", "items": [_margin(words) for words in held or margins.TOLD.values()]},
        paragraph(margins.FAMILIES, "Two kinds of intervals."),
    ]


def _margin(words: str) -> str:
    return words[:1].upper() + words[1:]


def _gaps(answer: Answer) -> list[Block]:
    """Return what was not measured, and what a reader should not conclude."""
    lines = [
        f"{study}: {missing.reason} {missing.what_to_do}".strip()
        for study, missing in answer.missing.items()
    ]
    missing = answer.missing
    lines += [
        f"“{v.claim}” {v.why or v.detail}".strip()
        for v in answer.verdicts
        if v.word == NOT_MEASURED and v.chapter not in missing
    ]
    lines += [
        "Other networks, data sets and optimizers than those in the designs below: accuracies, "
        "shifts and times are those of small models on small data.",
        "Times on other machines, and on graphics cards.",
    ]
    if answer.settings.data:
        lines.append(
            "How another file from the same source would differ: error bars are given this file."
        )
    return [{"kind": "list", "items": lines}]


def _provenance(answer: Answer, results: Mapping[str, Reportable]) -> list[Block]:
    """Return what all runs share, and a row for each."""
    told = {
        study: dict(provenance_rows(r.provenance, r.frame, stopping_rule(r.design)))
        for study, r in results.items()
    }
    words = [word for word in RUN_OF if any(found.get(word) for found in told.values())]
    rows = [
        [study, *(_short(word, found.get(word, "")) for word in words)]
        for study, found in told.items()
    ]
    blocks: list[Block] = [table(["study", *words], rows, "The runs behind this report.")]
    shared = _shared(answer, results)
    if shared:
        blocks.append(table(["item", "value"], shared, "What they have in common.", "ll", wide=1))
    notes = {attached_note(result.frame) for result in results.values()} - {""}
    said: list[Any] = [
        "The same seed, design and versions give the same numbers, whatever the number of workers; "
        "timings alone differ. Every run is attached as ", code("STUDY-results.csv"), " and ",
        code("STUDY-design.toml"), ", from which ", code("simnorm run"), " computes it again; ",
        code("verdicts.csv"), " has the verdicts.", *(f" {note}" for note in sorted(notes)),
    ]  # fmt: skip
    return [*blocks, paragraph(said)]


def _short(word: str, value: str) -> str:
    """Return a value for a narrow column: whole seconds, a time without its fraction."""
    if word == "seconds" and value:
        return f"{float(value.replace(',', '')):,.0f}"
    return value.replace("T", " ")[:16] if word == "finished" else value


def _shared(answer: Answer, results: Mapping[str, Reportable]) -> list[list[str]]:
    """Return versions and machine, of any run that has them; those of the answer first."""
    merged: dict[str, Any] = {}
    for result in results.values():
        merged |= {key: value for key, value in result.provenance.items() if key in SHARED}
    merged |= {key: answer.provenance[key] for key in answer.provenance if key in SHARED}
    command = answer.provenance.get("command", "")
    order = [key for key in (*PROVENANCE_ORDER, *SHARED) if key in merged]
    rows = [[key, str(merged[key])] for key in dict.fromkeys(order)]
    return [["command", str(command)], *rows] if command else rows


def _designs(results: Mapping[str, Reportable]) -> list[Block]:
    """Return the design of every run, under the name of the file that is attached."""
    blocks = []
    for study, result in results.items():
        lines = design_text(result.design.to_toml()).split("\n")
        # The first line says what a design is.
        lines = lines[1:] if lines[0].startswith("#") else lines
        blocks.append(listing("\n".join([f"# {study}-design.toml", *lines]), "toml"))
    return [small("What was run, as simnorm run reads it."), *blocks]
