"""What an inverse question comes to, and the sentence that says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from simnorm.formatting import significant

BATCH_SIZE, BATCHES, STEPS = "batch_size", "batches", "steps"

ONE = {BATCHES: "batch", STEPS: "step"}
WHAT = {BATCH_SIZE: "batch size", BATCHES: "number of batches", STEPS: "number of steps"}


@dataclass(frozen=True)
class Answer:
    """The smallest number that is enough.

    Parameters
    ----------
    source
        The distribution or the column.
    quantity, measure
        Whose error is asked for, and how it is measured.
    target
        The error to be reached.
    solved_for
        ``batch_size``, ``batches`` or ``steps``.
    batch_size, batches, steps
        The answer under its name; None where no number is enough. Of the others, what was given.
    reached, reached_below
        The error at the answer, and at one less.
    reference
        ``population`` or ``full_set``.
    method
        ``exact`` theory, or ``simulation``.
    confidence
        How likely it is that the answer is enough, given what was drawn: 1 if exact; None where no
        standard error can be trusted.
    low, high
        Between these the answer lies, 95 %.
    first_order
        What the first-order rule says, (g2 + 6)/(4 target^2) for a normalized value.
    reason
        Why there is no answer, or what to know about it.
    """

    source: str
    quantity: str
    measure: str
    target: float
    solved_for: str
    reference: str
    method: str
    batch_size: int | None = None
    batches: int | None = None
    steps: int | None = None
    reached: float | None = None
    reached_below: float | None = None
    confidence: float | None = None
    low: int | None = None
    high: int | None = None
    first_order: int | None = None
    reason: str = ""

    @property
    def number(self) -> int | None:
        """The answer itself."""
        found: int | None = getattr(self, self.solved_for)
        return found

    def __str__(self) -> str:
        """Return the answer in words."""
        return self.sentence()

    def to_dict(self) -> dict[str, Any]:
        """Return what a program reads; what does not apply is left out, but for the answer."""
        always = ("quantity", "target", "batch_size", "reached", "reached_below", "reference",
                  "method", "confidence", self.solved_for)  # fmt: skip
        names = [*always, *(name for name in self.__dataclass_fields__ if name not in always)]
        values = {name: getattr(self, name) for name in dict.fromkeys(names)}
        return {k: v for k, v in values.items() if k in always or v not in (None, "")}

    def sentence(self) -> str:
        """Return the answer in words.

        Examples
        --------
        >>> answer = Answer("normal", "normalized_value", "rmse", 0.1, "batch_size", "population",
        ...                 "exact", batch_size=151, reached=0.09976, reached_below=0.1001,
        ...                 confidence=1.0, first_order=150)
        >>> print(answer.sentence())
        normal: a batch of 151 is the smallest with an RMSE of the normalized value of
        at most 0.1, exactly: 0.09976 at 151, 0.1001 at 150. The first-order rule says
        150.
        """
        import textwrap

        return textwrap.fill(" ".join([self._answer(), *self._remarks()]), 80)

    def _answer(self) -> str:
        measure = self.measure.replace("_", " ").replace("rmse", "RMSE")
        article = "an" if measure == "RMSE" else "a"
        error = f"{article} {measure} of the {self.quantity.replace('_', ' ')}"
        n, target = self.number, f"{self.target:g}"
        if n is None:
            return f"{self.source}: no {WHAT[self.solved_for]} reaches {error} of {target}."
        how = "exactly" if self.method == "exact" else "by simulation"
        if self.solved_for == BATCH_SIZE:
            text = f"{self.source}: a batch of {n:,} is the smallest"
        else:
            unit = self.solved_for if n != 1 else ONE[self.solved_for]
            text = f"{self.source}: {n:,} {unit} {'are' if n != 1 else 'is'} the fewest"
        numbers = f"{_text(self.reached)} at {n:,}"
        if self.reached_below is not None and n > 1:
            numbers += f", {_text(self.reached_below)} at {n - 1:,}"
        return f"{text} with {error} of at most {target}, {how}: {numbers}."

    def _remarks(self) -> list[str]:
        found = []
        if self.low is not None and self.high is not None and self.high > self.low:
            found.append(f"The answer lies between {self.low:,} and {self.high:,} (95 %).")
        if self.low is not None and self.high is None:
            found.append(f"The answer is {self.low:,} or more (95 %): how much more is not known.")
        if self.first_order is not None:
            found.append(f"The first-order rule says {self.first_order:,}.")
        return [*found, self.reason] if self.reason else found


def together(answers: Sequence[Answer]) -> str:
    """Return what is enough for all of several answers, in a sentence; nothing for one alone.

    Examples
    --------
    >>> parts = ("rmse", 0.1, "batch_size", "full_set", "exact")
    >>> few, many = (Answer(c, "mean", *parts, batch_size=n) for c, n in (("a", 8), ("b", 99)))
    >>> together([few, many])
    'For all 2: batch size 99 (b).'
    """
    known = [answer for answer in answers if answer.number is not None]
    if len(answers) < 2 or not known:
        return ""
    most = max(known, key=lambda answer: answer.number or 0)
    word = most.solved_for.replace("_", " ")
    none = len(answers) - len(known)
    whose = f"For all {len(answers)}" if not none else f"For {len(known)} of {len(answers)}"
    rest = f"; for {none} no {word} is enough" if none else ""
    return f"{whose}: {word} {most.number:,} ({most.source}){rest}."


def _text(value: float | None) -> str:
    return "nothing" if value is None else significant(value, 4)
