"""Batches of the user's rows: read exactly, by every reader, under every scheme."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest

import simnorm as sn
from simnorm import engine
from simnorm.columns import Column
from simnorm.compiled import compiled_kernels
from simnorm.design import Design
from simnorm.estimators import ESTIMATORS, estimator
from simnorm.resampling import Chunk, ColumnReader, columns_together
from simnorm.rows import lane_moments, make_table, moments_by_numpy, shuffle_rows
from simnorm.studies import drawing, sweep

EVERY_KIND = [
    "quantile(q=0.9)" if word == "quantile" else word for word in ESTIMATORS if word != "std"
] + ["std(ddof=0)", "std(ddof=1)"]
MOMENTS = ["mean", "biased_variance", "unbiased_variance", "std(ddof=0)", "std(ddof=1)"]
needs_numba = pytest.mark.skipif(compiled_kernels() is None, reason="needs numba")


def generator(seed=1):
    return np.random.Generator(np.random.PCG64DXSM(seed))


def table_of(rows=60):
    """Return a skewed column, one far from zero, one of few values, and a coin."""
    rng = generator()
    return {
        "skewed": rng.standard_exponential(rows),
        "far": 1e9 + rng.standard_normal(rows),
        "few": rng.integers(0, 4, rows).astype(float),
        "coin": (np.arange(rows) % 7 == 0).astype(float),
    }


def by_hand(kind, values, order, n):
    """Return A and Q of one order of the rows, as the definition has it."""
    whole = float(kind(values))
    batches = [values[order[i : i + n]] for i in range(0, len(order) - n + 1, n)]
    errors = np.array([float(kind(batch)) - whole for batch in batches])
    return errors.mean(), (errors * errors).mean()


@pytest.mark.parametrize("compiled", [pytest.param(True, marks=needs_numba), False])
@pytest.mark.parametrize("spec", EVERY_KIND)
def test_errors_are_those_of_the_definition(spec, compiled):
    """For every estimator, column and lane: batch by batch with the estimator itself."""
    kind, data = estimator(spec), table_of()
    columns = tuple(Column(name, values) for name, values in data.items())
    sizes = [n for n in (1, 2, 3, 7, 16, 30, 31, 59, 60) if n >= kind.smallest_batch]
    orders = shuffle_rows(generator(2), 4, 60)
    reader = ColumnReader(Chunk(columns), [kind], 60, compiled=compiled)
    with np.errstate(invalid="ignore"):
        found = reader.read(orders, sizes, range(len(sizes)), 0)
    for (c, values), (j, n), lane in itertools.product(
        enumerate(data.values()), enumerate(sizes), range(4)
    ):
        with np.errstate(invalid="ignore"):
            a, q = by_hand(kind, values, orders[lane], n)
        # Doubles at 10^9 are 10^-7 apart; numpy's own variance there knows no better.
        unit = (float(values.std()) or 1.0) ** kind.power
        tolerance = (1e-6 if values[0] > 1e8 else 1e-12) * max(unit, 1.0)
        assert found[0, c, 0, j, lane] == pytest.approx(a, abs=tolerance, nan_ok=True)
        assert found[1, c, 0, j, lane] == pytest.approx(q, abs=tolerance, nan_ok=True)


@needs_numba
@pytest.mark.parametrize("size", [5, 255, 256, 257, 1000])
def test_the_loops_agree_with_numpy(size):
    """For chains of sizes over blocks and beyond, with an outlier of 10^4 sd, to 1e-9."""
    rng = generator(size)
    values = rng.standard_normal((size, 11))
    values[size // 2, 3] = 1e4
    values[:, 4] = 0.1
    values = (values - values.mean(axis=0)) / np.where(
        values.std(axis=0) > 1e-9, values.std(axis=0), 1
    )
    values[:, 4] = 0.0
    table = make_table(values)
    orders = shuffle_rows(rng, 3, size)
    sizes = [n for n in (1, 2, 3, 4, 5, 6, 8, 12, 64, 96, 250, 255, 256, 512, 999) if n <= size]
    fast, plain = lane_moments(table, orders, sizes), moments_by_numpy(table, orders, sizes)
    assert (np.isnan(fast) == np.isnan(plain)).all()
    scale = np.abs(plain).max(axis=(0, 1, 2, 4), keepdims=True, initial=0.0, where=~np.isnan(plain))
    assert np.nanmax(np.abs(fast - plain) / np.maximum(scale, 1.0)) <= 1e-9


@needs_numba
def test_a_size_has_the_same_bits_whatever_the_others():
    """Every size alone, in pairs and with all: equal to the last bit; so is every column."""
    rng = generator(4)
    values = rng.standard_exponential((777, 9))
    orders = shuffle_rows(rng, 2, 777)
    sizes = [1, 2, 3, 4, 6, 7, 12, 14, 100, 256, 300, 600, 777]
    together = lane_moments(make_table(values), orders, sizes)
    for j, n in enumerate(sizes):
        alone = lane_moments(make_table(values), orders, [n])
        assert np.array_equal(alone[:, :, 0], together[:, :, j], equal_nan=True)
    one = lane_moments(make_table(values[:, 8:]), orders, sizes)
    assert np.array_equal(one[:, 0, :, :, 0], together[:, 1, :, :, 0], equal_nan=True)


def design_of(**other):
    given = {"data": table_of(), "estimators": "mean,std,median", "batch_sizes": [2, 5, 16],
             "replications": 40, "sampling": "shuffle"}  # fmt: skip
    return Design.make(**(given | other))


def values_of(design, **options):
    """Return estimates and errors by what they are of."""
    frame = sn.run(design, **options).frame
    keys = ["column", "sampling", "estimator", "batch_size", "measure"]
    return {
        tuple(row[:5]): tuple(row[5:])
        for row in frame[[*keys, "estimate", "mcse"]].itertuples(index=False, name=None)
    }


def same(a, b):
    return a.keys() <= b.keys() and all(np.array_equal(a[key], b[key], equal_nan=True) for key in a)


SCHEMES = ["shuffle", "replacement", "sequential", "grouped:few"]


def test_any_number_of_workers_gives_the_same_bits():
    """Over thousands of replications, so that there are several tasks."""
    base = values_of(design_of(sampling=SCHEMES, replications=9000), workers=1)
    for workers in (2, 3):
        assert same(
            base, values_of(design_of(sampling=SCHEMES, replications=9000), workers=workers)
        )


def test_an_extension_changes_no_number_that_was_there():
    """More sizes, estimators, columns or schemes."""
    base = values_of(design_of(columns="skewed,coin"))
    for more in (
        {"batch_sizes": [2, 3, 5, 8, 16, 60]},
        {"estimators": "mean,std,median,iqr,biased_variance"},
        {"columns": "far,skewed,few,coin"},
        {"sampling": "replacement,shuffle"},
    ):
        assert same(base, values_of(design_of(**({"columns": "skewed,coin"} | more))))


def test_more_replications_begin_with_the_fewer():
    """The kept A and Q of 40 replications are the first of those of 5,000."""
    few, many = (engine.run(design_of(replications=R), workers=1) for R in (40, 5000))
    (small,), (large,) = few.values(), many.values()
    assert np.array_equal(small.kept, large.kept[..., :40])


def test_a_changed_cell_draws_nothing_anew():
    """Other columns keep their bits; only the seed and N, not the content, name the orders."""
    data = table_of()
    data["few"][3] = 77.0
    base, other = values_of(design_of()), values_of(design_of(data=data))
    untouched = {key: value for key, value in base.items() if key[0] != "few"}
    assert same(untouched, other)
    assert not same(base, other)


def test_columns_stay_paired():
    """Two equal columns have the same errors, in any chunk."""
    x = generator(6).standard_normal(50)
    data = {f"c{i}": (x if i in (0, 30) else x + i) for i in range(31)}
    assert columns_together(50) < 31
    found = values_of(design_of(data=data, batch_sizes=[5]))
    for (column, *rest), value in found.items():
        if column == "c0":
            assert np.array_equal(value, found["c30", *rest], equal_nan=True)


def test_file_order_is_exact():
    """One replication, without an error bar, equal to numpy's own batches in file order."""
    data = table_of()
    frame = sn.sweep(data=data, sampling="sequential", batch_sizes=[7], estimators="mean").frame
    assert set(frame["replications"]) == {1}
    for name, values in data.items():
        rows = frame[(frame["column"] == name) & ~frame["measure"].str.startswith("rel")]
        found = rows.set_index("measure")["estimate"]
        errors = values[:56].reshape(8, 7).mean(axis=1) - values.mean()
        assert found["bias"] == pytest.approx(errors.mean(), abs=1e-7)
        assert found["mse"] == pytest.approx((errors**2).mean(), rel=1e-6)
        assert found["variance"] == pytest.approx(errors.var(), rel=1e-6)
        assert set(rows["status"]) == {"exact"}
        assert set(rows["mcse"]) == {0.0}
        assert rows["z"].isna().all()
        assert rows["theory"].isna().all()


def test_grouped_batches_against_every_order_of_the_groups():
    """Three groups of unequal size: all six orders by hand, within 5 standard errors of 3,000."""
    x = generator(8).standard_exponential(20)
    group = np.repeat(["b", "a", "c"], [9, 4, 7])
    result = sn.sweep(
        data={"x": x, "g": np.array([1.0, 2.0, 3.0])[np.repeat([0, 1, 2], [9, 4, 7])]},
        sampling="grouped:g", estimators="mean,biased_variance", batch_sizes=[3, 6],
        replications=3000,
    )  # fmt: skip
    assert result.design.columns == ("x",)
    frame = result.frame.set_index(["estimator", "batch_size", "measure"])
    rows = {name: np.flatnonzero(group == name) for name in "bac"}
    for spec, n in itertools.product(("mean", "biased_variance"), (3, 6)):
        pairs = [
            by_hand(estimator(spec), x, np.concatenate([rows[g] for g in order]), n)
            for order in itertools.permutations("bac")
        ]
        for measure, at in (("bias", 0), ("mse", 1)):
            row = frame.loc[(spec, n, measure)]
            expected = np.mean([pair[at] for pair in pairs])
            assert abs(row["estimate"] - expected) <= 5 * row["mcse"], (spec, n, measure)


def test_groups_that_batches_never_leave_are_exact():
    """Groups of 4 and 8 rows, batches of 4: the same batches in every order."""
    x = generator(9).standard_normal(20)
    data = {"x": x, "g": np.repeat([0, 1, 2], [4, 8, 8])}
    frame = sn.sweep(data=data, sampling="grouped:g", estimators="std", batch_sizes=[4, 5]).frame
    status = frame.groupby("batch_size")["status"].agg(set)
    assert status[4] == {"exact"}
    assert "exact" not in status[5]
    errors = x.reshape(5, 4).std(axis=1) - x.std()
    row = frame[(frame["batch_size"] == 4) & (frame["measure"] == "mse")].iloc[0]
    assert row["estimate"] == pytest.approx((errors**2).mean(), rel=1e-12)


def test_what_cannot_vary_is_exact_and_what_has_no_value_undefined():
    """n = N, the mean where n divides N, constant columns, batches of one."""
    data = {"x": np.arange(12.0), "same": np.full(12, 0.1)}
    frame = sn.sweep(
        data=data, estimators="mean,std,skewness,median", batch_sizes=[1, 4, 5, 12]
    ).frame.set_index(["column", "estimator", "batch_size", "measure"])

    def status(*key):
        return frame.loc[key, "status"], frame.loc[key, "estimate"]

    assert status("x", "mean", 4, "bias") == ("exact", 0.0)
    assert status("x", "mean", 5, "bias")[0] != "exact"
    assert status("x", "mean", 4, "mse")[0] == "ok"
    assert status("x", "std(ddof=0)", 12, "rmse") == ("exact", 0.0)
    assert status("x", "std(ddof=0)", 1, "rmse")[0] == "undefined"
    assert status("same", "std(ddof=0)", 4, "rmse") == ("exact", 0.0)
    assert status("same", "mean", 4, "bias") == ("exact", 0.0)
    assert status("same", "mean", 4, "relative_rmse")[0] == "undefined"
    assert status("same", "skewness", 4, "bias")[0] == "undefined"
    reason = frame.loc[("same", "skewness", 4, "bias"), "reason"]
    assert reason == "the column is constant and has no skewness"


def test_more_rows_than_the_file_only_with_replacement():
    """n > N is refused, or cut from a range with a note; with replacement it is a batch."""
    data = {"x": np.arange(10.0)}
    with pytest.raises(sn.SimnormError, match="batch_sizes"):
        sn.sweep(data=data, batch_sizes=[11])
    notes: list[str] = []
    assert Design.make(data=data, batch_sizes="2:64:x2", notes=notes).batch_sizes == (2, 4, 8)
    assert any("cut at N = 10" in note for note in notes)
    frame = sn.sweep(data=data, batch_sizes=[40], sampling="replacement", estimators="mean").frame
    row = frame[frame["measure"] == "mse"].iloc[0]
    assert row["theory"] == pytest.approx(8.25 / 40, rel=1e-12)
    assert row["batches"] == 1


@pytest.mark.parametrize("spec", ["median", "biased_variance", "skewness", "mad"])
def test_enumeration_makes_theory_of_any_estimator(spec):
    """`exact` puts the values of all 120 subsets beside the estimates; within 5 of their errors."""
    data = {"x": generator(3).standard_exponential(10)}
    plain = sn.sweep(data=data, estimators=spec, batch_sizes=[3], replications=4000)
    exact = sn.sweep(data=data, estimators=spec, batch_sizes=[3], replications=4000, exact=True)
    kind, x = estimator(spec), data["x"]
    errors = [
        float(kind(x[list(s)])) - float(kind(x)) for s in itertools.combinations(range(10), 3)
    ]
    rows = exact.frame.set_index("measure")
    assert rows.loc["mse", "theory"] == pytest.approx(np.mean(np.square(errors)), rel=1e-10)
    assert rows.loc["bias", "theory"] == pytest.approx(np.mean(errors), abs=1e-12)
    assert (rows["theory_kind"] == "exact").all()
    assert rows.loc[["bias", "variance"], "z"].abs().max() < 5
    assert np.array_equal(plain.frame["estimate"], exact.frame["estimate"])


def test_a_function_of_the_user_sees_the_data_themselves():
    """Not centred or scaled, read-only; against the whole column; replayed."""
    seen = []

    def spread(sample, axis=-1):
        seen.append((sample.flags.writeable, float(sample.min())))
        return np.ptp(sample, axis=axis)

    data = {"x": 1000.0 + np.arange(20.0)}
    result = sn.sweep(data=data, estimators=[spread, "range"], batch_sizes=[4], replications=30)
    assert all(not writeable and low >= 1000.0 for writeable, low in seen)
    wide = result.table("rmse")
    assert wide["user.spread"].to_numpy() == pytest.approx(wide["range"].to_numpy())
    assert result.replay(spread, 4, replication=7, column="x").shape == (5,)


def test_replay_draws_the_rows_of_the_run():
    """The estimates of all replications of every scheme give A and Q of the run."""
    design = design_of(sampling=SCHEMES, replications=12, estimators="std", batch_sizes=[16])
    result = sn.run(design)
    sums = engine.run(design)
    for source, found in sums.items():
        for c, name in enumerate(source.columns):
            values = drawing.chunk(design, source).columns[c].values
            for r in range(drawing.replications(design, source)):
                given = {"column": name, "sampling": source.sampling}
                errors = result.replay("std", 16, r, **given) - values.std()
                assert found.kept[0, c, r] == pytest.approx(errors.mean(), abs=1e-6)
    with pytest.raises(sn.SimnormError, match="replication"):
        result.replay("std", 16, 1, column="far", sampling="sequential")


def test_data_that_changed_are_refused_by_their_folder(tmp_path):
    """One cell, or the grouping alone; another name of the same numbers is the same run."""
    data = table_of(20)
    out = tmp_path / "run"
    given = {"estimators": "mean", "batch_sizes": [4], "replications": 30}
    sn.sweep(data=data, sampling="grouped:few", columns="skewed", out=out, **given)
    sn.sweep(data=data, sampling="grouped:few", columns="skewed", out=out, **given)
    for name, what in (("skewed", "column skewed"), ("few", "groups of few")):
        changed = {key: values.copy() for key, values in data.items()}
        changed[name][2] += 50.0
        with pytest.raises(sn.SimnormError, match=f"the numbers of {what} have changed"):
            sn.sweep(data=changed, sampling="grouped:few", columns="skewed", out=out, **given)


def test_a_design_of_data_is_read_back(tmp_path):
    """From a file the same design; with other numbers it is refused."""
    path = tmp_path / "x.csv"
    path.write_text("a,b,g\n" + "".join(f"{i * i},{i % 3},{i % 2}\n" for i in range(30)))
    design = Design.make(data=path, sampling="shuffle,grouped:g", batch_sizes=[2, 3], exclude="b")
    assert design.columns == ("a",)
    again = Design.from_toml(design.to_toml())
    assert again == design
    assert again.identity() == design.identity()
    moved = tmp_path / "y.csv"
    moved.write_bytes(path.read_bytes())
    assert (
        Design.make(
            data=moved, sampling="shuffle,grouped:g", batch_sizes=[2, 3], exclude="b"
        ).identity()
        == design.identity()
    )
    path.write_text(path.read_text().replace("841", "842"))
    with pytest.raises(sn.SimnormError, match="the data are not those"):
        Design.from_toml(design.to_toml())


@pytest.mark.parametrize(
    "name", ["\N{GRINNING FACE}", 'a"b\\c', "tab\there", "\x7f", "\u202eback", "中"]
)
def test_any_name_survives_the_design_file(name, tmp_path):
    """Emoji, quotes, control characters: TOML reads back what was written."""
    import pandas as pd

    design = Design.make(data=pd.DataFrame({name: np.arange(9.0)}), batch_sizes=[2])
    path = tmp_path / "design.toml"
    path.write_text(design.to_toml(), encoding="utf-8")
    assert Design.from_file(path, read=False).columns == design.columns


def test_a_design_of_an_array_needs_the_array_again(tmp_path):
    """Its file says so in one line; with the data it runs."""
    x = np.arange(30.0)
    out = tmp_path / "run"
    result = sn.sweep(data=x, batch_sizes=[5], estimators="mean", replications=30, out=out)
    with pytest.raises(sn.SimnormError, match="data=") as caught:
        sn.run(out)
    assert "\n" not in str(caught.value)
    again = sn.run(out, data=x)
    assert again.frame.equals(result.frame)
    assert sn.load(out).frame.equals(result.frame)


def test_orders_of_laws_with_replacement_match_their_theory():
    """Full sets of a law, batches with replacement: biases and variances within 5 errors."""
    frame = sn.sweep(
        "exponential", sampling="replacement", full_size=20, batch_sizes=[2, 5, 50],
        estimators="mean,biased_variance,unbiased_variance", replications=8192,
    ).frame  # fmt: skip
    asked = frame[frame["measure"].isin(["bias", "variance"]) & frame["z"].notna()]
    assert len(asked) >= 30
    assert asked["z"].abs().max() < 5
    # sigma^2 (N - 1)/(n N) for the mean against its full set.
    row = frame[(frame["estimator"] == "mean") & (frame["reference"] == "full_set")]
    row = row[(row["measure"] == "variance") & (row["batch_size"] == 5)].iloc[0]
    assert row["theory"] == pytest.approx(19 / 20 / 5)


def test_iid_has_only_the_population():
    """N draws cut into batches, the reference the law's own value."""
    frame = sn.sweep("normal", sampling="iid", full_size=64, batch_sizes=[4]).frame
    assert set(frame["reference"]) == {"population"}


@pytest.mark.parametrize(
    "mutant",
    ["last row never drawn", "first row twice", "batches of n - 1", "divisor n - 1 for n"],
)
def test_wrong_batches_of_rows_are_noticed(monkeypatch, mutant):
    """Four faults, each seen by z beyond the bound that honest seeds pass once in 10^4 runs."""
    from simnorm import resampling

    right = resampling.row_orders

    def wrong(seed, scheme, full_size, block, lanes, batch_size, groups):
        for found in right(seed, scheme, full_size, block, lanes, batch_size, groups):
            orders = found.copy()
            if mutant == "last row never drawn":
                orders[orders == full_size - 1] = 0
            elif mutant == "first row twice":
                orders[:, 0] = orders[:, 1]
            yield orders

    class Shorter(ColumnReader):
        def read(self, orders, sizes, places, first):
            return super().read(orders, [max(n - 1, 2) for n in sizes], places, first)

    if mutant == "batches of n - 1":
        monkeypatch.setattr(sweep, "ColumnReader", Shorter)
    elif mutant == "divisor n - 1 for n":
        from simnorm import rows

        factor = rows._factor
        monkeypatch.setattr(rows, "_factor", lambda m, ddof: factor(m, 1 - ddof))
    else:
        monkeypatch.setattr(drawing, "row_orders", wrong)
    data = {"x": generator(5).standard_exponential(24)}
    grid = {"estimators": "mean,biased_variance", "batch_sizes": [4, 8], "replications": 20_000}
    frame = sn.sweep(data=data, **grid).frame
    assert frame["z"].abs().max() > 6.0
    monkeypatch.undo()
    frame = sn.sweep(data=data, **grid).frame
    assert frame["z"].abs().max() < 5.0


def test_a_chunk_of_columns_depends_on_the_rows_alone():
    """Between 4 and 16, falling."""
    found = [columns_together(10**k) for k in range(1, 9)]
    assert found == sorted(found, reverse=True)
    assert (found[0], found[-1]) == (16, 4)
    assert math.isfinite(dataclasses.replace(design_of(), replications=1).replications)
