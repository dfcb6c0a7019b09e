"""The report on scaling: its sentences say what the table says, on odd ones too."""

from __future__ import annotations

import math
import shutil
import subprocess

import pandas as pd
import pytest
from tiny_scaling import COLUMNS, NO_CURVES, TinyScaling, line, of_file, scaling_frame

from simnorm.cli.scaling_summary import level_cell, print_scaling
from simnorm.figures.scaling.rows import Point, Scaling
from simnorm.report import write_report
from simnorm.report.chapters.scaling import article, brief, findings, first, tables
from simnorm.report.chapters.scaling.digest import digest
from simnorm.report.chapters.scaling.facts import (
    ABSENT,
    ALIKE,
    facts_of,
    interval_text,
    verdict_on,
)
from simnorm.report.pieces import plain
from simnorm.undecided import LESS, MORE, SAME, UNDECIDED

HOSTILE = {
    "wine": "$x^2$ *b* #evil() @r <a> [c] `d` \\e",
    "digits": "列😀",
    "heavy_tails": "y" * 200,
}


def has(program):
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"needs {program}")


def facts(frame, data="", folds=5):
    return facts_of(frame, TinyScaling(frame, data, folds).design)


def made(frame, data=""):
    run = TinyScaling(frame, data)
    return article(run.frame, run.curves, run.columns, run)


def words_of_blocks(blocks):
    found = []
    for block in blocks:
        found += [plain(block.get(key, "")) for key in ("text", "caption", "alt", "title")]
        found += [plain(item) for item in block.get("items", ())]
        for row in block.get("rows", ()):
            cells = row if isinstance(row, list) else []
            for cell in cells:
                is_cell = isinstance(cell, dict)
                found += [cell["text"], cell["below"]] if is_cell else [plain(cell)]
    return found


def words_of(made):
    """All words of an article."""
    found = [made.title, made.subtitle, made.setting, made.answer, made.shape, plain(made.trust),
             made.tiles_note, *(text for tile in made.tiles for text in tile.values())]  # fmt: skip
    return "\n".join(found + words_of_blocks(list(made.blocks())))


def one(value, half=1.0, status="ok", error=0.5):
    return Point(value, error, value - half, value + half, status)


# ------------------------------------------------------------------------------ verdicts


@pytest.mark.parametrize(
    ("point", "word"),
    [
        (one(0.2, 0.5), SAME),
        (one(0.2, 0.9), UNDECIDED),
        (one(1.2), MORE),
        (one(-1.2), LESS),
        (one(0.0, 0.0, "unreliable", 0.0), ALIKE),
        (one(0.0, 0.0, "unreliable", math.nan), UNDECIDED),
        (one(0.0, 0.0, "exact", 0.0), SAME),
        (one(math.nan, status="undefined"), ABSENT),
    ],
)
def test_a_verdict_needs_a_valid_interval(point, word):
    assert verdict_on(point) == word


def test_numbers_have_no_digit_that_their_error_does_not_bear():
    assert interval_text(Point(-26.04, 5.2, -36.4, -15.6, "ok")) == "−26.0 (−36.4 to −15.6)"
    assert interval_text(Point(-46.2, 17.2, -80.4, -12.0, "ok")) == "−46 (−80 to −12)"
    assert interval_text(Point(0.123, 0.031, 0.06, 0.18, "ok")) == "+0.12 (+0.06 to +0.18)"
    assert interval_text(Point(0.123, 0.0, 0.123, 0.123, "unreliable")) == "+0.1"


def test_no_number_of_repeats_closes_an_interval_that_the_folds_leave_open():
    """Half 1.0 with J = 50 and 1/4: s sqrt(0.27) t = 1, so endless repeats leave 0.94."""
    found = facts(scaling_frame(("wine",), ("knn",)))
    assert found.splits == 50
    assert found.lengthened == pytest.approx(math.sqrt(1 + 50 / 4))
    assert math.isinf(found.needed(one(-0.5)))
    # s = 1/(2.0096 sqrt(0.27)) = 0.958. To leave 0 out from 0.98 away takes 1,015 folds: 1.9623 *
    # 0.958 sqrt(1/1015 + 1/4) = 0.9415, and 1.2816 * 0.958/sqrt(1015) = 0.0385 for luck.
    assert found.needed(one(-0.98)) == 203
    assert found.needed(one(-1.5)) == 10
    assert math.isnan(found.needed(one(0.0, status="unreliable")))


# ------------------------------------------------------------------------------ first page


def test_the_answer_counts_data_sets_and_names_the_largest_loss():
    found = facts(scaling_frame(("wine", "digits", "spread_scales")))
    assert first.answer(found) == (
        "Beyond chance, raw features in place of z-scores cost kNN accuracy on 1 of 2 real data "
        "sets, by 26.0 points (wine) and on the one made data set, by 36.7 points (digits with "
        "scales spread); the MLP accuracy on all 2 real data sets, by up to 33.0 points (wine) and "
        "on the one made data set, by 43.7 points (digits with scales spread). Unscaled, kNN is "
        "better on digits by 1.1. With the statistics of batches "
        "of 32 in place of those of all training rows, kNN is undecided on all 2 data sets; the "
        "MLP is undecided on all 2."
    )


def test_the_answer_of_a_file_is_in_whole_sentences():
    found = facts(of_file(scaling_frame(half=0.4)), "folder/train.csv")
    assert first.answer(found) == (
        "On train.csv, with raw features in place of z-scores, kNN loses 26.0 points of accuracy "
        "(95 % interval −26.2 to −25.8); the MLP loses 33.0 (−33.2 to −32.8). With the statistics "
        "of batches of 32 in place of those of all training rows, kNN stays within 1 point: −0.5 "
        "(95 % interval −0.7 to −0.3); the MLP stays within 1 point: −0.5 (−0.7 to −0.3)."
    )


@pytest.mark.parametrize(
    ("half", "word"), [(0.4, "within 1 point on"), (2.0, "undecided on"), (0.9, "within 1 point")]
)
def test_a_wider_interval_makes_another_verdict(half, word):
    found = facts(scaling_frame(("wine", "digits"), half=half))
    assert word in first._batch_words(found)


def test_worse_batches_are_called_worse():
    frame = scaling_frame(("wine", "digits"), ("knn",))
    frame.attrs["batch_size"] = 2
    assert (
        "batches of 2 in place of those of all training rows, kNN is less accurate on all 2 "
        in (first.answer(facts(frame)))
    )


def test_of_one_model_the_title_speaks_of_that_one():
    titles = [first.title(facts(scaling_frame(("wine",), models)))
              for models in (("knn",), ("mlp",), ("knn", "mlp"))]  # fmt: skip
    assert [title.split(" need")[0] for title in titles] == [
        "Does kNN", "Does a neural network", "Do kNN and neural networks"
    ]  # fmt: skip


def test_the_tiles_are_the_largest_losses():
    tiles = first.tiles(facts(scaling_frame()))
    assert [(tile["number"], tile["detail"]) for tile in tiles] == [
        ("−26.0", "wine: 95 % interval −27.0 to −25.0"),
        ("−33.0", "wine: 95 % interval −34.0 to −32.0"),
        ("−0.5", "wine: 95 % interval −1.5 to +0.5"),
    ]


def test_without_an_error_bar_nothing_is_claimed():
    found = facts(scaling_frame(status="unreliable"))
    assert not first.tiles(found)
    assert "by up to" not in first.answer(found)
    assert "undecided" in first.answer(found)


def test_what_is_the_same_in_every_fold_is_no_proof():
    frame = scaling_frame(("wine", "digits"), ("knn",), half=0.0, status="unreliable")
    words = findings.batch_finding(facts(frame), "knn", 32)
    assert words == (
        "kNN with batches of 32, against z-scores by all training rows: the same in every fold, so "
        "without an error bar, on all 2 data sets."
    )


def test_a_run_without_pairs_says_so():
    found = facts(scaling_frame(("wine",), scalers=("robust",)))
    assert first.answer(found) == (
        "This run has no two scalers to compare; its accuracies are in the tables."
    )
    assert first.answer(facts(pd.DataFrame(columns=COLUMNS))) == "This run has no accuracy."


def test_trust_counts_the_verdicts():
    # Of 8 differences raw features, batches of 2 and of 8 are off; the rest is too wide to say.
    found = facts(scaling_frame(("wine",), ("knn",)))
    assert first.trust(found).startswith(
        "Of 7 differences from z-scores 3 are beyond chance (the interval leaves 0 out), 2 of "
        "these wholly beyond the margin of 1 point; 0 lie wholly within it, and the rest is "
        "undecided."
    )


# ------------------------------------------------------------------------------ findings


def test_who_needs_scaling():
    found = facts(scaling_frame(("wine", "digits", "breast_cancer"), ("knn",)))
    assert findings.needs_finding(found, "knn") == (
        "kNN on raw features, against z-scores: less accurate beyond chance on 2 of 3 (all by "
        "more than 1 point), wine (−26.0 points, −27.0 to −25.0) and breast cancer (−3.7, −4.7 to "
        "−2.7); more accurate beyond chance on 1 of 3, digits (+1.1 points, +0.1 to +2.1)."
    )


def test_on_heavy_tails_the_scaler_that_beats_z_scores_is_named():
    found = findings.heavy_finding(facts(scaling_frame(models=("knn",))))
    assert found == (
        "Heavy tails, where nothing is Gaussian. Z-scores help kNN over raw features (+25.0 "
        "points, +24.0 to +26.0). For kNN, z-scores are beaten by robust scaling (+10.0 points, "
        "+9.0 to +11.0); z-scores beat min-max scaling (−18.0 points, −19.0 to −17.0). With the "
        "same features in a normal shape, z-scores move kNN by +26.0 (+25.0 to +27.0)."
    )
    assert findings.heavy_finding(facts(scaling_frame(("wine",)))) == ""
    wide = findings.heavy_finding(facts(scaling_frame(models=("knn",), half=80.0)))
    assert "Whether z-scores help kNN is undecided" in wide
    assert "beat" not in wide


def test_what_it_would_take_is_told():
    found = findings.needed_sentence(facts(scaling_frame(("wine",), ("knn",))))
    # -0.5 and -0.125 known to 1.0: endless repeats leave 0.94.
    assert found == (
        "For all 2 undecided differences between batches and all rows, repeats alone do not "
        "narrow the interval enough: by the corrected resampled t, whose part n_test/n_train = 1/4 "
        "stays, it takes more rows."
    )
    assert findings.needed_sentence(facts(scaling_frame(("wine",), ("knn",), half=0.2))) == ""


def test_from_which_batch_size_on_nothing_shows():
    found = facts(scaling_frame(("wine",), ("knn",)))
    assert findings.best_finding(found) == (
        "Beyond chance, batches of n in place of all rows cost kNN accuracy up to n = 8, and from "
        "n = 32 on nothing."
    )
    sizes = facts(scaling_frame(("wine", "digits"), ("knn",), sizes=(2, 8)))
    assert findings.best_finding(sizes) == (
        "Beyond chance, batches of n in place of all rows cost kNN accuracy, on one data set or "
        "more, up to n = 8."
    )
    wide = facts(scaling_frame(("wine",), ("knn",), half=90.0))
    assert "cost kNN nothing at any n" in findings.best_finding(wide)


def test_the_table_of_batches_tells_how_many_repeats_it_takes():
    [block] = tables.batch_tables(facts(scaling_frame(("wine",), ("knn",))))
    below = [row[-1]["below"] for row in block["rows"]]
    assert below == ["less by > 1", "less", "undecided, ∞", "undecided, ∞"]
    assert block["rows"][0][-1]["text"] == "−8.0 ± 1.0"
    assert tables.batch_tables(facts(scaling_frame(("wine",), scalers=("none", "z_score")))) == []


def test_a_table_per_model_but_of_one_data_set_one_of_all_models():
    several = tables.level_tables(facts(scaling_frame(("wine", "digits"))))
    assert [block["head"] for block in several] == [["scaling", "wine", "digits"]] * 2
    [single] = tables.level_tables(facts(of_file(scaling_frame()), "a/train.csv"))
    assert single["head"] == ["scaling", "kNN", "the MLP"]
    assert single["rows"][0] == ["none", "70.0 ± 1.0", "65.0 ± 1.0"]
    [batches] = tables.batch_tables(facts(of_file(scaling_frame()), "a/train.csv"))
    assert batches["head"] == ["n", "kNN", "the MLP"]


def test_without_a_valid_error_bar_a_number_is_marked():
    [block] = tables.level_tables(facts(scaling_frame(("wine",), status="unreliable")))
    assert all("†" in row[1] for row in block["rows"])
    assert "†" in block["caption"]


# ------------------------------------------------------------------------------ the whole


ODD = {
    "all": (scaling_frame(), ""),
    "one": (scaling_frame(("wine",), ("knn",)), ""),
    "file": (of_file(scaling_frame()), "a/列 train.csv"),
    "hostile": (scaling_frame().replace({"distribution": HOSTILE}), ""),
    "alike": (scaling_frame(half=0.0, status="unreliable"), ""),
    "undefined": (scaling_frame(status="undefined"), ""),
    "no z-scores": (scaling_frame(scalers=("none", "batch")), ""),
    "batches alone": (scaling_frame(scalers=("batch",), sizes=(8,)), ""),
    "one sure repeat": (scaling_frame(replications=1), ""),
}


@pytest.mark.parametrize(("frame", "data"), ODD.values(), ids=ODD)
def test_odd_runs_have_a_report_and_a_digest(frame, data, tmp_path):
    run = TinyScaling(frame, data)
    write_report(run, tmp_path / "report.pdf")
    write_report(run, tmp_path / "report.md")
    words = words_of(made(frame, data))
    assert "nan" not in words.lower().replace("nadeau", "").split()
    blocks = digest(run.frame, run.curves, run.columns, run)
    assert "nan" not in " ".join(words_of_blocks(blocks)).split()


def test_the_same_run_gives_the_same_bytes(tmp_path):
    for name in ("one.pdf", "two.pdf"):
        write_report(TinyScaling(scaling_frame()), tmp_path / name)
    assert (tmp_path / "one.pdf").read_bytes() == (tmp_path / "two.pdf").read_bytes()


@has("pdftotext")
@has("pdfinfo")
def test_page_one_is_one_page_and_holds_answer_and_figure(tmp_path):
    for name, (frame, data) in list(ODD.items())[:3]:
        path = tmp_path / f"{name}.pdf"
        write_report(TinyScaling(frame, data), path)
        page = ["pdftotext", "-f", "1", "-l", "1", "-layout", str(path), "-"]
        text = subprocess.run(page, capture_output=True, text=True, check=True).stdout
        assert "Figure 1" in text
        assert "Contents" in text


def test_beyond_the_margin_is_more_than_beyond_chance():
    """From 1.5 to 3.5 is beyond 1 point, from 0.5 to 2.5 only beyond chance."""
    assert tables.verdict_text(one(2.5)) == "more by > 1"
    assert tables.verdict_text(one(1.5)) == "more"
    assert tables.verdict_text(one(-2.5)) == "less by > 1"
    assert tables.verdict_text(one(0.2, 0.5)) == "no difference"
    assert tables.verdict_text(one(2.5, status="unreliable")) == "undecided"


def test_data_that_a_scaling_cannot_tell_apart_count_once():
    """Min-max, batches and z-scores see digits and spread scales as the same; others do not."""
    found = facts(scaling_frame(("digits", "spread_scales", "wine"), ("knn",)))
    count = {one.label: sum(map(len, found.groups("knn", one).values()))
             for one in found.run.scalings if one.scaler != "z_score"}  # fmt: skip
    assert count == {"none": 3, "min-max": 2, "robust": 3} | {
        f"batch of {n}": 2 for n in (2, 8, 32, 128)
    }
    assert found.distinct(Scaling("min_max"), "none") == list(found.run.names)
    alone = facts(scaling_frame(("spread_scales", "wine"), ("knn",)))
    assert len(alone.distinct(Scaling("min_max"))) == 2


def test_findings_of_the_digest_are_short_and_say_what_the_table_says():
    """Against z-scores, half 1.0. Min-max: wine, breast cancer, digits and normal tails within
    1.2 of 0, heavy tails 18 worse; robust: digits 7.6 worse, heavy tails 10 better."""
    found = facts(scaling_frame(models=("knn",)))
    assert brief.needs(found, "knn") == (
        "Raw features in place of z-scores cost kNN accuracy beyond chance on 2 of 3 real data "
        "sets, most on wine: −26.0 points (−27.0 to −25.0)."
    )
    assert brief.scaler(found, Scaling("min_max")) == (
        "Min-max scaling against z-scores, 5 comparisons: 1 worse beyond chance (1 by more than 1 "
        "point), 1 better beyond chance and 3 undecided. The largest difference: −18.0 points "
        "(−19.0 to −17.0), kNN on wine given heavy tails."
    )
    assert "divides pixels whose interquartile range is 0" in brief.scaler(found, Scaling("robust"))
    assert brief.heavy(found) == (
        f"{brief.ASSUMES} But on wine given heavy tails robust scaling beats it for kNN by +10.0 "
        "points (+9.0 to +11.0); with normal tails the difference is −0.5 points (−1.5 to +0.5)."
    )
    of_one = brief.scaler(facts(scaling_frame(("wine",), ("knn",))), Scaling("min_max"))
    assert of_one == (
        "Min-max scaling against z-scores: undecided, −1.0 points (95 % interval −2.0 to 0.0)."
    )
    assert "does not show" in brief.heavy(facts(scaling_frame(half=80.0)))
    assert brief.batches(found).startswith(
        "Batches of 32 in place of all training rows, 5 comparisons: "
    )


def test_how_the_net_was_trained_is_said_where_there_is_a_net(capsys):
    sentence = "by at most 2,000 updates of Adam at rate 0.01, the same rule for all; nothing"
    for models, is_there in ((("knn", "mlp"), True), (("knn",), False)):
        run = TinyScaling(scaling_frame(("wine", "digits"), models))
        blocks = digest(run.frame, run.curves, run.columns, run)
        assert (sentence in "\n".join(words_of_blocks(blocks))) is is_there
        assert (sentence in " ".join(printed(capsys, run).split())) is is_there
        assert (sentence in words_of(made(run.frame))) is is_there


def test_of_a_large_file_it_is_said_that_rows_are_drawn_anew(capsys):
    small, large = (of_file(scaling_frame()).assign(full_size=size) for size in (4096, 20_000))
    for frame, is_there in ((small, False), (large, True)):
        run = TinyScaling(frame, "a/train.csv")
        blocks = words_of_blocks(digest(run.frame, run.curves, run.columns, run))
        for words in ("\n".join(blocks), printed(capsys, run), words_of(made(frame, "train.csv"))):
            assert ("draws 4,096 of the rows anew" in " ".join(words.split())) is is_there


def test_made_data_are_marked_wherever_they_stand(capsys):
    found = facts(scaling_frame())
    heads = [head for block in tables.level_tables(found) for head in block["head"]]
    assert {head for head in heads if head.endswith("*")} == {
        "spread scales*", "heavy tails*", "normal tails*",
    }  # fmt: skip
    assert "* made by us" in printed(capsys, TinyScaling(scaling_frame()))
    assert "made by us" not in printed(capsys, TinyScaling(scaling_frame(("wine", "digits"))))


def test_the_digest_asks_answers_and_shows():
    run = TinyScaling(scaling_frame())
    blocks = digest(run.frame, run.curves, run.columns, run)
    kinds = [block["kind"] for block in blocks]
    assert kinds[:5] == ["text", "text", "finding", "figure", "text"]
    assert "table" in kinds
    assert "formula" in kinds
    # Nothing in it is referred to that the answer's document has not.
    assert not any("ref" in str(block.get("text", "")) and isinstance(block["text"], list)
                   and any(isinstance(p, dict) and "ref" in p for p in block["text"])
                   for block in blocks)  # fmt: skip


def test_rows_that_are_not_ok_are_told_of_with_their_reason():
    frame = scaling_frame(("wine",), ("knn",))
    single = line("wine", "model=knn;scaler=batch", 1, 0.0, 1.0, "undefined", reason="no variance")
    frame = pd.concat([frame, pd.DataFrame([single], columns=COLUMNS)], ignore_index=True)
    assert "no variance" in words_of(made(frame))
    assert "no variance" not in words_of(made(scaling_frame(("wine",), ("knn",))))


# ------------------------------------------------------------------------------ terminal


def printed(capsys, run):
    print_scaling(run)
    return capsys.readouterr().out


@pytest.mark.parametrize(("frame", "data"), ODD.values(), ids=ODD)
def test_the_terminal_has_80_columns(frame, data, capsys):
    from simnorm.cli.width import cell_len

    lines = printed(capsys, TinyScaling(frame, data)).splitlines()
    assert max(cell_len(line) for line in lines) <= 80


def test_the_terminal_has_every_accuracy(capsys):
    text = printed(capsys, TinyScaling(scaling_frame()))
    assert text.startswith("Scaling: 6 bundled data sets (3 made by us); 10 repeats of 5-fold")
    rows = [line for line in text.splitlines() if line.startswith("robust")]
    assert [row.split()[1] for row in rows] == ["95.5", "97.5"]
    assert all(row.count("±") == 6 for row in rows)
    assert first.answer(facts(scaling_frame())) in " ".join(text.split())


def test_the_terminal_marks_what_has_no_error_bar():
    used = set()
    assert level_cell(one(95.5, status="unreliable"), used) == "(95.5)"
    assert level_cell(one(math.nan), used) == "–"
    assert used == {"unreliable", "undefined"}


def test_scalings_have_the_names_of_figures():
    assert Scaling("batch", 1024).label == "batch of 1,024"
    assert list(NO_CURVES.columns)
