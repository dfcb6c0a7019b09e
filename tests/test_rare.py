"""What rarely happens to rows of data: told before it is missed; calibration on nasty columns."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import simnorm as sn
from simnorm.columns import Column, power_means
from simnorm.estimators import estimator
from simnorm.rare import differing, fourth_cumulants, squared_mean_kurtosis

MOMENTS = "mean,biased_variance,unbiased_variance,std,std(ddof=1)"
ORDER = "min,max,range,median,iqr,quantile(q=0.9)"
SIZES = [2, 3, 4, 8, 100]


def generator(seed):
    return np.random.Generator(np.random.PCG64DXSM(seed))


def normals(count, *outliers):
    return np.r_[generator(7).standard_normal(count), outliers]


NASTY = {
    "opposite outliers": normals(498, 1e4, -1e4),
    "one outlier": normals(996, 1e3),
    "five equal outliers": normals(992, *[50.0] * 5),
    "Pareto 1.5": generator(3).pareto(1.5, 500),
    "three ones": np.r_[np.zeros(497), np.ones(3)],
    "a fair coin": (np.arange(200) < 100).astype(float),
    "counts": generator(4).poisson(0.3, 400).astype(float),
}


@pytest.mark.parametrize("sampling", ["shuffle", "replacement"])
@pytest.mark.parametrize("name", NASTY)
def test_rows_that_are_ok_agree_with_theory(name, sampling):
    """No |z| above 5.5 in three seeds of R = 64 and 256; without the rules z is in the hundreds."""
    for seed, R in itertools.product(range(3), (64, 256)):
        frame = sn.sweep(
            data={"x": NASTY[name]}, sampling=sampling, estimators=f"{MOMENTS},{ORDER}",
            batch_sizes=SIZES, replications=R, seed=seed,
        ).frame  # fmt: skip
        z = frame.loc[(frame["status"] == "ok") & frame["z"].notna(), "z"]
        assert not len(z) or z.abs().max() < 5.5, (seed, R)


def test_rows_of_plain_columns_stay_ok():
    """Rules against rare events leave a normal column alone: nine rows of ten are ok."""
    frame = sn.sweep(
        data={"x": normals(1000)}, estimators=MOMENTS, batch_sizes=[2, 8, 50, 200], replications=256
    ).frame
    rows = frame[frame["status"] != "exact"]
    assert (rows["status"] == "ok").mean() > 0.9


@pytest.mark.parametrize("scale", [1e-45, 1e-20, 1e20, 1e45])
def test_any_unit_gives_the_same_statuses(scale):
    """Masses and densities have scales whose powers are no doubles."""
    x = normals(100, 9.0)
    grid = {"estimators": f"{MOMENTS},{ORDER}", "batch_sizes": [4, 10], "replications": 64}
    plain, scaled = (sn.sweep(data={"x": v}, **grid).frame for v in (x, x * scale))
    assert (plain["status"] == scaled["status"]).mean() > 0.99
    here = plain["measure"] == "relative_rmse"
    assert scaled.loc[here, "estimate"].to_numpy() == pytest.approx(
        plain.loc[here, "estimate"].to_numpy(), rel=1e-9
    )


def test_meeting_and_leaving_by_hand():
    """The mean of pairs of (0, ..., 0, 3, -3): A changes if one is left out, Q if they meet."""
    x = np.zeros(9)
    x[:2] = 3.0, -3.0
    column = Column("x", x)
    found = fourth_cumulants(estimator("mean"), 2, column, 0.0)
    z = 3.0 / column.std
    # Four batches; a value is left out with probability 1/9, the two meet with 1/8.
    assert found.mean_error == pytest.approx(2 / 9 * (z / 2 / 4) ** 4)
    meet, leave = (2 * z * z / 4 / 4) ** 4, (z * z / 4 / 4) ** 4
    assert found.mean_square == pytest.approx(meet / 8 + 2 * leave / 9)
    assert found.unit == column.std


def test_kurtosis_of_a_squared_mean_is_that_of_all_draws():
    """All 4^5 draws of five from four values, and the limit of a normal mean."""
    values = np.array([-1.0, -0.5, 0.0, 1.5])
    means = np.array([np.mean(d) for d in itertools.product(values, repeat=5)])
    square = means**2 - np.mean(means**2)
    expected = np.mean(square**4) / np.mean(square**2) ** 2 - 3.0
    assert squared_mean_kurtosis(power_means(values), 5) == pytest.approx(expected, rel=1e-10)
    assert squared_mean_kurtosis(power_means(values), 10**7) == pytest.approx(12.0, abs=1e-3)


def test_replications_that_differ_are_counted_about_the_common_one():
    """Rounding is no difference, and where nothing is common all but one differ or more."""
    values = np.array([[1.0, 1.0 + 1e-13, 1.0, 5.0], [1.0, 2.0, 3.0, 4.0], [0.0, 0.0, 0.0, 0.0]])
    assert differing(values).tolist()[0] == 1
    assert differing(values).tolist()[2] == 0
    assert differing(values)[1] >= 2


def test_groups_ask_for_replications_that_a_khat_can_judge():
    """Two outliers in different groups: nothing is ok below 200 replications."""
    x = normals(1001)
    x[[5, 600]] = 200.0
    data = {"x": x, "g": np.arange(1001) // 7}
    grid = {"sampling": "grouped:g", "batch_sizes": [16], "estimators": "mean,biased_variance,max"}
    few = sn.sweep(data=data, replications=64, **grid).frame
    assert "ok" not in set(few["status"])
    assert few["reason"].str.contains("200 replications or more").any()


def test_one_group_is_file_order():
    """Its rows cannot come in another order: exact, as `sequential`."""
    data = {"x": normals(30), "g": np.zeros(30)}
    frame = sn.sweep(data=data, sampling=["grouped:g", "sequential"], batch_sizes=[7]).frame
    one, order = (frame[frame["sampling"] == s] for s in ("grouped:g", "sequential"))
    assert set(one["status"]) == {"exact"}
    assert one["estimate"].to_numpy() == pytest.approx(order["estimate"].to_numpy(), rel=1e-9)


def test_a_function_of_the_order_of_rows_is_not_exact_for_the_whole():
    """A first value is another in every order; a symmetric function is the full set's own."""

    def first(sample, axis=-1):
        return np.take(sample, 0, axis=axis)

    def spread(sample, axis=-1):
        return np.ptp(sample, axis=axis)

    frame = sn.sweep(
        data={"x": normals(20)}, estimators=[first, spread], batch_sizes=[20], replications=200
    ).frame
    rows = frame[frame["measure"] == "mse"].set_index("estimator")
    assert rows.loc["user.first", "status"] != "exact"
    assert rows.loc["user.first", "estimate"] > 0.1
    assert rows.loc["user.spread", ["status", "estimate"]].tolist() == ["exact", 0.0]
