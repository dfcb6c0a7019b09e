"""The report of a run on data: what it says of a file, and that all columns fit."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import asdict, replace

import pandas as pd
import pytest
from tiny_tables import (
    NAN,
    TinyData,
    TinyResult,
    cell,
    data_curves,
    data_frame,
    facts_of,
    frame_of,
    of_file,
    schemes_frame,
    tiny_frame,
)

from simnorm.figures.choice import main_rows
from simnorm.report import data, schemes, text, write_report
from simnorm.report.content import Content
from simnorm.report.facts import Quantity
from simnorm.report.names import renamed, shown_names
from simnorm.report.origin import design_text, provenance_rows
from simnorm.report.tables import answer_table, estimate_text, performance_table
from simnorm.theory.worth import effective_size

HOSTILE = (
    '#read("/etc/passwd")', "$x$ <b>_*", "\u5217\U0001f600", "normal", "t(df=5)", "a" * 200,
    "\u03b1\u03b2\u03b3 \u0442\u0435\u043c\u043f", "two\nlines", "column 3", "",
)  # fmt: skip


def has(program):
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"needs {program}")


def blocks_of(result):
    """The blocks of a report, those that have a label or a name by it."""
    article = Content.of(result).article
    return {b.get("label") or b.get("name") or f"{at}": b for at, b in enumerate(article.blocks())}


def words_of(path):
    out = subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, check=True)
    return re.sub(r"\s+", " ", out.stdout.decode()).replace("\u200b", "")


# --------------------------------------------------------------------------------- first page


def test_the_worst_column_leads():
    frame = main_rows(data_frame())
    # At n = 16 the std is off by 18, 35 and 53 %; 10 % is never reached within n = 32.
    assert list(dict.fromkeys(frame["name"])) == ["flat", "high", "low"]
    assert data.answer(frame, facts_of(frame)) == (
        "A batch of 16 rows misses its column’s standard deviation by 18 % (low) to 53 % (flat), "
        "and its mean by 0.25 standard deviations, in root mean square. Even the largest batch "
        "simulated, 32 rows, does not bring the standard deviation within 10 % in any column."
    )
    worst, mean, enough = data.tiles(frame, facts_of(frame))
    assert worst["number"] == "53 %"
    assert worst["caption"] == "RMSE of the standard deviation of a batch of 16, worst column"
    assert worst["detail"] == "flat: simulated 53.0 ± 0.5 %, exact 53.0 %"
    assert mean["number"] == "0.25 sd"
    assert "worst" not in mean["caption"]
    assert (enough["number"], enough["detail"]) == (
        "> 32", "no column reaches it",
    )  # fmt: skip


def test_a_batch_size_is_enough_for_so_many_columns():
    frame = frame_of(
        [
            line
            for name, size in (("a", 0.32), ("b", 0.64), ("c", 0.16))
            for n in (4, 16, 64)
            for line in of_file(cell("", "std(ddof=0)", n, size / n**0.5), name, 10**9)
        ]
    )
    # size^2 / n = 0.01 at n = 10.24 and 40.96, rounded up; c is below it from the start.
    assert data.enough(frame) == data.Enough("std(ddof=0)", 3, 3, 11, 41, 64, total=10**9)
    assert data.enough_sentence(frame) == (
        "It takes about 41 rows to bring the standard deviation within 10 % in all 3 columns, "
        "about 11 in half of them."
    )
    some = frame[(frame["column"] != "b") | (frame["batch_size"] < 64)]
    assert data.enough_sentence(some) == (
        "The largest batch simulated, 64 rows, brings the standard deviation within 10 % in 2 of 3 "
        "columns."
    )


def test_who_is_left_out_is_counted():
    """Of four columns one has no valid error bar and one no relative error."""
    lines = [line for n in (4, 16) for line in of_file(cell("", "std(ddof=0)", n, 0.2), "d", 99)]
    lines = [line | {"status": "undefined", "estimate": NAN, "theory": NAN} for line in lines]
    for name, how in (("a", {}), ("b", {}), ("c", {"status": "unreliable", "kind": ""})):
        for n in (4, 16):
            lines += of_file(cell("", "std(ddof=0)", n, 0.32 / n**0.5, **how), name, 99)
    found = data.enough(frame_of(lines))
    assert (found.count, found.unsure, found.without) == (2, 1, 1)
    assert "the 2 of 3 columns that have a valid error bar" in data.enough_tile(found)["caption"]
    sentence = data.enough_sentence(frame_of(lines))
    assert sentence.endswith("in 2 columns; of 1 more it is not known well enough.")
    three = frame_of([line for line in lines if line["column"] != "c"])
    assert "in both columns that have a relative error" in data.enough_sentence(three)


def test_it_may_take_the_whole_file():
    """Of five rows four are not enough."""
    lines = [
        line
        for name in ("a", "b")
        for n, error in ((4, 0.2), (5, 0.0))
        for line in of_file(cell("", "std(ddof=0)", n, error), name, 5)
    ]
    frame = frame_of(lines)
    assert data.enough_sentence(frame) == (
        "It takes all 5 rows to bring the standard deviation within 10 % in both columns."
    )
    assert data.enough_tile(data.enough(frame))["number"] == "5"


def test_one_column_is_called_by_its_name():
    frame = main_rows(data_frame(("price",)))
    assert data.answer(frame, facts_of(frame)).startswith(
        "A batch of 16 rows misses price’s standard deviation by 18 %, and its mean by 0.25 "
    )
    assert data.subtitle(frame, "x/train.csv") == (
        "Bias, variance and RMSE of batch statistics for column price of train.csv; N = 64 rows, "
        "100 replications"
    )


@pytest.mark.parametrize(
    ("kind", "said"),
    [("constant", "Every column is constant"), ("", "There is no error: a batch is the whole")],
)
def test_errors_of_zero_have_words_of_their_own(kind, said):
    frame = frame_of(of_file(cell("", "mean", 64, 0.0, status="exact"), "a"))
    facts = facts_of(frame, kind=kind)
    assert data.answer(frame, facts).startswith(said)
    assert data.tiles(frame, facts) == []


def test_an_error_bar_that_is_not_valid_is_told_of():
    lines = of_file(cell("", "std(ddof=0)", 16, 0.5, status="unreliable", kind=""), "a")
    frame = frame_of(lines)
    assert "The largest error of the standard deviation has no valid error bar." in data.answer(
        frame, facts_of(frame)
    )
    (tile, _) = data.tiles(frame, facts_of(frame))
    assert tile["detail"] == "simulated 50.0 % (no valid error bar)"


def test_the_error_bars_are_those_of_this_file():
    frame = data_frame()
    assert "not how another file would differ" in data.error_bars(frame)
    fixed = frame.assign(sampling="sequential")
    assert data.error_bars(fixed).startswith("Nothing is drawn at random in file order")


@pytest.mark.parametrize(
    ("scheme", "said"),
    [
        ("shuffle", "put the 64 rows of train.csv into 100 random orders and cut each into"),
        ("sequential", "cut the 64 rows of train.csv, in the order of the file, into batches"),
        ("grouped:who", "put the groups of who in the 64 rows of train.csv into 100 random"),
        ("replacement", "drew batches from the 64 rows of train.csv with replacement, 100 times"),
    ],
)
def test_how_batches_come_about_is_said(scheme, said):
    frame = data_frame().assign(sampling=scheme)
    assert said in data.setting(frame, "folder/train.csv")
    assert text.cutting_method(frame)


def test_the_table_of_the_first_page_has_the_worst_columns_first():
    names = tuple(f"x{i:02d}" for i in range(30))
    table = answer_table(main_rows(data_frame(names)), most=data.FIRST_ROWS)
    assert table["names"] == list(names[:-9:-1])
    assert table["of"] == 30
    exact = [line[1] for line in table["rows"]]
    assert float(exact[0]) == pytest.approx(100 * 30 / 32**0.5, rel=1e-3)


# ----------------------------------------------------------------------------------- the columns


def test_what_the_file_holds():
    provenance = {
        "rows_dropped": 3,
        "columns_skipped": {"name": "text", "id": "text", "target": "it groups the rows"},
    }
    assert data.data_sentence(data_frame(), "a/b.csv", provenance) == (
        "The file b.csv gives N = 64 rows and 3 columns of numbers, each a full set of its own. "
        "3 rows with gaps were left out. Not measured: name and id (text); target (it groups the "
        "rows). 4 batch sizes: 2, 4, 16 and 32."
    )
    assert "1 row with gaps was left out." in data.data_sentence(
        data_frame(("a",)), "b.csv", {"rows_dropped": 1}
    )


def test_columns_without_spread_are_named():
    facts = facts_of(data_frame(), kind=["", "constant", "nearly constant"])
    assert data.kinds_sentence(facts) == (
        "Constant, so nothing about them is uncertain and no error is relative: high. "
        "Nearly constant, their spread is lost in the rounding of their values: flat."
    )
    assert data.kinds_sentence(facts_of(data_frame())) == ""


def test_facts_are_those_of_the_table():
    facts = facts_of(data_frame(), mean=[12.3456, -0.5, 0.0], tail_index=[9.0, float("inf"), NAN])
    table = [[part.strip("\u2007\u2008") for part in line] for line in data.facts_table(facts)]
    assert table == [
        ["low", "12.3", "1.50", "0.250", "0.500", "9.00", "12 %"],
        ["high", "−0.500", "1.50", "0.250", "0.500", "∞", "12 %"],
        ["flat", "0", "1.50", "0.250", "0.500", "–", "12 %"],
    ]


def test_the_two_kinds_of_needed_sizes_are_never_merged():
    facts = facts_of(
        data_frame(), n_own_10=[30.0, 63.9, NAN], n_fresh_10=[60.0, 65.0, NAN],
        fresh_reliable=[1, 0, 0],
    )  # fmt: skip
    assert data.needs_table(facts) == [
        ["low", "30 (47 %)", "50 (78 %)", "60", "240, more than N"],
        ["high", "64 (> 99 %)", "50 (78 %)", "65, more than N*", "240, more than N*"],
        ["flat", "–", "50 (78 %)", "–", "240, more than N*"],
    ]
    assert data.needs_finding(facts) == (
        "For 10 % of the file’s own variance it takes 30 to 64 of its 64 rows; for 1 of 2 columns "
        "fresh data would have to have more than N."
    )


def test_the_facts_finding_counts_tails():
    facts = facts_of(data_frame(), tail_index=[3.0, 9.0, NAN], excess_kurtosis=[0.5, 12.34, -1.0])
    assert data.facts_finding(facts) == (
        "The largest excess kurtosis is 12 (high); the larger it is, the more the variance of a "
        "batch varies. The tail index of 1 of 3 columns is below 8, of 1 it is unknown."
    )


# ------------------------------------------------------------------------------------- sampling


def test_what_not_shuffling_costs():
    frame = schemes_frame()
    curves = data_curves(frame, {"a": 0.6, "b": 0.3})
    # In file order the mean of 16 of a is as good as that of 4 shuffled rows, of b as that of 8.
    assert schemes.finding(frame, curves, "sequential") == (
        "In file order the mean of 16 rows of a is off by 0.49 sd, shuffled exactly by 0.22 sd: "
        "such a batch is worth 4.0 shuffled rows. The intraclass correlation of batches of 16 is "
        "0.60."
    )
    meaning = schemes.meaning(frame, curves, "sequential")
    assert meaning.startswith(
        "In all 2 columns a batch of 16 is worth clearly fewer shuffled rows than it has: over all "
        "columns 4.0 to 8.0."
    )
    assert meaning.endswith(
        "And the unbiased_variance inside a batch of a is too small by 60 % (about minus the "
        "intraclass correlation, −60 %), so what is divided by it comes out too large."
    )
    found = schemes.chapter(frame, curves)
    (part,) = found["parts"]
    rows = [
        [cell_text.strip("\u2007\u2008") for cell_text in line] for line in part["table"]["rows"]
    ]
    assert part["table"]["heads"] == [
        "column", "RMSE of mean, sd", "shuffled", "worth", "correlation",
        "bias of unbiased_variance, %",
    ]  # fmt: skip
    assert rows == [
        ["a", "0.488", "0.218", "4.0", "0.60", "−60.0"],
        ["b", "0.333", "0.218", "8.0", "0.30", "−60.0"],
    ]
    assert found["finding"] in schemes.finding(frame, curves, "sequential")


def test_effective_sizes_by_hand():
    # K2 (1/m - 1/N) = mse with K2 = N/(N - 1), in units of the variance with divisor N.
    assert effective_size(64 / 63 * (1 / 5 - 1 / 64), 64, of_data=True) == pytest.approx(5.0)
    # A mean of n draws with replacement: 1/n, which is as good as m = N n/(N - 1 + n).
    assert effective_size(1 / 16, 64, of_data=True) == pytest.approx(64 * 16 / (63 + 16))
    assert effective_size(1 / 5 - 1 / 64, 64, of_data=False) == pytest.approx(5.0)


def test_a_run_that_shuffles_alone_has_no_chapter_on_sampling():
    assert schemes.chapter(data_frame(), data_curves(data_frame())) is None
    assert schemes.chapter(tiny_frame(), data_curves(tiny_frame())) is None


def law_rows(scheme, reference="full_set"):
    lines = cell("normal", "mean", 16, 0.25, reference=reference)
    lines += cell("normal", "std(ddof=0)", 16, 0.18, reference=reference)
    return [line | {"sampling": scheme} for line in lines]


def test_laws_with_several_schemes_are_compared(tmp_path):
    frame = frame_of(law_rows("iid", "population") + law_rows("replacement"))
    main = main_rows(frame)
    assert set(main["sampling"]) == {"replacement"}  # the first one with a full set
    assert "drew batches from each with replacement" in text.setting(main)
    curves = TinyResult(frame).curves
    # 1/m = 1/16 + 1/64: errors against the full set leave out what that has itself.
    assert schemes.finding(frame, curves, "replacement") == (
        "Drawn with replacement the mean of 16 draws of normal is off by 0.25 sd, shuffled exactly "
        "by 0.22 sd: such a batch is worth 12.8 shuffled draws."
    )
    assert schemes.finding(frame, curves, "iid") == (
        "Of 16 draws of normal the mean is off the population’s by 0.25 sd."
    )
    found = schemes.chapter(frame, curves)
    assert found["parts"][0]["table"]["heads"] == [
        "distribution", "RMSE of mean, sd", "bias of std(ddof=0), %",
    ]  # fmt: skip
    write_report(TinyResult(frame), tmp_path / "laws.pdf")


def test_without_a_full_set_errors_are_about_the_population(tmp_path):
    frame = frame_of(law_rows("iid", "population"))
    assert "misses the population’s standard deviation by 18 %" in text.answer(frame)
    assert text.setting(frame).endswith("compared every batch with the population.")
    write_report(TinyResult(frame), tmp_path / "iid.pdf")


# ------------------------------------------------------------------------------- caps and names


def test_wide_data_are_capped_everywhere():
    names = tuple(f"x{i:03d}" for i in range(120))
    result = TinyData(data_frame(names))
    found = blocks_of(result)
    assert len(found["answers"]["rows"]) == data.FIRST_ROWS
    assert len(found["facts"]["rows"]) == len(found["needs"]["rows"]) == data.MOST_ROWS
    assert found["facts"]["rows"][0][0] == "x119"
    assert "108 more columns: columns.csv" in found["facts"]["caption"]
    long = [block["title"].partition(":")[0] for block in found.values() if block.get("tight")]
    assert long == ["x119", "x118", "x117"]
    assert "the 3 columns with the largest errors, of 120." in str(list(found.values()))
    pictures = Content.of(result).article.figures()
    assert not [name for name in pictures if name.endswith("-2")]
    assert len(json.dumps(found)) < 60_000


def test_long_lists_in_the_appendix_are_cut():
    toml = f'columns = ["{"x" * 3000}"]\nseed = 1'
    first, last = design_text(toml).split("\n")
    assert first.endswith(" …  # the rest is in the attached design.toml")
    assert len(first) < 1600
    assert last == "seed = 1"
    skipped = {f"c{i:02d}": "text" for i in range(50)}
    rows = dict(provenance_rows({"columns_skipped": skipped}, data_frame()))
    assert rows["columns_skipped"].endswith("c23 text and 26 more")


def test_names_of_columns_are_shown_where_they_can_be():
    frame = data_frame(HOSTILE[:-1])
    shown = shown_names(frame)
    assert shown == {
        HOSTILE[2]: "column 3’", HOSTILE[5]: "a" * 35 + "…", HOSTILE[7]: "column 8",
    }  # fmt: skip
    facts = renamed(facts_of(frame), shown)
    assert list(facts["column"])[2] == "column 3’"


def test_words_are_those_of_data():
    article = Content.of(TinyData(data_frame())).article
    parts = {key: part for key, part in asdict(article).items() if key != "chapters"}
    texts = json.dumps([parts, *article.blocks()], ensure_ascii=False)
    # The sampling distribution is one of columns of data too.
    for word in ("distribution", "observation", "population"):
        said = re.sub("[Ss]ampling.distribution|its population is not known", "", texts)
        assert word not in said, word
    assert article.head == "Sweep of train.csv"


def test_reasons_say_under_which_scheme_they_hold():
    (line,) = text.not_ok(schemes_frame())
    assert line == [
        "exact", "a and b", "mean and unbiased_variance", "64", "a reason for exact (file order)",
    ]  # fmt: skip


def test_an_error_of_the_size_of_rounding_asks_for_no_digits():
    value = Quantity(5.27434139711e-3, 2e-25, NAN, "", "ok", "")
    assert estimate_text(value) == "0.00527"
    assert estimate_text(replace(value, mcse=1e-5)) == "0.005274 ± 0.000010"


def test_the_performance_table_is_of_the_main_scheme():
    frame = main_rows(schemes_frame())
    assert set(frame["sampling"]) == {"shuffle"}
    assert [block["name"] for block in performance_table(frame)] == ["a", "b"]


# ------------------------------------------------------------------------------------------ PDF


def constant_frame():
    lines = of_file(cell("", "mean", 4, 0.0, status="exact"), "a")
    nothing = dict.fromkeys(("estimate", "mcse", "theory", "ci_low", "ci_high"), NAN)
    nothing |= {"status": "undefined", "reason": "the column is constant", "theory_kind": ""}
    return frame_of(
        [line | nothing if line["measure"].startswith("relative_") else line for line in lines]
    )


@pytest.mark.parametrize(
    "frame",
    [
        data_frame(HOSTILE[:-1]),
        data_frame(("only",)),
        constant_frame(),
        frame_of(of_file(cell("", "mean", 2, 0.0, status="exact"), "two", 2)),
        frame_of(of_file(cell("", "user.f", 4, 0.3, status="unreliable", kind=""), "a")),
        frame_of(of_file(cell("", "mean", 4, 1.0, status="undefined"), "a")),
        schemes_frame(),
        schemes_frame().query("sampling == 'sequential'"),
    ],
    ids=[
        "hostile names", "one column", "constant", "two rows", "unreliable", "undefined",
        "schemes", "file order alone",
    ],
)  # fmt: skip
def test_odd_data_have_a_report(frame, tmp_path):
    result = TinyData(frame, correlations={"a": 0.6})
    for name in ("one.pdf", "two.pdf"):
        write_report(result, tmp_path / name)
    assert (tmp_path / "one.pdf").read_bytes() == (tmp_path / "two.pdf").read_bytes()
    assert (tmp_path / "one.pdf").stat().st_size > 10_000


@has("pdftotext")
def test_the_report_of_data_is_whole(tmp_path):
    result = TinyData(schemes_frame(), correlations={"a": 0.6, "b": 0.3})
    write_report(result, tmp_path / "report.pdf")
    words = words_of(tmp_path / "report.pdf")
    for heading in (
        "1 Aims", "2 Data", "2.1 Which batch size is enough, for what", "3 Estimands", "4 Methods",
        "5 Performance", "Sampling schemes", "File order.", "A Provenance",
    ):  # fmt: skip
        assert heading in words
    assert "not how another file would differ" in words
    assert "such a batch is worth 4.0 shuffled rows" in words
    assert "the section on sampling schemes compares it with file order" in words


@has("pdftotext")
def test_hostile_names_are_data_never_markup(tmp_path):
    write_report(TinyData(data_frame(HOSTILE[:-1])), tmp_path / "report.pdf")
    words = words_of(tmp_path / "report.pdf")
    assert HOSTILE[0] in words
    assert HOSTILE[1] in words
    assert "root:" not in words
    assert "column 3’" in words
    assert "that cannot be shown" in words


@has("pdfdetach")
def test_the_facts_of_all_columns_are_attached(tmp_path):
    result = TinyData(data_frame(HOSTILE[:-1]))
    write_report(result, tmp_path / "report.pdf")
    subprocess.run(["pdfdetach", "-saveall", "-o", tmp_path, tmp_path / "report.pdf"], check=True)
    facts = pd.read_csv(tmp_path / "columns.csv", keep_default_na=False)
    assert list(facts["column"]) == list(HOSTILE[:-1])
    assert len(pd.read_csv(tmp_path / "results.csv")) == len(result.frame)


def test_page_one_says_what_not_shuffling_costs():
    """The scheme that costs most, with the exact error of shuffled batches; nothing without one."""
    frame = schemes_frame()
    assert schemes.cost(frame[frame["sampling"] == "shuffle"]) == ""
    assert schemes.cost(frame[frame["sampling"] != "shuffle"]) == ""
    assert schemes.cost(frame) == (
        "Without shuffling it is worse: in file order the mean of 16 rows of a is off by 0.49 "
        "standard deviations, shuffled by 0.22: such a batch is worth 4.0 shuffled rows."
    )
