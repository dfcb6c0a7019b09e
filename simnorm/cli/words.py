"""``simnorm list``: the words, what they mean, and what is exact for them."""

from __future__ import annotations

import textwrap

import typer

from simnorm.distributions import DISTRIBUTIONS
from simnorm.errors import SimnormError
from simnorm.estimators import ESTIMATORS

EXACT = {
    "mean": "exact for every law with a variance",
    "biased_variance": "exact for every law with a fourth moment",
    "unbiased_variance": "exact for every law with a fourth moment",
    "std": "exact for the normal law, asymptotic for others",
}
KINDS = ("distributions", "estimators")


def print_words(what: str) -> None:
    """Print the words of one kind, or of both."""
    if what not in (*KINDS, ""):
        raise SimnormError("what", what, "allowed are distributions and estimators")
    if what != "estimators":
        _print("Distributions", {str(law()): law.note for law in DISTRIBUTIONS.values()})
        typer.echo("Every law also takes loc= and scale=, applied last: normal(loc=5,scale=2)")
    if not what:
        typer.echo("")
    if what != "distributions":
        notes = {str(kind()): kind().note for kind in ESTIMATORS.values()}
        _print("Estimators", notes)
        theory = {str(kind()): EXACT.get(word, "none yet") for word, kind in ESTIMATORS.items()}
        _print("\nTheory", theory)


def _print(title: str, lines: dict[str, str]) -> None:
    typer.echo(title)
    width = max(map(len, lines)) + 2
    for word, note in lines.items():
        indent = " " * (width + 2)
        typer.echo(
            textwrap.fill(note, 80, initial_indent=f"  {word:<{width}}", subsequent_indent=indent)
        )
