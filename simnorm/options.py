"""What every study takes: its defaults, and the settings that are its own.

A setting is a field of `Design` that only some studies have. All are kept in canonical form.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simnorm.errors import SimnormError, nearest, shown
from simnorm.grammar import split_list, whole_number
from simnorm.presets import average
from simnorm.sampling import IID, SEQUENTIAL, SHUFFLE

SWEEP, INPUTS, RUNNING = "sweep", "inputs", "running"
SCALING, SHIFT, OVERHEAD = "scaling", "shift", "overhead"

# What the trials choose from, in the order of their tables.
DATASETS = (
    "wine", "breast_cancer", "digits", "spread_scales", "heavy_tails", "normal_tails",
)  # fmt: skip
MODELS = ("knn", "mlp")
SCALERS = ("none", "min_max", "z_score", "robust", "batch")
NETS = ("mlp", "linear")
VARIANTS = ("none", "bn", "noisy_bn")
# Learning rates of plain gradient descent: nets without normalization do best at one of them, and
# diverge or worsen at the next; those with it do as well or better there.
RATES = (0.05, 0.1, 0.2, 0.5)

MOST_STEPS = 1_000_000
MOST_VALUES = 100
MOST_FOLDS, MOST_WIDTH, MOST_EPOCHS = 50, 8192, 10_000
LARGEST_RATE = 1000.0


@dataclass(frozen=True)
class Study:
    """What a study takes unless told.

    Parameters
    ----------
    batch_sizes
        Text of the grammar.
    law_sampling, data_sampling
        Schemes for distributions, and for data.
    settings
        The settings that are its own, each with its default.
    has_estimators
        Whether batch statistics are chosen, or the study has quantities of its own.
    is_trial
        Whether it draws no full sets: a replication is a repeat of cross-validation, a training
        run, or a round of timings, and a block of its own.
    takes_data
        Whether it can be of the user's data.
    replications
        R unless told.
    extra
        The extra of the package that it cannot do without, or nothing.
    is_timed
        Whether it measures time: alone on the machine, and never with the same bits again.
    full_size
        N unless told; 0 where that is for the data to say.
    """

    batch_sizes: str
    law_sampling: tuple[str, ...] = (SHUFFLE,)
    data_sampling: tuple[str, ...] = (SHUFFLE,)
    settings: Mapping[str, Any] = field(default_factory=dict)
    has_estimators: bool = False
    is_trial: bool = False
    takes_data: bool = True
    replications: int = 256
    extra: str = ""
    is_timed: bool = False
    full_size: int = 16_384


STUDIES: Mapping[str, Study] = {
    SWEEP: Study("2:1024:x2", has_estimators=True),
    INPUTS: Study(
        "1:1024:x2", settings={"epsilon": (0.0, 1e-5, 1e-3), "gamma": (1.0,), "beta": (0.0,)}
    ),
    RUNNING: Study(
        "1:128:x2",
        law_sampling=(SHUFFLE, IID),
        data_sampling=(SHUFFLE, SEQUENTIAL),
        settings={
            "presets": ("keras3", "pytorch", "cumulative", "precise"),
            "steps": 1000,
            "drift": (0.0, 0.001),
        },
    ),
    SCALING: Study(
        "2,8,32,128",
        settings={
            "datasets": DATASETS, "target": "", "models": MODELS, "scalers": SCALERS, "folds": 5,
        },
        is_trial=True,
        replications=10,
        full_size=0,
    ),
    SHIFT: Study(
        "32",
        settings={
            "datasets": ("digits",), "nets": NETS, "variants": VARIANTS, "rates": RATES,
            "steps": 300,
        },
        is_trial=True,
        takes_data=False,
        replications=10,
        extra="torch",
        full_size=0,
    ),
    OVERHEAD: Study(
        "8,32,128,512",
        settings={"widths": (64, 256, 1024), "epochs": 10},
        is_trial=True,
        takes_data=False,
        replications=30,
        extra="torch",
        is_timed=True,
    ),
}  # fmt: skip


def study_settings(word: object) -> Study:
    """Return what a study takes.

    Raises
    ------
    SimnormError
        If there is no such study.
    """
    if not isinstance(word, str) or word not in STUDIES:
        hint = nearest(shown(word), STUDIES).strip()
        raise SimnormError("study", word, f"allowed are {', '.join(STUDIES)}", hint)
    return STUDIES[word]


def read_settings(word: str, given: Mapping[str, object]) -> dict[str, Any]:
    """Return a study's settings in canonical form.

    Parameters
    ----------
    word
        The study.
    given
        Settings by name; None takes the default.

    Raises
    ------
    SimnormError
        If a setting is not the study's, or cannot be used.

    Examples
    --------
    >>> read_settings("inputs", {"epsilon": "0, 0.001"})
    {'epsilon': (0.0, 0.001), 'gamma': (1.0,), 'beta': (0.0,)}
    """
    usual = study_settings(word).settings
    for name, value in given.items():
        if value is not None and name not in usual:
            whose = [s for s, study in STUDIES.items() if name in study.settings]
            of = "studies" if len(whose) > 1 else "study"
            allowed = f"it is a setting of the {of} {' and '.join(whose)}, not of {word}"
            raise SimnormError(name, value, allowed)
    return {
        name: default if given.get(name) is None else _READERS[name](given[name])
        for name, default in usual.items()
    }


def _parts(value: object, name: str) -> list[object]:
    if isinstance(value, Mapping | bytes):
        raise SimnormError(name, value, "a list is allowed")
    if isinstance(value, str) or not isinstance(value, Iterable):
        value = [value]
    parts: list[object] = []
    for part in value:
        parts.extend(split_list(part) if isinstance(part, str) else [part])
    if not parts or parts == [""]:
        raise SimnormError(name, "", "at least one value is needed")
    if len(parts) > MOST_VALUES:
        raise SimnormError(name, f"{len(parts)} values", f"at most {MOST_VALUES} are allowed")
    return parts


def number(value: object, name: str, lowest: float = -math.inf) -> float:
    """Return a finite number, given as text or not.

    Raises
    ------
    SimnormError
        If it is none, or below the limit.

    Examples
    --------
    >>> number("1e-3", "epsilon")
    0.001
    """
    allowed = "a finite number is needed"
    if math.isfinite(lowest):
        allowed = f"a finite number from {lowest:g} is needed"
    if isinstance(value, bool):
        raise SimnormError(name, value, allowed)
    try:
        found = float(value)  # type: ignore[arg-type]  # what is no number raises
    except (TypeError, ValueError, OverflowError):
        raise SimnormError(name, value, allowed) from None
    if not (math.isfinite(found) and found >= lowest):
        raise SimnormError(name, value, allowed)
    return found + 0.0


def _numbers(name: str, lowest: float = -math.inf) -> Callable[[object], tuple[float, ...]]:
    def read(value: object) -> tuple[float, ...]:
        return tuple(dict.fromkeys(number(part, name, lowest) for part in _parts(value, name)))

    return read


def _presets(value: object) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(average(part)) for part in _parts(value, "presets")))


def _whole(name: str, lowest: int, highest: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        return whole_number(value, name, lowest, highest)

    return read


def _words(name: str, allowed: tuple[str, ...]) -> Callable[[object], tuple[str, ...]]:
    def read(value: object) -> tuple[str, ...]:
        found = [str(part) for part in _parts(value, name)]
        for word in found:
            if word not in allowed:
                hint = nearest(word, allowed).strip()
                raise SimnormError(name, word, f"allowed are {', '.join(allowed)}", hint)
        # In their own order: the same words are the same design.
        return tuple(word for word in allowed if word in found)

    return read


def _widths(value: object) -> tuple[int, ...]:
    found = (whole_number(part, "widths", 1, MOST_WIDTH) for part in _parts(value, "widths"))
    return tuple(sorted(set(found)))


def _rates(value: object) -> tuple[float, ...]:
    found = {number(part, "rates") for part in _parts(value, "rates")}
    for rate in found:
        if not 0.0 < rate <= LARGEST_RATE:
            allowed = f"a number above 0, up to {LARGEST_RATE:,.0f}, is needed"
            raise SimnormError("rates", f"{rate:g}", allowed)
    return tuple(sorted(found))


def _target(value: object) -> str:
    if not isinstance(value, str):
        raise SimnormError("target", value, "the name of the column with the classes is needed")
    return value


_READERS: Mapping[str, Callable[[object], Any]] = {
    "epsilon": _numbers("epsilon", 0.0),
    "gamma": _numbers("gamma"),
    "beta": _numbers("beta"),
    "presets": _presets,
    "steps": _whole("steps", 1, MOST_STEPS),
    "drift": _numbers("drift"),
    "datasets": _words("datasets", DATASETS),
    "target": _target,
    "models": _words("models", MODELS),
    "scalers": _words("scalers", SCALERS),
    "folds": _whole("folds", 2, MOST_FOLDS),
    "nets": _words("nets", NETS),
    "variants": _words("variants", VARIANTS),
    "rates": _rates,
    "widths": _widths,
    "epochs": _whole("epochs", 1, MOST_EPOCHS),
}
SETTINGS = tuple(_READERS)
