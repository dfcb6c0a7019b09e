"""The one family of errors: the parameter, what came, what is allowed, the next step."""

from __future__ import annotations

import difflib
import math
import os
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


class Interrupted(RunError):  # noqa: N818 -- nothing is wrong
    """A run that was asked to stop before it had drawn all; what it finished is kept.

    Parameters
    ----------
    done, total
        What is drawn, and what was to be drawn, as `engine.Progress` counts it.
    folder
        Where what is done is kept; empty if nowhere.

    Examples
    --------
    >>> error = Interrupted(62, 100, "runs/x")
    >>> print(error)
    run: interrupted; 62 % of it is drawn and kept in runs/x. The same command goes on.
    >>> round(error.share(), 2)
    0.62
    """

    def __init__(self, done: int, total: int, folder: str | os.PathLike[str] = "") -> None:
        self.done, self.total = done, total
        self.folder = os.fspath(folder)
        kept = f"kept in {self.folder}" if self.folder else "not kept"
        hint = "The same command goes on." if self.folder else "With out= it would be kept."
        percent = math.floor(100 * self.share())
        super().__init__("run", "interrupted", f"{percent} % of it is drawn and {kept}", hint)

    def sentence(self, name: str) -> str:
        """Return the message; nothing that was given is at fault."""
        return f"{name}: {self.got}; {self.allowed}. {self.hint}"

    def __reduce__(self) -> tuple[type[Interrupted], tuple[object, ...]]:
        """Let it pass from another process whole."""
        return type(self), (self.done, self.total, self.folder)

    def share(self) -> float:
        """Return how much of the run is done, from 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0


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
