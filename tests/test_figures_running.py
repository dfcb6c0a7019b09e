"""Figures of running averages: what they draw is in the tables, and they say so when it is not."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.backends.backend_agg
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection
from tiny_running import COLUMNS, curves_of, error_of, of_columns, running_frame
from tiny_tables import CURVE_COLUMNS, NAN

from simnorm import figures
from simnorm.figures.running.looks import COLOURS, marks
from simnorm.figures.running.shown import (
    few_sizes,
    label,
    level,
    run_of,
    settings,
    with_factors,
)
from simnorm.figures.running.split import bars

KINDS = figures.OF_STUDY["running"]
HOSTILE = ("$x^2$ _a_ *b* #c @d", "\u5217\U0001f600 _")


def drawn(kind, frame, **how):
    return figures.figure(kind, frame, curves_of(frame, **how))


def texts_of(figure):
    return [text.get_text() for text in figure.findobj(mpl.text.Text) if text.get_text()]


def schemes(frame):
    """The same rows in file order as well, where errors are three times as large."""
    later = frame.assign(sampling="sequential", status="exact", theory=NAN, theory_kind="")
    later["estimate"] *= 3
    return pd.concat([frame, later], ignore_index=True)


def nothing(frame):
    """The same rows without a value."""
    empty = dict.fromkeys(("estimate", "mcse", "ci_low", "ci_high", "theory", "z"), NAN)
    return frame.assign(**empty, theory_kind="", status="undefined", reason="no variance")


def odd_tables():
    one = running_frame(("normal",), ("pytorch",), (16,))
    return {
        "one cell": one,
        "batches of one": running_frame(("normal",), ("keras3", "precise"), (1,)),
        "one step": running_frame(steps=1),
        "no theory": running_frame().assign(theory=NAN, theory_kind="", z=NAN),
        "no error bars": running_frame().assign(mcse=NAN, ci_low=NAN, ci_high=NAN),
        "unreliable": running_frame(status="unreliable"),
        "exact": running_frame(status="exact", kind=""),
        "drift alone": running_frame(drift="0.01"),
        "hostile names": running_frame(HOSTILE),
        "hostile columns": of_columns(running_frame((*HOSTILE, "x" * 200))),
        "many presets": running_frame(
            ("normal",), tuple(f"keras3(momentum=0.9{i})" for i in range(1, 9)), (4, 16)
        ),
        "thirty columns": of_columns(running_frame(tuple(f"c{i}" for i in range(30)))),
        "no rows": one.iloc[:0],
    }


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("frame", odd_tables().values(), ids=odd_tables())
def test_every_kind_survives_odd_tables(kind, frame, tmp_path):
    if frame.empty:
        frame = pd.DataFrame(columns=COLUMNS)
        module = pytest.importorskip(f"simnorm.figures.running.{kind}")
        figures.save(module.figure(frame, pd.DataFrame(columns=CURVE_COLUMNS)), tmp_path / "o.svg")
        return
    shown = schemes(frame) if kind == "sampling" else frame
    figures.save(drawn(kind, shown, level=0.03 * (len(frame) % 2)), tmp_path / "odd.png", dpi=40)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_drawn_the_same_each_time_and_changes_no_settings(kind, tmp_path):
    before = dict(mpl.rcParams)
    for name in ("one.svg", "two.svg"):
        figures.save_svg(drawn(kind, schemes(running_frame())), tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_figure_with_nothing_to_show_says_so(kind):
    frame = nothing(running_frame())
    made = figures.figure(kind, frame, pd.DataFrame(columns=CURVE_COLUMNS))
    assert any(text.startswith("Nothing to show") for text in texts_of(made))


def test_factors_become_columns():
    table = with_factors(running_frame(("a",), ("keras3(momentum=0.9)",), (2,), drift="0.5"))
    assert set(table["preset"]) == {"keras3(momentum=0.9)"}
    assert set(table["drift"]) == {"0.5"}
    assert set(table["steps"]) == {"100"}
    assert set(table["part"]) == {""}


def test_presets_keep_their_colours():
    looks = marks(["precise", "keras3(momentum=0.5)", "keras3"])
    assert looks["keras3"].colour == COLOURS["keras3"] == marks(["keras3"])["keras3"].colour
    assert len({mark.colour for mark in looks.values()}) == 3
    assert len({mark.shape for mark in looks.values()}) == 3
    many = [f"keras3(momentum=0.{i})" for i in range(100, 150)]
    assert list(marks(many)) == many


def test_labels_and_settings_of_presets():
    assert (label("pytorch"), label("keras3(momentum=0.9)")) == ("PyTorch", "keras3(momentum=0.9)")
    assert (settings("pytorch").momentum, settings("keras3").momentum) == (0.9, 0.99)
    assert settings("no such word").momentum is None


def test_what_is_shown_of_laws_and_columns():
    frame = running_frame(("a", "b", "c"))
    run = run_of(frame, curves_of(frame))
    assert (run.n, run.steps, run.scheme, run.drift) == (16, 100, "shuffle", "0")
    assert run.names == ["a", "b", "c"]
    assert run.panel_names == ["a", "c"]  # the first, and the one with the largest error
    columns = run_of(of_columns(frame), curves_of(of_columns(frame)))
    assert columns.names == ["c", "b", "a"]  # the worst first
    assert columns.panel_names == ["b", "c"]  # the middle one, and the worst
    assert few_sizes(run) == [2, 16, 64]
    assert level(run, "a") == 0.03


def test_names_without_a_value_come_last_and_have_no_panel():
    frame = pd.concat([nothing(running_frame(("flat",))), running_frame(("a", "b"))])
    run = run_of(of_columns(frame), curves_of(of_columns(frame)))
    assert run.names == ["b", "a", "flat"]
    assert "flat" not in run.panel_names


def test_shuffled_batches_are_shown_wherever_they_stand():
    frame = running_frame()
    table = pd.concat([frame.assign(sampling="grouped:g"), frame, frame.assign(sampling="iid")])
    assert run_of(table, curves_of(table)).scheme == "shuffle"
    assert run_of(frame.assign(sampling="iid"), curves_of(frame)).scheme == "iid"


def test_batches_of_one_are_left_to_their_own_section():
    frame = running_frame(sizes=(1, 2))
    assert few_sizes(run_of(frame, curves_of(frame))) == [2]
    alone = running_frame(sizes=(1,))
    assert few_sizes(run_of(alone, curves_of(alone))) == [1]


def test_the_trajectory_has_points_bars_theory_floors_and_the_level():
    frame = running_frame(("a",))
    made = drawn("trajectory", frame)
    panel = next(ax for ax in made.axes if "n = 16" in ax.get_title(loc="left"))
    points = [mark for mark in panel.lines if mark.get_linestyle() == "None"]
    keras = next(mark for mark in points if mark.get_color() == COLOURS["keras3"])
    end = error_of("keras3", 16)
    np.testing.assert_allclose(keras.get_ydata(), [100 * end, 10 * end, end])
    dashed = [mark for mark in panel.lines if mark.get_color() == COLOURS["keras3"]]
    assert any(np.allclose(mark.get_ydata()[-1], end) for mark in dashed)
    bars_drawn = [c for c in panel.collections if isinstance(c, LineCollection)]
    assert len(bars_drawn) == 3
    levels = [mark.get_ydata()[0] for mark in panel.lines if len(set(mark.get_ydata())) == 1]
    assert 0.03 in levels
    assert end in levels
    assert "z-score by full set" in texts_of(made)


def test_a_step_without_an_error_bar_is_hollow():
    frame = running_frame(("a",), ("keras3",), (16,))
    curves = curves_of(frame)
    curves.loc[(curves["kind"] == "trajectory") & (curves["x"] == 10), "mcse"] = NAN
    made = figures.figure("trajectory", frame, curves)
    hollow = [mark for ax in made.axes for mark in ax.lines
              if mark.get_markerfacecolor() == "white" and len(mark.get_xdata())]  # fmt: skip
    assert [list(mark.get_xdata()) for mark in hollow] == [[10.0]]
    assert "no valid error bar" in texts_of(made)


def test_the_floor_figure_shows_errors_after_all_steps():
    made = drawn("floor", running_frame(("a",)))
    panel = made.axes[0]
    ys = [list(mark.get_ydata()) for mark in panel.lines if mark.get_linestyle() == "None"]
    wanted = [error_of("pytorch", n) for n in (2, 16, 64)]
    assert any(np.allclose(y, wanted) for y in ys if len(y) == 3)
    assert "floor" in texts_of(made)


def test_parts_are_exact_where_they_are_known_and_missing_where_any_is():
    frame = running_frame(("a",))
    curves = curves_of(frame)
    run = run_of(frame, curves)
    keras, torch = bars(run, "a", "running_variance", "0", ["keras3", "pytorch"], [16])
    half = error_of("keras3", 16) / 2
    assert keras.parts == pytest.approx(
        {"start": 0.0, "divisor": 0.75 * half**2, "drift": 0.0, "noise": 0.25 * half**2}
    )
    assert keras.rmse == pytest.approx(half)
    assert torch.parts["noise"] == pytest.approx(torch.total)
    curves.loc[curves["factors"].str.endswith("part=noise"), ["y", "theory"]] = NAN
    (gone,) = bars(run_of(frame, curves), "a", "running_variance", "0", ["keras3"], [16])
    assert gone.parts == {}
    assert np.isnan(gone.total)


def test_shares_add_up_and_say_the_error():
    frame = pd.concat([running_frame(("a",)), running_frame(("a",), drift="0.01")])
    made = drawn("split", frame)
    widths: dict[float, float] = {}
    for patch in made.axes[0].patches:
        widths[patch.get_y()] = widths.get(patch.get_y(), 0.0) + patch.get_width()
    assert list(widths.values()) == pytest.approx([100.0] * len(widths))
    assert "no drift" in "".join(texts_of(made))
    assert "drift of 0.01 sd per step" in "".join(texts_of(made))
    assert {"divisor n", "noise"} <= set(texts_of(made))
    assert "lag behind the drift" not in texts_of(made)  # no bar has any


def test_schemes_are_compared_only_where_there_are_several():
    alone = drawn("sampling", running_frame())
    assert any(text.startswith("Nothing to show") for text in texts_of(alone))
    made = drawn("sampling", of_columns(schemes(running_frame())))
    assert {"shuffled", "file order"} <= set(texts_of(made))
    laws = running_frame()
    both = pd.concat([laws, laws.assign(reference="population"),
                      laws.assign(sampling="iid", reference="population")])  # fmt: skip
    words = set(texts_of(drawn("sampling", both)))
    assert {"shuffled, about full set", "shuffled, about population"} <= words
    assert "iid, about population" in words


@pytest.mark.parametrize("kind", KINDS)
def test_names_are_shown_as_they_are(kind):
    made = drawn(kind, schemes(running_frame(("$x^2$ _a_",))))
    assert any("$x^2$ _a_" in text for text in texts_of(made))


def test_a_figure_says_which_columns_it_shows():
    frame = of_columns(running_frame(tuple(f"c{i}" for i in range(30))))
    words = " ".join(texts_of(drawn("trajectory", frame))).replace("\n", " ")
    assert "The middle and the worst of 30 columns by the error at batch size 16." in words
