"""The study scaling: what is done to the rows, the models, pairing, and rows of the results."""

from __future__ import annotations

import threading
import tracemalloc

import numpy as np
import pytest
from sklearn import preprocessing
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_info, threadpool_limits

import simnorm as sn
from simnorm.datasets import bundled
from simnorm.design import Design
from simnorm.errors import SimnormError
from simnorm.preprocessing import BatchNormalizer
from simnorm.studies import scaling
from simnorm.studies.drawing import sources
from simnorm.studies.scaling import features, models, repeat, sides, splits, training
from simnorm.studies.scaling.features import BatchScaling, Scaling
from simnorm.studies.scaling.threads import one_thread
from simnorm.tasks import total_draws

STATIC = ("none", "min_max", "z_score", "robust")


def make(**given) -> Design:
    """Return a design that is small unless told otherwise."""
    usual = {"datasets": "wine", "replications": 1, "batch_sizes": "2,8,32"}
    if "data" in given:
        del usual["datasets"]
    return Design.make(study="scaling", **(usual | given))


def only(design: Design):
    """Return a design's only source."""
    (source,) = sources(design)
    return source


def accuracy(design: Design, block: int = 0) -> dict[tuple[int, str], float]:
    """Return A of every cell of a block, by batch size and factors."""
    source = only(design)
    a, _ = scaling.block_errors(design, source, block)
    cells = scaling.cells(design, source)
    return {(c.batch_size, c.factors): float(x) for c, x in zip(cells, a[:, 0], strict=True)}


def two_heaps(size: int = 40, distance: float = 100.0) -> dict[str, object]:
    """Return data whose classes lie far apart in one feature."""
    codes = np.arange(size) % 2
    rng = np.random.default_rng(5)
    return {"x": rng.normal(size=size) + distance * codes, "y": [f"c{code}" for code in codes]}


# -------------------------------------------------------------------------------------------------
# Exact


def test_classes_far_apart_are_always_told() -> None:
    """Whatever is done to two heaps, all are told rightly: accuracy 1, differences 0.

    Batches of two are left out: they make a pair of one class as wide as one of both.
    """
    found = accuracy(make(data=two_heaps(), target="y", batch_sizes="16"))
    assert len(found) == 2 * (5 + 4 + 4)
    for (_, factors), value in found.items():
        assert value == (0.0 if "against" in factors else 1.0), factors


@pytest.mark.parametrize("model", ["knn", "mlp"])
def test_a_feature_that_says_nothing_leaves_the_largest_class(model: str) -> None:
    """All rows alike: with 30 against 20 rows, three of five in every fold."""
    data = {"x": np.full(50, 3.0), "y": ["a"] * 30 + ["b"] * 20}
    found = accuracy(make(data=data, target="y", models=model, batch_sizes="2,16"))
    levels = [value for (_, factors), value in found.items() if "against" not in factors]
    assert levels == pytest.approx([0.6] * 6, abs=1e-15)


def test_folds_that_are_all_alike_are_not_called_certain() -> None:
    """A difference of 0 in all folds has the status unreliable, and says why."""
    design = make(data=two_heaps(), target="y", batch_sizes="16", models="knn", replications=2)
    frame = sn.run(design, workers=1).frame
    assert (frame["status"] == "unreliable").all()
    assert frame["reason"].str.contains("no fold differed").all()


@pytest.mark.parametrize("scaler", STATIC)
def test_scalers_are_those_of_scikit_learn_fitted_on_training_rows(scaler: str) -> None:
    """No test row enters: with an outlier among them, training rows come out as without it."""
    rng = np.random.default_rng(0)
    training, test = rng.normal(3.0, 2.0, (30, 4)), rng.normal(size=(10, 4))
    test[0] = 1e6
    kind = {
        "none": preprocessing.FunctionTransformer, "min_max": preprocessing.MinMaxScaler,
        "z_score": preprocessing.StandardScaler, "robust": preprocessing.RobustScaler,
    }[scaler]().fit(training)  # fmt: skip
    found = features.of_rows(scaler, training, test)
    np.testing.assert_array_equal(found[0], kind.transform(training))
    np.testing.assert_array_equal(found[1], kind.transform(test))


def training_rows(factor: float) -> np.ndarray:
    """Return a fold's training rows under all scalings, with test rows times a factor."""
    design = make(models="knn")
    fold = next(splits.folds(design, only(design), 0))
    rows = bundled("wine").rows
    assert not np.intersect1d(fold.training, fold.test).size
    test = factor * rows[fold.test]
    side = sides.SideBySide(rows[fold.training], test, scaling.scalings(design), fold)
    side.begin_epoch(np.arange(7))
    return side.training


def test_nothing_of_the_test_rows_reaches_the_training_rows() -> None:
    """Training rows under all scalings are the same with other test rows."""
    np.testing.assert_array_equal(training_rows(1.0), training_rows(1e5))


def test_a_leak_would_be_noticed(monkeypatch) -> None:
    """Scalers fitted on all rows, as they must not be, make other training rows."""

    def leaking(scaler, training, test):
        both = np.concatenate([training, test])
        scaled, _ = features.of_rows(scaler, both, both)
        return scaled[: len(training)], scaled[len(training) :]

    monkeypatch.setattr(sides, "of_rows", leaking)
    first, second = training_rows(1.0), training_rows(1e5)
    changed = [not np.array_equal(a, b) for a, b in zip(first, second, strict=True)]
    assert changed == [False, True, True, True, False, False, False]


def test_an_accuracy_does_not_see_the_other_test_rows(monkeypatch) -> None:
    """What the model says of a row is the same when another test row becomes an outlier."""
    said = []
    monkeypatch.setattr(repeat, "_accuracy", lambda predicted, truth: said.append(predicted) or
                        (predicted == truth).mean(axis=1))  # fmt: skip
    design = make(models="knn,mlp")
    fold = next(splits.folds(design, only(design), 0))
    whole = bundled("wine")
    changed = whole.rows.copy()
    changed[fold.test[0]] *= 1e4
    for rows in (whole.rows, changed):
        of = splits.Table(rows, whole.codes)
        repeat.accuracies(of, [fold], ("knn", "mlp"), scaling.scalings(design))
    for before, after in zip(said[:2], said[2:], strict=True):
        np.testing.assert_array_equal(before[:, 1:], after[:, 1:])


# -------------------------------------------------------------------------------------------------
# Batches


@pytest.mark.parametrize("n", [2, 3, 8, 19, 20, 64])
def test_batches_are_those_of_the_transformer(n: int) -> None:
    """Epoch by epoch as `BatchNormalizer` with PyTorch's preset, training rows and test rows.

    With 20 rows and batches of 19 the row left over joins them, as if the batch were of 20.
    """
    rng = np.random.default_rng(n)
    rows, test = rng.gamma(2.0, size=(20, 3)), rng.gamma(2.0, size=(7, 3))
    size = 20 if n == 19 else n
    batches, normalizer = BatchScaling(n, 3), BatchNormalizer(size, preset="pytorch")
    for _ in range(3):
        order = rng.permutation(20)
        ordered = rows[order]
        np.testing.assert_allclose(
            batches.epoch(ordered), normalizer.transform_batches(ordered), rtol=1e-12, atol=1e-12
        )
        for first in range(0, 20, size):
            normalizer.partial_fit(ordered[first : first + size])
    np.testing.assert_allclose(batches.mean, normalizer.running_mean_, rtol=1e-12)
    np.testing.assert_allclose(batches.variance, normalizer.running_var_, rtol=1e-12)
    np.testing.assert_allclose(batches.test(test), normalizer.transform(test), rtol=1e-12)


def test_the_row_left_over_joins_the_batch_before_it() -> None:
    """Five rows in twos: the last three make a batch, by hand."""
    rows = np.array([[0.0], [2.0], [1.0], [2.0], [6.0]])
    found = BatchScaling(2, 1).epoch(rows).ravel()
    root = np.sqrt(14.0 / 3.0 + 1e-5)
    np.testing.assert_allclose(found[:2], [-1.0, 1.0], rtol=1e-5)
    np.testing.assert_allclose(found[2:], np.array([-2.0, -1.0, 3.0]) / root)


@pytest.mark.parametrize("n", [2, 7, 32])
def test_batches_are_those_of_pytorch(n: int) -> None:
    """As ``BatchNorm1d(affine=False)`` in double precision: training, then evaluation."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(n)
    rows, test = rng.normal(50.0, 3.0, (40, 5)), rng.normal(50.0, 3.0, (6, 5))
    layer = torch.nn.BatchNorm1d(5, affine=False, dtype=torch.float64)
    batches = BatchScaling(n, 5)
    for _ in range(2):
        parts = [layer(torch.from_numpy(rows[i : i + n])).numpy() for i in range(0, 40, n)]
        np.testing.assert_allclose(batches.epoch(rows), np.concatenate(parts), rtol=1e-9)
    layer.eval()
    np.testing.assert_allclose(batches.test(test), layer(torch.from_numpy(test)), rtol=1e-9)


def test_a_column_that_is_constant_in_a_batch_becomes_zero() -> None:
    """Not noise of rounding over the root of epsilon, whatever the constant."""
    rows = np.full((8, 2), 0.1) * [1.0, 1e6]
    assert not BatchScaling(4, 2).epoch(rows).any()


@pytest.mark.parametrize("n", [2, 8, 32])
def test_every_epoch_has_batches_of_its_own(n: int) -> None:
    """Rows come back in their places, each epoch with other batches, all n in the same order."""
    design = make(batch_sizes=f"{n}")
    fold = next(splits.folds(design, only(design), 0))
    rows = bundled("wine").rows[fold.training]
    side = sides.SideBySide(rows, rows[:1], (Scaling("batch", n),), fold)
    order = np.random.Generator(np.random.PCG64DXSM(fold.of_batches))
    seen = []
    for _ in range(2):
        side.begin_epoch(np.array([0]))
        shuffled = order.permutation(len(rows))
        expected = BatchScaling(n, rows.shape[1]).epoch(rows[shuffled])
        np.testing.assert_array_equal(side.training[0][shuffled], expected)
        seen.append(side.training[0].copy())
    assert not np.array_equal(*seen)


# -------------------------------------------------------------------------------------------------
# Models


@pytest.mark.parametrize("word", ["wine", "breast_cancer", "digits"])
def test_neighbours_are_those_of_scikit_learn(word: str) -> None:
    """Where no distances are equal, which random numbers added see to, votes are the same."""
    found = bundled(word)
    rng = np.random.default_rng(0)
    rows = found.rows / (found.rows.std(axis=0) + 1.0) + 1e-3 * rng.normal(size=found.rows.shape)
    half = rng.permutation(len(rows)) % 2 == 0
    known = KNeighborsClassifier(5, algorithm="kd_tree").fit(rows[half], found.codes[half])
    ours = models.neighbours(rows[half], found.codes[half], rows[~half], found.classes)
    np.testing.assert_array_equal(ours, known.predict(rows[~half]))


def test_equally_far_rows_share_the_votes() -> None:
    """By hand, and in any order of the rows.

    Four rows of class 0 and one of class 1 lie nearest, so class 0. Of one row of class 1 nearby,
    and ten at equal distance, three of class 0: 1.2 votes for it, 3.8 for the others.
    """
    rng = np.random.default_rng(1)
    near = np.array([[0.0], *[[1.0]] * 10])
    codes = np.array([1, *[0] * 3, *[1] * 7])
    for _ in range(5):
        order = rng.permutation(11)
        assert models.neighbours(near[order], codes[order], np.zeros((1, 1)), 2) == [1]
    codes = np.array([1, *[0] * 9, 1])  # 3.6 votes for class 0
    for _ in range(5):
        order = rng.permutation(11)
        assert models.neighbours(near[order], codes[order], np.zeros((1, 1)), 2) == [0]


def test_parts_of_votes_make_whole_ones() -> None:
    """From 2 to 59 equal parts of a vote are one vote, no less: classes tie, and the first wins.

    As sums of doubles one in four of them is less than 1.
    """
    for count in range(2, 60):
        rows = np.array([[0.0]] * 4 + [[1.0]] * count)
        codes = np.array([1, 2, 3, 4, *[0] * count])
        assert models.neighbours(rows, codes, np.zeros((1, 1)), 5) == [0]


def test_neighbours_in_pieces(monkeypatch) -> None:
    """Few distances at a time give the same classes."""
    found = bundled("wine")
    whole = models.neighbours(found.rows, found.codes, found.rows, 3)
    monkeypatch.setattr(models, "DISTANCES", 1000)
    np.testing.assert_array_equal(models.neighbours(found.rows, found.codes, found.rows, 3), whole)


@pytest.mark.parametrize("word", ["wine", "breast_cancer"])
def test_nets_are_those_of_scikit_learn(word: str) -> None:
    """Weights after three epochs are those of an `MLPClassifier`, beside another net or not."""
    found = bundled(word)
    rows = preprocessing.StandardScaler().fit_transform(found.rows)
    state = [np.random.RandomState(np.random.PCG64DXSM(3)) for _ in range(2)]
    net = models.Nets(2, rows.shape[1], found.classes, state[0])
    known = MLPClassifier(
        (models.HIDDEN,), batch_size=models.TOGETHER, learning_rate_init=models.LEARNING_RATE,
        random_state=state[1],
    )  # fmt: skip
    both = np.stack([rows, 100.0 * rows])
    for _ in range(3):
        net.epoch(lambda order: both[:, order], found.codes)
        known.partial_fit(rows, found.codes, classes=np.unique(found.codes))
    (w1, w2), (b1, b2) = known.coefs_, known.intercepts_
    expected = np.concatenate([part.ravel() for part in (w1, b1, w2, b2)])
    np.testing.assert_allclose(net.parameters[0], expected, rtol=1e-7, atol=1e-10)
    np.testing.assert_array_equal(net.predict(both, net.parameters)[0], known.predict(rows))


class Scripted:
    """Stands for nets whose losses are told beforehand; their weights count the epochs."""

    def __init__(self, *losses: list[float]) -> None:
        self.losses, self.updates = np.array(losses).T, 0
        self.parameters = np.zeros((len(losses), 1))
        self.going = np.arange(len(losses))

    def epoch(self, _take, _codes):
        self.updates += 50
        self.parameters += 1.0
        return self.losses[min(self.updates // 50, len(self.losses)) - 1][self.going]

    def keep(self, mask):
        self.going, self.parameters = self.going[mask], self.parameters[mask]

    def predict(self, _rows, parameters):
        return np.repeat(parameters.astype(int), 2, axis=1)


class NoRows:
    """Rows that nobody looks at."""

    def test(self):
        return np.zeros((9, 1))


def trained(*losses: list[float]) -> training.Training:
    """Return nets with these losses, one per epoch of 50 updates, after their training."""
    made = training.Training(Scripted(*losses), np.zeros(3, np.int64), tests=2)
    while not made.is_done:
        made.epoch(NoRows())
    return made


def test_a_net_stops_when_its_loss_has_not_fallen_in_200_updates() -> None:
    """By hand, epochs of 50 updates: a fall by 1e-4 in all goes on, one by less does not.

    The first never falls after its second epoch, so it stops 4 epochs after that one; the second
    falls by 0.00003 an epoch, which is enough in four; the third by 0.00002, which is not.
    """
    slow = [1.0 - 3e-5 * epoch for epoch in range(100)]
    slower = [1.0 - 2e-5 * epoch for epoch in range(100)]
    made = trained([2.0, 1.0] + [1.5] * 98, slow, slower)
    assert made.updates.tolist() == [300, 2000, 250]


def test_a_net_is_tested_with_the_weights_of_its_least_loss() -> None:
    """The epoch of the least loss, also where it fell too little to count; each net its own."""
    made = trained([3.0, 2.0, 2.5, 1.99995, 9.0, 9.0], [1.0, 2.0, 2.0, 2.0, 2.0, 2.0])
    assert made.updates.tolist() == [300, 250]
    assert made.predicted.tolist() == [[4, 4], [1, 1]]


def test_a_net_without_a_finite_loss_stops() -> None:
    """After 200 updates."""
    assert trained([np.nan] * 9, [np.inf] * 9).updates.tolist() == [200, 200]


@pytest.mark.parametrize("word", ["wine", "breast_cancer"])
def test_losses_are_those_of_scikit_learn(word: str) -> None:
    """The cross-entropy of a first update with 64 rows, less the weight decay that it adds."""
    found = bundled(word)
    rows = preprocessing.StandardScaler().fit_transform(found.rows)
    half = np.random.default_rng(0).permutation(len(rows))[: models.TOGETHER]
    state = [np.random.RandomState(np.random.PCG64DXSM(3)) for _ in range(2)]
    net = models.Nets(1, rows.shape[1], found.classes, state[0])
    w1, _, w2, _ = (part.copy() for part in net._weights)
    known = MLPClassifier((models.HIDDEN,), batch_size=models.TOGETHER, random_state=state[1])
    known.partial_fit(rows[half], found.codes[half], classes=np.unique(found.codes))
    (loss,) = net.epoch(lambda order: rows[half][np.newaxis, order], found.codes[half])
    decay = 0.5 * models.ALPHA * ((w1**2).sum() + (w2**2).sum()) / models.TOGETHER
    assert loss == pytest.approx(known.loss_ - decay, rel=1e-9)


def test_a_probability_of_nothing_has_a_loss_all_the_same() -> None:
    """Outputs of -1e5 against 0: the loss is 1e5, though the probability is 0 as a double."""
    target = np.array([[1.0, 0.0]])
    _, losses = models._probabilities(np.array([[[-1e5, 0.0]]]), target)
    assert losses == pytest.approx([1e5])
    _, losses = models._probabilities(np.array([[[-1e5]]]), np.array([[1.0]]))
    assert losses == pytest.approx([1e5])


# -------------------------------------------------------------------------------------------------
# Laws: pairing, purity


@pytest.fixture(scope="module")
def whole() -> dict[tuple[int, str], float]:
    """A of all cells of one repeat on wine."""
    return accuracy(make())


@pytest.mark.parametrize(
    "given",
    [
        {"scalers": "z_score,batch"},
        {"scalers": "none,robust"},
        {"scalers": "min_max"},
        {"batch_sizes": "8"},
        {"batch_sizes": "2,16,32"},
        {"models": "knn"},
        {"models": "mlp"},
        {"models": "mlp", "scalers": "batch", "batch_sizes": "32"},
        {"datasets": "wine", "replications": 3},
    ],
)
def test_what_else_is_asked_for_changes_no_number(given, whole) -> None:
    """A scaler, a batch size or a model more, or more repeats: the same bits in what was there."""
    found = accuracy(make(**given))
    shared = found.keys() & whole.keys()
    assert shared
    assert {key: found[key] for key in shared} == {key: whole[key] for key in shared}


def test_a_block_is_a_pure_function(whole) -> None:
    """The same again, and another block another number."""
    assert accuracy(make()) == whole
    assert accuracy(make(), block=1) != whole
    assert accuracy(make(seed=1)) != whole


def test_any_number_of_workers_gives_the_same_bits() -> None:
    """One worker, and three on two data sets."""
    design = make(datasets="wine,heavy_tails", replications=3, scalers="none,batch",
                  batch_sizes="8")  # fmt: skip
    one, three = (sn.run(design, workers=workers).frame for workers in (1, 3))
    assert one.equals(three)


def test_differences_are_paired(whole) -> None:
    """A difference is that of the two levels, fold by fold: its mean square is no larger than 1."""
    for (n, factors), value in whole.items():
        if ";against=" in factors:
            level, base = factors.split(";against=")
            model = level.split(";")[0]
            expected = whole[n, level] - whole[0, f"{model};scaler={base}"]
            assert value == pytest.approx(expected, abs=1e-12)


def test_mean_squares_are_those_of_folds() -> None:
    """A and Q are mean and mean square of the same folds: Q is between A^2 and what 1 allows."""
    design = make()
    a, q = scaling.block_errors(design, only(design), 0)
    assert a.shape == q.shape == (len(scaling.cells(design, only(design))), 1)
    assert (q >= a**2 - 1e-15).all()
    is_level = ["against" not in cell.factors for cell in scaling.cells(design, only(design))]
    assert (q <= np.abs(a) + 1e-15)[is_level].all()


def test_folds_are_stratified_and_the_same_for_all() -> None:
    """Every row tests once a repeat, and classes have their shares in every fold."""
    design = make(datasets="breast_cancer")
    found = bundled("breast_cancer")
    every = list(splits.folds(design, only(design), 0))
    assert sorted(np.concatenate([fold.test for fold in every])) == list(range(569))
    for fold in every:
        assert sorted([*fold.training, *fold.test]) == list(range(569))
        assert abs(np.bincount(found.codes[fold.test])[0] - 212 / 5) < 1.0
    other = list(splits.folds(make(datasets="breast_cancer", models="knn"), only(design), 0))
    assert all((a.test == b.test).all() for a, b in zip(every, other, strict=True))


def test_of_many_rows_some_take_part() -> None:
    """Of 20,000 rows a repeat draws 4,096, classes in proportion, rare ones with a row per fold."""
    rng = np.random.default_rng(0)
    codes = np.repeat([0, 1, 2], [15_000, 4_993, 7])
    chosen = splits._chosen(codes, 5, rng)
    assert np.bincount(codes[chosen]).tolist() == [3072, 1023, 5]
    assert np.unique(chosen).size == chosen.size
    assert splits.Table(np.zeros((20_000, 1)), codes).used(5) == 4100
    assert splits._chosen(codes[:4096], 5, rng).tolist() == list(range(4096))


# -------------------------------------------------------------------------------------------------
# Rows and curves


def test_rows_are_in_the_order_of_the_cells_and_have_keys_of_their_own() -> None:
    """Levels first, then differences from z-scores and from nothing; every row is about N rows."""
    design = make(datasets="wine,breast_cancer", replications=2)
    result = sn.run(design, workers=1)
    frame = result.frame
    assert len(frame) == scaling.cell_count(design) == 2 * 2 * (7 + 6 + 6)
    assert not frame.duplicated(["distribution", "estimator", "batch_size", "factors"]).any()
    assert frame["against"].tolist()[:19] == [""] * 7 + ["z_score"] * 6 + ["none"] * 6
    assert frame["scaler"].tolist()[:7] == [*STATIC, *["batch"] * 3]
    assert frame["batch_size"].tolist()[:7] == [0, 0, 0, 0, 2, 8, 32]
    assert set(frame["source"]) == {"bundled"}
    assert frame.groupby("distribution")["full_size"].unique().explode().to_dict() == {
        "wine": 178, "breast_cancer": 569,
    }  # fmt: skip
    assert set(frame["batches"]) == {5}
    assert set(frame["measure"]) == {"mean"}
    assert frame["estimate"].between(-1.0, 1.0).all()


def test_an_interval_of_an_accuracy_stays_between_0_and_1() -> None:
    """Heaps that are nearly told apart: the t interval would end above 1; differences keep theirs.

    It is cut there, and only there: the estimate and its standard error are as they were.
    """
    design = make(data=two_heaps(60, 4.0), target="y", models="knn", batch_sizes="8",
                  replications=2)  # fmt: skip
    frame = sn.run(design, workers=1).frame
    levels, others = frame[frame["against"] == ""], frame[frame["against"] != ""]
    sure = levels[levels["status"] == "ok"]
    assert (sure["ci_high"] <= 1.0).all()
    assert (sure["estimate"] + 2.0 * sure["mcse"] > 1.0).any()
    sure = others[others["status"] == "ok"]
    np.testing.assert_allclose(sure["ci_high"] - sure["estimate"],
                               sure["estimate"] - sure["ci_low"])  # fmt: skip


def test_curves_show_every_repeat() -> None:
    """Their mean is the estimate."""
    design = make(models="knn", replications=3)
    result = sn.run(design, workers=1)
    curves = result.curves
    assert set(curves["kind"]) == {"repeat"}
    means = curves.groupby(["batch_size", "factors"])["y"].mean()
    for row in result.frame.itertuples():
        assert means[row.batch_size, row.factors] == pytest.approx(row.estimate, abs=1e-12)
    assert curves["x"].unique().tolist() == [1.0, 2.0, 3.0]


def test_what_cannot_be_is_undefined_in_its_row() -> None:
    """A batch of one, and one larger than all training rows, say why; the others are there."""
    frame = sn.run(make(batch_sizes="1,8,150", models="knn"), workers=1).frame
    batches = frame[frame["scaler"] == "batch"].groupby("batch_size")
    status = batches["status"].unique().explode().to_dict()
    assert status == {1: "undefined", 8: "ok", 150: "undefined"}
    reasons = batches["reason"].unique().explode().to_dict()
    assert "PyTorch refuses" in reasons[1]
    assert "142 training rows" in reasons[150]


@pytest.mark.parametrize("factor", [1e148, 1e-12])
def test_numbers_of_any_size_have_an_accuracy(factor: float) -> None:
    """As large as data may be, and small: nothing overflows into a warning, and all is finite.

    Scaled features are as ever but for batches, where epsilon is large beside tiny numbers.
    """
    data = two_heaps(40, 2.0)
    usual = accuracy(make(data=data, target="y", batch_sizes="16"))
    frame = sn.run(
        make(data=data | {"x": factor * np.asarray(data["x"])}, target="y", batch_sizes="16"),
        workers=1,
    ).frame
    assert np.isfinite(frame["estimate"]).all()
    for row in frame[frame["scaler"].isin(STATIC[1:]) & (frame["against"] == "")].itertuples():
        assert row.estimate == pytest.approx(usual[row.batch_size, row.factors], abs=0.03)


def test_a_net_without_finite_numbers_has_no_accuracy() -> None:
    """A scaling that makes infinite numbers leaves its own cells empty and no other's."""
    found = bundled("wine")
    design = make(models="mlp")
    fold = next(splits.folds(design, only(design), 0))
    rows = found.rows.copy()
    rows[fold.training[0], 0] = np.inf
    of = splits.Table(rows, found.codes)
    values = repeat.accuracies(of, [fold], ("mlp", "knn"), (Scaling("none"), Scaling("batch", 8)))
    assert np.isnan(values).all()


# -------------------------------------------------------------------------------------------------
# What is refused, and what is needed


def codes_of(*counts: int) -> dict[str, object]:
    """Return data whose classes have so many rows."""
    size = sum(counts)
    labels = np.repeat([f"c{i}" for i in range(len(counts))], counts)
    return {"x": np.random.default_rng(0).normal(size=size), "y": labels}


@pytest.mark.parametrize(
    ("given", "parameter"),
    [
        ({"data": codes_of(60), "target": "y"}, "target"),
        ({"data": codes_of(*[5] * 101), "target": "y"}, "target"),
        ({"data": codes_of(50, 3), "target": "y"}, "folds"),
        ({"data": codes_of(50, 1), "target": "y"}, "folds"),
        ({"data": codes_of(30, 30), "target": "y", "batch_sizes": "50,60"}, "batch_sizes"),
        ({"batch_sizes": "2000"}, "batch_sizes"),
        ({"batch_sizes": "1"}, "batch_sizes"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(given, parameter: str) -> None:
    """Before anything is run, with the parameter's name."""
    design = make(**given)
    with pytest.raises(SimnormError) as caught:
        scaling.check(design)
    assert caught.value.parameter == parameter
    assert "\n" not in str(caught.value)


def test_without_batches_their_sizes_do_not_matter() -> None:
    """Sizes that no data set has are no error where nothing is cut into batches."""
    scaling.check(make(batch_sizes="2000", scalers="none,z_score"))


def test_work_is_told_in_proportion() -> None:
    """Digits take several times as long as wine, both models longer than one."""

    def work(**given) -> int:
        return total_draws(make(**given))

    assert 2 * work() < work(datasets="digits")
    assert work(models="knn") < work() > work(models="mlp")
    assert work(replications=6) == 6 * work()


@pytest.mark.parametrize("word", ["wine", "digits"])
def test_a_repeat_needs_no_more_memory_than_it_says(word: str) -> None:
    """At most what is told, and of a larger table not less than a fifth of it."""
    design = make(datasets=word, scalers="none,z_score,batch", batch_sizes="32")
    accuracy(design)  # what is loaded once
    tracemalloc.start()
    accuracy(design)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    told = repeat.memory(design, splits.table(design, only(design)), scaling.scalings(design))
    assert peak <= told
    assert word == "wine" or told <= 5 * peak


def threads() -> set[int]:
    """Return the numbers of threads that linear algebra may use."""
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_linear_algebra_keeps_to_one_thread_while_anyone_runs() -> None:
    """The limit is lifted by the last who leaves, not by the first, to what it was before."""
    said, go = [], threading.Event()

    def stay() -> None:
        with one_thread():
            said.append("in")
            go.wait(10.0)

    other = threading.Thread(target=stay)
    with threadpool_limits(2, user_api="blas"):
        assert threads() == {2}
        with one_thread():
            assert threads() == {1}
            other.start()
            while not said:
                pass
        assert threads() == {1}
        go.set()
        other.join()
        assert threads() == {2}


def test_a_run_leaves_the_number_of_threads_as_it_was() -> None:
    """Whatever workers ran at the same time."""
    with threadpool_limits(2, user_api="blas"):
        sn.run(make(models="knn", scalers="none,batch", replications=6), workers=3)
        assert threads() == {2}


# -------------------------------------------------------------------------------------------------
# What it finds


def test_scales_from_one_to_a_million_ruin_neighbours_and_z_scores_mend_it() -> None:
    """On the same digits: unscaled pixels suffice (98 %), spread ones do not, z-scores do.

    The losses are of 40 points and 1 point; of one repeat the error is about 1 point.
    """
    plain = accuracy(make(datasets="digits", models="knn", scalers="none,z_score"))
    wide = accuracy(make(datasets="spread_scales", models="knn", scalers="none,z_score"))
    none, z = (0, "model=knn;scaler=none"), (0, "model=knn;scaler=z_score")
    assert plain[none] > 0.97
    assert wide[none] < 0.75
    assert wide[z] > 0.95
    assert plain[z] > 0.95


def test_z_scores_help_whatever_the_shape_and_robust_ones_more_under_heavy_tails() -> None:
    """Wine in a normal shape: both mend the scales. With heavy tails robust scales do it better.

    Over ten repeats: 25 points more than none for both; with heavy tails 8 against 18.
    """
    found = {
        word: accuracy(make(datasets=word, models="knn", scalers="none,z_score,robust"))
        for word in ("normal_tails", "heavy_tails")
    }
    none, z, robust = ((0, f"model=knn;scaler={word}") for word in ("none", "z_score", "robust"))
    assert found["normal_tails"][z] - found["normal_tails"][none] > 0.1
    assert found["normal_tails"][robust] - found["normal_tails"][none] > 0.1
    assert found["heavy_tails"][z] > found["heavy_tails"][none]
    assert found["heavy_tails"][robust] - found["heavy_tails"][z] > 0.03
