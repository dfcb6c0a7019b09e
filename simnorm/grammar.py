"""The small grammar of words: ``t(df=5)``, ``2:1024:x2``, whole numbers. Nothing is evaluated.

A *spec* is a word, or a word with named numbers: ``gamma(a=2,scale=3)``. A batch size list joins
whole numbers and ranges with commas: ``2,4,8``, ``2:64:2`` (step), ``2:1024:x2`` (factor).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import TypeVar

from simnorm.errors import SimnormError, nearest, shown

# Long enough for every law we know; a limit keeps hostile input cheap.
LONGEST_SPEC = 200
LARGEST_SIZE = 2**31 - 1
MOST_SIZES = 2**14
LARGEST_SEED = 2**128 - 1

# What other tools call our words.
SYNONYMS = {
    "gaussian": "normal",
    "gauss": "normal",
    "norm": "normal",
    "expon": "exponential",
    "student": "t",
    "studentt": "t",
    "lognorm": "lognormal",
    "lognormvariate": "lognormal",
    "t_dist": "t",
    "student_t": "t",
    "students_t": "t",
    "relu": "rectified_normal",
    "rectified_gaussian": "rectified_normal",
    "unif": "uniform",
    "rectangular": "uniform",
    "triang": "triangular",
    "double_exponential": "laplace",
    "logis": "logistic",
    "gumbel_r": "gumbel",
    "chisquare": "chi2",
    "chisq": "chi2",
    "chi_square": "chi2",
    "chi_squared": "chi2",
    "weibull_min": "weibull",
    "lorentz": "cauchy",
    "skewnorm": "skewnormal",
    "skew_normal": "skewnormal",
    "gennorm": "gennormal",
    "halfnorm": "halfnormal",
    "half_normal": "halfnormal",
    "contaminated": "contaminated_normal",
    "tukey": "contaminated_normal",
    "binary": "bernoulli",
    "coin": "bernoulli",
    "pois": "poisson",
    "average": "mean",
    "var": "biased_variance",
    "variance": "biased_variance",
    "sd": "std",
    "minimum": "min",
    "maximum": "max",
}

Kind = TypeVar("Kind")

_SPEC = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_.]*)\s*(?:\((.*)\))?\s*", re.DOTALL | re.ASCII)
_PARAMETER = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(\S+)\s*", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,40}")

SIZES_HELP = "Write 2,4,8 or a range 2:64:2 (step) or 2:1024:x2 (factor)."


def split_list(text: str) -> list[str]:
    """Split at commas outside parentheses.

    Examples
    --------
    >>> split_list("normal, t(df=5,scale=2)")
    ['normal', 't(df=5,scale=2)']
    """
    parts, depth, start = [], 0, 0
    for position, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append(text[start:position].strip())
            start = position + 1
    return [*parts, text[start:].strip()]


def parse_spec(text: str, parameter: str) -> tuple[str, dict[str, float]]:
    """Read a spec into its word and its named numbers.

    Raises
    ------
    SimnormError
        If `text` is not of the grammar, or a number is not finite.

    Examples
    --------
    >>> parse_spec("gamma(a=2, scale=0.5)", "distributions")
    ('gamma', {'a': 2.0, 'scale': 0.5})
    """
    form = "a word with named numbers is allowed, such as t(df=5)"
    if len(text) > LONGEST_SPEC:
        raise SimnormError(parameter, text, f"at most {LONGEST_SPEC} characters are allowed")
    if text.count("(") != text.count(")"):
        raise SimnormError(parameter, text, form, "Its parentheses do not match.")
    match = _SPEC.fullmatch(text)
    if match is None:
        raise SimnormError(parameter, text, form, "`simnorm list` shows all words.")
    word, inside = match.group(1), match.group(2)
    values: dict[str, float] = {}
    for part in split_list(inside) if inside and inside.strip() else []:
        pair = _PARAMETER.fullmatch(part)
        if pair is None:
            raise SimnormError(parameter, text, form, f"Name the number in {part!r}.")
        key, number = pair.groups()
        if key in values:
            raise SimnormError(parameter, text, f"{key} stands there twice", "Keep one.")
        values[key] = float(number) if _NUMBER.fullmatch(number) else float("nan")
        if not abs(values[key]) < float("inf"):
            allowed = f"{key} must be a finite number"
            raise SimnormError(parameter, text, allowed, "Write it like 5 or 0.5.")
    return word, values


def number_text(value: float) -> str:
    """Return the shortest text that reads back as `value`; whole numbers without a point.

    Examples
    --------
    >>> number_text(5.0), number_text(0.1), number_text(-0.0)
    ('5', '0.1', '0')
    """
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return repr(float(value))


def spec_text(word: str, values: dict[str, float]) -> str:
    """Return the canonical text of a spec.

    Examples
    --------
    >>> spec_text("t", {"df": 5.0})
    't(df=5)'
    """
    inside = ",".join(f"{key}={number_text(value)}" for key, value in values.items())
    return f"{word}({inside})" if inside else word


def read_spec(spec: object, kinds: Mapping[str, type[Kind]], parameter: str) -> Kind:
    """Return what a spec names: one of the dataclasses `kinds`, with the spec's numbers.

    Raises
    ------
    SimnormError
        If the word or a number's name is unknown.
    """
    if not isinstance(spec, str):
        raise SimnormError(parameter, spec, f"a spec such as {next(iter(kinds))!r} is allowed")
    word, values = parse_spec(spec, parameter)
    if word not in kinds:
        what = parameter.removesuffix("s")
        meant = SYNONYMS.get(word.lower())
        guess = f"Did you mean {meant!r}? " if meant in kinds else nearest(word, kinds)
        hint = f"{guess}`simnorm list {parameter}` shows all."
        raise SimnormError(parameter, word, f"it is no {what} that simnorm knows", hint)
    known = [f.name for f in fields(kinds[word])]  # type: ignore[arg-type]  # all are dataclasses
    for name in values:
        if name not in known:
            has = f"it has {', '.join(known)}" if known else "it has none"
            allowed = f"{word} has no parameter {name!r}, {has}"
            raise SimnormError(parameter, spec, allowed, nearest(name, known).strip())
    try:
        return kinds[word](**values)
    except SimnormError as error:
        # Made from text, it is the whole spec that came.
        raise SimnormError(parameter, spec, error.allowed, error.hint) from None


def whole_number(value: object, parameter: str, lowest: int, highest: int) -> int:
    """Return `value`, text or a number, as a whole number within the limits.

    Raises
    ------
    SimnormError
        If it is something else, or outside the limits. Booleans and 3.0 are refused too.
    """
    limits = f"allowed is a whole number from {lowest} to {_limit_text(highest)}"
    text = _plain(value)
    if isinstance(value, bool) or not _WHOLE.fullmatch(text):
        raise SimnormError(parameter, value, limits)
    if not lowest <= int(text) <= highest:
        raise SimnormError(parameter, value, limits)
    return int(text)


def _plain(value: object) -> str:
    """Return text without blanks around it, or the text of another value."""
    return value.strip() if isinstance(value, str) else shown(value, 400)


def _limit_text(limit: int) -> str:
    names = {LARGEST_SIZE: "2^31 - 1", LARGEST_SEED: "2^128 - 1"}
    return names.get(limit, f"{limit:,}")


@dataclass(frozen=True)
class BatchSizes:
    """Batch sizes in rising order, and notes on what was dropped from the list."""

    sizes: tuple[int, ...]
    notes: tuple[str, ...] = ()


def parse_batch_sizes(given: str | Iterable[object], full_size: int) -> BatchSizes:
    """Read batch sizes, cut ranges at the full size and drop duplicates, with a note each.

    Parameters
    ----------
    given
        Text of the grammar, or whole numbers.
    full_size
        N. A size written out and larger than N is refused; a range is cut.

    Raises
    ------
    SimnormError
        If a part is no batch size or range, or a listed size is larger than N.

    Examples
    --------
    >>> parse_batch_sizes("2:64:x2,10", full_size=40)
    BatchSizes(sizes=(2, 4, 8, 10, 16, 32), notes=('batch_sizes: 2:64:x2 is cut at N = 40',))
    """
    if isinstance(given, Mapping | bytes) or not isinstance(given, Iterable):
        raise SimnormError("batch_sizes", given, "text or a list of sizes is allowed", SIZES_HELP)
    parts = given.split(",") if isinstance(given, str) else list(given)
    sizes: list[int] = []
    notes: list[str] = []
    for part in parts:
        if isinstance(part, str) and ":" in part:
            found, cut = _parse_range(part.strip(), full_size)
            if cut:
                notes.append(f"batch_sizes: {part.strip()} is cut at N = {full_size:,}")
        elif isinstance(part, str) and not part.strip():
            raise SimnormError("batch_sizes", given, "a batch size is missing there", SIZES_HELP)
        else:
            found = [_parse_size(part, full_size)]
        sizes.extend(found)
        if len(sizes) > 2 * MOST_SIZES:
            raise _too_many(given)
    if not sizes:
        raise SimnormError("batch_sizes", given, "at least one batch size is needed", SIZES_HELP)
    counts = Counter(sizes)
    unique = tuple(sorted(counts))
    if len(unique) > MOST_SIZES:
        raise _too_many(given)
    if len(unique) < len(sizes):
        twice = [size for size in unique if counts[size] > 1]
        listed = ", ".join(map(str, twice[:5])) + (", ..." if len(twice) > 5 else "")
        notes.append(f"batch_sizes: {listed} given more than once, used once")
    return BatchSizes(unique, tuple(notes))


def _too_many(given: object) -> SimnormError:
    allowed = f"at most {MOST_SIZES:,} sizes are allowed"
    return SimnormError("batch_sizes", given, allowed, "Take a larger step.")


def _size_number(text: str, whole: object) -> int:
    if not (_WHOLE.fullmatch(text) and 1 <= int(text) <= LARGEST_SIZE):
        raise SimnormError(
            "batch_sizes", whole, "a batch size is a whole number from 1 to 2^31 - 1", SIZES_HELP
        )
    return int(text)


def _parse_size(part: object, full_size: int) -> int:
    if isinstance(part, bool | float):
        raise SimnormError("batch_sizes", part, "a batch size is a whole number", SIZES_HELP)
    size = _size_number(_plain(part), part)
    if size > full_size:
        raise SimnormError(
            "batch_sizes",
            size,
            f"a batch cannot be larger than the full set, N = {full_size:,}",
            "Leave it out or take a larger full size.",
        )
    return size


def _parse_range(text: str, full_size: int) -> tuple[list[int], bool]:
    fields = text.split(":")
    if len(fields) != 3:
        raise SimnormError("batch_sizes", text, "a range is start:stop:step", SIZES_HELP)
    start, stop = _size_number(fields[0], text), _size_number(fields[1], text)
    factor = fields[2].startswith("x")
    step_text = fields[2].removeprefix("x")
    if not (_WHOLE.fullmatch(step_text) and 1 <= int(step_text) <= LARGEST_SIZE):
        raise SimnormError("batch_sizes", text, "a step is a whole number from 1", SIZES_HELP)
    step = int(step_text)
    if start >= stop:
        raise SimnormError(
            "batch_sizes", text, "a range runs upward, from start to a larger stop", SIZES_HELP
        )
    if factor and step < 2:
        raise SimnormError("batch_sizes", text, "a factor must be 2 or more", SIZES_HELP)
    last = min(stop, full_size)
    if not factor and (last - start) // step >= MOST_SIZES:
        raise _too_many(text)
    sizes = _powers(start, last, step) if factor else list(range(start, last + 1, step))
    # The range is only "cut" where it had something beyond N to lose.
    following = (sizes[-1] * step if factor else sizes[-1] + step) if sizes else start
    return sizes, following <= stop


def _powers(start: int, last: int, factor: int) -> list[int]:
    sizes = []
    while start <= last:
        sizes.append(start)
        start *= factor
    return sizes
