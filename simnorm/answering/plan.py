"""Which designs answer the question: how large each study is at each level, for laws or a file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from simnorm.answering.settings import DEFAULT, LEVELS, QUICK, THOROUGH, Settings
from simnorm.answering.whole import STUDIES as STUDIES_IN_ORDER
from simnorm.design import (
    DEFAULT_DISTRIBUTIONS,
    DEFAULT_FULL_SIZE,
    DEFAULT_SEED,
    OF_CLASSES,
    Design,
)
from simnorm.errors import SimnormError, nearest
from simnorm.grammar import LARGEST_SEED, parse_batch_sizes, whole_number
from simnorm.options import INPUTS, OVERHEAD, RUNNING, SCALING, SHIFT, STUDIES, SWEEP
from simnorm.studies import study_of

if TYPE_CHECKING:
    from simnorm.dataset import Dataset

DEFAULT_BATCH_SIZE = 32
# A framework's layer refuses to train on a batch of one; larger ones than that are no batches of
# the bundled data any more.
SMALLEST_TRAINED, LARGEST_TRAINED = 2, 256

# The training rows of the largest bundled data set, with five folds.
LARGEST_BUNDLED = 1437

# Replications of each study by level: chosen so that two idle cores take about five minutes, a
# quarter of an hour, and hours.
REPLICATIONS: Mapping[str, Mapping[str, int]] = {
    QUICK: {SWEEP: 256, INPUTS: 256, RUNNING: 256, SCALING: 10, SHIFT: 8, OVERHEAD: 20},
    DEFAULT: {SWEEP: 1024, INPUTS: 1024, RUNNING: 512, SCALING: 30, SHIFT: 20, OVERHEAD: 40},
    THOROUGH: {SWEEP: 16384, INPUTS: 8192, RUNNING: 4096, SCALING: 200, SHIFT: 100, OVERHEAD: 400},
}
# What a replication of a trial takes on two idle processors, in seconds: one of bundled data.
SECONDS = {SCALING: 5.0, SHIFT: 8.5, OVERHEAD: 2.5}

# Of large files, so many numbers or columns are drawn in all for a quick answer, or about so.
NUMBERS = {SWEEP: 1 << 31, INPUTS: 1 << 28}
COLUMNS = {RUNNING: 10_000}
MORE = {QUICK: 1, DEFAULT: 4, THOROUGH: 16}
FEWEST = 64

# What a study does beyond its own defaults, or less.
BATCH_SIZES = {SWEEP: "2:1024:x2", INPUTS: "1:1024:x2", RUNNING: "1:128:x2"}
SCALING_SIZES = {QUICK: (8, 128), DEFAULT: (2, 8, 32, 128), THOROUGH: (2, 4, 8, 16, 32, 64, 128)}
OVERHEAD_SIZES = {QUICK: (8, 128), DEFAULT: (8, 32, 128, 512), THOROUGH: (8, 32, 128, 512)}
# What a column of classes is often called.
CLASS_NAMES = ("target", "label", "class", "y")
# Of every five rows four are trained on.
FOLDS = 5


class Plan(NamedTuple):
    """What is to be run.

    Parameters
    ----------
    settings
        What was asked.
    designs
        A design for every study that can be run.
    notes
        Sentences on everything dropped or cut.
    dataset
        The data, where there are any.
    """

    settings: Settings
    designs: dict[str, Design]
    notes: tuple[str, ...]
    dataset: Dataset | None = None


def make_plan(
    data: Any = None,
    *,
    target: str = "",
    batch_size: object = DEFAULT_BATCH_SIZE,
    level: str = DEFAULT,
    columns: object = None,
    exclude: object = (),
    na: str = "refuse",
    separator: str = "",
    decimal: str = ".",
    seed: object = DEFAULT_SEED,
) -> Plan:
    """Read the data, if any, and make the designs.

    Raises
    ------
    SimnormError
        For the first argument that cannot be used.

    Examples
    --------
    >>> plan = make_plan(level="quick", batch_size=48)
    >>> list(plan.designs)
    ['sweep', 'inputs', 'running', 'scaling', 'shift', 'overhead']
    >>> all(48 in design.batch_sizes for design in plan.designs.values())
    True
    """
    if level not in LEVELS:
        hint = nearest(str(level), LEVELS).strip()
        raise SimnormError("level", level, f"allowed are {', '.join(LEVELS)}", hint)
    seed = whole_number(seed, "seed", 0, LARGEST_SEED)
    notes: list[str] = []
    dataset = None
    reading: dict[str, Any] = {}
    if data is None:
        _refuse_without_data(target, columns, exclude, na, separator, decimal)
        n = _batch_size(batch_size, DEFAULT_FULL_SIZE, "of the full sets of distributions")
        settings = Settings(level, n, DEFAULT_FULL_SIZE, DEFAULT_DISTRIBUTIONS, seed)
    else:
        dataset = _read(data, target, columns, exclude, na, separator, decimal)
        notes.extend(note.replace(*OF_CLASSES) for note in dataset.notes)
        if not target:
            notes.append(
                "without --target, accuracy, covariate shift and times are measured on bundled "
                "data, which takes most of the time"
            )
            notes += [
                f"column {name} may hold the classes: --target {name} takes it out of the inputs, "
                "and measures accuracy on your data"
                for name in dataset.columns
                if name.strip().lower() in CLASS_NAMES
            ]
        n = _batch_size(batch_size, dataset.size, "of the rows of the data")
        reading = {"data": dataset, "na": na, "separator": separator, "decimal": decimal}
        settings = Settings(
            level, n, dataset.size, dataset.columns, seed, dataset.name,
            dataset.digest(None, [target] if target else []), target, na, separator, decimal,
        )  # fmt: skip
    designs = {word: _design(word, settings, reading) for word in STUDIES_IN_ORDER}
    if target:
        _check_classes(designs[SCALING])
    if n < SMALLEST_TRAINED:
        notes.append(
            "a batch of one has no spread: frameworks refuse to train on it or break, so shift and "
            f"overhead are run with batches of {STUDIES[SHIFT].batch_sizes}"
        )
    return Plan(settings, designs, tuple(dict.fromkeys(notes)), dataset)


def _check_classes(design: Design) -> None:
    """Refuse a target whose classes cannot be told apart, before anything is run."""
    try:
        study_of(design).check(design)
    except SimnormError as error:
        hint = "Name another column, or leave it out."
        raise SimnormError("target", design.target, error.allowed, hint) from None


def _read(
    data: Any,
    target: str,
    columns: object,
    exclude: object,
    na: str,
    separator: str,
    decimal: str,
) -> Dataset:
    """Return the data without the target among their columns."""
    from simnorm.dataset import read_dataset

    try:
        return read_dataset(
            data,
            columns=_without(columns, target),
            exclude=exclude,
            na=na,
            groups=[target] if target else [],
            separator=separator or None,
            decimal=decimal,
        )
    except SimnormError as error:
        if error.parameter != "sampling":
            raise
        # The reader knows the target as a column that groups rows.
        raise SimnormError("target", target, error.allowed, error.hint) from None


def _without(columns: object, target: str) -> object:
    """Return the columns that are asked for, less the target: it is no input."""
    if columns is None or not target:
        return columns
    from simnorm.grammar import split_list

    given = [columns] if isinstance(columns, str) else list(columns)  # type: ignore[call-overload]
    parts = [part for text in given for part in split_list(text)]
    return [part for part in parts if part != target]


def _batch_size(given: object, most: int, whose: str) -> int:
    size = whole_number(given, "batch_size", 1, 1 << 31)
    if size > most:
        allowed = f"a batch is a part {whose}, {most:,}"
        raise SimnormError("batch_size", size, allowed, f"Name one up to {most:,}.")
    return size


def _refuse_without_data(
    target: str, columns: object, exclude: object, na: str, separator: str, decimal: str
) -> None:
    given = {
        "target": target or None,
        "columns": columns,
        "exclude": exclude or None,
        "na": None if na == "refuse" else na,
        "separator": separator or None,
        "decimal": None if decimal == "." else decimal,
    }
    for name, value in given.items():
        if value is not None:
            raise SimnormError(name, value, "it is about data", "Give data too.")


def _design(word: str, settings: Settings, reading: Mapping[str, Any]) -> Design:
    """Return the design of a study."""
    given: dict[str, Any] = {
        "study": word,
        "seed": settings.seed,
        "replications": _replications(word, settings),
        "batch_sizes": _sizes(word, settings),
    }
    of_file = word in (SWEEP, INPUTS, RUNNING) or (word == SCALING and settings.target)
    if reading and of_file:
        given |= reading
        if word == SCALING:
            given["target"] = settings.target
    return Design.make(**given)


def _replications(word: str, settings: Settings) -> int:
    """Return R of a study: less for large files, so that the time stays about the same."""
    usual = REPLICATIONS[settings.level][word]
    if not settings.data or word not in (SWEEP, INPUTS, RUNNING):
        return usual
    count, more = len(settings.names), MORE[settings.level]
    if word == RUNNING:
        most = more * COLUMNS[word] / count
    else:
        most = more * NUMBERS[word] / (settings.full_size * count)
    if usual <= most:
        return usual
    return max(FEWEST, 1 << math.floor(math.log2(max(most, 1.0))))


def _sizes(word: str, settings: Settings) -> tuple[int, ...]:
    """Return the batch sizes of a study: its own and the one that is asked about."""
    n = settings.batch_size
    if word in BATCH_SIZES:
        found = parse_batch_sizes(BATCH_SIZES[word], settings.full_size).sizes
        return tuple(sorted({*found, n}))
    if word == SCALING:
        sizes: Sequence[int] = SCALING_SIZES[settings.level]
        if settings.target:
            # A batch is cut from the rows that are trained on.
            most = settings.full_size - -(-settings.full_size // FOLDS)
            return tuple(sorted(size for size in {*sizes, n} if size <= most)) or (1,)
        return tuple(sorted({*sizes, min(n, LARGEST_BUNDLED)}))
    if word == SHIFT:
        usual = int(STUDIES[SHIFT].batch_sizes)
        return (n if SMALLEST_TRAINED <= n <= LARGEST_TRAINED else usual,)
    more = {n} if n >= SMALLEST_TRAINED else set()
    return tuple(sorted({*OVERHEAD_SIZES[settings.level], *more}))
