"""The first page: the question, the answer for these data, and three numbers."""

from __future__ import annotations

import math

import numpy as np

from simnorm.figures.inputs.epsilon import remaining
from simnorm.figures.inputs.rows import LEVEL, off_text
from simnorm.figures.tables import floats, short
from simnorm.formatting import fixed, plural, significant
from simnorm.report.article import Block, figure, table
from simnorm.report.chapters.inputs.about import (
    About,
    ends,
    middle,
    range_words,
    whose_epsilon,
)
from simnorm.report.data import cut_in_words, file_name
from simnorm.report.facts import Quantity, rounded_up, slope
from simnorm.report.tables import (
    ASYMPTOTIC,
    UNRELIABLE,
    aligned,
    estimate_text,
    estimate_words,
    marked,
    theory_text,
)
from simnorm.report.tables import MARKS as MARK_OF
from simnorm.report.text import listed
from simnorm.sampling import IID, REPLACEMENT, SEQUENTIAL
from simnorm.stopped import replications_range, replications_words

TITLE = "Is batch normalization as good as a z-score?"
FIRST_ROWS = 6
TIMES = 4.0
# The height of the picture in inches.
PICTURE = 3.9
LONGEST_HEAD = 56
# Errors are given to the fourth decimal at most.
SMALLEST_MCSE = 5e-5
MARKS = {
    UNRELIABLE: f"{UNRELIABLE}: no valid error bar",
    ASYMPTOTIC.strip(): f"{ASYMPTOTIC.strip()}: theory for large batches, not exact",
}


def subtitle(about: About) -> str:
    """Return one line on what was run."""
    names = about.run.names
    if about.of_data:
        whose = plural(len(names), "column") if len(names) != 1 else f"column {names[0]}"
        whose += f" of {file_name(about.path)}"
    else:
        whose = listed(names) if len(names) <= 5 else plural(len(names), "distribution")
    drawn = ""
    if not _is_fixed(about):
        drawn = f", {replications_words(about.run.rows)}"
    size = f"N = {about.full_size:,} {about.rows}s"
    return f"Batch-normalized values against z-scores, for {whose}; {size}{drawn}"


def _is_fixed(about: About) -> bool:
    rows = about.run.rows
    return bool(len(rows)) and set(rows["sampling"]) == {SEQUENTIAL}


def setting(about: About) -> str:
    """Return what was compared with what, for the first paragraph."""
    lead = (
        "A batch normalization layer at the input standardizes every value by the mean and the "
        "standard deviation of its batch; a StandardScaler does so once, by those of the whole "
        "training set. "
    )
    rows = about.run.rows
    if about.of_data:
        return (
            f"{lead}{cut_in_words(rows, about.path)}, standardized every value of every column "
            "both ways, and compared."
        )
    scheme = str(rows["sampling"].iloc[0]) if len(rows) else ""
    each = "every distribution" if len(about.run.names) > 1 else "the distribution"
    sets = f"{replications_range(rows)} full sets of {about.full_size:,} observations from {each}"
    if scheme == IID:
        return (
            f"{lead}This run drew {sets}, cut them into batches, and compared every value "
            "normalized by its batch with its z-score by the population."
        )
    how = "drew batches from each with replacement" if scheme == REPLACEMENT else (
        "cut each into batches"
    )  # fmt: skip
    against = "full set" if about.run.reference == "full_set" else "population"
    return (
        f"{lead}This run drew {sets}, {how}, and standardized every value by its "
        f"batch and by the {against}."
    )


def answer(about: About) -> str:
    """Return the answer in plain words: how far off, and from which batch size on it is near."""
    values, n = about.errors, about.run.size
    if not values:
        return no_answer(about)
    if n <= 1:
        return (
            "No: in a batch of one every value comes out as β, whatever it was, so nothing is left "
            f"of it. The error is {range_words(values)} standard deviations."
        )
    low, high = ends(values)
    verdict = "No, not at" if values[low] > LEVEL else "Nearly, at"
    if values[low] <= LEVEL < values[high]:
        verdict = f"That depends on the {about.run.thing}. At"
    colon = "," if verdict.endswith("At") else ":"
    doubtful = doubtful_names(about)
    which = f" ({high})" if doubtful and low == high else ""
    found = (
        f"{verdict} batch size {n:,}{colon} a batch-normalized value{about.whose} is off by "
        f"{range_words(values)}{which} standard deviations, in root mean square."
    )
    if doubtful:
        verb = "has" if len(doubtful) == 1 else "have"
        count = len(doubtful) + len(values)
        found += (
            f" {len(doubtful):,} of {count:,} {about.run.thing}s {verb} no valid error bar there."
        )
    return f"{found} {enough_sentence(about)}".strip()


def doubtful_names(about: About) -> list[str]:
    """Return the names whose error at the batch size spoken of is not to be trusted."""
    rows = about.run.shown_errors
    rows = rows[(rows["batch_size"] == about.run.size) & np.isfinite(floats(rows, "estimate"))]
    return [str(name) for name in rows["name"] if str(name) not in about.errors]


def no_answer(about: About) -> str:
    """Return why there is no error to lead with."""
    rows = about.run.shown_errors
    doubtful = rows[rows["status"] == "unreliable"]
    if len(doubtful):
        lead, rows = "This run has no error that can be trusted.", doubtful
    else:
        lead = "This run cannot say: no value has an error."
    reasons = [str(word) for word in rows["reason"].drop_duplicates() if str(word or "")]
    return f"{lead} The reason: {reasons[0]}." if len(reasons) == 1 else lead


def enough_sentence(about: About) -> str:
    """Return which batch size brings the error down to 0.1 standard deviations, or nothing."""
    found = about.sure_needed
    if not found:
        return ""
    reached = {name: float(one.size) for name, one in found.items() if one.how != "beyond"}
    most = max(one.size for one in found.values() if one.how == "beyond") if (
        len(reached) < len(found)
    ) else 0  # fmt: skip
    goal = f"{LEVEL:g}"
    if not reached:
        what = "any of them" if len(found) > 1 else "it"
        return f"Even batches of {most:,}, the largest tried, do not bring {what} down to {goal}."
    of_batch = f"{about.rows}s a batch"
    if len(reached) < len(found):
        count = len(found) - len(reached)
        every = f"{count:,} of {len(found):,} {about.run.thing}s"
        return (
            f"For {every} even batches of {most:,} {about.rows}s are not enough for {goal}; half "
            f"of the others need about {_about(middle(reached))} or fewer."
        )
    low, high = ends(reached)
    if len(reached) == 1 or reached[low] == reached[high]:
        return f"About {reached[high]:,.0f} {of_batch} are needed for {goal}."
    sure = " with valid error bars" if len(found) < len(about.errors) else ""
    if len(reached) <= 6 and not about.of_data:
        return (
            f"About {reached[low]:,.0f} ({low}) to {reached[high]:,.0f} ({high}) {of_batch} are "
            f"needed for {goal}."
        )
    return (
        f"About {reached[high]:,.0f} {of_batch} are needed for {goal} in all "
        f"{len(reached):,} {about.run.thing}s{sure}, {_about(middle(reached))} in half of them."
    )


def _about(size: float) -> str:
    return f"{rounded_up(size):,}"


def scale_matters(about: About) -> str:
    """Return what epsilon does to these data, or nothing."""
    harmed = about.harmed()
    if not harmed:
        return ""
    last = max(about.by_epsilon)
    worst = harmed[0]
    sd = about.shape(worst).sd
    value = off_text(about.by_epsilon[last][worst])
    lead = f"The unit matters too: with {last.words()}{whose_epsilon(last.epsilon)},"
    known = math.isfinite(sd)
    if len(about.losers) == 1:
        scale = f", as its standard deviation is {significant(sd, 2)}" if known else ""
        return f"{lead} it is off by {value} in all{scale}."
    scale = f", whose standard deviation is {significant(sd, 2)}," if known else ""
    verb = "is" if len(harmed) == 1 else "are"
    return (
        f"{lead} {len(harmed):,} of {len(about.losers):,} {about.run.thing}s {verb} off by "
        f"{LEVEL:g} or more beyond that; {worst}{scale} is off by {value} in all."
    )


def tiles(about: About) -> list[dict[str, str]]:
    """Return up to three numbers that matter."""
    values, n = about.errors, about.run.size
    if not values:
        return []
    _, worst = ends(values)
    several = len(values) > 1
    where = f", worst {about.run.thing}" if several else ""
    found = [
        {
            "number": f"{off_text(values[worst])} sd",
            "caption": f"RMSE of a normalized value at batch size {n:,}{where}",
            "detail": (f"{worst}: " if several else "") + detail(about.error(worst, n)),
        }
    ]
    return [*found, *_needed_tile(about), *_last_tile(about)][:3]


def detail(value: Quantity) -> str:
    """Return an estimate with its standard error, and theory beside it."""
    return "exact" if value.status == "exact" else estimate_words(value)


def _needed_tile(about: About) -> list[dict[str, str]]:
    found = about.sure_needed
    if not found or about.run.size < 2:
        return []
    reached = {name: float(one.size) for name, one in found.items() if one.how != "beyond"}
    every = f", all {len(found):,} {about.run.thing}s" if len(found) > 1 else ""
    if len(found) < len(about.errors):
        every += " with valid error bars"
    if len(reached) < len(found):
        number = f"> {max(one.size for one in found.values()):,}"
        detail_text = (
            f"{len(reached):,} of them reach it" if len(found) > 1 else "the largest tried"
        )
    else:
        _, high = ends(reached)
        number = found[high].text()
        half = f"half of them: ≈ {_about(middle(reached))}"
        detail_text = half if len(found) > 1 else "interpolated"
    caption = f"the batch size for an RMSE of {LEVEL:g}{every}"
    return [{"number": number, "caption": caption, "detail": detail_text}]


def _last_tile(about: About) -> list[dict[str, str]]:
    """Return the harm that epsilon does; where it does none, what becomes of batches of two."""
    harmed = about.harmed()
    if harmed:
        last = max(about.by_epsilon)
        worst = harmed[0]
        sd = about.shape(worst).sd
        stays = ""
        if math.isfinite(sd):
            stays = f"; {significant(remaining(sd, last.epsilon), 2)} stay in any batch"
        count = len(about.losers)
        number = f"{len(harmed):,} of {count:,}" if count > 1 else (
            f"{off_text(about.by_epsilon[last][worst])} sd"
        )  # fmt: skip
        what = f"{about.run.thing}s off by {LEVEL:g} sd more" if count > 1 else "RMSE"
        value = off_text(about.by_epsilon[last][worst])
        return [
            {
                "number": number,
                "caption": f"{what} with {last.words()}{whose_epsilon(last.epsilon)}",
                "detail": f"{worst}: {value} sd{stays}",
            }
        ]
    for n, what in ((2, "all outputs are −1 or 1"), (1, "all outputs are β")):
        values = about.run.values(about.run.shown_errors, n)
        if values and n != about.run.size:
            _, worst = ends(values)
            return [
                {
                    "number": f"{off_text(values[worst])} sd",
                    "caption": f"RMSE at batch size {n}, where {what}",
                    "detail": (f"{worst}: " if len(values) > 1 else "")
                    + detail(about.error(worst, n)),
                }
            ]
    return []


def tiles_note(about: About) -> str:
    """Return what stands behind the numbers."""
    if not about.errors:
        return ""
    note = f"The layer has {about.run.setting.words()} unless told."
    if about.of_data and not _is_fixed(about):
        note += (
            " Error bars (±): how exactly a number was computed given this file, not how another "
            "file would differ."
        )
    return note


def error_caption(about: About) -> str:
    """Return what the figure of errors shows, and how they fall."""
    powers = [
        slope(mine[mine["batch_size"] > 1])
        for name, mine in about.run.shown_errors.groupby("name", sort=False)
        if name in about.errors
    ]
    # A batch four times as large is one that people can think of; a power of n is not.
    factors = [TIMES**-power for power in powers if math.isfinite(power)]
    found = "RMSE of a batch-normalized value against its z-score."
    if not factors:
        return found
    low, high = fixed(min(factors), 1), fixed(max(factors), 1)
    by = low if low == high else f"{low} to {high}"
    return f"{found} Among the larger batches, four times the size divides it by {by}."


def first_table(about: About) -> Block | None:
    """Return the error of the worst columns, or of the distributions, at one batch size."""
    n = about.run.size
    names = _first_names(about)
    if not names:
        return None
    cells = [about.error(name, n) for name in names]
    needed = about.needed
    last = max(about.by_epsilon, default=about.run.setting)
    several = len(about.by_epsilon) > 1
    columns = [
        names,
        aligned([error_text(cell) for cell in cells]),
        aligned([theory_text(cell) for cell in cells]),
        [needed[name].text() if name in needed else "–" for name in names],
    ]
    head = [about.run.thing, f"RMSE at n = {n:,}", "theory", f"batch for {LEVEL:g}"]
    if several:
        with_last = [about.error(name, n, last) for name in names]
        columns.append(aligned([error_text(cell) for cell in with_last]))
        head.append(f"with {last.words()}")
    rows = [list(row) for row in zip(*columns, strict=True)]
    # A batch size that is interpolated has a sign of its own.
    marked = [[*row[:3], *row[4:]] for row in rows]
    every = len(about.run.alive_names())
    which = ""
    if every > len(names):
        which = f" The {len(names)} of {every:,} " + (
            "columns with the largest errors."
            if about.of_data
            else "distributions that stand for all."
        )
    return table(
        head,
        rows,
        f"RMSE in standard deviations at batch size {n:,}, and the batch size from which on it "
        f"stays below {LEVEL:g}.{which}{marks_note(marked)}",
    )


def _first_names(about: About) -> list[str]:
    values = about.run.shown_errors
    n = about.run.size
    here = set(
        values.loc[(values["batch_size"] == n) & np.isfinite(floats(values, "estimate")), "name"]
    )
    return [name for name in about.run.shown_names(FIRST_ROWS) if name in here]


def error_text(value: Quantity) -> str:
    """Return an error with its standard error; of one that is known to the end four decimals."""
    if math.isfinite(value.estimate) and 0.0 < value.mcse < SMALLEST_MCSE:
        return marked(fixed(value.estimate, 4), MARK_OF.get(value.status, ""))
    return estimate_text(value)


def marks_note(rows: list[list[str]]) -> str:
    """Return what the marks in a table mean, of those that it has."""
    cells = "".join(cell for row in rows for cell in row[1:])
    used = [text for mark, text in MARKS.items() if mark in cells]
    return f" {'; '.join(used)}." if used else ""


def first_blocks(about: About) -> list[Block]:
    """Return the figure of the first page."""
    alt = "Curves of the error against batch size on logarithmic axes."
    return [figure("error", error_caption(about), alt, options={"height": PICTURE})]


def whose(about: About) -> str:
    """Return what sets a report apart from others: the file, or the distributions."""
    if about.of_data:
        return short(file_name(about.path))
    names = about.run.names
    words = listed(names)
    return words if len(words) <= LONGEST_HEAD else plural(len(names), "distribution")


def head(about: About) -> str:
    """Return a few words for the running head."""
    return f"Inputs: {short(whose(about), LONGEST_HEAD)}"
