"""The report on covariate shift: its sentences say what the tables say, on odd ones too."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pandas as pd
import pytest
from tiny_shift import LEVELS, TinyShift, curves_of, shift_frame
from tiny_tables import NAN

from simnorm.cli import shift_summary
from simnorm.figures.shift.shown import DEFINITIONS, Value
from simnorm.report import write_report
from simnorm.report.chapters.shift import article, findings, first, tables
from simnorm.report.chapters.shift.digest import digest
from simnorm.report.chapters.shift.facts import Facts, facts_of, judged, margin_of, others_of
from simnorm.report.markdown.latex import FORMULAS
from simnorm.undecided import LESS, MORE, SAME, UNDECIDED

NO_COLUMNS = pd.DataFrame(columns=["column"])
FORMULA_FILE = Path(first.__file__).parents[2] / "formulas.typ"


def facts(frame=None, **how) -> Facts:
    frame = shift_frame(**how) if frame is None else frame
    return facts_of(frame, curves_of(frame))


def levels(**changed):
    """Levels of the mlp with some of them changed, as (none, bn, noisy)."""
    return LEVELS | {name: (*parts, LEVELS[name][3]) for name, parts in changed.items()}


def made(frame):
    run = TinyShift(frame)
    return article(run.frame, run.curves, run.columns, run)


def blocks_of(found):
    return [*found.first, *(block for part in found.chapters for block in part["blocks"])]


def words_of(blocks):
    found = []
    for block in blocks:
        found += [str(block.get(key, "")) for key in ("text", "caption", "alt")]
        found += [str(item) for item in block.get("items", ())]
        found += [str(cell) for row in block.get("rows", ()) for cell in row]
    return "\n".join(found)


def one_seed():
    frame = shift_frame(status="unreliable", reason="one replication has no standard error")
    return frame.assign(replications=1)


def odd_frames():
    frame = shift_frame()
    wine = shift_frame().assign(distribution="wine")
    return {
        "all": frame,
        "one net": shift_frame(("mlp",)),
        "two variants": shift_frame(("linear",), ("none", "bn")),
        "bn alone": shift_frame(("mlp",), ("bn",)),
        "none alone": shift_frame(("mlp",), ("none",)),
        "no net without": shift_frame(variants=("bn", "noisy_bn")),
        "one seed": one_seed(),
        "undefined": shift_frame(status="undefined", reason="no replication came to a number"),
        "two data sets": pd.concat([frame, wine], ignore_index=True),
        "outcomes alone": shift_frame(levels={name: LEVELS[name] for name in list(LEVELS)[-2:]}),
        "unknown net": shift_frame(("conv",)),
    }


# ------------------------------------------------------------------------------------ judgement


@pytest.mark.parametrize(
    ("ends", "word"),
    [
        ((0.92, 1.09), SAME),
        ((0.9092, 1.0999), SAME),
        ((0.90, 0.99), LESS),
        ((1.001, 1.2), MORE),
        ((0.9, 1.2), UNDECIDED),
        ((0.95, 1.2), UNDECIDED),
        ((NAN, NAN), UNDECIDED),
    ],
)
def test_a_ratio_is_judged_by_its_whole_interval(ends, word):
    """Within 10 % it is the same, where 1 is left out smaller or larger, else undecided."""
    value = Value(1.0, *ends, 0.01, "ratio", "ok", "", 10)
    assert judged(value, "ks_shift").word == word


def test_more_of_a_cosine_is_less_shift():
    """Differences of cosines are turned; accuracies are not."""
    value = Value(0.2, 0.1, 0.3, 0.05, "mean", "ok", "", 10)
    assert judged(value, "gradient_cosine").word == LESS
    assert judged(value, "test_accuracy").word == MORE


def test_margins_are_by_quantity():
    """0.05 of a cosine, a point of accuracy, 10 % of what is a ratio."""
    near = Value(0.0, -0.02, 0.02, 0.01, "mean", "ok", "", 10)
    assert judged(near, "gradient_cosine").word == SAME
    assert judged(near, "test_accuracy").word == UNDECIDED
    assert margin_of("train_loss") == 0.1


def test_what_is_undecided_says_how_many_seeds_would_do():
    """More than there were; none of a comparison that is decided."""
    value = Value(1.02, 0.85, 1.22, 0.05, "ratio", "ok", "", 10)
    assert judged(value, "ks_shift").needed > 10
    assert math.isnan(judged(value._replace(low=0.99, high=1.05), "ks_shift").needed)


@pytest.mark.parametrize("net", ["mlp", "linear"])
def test_every_measure_belongs_to_one_word(net):
    """By hand: three halved, two the same, the gradients' two larger; batches have no ratio."""
    found = facts().by_word(net, "bn", "none")
    assert [one.word for one in found[LESS]] == ["moment_shift", "ks_shift", "wasserstein_shift"]
    assert [one.word for one in found[SAME]] == ["moment_drift", "ks_drift"]
    assert [one.word for one in found[MORE]] == ["gradient_shift", "gradient_cosine"]
    assert not found[UNDECIDED]


def test_above_its_floor_is_what_surely_is():
    """A ratio of 2 with an interval above 1; of a cosine a difference below 0."""
    above, below = facts().above_floor("mlp", "none")
    assert [one.word for one in above] == [
        "moment_shift", "ks_shift", "wasserstein_shift", "moment_drift", "ks_drift",
        "gradient_shift", "gradient_cosine",
    ]  # fmt: skip
    assert not below
    low = levels(moment_shift=(0.04, 0.1, 0.8), gradient_cosine=(0.96, 0.7, 0.6))
    _, below = facts(levels=low).above_floor("mlp", "none")
    assert [one.word for one in below] == ["moment_shift", "gradient_cosine"]
    # By a third more, to within a factor of 1.5: that may be nothing.
    _, below = facts(wide=0.5).above_floor("mlp", "none")
    assert "gradient_shift" in [one.word for one in below]


# ------------------------------------------------------------------------------------- first page


def test_the_answer_counts_by_word():
    """Three of seven smaller, two the same, two larger, alike in both nets."""
    assert first.answer(facts()) == (
        "In these small nets that depends on what is called shift. Beside that without, the shift "
        "with batch normalization is smaller by 3, the same within the margin by 2 and larger by 2 "
        "of 7 measures in the ReLU net and the deep linear net."
    )


@pytest.mark.parametrize(
    ("none", "word"),
    [
        (0.5, "In this small net, yes."),
        (1.0, "In this small net, no."),
        (2.0, "In this small net, no."),
    ],
)
def test_the_answer_is_computed(none, word):
    """Half the shift is yes, the same and twice are no; by one measure alone."""
    only = {"ks_shift": (1.0, none, none, 0.1)}
    assert first.answer(facts(nets=("mlp",), levels=only)).startswith(word)


def test_a_wide_interval_is_no_answer():
    """What is undecided is neither yes nor no."""
    only = {"ks_shift": (1.0, 0.9, 0.9, 0.1)}
    found = first.answer(facts(nets=("mlp",), levels=only, wide=1.5))
    assert found.startswith("In this small net this run cannot tell yet.")


def test_without_a_pair_the_answer_says_so():
    """BN alone answers nothing."""
    assert first.answer(facts(nets=("mlp",), variants=("bn",))).startswith("This run cannot say")


def test_noise_that_shifts_more_and_trains_better_than_none_is_told():
    """By hand: 0.8/0.1, 0.8/0.2; loss 0.33/0.30, 0.33/0.60."""
    assert first.noise_sentence(facts(), "mlp") == (
        "With noise behind every normalization the ReLU net’s shift by mean and spread is 8.0 "
        "times (7.8 to 8.2) that with plain BN and 4.0 times (3.9 to 4.1) that without BN; the "
        "training loss in the end is 1.1 times (1.08 to 1.12) that with plain BN and 0.55 times "
        "(0.54 to 0.56) that without BN (95 % intervals). So it shifts more than the net without "
        "BN and still trains better: a smaller shift is not what batch normalization owes its "
        "success to here."
    )


@pytest.mark.parametrize(
    ("loss", "end"),
    [
        ((0.60, 0.60, 0.60), "trains as well: here training well does not take a small shift."),
        ((0.60, 0.60, 0.50), "owes its success to here."),
        ((0.30, 0.60, 0.50), "trains no worse: here training well does not take a small shift."),
        ((0.30, 0.60, 0.80), "So it shifts more than with plain BN, and trains worse."),
    ],
)
def test_the_moral_follows_from_the_losses(loss, end):
    """Same, smaller and larger losses with noise are told apart."""
    found = first.noise_sentence(facts(levels=levels(train_loss=loss)), "mlp")
    assert found.endswith(end)


def test_there_is_no_moral_where_noise_shifts_no_more():
    """Then the sentence ends with the numbers."""
    calm = facts(levels=levels(moment_shift=(0.2, 0.1, 0.1)))
    assert first.noise_sentence(calm, "mlp").endswith("(95 % intervals).")


def test_a_smaller_shift_with_a_larger_loss_is_told():
    """Only if both are decided."""
    worse = facts(levels=levels(train_loss=(0.3, 0.6, 0.6)))
    assert "2.0 times that without" in first.loss_sentence(worse, "mlp")
    assert first.loss_sentence(facts(), "mlp") == ""


def test_tiles_are_ratios_with_intervals():
    """The lead, the noise, and what it does to the loss."""
    assert [(tile["number"], tile["detail"]) for tile in first.tiles(facts())] == [
        ("0.50 ×", "95 %: 0.49 to 0.51"), ("4.0 ×", "95 %: 3.9 to 4.1"),
        ("0.55 ×", "95 %: 0.54 to 0.56"),
    ]  # fmt: skip


# -------------------------------------------------------------------------------------- chapters


def test_findings_name_the_measures():
    """The largest group of three is named as are the others; four would be counted."""
    assert findings.ratios_finding(facts(nets=("mlp",))) == (
        "In the ReLU net the shift with BN is smaller by mean and spread, by the KS distance and "
        "by the Wasserstein distance; the same within the margin by mean and spread since the "
        "start and by the KS distance since the start; larger by the gradient’s relative change "
        "and by the gradient’s direction."
    )
    same = {one.word: (0.5, 0.1, 0.5, 0.1) for one in DEFINITIONS[:5]}
    assert findings.ratios_finding(facts(levels=same)).endswith("is smaller by all 5 measures.")


def test_what_batches_do_has_its_number_and_its_zero():
    """Without BN it is exactly 0, with it the table's value with its error."""
    found = findings.zero_sentence(facts(nets=("mlp",)))
    assert "0.250 ± 0.010 standard deviations" in found
    assert found.endswith("Without BN this is exactly 0.")
    assert findings.zero_sentence(facts(variants=("bn", "noisy_bn"))) == ""


def test_tables_have_every_measure_of_every_net():
    """A line per measure and net, the net named once, levels with their floor."""
    block = tables.level_table(facts())
    rows = [row for row in block["rows"] if row != "rule"]
    assert len(rows) == 2 * len(DEFINITIONS)
    assert rows[0][1:] == ["mean and spread", "0.200 ± 0.010", "0.100 ± 0.010", "0.800 ± 0.010",
                           "0.050"]  # fmt: skip
    assert rows[6][:4] == ["gradient, cosine", "0.900 ± 0.010", "0.700 ± 0.010", "0.600 ± 0.010"]
    assert rows[7] == ["batch-induced", "0", "0.250 ± 0.010", "0.500 ± 0.010", "–"]


def test_the_table_of_pairs_has_interval_and_word():
    """More of a cosine is less shift, in words as well."""
    rows = tables.pair_table(facts(nets=("mlp",)))["rows"]
    assert rows[0][2:] == ["0.49 to 0.51: smaller", "3.9 to 4.1: larger", "7.8 to 8.2: larger"]
    assert rows[6][1] == "−0.22 to −0.18: more shift"
    assert rows[7][1:3] == ["–", "–"]


def test_other_data_sets_have_a_table_of_their_own():
    """The first data set is spoken of, the others stand beside each other."""
    frame = odd_frames()["two data sets"]
    others = others_of(frame, curves_of(frame))
    assert [of.run.name for of in others] == ["wine"]
    block = tables.others_table(facts(frame), others)
    assert block["head"] == ["net", "measure", "wine, n = 32"]
    assert tables.others_table(facts(), []) is None


@pytest.mark.parametrize("frame", odd_frames().values(), ids=odd_frames())
def test_every_word_of_odd_runs_is_fit_to_print(frame):
    """No nan, no empty brackets, no two spaces, no code words; figures have captions."""
    found = made(frame)
    run = TinyShift(frame)
    blocks = [*blocks_of(found), *digest(run.frame, run.curves, NO_COLUMNS, run)]
    words = "\n".join(
        [found.subtitle, found.setting, found.answer, found.shape, str(found.trust),
         found.tiles_note, *(text for tile in found.tiles for text in tile.values()),
         words_of(blocks)]
    )  # fmt: skip
    for bad in (r"\bnan\b", r"\(\)", r"\binf\b", "  ", r"noisy_bn", r"_shift", r" \.", r"\.\."):
        # Names of columns in the table of statuses are as they are, with spaces.
        assert not re.search(bad, words), re.search(rf".{{30}}{bad}.{{30}}", words)
    assert all(block["caption"] for block in blocks if block["kind"] == "figure")


def test_one_seed_decides_nothing_and_says_so():
    """No interval, no verdict, no count of what is above a floor."""
    found = made(one_seed())
    assert found.answer.startswith("In these small nets this run cannot tell yet.")
    assert "One seed" in str(found.trust)
    assert "Surely above" not in words_of(blocks_of(found))


def test_formulas_of_the_chapter_are_known_to_both_writers():
    """A formula block that one of the two does not know would be an empty line."""
    run = TinyShift(shift_frame())
    blocks = [*blocks_of(made(run.frame)), *digest(run.frame, run.curves, NO_COLUMNS, run)]
    names = {block["name"] for block in blocks if block["kind"] == "formula"}
    text = FORMULA_FILE.read_text()
    assert names == {"shift-activations", "shift-gradient", "shift-batch", "shift-ratio"}
    assert all(name in FORMULAS and f'"{name}": (' in text for name in names)


@pytest.mark.parametrize("ending", ["pdf", "md"])
def test_a_report_is_written_and_is_the_same_again(ending, tmp_path):
    """Same run, same bytes."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_report(TinyShift(shift_frame(("mlp",))), tmp_path / name / f"r.{ending}")
    first_bytes, second = ((tmp_path / n / f"r.{ending}").read_bytes() for n in ("one", "two"))
    assert first_bytes == second
    assert len(first_bytes) > 1000


def test_the_digest_has_the_figures_that_verdicts_refer_to():
    """The answer's verdict on covariate shift points to the figure of ratios."""
    run = TinyShift(shift_frame())
    blocks = digest(run.frame, run.curves, NO_COLUMNS, run)
    kinds = [block["of"] for block in blocks if block["kind"] == "figure"]
    assert kinds == ["ratios", "shift", "training"]


# -------------------------------------------------------------------------------------- terminal


@pytest.mark.parametrize("frame", odd_frames().values(), ids=odd_frames())
def test_the_terminal_has_80_columns(frame, capsys):
    """No line is longer, and every net has a line per measure."""
    shift_summary.print_shift(TinyShift(frame))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert not any(re.search(r"\bnan\b", text) for text in lines)


def test_the_terminal_shows_levels_and_intervals(capsys):
    """By hand: 0.200 ± 0.010; half of it with BN; eight times that with noise."""
    shift_summary.print_shift(TinyShift(shift_frame(("mlp",))))
    out = capsys.readouterr().out
    assert re.search(r"mean, spread +0\.200 ± 0\.010 +0\.49 to 0\.51 < +7\.8 to 8\.2 >\n", out)
    assert re.search(r"gradient, cosine +0\.900 ± 0\.010 +−0\.22 to −0\.18 > ", out)


@pytest.mark.parametrize("estimate", [1.0, 0.0123456789, 4.2e-6, 12345.678])
@pytest.mark.parametrize("share", [0.3, 1e-2, 1e-4, 1e-6, 1e-9])
def test_levels_fit_their_column(estimate, share):
    """However small an error is beside its value."""
    value = Value(estimate, 0.0, 1.0, share * estimate, "mean", "ok")
    text = shift_summary.level_text(value, set())
    assert "±" in text
    assert len(text) < shift_summary.LEVEL
