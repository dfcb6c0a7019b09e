"""The grammar of words: what it reads, what it refuses, and that it refuses nothing else."""

from __future__ import annotations

import functools
import math
import time

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from simnorm.design import Design
from simnorm.distributions import DISTRIBUTIONS, PLACES, distribution
from simnorm.errors import SimnormError
from simnorm.estimators import ESTIMATORS, estimator
from simnorm.grammar import (
    LARGEST_SEED,
    MOST_SIZES,
    number_text,
    parse_batch_sizes,
    parse_spec,
    split_list,
    whole_number,
)

# The same examples in every run: a red test is a changed program, never an unlucky day.
steady = settings(derandomize=True, deadline=None, max_examples=300)

# Far above what any of these texts takes (a millisecond), far below what blow-up would take.
PATIENCE = 2.0  # seconds

LONG = 100_000
HOSTILE = {
    "import": "__import__('os').system('touch pwned')",
    "lambda": "lambda: 0",
    "comprehension": "[x for x in range(9)]",
    "attribute": "().__class__.__bases__[0]",
    "format": "{0.__class__}",
    "percent": "%s%s%n",
    "f-string": "f'{1}'",
    "semicolon": "normal; print(1)",
    "shell": "$(touch pwned)",
    "backtick": "`touch pwned`",
    "path": "../../etc/passwd",
    "code in a parameter": "t(df=__import__('os'))",
    "call in a parameter": "t(df=int(5))",
    "sum in a parameter": "t(df=2+3)",
    "power": "9**9**9",
    "power in a parameter": "t(df=9**9**9)",
    "open parenthesis": "t(df=5",
    "closed parenthesis": "t df=5)",
    "only open": "(",
    "only closed": ")",
    "inside out": "t)df=5(",
    "doubled": "t((df=5))",
    "two calls": "t(df=5)(df=6)",
    "text after the call": "t(df=5)x",
    "number without a name": "t(5)",
    "no number": "t(df=)",
    "no name": "t(=5)",
    "twice the same name": "t(df=5,df=6)",
    "missing parameter": "t(df=5,)",
    "nan": "nan",
    "inf": "inf",
    "minus inf": "-inf",
    "nan parameter": "t(df=nan)",
    "inf parameter": "t(df=inf)",
    "infinity parameter": "t(df=-Infinity)",
    "huge exponent": "1e400",
    "huge exponent in a parameter": "t(df=1e400)",
    "exponent of ten digits": "t(df=1e9999999999)",
    "hexadecimal": "0x10",
    "hexadecimal parameter": "t(df=0x10)",
    "underscore": "1_6",
    "underscore in a parameter": "t(df=1_0)",
    "complex": "2j",
    "decimal comma": "1,5x",
    "superscript": "\u00b2",
    "superscript parameter": "t(df=\u00b2)",
    "vulgar fraction": "\u00bd",
    "roman numeral": "\u2167",
    "full-width letters": "\uff4e\uff4f\uff52\uff4d\uff41\uff4c",
    "Cyrillic letter": "n\u043ermal",
    "combining mark": "norma\u0301l",
    "right-to-left mark": "\u202enormal",
    "zero-width space": "nor\u200bmal",
    "surrogate": "\ud800",
    "emoji": "\U0001f4a5",
    "NUL": "\0",
    "NUL inside": "nor\0mal",
    "newline inside": "nor\nmal",
    "line separator": "nor\u2028mal",
    "escape sequence": "\x1b[31mnormal",
    "empty": "",
    "blank": "   ",
    "comma": ",",
    "colons": "::",
    "many nines": "9" * LONG,
    "many letters": "a" * LONG,
    "many opened": "(" * LONG,
    "many nested": "(" * (LONG // 2) + ")" * (LONG // 2),
    "many commas": "," * LONG,
    "many colons": "2:" * (LONG // 2),
    "many equals": "t(" + "=" * LONG + ")",
    "many spaces": "t(" + " " * LONG + "x)",
    "many parameters": "t(" + "a=1," * (LONG // 4) + ")",
    "long word in a range": "2:64:" + "x" * LONG,
}
# Digits of other scripts, which Python's own int() and float() would read.
FOREIGN_DIGITS = {
    "Arabic-Indic": "\u0663",
    "Devanagari": "\u096b",
    "full-width": "\uff15",
    "mathematical bold": "\U0001d7d3",
}
PARAMETERS = (
    "distributions",
    "estimators",
    "batch_sizes",
    "full_size",
    "replications",
    "seed",
)


@pytest.mark.parametrize("parameter", PARAMETERS)
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_is_refused_with_one_line_and_at_once(name, parameter):
    """Every hostile text gives a one-line SimnormError, within moments, for every parameter."""
    begin = time.perf_counter()
    with pytest.raises(SimnormError) as caught:
        Design.make(**{parameter: HOSTILE[name]})
    assert time.perf_counter() - begin < PATIENCE
    message = str(caught.value)
    assert message.startswith(f"{parameter}: got ")
    assert len(message.splitlines()) == 1
    assert "\0" not in message
    assert "\x1b" not in message
    assert len(message) < 600


def test_the_list_of_hostile_texts_is_long_enough():
    """At least forty different hostile texts are tried."""
    assert len(set(HOSTILE.values())) >= 40


@pytest.mark.parametrize("digit", FOREIGN_DIGITS.values(), ids=FOREIGN_DIGITS)
@pytest.mark.parametrize(
    ("parameter", "form"),
    [
        ("batch_sizes", "{}"),
        ("batch_sizes", "2:6{}:x2"),
        ("batch_sizes", "2:64:x{}"),
        ("full_size", "{}"),
        ("replications", "{}"),
        ("seed", "{}"),
        ("distributions", "t(df={})"),
        ("distributions", "t(df=1e{})"),
    ],
)
def test_digits_of_other_scripts_are_no_numbers(digit, parameter, form):
    """Only 0-9 are digits: a look-alike from another script is refused, not read."""
    with pytest.raises(SimnormError):
        Design.make(**{parameter: form.format(digit)})


def refusal(parameter, text):
    """Return the message that a text is refused with, empty if it is accepted."""
    try:
        Design.make(**{parameter: text})
    except SimnormError as error:
        return str(error)
    return ""


@given(st.text(max_size=60), st.sampled_from(PARAMETERS))
@steady
def test_any_text_is_read_or_refused(text, parameter):
    """Whatever the text, the outcome is a design or a SimnormError, nothing else."""
    assert len(refusal(parameter, text).splitlines()) <= 1


@given(st.text(alphabet="t(df=5,.e+-):x2 1nmeas", max_size=30), st.sampled_from(PARAMETERS))
@steady
def test_any_text_of_the_grammars_own_letters_is_read_or_refused(text, parameter):
    """Texts that nearly are of the grammar are read or refused, nothing else."""
    assert len(refusal(parameter, text).splitlines()) <= 1


# Specs


def test_a_spec_by_hand():
    """A word with named numbers is read as written; space is free, parentheses may be empty."""
    assert parse_spec("t", "x") == ("t", {})
    assert parse_spec(" t ( df = 5 ) ", "x") == ("t", {"df": 5.0})
    assert parse_spec("t()", "x") == ("t", {})
    assert parse_spec("gamma(a=.5,scale=+2e-3)", "x") == ("gamma", {"a": 0.5, "scale": 0.002})
    assert parse_spec("normal(loc=-5.)", "x") == ("normal", {"loc": -5.0})


@pytest.mark.parametrize(
    "number", ["nan", "inf", "-inf", "1e400", "-1e999", "1e1000", "0x5", "1_0"]
)
def test_a_number_of_a_spec_is_finite_and_decimal(number):
    """What float() would read but is no finite decimal number is refused by the grammar itself."""
    with pytest.raises(SimnormError, match="finite number"):
        parse_spec(f"word(x={number})", "x")


def test_lists_split_at_commas_outside_parentheses():
    """A comma inside parentheses belongs to the spec, any other one separates."""
    assert split_list("a,b(c=1,d=2) , e") == ["a", "b(c=1,d=2)", "e"]
    assert split_list("") == [""]
    assert split_list("a,,b") == ["a", "", "b"]


@given(st.floats(allow_nan=False, allow_infinity=False))
@steady
def test_a_number_reads_back_as_itself(value):
    """The text of every finite double is of the grammar and reads back to the same double."""
    text = number_text(value)
    assert parse_spec(f"word(x={text})", "x")[1]["x"] == value
    assert float(text) == value


@pytest.mark.parametrize("word", DISTRIBUTIONS)
@given(data=st.data())
@settings(steady, max_examples=100)
def test_the_canonical_spec_of_a_distribution_reads_back_to_it(word, data):
    """Parsing a law's canonical text gives the law back, and its text again, to the letter."""
    law = DISTRIBUTIONS[word]
    values = {}
    for name, (low, high) in ({"scale": PLACES["scale"]} | dict(law.limits)).items():
        floats = st.floats(low, min(high, 1e150), exclude_min=True)
        values[name] = data.draw(floats, label=name)
    # A location far beyond the scale is refused: there doubles cannot tell the data apart.
    places = st.floats(-1e5, 1e5).map(lambda place: place * values["scale"])
    values["loc"] = data.draw(places, label="loc")
    try:
        made = law(**values)
    except SimnormError:
        assume(False)  # a law may bind its parameters to each other
    text = str(made)
    assert distribution(text) == made
    assert str(distribution(text)) == text
    assert split_list(text) == [text]


@pytest.mark.parametrize("word", DISTRIBUTIONS)
def test_the_bare_word_of_a_distribution_means_its_canonical_spec(word):
    """The bare word and the canonical spec name the same law."""
    assert distribution(str(distribution(word))) == distribution(word)
    assert str(distribution(word)).startswith(word)


@pytest.mark.parametrize("word", ESTIMATORS)
def test_the_canonical_spec_of_an_estimator_reads_back_to_it(word):
    """Parsing an estimator's canonical text gives the estimator back."""
    text = str(estimator(word))
    assert str(estimator(text)) == text
    assert estimator(text) == estimator(word)


@pytest.mark.parametrize(
    ("spec", "canonical"),
    [
        ("t", "t(df=5)"),
        ("t(df=5.0)", "t(df=5)"),
        ("t(scale=2,df=3)", "t(df=3,scale=2)"),
        ("t(df=3,loc=0,scale=1)", "t(df=3)"),
        ("normal(loc=-0.0)", "normal"),
        ("normal(scale=2,loc=5)", "normal(loc=5,scale=2)"),
        (" exponential ( ) ", "exponential"),
        ("gamma(a=1e1)", "gamma(a=10)"),
        ("lognormal(s=0.50)", "lognormal(s=0.5)"),
    ],
)
def test_spellings_of_one_law_have_one_name(spec, canonical):
    """Different spellings of the same law have the same canonical text."""
    assert str(distribution(spec)) == canonical


@pytest.mark.parametrize(
    ("spec", "canonical"),
    [("std", "std(ddof=0)"), ("std(ddof=1.0)", "std(ddof=1)"), (" mean() ", "mean")],
)
def test_spellings_of_one_estimator_have_one_name(spec, canonical):
    """Different spellings of the same estimator have the same canonical text."""
    assert str(estimator(spec)) == canonical


@pytest.mark.parametrize(
    ("read", "wrong", "right"),
    [
        (distribution, "nrmal", "normal"),
        (distribution, "Normal", "normal"),
        (distribution, "exponental(scale=2)", "exponential"),
        (distribution, "log_normal", "lognormal"),
        (estimator, "biasedvariance", "biased_variance"),
        (estimator, "medain", "median"),
        (distribution, "t(dof=5)", "df"),
        (distribution, "normal(scal=5)", "scale"),
        (estimator, "std(dof=1)", "ddof"),
    ],
)
def test_a_misspelt_word_brings_the_nearest_one(read, wrong, right):
    """The message for an unknown word or parameter names the one probably meant."""
    with pytest.raises(SimnormError, match=f"Did you mean '{right}'"):
        read(wrong)


@pytest.mark.parametrize(
    ("word", "name"),
    [(word, name) for word, law in DISTRIBUTIONS.items() for name in {**PLACES, **law.limits}],
)
def test_parameters_out_of_range_are_refused(word, name):
    """What is beyond the limits or not finite is refused, the limits are as the message says."""
    law = DISTRIBUTIONS[word]
    if name == "loc":  # next to which a small scale is refused for another reason
        law = functools.partial(law, scale=1e20)
    low, high = {**PLACES, **DISTRIBUTIONS[word].limits}[name]
    outside = [math.nextafter(low, -math.inf), math.nan, math.inf, -math.inf]
    # A wide scale, because doubles next to a huge loc lie far apart.
    wide = {} if name == "scale" else {"scale": 1e20}
    law(**wide, **{name: math.nextafter(low, math.inf)})
    if high < math.inf:
        assert getattr(law(**wide, **{name: high}), name) == high
        outside.append(math.nextafter(high, math.inf))
    messages = []
    for value in outside:
        with pytest.raises(SimnormError, match=name) as caught:
            law(**{name: value})
        messages.append(str(caught.value))
    if "above" in messages[0]:
        with pytest.raises(SimnormError, match=name):
            law(**{name: low})
    else:
        law(**{name: low})
    for value in (True, None, "5", 1j, [1.0]):
        with pytest.raises(SimnormError):
            law(**{name: value})


# Whole numbers


@pytest.mark.parametrize(
    "value",
    [
        "",
        "-1",
        "+1",
        "5\n6",
        "1.0",
        "1e3",
        "one",
        "0x1",
        "1 2",
        "9" * 41,
        1.0,
        True,
        None,
        [1],
        b"1",
    ],
)
def test_what_is_no_whole_number(value):
    """Only digits make a whole number; signs, points, booleans and floats do not."""
    with pytest.raises(SimnormError, match="whole number"):
        whole_number(value, "n", 0, LARGEST_SEED)


@pytest.mark.parametrize("text", ["'5'", '"5"', "5'", '"5'])
def test_quotation_marks_are_no_part_of_a_number(text):
    """A number in quotation marks of its own is no number."""
    with pytest.raises(SimnormError):
        whole_number(text, "n", 0, LARGEST_SEED)
    with pytest.raises(SimnormError):
        parse_batch_sizes(text, 16)


def test_whole_numbers_within_their_limits():
    """Both limits are allowed, as a number and as text, and nothing beyond them."""
    for value in (3, "3", " 3 ", 7, "7", "007"):
        assert whole_number(value, "n", 3, 7) == int(value)
    for value in (2, 8, "2", "8"):
        with pytest.raises(SimnormError, match="n: got"):
            whole_number(value, "n", 3, 7)
    assert whole_number(str(LARGEST_SEED), "seed", 0, LARGEST_SEED) == 2**128 - 1
    with pytest.raises(SimnormError):
        whole_number(2**128, "seed", 0, LARGEST_SEED)


@pytest.mark.parametrize("parameter", ["batch_sizes", "full_size", "replications", "seed"])
def test_a_number_too_long_to_print_is_refused(parameter):
    """A Python integer of 5,000 digits, which Python declines to print, is refused in our words."""
    huge = 10**5000
    with pytest.raises(SimnormError):
        Design.make(**{parameter: [huge] if parameter == "batch_sizes" else huge})


# Batch sizes

SIZES = st.integers(1, 200)


@pytest.mark.parametrize(
    ("text", "N", "sizes"),
    [
        ("2,4,8", 16, (2, 4, 8)),
        ("8,2,4", 16, (2, 4, 8)),
        ("2:8:2", 16, (2, 4, 6, 8)),
        ("2:9:2", 16, (2, 4, 6, 8)),
        ("2:64:x2", 64, (2, 4, 8, 16, 32, 64)),
        ("3:100:x3", 100, (3, 9, 27, 81)),
        (" 2 , 4:6:1 ", 16, (2, 4, 5, 6)),
        ("1", 1, (1,)),
        ("16", 16, (16,)),
        ("1:3:1,2:1024:x2,5", 16, (1, 2, 3, 4, 5, 8, 16)),
    ],
)
def test_batch_sizes_by_hand(text, N, sizes):
    """Lists, step ranges, factor ranges and mixtures mean what the help says."""
    assert parse_batch_sizes(text, N).sizes == sizes


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "-4",
        "1.5",
        "1e3",
        "ten",
        "",
        "4,,8",
        "4,8,",
        "8:2:2",
        "8:8:2",
        "2:64:x1",
        "2:64:x0",
        "2:64:0",
        "2:64:-2",
        "2:64:x",
        "2:64:",
        "2:64",
        ":64:2",
        "2::2",
        "2:64:2:2",
        "0:64:2",
        "2:64:x1.5",
        "2:64:X2",
        "2 4",
        "12345678901234567890",
        "2:12345678901234567890:x2",
        "2:64:12345678901234567890",
        "17",
        "2,17",
    ],
)
def test_bad_batch_sizes_are_refused_by_name_and_value(text):
    """Every bad batch size of the list gives one message that shows it and how to write one."""
    with pytest.raises(SimnormError) as caught:
        parse_batch_sizes(text, full_size=16)
    message = str(caught.value)
    assert message.startswith("batch_sizes: got ")
    part = max(text.split(","), key=len)
    assert part[:40] in message
    assert "2:1024:x2" in message or "Leave it out" in message


@pytest.mark.parametrize("given", [[], [0], [-4], [1.5], [2.0], [True], [17], [None], ["x"], [[2]]])
def test_bad_batch_sizes_in_a_list_are_refused(given):
    """A Python list may hold whole numbers from 1 to N and nothing else."""
    with pytest.raises(SimnormError, match="batch_sizes"):
        parse_batch_sizes(given, full_size=16)


@pytest.mark.parametrize("given", [True, 5, 2.5, None, object()])
def test_what_is_neither_text_nor_list_is_no_list_of_batch_sizes(given):
    """A single number, a boolean or nothing in place of a list is refused in our words."""
    with pytest.raises(SimnormError, match="batch_sizes"):
        parse_batch_sizes(given, full_size=16)


def test_numpy_integers_are_batch_sizes():
    """An array of integers is as good as a list, and plain integers come out."""
    np = pytest.importorskip("numpy")
    sizes = parse_batch_sizes(np.array([4, 2]), 16).sizes
    assert sizes == (2, 4)
    assert all(type(size) is int for size in sizes)


@given(st.lists(SIZES, min_size=1, max_size=20), st.integers(200, 1000))
@steady
def test_listed_sizes_come_out_sorted_and_once(sizes, N):
    """Written-out sizes are sorted; a note stands exactly where one came twice."""
    found = parse_batch_sizes(",".join(map(str, sizes)), N)
    assert found.sizes == tuple(sorted(set(sizes)))
    assert bool(found.notes) == (len(set(sizes)) < len(sizes))
    assert parse_batch_sizes(sizes, N) == found


@given(SIZES, st.integers(1, 400), SIZES, st.booleans(), st.integers(1, 400))
@steady
def test_a_range_holds_what_counting_gives(start, more, step, factor, N):
    """A range is its members up to N, and a note stands exactly where N took one away."""
    stop = start + more
    if factor:
        step += 1
        members = []
        member = start
        while member <= stop:
            members.append(member)
            member *= step
    else:
        members = list(range(start, stop + 1, step))
    within = tuple(member for member in members if member <= N)
    text = f"{start}:{stop}:{'x' * factor}{step}"
    if not within:
        with pytest.raises(SimnormError, match="batch_sizes"):
            parse_batch_sizes(text, N)
        return
    found = parse_batch_sizes(text, N)
    assert found.sizes == within
    assert bool(found.notes) == (len(within) < len(members))
    assert all(text in note and f"N = {N:,}" in note for note in found.notes)


@given(st.lists(st.one_of(SIZES, st.tuples(SIZES, SIZES, SIZES)), min_size=1, max_size=6))
@steady
def test_the_canonical_text_of_batch_sizes_reads_back(parts):
    """Sizes are sorted, unique and within N, and their written-out text reads back, noteless."""
    text = ",".join(
        str(part) if isinstance(part, int) else f"{part[0]}:{part[0] + part[1]}:{part[2]}"
        for part in parts
    )
    N = 200
    sizes = parse_batch_sizes(text, N).sizes
    assert list(sizes) == sorted(set(sizes))
    assert sizes[0] >= 1
    assert sizes[-1] <= N
    again = parse_batch_sizes(",".join(map(str, sizes)), N)
    assert again.sizes == sizes
    assert again.notes == ()


def test_too_long_a_range_is_refused():
    """A range of a billion sizes is refused before it is made."""
    begin = time.perf_counter()
    with pytest.raises(SimnormError, match="at most"):
        parse_batch_sizes("1:2000000000:1", 2**31 - 1)
    assert time.perf_counter() - begin < PATIENCE
    assert len(parse_batch_sizes(f"1:{MOST_SIZES}:1", 2**31 - 1).sizes) == MOST_SIZES


def test_too_many_ranges_are_refused():
    """The limit on the number of sizes holds for a whole list, not for each of its ranges."""
    text = ",".join(f"{1 + i * 16_000}:{(i + 1) * 16_000}:1" for i in range(3))
    with pytest.raises(SimnormError, match="at most"):
        parse_batch_sizes(text, 10**6)


def test_overlapping_ranges_are_read_at_once():
    """Thousands of duplicates are dropped in no time."""
    begin = time.perf_counter()
    found = parse_batch_sizes("1:8000:1,1:8000:1", 16_384)
    # Ten milliseconds are enough for any sensible way; counting all pairs takes over a second.
    assert time.perf_counter() - begin < 0.5
    assert found.sizes == tuple(range(1, 8001))
    assert len(found.notes) == 1
    assert len(found.notes[0]) < 200
