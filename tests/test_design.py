"""`Design`: canonical, comparable, and the same again from its TOML text."""

from __future__ import annotations

import dataclasses
import json
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simnorm.design import MOST_REPLICATIONS, Design, canonical_json
from simnorm.distributions import DISTRIBUTIONS
from simnorm.errors import SimnormError
from simnorm.estimators import ESTIMATORS
from simnorm.grammar import LARGEST_SEED, LARGEST_SIZE

# The same examples in every run: a red test is a changed program, never an unlucky day.
steady = settings(derandomize=True, deadline=None, max_examples=100)


@st.composite
def designs(draw):
    """Return any design that `Design.make` would make."""
    full_size = draw(st.integers(1, LARGEST_SIZE))
    scale = draw(st.floats(1e-29, 1e24))
    loc = scale * draw(st.floats(-1e5, 1e5))
    laws = st.lists(st.sampled_from(list(DISTRIBUTIONS)), min_size=1, max_size=4)
    kinds = st.lists(st.sampled_from(list(ESTIMATORS)), min_size=1, max_size=4)
    sizes = st.lists(st.integers(1, full_size), min_size=1, max_size=8)
    return Design.make(
        [f"{word}(loc={loc!r},scale={scale!r})" for word in draw(laws)],
        estimators=draw(kinds),
        batch_sizes=draw(sizes),
        full_size=full_size,
        replications=draw(st.integers(1, MOST_REPLICATIONS)),
        seed=draw(st.integers(0, LARGEST_SEED)),
    )


def test_the_defaults_are_those_of_the_paper():
    """Left out, every part takes the default that the documentation names."""
    design = Design.make()
    assert design.study == "sweep"
    assert design.distributions == ("normal", "uniform", "laplace", "exponential", "t(df=5)")
    assert design.estimators == (
        "mean",
        "biased_variance",
        "unbiased_variance",
        "std(ddof=0)",
        "std(ddof=1)",
    )
    assert design.batch_sizes == (2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
    assert (design.full_size, design.replications, design.seed) == (16_384, 256, 0)
    assert design.sampling == ("shuffle",)


def test_two_ways_to_say_the_same_are_one_design():
    """Spelling, text or numbers, order and duplicates of sizes make no difference."""
    one = Design.make(
        "t, gamma(scale=3,a=2.0)",
        estimators="std,mean",
        batch_sizes="2:8:x2",
        full_size="16",
        replications="7",
        seed="3",
    )
    other = Design.make(
        ["t(df=5)", "gamma(a=2,scale=3.0)"],
        estimators=["std(ddof=0)", "mean"],
        batch_sizes=[8, 4, 2, 4],
        full_size=16,
        replications=7,
        seed=3,
    )
    assert one == other
    assert hash(one) == hash(other)
    assert one.to_toml() == other.to_toml()
    assert one.identity() == other.identity()


def test_specs_and_values_of_the_library_mean_the_same():
    """A law or an estimator value is as good as its spec."""
    law, kind = DISTRIBUTIONS["t"](df=7.0), ESTIMATORS["std"](ddof=1)
    by_value = Design.make(law, estimators=kind)
    by_values = Design.make([law], estimators=[kind])
    by_spec = Design.make("t(df=7)", estimators="std(ddof=1)")
    assert by_value == by_values == by_spec


def test_a_design_cannot_be_changed():
    """A design is frozen."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        Design.make().seed = 1


@given(designs())
@steady
def test_a_design_is_its_toml_text(design):
    """Written as TOML and read again, a design is the same, and so is its text."""
    text = design.to_toml()
    notes: list[str] = []
    again = Design.from_toml(text, notes)
    assert again == design
    assert again.to_toml() == text
    assert notes == []
    assert tomllib.loads(text) == design.to_dict()
    assert Design.from_dict(json.loads(json.dumps(design.to_dict()))) == design


def test_a_design_is_its_file(tmp_path):
    """Written to a file and read from it, a design is the same."""
    design = Design.make("lognormal(s=0.5)", seed=LARGEST_SEED)
    path = tmp_path / "design.toml"
    path.write_text(design.to_toml(), encoding="utf-8")
    assert Design.from_file(path) == Design.from_file(str(path)) == design


def test_what_a_file_leaves_out_takes_its_default():
    """A single key is enough for a design."""
    assert Design.from_toml('study = "sweep"') == Design.make()
    assert Design.from_toml("seed = 5\n# a comment") == Design.make(seed=5)
    assert Design.from_toml('batch_sizes = "2:8:x2"').batch_sizes == (2, 4, 8)
    assert Design.from_toml('distributions = "t, normal"').distributions == ("t(df=5)", "normal")


@pytest.mark.parametrize("seed", [2**63 - 1, 2**63, 2**64, LARGEST_SEED])
def test_seeds_beyond_64_bits_survive(seed):
    """A seed larger than TOML readers must support is written and read exactly."""
    design = Design.make(seed=seed)
    assert Design.from_toml(design.to_toml()).seed == seed


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seeds = 1", "Did you mean 'seed'"),
        ("batch_size = [2]", "Did you mean 'batch_sizes'"),
        ("workers = 2", "Known are study, distributions"),
        ("[design]\nseed = 1", "it is no key of a design"),
        ('"__class__" = 1', "it is no key of a design"),
        ('"" = 1', "it is no key of a design"),
        ("notes = []", "it is no key of a design"),
        ("cls = 1", "it is no key of a design"),
        ('study = "shirt"', "study: got 'shirt'"),
        ("study = 1", "study: got 1"),
        ('sampling = "shuffled"', "sampling: got"),
        ('sampling = ["sequential"]', "draws of a distribution have no order"),
        ("sampling = 3", "sampling: got 3"),
        ('columns = ["a"]', "it says how data are read"),
        ('exclude = "a"', "it is no key of a design"),
        ("exact = true", "it says how data are read"),
        ("exact = 1", "true or false is needed"),
        ("data = 3", "a text is needed"),
        ('data = "no such file.csv"', "there is no such file"),
        ('batch_sizes = [2, "x"]', "batch_sizes: got 'x'"),
        ("batch_sizes = [2.5]", "batch_sizes: got 2.5"),
        ("batch_sizes = [2.0]", "batch_sizes: got 2.0"),
        ("batch_sizes = [true]", "batch_sizes: got True"),
        ("batch_sizes = [nan]", "batch_sizes: got nan"),
        ("batch_sizes = [[2]]", "batch_sizes: got"),
        ("batch_sizes = [{a = 1}]", "batch_sizes: got"),
        ("batch_sizes = [1979-05-27]", "batch_sizes: got"),
        ("batch_sizes = []", "at least one batch size"),
        ("batch_sizes = [32768]", "larger than the full set"),
        ("distributions = []", "at least one is needed"),
        ('distributions = [""]', "at least one is needed"),
        ("distributions = 5", "distributions: got 5"),
        ("distributions = [1.5]", "distributions: got 1.5"),
        ('distributions = [["normal"]]', "distributions: got"),
        ("estimators = true", "estimators: got True"),
        ('estimators = ["mean", 3]', "estimators: got 3"),
        ("full_size = 0", "full_size: got 0"),
        ("full_size = 1e4", "full_size: got 10000.0"),
        ("full_size = true", "full_size: got True"),
        ("full_size = [16]", "full_size: got"),
        ("full_size = 07:32:00", "full_size: got"),
        ("replications = 0", "replications: got 0"),
        ("replications = -5", "replications: got -5"),
        ("replications = inf", "replications: got inf"),
        ("[replications]\nx = 1", "replications: got"),
        ("seed = -1", "seed: got -1"),
        (f"seed = {2**128}", "seed: got 3402823669"),
        ('seed = "x"', "seed: got 'x'"),
        ("seed = 1.0", "seed: got 1.0"),
        ("seed", "a TOML file is expected"),
        ("seed = 1\nseed = 2", "a TOML file is expected"),
        ("seed = 0x", "a TOML file is expected"),
        ("\0", "a TOML file is expected"),
        ("[[[[", "a TOML file is expected"),
    ],
)
def test_a_wrong_design_file_is_refused_with_one_line(text, said):
    """A wrong key, value, type or no TOML at all gives one line that names it."""
    with pytest.raises(SimnormError) as caught:
        Design.from_toml(text)
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("value", ["true", "5", "2.5", "1979-05-27", "nan"])
def test_a_scalar_is_no_list_of_batch_sizes(value):
    """A single value in place of the list of batch sizes is refused in our words."""
    with pytest.raises(SimnormError, match="batch_sizes"):
        Design.from_toml(f"batch_sizes = {value}")


@pytest.mark.parametrize(
    "text", ["[distributions]\nnormal = 1", "[batch_sizes]\n2 = 1", "[estimators]\nmean = 0"]
)
def test_a_table_is_no_list(text):
    """A TOML table in place of a list is refused; its keys are no values."""
    with pytest.raises(SimnormError):
        Design.from_toml(text)


@pytest.mark.parametrize(
    "text", ["seed = " + "9" * 5000, "batch_sizes = " + "[" * 5000], ids=["digits", "nesting"]
)
def test_a_file_that_the_toml_reader_chokes_on_is_refused(text):
    """Numbers of 5,000 digits and endless nesting are refused like any other wrong file."""
    with pytest.raises(SimnormError):
        Design.from_toml(text)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"seed = '\x80'"], ids=["UTF-16 mark", "Latin-1"])
def test_a_file_that_is_no_utf8_is_refused(tmp_path, content):
    """A file in another encoding gives the one line, not a decoding error."""
    path = tmp_path / "design.toml"
    path.write_bytes(content)
    with pytest.raises(SimnormError, match="UTF-8"):
        Design.from_file(path)


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    """A missing file and a folder give the one line with the path."""
    for path in (tmp_path / "missing.toml", tmp_path):
        with pytest.raises(SimnormError, match="it cannot be read"):
            Design.from_file(path)


def test_duplicates_and_cut_ranges_are_noted():
    """Everything dropped or cut is said, in one sentence each; nothing else is."""
    notes: list[str] = []
    Design.make(
        "t,normal,t(df=5.0)",
        estimators="std,std(ddof=0),mean",
        batch_sizes="2:64:x2,4",
        full_size=16,
        notes=notes,
    )
    assert notes == [
        "batch_sizes: 2:64:x2 is cut at N = 16",
        "batch_sizes: 4 given more than once, used once",
        "distributions: t(df=5) given more than once, used once",
        "estimators: std(ddof=0) given more than once, used once",
    ]
    notes.clear()
    Design.make("t,normal", estimators="std,mean", batch_sizes="2:16:x2", notes=notes)
    Design.from_toml('distributions = ["normal", "normal"]', notes)
    assert notes == ["distributions: normal given more than once, used once"]


CHANGES = {
    "distributions": ("normal",),
    "estimators": ("mean",),
    "batch_sizes": (2,),
    "full_size": 8192,
    "sampling": ("replacement",),
    "seed": 1,
    "study": "running",
}


@pytest.mark.parametrize("field", Design.make().to_dict())
def test_the_identity_is_of_everything_but_the_replications(field):
    """A run's folder name depends on every field except the replications."""
    design = Design.make()
    if field == "replications":
        assert dataclasses.replace(design, replications=7).identity() == design.identity()
    else:
        assert (
            dataclasses.replace(design, **{field: CHANGES[field]}).identity() != design.identity()
        )


@given(designs(), designs())
@steady
def test_identities_are_eight_hex_digits_and_tell_designs_apart(one, other):
    """The identity is 8 hex digits, equal exactly for designs equal up to replications."""
    assert len(one.identity()) == 8
    assert set(one.identity()) <= set("0123456789abcdef")
    alike = dataclasses.replace(other, replications=one.replications) == one
    # 100 pairs of 32-bit digests collide by chance with probability 2e-8.
    assert (one.identity() == other.identity()) == alike


def test_the_identity_is_the_digest_of_the_canonical_json():
    """The identity can be found again from the written definition, outside this program."""
    import hashlib

    text = (
        '{"batch_sizes":[2,4],"distributions":["normal"],"estimators":["mean"],"full_size":8,'
        '"sampling":["shuffle"],"seed":3,"study":"sweep"}'
    )
    design = Design.make("normal", estimators="mean", batch_sizes=[2, 4], full_size=8, seed=3)
    assert design.identity() == hashlib.sha256(text.encode()).hexdigest()[:8]


def test_canonical_json_is_one_text():
    """Keys are sorted, there is no space, and NaN is refused."""
    assert canonical_json({"b": [1, 2.5], "a": "x"}) == '{"a":"x","b":[1,2.5]}'
    with pytest.raises(ValueError, match="JSON"):
        canonical_json(float("nan"))


def test_errors_come_through_from_another_process():
    """What joblib or multiprocessing pickles is the same error on the other side."""
    import pickle

    from simnorm.errors import RunError

    for kind in (SimnormError, RunError):
        error = pickle.loads(pickle.dumps(kind("seed", -1, "allowed is 0", "Try 0.")))
        assert (type(error), str(error)) == (kind, "seed: got -1; allowed is 0. Try 0.")
        assert error.exit_code == kind.exit_code
