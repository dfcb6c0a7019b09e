"""``simnorm list``: the words, what they mean, and what is exact for them."""

from __future__ import annotations

import textwrap

import typer

from simnorm import theory
from simnorm.distributions import DISTRIBUTIONS
from simnorm.errors import SimnormError, nearest
from simnorm.estimators import ESTIMATORS, Estimator
from simnorm.presets import PRESETS

# Where the table of what theory knows is taken: a batch of this size of a full set of that.
BATCH, FULL = 64, 16_384
MARKS = {"exact": "=", "asymptotic": "\N{ALMOST EQUAL TO}"}
LEGEND = (
    f"What theory knows (shapes as above, a batch of {BATCH} out of {FULL:,}): = the exact RMSE, "
    f"{MARKS['asymptotic']} an asymptotic one; of other sizes and of biases it may know more."
)
# Heads of columns: words, where they are not their own.
HEADS = {
    "biased_variance": "var",
    "unbiased_variance": "var",
    "median": "med",
    "quantile": "qua",
    "trimmed_mean": "trim",
    "skewness": "skew",
    "excess_kurtosis": "kurt",
}
OTHERS = (
    "Every law also takes loc= and scale=, applied last: normal(loc=5,scale=2). Any other "
    "continuous law of scipy: scipy.NAME(...), as scipy.genextreme(c=-0.1). Mixtures: "
    "mixture(0.9*normal,0.1*normal(loc=5))."
)
CALLABLES = "From Python, any function (sample, axis=-1) joins them: sn.sweep(estimators=[f])."
CHANGES = (
    "momentum is the weight of the OLD value, here and everywhere in simnorm. Any setting can be "
    "changed: keras3(momentum=0.9,epsilon=0.00001,ddof=1)."
)
KINDS = ("distributions", "estimators", "presets")


def print_words(what: str) -> None:
    """Print the words of one kind, or of both."""
    if what not in (*KINDS, ""):
        allowed = "allowed are distributions, estimators and presets"
        raise SimnormError("what", what, allowed, nearest(what, KINDS).strip())
    if what in ("", "distributions"):
        _print("Distributions", {str(law()): law.note for law in DISTRIBUTIONS.values()})
        _print_filled(OTHERS)
        if what:
            _print_theory()
    if not what:
        typer.echo("")
    if what in ("", "estimators"):
        _print("Estimators", {str(kind()): kind().note for kind in ESTIMATORS.values()})
        _print_filled(CALLABLES)
        if what:
            _print("\nTheory", {str(k()): theory.coverage(k()) for k in ESTIMATORS.values()})
    if what in ("", "presets"):
        _print("\nPresets" if not what else "Presets", {k: p.note for k, p in PRESETS.items()})
        _print_filled(CHANGES)
    if not what:
        _print_filled(
            "\n`simnorm list distributions` and `simnorm list estimators` also say what theory "
            "knows."
        )


def _print_theory() -> None:
    """Print which estimators have an exact or asymptotic value, a row for every law."""
    heads: dict[str, Estimator] = {}
    for word, kind in ESTIMATORS.items():
        heads.setdefault(HEADS.get(word, word), kind())
    width = max(map(len, DISTRIBUTIONS))
    typer.echo("")
    _print_filled(LEGEND)
    typer.echo(" " * width + "".join(f" {head}" for head in heads))
    for word, law in DISTRIBUTIONS.items():
        numbers = theory.of_distribution(law())
        line = f"{word:<{width}}"
        for head, statistic in heads.items():
            value = theory.value_of("rmse", statistic, BATCH, FULL, numbers)
            line += f" {MARKS[value.kind] if value is not None else '':^{len(head)}}"
        typer.echo(line.rstrip())


def _print_filled(text: str) -> None:
    for line in text.split("\n"):
        typer.echo(textwrap.fill(line, 80))


def _print(title: str, lines: dict[str, str]) -> None:
    typer.echo(title)
    width = max(map(len, lines)) + 2
    for word, note in lines.items():
        indent = " " * (width + 2)
        typer.echo(
            textwrap.fill(note, 80, initial_indent=f"  {word:<{width}}", subsequent_indent=indent)
        )
