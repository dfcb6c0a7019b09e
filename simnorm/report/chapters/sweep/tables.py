"""The tables of a sweep's report: answers, questions of the audit, and all numbers at the end."""

from __future__ import annotations

from typing import Any

from simnorm.formatting import NOTHING
from simnorm.report import robust, text
from simnorm.report import tables as values
from simnorm.report.article import RULE, Block, Rich, cell, code, heading, ref, sym, table
from simnorm.report.article import text as paragraph
from simnorm.report.chapters.sweep.doubt import HEAD, LABEL
from simnorm.report.chapters.sweep.run import Run
from simnorm.report.data import FIRST_ROWS

# More distributions than this have their answers at the end, and some of them at a glance.
MOST_ANSWERS = 16


def answers(run: Run) -> dict[str, Any]:
    """Return the table of answers and whether it has needed sizes.

    Nothing without any answer, and for a single cell, which has the first page for itself.
    """
    if len(run.names) == 1 and run.frame["batch_size"].nunique() == 1:
        return {}
    whole = not run.of_data and len(run.names) <= MOST_ANSWERS
    found = _answers(run, every=whole)
    if not (found["rows"] and found["groups"]) or not _any_number(found):
        return {}
    return {"table": _answer_table(run, found, "answers"), "needs": bool(found["needs"])}


def _answers(run: Run, every: bool) -> dict[str, Any]:
    if every:
        return values.answer_table(run.frame, every=True)
    return values.answer_table(run.frame, most=FIRST_ROWS)


def _any_number(found: dict[str, Any]) -> bool:
    return any(part.strip() != NOTHING for row in found["rows"] for part in row)


def _answer_table(run: Run, found: dict[str, Any], label: str) -> Block:
    pairs = len(found["groups"])
    needs = bool(found["needs"])
    groups = [("", 1), *((group["head"], 2) for group in found["groups"])]
    head = [run.thing, *("estimate ± MCSE", "theory") * pairs]
    if needs:
        groups.append(("batch size for", 2))
        head += ["10 %", "5 %"]
    rows = [[name, *row] for name, row in zip(found["names"], found["rows"], strict=True)]
    return table(
        head, rows, _answer_caption(run, found), wide=-1, groups=groups, label=label,
        title=f"Errors at batch size {found['size']} against {run.against}",
    )  # fmt: skip


def _answer_caption(run: Run, found: dict[str, Any]) -> str:
    parts = []
    if found["needs"]:
        parts.append(
            f"The batch sizes are those at which the RMSE of the {found['needs']} has come down "
            f"to 10 % and to 5 %{found['needs_unit']}."
        )
    shown = len(found["names"])
    if shown < found["of"] and run.of_data:
        parts.append(
            f"The {shown} of {found['of']:,} columns with the largest errors, the worst first."
        )
    elif shown < found["of"]:
        parts.append(
            f"{shown} of {found['of']} distributions, the smallest and the largest error among "
            "them; a table at the end has all."
        )
    return " ".join([*parts, *marks(str(found["rows"]))])


def marks(used: str) -> list[str]:
    """Return what the signs mean that some text uses."""
    meanings = {
        "≈": "≈: theory that is asymptotic only, or a batch size interpolated and rounded up.",
        values.UNRELIABLE: f"{values.UNRELIABLE}: no error bar, or none to trust.",
        values.AMBER: f"{values.AMBER}: amber, near the limit.",
        values.FAILED: f"{values.FAILED}: some replications failed, the number is of the others.",
        NOTHING: f"{NOTHING}: undefined, or no theory.",
    }
    return [meaning for sign, meaning in meanings.items() if sign in used]


def audit(run: Run) -> list[Block]:
    """Return the questions with the largest |z|, or nothing without any."""
    found = values.audit_table(run.whole)
    rows = [[row[0], [code(row[1])], *row[2:]] for row in found]
    if not rows:
        return []
    head: list[Rich] = [
        run.thing, "estimator", [sym("n")], "measure", "estimate ± MCSE", "exact", [sym("z")],
    ]  # fmt: skip
    return [
        table(head, rows, "In the unit of the data.", "llrlrrr", gutter=5.0,
              title="The questions with the largest |z|", label="questions")
    ]  # fmt: skip


def section(run: Run) -> list[Block]:
    """Return the long tables."""
    blocks = [heading("Tables", "tables")]
    if not run.of_data and len(run.names) > MOST_ANSWERS:
        blocks.append(_answer_table(run, _answers(run, every=True), "all-answers"))
    found = values.performance_table(run.frame)
    return [*blocks, *_about(run, found), *(_performance(run, law) for law in found)]


def _about(run: Run, found: list[dict[str, Any]]) -> list[Block]:
    """Return what the tables have in common."""
    sizes = sorted({int(n) for n in run.frame["batch_size"]})
    printed = values.printed_sizes(run.frame)
    some = f"Printed are the batch sizes {text.sizes_text(printed)}. " if printed < sizes else ""
    left = len(run.names) - len(found)
    if left:
        which = (
            f"the {len(found)} {run.things} with the largest errors, of {len(run.names):,}"
            if run.of_data
            else f"{len(found)} of {len(run.names):,} distributions, the smallest and the largest "
            "errors among them"
        )
        some += f"Printed are {which}. "
    used = str(found)
    doubtful: list[Any] = (
        ["See ", ref(LABEL), ". "] if values.UNRELIABLE in used and _has_doubt(run) else []
    )
    words = [
        f"Against {run.against}. Bias and RMSE in per cent, variance as a share (all relative, as "
        "defined above) unless a block says otherwise. ", " ".join(marks(used)), " ",
        *doubtful, some, f"All rows{'' if run.of_data else ', also against the population,'} are "
        "in the attached file ", code("results.csv"), ".",
    ]  # fmt: skip
    return [paragraph(words)]


def _has_doubt(run: Run) -> bool:
    return bool(HEAD and (robust.section(run.frame) or robust.amber(run.frame)))


def _performance(run: Run, law: dict[str, Any]) -> Block:
    """Return the numbers of one distribution or column, a group of rows per estimator."""
    rows: list[Any] = []
    for block in law["estimators"]:
        count = max(1, len(block["rows"]))
        first = cell([code(block["word"])], rows=count, below=block["unit"])
        rows.append(RULE)
        if block["undefined"]:
            rows.append([first, cell(block["undefined"], columns=7)])
        else:
            rows += [[first, *block["rows"][0]], *block["rows"][1:]]
    pair = ["estimate ± MCSE", "theory"]
    count, printed = run.frame["batch_size"].nunique(), len(values.printed_sizes(run.frame))
    left: Rich = ""
    if printed < count:
        left = [f"{printed} of {count} batch sizes; ", code("results.csv"), " has all."]
    return table(
        ["estimator", [sym("n")], *pair * 3],
        rows[1:],
        left,
        wide=-1,
        groups=[("", 2), ("bias, %", 2), ("variance", 2), ("RMSE, %", 2)],
        title=f"{law['name']}: bias, variance and RMSE against {run.against}",
        tight=True,
    )
