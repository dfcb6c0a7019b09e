"""Labels of numbers decide their bits, and boxes compute those that are missing."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from simnorm.compiled import compiled_kernels
from simnorm.dataset import read_dataset
from simnorm.design import Design
from simnorm.errors import SimnormError
from simnorm.estimators import UserEstimator
from simnorm.labels import Box, boxes, fingerprints, labels, plain, stream_name
from simnorm.options import STUDIES
from simnorm.studies import study_of, sweep
from simnorm.studies.drawing import sources
from simnorm.studies.inputs import grid
from simnorm.studies.running import cases

MOMENTS = ["mean", "biased_variance", "unbiased_variance", "std(ddof=0)", "std(ddof=1)"]
ORDER = ["median", "quantile(q=0.9)", "mad", "trimmed_mean", "skewness", "range"]
needs_numba = pytest.mark.skipif(compiled_kernels() is None, reason="needs numba")


def middle(sample, axis=-1):
    """Return the middle of the ends."""
    return 0.5 * (sample.min(axis) + sample.max(axis))


def shaky(sample, axis=-1):
    """Return the largest value, unless it is large: then nothing."""
    most = sample.max(axis)
    return np.where(most > 3.0, np.nan, most)


USERS = [UserEstimator(middle, "middle", population=0.5), UserEstimator(shaky, "shaky")]


def columns_of(count=4, rows=60):
    """Return columns of many kinds, a constant one among them, and what groups the rows."""
    rng = np.random.default_rng(3)
    made = {f"x {i}": rng.standard_exponential(rows) * 10.0**i for i in range(count - 3)}
    made |= {"far": 1e9 + rng.standard_normal(rows), "few": np.arange(rows) % 4.0}
    made |= {"flat": np.full(rows, 2.5), "kind": [f"g{i % 7}" for i in range(rows)]}
    return made


DATA = read_dataset(columns_of(), groups=["kind"])
WIDE = read_dataset(columns_of(21), groups=["kind"])
GROUPED = "shuffle,replacement,sequential,grouped:kind"


def sweep_of(estimators, **more):
    return Design.make(**({"estimators": estimators, "replications": 5, "seed": 7} | more))


def laws(study, words, schemes, **more):
    settings = {"full_size": 64, "replications": 6, "seed": 7, "sampling": schemes}
    return Design.make(words, study=study, **(settings | more))


def data(study, dataset=DATA, schemes=GROUPED, **more):
    settings = {"replications": 6, "seed": 7, "sampling": schemes}
    return Design.make(study=study, data=dataset, **(settings | more))


SIZES = [1, 2, 3, 4, 6, 12, 16, 32, 64]
RUNNING = {"steps": 20, "presets": "keras3,pytorch,flax,cumulative,precise,pytorch(ddof=0)"}
DESIGNS = {
    "moments of laws": laws(
        "sweep", "normal,t(df=3)", "shuffle,replacement,iid", estimators=MOMENTS, batch_sizes=SIZES
    ),
    "others of laws": laws(
        "sweep", "exponential", "shuffle,replacement,iid", batch_sizes=SIZES,
        estimators=[*MOMENTS, *ORDER, *USERS],
    ),
    "a law without moments": laws(
        "sweep", "cauchy", "shuffle", estimators=[*MOMENTS, *ORDER], batch_sizes=SIZES
    ),
    "columns": data("sweep", estimators=[*MOMENTS, *ORDER, *USERS], batch_sizes=SIZES[:-1]),
    "inputs of laws": laws(
        "inputs", "laplace", "shuffle,replacement,iid", batch_sizes=[1, 2, 3, 4, 6, 12, 16, 32],
        epsilon="0.001,0", gamma="1,0.5", beta="0,0.1",
    ),
    "inputs without bins of values": laws(
        "inputs", "cauchy", "shuffle", batch_sizes=[1, 4, 16], epsilon="0,0.1"
    ),
    "inputs of columns": data("inputs", batch_sizes=[1, 2, 3, 4, 6, 8, 12, 15, 20, 30, 60]),
    "running of laws": laws(
        "running", "exponential,cauchy", "shuffle,replacement,iid", batch_sizes=[1, 2, 8, 64],
        drift="0.001,0", **RUNNING,
    ),
    "running of columns": data("running", batch_sizes=[1, 3, 8, 60], drift="0.002,0", **RUNNING),
}  # fmt: skip


def numbers(design, number, block=0, compiled=True):
    """Return A and Q of a block by the labels of the source."""
    source = sources(design)[number]
    a, q = study_of(design).block_errors(design, source, block, compiled=compiled)
    names = labels(design, source)
    assert len(names) == len(a) == len(q)
    return dict(zip(names, zip(a, q, strict=True), strict=True))


def same(one, other):
    """Tell whether two pairs of arrays have the same bits; NaN is one number."""
    return all(
        a.shape == b.shape and (np.where(np.isnan(a), np.isnan(b), bits(a) == bits(b))).all()
        for a, b in zip(one, other, strict=True)
    )


def bits(values):
    """Return doubles as whole numbers, which tell 0.0 from -0.0."""
    return np.ascontiguousarray(values).view(np.int64)


def subsets(names, rng):
    """Return some parts of a source's labels: single ones, slices of every kind, and by chance."""
    texts = [json.loads(name) for name in names]
    found = [[names[0]], [names[-1]], [names[len(names) // 2]]]
    for field in (0, 1, 2):
        for value in sorted({text[field] for text in texts}, key=str)[-2:]:
            found.append([n for n, t in zip(names, texts, strict=True) if t[field] == value])
    found.append([n for n, t in zip(names, texts, strict=True) if (t[1], t[2]) < ("n", 9)])
    found.append([names[i] for i in np.flatnonzero(rng.random(len(names)) < 0.02)])
    return [part for part in found if part]


# ------------------------------------------------------------------------------------ what it says


def test_labels_of_a_sweep_by_hand():
    """Column, estimator, size and reference, in the order of the results."""
    design = Design.make("normal", estimators="mean,max", batch_sizes=[2, 8])
    assert labels(design, sources(design)[0]) == (
        '["","mean",2,"full_set"]',
        '["","mean",2,"population"]',
        '["","mean",8,"full_set"]',
        '["","mean",8,"population"]',
        '["","max",2,"full_set"]',
        '["","max",2,"population"]',
        '["","max",8,"full_set"]',
        '["","max",8,"population"]',
    )


@pytest.mark.parametrize("name", DESIGNS)
def test_every_number_has_its_own_label(name):
    """As many as `block_errors` has rows, no two alike, plain JSON; cells stand first."""
    design = DESIGNS[name]
    for number, source in enumerate(sources(design)):
        found = labels(design, source)
        assert len(set(found)) == len(found) == len(numbers(design, number))
        cells = study_of(design).cells(design, source)
        for text, cell in zip(found, cells, strict=False):
            column, _, size, *_ = json.loads(text)
            assert (column, size) == (cell.column, cell.batch_size)
            assert text.isascii()


def test_labels_of_a_sweep_are_its_cells():
    """Estimator and reference too; functions carry what they look like."""
    design = DESIGNS["columns"]
    for source in sources(design):
        found = [json.loads(text) for text in labels(design, source)]
        cells = sweep.cells(design, source)
        assert [(t[0], t[1], t[2], t[3]) for t in found] == [
            (c.column, str(c.estimator), c.batch_size, c.reference) for c in cells
        ]
        assert all((len(t) == 5) == t[1].startswith("user.") for t in found)


def test_labels_of_inputs_and_running_are_their_cells():
    """Quantity, factors and reference stand in what is said last; a preset is a kind."""
    design = DESIGNS["inputs of laws"]
    source = sources(design)[0]
    found = [json.loads(text) for text in labels(design, source)]
    for text, cell in zip(found, grid.cells(design, source), strict=False):
        assert text[3] == f"{cell.quantity} {cell.factors} {cell.reference}"
    for part in grid.behind(design, source):
        assert found[part.outputs.start] == ["", "", part.batch_size, "output bin 0"]
        assert found[part.by_value.stop - 1] == ["", "", part.batch_size, "by_value bin 24"]
    design = DESIGNS["running of laws"]
    source = sources(design)[0]
    presets = {case.factors: str(case.average) for case in cases(design)}
    found = [json.loads(text) for text in labels(design, source)]
    for text, cell in zip(found, study_of(design).cells(design, source), strict=False):
        assert text[1] == presets[cell.factors]
        assert text[3] == f"{cell.quantity} {cell.factors} {cell.reference}"


def test_names_of_columns_need_no_care():
    """Quotes, commas, brackets, line ends, half a pair of surrogates: a label is JSON."""
    hostile = ['a","b', "[", "\n", "\\", "é", "名", "\x7f", "a\ud800"]
    made = {name: np.arange(5.0) * i for i, name in enumerate(hostile, 1)}
    design = Design.make(estimators="mean", batch_sizes=[2], data=read_dataset({"x": [1.0, 2.0]}))
    source = sources(design)[0]._replace(columns=tuple(made))
    found = labels(design, source)
    assert [json.loads(text)[0] for text in found] == hostile
    assert all("\n" not in text and text.isascii() for text in found)


def test_stream_names():
    """Law and sampling, or nothing and sampling, or bundled data."""
    design = laws("sweep", "normal,t(df=3)", "shuffle,iid")
    assert [stream_name(design, source) for source in sources(design)] == [
        '["normal","shuffle"]', '["normal","iid"]', '["t(df=3)","shuffle"]', '["t(df=3)","iid"]',
    ]  # fmt: skip
    design = data("sweep", schemes="grouped:kind")
    assert stream_name(design, sources(design)[0]) == '["","grouped:kind"]'
    trial = Design.make(study="scaling", datasets="wine")
    assert stream_name(trial, sources(trial)[0]) == '["wine","shuffle"]'


def test_many_labels_are_one_box():
    """Of 40,000 numbers the first 2,000 are a rectangle."""
    many = [*MOMENTS, *ORDER, *(f"quantile(q=0.{q})" for q in range(10, 19))]
    design = Design.make("normal", estimators=many, batch_sizes=range(1, 1001))
    source = sources(design)[0]
    assert len(labels(design, source)) == 40_000
    assert len(boxes(design, source, labels(design, source)[:2000])) == 1


# ------------------------------------------------------------------------------------------- boxes


@pytest.mark.parametrize("name", DESIGNS)
def test_all_labels_are_one_box_the_source_itself(name):
    """Nothing is copied where nothing is gained; and nothing missing needs no box."""
    design = DESIGNS[name]
    for number, source in enumerate(sources(design)):
        every = labels(design, source)
        assert boxes(design, source, every) == [Box(design, number)]
        assert boxes(design, source, every)[0].design is design
        assert boxes(design, source, ()) == []
        # What is left out of one batch size changes nothing: it is needed all the same.
        assert boxes(design, source, every[1:]) == [Box(design, number)]


def test_boxes_by_hand():
    """One estimator more and one size more: two rectangles, and no number in both."""
    design = laws(
        "sweep", "normal,uniform", "shuffle,iid", batch_sizes=[2, 4, 8, 16, 32],
        estimators="mean,max,iqr,mad,min",
    )  # fmt: skip
    source = sources(design)[3]
    names = labels(design, source)
    missing = [n for n in names if json.loads(n)[1] == "min" or json.loads(n)[2] == 8]
    found = boxes(design, source, missing)
    for box in found:
        assert (box.source, box.design.distributions, box.design.sampling) == (
            0, ("uniform",), ("iid",),
        )  # fmt: skip
    assert [(box.design.estimators, box.design.batch_sizes) for box in found] == [
        (("mean", "max", "iqr", "mad"), (8,)),
        (("min",), (2, 4, 8, 16, 32)),
    ]


def test_rectangles_in_pieces_become_one():
    """Where many boxes would draw the same again, one that holds them all is less work."""
    design = laws(
        "sweep", "normal", "shuffle", estimators=MOMENTS, batch_sizes=[1, 2, 3, 4, 5, 6, 7]
    )
    source = sources(design)[0]
    missing = [f'["","{kind}",{size},"full_set"]' for size, kind in enumerate(MOMENTS, 2)]
    [box] = boxes(design, source, missing)
    assert box.design.batch_sizes == (2, 3, 4, 5, 6)
    assert box.design.estimators == tuple(MOMENTS)
    assert len(boxes(design, source, missing[:4])) == 4


def test_functions_stay_with_their_estimators():
    """A design keeps those functions alone that it has the estimators of."""
    design = DESIGNS["columns"]
    source = sources(design)[0]
    names = labels(design, source)
    [box] = boxes(design, source, [n for n in names if "shaky" in n])
    assert box.design.estimators == ("user.shaky",)
    assert box.design.functions == (USERS[1],)
    assert box.design.dataset is DATA
    [box] = boxes(design, source, [n for n in names if '"median"' in n])
    assert box.design.functions == ()


def test_a_label_of_another_source_is_refused():
    """It would be computed by no box."""
    design = DESIGNS["moments of laws"]
    with pytest.raises(KeyError):
        boxes(design, sources(design)[0], ['["","mean",5,"full_set"]'])


def test_bins_are_found_though_the_sizes_that_have_some_are_chosen_among_all():
    """A size that has bins among eleven may have none among seven: then all sizes are taken."""
    design = Design.make("normal", study="inputs", full_size=1024)
    source = sources(design)[0]
    names = labels(design, source)
    assert len(grid.shown_sizes(design.batch_sizes)) < 10
    for drop in design.batch_sizes:
        missing = [n for n in names if json.loads(n)[2] != drop]
        found = boxes(design, source, missing)
        having = {n for b in found for n in labels(b.design, sources(b.design)[b.source])}
        assert set(missing) <= having


# ------------------------------------------------------------------------ the same label, same bits


@pytest.mark.parametrize("compiled", [pytest.param(True, marks=needs_numba), False])
@pytest.mark.parametrize("name", DESIGNS)
def test_boxes_have_the_bits_of_the_whole(name, compiled):
    """Whatever part of a source's numbers is wanted, boxes have all of it, to the last bit."""
    design, rng = DESIGNS[name], np.random.default_rng(11)
    for number, source in enumerate(sources(design)):
        whole = numbers(design, number, compiled=compiled)
        seen = set()
        for part in subsets(list(whole), rng)[:: 1 if compiled else 3]:
            made = {}
            for box in boxes(design, source, part):
                assert sources(box.design)[box.source]._replace(columns=()) == source._replace(
                    columns=()
                )
                if box.design not in seen:
                    made |= numbers(box.design, box.source, compiled=compiled)
                else:
                    made |= dict.fromkeys(labels(box.design, sources(box.design)[box.source]))
                seen.add(box.design)
            assert set(part) <= set(made)
            for label, pair in made.items():
                if pair is not None and label in whole:
                    assert same(pair, whole[label]), label


def grown(design):
    """Return designs that ask for other things too, in another order."""
    if design.study == "sweep":
        others = [e for e in ("min", "iqr", "mean") if e not in design.estimators]
        yield dataclasses.replace(design, estimators=(*design.estimators[::-1], *others))
    if design.study == "inputs":
        yield dataclasses.replace(design, epsilon=(0.0, 1e-4, 0.001), gamma=(0.5, 2.0), beta=(0.1,))
        yield dataclasses.replace(design, epsilon=(1e-3,), gamma=(1.0,), beta=(0.0,))
    if design.study == "running":
        yield dataclasses.replace(design, drift=(0.0, 0.001, 0.002))
        presets = ("precise", "keras3(momentum=0.5)", "keras3(momentum=1)", "pytorch")
        yield dataclasses.replace(design, presets=presets)
    yield dataclasses.replace(design, batch_sizes=(1, 2, 4, 5, 6, 7, 9, 10, 12, 24, 48))
    yield dataclasses.replace(design, batch_sizes=(12,))
    if design.distributions:
        yield dataclasses.replace(design, distributions=(*design.distributions, "gumbel")[::-1])
        if "replacement" in design.sampling:
            # More than a full set has, which only these draws allow.
            yield dataclasses.replace(design, sampling=("replacement",), batch_sizes=(1, 6, 100))
    if design.columns:
        yield dataclasses.replace(design, columns=design.columns[::-1])
        yield dataclasses.replace(design, columns=design.columns[1:2])


@pytest.mark.parametrize("name", DESIGNS)
def test_whatever_else_is_asked_for_a_label_has_its_bits(name):
    """Other sizes, estimators, laws, columns, constants, presets and drifts change no number."""
    design = DESIGNS[name]
    known = {
        stream_name(design, source): numbers(design, number)
        for number, source in enumerate(sources(design))
    }
    shared = 0
    for other in grown(design):
        for number, source in enumerate(sources(other)):
            before = known.get(stream_name(other, source), {})
            for label, pair in numbers(other, number).items():
                if label in before:
                    shared += 1
                    assert same(pair, before[label]), label
    assert shared > 50


def test_columns_are_found_again_in_another_chunk():
    """Which columns are read together depends on how many there are; their numbers do not."""
    for study, more in (
        ("sweep", {"estimators": [*MOMENTS, "median"]}),
        ("inputs", {}),
        ("running", {"steps": 5}),
    ):
        design = data(study, WIDE, "shuffle,replacement", batch_sizes=[2, 16], **more)
        fewer = dataclasses.replace(design, columns=design.columns[5:])
        assert len(sources(design)) == 4
        assert len(sources(fewer)) == 2
        whole: dict = {}
        for number, source in enumerate(sources(design)):
            whole.setdefault(stream_name(design, source), {}).update(numbers(design, number))
        for number, source in enumerate(sources(fewer)):
            before, found = whole[stream_name(fewer, source)], numbers(fewer, number)
            assert set(found) <= set(before)
            assert all(same(pair, before[label]) for label, pair in found.items())


def test_later_blocks_too():
    """A block that is cut has the bits of its own lanes, in a box as in the whole."""
    design = data("sweep", estimators=[*MOMENTS, "median"], batch_sizes=[2, 5], replications=4100)
    source = sources(design)[0]
    whole = numbers(design, 0, block=1)
    [box] = boxes(design, source, [n for n in whole if '"median"' in n])
    found = numbers(box.design, box.source, block=1)
    assert next(iter(found.values()))[0].shape == (4,)
    assert all(same(pair, whole[label]) for label, pair in found.items())


# ---------------------------------------------------------------------------------------- functions


def test_a_changed_function_has_another_label():
    """Name alone would give the numbers of the old one; its population value counts as well."""

    def of(function, **more):
        kind = UserEstimator(function, "f", **more)
        design = Design.make("normal", estimators=[kind], batch_sizes=[2])
        return labels(design, sources(design)[0])

    one = of(lambda x, axis=-1: x.max(axis))
    assert one == of(lambda x, axis=-1: x.max(axis))
    assert not set(one) & set(of(lambda x, axis=-1: x.min(axis)))
    assert not set(one) & set(of(lambda x, axis=-1: x.max(axis), population=2.0))
    assert list(map(plain, one)) == ['["","user.f",2,"full_set"]', '["","user.f",2,"population"]']


def test_what_a_function_calls_is_seen_to_change():
    """A helper of the same module that is defined anew, as in a notebook, makes another label."""
    cells = {"__name__": "notebook"}
    exec("def scale(x): return 2.0 * x", cells)
    exec("def estimate(x, axis=-1): return scale(x.max(axis))", cells)
    design = Design.make("normal", estimators=[cells["estimate"]], batch_sizes=[2])
    source = sources(design)[0]
    before = labels(design, source)
    assert labels(design, source) == before
    exec("def scale(x): return 3.0 * x", cells)
    assert not set(labels(design, source)) & set(before)


def test_without_its_functions_a_design_has_the_plain_labels():
    """A run that is read from its folder knows functions by name alone."""
    design = DESIGNS["others of laws"]
    bare = dataclasses.replace(design, functions=())
    source = sources(design)[0]
    assert labels(bare, source) == tuple(map(plain, labels(design, source)))
    assert labels(bare, source) != labels(design, source)


# ------------------------------------------------------------------------------------------- trials

TRIALS = {
    "scaling": {"datasets": "wine", "models": "knn", "batch_sizes": [4, 16], "replications": 2},
    "shift": {"nets": "mlp", "steps": 3, "rates": "0.1,0.2", "replications": 2},
    "overhead": {"widths": "8,16", "batch_sizes": [8, 16], "replications": 2},
}
OTHER = {
    "scaling": {"models": "knn,mlp"},
    "shift": {"rates": "0.1,0.5"},
    "overhead": {"epochs": 3},
}


@pytest.mark.parametrize("study", TRIALS)
def test_a_trial_is_computed_as_a_whole(study):
    """Whatever is missing, the box is the source; a label is one of these settings alone."""
    design = Design.make(study=study, **TRIALS[study])
    source = sources(design)[0]
    every = labels(design, source)
    assert len(set(every)) == len(every)
    for part in (every, every[:1], every[-1:]):
        assert boxes(design, source, part) == [Box(design, 0)]
    more = Design.make(study=study, **(TRIALS[study] | {"replications": 5, "seed": 3}))
    assert labels(more, source) == every
    other = Design.make(study=study, **(TRIALS[study] | OTHER[study]))
    assert not set(labels(other, source)) & set(every)


@pytest.mark.parametrize("study", [s for s, usual in STUDIES.items() if usual.is_trial])
def test_every_setting_of_a_trial_is_in_its_labels(study):
    """All but data sets, of which each is a source of its own."""
    design = Design.make(study=study, **TRIALS[study])
    every = set(labels(design, sources(design)[0]))
    fields = {"batch_sizes": (2, 32)} | {
        key: getattr(design, key)
        for key in STUDIES[study].settings
        if key not in ("datasets", "target")
    }
    for key, value in fields.items():
        changed = value + 1 if isinstance(value, int) else value[:1] * 1
        if changed == value:
            changed = tuple(_another(key))
        other = dataclasses.replace(design, **{key: changed})
        assert not every & set(labels(other, sources(other)[0])), key


def _another(key):
    return {"models": ("knn", "mlp"), "nets": ("mlp", "linear")}[key]


def test_scaling_of_data_depends_on_all_columns():
    """A feature more makes other accuracies; another number of data sets does not."""
    design = Design.make(study="scaling", data=DATA, target="kind", folds=2)
    source = sources(design)[0]
    fewer = dataclasses.replace(design, columns=design.columns[:2])
    assert not set(labels(design, source)) & set(labels(fewer, sources(fewer)[0]))
    one = Design.make(study="scaling", datasets="wine")
    two = Design.make(study="scaling", datasets="wine,digits")
    assert labels(one, sources(one)[0]) == labels(two, sources(two)[0])


@pytest.mark.parametrize("study", ["scaling", "shift"])
def test_bits_of_a_trial_do_not_depend_on_its_data_sets(study):
    """Beside another data set and with more replications every number is the same."""
    if study == "shift":
        pytest.importorskip("torch")
    one = Design.make(study=study, **(TRIALS[study] | {"datasets": "wine"}))
    two = Design.make(study=study, **(TRIALS[study] | {"datasets": "digits,wine"}))
    [place] = [i for i, s in enumerate(sources(two)) if s.distribution == "wine"]
    before, found = numbers(one, 0, block=1), numbers(two, place, block=1)
    assert list(before) == list(found)
    assert all(same(pair, before[label]) for label, pair in found.items())


def test_what_cannot_be_made_is_refused_before_there_are_labels():
    """A design without estimators, sizes or columns is none."""
    with pytest.raises(SimnormError):
        Design.make("normal", estimators=[])


def test_a_function_that_changes_meanwhile_is_looked_at_once():
    """Labels and boxes of one look fit each other, whatever a function has become since."""
    seen = []

    def counting(sample, axis=-1):
        seen.append(len(seen))
        return np.max(sample, axis=axis)

    design = Design.make("normal", estimators=[UserEstimator(counting, "f"), "mean"])
    source, versions = sources(design)[0], fingerprints(design)
    before = labels(design, source, versions)
    counting(np.zeros(3))
    assert labels(design, source) != before
    assert labels(design, source, versions) == before
    of_function = [label for label in before if "user.f" in label]
    [box] = boxes(design, source, of_function, versions)
    assert labels(box.design, sources(box.design)[box.source], versions) == tuple(of_function)
