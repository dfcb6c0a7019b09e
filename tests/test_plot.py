"""Every kind of figure through its doors: result.plot, result.figure, simnorm plot."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from typer.testing import CliRunner

import simnorm as sn
from simnorm import figures
from simnorm.cli import app
from simnorm.errors import SimnormError

mpl.use("Agg")

LAWS = ("normal", "t(df=5)")
SIZES = [2, 4, 8, 16]
KINDS = tuple(figures.FIGURES)
MEASURES = ("bias", "variance", "mse", "rmse", "relative_bias", "relative_rmse")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run on distributions."""
    place = tmp_path_factory.mktemp("laws") / "run"
    sn.sweep(list(LAWS), batch_sizes=SIZES, full_size=64, replications=256, out=place)
    return place


@pytest.fixture(scope="module")
def laws(folder):
    """The same run, loaded."""
    return sn.load(folder)


@pytest.fixture(scope="module")
def columns():
    """A run on data, with two sampling schemes."""
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"a": rng.normal(size=64), "b": rng.exponential(size=64), "c": 1.0})
    return sn.sweep(
        data=data, batch_sizes=SIZES, replications=256, sampling=["shuffle", "sequential"]
    )


@pytest.fixture(scope="module")
def studies():
    """A small run of both other studies."""
    small = {"batch_sizes": [2, 4], "full_size": 64, "replications": 64}
    return {"inputs": sn.study("inputs", list(LAWS), **small),
            "running": sn.study("running", list(LAWS), steps=20, **small)}  # fmt: skip


@pytest.fixture(params=["laws", "columns"])
def result(request):
    """Each of the two sweeps."""
    return request.getfixturevalue(request.param)


def texts_of(figure):
    return [text.get_text() for text in figure.findobj(mpl.text.Text) if text.get_text()]


def says_nothing(figure):
    return any(text.startswith("Nothing to") for text in texts_of(figure))


def why_not(result, kind):
    """Return why the run has nothing to show; nothing for a measure, and where it has."""
    return figures.missing(kind, result.frame, result.curves) if kind in KINDS else ""


def refused(result, kind, ax=None):
    """A kind with nothing to show is refused with the reason; axes stay as they are."""
    with pytest.raises(SimnormError, match=f"nothing to show: {why_not(result, kind)}"):
        result.plot(kind, ax)
    assert ax is None or (ax.axison and not ax.has_data() and not ax.texts)


def run(*arguments):
    """Run the command line; return the exit code, stdout and stderr."""
    done = CliRunner().invoke(app, ["plot", *map(str, arguments)], env={"COLUMNS": "80"})
    return done.exit_code, done.stdout, done.stderr


# --- One pair of axes.


@pytest.mark.parametrize("kind", [*KINDS, *MEASURES])
def test_every_kind_and_measure_is_drawn_on_the_axes_it_is_given(result, kind):
    """The axes come back with something on them, no others are added to their figure's panels."""
    before = dict(mpl.rcParams)
    figure = Figure(figsize=(8, 3))
    ax, other = figure.subplots(1, 2)
    if why_not(result, kind):
        refused(result, kind, ax)
        return
    assert result.plot(kind, ax) is ax
    assert ax.has_data() or says_nothing(figure)
    assert not other.has_data()
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("kind", [*KINDS, *MEASURES])
def test_without_axes_there_is_a_new_figure_with_one_pair(result, kind, tmp_path):
    """It can be written; pyplot does not know it."""
    from matplotlib import pyplot

    if why_not(result, kind):
        refused(result, kind)
        return
    ax = result.plot(kind)
    assert isinstance(ax, Axes)
    assert isinstance(ax.figure, Figure)
    assert len([one for one in ax.figure.axes if one.has_data()]) <= 1
    assert pyplot.get_fignums() == []
    figures.save(ax.figure, tmp_path / "one.svg")


def test_given_axes_keep_the_users_style(laws):
    """A user's size of type is that of the axes drawn on; a new figure has simnorm's own."""
    with mpl.rc_context({"xtick.labelsize": 21.0}):
        own = laws.plot("rmse", Figure().subplots())
        ours = laws.plot("rmse")
    sizes = [ax.get_xticklabels()[0].get_fontsize() for ax in (own, ours)]
    assert sizes[0] == 21.0
    assert sizes[1] < 12.0


@pytest.mark.parametrize("kind", ["overview", "rmse", "relative_rmse", "bias", "variance"])
def test_nothing_lies_over_the_data_of_a_users_axes(laws, kind):
    """The legend stands below the axes, every name once at the right of the last point."""
    figure = Figure(figsize=(7, 3))
    for ax in figure.subplots(1, 2):
        laws.plot(kind, ax)
    FigureCanvasAgg(figure).draw()
    box = ax.get_window_extent()
    assert ax.get_legend().get_window_extent().y1 < box.y0
    names = {text.get_text(): text.get_window_extent() for text in ax.texts}
    assert list(LAWS) == [name for name in LAWS if name in names]
    last = ax.transData.transform((max(SIZES) / 2, 1.0))[0]  # at 64, the full set, all are 0
    assert all(last < names[name].x0 and names[name].x1 <= box.x1 + 1 for name in LAWS)


def test_titles_name_the_measure(laws):
    """RMSE, variance and relative RMSE of one estimator are told apart by the title."""
    said = {kind: laws.plot(kind, Figure(figsize=(9, 3)).subplots()).get_title() for kind in (
        "rmse", "relative_rmse", "variance", "bias")}  # fmt: skip
    assert len(set(said.values())) == 4
    assert said["relative_rmse"].startswith("relative RMSE of std(ddof=0)")
    assert said["rmse"].startswith("RMSE of std(ddof=0)")


def test_a_part_of_a_run_is_drawn_alone(laws):
    """One distribution has one curve of points; an estimator and a batch size likewise."""
    ax = laws.plot("relative_rmse", name="t(df=5)", estimator="mean")
    points = [line for line in ax.lines if line.get_marker() not in ("None", "none", "", None)]
    drawn = sorted({float(x) for line in points for x in line.get_xdata()})
    assert drawn == SIZES
    assert not any("normal" in text for text in texts_of(ax.figure))
    table = laws.table("relative_rmse")["mean"].loc["t(df=5)"]
    heights = {round(float(y), 9) for line in points for y in line.get_ydata()}
    assert {round(100.0 * value, 9) for value in table} <= heights


def test_a_bare_word_names_the_law_it_stands_for(laws):
    """`t` is `t(df=5)`, in a plot as in a design."""
    assert laws.figure("rmse", name="t") is not None
    assert laws.plot("rmse", name="t", estimator="std") is not None


def test_a_run_about_the_population_alone_is_drawn():
    """Where there is no full set, the population is what errors are about."""
    iid = sn.sweep("normal", batch_sizes=[2, 4], full_size=8, replications=64, sampling="iid")
    assert "population" in " ".join(texts_of(iid.plot("rmse").figure))


def test_kinds_of_other_studies_with_several_panels_name_the_other_door(studies):
    """What one pair of axes cannot hold is refused with what draws it; measures are drawn."""
    for study, result in studies.items():
        assert result.plot("rmse").has_data()
        for kind in figures.OF_STUDY[study]:
            with pytest.raises(SimnormError, match=rf"result\.figure\('{kind}'\)"):
                result.plot(kind)


def test_figures_of_other_studies_have_quantities_of_their_own(studies):
    """A distribution or a batch size can be chosen, a quantity only for a measure."""
    for study, result in studies.items():
        kind = figures.OF_STUDY[study][0]
        word = str(result.frame["estimator"].iloc[0])
        assert not says_nothing(result.figure(kind, name="normal", batch_size=4))
        assert not says_nothing(result.plot("rmse", estimator=word).figure)
        with pytest.raises(SimnormError, match="quantities of its own"):
            result.figure(kind, estimator=word)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"kind": "varience"}, "Did you mean 'variance'"),
        ({"kind": "relative_rsme"}, "Did you mean 'relative_rmse'"),
        ({"kind": "rmse", "estimator": "median"}, "the run holds mean, biased_variance"),
        ({"kind": "rmse", "estimator": "meen"}, "Did you mean 'mean'"),
        ({"kind": "rmse", "name": "norml"}, "Did you mean 'normal'"),
        ({"kind": "rmse", "name": "cauchy"}, r"the run holds normal, t(df=5)"),
        ({"kind": "rmse", "batch_size": 3}, "batch_size: got 3; the run holds 2, 4, 8, 16"),
        ({"kind": "rmse", "reference": "fullset"}, "Did you mean 'full_set'"),
        ({"kind": "audit", "reference": "population"}, "'audit' has no reference"),
    ],
)
def test_what_a_run_does_not_hold_is_refused(laws, arguments, said):
    """The message says what came, what there is, and the nearest word."""
    with pytest.raises(SimnormError) as caught:
        laws.plot(**arguments)
    assert said in str(caught.value)


# --- Whole figures.


@pytest.mark.parametrize("kind", KINDS)
def test_a_figure_says_nothing_to_show_where_something_is_missing(result, kind):
    """`missing` gives a reason for exactly the figures that have nothing on them."""
    why = figures.missing(kind, result.frame, result.curves)
    assert bool(why) == says_nothing(result.figure(kind))
    assert not why.endswith(".")


def test_the_part_of_a_run_is_its_rows():
    """Of three rows of results and three of curves, those of the part; histograms of data stay."""
    frame = pd.DataFrame({"distribution": ["a", "a", "b"], "column": "", "batch_size": [2, 4, 2],
                          "estimator": ["mean", "mean", "std"]})  # fmt: skip
    curves = frame.assign(batch_size=[2, 4, 0], estimator=["mean", "mean", ""])

    def kept(**part):
        return [list(table.index) for table in figures.part_of(frame, curves, figures.Part(**part))]

    assert kept() == [[0, 1, 2], [0, 1, 2]]
    assert kept(estimator="mean") == [[0, 1], [0, 1, 2]]
    assert kept(estimator="std") == [[2], [2]]
    assert kept(name="a") == [[0, 1], [0, 1]]
    assert kept(batch_size=4) == [[1], [1, 2]]
    assert kept(estimator="mean", name="a", batch_size=2) == [[0], [0]]


@pytest.mark.parametrize("width", [3.4, 6.7])
@pytest.mark.parametrize("kind", KINDS)
def test_figures_fit_a_column_and_a_page(result, kind, width):
    """All words lie inside the figure, whose width is the one asked for."""
    figure = result.figure(kind, width=width)
    FigureCanvasAgg(figure).draw()
    assert figure.get_figwidth() == pytest.approx(width)
    box = figure.get_tightbbox()  # in inches; ticks beyond the limits do not count
    assert box.x0 > -0.04, f"{-box.x0:.2f} inches stick out at the left"
    assert box.x1 < width + 0.04, f"{box.x1 - width:.2f} inches stick out at the right"


def test_old_runs_are_told_to_be_run_again(laws):
    """Without the curves that a new kind is drawn from, the reason says what to do."""
    curves = laws.curves.iloc[:0]
    for kind in set(KINDS) & set(figures.FROM_BOTH):
        assert "run again" in figures.missing(kind, laws.frame, curves)


def test_every_kind_has_a_word_on_what_it_shows(laws, studies):
    """The list of kinds is that of the figures, in the order of the report."""
    for result in (laws, *studies.values()):
        assert tuple(figures.about(result.frame)) == figures.kinds_of(result.frame)
        assert all(figures.about(result.frame).values())
    assert KINDS[:4] == ("overview", "variance", "bias", "rmse")
    assert KINDS[-4:] == ("audit", "convergence", "histograms", "sampling")


def test_options_that_a_kind_does_not_have_are_refused(laws):
    """An unknown option is a user's mistake, not a traceback."""
    for options in ({"page": 2}, {"reference": "population"}, {"colour": "red"}):
        with pytest.raises(SimnormError, match="a figure 'audit' has no"):
            laws.figure("audit", **options)


def test_figures_of_a_part_have_the_panels_of_that_part(laws):
    """One estimator, one panel."""
    titles = [ax.get_title() for ax in laws.figure("variance", estimator="mean").axes]
    assert len([title for title in titles if title]) <= 1


# --- The command.


def test_without_a_kind_the_kinds_are_listed(folder):
    """A line each at 80 columns, and a word where this run has nothing for one."""
    code, out, err = run(folder)
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    words = [line.split()[0] for line in out.splitlines() if not line.startswith(" ")]
    assert tuple(words) == KINDS
    assert "(not here:" in out


@pytest.mark.parametrize(
    ("ending", "head"), [("svg", b"<?xml"), ("pdf", b"%PDF"), ("png", b"\x89PNG")]
)
def test_a_figure_is_written_the_same_each_time(folder, tmp_path, ending, head):
    """Three formats; the path is on stderr, nothing on stdout; the second file is the first."""
    paths = [tmp_path / f"{name}.{ending}" for name in ("one", "two")]
    for path in paths:
        assert run(folder, "--kind", "rmse", "-o", path) == (0, "", f"figure: {path}\n")
    assert paths[0].read_bytes().startswith(head)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert sorted(tmp_path.iterdir()) == sorted(paths)


def test_the_default_is_a_file_in_the_run_folder(folder):
    """As `report` does it; -q prints nothing."""
    assert run(folder, "--kind", "overview", "-q") == (0, "", "")
    path = folder / "overview.svg"
    assert path.exists()
    path.unlink()


def test_a_measure_and_a_single_panel_are_drawn_at_the_width_asked_for(folder, tmp_path):
    """A PNG of 3.4 inches at 100 dots is 340 dots wide."""
    from matplotlib.image import imread

    for kind in ("relative_rmse", "heatmap", "rmse"):
        path = tmp_path / f"{kind}.png"
        code, _, err = run(
            folder, "--kind", kind, "--single", "--width", "3.4", "--dpi", "100", "-o", path
        )
        assert (code, err) == (0, f"figure: {path}\n")
        assert imread(path).shape[1] == 340


def test_pages_are_written_one_by_one(tmp_path):
    """More than 15 statistics take two pages: both are written, or the one asked for."""
    many = [f"quantile(q=0.{i})" for i in range(10, 26)]
    place = tmp_path / "run"
    sn.sweep("normal", batch_sizes=[2, 4], full_size=8, replications=16, estimators=many, out=place)
    path = tmp_path / "figure.svg"
    code, _, err = run(place, "--kind", "rmse", "-o", path)
    second = tmp_path / "figure-2.svg"
    assert (code, err) == (0, f"figure: {path}\nfigure: {second}\n")
    one = tmp_path / "page.svg"
    assert run(place, "--kind", "rmse", "--page", "2", "-o", one)[0] == 0
    assert one.read_bytes() == second.read_bytes() != path.read_bytes()
    code, _, err = run(place, "--kind", "rmse", "--page", "3", "-o", one)
    assert (code, "from 1 to 2" in err) == (2, True)
    assert "(2 pages)" in run(place)[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--kind", "varience"), "Did you mean 'variance'?"),
        (("--kind", "rmse", "-o", "figure.doc"), "its ending must be .svg, .pdf or .png"),
        (("--kind", "rmse", "-o", "figure"), "its ending must be"),
        (("--kind", "rmse", "-o", "."), "it is a folder"),
        (("--kind", "rmse", "-o", "/proc/no/rmse.svg"), "it cannot be written"),
        (("--kind", "sampling"), "there is nothing to show: the run has shuffled batches alone"),
        (("--kind", "rmse", "--estimator", "median"), "--estimator: got 'median'; the run holds"),
        (("--kind", "rmse", "--name", "norml"), "--name: got 'norml'"),
        (("--kind", "rmse", "--batch-size", "3"), "--batch-size: got 3"),
        (("--kind", "rmse", "--batch-size", "x"), "--batch-size: got 'x'"),
        (("--kind", "rmse", "--page", "2"), "has one page"),
        (("--kind", "rmse", "--width", "100"), "--width: got '100'; allowed are 2 to 30 inches"),
        (("--kind", "rmse", "--width", "nan"), "--width: got 'nan'"),
        (("-o", "a.svg"), "--kind: got ''; one of overview, variance"),
        (("--page", "1"), "Add for example --kind overview."),
        (("--kind", "rmse", "--dpi", "0", "-o", "a.png"), "--dpi: got '0'"),
        (("--kind", "audit", "--reference", "population"), "--reference"),
        (("--kind", "rmse", "--reference", "fullset"), "Did you mean 'full_set'?"),
    ],
)
def test_mistakes_are_one_clear_line(folder, tmp_path, monkeypatch, arguments, said):
    """Exit code 2, one line on stderr, nothing written."""
    monkeypatch.chdir(tmp_path)
    held = sorted(folder.iterdir())
    code, out, err = run(folder, *arguments)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert said in err
    assert list(tmp_path.iterdir()) == []
    assert sorted(folder.iterdir()) == held


def test_a_folder_without_a_run_is_refused(tmp_path):
    """As everywhere."""
    code, _, err = run(tmp_path, "--kind", "rmse")
    assert (code, "a folder with a finished run is needed" in err) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_dots_per_inch_are_no_matter_to_an_svg(folder, tmp_path):
    """With --dpi the bytes are those without it."""
    paths = [tmp_path / f"{name}.svg" for name in ("one", "two")]
    for path, more in zip(paths, ((), ("--dpi", "80")), strict=True):
        assert run(folder, "--kind", "rmse", "-q", "-o", path, *more) == (0, "", "")
    assert paths[0].read_bytes() == paths[1].read_bytes()
