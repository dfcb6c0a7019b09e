"""``simnorm list``: the words, what they mean, and what is exact for them."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping

from simnorm import theory
from simnorm.cli.plain import echo
from simnorm.cli.trial_words import LISTS
from simnorm.diagnostics import EXACT, OK, UNDEFINED, verdicts
from simnorm.distributions import DISTRIBUTIONS, Distribution, distribution
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
# The same for which error bars exist, of these laws too.
LEDGER = (
    f"Which error bars exist, however long the run (a batch of {BATCH} against its full set of "
    f"{FULL:,}): = of bias, variance and (R)MSE; b of the bias alone; - of neither; . not even the "
    "mean square exists. Where there is none, results.csv has median and quantiles of the error. "
    "Tails may also ask for more replications than a run has: its rows say so."
)
HEAVY = ("t(df=2)", "t(df=3)", "t(df=4)", "t(df=9)", "pareto(b=5)", "pareto(b=9)")
WIDTH = 80
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
KINDS = ("distributions", "estimators", "presets", "studies", "ledger")


def print_words(what: str) -> None:
    """Print the words of one kind, or of both."""
    if what not in (*KINDS, ""):
        allowed = "allowed are distributions, estimators, presets, studies and ledger"
        raise SimnormError("what", what, allowed, nearest(what, KINDS).strip())
    if what in ("", "distributions"):
        _print("Distributions", {str(law()): law.note for law in DISTRIBUTIONS.values()})
        _print_filled(OTHERS)
        if what:
            _print_theory()
    if not what:
        echo("")
    if what in ("", "estimators"):
        _print("Estimators", {str(kind()): kind().note for kind in ESTIMATORS.values()})
        _print_filled(CALLABLES)
        if what:
            _print("\nTheory", {str(k()): theory.coverage(k()) for k in ESTIMATORS.values()})
    if what in ("", "presets"):
        _print("\nPresets" if not what else "Presets", {k: p.note for k, p in PRESETS.items()})
        _print_filled(CHANGES)
    if what in ("", "studies"):
        for i, (title, words) in enumerate(LISTS.items()):
            _print(title if what and not i else f"\n{title}", dict(words))
    if what == "ledger":
        _print_ledger()
    if not what:
        _print_filled(
            "\n`simnorm list distributions` and `simnorm list estimators` also say what theory "
            "knows, `simnorm list ledger` which error bars exist."
        )


def _print_theory() -> None:
    """Print which estimators have an exact or asymptotic value, a row for every law."""
    echo("")
    _print_filled(LEGEND)

    def mark(law: Distribution, kind: Estimator) -> str:
        value = theory.value_of("rmse", kind, BATCH, FULL, theory.of_distribution(law))
        return MARKS[value.kind] if value is not None else ""

    _print_table({word: law() for word, law in DISTRIBUTIONS.items()}, mark)


def _print_ledger() -> None:
    """Print which error bars exist, a row for every law."""
    _print_filled(LEDGER)
    echo("")

    def mark(law: Distribution, kind: Estimator) -> str:
        bias, squares, *_ = verdicts(kind, law, BATCH, FULL, "full_set")
        good = (OK, EXACT)
        first = "=" if squares.status in good else "b" if bias.status in good else "-"
        return "." if squares.status == UNDEFINED and first == "-" else first

    laws = [law() for law in DISTRIBUTIONS.values()]
    laws += [distribution(spec) for spec in HEAVY]
    _print_table({str(law): law for law in laws}, mark)


def _print_table(
    laws: Mapping[str, Distribution], mark: Callable[[Distribution, Estimator], str]
) -> None:
    """Print a mark for every law, in rows, and every estimator that has a column."""
    heads: dict[str, Estimator] = {}
    for word, kind in ESTIMATORS.items():
        heads.setdefault(HEADS.get(word, word), kind())
    # Parameters that do not fit are told by `simnorm list distributions`.
    room = WIDTH - sum(len(head) + 1 for head in heads)
    width = min(room, max(map(len, laws)))
    echo(" " * width + "".join(f" {head}" for head in heads))
    for name, law in laws.items():
        line = f"{name if len(name) <= width else law.word:<{width}}"
        for head, statistic in heads.items():
            line += f" {mark(law, statistic):^{len(head)}}"
        echo(line.rstrip())


def _print_filled(text: str) -> None:
    for line in text.split("\n"):
        echo(textwrap.fill(line, 80))


def _print(title: str, lines: dict[str, str]) -> None:
    echo(title)
    width = max(map(len, lines)) + 2
    for word, note in lines.items():
        indent = " " * (width + 2)
        echo(textwrap.fill(note, 80, initial_indent=f"  {word:<{width}}", subsequent_indent=indent))
