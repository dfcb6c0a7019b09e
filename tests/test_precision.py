"""Precision on demand: targets, looks, time limits, and what a run says that fell short."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pools import Memory
from test_cli import call, empty_cwd  # noqa: F401

import simnorm as sn
from simnorm import engine, precision, schedule, settling, stopped
from simnorm.design import Design
from simnorm.schema import SCHEMA
from simnorm.studies import drawing
from simnorm.tables import ALL_MEASURES

KEY = ["distribution", "column", "sampling", "estimator", "batch_size", "factors", "reference"]
NUMBERS = [name for name in SCHEMA if name != "stop_reason"]
# N = 4,096: 256 full sets a block, so that there is a look at every doubling from 256 on.
SMALL: dict[str, Any] = {"full_size": 4096, "batch_sizes": [2, 256, 2048]}


def by_cell(frame: pd.DataFrame) -> dict[tuple[Any, ...], pd.DataFrame]:
    return dict(list(frame.groupby(KEY, sort=False, dropna=False)))


def same(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Whether two tables hold the same bits, but for why they stopped."""
    return one[NUMBERS].reset_index(drop=True).equals(other[NUMBERS].reset_index(drop=True))


# -------------------------------------------------------------------------------------- the words


@pytest.mark.parametrize(
    ("given", "text"),
    [("1%", "1%"), (" 0.50 % ", "0.5%"), (0.01, "0.01"), ("2e-3", "0.002"), ("50%", "50%")],
)
def test_a_target_is_a_percentage_or_a_number(given: object, text: str) -> None:
    """A target reads back as the text it is written as."""
    assert str(precision.target(given)) == text
    assert precision.target(text) == precision.target(given)


@pytest.mark.parametrize(
    "given", ["", "%", "one", "0", "0%", "-1%", "nan", "inf", "51%", "1e-9%", True, [1], "1%%"]
)
def test_what_is_no_target_is_refused(given: object) -> None:
    """One line names the parameter and what is allowed."""
    with pytest.raises(sn.SimnormError, match="target_mcse"):
        precision.target(given)


@pytest.mark.parametrize(
    ("given", "seconds"), [("90", 90), ("1.5h", 5400), ("10m", 600), ("2 min", 120), (3, 3)]
)
def test_a_time_is_a_number_with_a_unit(given: object, seconds: float) -> None:
    """Seconds unless a unit is given."""
    assert precision.time_limit(given) == seconds


@pytest.mark.parametrize("given", ["", "0", "-1", "soon", "1e9", "5 weeks", True, "nan", "1h30"])
def test_what_is_no_time_is_refused(given: object) -> None:
    """One line names the parameter and what is allowed."""
    with pytest.raises(sn.SimnormError, match="time_limit"):
        precision.time_limit(given)


def test_a_design_keeps_its_precision() -> None:
    """A file says target, most replications and time limit; the folder's name none of them."""
    design = Design.make("normal", target_mcse="1%", max_replications="5000", time_limit="10m")
    assert Design.from_toml(design.to_toml()) == design
    assert design.replications == 5000
    assert 'target_mcse = "1%"' in design.to_toml()
    assert "max_replications = 5000" in design.to_toml()
    assert "\nreplications" not in design.to_toml()
    assert design.identity() == Design.make("normal").identity()
    assert "target" not in Design.make("normal").to_toml()


@pytest.mark.parametrize(
    ("given", "parameter"),
    [
        ({"target_mcse": "1%", "replications": 10}, "replications"),
        ({"max_replications": 10}, "max_replications"),
        ({"target_mcse": "1%", "max_replications": 0}, "max_replications"),
    ],
)
def test_what_contradicts_is_refused(given: dict[str, Any], parameter: str) -> None:
    """R and a target are two ways to say the same; a limit needs what it limits."""
    with pytest.raises(sn.SimnormError) as caught:
        Design.make("normal", **given)
    assert caught.value.parameter == parameter


def test_looks_are_at_the_first_whole_block_from_256_on_and_at_doublings() -> None:
    """By hand: N = 16,384 has 64 full sets a block, N = 64 has 4,096."""
    for size, most, expected in (
        (16_384, 2_000, (4, 8, 16, 32)),
        (16_384, 2_048, (4, 8, 16, 32)),
        (16_384, 2_049, (4, 8, 16, 32, 33)),
        (64, 10_000, (1, 2, 3)),
        (10**7, 40, (3,)),
    ):
        design = Design.make("normal", full_size=size, target_mcse="1%", max_replications=most)
        assert schedule.looks(design, drawing.sources(design)[0]) == expected


# --------------------------------------------------------------------------------------- the rule


def reached(rows: pd.DataFrame, target: float) -> bool:
    """Whether the error bars of a cell's rows hold a relative target; written down anew."""
    value = dict(zip(rows["measure"], rows["estimate"], strict=True))
    for row in rows.itertuples():
        if row.measure not in ("bias", "variance", "mse", "rmse") or row.status == "exact":
            continue
        size = value["rmse"] if row.measure == "bias" else row.estimate
        is_doubted = row.status != "ok" and not (row.khat > 0.5 and row.replications >= 1024)
        if is_doubted or row.mcse > target * size:
            return False
    return True


def test_every_cell_stops_at_the_second_look_running_that_holds_the_target() -> None:
    """Against runs of 256, 512, ... replications: the same bits, and the first pair that holds."""
    target, most = 0.05, 4096
    options = {"estimators": ["mean", "unbiased_variance", "median"], **SMALL}
    laws = ["normal", "exponential"]
    result = sn.sweep(laws, target_mcse="5%", max_replications=most, **options)
    counts = [256 << i for i in range(5)]
    runs = {R: by_cell(sn.sweep(laws, replications=R, **options).frame) for R in counts}
    seen = set()
    for key, rows in by_cell(result.frame).items():
        (count,) = set(rows["replications"])
        assert same(rows, runs[count][key])
        holds = [reached(runs[R][key], target) for R in counts]
        pairs = [i for i in range(1, len(counts)) if holds[i - 1] and holds[i]]
        assert counts.index(count) == (pairs[0] if pairs else len(counts) - 1)
        missed = not pairs and not holds[-1]
        assert set(rows["stop_reason"]) == ({"max"} if missed else {"target"})
        seen.add(count)
    # The case has cells that stop early, late, and at the end.
    assert len(seen) >= 3


def test_a_cell_is_the_same_whatever_else_is_run() -> None:
    """Another size, estimator, law, or number of workers changes no row of a cell."""
    options = {"target_mcse": "5%", "full_size": 4096, "max_replications": 4096}
    alone = sn.sweep("normal", batch_sizes=[256], estimators=["std"], workers=1, **options)
    whole = sn.sweep(
        ["uniform", "normal"], batch_sizes=[2, 256, 2048], estimators=["mean", "std", "range"],
        workers=3, **options,
    )  # fmt: skip
    held = by_cell(whole.frame)
    for key, rows in by_cell(alone.frame).items():
        assert rows.reset_index(drop=True).equals(held[key].reset_index(drop=True))


def test_a_number_without_per_cent_is_in_the_unit() -> None:
    """Every MCSE of the absolute measures is at most the number."""
    result = sn.sweep("normal", target_mcse=0.002, estimators=["mean", "std"], **SMALL)
    rows = result.frame[result.frame["measure"].isin(["bias", "variance", "mse", "rmse"])]
    assert (rows["mcse"] <= 0.002).all()
    assert set(result.frame["stop_reason"]) == {"target"}
    assert result.missed().empty
    assert not result.is_partial


def test_what_has_no_error_bar_takes_no_part() -> None:
    """Of a Cauchy law nothing is waited for; the bias of t(df=5)'s variance is, its square not."""
    cauchy = sn.sweep("cauchy", target_mcse="1%", estimators=["mean"], **SMALL)
    assert cauchy.provenance["draws"] == 256 * 4096
    moments = cauchy.frame["measure"].isin(ALL_MEASURES)
    assert set(cauchy.frame.loc[moments, "stop_reason"]) == {"undefined"}
    t = sn.sweep("t(df=5)", target_mcse="5%", estimators=["biased_variance"], **SMALL).frame
    assert set(t.loc[t["measure"] == "bias", "stop_reason"]) == {"target"}
    assert set(t.loc[t["measure"] == "variance", "stop_reason"]) == {"undefined"}


def test_file_order_has_nothing_to_reach() -> None:
    """Rows that are exact stop with the target, and cost a single replication."""
    data = np.random.default_rng(1).normal(size=40)
    result = sn.sweep(data=data, sampling="sequential", batch_sizes=[4], target_mcse="1%")
    assert set(result.frame["replications"]) == {1}
    assert set(result.frame["stop_reason"]) == {"target"}


@pytest.mark.parametrize(
    "given",
    [
        {"data": np.random.default_rng(1).exponential(size=(300, 2)), "batch_sizes": [2, 100]},
        {"distributions": "normal", "sampling": ["replacement", "iid"], **SMALL},
        {"distributions": "normal", "estimators": ["mean", np.ptp], **SMALL},
    ],
    ids=["file", "schemes", "function"],
)
def test_every_source_stops_like_a_fixed_run(given: dict[str, Any]) -> None:
    """Files, schemes and functions: the rows of a cell are those of a run of its R."""
    result = sn.sweep(target_mcse="5%", max_replications=20_000, **given)
    runs = {
        R: by_cell(sn.sweep(replications=R, **given).frame)
        for R in sorted(set(result.frame["replications"]))
    }
    for key, rows in by_cell(result.frame).items():
        (count,) = set(rows["replications"])
        assert same(rows, runs[count][key])


@pytest.mark.parametrize(
    "given",
    [
        {"word": "inputs", "batch_sizes": [4, 256], "full_size": 4096},
        {"word": "running", "batch_sizes": [16], "full_size": 4096, "steps": 20},
    ],
    ids=["inputs", "running"],
)
def test_studies_stop_like_a_fixed_run(given: dict[str, Any]) -> None:
    """The other studies take targets too; a mean is measured against 1 or more."""
    result = sn.study(distributions="normal", target_mcse="5%", max_replications=2048, **given)
    runs = {
        R: by_cell(sn.study(distributions="normal", replications=R, **given).frame)
        for R in sorted(set(result.frame["replications"]))
    }
    assert list(by_cell(result.frame)) == list(next(iter(runs.values())))
    for key, rows in by_cell(result.frame).items():
        (count,) = set(rows["replications"])
        assert same(rows, runs[count][key])


def test_curves_end_where_their_cells_end() -> None:
    """The running RMSE of a cell goes to its own R, or to what is kept of it."""
    result = sn.sweep("normal", target_mcse="5%", estimators=["mean", "std"], **SMALL)
    of_cell = ["estimator", "batch_size", "reference"]
    running = result.curves[result.curves["kind"] == "convergence"]
    lengths = running.groupby(of_cell)["x"].max()
    counts = result.frame.groupby(of_cell)["replications"].first().clip(upper=1024)
    assert len(lengths) == 6
    assert (lengths == counts[lengths.index]).all()
    assert len(set(lengths)) > 1


# ------------------------------------------------------------------------------------- the clock


def timed(design: Design, ticks: int, **options: Any) -> pd.DataFrame:
    """The table of a run whose time is over when its clock has been read so often."""
    read = itertools.count()
    made = settling.Maker(design)
    engine.run(
        design,
        on_source=made.add,
        on_look=made.look,
        clock=lambda: 0.0 if next(read) <= ticks else 1e9,
        **options,
    )
    return made.tables()[0]


@pytest.mark.parametrize("ticks", [0, 1, 5, 12])
def test_what_time_leaves_is_a_run_of_fewer_replications(ticks: int) -> None:
    """Every source has its first blocks; the numbers are those of a run of as many."""
    options = {"estimators": ["mean", "std"], **SMALL}
    laws = ["normal", "laplace"]
    design = Design.make(laws, replications=6000, time_limit="1h", **options)
    frame = timed(design, ticks, workers=1)
    for law in laws:
        rows = frame[frame["distribution"] == law]
        (count,) = set(rows["replications"])
        assert 256 <= count < 6000
        assert set(rows["stop_reason"]) == {"time"}
        assert same(rows, sn.sweep(law, replications=count, **options).frame)
    assert stopped.is_partial(frame)
    # Sources advance together: none is a doubling and a task ahead of another.
    fewest, most = frame["replications"].min(), frame["replications"].max()
    assert most <= 4 * fewest


def test_a_run_in_time_does_not_show_its_limit() -> None:
    """A limit that is not reached changes nothing."""
    limited = sn.sweep("normal", replications=1000, time_limit="1h", **SMALL).frame
    plain = sn.sweep("normal", replications=1000, **SMALL).frame
    assert limited.equals(plain)


def test_time_may_cut_a_target_short() -> None:
    """What is precise by then has reached the target, the rest says time."""
    design = Design.make("normal", target_mcse="2%", time_limit="1h", estimators=["std"], **SMALL)
    frame = timed(design, 3, workers=1)
    assert set(frame["stop_reason"]) == {"target", "time"}
    assert "partial" in stopped.notice(design, frame)


def test_the_nodes_of_a_run_make_its_table_again() -> None:
    """Whatever their order: nothing but the nodes is needed, with targets, limits and neither."""
    options = {"estimators": ["mean", "std"], **SMALL}
    for given in ({"replications": 700}, {"target_mcse": "5%"}, {"time_limit": "1h"}):
        design = Design.make(["normal", "laplace"], **given, **options)
        nodes = Memory()
        made = settling.Maker(design)
        engine.run(design, workers=2, on_node=nodes.add, on_source=made.add, on_look=made.look)
        for pool in (nodes, nodes.upside_down()):
            again = settling.Maker.of_pool(design, pool)
            for one, other in zip(made.tables(), again.tables(), strict=True):
                assert one.equals(other)


# -------------------------------------------------------------------------------- the command line

SWEEP = ["sweep", "--dist", "normal", "--batch-sizes", "2,2048", "--full-size", "4096"]


@pytest.mark.usefixtures("empty_cwd")
def test_a_target_that_is_reached_ends_well() -> None:
    """Exit 0, and a table that says how many replications it took."""
    result = call(*SWEEP, "--target-mcse", "5%")
    assert result.exit_code == 0
    assert "R = 512 to 2,048 replications" in " ".join(result.stdout.split())
    assert "MCSE of 5 %" in " ".join(result.stdout.split())
    assert "reached" not in result.stderr


def test_a_target_that_is_missed_names_its_cells(empty_cwd: Path) -> None:  # noqa: F811
    """Exit 3; quiet or not, the cells stand on stderr with what they have and what would do."""
    result = call(*SWEEP, "--target-mcse", "1%", "--max-replications", "600", "-q", "--json")
    assert result.exit_code == 3
    said = " ".join(result.stderr.split())
    assert "have not reached the target, a Monte Carlo standard error of 1 %" in said
    assert "normal, mean, n = 2,048, against the full set: MCSE of the variance" in said
    assert "--max-replications" in said
    held = sn.load(next((empty_cwd / "runs").iterdir()))
    assert len(held.missed()) == len(held.frame[held.frame.stop_reason == "max"].groupby(KEY))


def test_a_run_out_of_time_leaves_a_report_that_says_so(
    empty_cwd: Path,  # noqa: F811
) -> None:
    """Exit 3, tables, and a PDF whose first page says that the run is partial."""
    options = ["--replications", "10000000", "--time-limit", "0.2s", "--report", "r.pdf"]
    result = call(*SWEEP, *options)
    assert result.exit_code == 3
    said = " ".join(result.stderr.split())
    assert "This run is partial: the time limit of 0.2 s was over" in said
    assert Path("r.pdf").stat().st_size > 10_000
    held = sn.load(next((empty_cwd / "runs").iterdir()))
    assert held.is_partial
    assert set(held.frame["stop_reason"]) == {"time"}


def test_a_plan_says_at_most(empty_cwd: Path) -> None:  # noqa: F811
    """With a target nobody knows how much is drawn, but the most is known."""
    result = call(*SWEEP, "--target-mcse", "1%", "--time-limit", "2h", "--dry-run")
    assert result.exit_code == 0
    assert "at most 131,072" in result.stdout
    assert "target MCSE:    1 %" in result.stdout
    assert "time limit:     2 h" in result.stdout
    assert not list(empty_cwd.iterdir())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--target-mcse", "x"], "--target-mcse"),
        (["--target-mcse", "1%", "--replications", "5"], "--replications"),
        (["--max-replications", "5"], "--max-replications"),
        (["--time-limit", "yesterday"], "--time-limit"),
    ],
)
def test_bad_words_are_one_line(
    options: list[str],
    said: str,
    empty_cwd: Path,  # noqa: F811
) -> None:
    """Exit 2 with the option, what came and what is allowed."""
    result = call("sweep", *options)
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not list(empty_cwd.iterdir())


@pytest.mark.usefixtures("empty_cwd")
def test_what_a_target_took_stays_under_a_coarser_design() -> None:
    """The tables are the last design's; for the first one's nothing is drawn again."""
    finest = (*SWEEP, "--target-mcse", "4%", "-o", "run")
    assert call(*finest).exit_code == 0
    table = Path("run/results.csv").read_bytes()
    for less in ([], ["--target-mcse", "9%"], ["--target-mcse", "5%", "--max-replications", "999"]):
        assert call(*SWEEP, *less, "-o", "run").exit_code in (0, 3), less
        assert Path("run/results.csv").read_bytes() != table
    assert call(*finest).exit_code == 0
    assert Path("run/results.csv").read_bytes() == table
    assert json.loads(Path("run/provenance.json").read_text("utf-8"))["session_draws"] == 0


@pytest.mark.usefixtures("empty_cwd")
def test_the_design_of_a_precise_run_runs_again() -> None:
    """`simnorm run` on it gives the same table."""
    assert call(*SWEEP, "--target-mcse", "5%", "-o", "one").exit_code == 0
    assert call("run", "one", "-o", "two").exit_code == 0
    assert Path("one/results.csv").read_bytes() == Path("two/results.csv").read_bytes()


@pytest.mark.usefixtures("empty_cwd")
def test_a_run_that_goes_on_says_so() -> None:
    """The default folder is the design's, whatever its precision: what is there is made use of."""
    first = call(*SWEEP)
    assert first.exit_code == 0
    assert "goes on" not in first.stderr
    again = " ".join(call(*SWEEP).stderr.split())
    assert "all of it was in runs/sweep-" in again
    assert ": nothing is drawn" in again
    result = call(*SWEEP, "--target-mcse", "5%")
    assert "is not drawn again" in " ".join(result.stderr.split())


def test_a_forgotten_per_cent_sign_is_noted() -> None:
    """A target of 1 is in the unit of the estimates: allowed, and told."""
    notes: list[str] = []
    Design.make("normal", target_mcse="1", notes=notes)
    assert notes == ["target MCSE 1 is in the unit of every estimate; 1% would be a share"]


def test_what_a_target_cannot_be_for_is_named() -> None:
    """The squares of t(df=5)'s variances have no error bar, however long one waits."""
    result = sn.sweep("t(df=5)", target_mcse="9%", estimators=["biased_variance"], **SMALL)
    said = stopped.without_error_bars(result.design, result.frame)
    assert said.startswith("6 of 6 cells have measures without an error bar to trust")
    assert "t(df=5): biased_variance" in said


def test_a_heavy_tail_is_drawn_until_its_number_is_small_and_stays_doubted() -> None:
    """A k-hat is of the first 1,024 replications: what it doubts is not given up at once."""
    result = sn.sweep(
        "laplace", estimators=["unbiased_variance"], batch_sizes=[60], full_size=64,
        target_mcse="1.5%", seed=1,
    )  # fmt: skip
    rows = result.frame[result.frame["reference"] == "full_set"]
    rows = rows[rows["measure"].isin(["variance", "mse"])]
    assert set(rows["status"]) == {"unreliable"}
    assert (rows["khat"] > 0.5).all()
    assert (rows["mcse"] <= 0.015 * rows["estimate"]).all()
    assert set(rows["stop_reason"]) == {"target"}
    assert "laplace: unbiased_variance" in stopped.without_error_bars(result.design, result.frame)


def test_one_replication_reaches_no_target() -> None:
    """Without a second one there is no standard error: missed, not silently undefined."""
    result = sn.sweep("normal", target_mcse="1%", max_replications=1, estimators=["std"], **SMALL)
    assert len(result.missed()) == 6
    assert set(result.frame.loc[result.frame["measure"] == "bias", "stop_reason"]) == {"max"}


def test_a_missed_cell_shows_what_it_waits_for() -> None:
    """Its bias and MSE are precise by far; its variance, with no error bar to trust, is not.

    Of 64 rows one is 1: a batch of 2 holds it in 1 of 32. Nothing is near 2 %, so the reason is
    the only thing to tell.
    """
    data = {"sign": np.repeat([-1.0, 1.0], 64), "one": np.eye(1, 128)[0]}
    result = sn.sweep(data=pd.DataFrame(data), estimators=["biased_variance", "mean"],
                      batch_sizes=[2, 8], target_mcse="2%", max_replications=2048)  # fmt: skip
    short = result.missed()
    assert len(short)
    wanted = precision.target("2%").value
    for row in short.to_dict(orient="records"):
        assert row["lacks"] in {"precision", "trust", "look"}
        assert (row["achieved"] > wanted) == (row["lacks"] == "precision")
        assert (row["status"] == "unreliable") == (row["lacks"] == "trust")
    lines = stopped.missed_lines(result.design, result.frame)
    assert "against the full set: the error bar of the " in lines[0]
    assert "is not to be trusted: " in lines[0]
    assert "full_set" not in " ".join(lines)
    assert stopped.next_step(result.design, result.frame).startswith("Give more")


def test_a_bias_is_measured_by_the_rmse_of_its_own_source() -> None:
    """Two laws of the same cells, one a thousand times wider: the shares are those of each alone.

    Shares are free of the unit, and both are drawn alike but for it.
    """
    small, wide = "normal(scale=0.001)", "normal(scale=1000)"
    how = {"estimators": ["mean"], "target_mcse": "0.5%", "max_replications": 256, **SMALL}
    both = sn.sweep([wide, small], **how).missed()
    for law in (small, wide):
        alone = sn.sweep(law, **how).missed()
        of_law = both[both["distribution"] == law].sort_index()
        np.testing.assert_array_equal(
            of_law["achieved"], alone.sort_index()["achieved"], err_msg=law
        )
        assert of_law["measure"].tolist() == alone.sort_index()["measure"].tolist()


def test_a_number_is_asked_of_a_bias_whose_rmse_does_not_exist() -> None:
    """t(df=4): the variance's bias against the full set has an error bar, its square has not."""
    result = sn.sweep(
        "t(df=4)", estimators=["unbiased_variance"], target_mcse=0.0002, max_replications=1024,
        **SMALL,
    )  # fmt: skip
    rows = result.frame[(result.frame["measure"] == "bias") & (result.frame["status"] == "ok")]
    assert len(rows)
    assert (rows.loc[rows["stop_reason"] == "target", "mcse"] <= 0.0002).all()
    assert set(rows.loc[rows["mcse"] > 0.0002, "stop_reason"]) == {"max"}
