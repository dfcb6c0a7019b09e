"""The section on sampling schemes: what not shuffling costs."""

from __future__ import annotations

from typing import Any

from simnorm.report import schemes
from simnorm.report.article import Block, code, heading, ref, table
from simnorm.report.article import text as paragraph
from simnorm.report.chapters.sweep.run import Run


def section(run: Run) -> list[Block]:
    """Return the section; nothing where the run shuffles alone."""
    found = schemes.chapter(run.whole, run.curves)
    if found is None:
        return []
    words: list[Any] = [
        "The mean of a shuffled batch has an error that is known exactly. What another scheme "
        "costs is told by the shuffled batch that is as good as one of its own, as far as the mean "
        f"goes: so many shuffled {run.rows} the batch is worth.",
    ]  # fmt: skip
    blocks = [heading("Sampling schemes", "schemes")]
    if run.has("sampling"):
        blocks.append(paragraph([*words, " ", ref("sampling"), " shows the schemes side by side."]))
        blocks += run.figures("sampling", "RMSE by sampling scheme", found["finding"], found["alt"])
    else:
        blocks.append(paragraph(words))
    return [*blocks, *(block for part in found["parts"] for block in _part(run, part))]


def _part(run: Run, part: dict[str, Any]) -> list[Block]:
    """Return what there is to say of one scheme."""
    words = f"{part['about']} {part['finding']} {part['meaning']}"
    blocks = [paragraph(words, f"{part['head']}.")]
    shown = part["table"]
    count = len(shown["rows"])
    if not count:
        return blocks
    few = (
        f"the {count} of {part['of']} {run.things} whose means are farthest off"
        if count < part["of"]
        else ""
    )
    caption = [
        f"{few[:1].upper()}{few[1:]}. " if few else "",
        f"Worth: the number of shuffled {run.rows} with the same error of the mean. "
        if shown["worth"]
        else "",
        "Correlation: intraclass, how alike rows are that stand together. "
        if shown["correlated"]
        else "",
        "The attached ", code("results.csv"), " has all batch sizes.",
    ]  # fmt: skip
    title = f"{part['head']}, batches of {part['size']}"
    return [*blocks, table(shown["heads"], shown["rows"], caption, gutter=9.0, title=title)]
