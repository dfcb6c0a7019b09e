"""The claims find their numbers in real runs of the trials, small as these are."""

from __future__ import annotations

import dataclasses

import pytest

from simnorm import api
from simnorm.answering import Missing
from simnorm.answering.claims import Case, accuracy, training
from simnorm.answering.needed import nothing_needed
from simnorm.answering.plan import make_plan
from simnorm.answering.running import missing_for


def judged_by(word, **smaller):
    plan = make_plan(level="quick", batch_size=8)
    design = dataclasses.replace(plan.designs[word], **smaller)
    return Case(plan.settings, {word: api.run(design)}, nothing_needed())


def test_scaling_has_what_the_claims_ask_for():
    """Every scaler against z-scores, and z-scores against none, for each model and data set."""
    made = judged_by(
        "scaling", datasets=("wine", "heavy_tails"), models=("knn",), replications=2,
        batch_sizes=(8,),
    )  # fmt: skip
    for scaler, against in (("batch", "z_score"), ("none", "z_score"), ("min_max", "z_score"),
                            ("robust", "z_score"), ("z_score", "none")):  # fmt: skip
        assert list(made.accuracy(scaler, against)) == [
            "kNN on wine",
            "kNN on heavy_tails, made of wine",
        ]
    assert made.scaling_size == 8
    for claim in (
        accuracy.neighbours_need_scaling,
        accuracy.assumes_gaussian,
        accuracy.min_max,
    ):
        assert "points" in claim(made).number


def test_shift_has_what_the_claim_asks_for():
    """Four definitions of shift with batch normalization against none, rates, and noise."""
    pytest.importorskip("torch")
    made = judged_by("shift", nets=("mlp",), steps=4, replications=2)
    found = training.covariate_shift(made)
    assert found.word != "not measured"
    assert "of 4 measures (gradients, KS distance, W1 distance and direction of gr" in found.detail
    assert "each at the learning rate that it trains best at" in found.detail
    assert "With the same rate for both it is ×" in found.detail
    assert "Moments are not counted" in found.detail
    assert "With noise behind the layer" in found.detail


def test_overhead_has_what_the_claim_asks_for():
    """The time of a step with each variant against none, at the batch size that is asked about."""
    pytest.importorskip("torch")
    made = judged_by("overhead", widths=(8,), batch_sizes=(8,), replications=6, epochs=1)
    found = training.overhead(made)
    assert found.word != "not measured"
    assert "at the input ×" in found.detail
    assert "between layers ×" in found.detail
    assert found.number.endswith("at the input, width 8")


def test_without_torch_the_claims_say_how_to_get_it(monkeypatch):
    """The refusal of the study itself is what stands there."""
    monkeypatch.setattr("simnorm.studies.find_spec", lambda _: None)
    plan = make_plan(level="quick")
    with pytest.raises(ValueError, match="torch") as refusal:
        api.run(plan.designs["shift"])
    missing = missing_for(refusal.value)
    assert missing == Missing(
        "It needs torch, which is not installed.",
        "Get it: pip install torch; in a checkout scripts/quickstart --with-torch.",
    )
    found = training.covariate_shift(Case(plan.settings, {"shift": missing}, nothing_needed()))
    assert found.why == f"{missing.reason} {missing.what_to_do}"
