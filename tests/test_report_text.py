"""Every sentence of a sweep's report: right and readable on hand-made tables of all kinds."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from tiny_tables import (
    NAN,
    TinyDesign,
    cell,
    curves_of,
    data_frame,
    facts_of,
    frame_of,
    of_file,
    tiny_frame,
)

from simnorm.figures.choice import main_rows
from simnorm.figures.tables import is_data
from simnorm.report import data, robust, text
from simnorm.report.facts import Needed
from simnorm.report.names import renamed, shown_names
from simnorm.report.tables import (
    MOST_COLUMNS,
    MOST_LAWS,
    THIN,
    answer_table,
    estimate_text,
    performance_table,
)
from simnorm.report.told import Typical, told, typical, typical_errors
from simnorm.robust_table import PERCENT, Cell, Span
from simnorm.stopped import notice

# ------------------------------------------------------------------------- what every text obeys

MOST_WORDS = {"answer": 75, "shape": 75, "trust": 60, "subtitle": 45, "setting": 75}
MOST_SENTENCES = 3
# A full stop ends a sentence where a blank and a capital letter, a digit or a word in code follow.
END = re.compile(r"[.!?](?=\s|$)")
FORBIDDEN = (
    (r"\bnan\b|\bNaN\b|\bNone\b(?! of)|\binf\b", "a value that is no number"),
    (r"  ", "two blanks"),
    (r" [.,;:]", "a blank before a sign"),
    (r"\.\.(?!\.)|,,|;;|,\.|;\.", "two signs"),
    (r"(?<![\d.,–])1 (?:distributions|columns|rows|observations|replications|batch sizes|cells|"
     r"questions|intervals|estimators)\b", "one of many"),
    (r"\(\)|\[\]", "empty brackets"),
    (r"\b(\w+) \1\b(?! is| and)", "a word twice"),
    (r"\d\.0*[1-9]\d{6,}", "too many digits"),
    (r"[a-z]\.[A-Z]", "no blank behind a full stop"),
    (r"e[+-]\d", "a power of ten as computers write it"),
    (r"\d[†‡°]", "a mark glued to a number"),
)  # fmt: skip


def faults(words, *, names=(), sentence=True):
    """What is wrong with a text, the names in it left out: these are data."""
    plain = words
    for name in sorted(names, key=len, reverse=True):
        if name.strip():
            plain = plain.replace(name, "NAME")
    found = [f"{why}: {words!r}" for pattern, why in FORBIDDEN if re.search(pattern, plain)]
    if sentence and plain and not plain.endswith("."):
        found.append(f"no full stop: {words!r}")
    if (
        sentence
        and plain
        and not (plain[0].isupper() or plain[0].isdigit() or plain[0] in "|(†‡°–≈")
    ):
        found.append(f"no capital letter: {words!r}")
    if plain != plain.strip():
        found.append(f"blanks at an end: {words!r}")
    return found


def sentences(words):
    """How many sentences a text has."""
    return len(END.findall(words))


def shown(frame):
    """The rows and names that a report shows."""
    return main_rows(renamed(frame, shown_names(frame)))


def every_text(frame, facts=None, provenance=None):
    """The texts of a report by what they are; captions and paragraphs are whole sentences."""
    rows = shown(frame)
    found = {
        "trust": text.trust(rows),
        "variance": text.variance_finding(rows),
        "bias": text.bias_finding(rows),
        "rmse": text.rmse_finding(rows),
        "audit": text.audit_finding(rows),
        "status": text.status_sentence(rows),
        "cutting": text.cutting_sentence(rows),
        "glance": text.glance(rows),
        "alt": text.overview_alt(rows),
        "amber": robust.amber(rows),
        "notice": notice(TinyDesign(), rows),
    }
    section = robust.section(rows)
    if section is not None:
        found["robust"] = section["about"]
    if is_data(frame):
        facts = renamed(facts_of(frame) if facts is None else facts, shown_names(frame))
        page = data.first_page(rows, facts, "folder/train.csv", provenance or {})
        found |= {key: page[key] for key in ("subtitle", "setting", "answer", "tiles_note", "data")}
        found |= {key: page["columns"][key] for key in ("kinds", "facts_finding", "needs_finding")}
        tiles = page["tiles"]
    else:
        found |= {
            "subtitle": text.subtitle(rows),
            "setting": text.setting(rows),
            "answer": text.answer(rows),
            "shape": text.shape_matters(rows),
            "tiles_note": text.tiles_note(rows),
            "data": text.data_sentence(rows),
        }
        tiles = text.tiles(rows)
    for place, tile in enumerate(tiles):
        found |= {f"tile {place} {key}": part for key, part in tile.items()}
    return found


def names_in(frame):
    """The names that a report may print."""
    return set(shown(frame)["name"])


def check(frame, **options):
    """Raise if any text of a report is not as it should be; return the texts."""
    found = every_text(frame, **options)
    names = names_in(frame)
    wrong = [
        fault
        for key, words in found.items()
        for fault in faults(words, names=names, sentence=not key.startswith(("tile ", "subtitle")))
    ]
    wrong += [
        f"{key} has {len(found[key].split())} words"
        for key, most in MOST_WORDS.items()
        if key in found and len(found[key].split()) > most + 8 * len(names & _long(names))
    ]
    plain = f"{found['answer']} {found.get('shape', '')}"
    for name in sorted(names, key=len, reverse=True):
        plain = plain.replace(name, "NAME") if name.strip() else plain
    if sentences(plain) > MOST_SENTENCES:
        wrong.append(f"more than {MOST_SENTENCES} sentences: {plain}")
    assert sum(key.endswith("number") for key in found) <= 3
    wrong += [
        f"more than three sentences: {found[key]}"
        for key in ("variance", "bias", "rmse", "audit")
        if sentences(re.sub(r"\d\.\d", "0", found[key])) > 3
    ]
    assert not wrong, "\n".join(wrong)
    return found


def _long(names):
    return {name for name in names if len(name) > 20}


# ------------------------------------------------------------------------------------ hand-made


def laws(count, words=("mean", "std(ddof=0)"), sizes=(4, 16, 64), **how):
    """Distributions a0, a1, ... whose i-th std is off by (1 + i/9)/sqrt(n)."""
    return [
        line
        for i in range(count)
        for n in sizes
        for word in words
        for line in cell(f"a{i}", word, n, (1 + (i / 9 if word != "mean" else 0)) * n**-0.5, **how)
    ]


def quantiles(line_of, spans):
    """Rows of the quantiles of an error, as those of a cell without valid mean square."""
    keys = ("quantile(q=0.05)", "quantile(q=0.25)", "median", "quantile(q=0.75)",
            "quantile(q=0.95)")  # fmt: skip
    return [
        line_of | {"measure": key, "estimate": value, "ci_low": value - 0.1, "mcse": NAN,
                   "ci_high": value + 0.1, "theory": NAN, "theory_kind": "", "z": NAN,
                   "status": "ok", "reason": "errors of one batch of each replication"}
        for key, value in zip(keys, spans, strict=True)
    ]  # fmt: skip


def heavy_frame():
    """One distribution as it should be, one without a valid error bar, one without an RMSE."""
    lines = []
    for n in (4, 16, 64):
        lines += cell("normal", "mean", n, n**-0.5) + cell("normal", "std(ddof=0)", n, n**-0.5)
        lines += cell("t(df=3)", "mean", n, n**-0.5) + cell(
            "cauchy", "mean", n, 1.0, status="undefined"
        )
        lines += cell("t(df=3)", "std(ddof=0)", n, 0.9, status="unreliable", kind="")
        lines += cell("cauchy", "std(ddof=0)", n, 1.0, status="undefined")
    frame = frame_of(lines)
    sixteen = frame[(frame["batch_size"] == 16) & (frame["measure"] == "rmse")]
    by = {(r["distribution"], r["estimator"]): r for r in sixteen.to_dict("records")}
    lines += quantiles(by["t(df=3)", "std(ddof=0)"], (-0.9, -0.6, -0.35, -0.02, 0.8))
    lines += quantiles(by["cauchy", "mean"], (-20.0, -1.8, -0.1, 2.1, 15.0))
    return frame_of(lines)


def undefined_laws(names=("cauchy",), sizes=(2, 4)):
    return frame_of(
        [
            line
            for name in names
            for n in sizes
            for line in cell(name, "mean", n, 1.0, status="undefined")
        ]
    )


def lost(frame):
    """The same table after a function that failed in every replication."""
    return frame.assign(
        estimate=NAN, mcse=NAN, theory=NAN, ci_low=NAN, ci_high=NAN, z=NAN, theory_kind="",
        status="failed", failed=100, reason="100 of 100 replications failed; replication 0: no",
    )  # fmt: skip


LONG = "x" * 200
ODD_NAMES = (
    LONG, LONG + "y", "$x^2$ *b* #evil() @r <a> [c] `d` \\e", "αβγ темп", "列\U0001f600", "42",
    "-1.5", "  ", "nan", "normal", "a|b", "x.y.",
)  # fmt: skip
PARTLY_FAILED = {"status": "failed", "failed": 1, "reason": "1 of 100 replications failed; why"}

FRAMES = {
    "usual": tiny_frame(),
    "one distribution": frame_of(laws(1)),
    "one cell": frame_of(cell("normal", "std(ddof=0)", 8, 0.26)),
    "two": frame_of(laws(2)),
    "fifty": frame_of(laws(50)),
    "heavy": heavy_frame(),
    "all undefined": undefined_laws(),
    "four undefined": undefined_laws(("a", "b", "c", "d")),
    "all unreliable": frame_of(laws(3, status="unreliable", kind="")),
    "one unreliable": frame_of(laws(3) + cell("d", "mean", 16, 0.3, status="unreliable", kind="")),
    "batches of one": frame_of(laws(2, sizes=(1,))),
    "undefined batches of one": undefined_laws(sizes=(1,)),
    "the full set": frame_of(cell("a", "mean", 64, 0.0, status="exact")),
    "smallest is enough": frame_of([line for n in (16, 64) for line in cell("a", "mean", n, 0.01)]),
    "far apart": frame_of(cell("a", "mean", 4, 0.5) + cell("a", "mean", 64, 0.01)),
    "order statistics": frame_of(laws(3, words=("min", "max", "range"))),
    "median alone": frame_of(laws(3, words=("median",))),
    "population": frame_of(laws(3, reference="population")).assign(sampling="iid"),
    "replacement": frame_of(laws(3)).assign(sampling="replacement"),
    "one replication": frame_of(laws(2)).assign(replications=1),
    "all failed": lost(frame_of(laws(2, words=("user.f",)))),
    "some failed": frame_of(laws(2, words=("user.f",))).assign(**PARTLY_FAILED),
    "one failed": frame_of(laws(1, words=("user.f",)) + list(
        lost(frame_of(cell("b", "user.f", 16, 0.5))).to_dict("records"))),
    "names": frame_of([line for name in ODD_NAMES for line in cell(name, "mean", 16, 0.25)
                       + cell(name, "std(ddof=0)", 16, 0.2)]),
    "asymptotic": frame_of(laws(3, kind="asymptotic")),
    "large numbers": frame_of(
        cell("a", "unbiased_variance", 16, 758.7) + cell("b", "range", 16, 1e9)),
    "small errors": frame_of(laws(1)).assign(mcse=1e-12),
    "one column": data_frame(("price",)),
    "columns": data_frame(),
    "31 columns": data_frame(tuple(f"c{i}" for i in range(31))),
    "300 columns": data_frame(tuple(f"c{i}" for i in range(300))),
    "names of columns": data_frame(ODD_NAMES),
    "one row kept": frame_of(of_file(cell("", "mean", 2, 0.0, status="exact"), "a", 2)),
    "file order": data_frame().assign(sampling="sequential", replications=1, mcse=0.0),
    "groups": data_frame().assign(sampling="grouped:who"),
    "columns, unreliable": frame_of(
        of_file(cell("", "std(ddof=0)", 16, 0.5, status="unreliable", kind=""), "a")),
    "columns, undefined": frame_of(of_file(cell("", "mean", 4, 1.0, status="undefined"), "a")),
    "stopped by time": frame_of(laws(2)).assign(stop_reason="time"),
    "target reached": frame_of(laws(2)).assign(stop_reason="target"),
}  # fmt: skip


@pytest.mark.parametrize("kind", FRAMES)
def test_every_text_can_be_read(kind):
    """Whole sentences, three at most in the answer, no word or sign that nobody would write."""
    check(FRAMES[kind])


@pytest.mark.parametrize("kind", FRAMES)
def test_tables_have_as_many_cells_as_heads(kind):
    """Whatever is undefined; and no mark stands at a digit."""
    rows = shown(FRAMES[kind])
    found = answer_table(rows)
    wide = 2 * len(found["groups"]) + (2 if found["needs"] else 0)
    assert all(len(line) == wide for line in found["rows"])
    assert len(found["rows"]) == len(found["names"])
    cells = [part for line in found["rows"] for part in line]
    for block in performance_table(rows):
        cells += [part for e in block["estimators"] for line in e["rows"] for part in line]
    for part in cells:
        assert not re.search(r"\d[†‡°]|nan|None|inf", part), part


def test_the_checker_finds_faults():
    """Of what it looks for, one each."""
    bad = ("It is nan.", "Two  blanks.", "1 distributions.", "no capital.", "No stop", "So .",
           "The end end.", "It is 1.23456789.", "5† is glued.", "It is 1e-07.")  # fmt: skip
    assert all(faults(words) for words in bad)
    assert not faults("At batch size 16 the RMSE of a1 is 0.25, of 11 distributions and 21 rows.")
    assert sentences("One. Two is 1.5 %. Three.") == 3


# ------------------------------------------------------------------------------ golden sentences


def test_the_answer_of_one_distribution():
    assert text.answer(frame_of(laws(1))) == (
        "A batch of 16 observations (a0) misses its full set’s standard deviation by 25 %, and its "
        "mean by 0.25 standard deviations, in root mean square. Even the largest batch simulated, "
        "64 observations, does not bring the standard deviation within 10 %."
    )
    assert text.shape_matters(frame_of(laws(1))) == ""
    assert text.tiles_note(frame_of(laws(1))).startswith("Distribution: a0. Behind ± is the")


def test_the_answer_says_for_how_many_it_holds_and_what_is_true_of_the_others():
    """Of cauchy a quarter of its errors are below -1.8 and a quarter above 2.1."""
    frame = heavy_frame()
    assert text.answer(frame) == (
        "A batch of 16 observations misses its full set’s standard deviation by 25 % (normal "
        "alone), and its mean by 0.25 standard deviations (2 of 3), in root mean square. Even the "
        "largest batch simulated, 64 observations, does not bring the standard deviation within "
        "10 % for normal."
    )
    assert text.shape_matters(frame) == (
        "The RMSE of the standard deviation has no valid error bar for t(df=3): half of the "
        "batches of 16 are off by 35 % or more; for cauchy no RMSE exists: half of the batches of "
        "16 miss the mean by 1.8 or more, in the unit of the data."
    )


def test_what_half_of_the_errors_are_as_large_as():
    """Of quartiles on both sides of zero the nearer one, of others the median; by enumeration."""

    def of(errors):
        values = np.quantile(errors, (0.05, 0.25, 0.5, 0.75, 0.95))
        keys = ("quantile(q=0.05)", "quantile(q=0.25)", "median", "quantile(q=0.75)",
                "quantile(q=0.95)")  # fmt: skip
        spans = {k: Span(v, v - 0.01, v + 0.01) for k, v in zip(keys, values, strict=True)}
        return typical(
            Cell("a", "std(ddof=0)", 16, "full_set", "shuffle", 9, PERCENT, spans, "", True)
        )

    for errors in (
        np.linspace(-3, 5, 4001), np.linspace(-5, 3, 4001), np.linspace(1, 9, 4001),
        np.linspace(-9, -1, 4001), np.linspace(-1, 0.5, 4001) ** 3,
    ):  # fmt: skip
        found = of(errors)
        assert (np.abs(errors) >= found.size - 1e-9).mean() >= 0.5
    # As large as these facts allow.
    assert of(np.linspace(-3, 5, 4001)).size == pytest.approx(1.0)
    assert of(np.linspace(-4, 4, 4001)).text == "2.0 %"


def test_a_quantile_that_is_not_known_is_not_told():
    spans = dict.fromkeys(
        ("quantile(q=0.05)", "quantile(q=0.25)", "median", "quantile(q=0.75)", "quantile(q=0.95)"),
        Span(1.0, NAN, NAN),
    )
    assert (
        typical(Cell("a", "mean", 16, "full_set", "shuffle", 9, PERCENT, spans, "", True)) is None
    )


def test_told_sorts_names_by_what_there_is():
    scale, mean = told(heavy_frame())
    assert (scale.word, list(scale.errors), scale.doubtful, scale.gone) == (
        "std(ddof=0)", ["normal"], ("t(df=3)",), ("cauchy",),
    )  # fmt: skip
    assert (list(mean.errors), mean.gone, mean.failed) == (["normal", "t(df=3)"], ("cauchy",), ())
    assert typical_errors(heavy_frame(), "mean", 16)["cauchy"] == Typical(1.8, "1.8", "")


def test_where_nothing_exists_the_page_says_why_and_what_to_do():
    frame = undefined_laws().assign(reason="the mean squared error does not exist: tails")
    assert text.answer(frame) == (
        "None of the errors asked for exists: every value is undefined. The reason: the mean "
        "squared error does not exist: tails. The median and the interquartile range have one: "
        "--estimators median,iqr."
    )
    ones = undefined_laws(sizes=(1,)).assign(reason="a batch of one observation has no spread")
    assert text.answer(ones).endswith("Batches of 2 or more have one: --batch-sizes.")
    assert text.answer(lost(frame_of(laws(2, words=("user.f",))))).startswith(
        "The estimator failed in every replication. The reason: 100 of 100"
    )


def test_the_full_set_has_no_error():
    frame = FRAMES["the full set"]
    assert text.answer(frame) == (
        "There is no error: a batch is the whole full set, so it has the same statistics."
    )
    assert text.tiles(frame) == []


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"a": Needed("between", 51)}, "It takes about 51 observations to bring the mean within"),
        ({"a": Needed("within", 64, 4)}, "It takes between 4 and 64 observations to bring the"),
        ({"a": Needed("smallest", 4)}, "Even the smallest batch simulated, 4 observations, brings"),
        ({"a": Needed("beyond", 1)}, "Even the largest batch simulated, 1 observation, does not"),
        ({"a": Needed("between", 9), "b": Needed("between", 7)},
         "It takes about 7 (b) to 9 (a) observations to bring the mean within 10 % of a"),
        ({"a": Needed("smallest", 2), "b": Needed("between", 7)},
         "It takes no more than 2 (a) to about 7 (b) observations to bring the mean"),
        ({"a": Needed("between", 9), "b": Needed("beyond", 64)},
         "It takes about 9 observations to bring the mean within 10 % of a standard deviation for "
         "a, and more than the 64 simulated for b."),
    ],
)  # fmt: skip
def test_needed_sizes_in_words(found, said):
    assert text.needed_sentence("mean", found).startswith(said)


def test_a_batch_size_found_without_a_valid_error_bar_is_not_told():
    """b comes down to 10 % between 16 and 64, but at 64 its error bar is not valid."""
    lines = cell("a", "mean", 16, 0.16) + cell("a", "mean", 64, 0.08) + cell("b", "mean", 16, 0.3)
    sure = text.answer(frame_of([*lines, *cell("b", "mean", 64, 0.08)]).assign(full_size=9999))
    assert "(a) to" in sure
    assert "known" not in sure
    unsure = cell("b", "mean", 64, 0.08, status="unreliable", kind="")
    # Of a the squared error is 0.4096/n, which is 0.01 at n = 40.96.
    assert text.answer(frame_of([*lines, *unsure]).assign(full_size=9999)).endswith(
        "It takes about 41 observations to bring the mean within 10 % of a standard deviation for "
        "a; for b it is not known well enough."
    )


def test_one_is_no_plural():
    """One cell, one row, one interval."""
    frame = frame_of(cell("a", "mean", 16, 0.25))
    assert text.convergence_finding(frame, curves_of(frame)) == (
        "After 64 replications the RMSE of the one cell with exact theory and a valid error bar is "
        "within 1.6 % of its exact value."
    )
    one = frame.assign(status=["ok", *["exact"] * 7])
    assert text.status_sentence(one) == "Of 8 rows of the table, 1 is ok and 7 exact."
    assert text.status_sentence(frame.iloc[:1]) == "The one row of the table is ok."


def test_who_needs_more_than_the_largest_batch():
    frame = main_rows(data_frame(tuple(f"c{i}" for i in range(31))))
    # Of c0 the RMSE at n = 32 is 1/8; of all others it is larger.
    assert text.glance(frame) == (
        "The largest batch simulated, 32 rows, does not bring the standard deviation within 10 % "
        "for any column."
    )
    assert text.glance(tiny_frame()) == (
        "The largest batch simulated, 64 observations, does not bring the standard deviation "
        "within 10 % for t(df=5) and not within 5 % for any distribution."
    )
    many = frame_of([line for n in (4, 400) for line in cell("a", "mean", n, n**-0.5)])
    assert text.glance(many) == (
        "For 5 % of a standard deviation it takes between 4 and 400 observations."
    )
    assert text.glance(FRAMES["all undefined"]) == ""


def test_of_fifty_distributions_some_have_their_numbers_printed():
    """The smallest and the largest error among them; of 300 columns the worst."""
    found = [block["name"] for block in performance_table(shown(FRAMES["fifty"]))]
    assert len(found) == MOST_LAWS
    assert {"a0", "a49"} <= set(found)
    assert len(performance_table(shown(FRAMES["300 columns"]))) == MOST_COLUMNS


def test_a_mark_stands_apart():
    """A thin space, so that no dagger is read as a digit."""
    scale = heavy_frame()
    rows = answer_table(scale)["rows"]
    assert rows[1][0].replace("\u2007", "").startswith(f"90.0{THIN}†")
    assert THIN != " "


def test_numbers_have_no_more_digits_than_are_known():
    """Of tiles and tables: two digits of the standard error, three without one."""
    for kind in ("usual", "heavy", "columns"):
        rows = shown(FRAMES[kind])
        for line in answer_table(rows)["rows"]:
            for part in line:
                plain = part.replace("\u2007", "").replace("\u2008", "").strip("†‡° ")
                value, sign, error = plain.partition(" ± ")
                if sign:
                    assert len(error.replace(".", "").lstrip("0")) <= 2
                    assert len(value.partition(".")[2]) == len(error.partition(".")[2])


def test_estimates_say_what_is_missing():
    """An en dash where there is no number; an exact one without a standard error."""
    from simnorm.report.facts import Quantity

    assert estimate_text(Quantity(NAN, NAN, NAN, "", "undefined", "")) == "–"
    assert estimate_text(Quantity(0.25, 0.0, 0.25, "exact", "exact", "")) == "0.250"
    assert math.isnan(NAN)
