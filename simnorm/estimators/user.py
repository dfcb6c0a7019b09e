"""Any function of ``(sample, axis=-1)`` as an estimator."""

from __future__ import annotations

import functools
import inspect
import math
import re
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from simnorm.distributions import Distribution, Tails
from simnorm.errors import SimnormError
from simnorm.estimators.base import Estimator, Floats

PREFIX = "user."
LONGEST_NAME = 40
# What a failure says, cut at so many characters: it stands in a table.
LONGEST_MESSAGE = 120

# By its number along the first axis, what kept a sample from having a value.
Messages = dict[int, str]

RESULT = "a real number for each sample is needed"


class UserEstimator(Estimator):
    """A function of yours, called as ``function(sample, axis=-1)``.

    It receives a read-only float64 array of shape (..., n) and returns one of shape (...). Where it
    raises, or returns what is not finite, the replication is void for that cell.

    Parameters
    ----------
    function
        The function.
    name
        The word after ``user.`` in tables; made of the function's name if None.
    population
        Its population value: a number, or a function of the distribution. Without one there are no
        errors against the population, and no relative measures unless it is a location.
    is_location
        Whether it moves along when the data are shifted: then relative measures are in population
        standard deviations.

    Examples
    --------
    >>> import numpy as np
    >>> midrange = UserEstimator(lambda x, axis=-1: (x.min(axis) + x.max(axis)) / 2, "midrange")
    >>> str(midrange), float(midrange([1.0, 2.0, 6.0]))
    ('user.midrange', 3.5)
    """

    note: ClassVar[str] = "a function of yours"
    may_fail: ClassVar[bool] = True
    too_small: ClassVar[str] = ""

    function: Callable[..., Any] | None
    name: str
    given: float | Callable[[Distribution], float] | None

    def __init__(
        self,
        function: Callable[..., Any],
        name: str | None = None,
        population: float | Callable[[Distribution], float] | None = None,
        is_location: bool = False,
    ) -> None:
        if not callable(function):
            raise SimnormError("estimators", function, "a function of (sample, axis=-1) is needed")
        _check_signature(function)
        self._set(function, word_of(function) if name is None else name, population, is_location)

    def _set(self, function: Any, name: str, population: Any, is_location: bool) -> None:
        if not re.fullmatch(r"\w+", str(name), re.ASCII):
            allowed = "a name of letters, digits and _ is needed"
            raise SimnormError("estimators", name, allowed, "Give it as UserEstimator(..., name=).")
        if len(name) > LONGEST_NAME:
            raise SimnormError("estimators", name, f"at most {LONGEST_NAME} letters are allowed")
        number = isinstance(population, int | float | np.number) and not isinstance(
            population, bool
        )
        if not (population is None or number or callable(population)):
            allowed = "a number or a function of the distribution is allowed as population"
            raise SimnormError("estimators", population, allowed)
        # Frozen like every estimator; these are what makes two of them differ.
        values = {"function": function, "name": name, "word": PREFIX + name}
        values |= {"given": population, "is_location": bool(is_location)}
        for key, value in values.items():
            object.__setattr__(self, key, value)

    @classmethod
    def absent(cls, name: str) -> UserEstimator:
        """Return what stands for a function that is not there, as in a run read from its folder."""
        made = cls.__new__(cls)
        made._set(None, name, None, is_location=False)
        return made

    def __call__(self, sample: Any, axis: int = -1) -> Floats:
        """Return the statistic of `sample` along `axis`."""
        values = np.moveaxis(np.asarray(sample, dtype=np.float64), axis, -1)
        return self.along_last(np.ascontiguousarray(values))

    def along_last(self, values: Floats) -> Floats:
        """Call the function; raise what it raises, or a TypeError for what is no such result."""
        if self.function is None:
            raise self.missing()
        values = values.view()
        values.flags.writeable = False
        with np.errstate(all="ignore"):
            result = self.function(values, axis=-1)
        return _checked(result, values.shape[:-1])

    def missing(self) -> SimnormError:
        """Return the error that says where the function has to come from."""
        return SimnormError(
            "estimators",
            str(self),
            "the function of this name must be given from Python",
            "simnorm.run and simnorm.load take functions=[...].",
        )

    def attempt(self, samples: Floats) -> tuple[Floats, Messages]:
        """Return the estimates of samples, NaN where there is none, and why there is none.

        If the call fails it is made again for one entry of the first axis at a time. An entry with
        one value that is not finite is void as a whole.
        """
        estimates = np.full(samples.shape[:-1], np.nan)
        said: Messages = {}
        try:
            estimates[...] = self.along_last(samples)
        except Exception:  # whatever a function raises is its replication's end
            for i in range(len(samples)):
                try:
                    estimates[i : i + 1] = self.along_last(samples[i : i + 1])
                except Exception as error:
                    said[i] = told(error)
        void = ~np.isfinite(estimates.reshape(len(samples), -1)).all(axis=1)
        for i in np.flatnonzero(void).tolist():
            values = estimates[i].ravel()
            said.setdefault(i, f"it returned {values[~np.isfinite(values)][0]}")
        estimates[void] = np.nan
        return estimates, said

    def probe(self, law: Distribution, size: int) -> None:
        """Call the function on a few batches of a law; see `probe_samples`."""
        samples = np.empty((2, 3, size))
        law.fill(np.random.Generator(np.random.PCG64DXSM(0)), samples)
        self.probe_samples(samples)
        self.population(law)

    def probe_samples(self, samples: Floats) -> None:
        """Call the function on batches, shape (2, 3, n); refuse what no batch could have.

        Raises
        ------
        SimnormError
            If the result has a wrong shape or type, or the population value is no number. What it
            raises is left to the run, which says how often it does.
        """
        try:
            self.along_last(samples)
        except ResultError as error:
            raise SimnormError("estimators", str(self), f"{RESULT}, {error}") from None
        except SimnormError:
            raise
        except Exception:
            pass

    def population(self, law: Distribution) -> float:
        """Return the population value that was given, NaN if none was."""
        return _population_of(self, law)

    @property
    def has_population(self) -> bool:
        """Whether a population value was given."""
        return self.given is not None

    def tail_index(self, tails: Tails, size: int) -> float:  # noqa: ARG002
        """Return infinity: nothing is known, and the k-hat has the last word."""
        return math.inf

    def __str__(self) -> str:
        """Return the canonical spec, which does not tell the function."""
        return self.word

    def __repr__(self) -> str:
        """Return how it was made."""
        return f"UserEstimator({self.function!r}, name={self.name!r})"

    def _key(self) -> tuple[Any, ...]:
        return (self.name, self.function, self.given, self.is_location)

    def __eq__(self, other: object) -> bool:
        """Return whether the other one is the same function of the same name."""
        return isinstance(other, UserEstimator) and self._key() == other._key()

    def __hash__(self) -> int:
        """Return a hash of the name: a function need not have one."""
        return hash(self.word)


@functools.lru_cache(maxsize=512)
def _population_of(kind: UserEstimator, law: Distribution) -> float:
    try:
        value: Any = kind.given(law) if callable(kind.given) else kind.given
        return math.nan if value is None else float(value)
    except Exception as error:
        allowed = f"its population value must be a number, its function says {told(error)}"
        raise SimnormError("estimators", str(kind), allowed) from None


class ResultError(TypeError):
    """A result that is no array of real numbers of the right shape."""


def word_of(function: Callable[..., Any]) -> str:
    """Return a function's name as a word of letters, digits and _.

    Examples
    --------
    >>> word_of(len), word_of(lambda x: x)
    ('len', 'lambda')
    """
    inner = getattr(function, "func", function)  # functools.partial
    name = getattr(inner, "__name__", type(inner).__name__)
    return re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_")[:LONGEST_NAME] or "function"


def _check_signature(function: Callable[..., Any]) -> None:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some compiled functions do not tell
        return
    try:
        signature.bind(None, axis=-1)
    except TypeError as error:
        allowed = f"it cannot be called as function(sample, axis=-1) ({error})"
        raise SimnormError("estimators", word_of(function), allowed) from None


def _checked(result: Any, shape: tuple[int, ...]) -> Floats:
    """Return a function's result as float64 of the shape that it must have."""
    if result is None:
        raise ResultError("it returned None")
    try:
        values = np.asarray(result)
    except ValueError:
        raise ResultError("it returned a ragged list") from None
    if values.dtype.kind not in "biuf":
        raise ResultError(f"it returned {values.dtype}")
    if values.shape != shape:
        sample = f"({', '.join([*map(str, shape), 'n'])})"
        raise ResultError(f"it returned shape {values.shape} for samples of shape {sample}")
    return values.astype(np.float64)


def told(error: Exception) -> str:
    """Return an exception's type and message on one line."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 3] + "..."
