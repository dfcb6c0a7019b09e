"""The one family of errors: the parameter, what came, what is allowed, the next step."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

# The command line calls these parameters differently from the library.
OPTIONS = {
    "distributions": "--dist",
    "separator": "--sep",
    "run": "RUN",
    "study": "study",
    "design": "DESIGN",
    "presets": "--preset",
    "solve_for": "--for",
    "what": "WHAT",
}


class SimnormError(ValueError):
    """An input that simnorm cannot use.

    Parameters
    ----------
    parameter
        The library's name of the parameter, e.g. ``batch_sizes``.
    got
        What came. Shown as it was written.
    allowed
        What is allowed, as a clause.
    hint
        The next step, as a sentence.

    Examples
    --------
    >>> print(SimnormError("seed", -1, "allowed is a whole number from 0", "Try 0."))
    seed: got -1; allowed is a whole number from 0. Try 0.
    """

    exit_code = 2

    def __init__(self, parameter: str, got: object, allowed: str, hint: str = "") -> None:
        self.parameter = parameter
        self.got = got
        self.allowed = allowed
        self.hint = hint
        super().__init__(self.sentence(parameter))

    def __reduce__(self) -> tuple[type[SimnormError], tuple[object, ...]]:
        """Let it pass from another process whole: joblib and multiprocessing pickle errors."""
        return type(self), (self.parameter, self.got, self.allowed, self.hint)

    def sentence(self, name: str) -> str:
        """Return the message with the parameter called `name`."""
        hint = f" {self.hint}" if self.hint else ""
        return f"{name}: got {shown(self.got)}; {self.allowed}.{hint}"

    def option(self) -> str:
        """Return the parameter's name on the command line."""
        if not self.parameter.isidentifier():
            return self.parameter
        return OPTIONS.get(self.parameter, "--" + self.parameter.replace("_", "-"))


class RunError(SimnormError):
    """A run that could not be finished or kept, with input that was in order."""

    exit_code = 1


def shown(value: object, limit: int = 60) -> str:
    """Return `value` for a message: on one line, quoted if it is text, and not too long."""
    try:
        text = repr(value) if isinstance(value, str) else str(value)
    except ValueError:  # a whole number of more digits than Python prints
        text = "a number of thousands of digits"
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 4] + "..." + text[-1]


def nearest(word: str, known: Iterable[str]) -> str:
    """Return "Did you mean 'x'?" for the known word most like `word`, or an empty string.

    Examples
    --------
    >>> nearest("nrmal", ["normal", "uniform"])
    "Did you mean 'normal'? "
    """
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"Did you mean {found[0]!r}? " if found else ""
