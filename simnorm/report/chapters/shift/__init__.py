"""The report of the study `shift`: whether batch normalization reduces covariate shift."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simnorm.report import text
from simnorm.report.article import (
    Article,
    Block,
    bullets,
    chapter,
    figure,
    finding,
    heading,
    table,
)
from simnorm.report.article import text as paragraph
from simnorm.report.chapters.shift import about, findings, first, tables
from simnorm.report.chapters.shift.facts import Facts, facts_of, others_of

if TYPE_CHECKING:
    import pandas as pd

    from simnorm.report import Reportable


def article(
    frame: pd.DataFrame,
    curves: pd.DataFrame,
    columns: pd.DataFrame,  # noqa: ARG001  # trials have no columns
    result: Reportable,  # noqa: ARG001  # the tables say it all
) -> Article:
    """Return the report of a run of the study.

    Parameters
    ----------
    frame, curves, columns
        The tables of a run.
    result
        The run.
    """
    facts = facts_of(frame, curves)
    return Article(
        title=first.TITLE,
        head="Internal covariate shift",
        about=facts.run.name,
        subtitle=first.subtitle(facts),
        setting=first.setting(facts),
        answer=first.answer(facts),
        shape=first.rate_sentence(facts, first.main_net(facts)) or first.shape(facts),
        tiles=first.tiles(facts),
        tiles_note=first.tiles_note(facts),
        first=[lead_figure(facts)],
        trust=findings.trust(facts),
        chapters=[
            chapter("Aims", about.aims()),
            chapter("Data and nets", about.data(facts)),
            chapter("Estimands", about.estimands(facts)),
            chapter("Methods", about.methods(facts)),
            chapter("Performance", [*performance(facts), *_elsewhere(facts, frame, curves)]),
            chapter("Limits and status", [*limits(facts), *statuses(frame)]),
        ],
    )  # fmt: skip


def lead_figure(facts: Facts) -> Block:
    """Return the figure of page one: ratios, or levels where there is nothing to compare."""
    if facts.has_pair:
        return ratios_figure(facts)
    return levels_figure(facts)


def ratios_figure(facts: Facts) -> Block:
    """Return the figure of ratios."""
    return figure("ratios", findings.ratios_caption(facts), "A row per measure, a panel per net.")


def levels_figure(facts: Facts) -> Block:
    """Return the figure of levels."""
    return figure("shift", findings.levels_caption(facts), "A row per measure, a panel per net.")


def performance(facts: Facts) -> list[Block]:
    """Return the findings with their figures and tables."""
    found = _said(findings.ratios_finding(facts)) + _plain(findings.undecided_finding(facts))
    found += _plain(by_rate(facts)) + _with(tables.rate_table(facts))
    found += _plain(findings.construction_sentence(facts)) + _with(tables.pair_table(facts))
    found = [heading("One beside the other"), *found] if found else []
    found.append(heading("How much, beside what sampling would show"))
    found += _said(findings.levels_finding(facts)) + _plain(findings.FLOORS)
    # Tables first: a figure that fits on no rest of a page leaves it empty.
    found += _with(tables.level_table(facts))
    if facts.has_pair:
        found.append(levels_figure(facts))
    found += _plain(findings.zero_sentence(facts))
    found.append(heading("On the way"))
    found += _plain(findings.way_finding(facts))
    found.append(figure("shift_by_step", findings.WAY, "Log y, a row per measure."))
    found.append(heading("Whether they train as well"))
    found += _said(first.shape(facts)) + _plain(findings.noise_finding(facts))
    found += _plain(findings.training_finding(facts)) + _with(tables.outcome_table(facts))
    found.append(figure("training", findings.training_caption(facts), "Loss by step, log y."))
    return found


def by_rate(facts: Facts) -> str:
    """Return what happens at which rate, net by net."""
    return " ".join(first.rate_sentence(facts, net) for net in facts.run.nets).strip()


def _elsewhere(facts: Facts, frame: pd.DataFrame, curves: pd.DataFrame) -> list[Block]:
    """Return what other data sets and batch sizes of the run say."""
    block = tables.others_table(facts, others_of(frame, curves))
    return [heading("Other data and batch sizes"), block] if block else []


def limits(facts: Facts) -> list[Block]:
    """Return what the run does not show."""
    return [bullets(findings.limits(facts))]


def statuses(frame: pd.DataFrame) -> list[Block]:
    """Return how many rows are not simply ok, and why."""
    found = [paragraph(text.status_sentence(frame))]
    bad = frame[frame["status"] != "ok"]
    rows: dict[tuple[str, str], list[str]] = {}
    parts = (bad[word].astype(str) for word in ("status", "reason", "estimator"))
    for status, reason, quantity in zip(*parts, strict=True):
        rows.setdefault((status, reason), []).append(quantity.replace("_", " "))
    if rows:
        found.append(
            table(
                ["status", "quantity", "rows", "reason"],
                [[status, _some(list(dict.fromkeys(names))), f"{len(names):,}", reason]
                 for (status, reason), names in rows.items()],
                "Rows that are not simply ok, and why.", "llrl", wide=3,
            )
        )  # fmt: skip
    return found


def _some(names: list[str]) -> str:
    return text.listed(names) if len(names) < 3 else f"{len(names)} quantities"


def _said(words: str) -> list[Block]:
    return [finding(words)] if words else []


def _plain(words: str) -> list[Block]:
    return [paragraph(words)] if words else []


def _with(block: Block | None) -> list[Block]:
    return [block] if block else []
