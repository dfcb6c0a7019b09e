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


def rated(*shifts, losses=(0.6, 0.15, 0.27), rates=("0.05", "0.5", "best"), **how):
    """Runs at two rates and the best, with shifts by KS and losses with BN; without: 0.1, 0.3."""
    by_rate = {
        rate: {"ks_shift": (0.1, shift, 0.3, 0.02), "gradient_shift": (0.1, shift, 0.3, 0.02),
               "train_loss": (0.3, loss, 0.3, NAN)}
        for rate, shift, loss in zip(rates, shifts, losses, strict=True)
    }  # fmt: skip
    return shift_frame(by_rate=by_rate, **how)


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
        "rates": rated(0.05, 0.2, 0.15),
        "rates, one seed": rated(0.05, 0.2, 0.15, status="unreliable").assign(replications=1),
        "rates, bn alone": rated(0.05, 0.2, 0.15, variants=("bn",)),
        "one rate": rated(0.05, 0.05, losses=(0.3, 0.3), rates=("0.1", "best")),
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
    """By hand: two halved, the gradients' two larger; the other six do not count."""
    found = facts().by_word(net, "bn", "none")
    assert [one.word for one in found[LESS]] == ["ks_shift", "wasserstein_shift"]
    assert not found[SAME]
    assert [one.word for one in found[MORE]] == ["gradient_shift", "gradient_cosine"]
    assert not found[UNDECIDED]


# ------------------------------------------------------------------------------------- first page


def test_the_answer_counts_by_word():
    """Two of four smaller, two larger, alike in both nets."""
    assert first.answer(facts()) == (
        "In two small nets on digits that depends on what is called shift. Beside nets without the "
        "shift with batch normalization is smaller by 2 and larger by 2 of 4 measures in the ReLU "
        "net and the deep linear net."
    )


def test_what_turns_over_with_the_rate_depends_on_it():
    """Half at a small rate and twice at a large one; otherwise the best rate decides."""
    turned = facts(rated(0.05, 0.2, 0.15))
    assert turned.depends_on_rate()
    assert first.answer(turned).startswith(
        "In two small nets on digits that depends on the learning rate. Beside nets without, each "
        "at its own best learning rate, the shift with batch normalization is larger by 2 of 2"
    )
    assert not facts(rated(0.05, 0.08, 0.05)).depends_on_rate()
    assert first.answer(facts(rated(0.05, 0.08, 0.05))).startswith(
        "In two small nets on digits, yes."
    )
    # A wide interval is no turn.
    assert not facts(rated(0.05, 0.2, 0.15, wide=3.0)).depends_on_rate()


def test_what_happens_at_which_rate_is_told_in_words():
    """Shift and loss by rate, and where the net without diverges."""
    assert first.rate_sentence(facts(rated(0.05, 0.2, 0.15)), "mlp") == (
        "At one rate for both, the gradients of the ReLU net shift, with BN beside without, less "
        "at 0.05 and more at 0.5. Its training loss with BN is larger at 0.05 and smaller at 0.5."
    )
    frame = rated(0.05, 0.2, 0.15)
    lost = frame["factors"].str.contains("rate=0.5") & (
        frame["factors"].str.contains("variant=none|against=none")
    )
    frame.loc[lost, ["estimate", "mcse", "ci_low", "ci_high"]] = NAN
    frame.loc[lost, "status"] = "undefined"
    found = first.rate_sentence(facts(frame), "mlp")
    assert found.endswith("is larger at 0.05. At 0.5 without BN it diverges.")
    rows = [row for row in tables.rate_table(facts(frame))["rows"] if row != "rule"]
    assert "without diverges" in rows[1]
    assert first.rate_sentence(facts(), "mlp") == ""


def test_what_some_replications_survive_is_no_comparison():
    """Without BN 7 of 8 diverge at 0.5: no word on that rate, and no turn with it."""
    frame = rated(0.05, 0.2, 0.05)
    lost = frame["factors"].str.contains("rate=0.5") & (
        frame["factors"].str.contains("variant=none|against=none")
    )
    frame.loc[lost, "status"] = "failed"
    frame.loc[lost, "reason"] = "diverged in 7 of 8 replications"
    found = facts(frame)
    assert not found.depends_on_rate()
    assert first.rate_sentence(found, "mlp") == (
        "At one rate for both, the gradients of the ReLU net shift, with BN beside without, less "
        "at 0.05. Its training loss with BN is larger at 0.05. At 0.5 (7 of 8 seeds) without BN it "
        "diverges."
    )
    rows = [row for row in tables.rate_table(found)["rows"] if row != "rule"]
    assert rows[1] == ["0.5", "without diverges (7 of 8 seeds)", "–", "–"]


def test_the_table_of_rates_has_a_row_per_rate_and_the_best_last():
    """By hand: losses 0.6/0.3; half the shift, twice, half as much again."""
    rows = [
        row for row in tables.rate_table(facts(rated(0.05, 0.2, 0.15)))["rows"] if row != "rule"
    ]
    assert len(rows) == 6
    assert rows[0][1:] == ["0.05", "1.96 to 2.04 >", "0.49 to 0.51 <", "0.49 to 0.51 <"]
    assert rows[2][0] == "own best" or rows[2][1] == "own best"
    assert str(rows[2]).count(">") == 2
    assert tables.rate_table(facts()) is None


def test_what_is_small_by_construction_is_told_and_not_counted():
    """Mean and spread are no votes; before BN their shift is 0.10/0.20."""
    found = findings.construction_sentence(facts())
    assert "small by construction" in found
    assert found.endswith("shift of them is 0.50 times (0.49 to 0.51) that without.")
    gone = levels(moment_shift=(1.0, 0.01, 1.0), moment_drift=(1.0, 0.01, 1.0))
    assert first.answer(facts(levels=gone)) == first.answer(facts())


def test_a_ratio_and_its_interval_have_the_same_decimals():
    """Whatever the ends ask for."""
    for value in (0.0814, 0.65, 1.23, 4.0, 23.4):
        for wide in (0.003, 0.03, 0.3):
            ratio = Value(value, value / (1 + wide), value * (1 + wide), 0.1, "ratio", "ok")
            numbers = re.findall(r"[\d.]+", first.with_interval(ratio))
            assert len({len(text.partition(".")[2]) for text in numbers}) == 1, numbers


@pytest.mark.parametrize(
    ("none", "word"),
    [
        (0.5, "In one small net on digits, yes."),
        (1.0, "In one small net on digits, no."),
        (2.0, "In one small net on digits, no."),
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
    assert found.startswith("In one small net on digits this run cannot tell yet.")


def test_without_a_pair_the_answer_says_so():
    """BN alone answers nothing."""
    assert first.answer(facts(nets=("mlp",), variants=("bn",))).startswith("This run cannot say")


def test_noise_that_shifts_more_and_trains_better_than_none_is_told():
    """By hand: 0.8/0.2; loss 0.33/0.60."""
    assert first.noise_sentence(facts(), "mlp") == (
        "With noise behind every normalization the ReLU net’s shift by the Wasserstein distance is "
        "4.0 times (3.9 to 4.1) that without BN. Its training loss in the end is 0.55 times (0.54 "
        "to 0.56) that without BN. So it shifts more than the net without BN and still trains "
        "better: here training well does not take a small shift."
    )


@pytest.mark.parametrize(
    ("loss", "end"),
    [
        ((0.60, 0.60, 0.60), "trains as well: here training well does not take a small shift."),
        ((0.60, 0.60, 0.50), "trains better: here training well does not take a small shift."),
        ((0.30, 0.60, 0.50), "So it shifts more than the net without BN, and trains worse."),
    ],
)
def test_the_moral_follows_from_the_losses(loss, end):
    """Same, smaller and larger losses with noise are told apart."""
    found = first.noise_sentence(facts(levels=levels(train_loss=loss)), "mlp")
    assert found.endswith(end)


def test_there_is_no_moral_where_noise_shifts_no_more():
    """Then the sentence ends with the numbers."""
    calm = facts(levels=levels(wasserstein_shift=(0.2, 0.1, 0.1)))
    assert first.noise_sentence(calm, "mlp").endswith("that without BN.")


def test_tiles_are_ratios_with_intervals():
    """The gradients', the loss, and the noise; with rates, the first of them beside the best."""
    assert [(tile["number"], tile["detail"]) for tile in first.tiles(facts())] == [
        ("2.0 ×", "95 %: 1.96 to 2.04"), ("0.50 ×", "95 %: 0.49 to 0.51"),
        ("2.2 ×", "95 %: 2.2 to 2.3"),
    ]  # fmt: skip
    by_rate = first.tiles(facts(rated(0.05, 0.2, 0.15)))
    assert [tile["number"] for tile in by_rate] == ["1.5 ×", "0.50 ×", "0.90 ×"]


# -------------------------------------------------------------------------------------- chapters


def test_findings_name_the_measures():
    """The largest group of three is named as are the others; four would be counted."""
    assert findings.ratios_finding(facts(nets=("mlp",))) == (
        "In the ReLU net the shift with BN is smaller by the KS distance and by the Wasserstein "
        "distance; larger by the gradient’s relative change and by the gradient’s direction."
    )
    same = {one.word: (0.5, 0.1, 0.5, 0.1) for one in DEFINITIONS[:7]}
    assert findings.ratios_finding(facts(levels=same)).endswith("is smaller by all 3 measures.")


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
    assert rows[7][:4] == ["gradient, cosine", "0.900 ± 0.010", "0.700 ± 0.010", "0.600 ± 0.010"]
    assert rows[9] == ["batch-induced", "0", "0.250 ± 0.010", "0.500 ± 0.010", "–"]


def test_the_table_of_pairs_has_interval_and_word():
    """More of a cosine is less shift, in words as well."""
    rows = tables.pair_table(facts(nets=("mlp",)))["rows"]
    assert rows[0][2:] == ["0.49 to 0.51 †", "3.9 to 4.1: larger", "7.8 to 8.2: larger"]
    assert rows[1][1:3] == ["0.49 to 0.51: smaller", "3.9 to 4.1: larger"]
    assert rows[7][1] == "−0.22 to −0.18: more shift"
    assert rows[9][1:3] == ["–", "–"]


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
    assert found.answer.startswith("In two small nets on digits this run cannot tell yet.")
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
    assert re.search(r"mean, spread +0\.200 ± 0\.010 +0\.49 to 0\.51 † +7\.8 to 8\.2 >\n", out)
    assert re.search(r"gradient, cosine +0\.900 ± 0\.010 +−0\.22 to −0\.18 > ", out)


@pytest.mark.parametrize("estimate", [1.0, 0.0123456789, 4.2e-6, 12345.678])
@pytest.mark.parametrize("share", [0.3, 1e-2, 1e-4, 1e-6, 1e-9])
def test_levels_fit_their_column(estimate, share):
    """However small an error is beside its value."""
    value = Value(estimate, 0.0, 1.0, share * estimate, "mean", "ok")
    text = shift_summary.level_text(value, set())
    assert "±" in text
    assert len(text) < shift_summary.LEVEL
