"""Points: hollow ones as large as filled ones, dots on axes on which agreement looks like one."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_tables import cell, curves_of, frame_of

from simnorm import figures
from simnorm.figures.audit import _row_label
from simnorm.figures.cells import RIM, hollow_size
from simnorm.figures.dots import NO_TICK
from simnorm.figures.fitting import cut, fit_titles, text_width
from simnorm.figures.marks import marks_of


def drawn(kind, frame):
    return figures.figure(kind, frame, curves_of(frame))


def texts_of(figure):
    from matplotlib.text import Text

    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def test_a_hollow_point_looks_as_large_as_a_filled_one():
    """Colour reaches as far: size less the white edge, and size with the coloured rim."""
    for mark in marks_of(["normal", "t(df=3)", "cauchy"]).values():
        mark = mark.of("std(ddof=0)")
        assert hollow_size(mark) + RIM == pytest.approx(mark.size - mark.edge)


def single(values):
    """Return rows of the sd at one batch size: by law estimate, half an interval and theory."""
    rows = frame_of([line for name in values for line in cell(name, "std(ddof=0)", 16, 0.5)])
    relative = rows["measure"] == "relative_rmse"
    for name, (value, half, theory) in values.items():
        mine = relative & (rows["distribution"] == name)
        held = {"estimate": value, "mcse": half / 2, "ci_low": value - half,
                "ci_high": value + half, "theory": theory}  # fmt: skip
        for column, number in held.items():
            rows.loc[mine, column] = number
        rows.loc[mine, "theory_kind"] = "" if np.isnan(theory) else "exact"
    return rows


def axis_of(frame):
    (ax,) = [ax for ax in drawn("rmse", frame).axes if ax.has_data()]
    return ax.get_xlim()


def test_a_good_agreement_looks_good():
    """25.04 +- 0.05 beside 25.00 %: the axis spans 4 intervals or 2 % of the value to each side."""
    low, high = axis_of(single({"normal": (0.2504, 0.0005, 0.2500)}))
    middle = 0.5 * (24.99 + 25.09)
    assert high - low == pytest.approx(2 * max(0.02 * middle, 4 * 0.1))
    # An interval of a fifth of the value takes the axis that it needs, not eight times that.
    low, high = axis_of(single({"normal": (0.25, 0.025, 0.25)}))
    assert high - low == pytest.approx(1.24 * 5.0)


def test_laws_far_apart_have_the_axis_that_they_need():
    """10 and 30 %: the axis ends an eighth of their distance beyond them, as ever."""
    frame = single({"normal": (0.1, 0.0005, 0.1), "uniform": (0.3, 0.0005, 0.3)})
    low, high = axis_of(frame)
    assert (low, high) == pytest.approx((9.95 - 0.12 * 20.1, 30.05 + 0.12 * 20.1))


def test_rows_without_theory_are_told_of():
    """Where some rows have a stroke and others none, the small print says why; else nothing."""
    known, unknown = (0.1, 0.01, 0.1), (0.3, 0.01, np.nan)
    for values, told in (((known, known), 0), ((known, unknown), 1), ((unknown, unknown), 0)):
        frame = single(dict(zip(("normal", "uniform"), values, strict=True)))
        frame = frame[frame["measure"] == "relative_rmse"]
        notes = " ".join(texts_of(drawn("rmse", pd_both(frame))))
        assert notes.count(NO_TICK) == told


def pd_both(frame):
    """Return the rows with the absolute measure beside, which a table always has."""
    import pandas as pd

    return pd.concat([frame, frame.assign(measure="rmse")], ignore_index=True)


def test_the_mean_is_told_to_have_no_panel():
    """Its bias is 0 in theory; of a run on the mean alone there is its panel."""
    lines = [line for n in (4, 8) for line in cell("normal", "mean", n, 0.5)]
    more = [line for n in (4, 8) for line in cell("normal", "std(ddof=0)", n, 0.5)]
    frame = frame_of(lines + more)
    frame.loc[frame["measure"] == "bias", ["theory", "theory_kind"]] = [0.0, "exact"]
    said = "The mean has no panel: it is unbiased."
    assert said in " ".join(texts_of(drawn("bias", frame)))
    alone = frame[frame["estimator"] == "mean"]
    assert said not in " ".join(texts_of(drawn("bias", alone)))
    biased = frame.assign(theory=0.5, theory_kind="exact")
    assert said not in " ".join(texts_of(drawn("bias", biased)))
    assert "results.csv has its bias" in " ".join(texts_of(drawn("bias", biased)))


def test_titles_beside_each_other_have_one_size_and_whole_words():
    """All in one size, parted at joints only; without a joint that helps, cut."""
    from matplotlib.figure import Figure

    axes = list(Figure().subplots(1, 3))
    names = ["ash", "alcalinity_of_ash_in_the_wine", "x" * 40]
    fit_titles(axes, names, 1.1)
    titles = [ax.get_title(loc="left") or ax.get_title() for ax in axes]
    assert titles[0] == "ash"
    assert titles[1].replace("\n", "") == names[1]
    assert titles[1].split("\n")[0].endswith("_")
    assert titles[2].endswith("…")
    assert len({ax.title.get_fontsize() for ax in axes}) == 1
    fit_titles(axes[:2], names[:1] * 2, 1.1)
    assert axes[0].title.get_fontsize() == 8.5


def test_bold_texts_are_cut_by_their_own_width():
    """Bold is wider: a text cut for bold type is no longer than one cut for plain type."""
    text = "m" * 50
    bold = cut(text, 1.0, 8.0, "bold")
    assert text_width(bold, 8.0, "bold") <= 1.0 < text_width(bold[:-1] + "mm", 8.0, "bold")
    assert len(bold) < len(cut(text, 1.0, 8.0))


def test_a_row_of_the_audit_keeps_its_scheme():
    """Of a long name the column is cut, not the scheme that tells two rows apart."""
    names = [f"od280/od315_of_diluted_wines, {word}" for word in ("shuffle", "replacement")]
    labels = [_row_label(mark) for mark in marks_of([*names, "ash", "x" * 60]).values()]
    assert labels[:2] == ["od280/od315_of_dilut…, shuffle", "od280/od315_of_d…, replacement"]
    assert labels[2] == "ash"
    assert labels[3] == "x" * 29 + "…"
