"""Which designs an answer has, and what it is called."""

from __future__ import annotations

import dataclasses

import pytest

from simnorm import SimnormError, solve
from simnorm.answering.needed import needed_sizes, read_needed, sizes_of, write_needed
from simnorm.answering.plan import FEWEST, REPLICATIONS, _replications, make_plan
from simnorm.answering.settings import LEVELS, Settings
from simnorm.design import Design
from simnorm.studies import study_of

LAWS = Settings("quick", 32, 16_384, ("normal",))


@pytest.fixture
def flowers(tmp_path):
    """A file of 60 rows: two columns of numbers, and three classes."""
    lines = ["a,b,kind"]
    lines += [f"{i % 7 + 0.5},{i * i % 11},{'xyz'[i % 3]}" for i in range(60)]
    path = tmp_path / "flowers.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("n", [2, 3, 32, 100, 256])
def test_every_study_has_the_batch_size(level, n):
    """Whatever is asked about is measured everywhere."""
    plan = make_plan(level=level, batch_size=n)
    assert all(n in design.batch_sizes for design in plan.designs.values())
    assert list(plan.designs) == ["sweep", "inputs", "running", "scaling", "shift", "overhead"]


def test_a_longer_answer_has_more_replications_of_every_study():
    """Quick, default, thorough: none has less than the one before."""
    for word, quick in REPLICATIONS["quick"].items():
        assert quick < REPLICATIONS["thorough"][word]
        assert quick <= REPLICATIONS["default"][word] < REPLICATIONS["thorough"][word]


def test_a_batch_of_one_trains_with_another_and_says_so():
    """What frameworks refuse is run with their usual batches; the rest with one value."""
    plan = make_plan(batch_size="1")
    assert plan.designs["inputs"].batch_sizes[0] == 1
    assert plan.designs["shift"].batch_sizes == (32,)
    assert min(plan.designs["overhead"].batch_sizes) >= 2
    assert any("a batch of one has no spread" in note for note in plan.notes)


def test_batches_larger_than_the_bundled_data():
    """Accuracy is measured with the largest that they have; the other studies with those asked."""
    plan = make_plan(batch_size=5000)
    assert max(plan.designs["scaling"].batch_sizes) == 1437
    assert 5000 in plan.designs["inputs"].batch_sizes
    for word in ("scaling", "sweep"):
        study_of(plan.designs[word]).check(plan.designs[word])


def test_a_column_that_may_hold_the_classes_is_pointed_at(flowers):
    """Its name says so; where the target is named, nothing is said."""
    text = flowers.read_text().replace("a,b,kind", "a,Target,kind")
    flowers.write_text(text)
    notes = make_plan(flowers, batch_size=8).notes
    assert any("--target Target" in note for note in notes)
    assert any("are measured on bundled data" in note for note in notes)
    assert not any("may hold" in n for n in make_plan(flowers, target="Target", batch_size=8).notes)


@pytest.mark.parametrize("n", [0, -1, 16_385, "many", 2.5])
def test_batch_sizes_that_are_none(n):
    """From 1 to N; one line says so."""
    with pytest.raises(SimnormError, match="batch_size") as error:
        make_plan(batch_size=n)
    assert error.value.parameter == "batch_size"
    assert "\n" not in str(error.value)


def test_a_batch_is_no_larger_than_the_file(flowers):
    """60 rows have no batch of 61."""
    with pytest.raises(SimnormError, match="60"):
        make_plan(flowers, batch_size=61)
    assert make_plan(flowers, batch_size=60).settings.batch_size == 60


def test_the_target_is_no_input(flowers):
    """The classes are in no study's columns; accuracy is of the file."""
    plan = make_plan(flowers, target="kind", batch_size=8)
    assert plan.settings.names == ("a", "b")
    assert all(plan.designs[word].columns == ("a", "b") for word in ("sweep", "inputs", "running"))
    assert plan.designs["scaling"].target == "kind"
    assert plan.designs["scaling"].data == str(flowers)
    assert plan.designs["shift"].data == ""


def test_a_target_of_numbers_is_left_out_too(flowers):
    """Even where it is named among the columns."""
    plan = make_plan(flowers, target="b", columns="a,b", batch_size=8)
    assert plan.settings.names == ("a",)


@pytest.mark.parametrize("target", ["nope", "count"])
def test_targets_that_are_none(flowers, target):
    """No such column, or one with a value of its own in every row: the target is what is named."""
    lines = flowers.read_text().splitlines()
    lines = [f"{lines[0]},count", *(f"{line},{i + 0.5}" for i, line in enumerate(lines[1:]))]
    flowers.write_text("\n".join(lines) + "\n")
    with pytest.raises(SimnormError) as error:
        make_plan(flowers, target=target, batch_size=8)
    assert error.value.parameter == "target"
    assert "grouped" not in str(error.value)


def test_without_a_target_accuracy_is_of_bundled_data(flowers):
    """Nobody knows the classes of the file."""
    plan = make_plan(flowers, batch_size=8)
    assert plan.designs["scaling"].data == ""
    assert "wine" in plan.designs["scaling"].datasets


@pytest.mark.parametrize(
    "given", [{"target": "kind"}, {"columns": "a"}, {"exclude": "a"}, {"na": "drop"}]
)
def test_what_is_about_data_needs_data(given):
    """Without a file it is refused, not ignored."""
    with pytest.raises(SimnormError, match="it is about data"):
        make_plan(**given)


def test_a_level_that_is_none():
    """The message names the three, and the nearest."""
    with pytest.raises(SimnormError, match="Did you mean 'quick'"):
        make_plan(level="quik")


def test_large_files_take_fewer_replications():
    """A million rows of fifty columns are drawn less often, but never less than a few times."""
    names = tuple(f"x{i}" for i in range(50))
    small = dataclasses.replace(LAWS, data="f.csv", full_size=500, names=names)
    large = dataclasses.replace(small, full_size=1_000_000)
    for word in ("sweep", "inputs"):
        assert _replications(word, small) == REPLICATIONS["quick"][word]
        assert FEWEST <= _replications(word, large) < _replications(word, small)
    many = dataclasses.replace(small, names=tuple(f"x{i}" for i in range(2000)))
    assert _replications("running", many) == FEWEST


def test_the_same_numbers_have_the_same_name(flowers, tmp_path):
    """Another copy of a file is the same answer; another level, batch size or target is not."""
    copy = tmp_path / "copy.csv"
    copy.write_text(flowers.read_text())
    given = {"target": "kind", "batch_size": 8}
    name = make_plan(flowers, **given).settings.identity()
    assert make_plan(copy, **given).settings.identity() == name
    others = [
        make_plan(flowers, **(given | {"batch_size": 9})),
        make_plan(flowers, **(given | {"target": ""})),
        make_plan(flowers, **given, level="quick"),
        make_plan(flowers, **given, seed=1),
        make_plan(flowers, **given, exclude="a"),
    ]
    assert len({name, *(plan.settings.identity() for plan in others)}) == 6


def test_settings_come_back_from_their_text():
    """What is written is read; what is no such text is refused in one line."""
    assert Settings.from_json(LAWS.to_json()) == LAWS
    for text in ("", "[]", "{}", LAWS.to_json().replace("32", '"x"')):
        with pytest.raises(SimnormError, match="answer"):
            Settings.from_json(text)


def test_what_differs_between_two_answers():
    """Each difference is a clause; where the file lies is none."""
    other = dataclasses.replace(LAWS, batch_size=16, level="thorough")
    assert LAWS.differences(other) == [
        "level thorough there, quick here",
        "batch size 16 there, 32 here",
    ]
    assert LAWS.differences(dataclasses.replace(LAWS, data="elsewhere.csv")) == []


def test_every_design_can_be_written_and_read(flowers):
    """A study's folder can be run again by its file."""
    for plan in (make_plan(), make_plan(flowers, target="kind", batch_size=8)):
        for design in plan.designs.values():
            assert Design.from_toml(design.to_toml()) == design


def test_batch_sizes_that_are_needed(flowers):
    """They are those that solve finds in the same file, a row for each column."""
    found = sizes_of(needed_sizes(make_plan(flowers, batch_size=8)))
    answers = solve(0.1, data=str(flowers))
    assert list(found) == [answer.source for answer in answers] == ["a", "b"]
    assert [one.batch_size for one in found.values()] == [answer.number for answer in answers]
    assert all(one.low <= one.batch_size for one in found.values())
    assert all(one.high == 0 or one.high >= one.batch_size for one in found.values())


def test_batch_sizes_come_back_from_the_folder(flowers, tmp_path):
    """What is written is read; what is no such table is searched again."""
    table = needed_sizes(make_plan(flowers, batch_size=8))
    assert read_needed(tmp_path) is None
    write_needed(tmp_path, table)
    assert read_needed(tmp_path).equals(table)
    (tmp_path / "needed.csv").write_text("name\na\n")
    assert read_needed(tmp_path) is None
