"""Figure, report and summary of the study overhead: what they say is in the table."""

from __future__ import annotations

import math
import re

import matplotlib as mpl
import matplotlib.backends.backend_agg
import numpy as np
import pandas as pd
import pytest
from tiny_overhead import COLUMNS, RATIOS, OverheadRun, overhead_frame, ratio
from tiny_tables import CURVE_COLUMNS, NAN

from simnorm import figures
from simnorm.answering import margins
from simnorm.cli.overhead_summary import print_overhead
from simnorm.errors import SimnormError
from simnorm.figures.overhead import ratio as ratio_figure
from simnorm.figures.overhead.looks import LOOKS
from simnorm.figures.overhead.shown import MARGIN, Value, run_of
from simnorm.figures.tables import featuring
from simnorm.report.article import article_of
from simnorm.report.chapters.overhead import first, tables
from simnorm.report.chapters.overhead.digest import digest
from simnorm.report.chapters.overhead.facts import CLASSES, FEATURES, facts_of
from simnorm.studies.overhead import nets
from simnorm.undecided import LESS, MORE, SAME, UNDECIDED

NO_CURVES = pd.DataFrame(columns=CURVE_COLUMNS)


def drawn(frame, **how):
    return figures.figure("ratio", frame, NO_CURVES, **how)


def texts_of(figure):
    return [text.get_text() for text in figure.findobj(mpl.text.Text) if text.get_text()]


def facts(frame, run=None):
    run = run or OverheadRun(frame)
    return facts_of(frame, run.design, run.provenance)


def made(frame):
    run = OverheadRun(frame)
    return article_of(frame, run.curves, run.columns, run)


def blocks_of(article):
    return [*article.first, *(block for part in article.chapters for block in part["blocks"])]


def words_of(blocks):
    found = []
    for block in blocks:
        found += [str(block.get(key, "")) for key in ("text", "caption", "alt")]
        found += list(block.get("items", ()))
        found += [str(cell) for row in block.get("rows", ()) if row != "rule" for cell in row]
    return "\n".join(found)


# Values.


def test_the_margin_is_that_of_the_answer():
    """Figures and verdicts call the same ratios the same."""
    assert margins.TIME == MARGIN
    assert (FEATURES, CLASSES) == (nets.FEATURES, nets.CLASSES)


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (1.01, 1.049, SAME), (0.96, 1.04, SAME), (1.01, 1.06, MORE), (0.99, 1.06, UNDECIDED),
        (0.90, 0.99, LESS), (0.94, 1.01, UNDECIDED), (NAN, 1.3, UNDECIDED), (0.96, NAN, UNDECIDED),
    ],
)  # fmt: skip
def test_verdicts_of_intervals(low, high, word):
    """The same only inside the margin, more or less only beyond 1."""
    assert Value(1.02, low, high).verdict == word


def test_the_turned_value_is_one_over_it():
    """An end that is not above 0 sets no limit; a median that is not, no number."""
    assert Value(0.01, 0.005, 0.02).turned[:3] == (100.0, 50.0, 200.0)
    assert Value(0.01, -0.005, 0.02).turned[:3] == (100.0, 50.0, math.inf)
    assert Value(-0.01, -0.02, 0.02).turned[:3] == (math.inf, 50.0, math.inf)
    assert not Value().turned.is_known


def test_a_run_knows_what_it_holds():
    """Widths, batch sizes, variants and the sizes that are spoken of."""
    run = run_of(overhead_frame(widths=(256, 64, 1024), sizes=(8, 32, 128)))
    assert (run.widths, run.sizes, run.rounds, run.rows) == (
        [64, 256, 1024],
        [8, 32, 128],
        30,
        16384,
    )
    assert run.variants == ["input_bn", "hidden_bn", "standardized"]
    assert (run.featured_size, run.featured_width) == (32, 256)
    assert run_of(overhead_frame(sizes=(8, 512))).featured_size == 8
    asked = featuring(overhead_frame(sizes=(8, 32, 128)), 128)
    assert run_of(asked).featured_size == 128
    assert run.ratio("inference", 8, 64, "hidden_bn").estimate == 1.4
    assert not run.ratio("inference", 9, 64, "hidden_bn").is_known
    assert run.break_even(8, 64)[:3] == pytest.approx((100.0, 100 / 1.5, 200.0))


# The figure.


def test_every_ratio_is_a_mark_with_its_interval():
    """Six panels, in each three variants at three batch sizes."""
    panels = [ax for ax in drawn(overhead_frame()).axes if ax.axison]
    assert [ax.get_title(loc="left") or ax.get_title() for ax in panels] == [
        "width 64", "width 256", "width 64", "width 256",
    ]  # fmt: skip
    for ax, width in zip(panels, (64, 256, 64, 256), strict=True):
        for variant in RATIOS:
            look = LOOKS[variant]
            marks = [line for line in ax.lines if line.get_marker() == look.shape]
            assert [m.get_ydata()[0] for m in marks] == [ratio(variant, width)] * 3
            # Beside their batch size, nearer to it than to another one.
            for mark, n in zip(marks, (8, 32, 128), strict=True):
                assert abs(math.log(mark.get_xdata()[0] / n)) < math.log(2)
        bars = [c for c in ax.collections if isinstance(c, mpl.collections.LineCollection)]
        assert len(bars) == 9
        low, high = ax.get_ylim()
        assert low < 0.99
        assert high > 1.42


def test_all_panels_of_a_quantity_share_their_axis():
    """Training with training, inference with inference."""
    frame = overhead_frame()
    up = frame["estimator"].eq("inference") & frame["measure"].eq("ratio")
    for name in ("estimate", "ci_low", "ci_high"):
        frame.loc[up, name] *= 2
    limits = [ax.get_ylim() for ax in drawn(frame).axes]
    assert limits[0] == limits[1] != limits[2] == limits[3]


def test_an_interval_that_reaches_too_far_is_cut_and_said_so():
    """A single wild interval does not flatten all others."""
    frame = overhead_frame()
    assert not any("cut" in text for text in texts_of(drawn(frame)))
    place = frame.index[frame["measure"].eq("ratio")][0]
    frame.loc[place, "ci_high"] = 50.0
    figure = drawn(frame)
    assert any("cut" in text for text in texts_of(figure))
    assert figure.axes[0].get_ylim()[1] < 2.0


def test_what_has_no_interval_is_hollow():
    """White inside, in the colour of its variant."""
    frame = overhead_frame().assign(ci_low=NAN, ci_high=NAN, mcse=NAN, status="unreliable")
    marks = [line for line in drawn(frame).axes[0].lines if line.get_marker() in "os^"]
    assert {line.get_markerfacecolor() for line in marks} == {"white"}
    assert {line.get_markeredgecolor() for line in marks} == {
        look.colour for look in LOOKS.values()
    }


@pytest.mark.parametrize("width", [6.7, 3.4])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
def test_any_number_of_widths_has_room(count, width, tmp_path):
    """Two quantities of so many panels; none overlaps another."""
    widths = (64, 256, *range(512, 512 + count))[:count]
    frame = overhead_frame(widths=widths)
    figure = drawn(frame, width=width)
    figures.save(figure, tmp_path / "one.png", dpi=60)
    panels = [ax for ax in figure.axes if ax.axison]
    assert len(panels) == 2 * count
    boxes = [ax.get_window_extent() for ax in panels]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_one_batch_size_and_one_width_can_be_drawn(tmp_path):
    """The smallest run there is."""
    figures.save(drawn(overhead_frame((64,), (32,))), tmp_path / "one.svg")


def test_the_figure_says_when_there_is_nothing():
    """An empty table, and one without a value."""
    nothing = overhead_frame().assign(estimate=NAN, status="undefined")
    for figure in (drawn(nothing), ratio_figure.figure(pd.DataFrame(columns=COLUMNS), NO_CURVES)):
        assert any(text.startswith("Nothing to show") for text in texts_of(figure))


def test_the_figure_is_the_same_each_time(tmp_path):
    """Same bytes, and matplotlib's settings as before."""
    before = dict(mpl.rcParams)
    for name in ("one.svg", "two.svg"):
        figures.save_svg(drawn(overhead_frame()), tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert dict(mpl.rcParams) == before


def test_one_pair_of_axes_cannot_hold_it():
    """And the error says how to get the figure."""
    with pytest.raises(SimnormError, match="several panels"):
        figures.plot("ratio", overhead_frame(), NO_CURVES)


# Sentences.


def test_the_answer_quotes_the_table():
    """At width 256 a quarter of what width 64 has, to ± 2 points."""
    assert first.answer(facts(overhead_frame())) == (
        "With batches of 32 and layers 256 wide, a training step takes 5 % longer (95 % interval "
        "3 to 7 %) with BN at the input and 10 % longer (8 to 12 %) with BN between layers. "
        "Standardizing all 16,384 rows once adds 0.10 % (0.08 to 0.12 %) to each step of 10 epochs."
    )


def test_what_may_be_chance_is_not_called_longer():
    """Wide intervals make the words undecided, narrow ones near 1 the same."""
    wide = first.answer(facts(overhead_frame(half=0.3)))
    assert "5 % longer, which may be chance (95 % interval −25 to 35 %), with BN at" in wide
    frame = overhead_frame(half=0.005)
    at = frame["factors"].str.contains("input_bn;against=none")
    for name in ("estimate", "ci_low", "ci_high"):
        frame.loc[at, name] -= 0.04
    words = first.answer(facts(frame))
    assert "takes the same time within 5 % (95 % interval 0.5 to 1.5 %) with BN at the" in words


def test_the_largest_and_smallest_ratio_are_told_with_all_verdicts():
    """Six cases of each variant."""
    words = first.shape(facts(overhead_frame()))
    assert words == (
        "Over all sizes BN at the input makes a step from 5 % longer (width 256, batches of 8) to "
        "20 % longer (width 64, batches of 8): longer beyond chance in 6 of 6 cases. Over all "
        "sizes BN between layers makes a step from 10 % longer (width 256, batches of 8) to 40 % "
        "longer (width 64, batches of 8): longer beyond chance in 6 of 6 cases."
    )
    mixed = first.shape(facts(overhead_frame(half=0.06)))
    assert "longer beyond chance in 3 and undecided in 3 of 6 cases" in mixed


def test_tiles_have_their_intervals():
    """Two ratios, and after how many steps standardizing once has paid off."""
    found = first.tiles(facts(overhead_frame()))
    assert [tile["number"] for tile in found] == ["+5 %", "+10 %", "100 steps"]
    assert [tile["detail"] for tile in found] == ["95 %: 3 to 7 %", "95 %: 8 to 12 %",
                                                  "95 %: 67 to 200"]  # fmt: skip
    never = first.tiles(facts(overhead_frame(repaid=-0.01)))
    assert len(never) == 2


def test_without_intervals_no_number_is_quoted():
    """Five rounds have none: the answer says so, and tables have brackets."""
    frame = overhead_frame(replications=5).assign(
        ci_low=NAN, ci_high=NAN, mcse=NAN, status="unreliable", reason="few"
    )
    found = made(frame)
    assert found.answer == "5 rounds of timings give no interval: from six on there is one."
    assert found.tiles == []
    assert found.shape == ""
    table = tables.ratio_table(facts(frame), "training_step")
    assert {cell[0] for row in table["rows"] if row != "rule" for cell in row[3:]} == {"("}
    assert "few" in words_of(blocks_of(found))


def test_an_empty_run_has_a_report():
    """Without a ratio there is nothing to compare, and it says so."""
    frame = overhead_frame()
    frame = frame[frame["measure"] == "median"]
    assert made(frame).answer == "This run has no times to compare."


def test_every_row_of_the_tables_is_one_of_the_run():
    """Widths and batch sizes in order, each with three ratios."""
    table = tables.ratio_table(facts(overhead_frame()), "inference")
    rows = [row for row in table["rows"] if row != "rule"]
    assert [row[:2] for row in rows] == [[w, n] for w in ("64", "256") for n in ("8", "32", "128")]
    assert rows[0][2:] == [
        "20.0 ± 0.5 µs", "1.20 (1.18 to 1.22)", "1.40 (1.38 to 1.42)", "1.0040 (1.0038 to 1.0042)",
    ]  # fmt: skip
    steps = tables.break_even_table(facts(overhead_frame()))
    assert steps["rows"] == [["64", *["100 (67 to 200)"] * 3], ["256", *["100 (67 to 200)"] * 3]]


def test_report_and_digest_say_where_it_was_measured():
    """The processor, one thread, and that a GPU differs; the digest has figure and limits."""
    frame = overhead_frame()
    run = OverheadRun(frame)
    words = words_of(blocks_of(made(frame)))
    short = digest(frame, run.curves, run.columns, run)
    for said in (words, words_of(short)):
        assert "one thread of this machine’s processor (Abacus 9)" in said
        assert "GPU" in said
    assert [block["of"] for block in short if block["kind"] == "figure"] == ["ratio"]
    assert "2.9" in words


def test_the_summary_has_80_columns(capsys):
    """A line for every width and batch size, in both tables; no ratio without its error."""
    print_overhead(OverheadRun(overhead_frame(widths=(64, 256, 1024), half=0.0004)))
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= 80
    lines = [line for line in said.splitlines() if line.startswith("width ")]
    assert len(lines) == 2 * 3 * 3
    for line in lines:
        cells = re.split(r"\s{2,}", line)[-3:]
        assert all(re.fullmatch(r"\d\.\d{3} ± \d\.\d{3}", cell) for cell in cells), line
        assert all(float(cell[-5:]) > 0.0 for cell in cells)
    assert "a training step takes" in said


def test_the_summary_marks_what_has_no_error_bar(capsys):
    """In brackets, with a key."""
    frame = overhead_frame().assign(ci_low=NAN, ci_high=NAN, mcse=NAN, status="unreliable")
    print_overhead(OverheadRun(frame))
    said = capsys.readouterr().out
    assert "(1.20)" in said
    assert "no error bar to trust" in said


def test_all_numbers_of_the_answer_change_with_the_table():
    """No number is written in: at other ratios all of them differ."""
    one = first.answer(facts(overhead_frame()))
    frame = overhead_frame(sizes=(4, 16), widths=(64, 192))
    frame.loc[frame["measure"].eq("ratio"), ["estimate", "ci_low", "ci_high"]] += 0.137
    other = first.answer(facts(frame.assign(full_size=999)))
    numbers = [
        set(re.findall(r"\d[\d,.]*", text.replace("95 % interval", ""))) for text in (one, other)
    ]
    assert numbers[0] & numbers[1] <= {"10"}
    assert np.isfinite(frame["estimate"]).all()
