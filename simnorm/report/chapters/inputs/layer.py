"""What a layer's own numbers do: epsilon, gamma and beta."""

from __future__ import annotations

import math

from simnorm.figures.inputs.epsilon import remaining, scales
from simnorm.figures.inputs.rows import BEST_GAMMA, LEVEL, Setting, curves_of, off_text
from simnorm.formatting import NOTHING as DASH
from simnorm.formatting import significant
from simnorm.report.article import Block, figure, finding, formula, heading, table, text
from simnorm.report.chapters.inputs.about import About, range_words, whose_epsilon
from simnorm.report.chapters.inputs.first import error_text, marks_note
from simnorm.report.data import number_text
from simnorm.report.tables import aligned
from simnorm.report.text import listed

MOST_ROWS = 10
LEAST_CHANGE = 0.01


def epsilon(about: About) -> list[Block]:
    """Return the section on epsilon and the unit of the data."""
    if len(about.by_epsilon) < 2 or not about.losers or about.run.size < 2:
        return []
    blocks = [
        heading("ε and the unit of the data"),
        finding(epsilon_finding(about)),
        text(
            "A layer divides by √(v + ε), with an ε that knows nothing of the unit of the data. "
            "However large the batch, outputs are S/√(S² + ε) times their z-scores, so an error of "
            "1 − S/√(S² + ε) stays. A z-score has no such constant. Where the sampling "
            "error is larger than that, an ε may even help a little: it shrinks outputs."
        ),
    ]
    seen = visible(about)
    if seen or scales(about.run, about.curves):
        blocks.append(
            figure(
                "epsilon",
                "RMSE of a batch-normalized value by ε, and what of it stays however large the "
                "batch.",
                "Points and curves.",
            )
        )
    made = epsilon_table(about) if seen or not about.of_data else None
    return [*blocks, made] if made else blocks


def visible(about: About) -> bool:
    """Return whether an epsilon changes an error by more than a figure or two digits hide."""
    first, last = min(about.by_epsilon), max(about.by_epsilon)
    before, after = about.by_epsilon[first], about.by_epsilon[last]
    return any(abs(after[name] - before[name]) >= LEAST_CHANGE for name in about.losers)


def epsilon_finding(about: About) -> str:
    """Return which names the largest epsilon harms, with their scale."""
    last = max(about.by_epsilon)
    harmed = about.harmed()
    lead = f"{last.words()}{whose_epsilon(last.epsilon)}"
    if not harmed:
        worst = about.losers[0]
        first = min(about.by_epsilon)
        before, after = about.by_epsilon[first][worst], about.by_epsilon[last][worst]
        if off_text(before) == off_text(after):
            return f"{lead}, changes no error here by more than rounding hides."
        verb = "adds most to" if after > before else "takes least from"
        return (
            f"{lead}, does little here: it {verb} {worst}, from {off_text(before)} to "
            f"{off_text(after)} standard deviations."
        )
    words = []
    for name in harmed[:6]:
        sd = about.shape(name).sd
        scale = f" (sd {significant(sd, 2)})" if math.isfinite(sd) else ""
        words.append(f"{name}{scale}")
    more = len(harmed) - len(words)
    names = listed(words) if not more else ", ".join(words) + f" and {more:,} more"
    return f"{lead}, adds {LEVEL:g} standard deviations or more to the error of {names}."


def epsilon_table(about: About) -> Block | None:
    """Return the error by epsilon of the names that it harms most."""
    names = about.losers[:MOST_ROWS]
    n = about.run.size
    last = max(about.by_epsilon)
    columns = [names]
    heads = [about.run.thing]
    sds = [about.shape(name).sd for name in names]
    known = any(math.isfinite(sd) for sd in sds)
    if known:
        columns.append(aligned([number_text(sd) for sd in sds]))
        heads.append("sd")
    for setting in about.run.epsilons:
        cells = [about.error(name, n, setting) for name in names]
        columns.append(aligned([error_text(cell) for cell in cells]))
        heads.append(Setting(setting.epsilon).words())
    if known:
        stays = [
            significant(remaining(sd, last.epsilon), 2) if math.isfinite(sd) else DASH for sd in sds
        ]
        columns.append(aligned(stays))
        heads.append(f"stays, {Setting(last.epsilon).words()}")
    rows = [list(row) for row in zip(*columns, strict=True)]
    every = len(about.losers)
    which = f" The {len(names)} of {every:,} that lose most." if len(names) < every else ""
    stay = "; stays: the error that no batch size takes away, exact" if known else ""
    return table(
        heads, rows,
        f"RMSE in standard deviations at batch size {n:,} by ε{stay}.{which}{marks_note(rows)}",
        gutter=4.0,
    )  # fmt: skip


def gamma(about: About) -> list[Block]:
    """Return the section on gamma and beta."""
    if not about.errors or not any(n > 1 for n in about.run.sizes):
        return []
    blocks = [
        heading("γ and β"),
        text(
            "A layer with scale and offset multiplies outputs by γ and adds β. These stretch and "
            "shift all outputs alike: mean β, standard deviation γ. They cannot change skewness or "
            "kurtosis, and so cannot skew the data. Against the z-score"
        ),
        formula("affine"),
    ]
    found = gamma_finding(about)
    blocks += [finding(found)] if found else []
    if not curves_of(about.run, about.curves, "gamma").empty:
        blocks.append(gamma_figure())
    made = settings_table(about)
    return [*blocks, made] if made else blocks


def gamma_figure() -> Block:
    """Return the figure of the error by gamma."""
    return figure(
        "gamma",
        "RMSE by γ, with β = 0: it is smallest at the γ with a star, which is nearer to 1 the "
        "larger the batch.",
        "Curves of the error against gamma, a line for every batch size.",
    )


def gamma_finding(about: About) -> str:
    """Return the best gamma at two batch sizes."""
    run = about.run
    rows = run.of(BEST_GAMMA)
    parts, every = [], []
    smallest = min((n for n in run.sizes if n > 1), default=0)
    for n in dict.fromkeys([smallest, run.size]):
        values = run.values(rows, n)
        if values and n > 1:
            parts.append(f"{range_words(values)} at batch size {n:,}")
            every += list(values.values())
    if not parts:
        return ""
    found = f"The γ with the smallest error is {' and '.join(parts)}"
    if max(every) <= 1.0:
        return f"{found}: it shrinks outputs by what is noise in them."
    return (
        f"{found}: below 1 it shrinks outputs by what is noise, above 1 it makes up for "
        "batches of equal values, which come out as 0."
    )


def settings_table(about: About) -> Block | None:
    """Return the error of every setting with a gamma or beta of its own, or nothing."""
    run = about.run
    settings = [s for s in sorted(run.settings) if s.is_affine]
    names = run.shown_names(3)
    if not settings or not names:
        return None
    shown = [run.setting, *(s for s in settings if s != run.setting)][:MOST_ROWS]
    columns = [[s.words() for s in shown]]
    for name in names:
        cells = [about.error(name, run.size, s) for s in shown]
        columns.append(aligned([error_text(cell) for cell in cells]))
    rows = [list(row) for row in zip(*columns, strict=True)]
    return table(
        ["layer", *names], rows,
        f"RMSE in standard deviations at batch size {run.size:,} with γ and β.{marks_note(rows)}",
    )  # fmt: skip
