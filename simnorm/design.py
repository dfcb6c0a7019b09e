"""`Design`: the frozen, printable, comparable specification of a study; reads and writes TOML."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import hashlib
import json
import os
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simnorm.errors import SimnormError, nearest
from simnorm.grammar import (
    LARGEST_SEED,
    LARGEST_SIZE,
    parse_batch_sizes,
    split_list,
    whole_number,
)
from simnorm.options import SETTINGS, STUDIES, SWEEP, Study, read_settings, study_settings
from simnorm.precision import DEFAULT_MOST, target
from simnorm.precision import time_limit as read_time_limit
from simnorm.sampling import REPLACEMENT, SHUFFLE, group_columns, parse_sampling

if TYPE_CHECKING:
    from simnorm.dataset import Dataset
    from simnorm.estimators import UserEstimator

DEFAULT_DISTRIBUTIONS = ("normal", "uniform", "laplace", "exponential", "t(df=5)")
DEFAULT_ESTIMATORS = (
    "mean",
    "biased_variance",
    "unbiased_variance",
    "std(ddof=0)",
    "std(ddof=1)",
)
DEFAULT_BATCH_SIZES = STUDIES[SWEEP].batch_sizes
DEFAULT_FULL_SIZE = STUDIES[SWEEP].full_size
DEFAULT_REPLICATIONS = STUDIES[SWEEP].replications
DEFAULT_SEED = 0

# Bytes of a file: room for the names of a million columns.
LARGEST_FILE = 1 << 26
# Block indices stay below 2^32 even with the fewest lanes to a block.
MOST_REPLICATIONS = 10**10
# Of a trial all are kept.
MOST_TRIALS = 1024

# How precise a run is to be, and how long it may take: keys that only some designs have.
OF_PRECISION = ("target_mcse", "max_replications", "time_limit")
# What a run folder's name does not depend on: a top-up returns to its folder, and the same numbers
# do from another file.
NOT_IN_IDENTITY = ("replications", *OF_PRECISION, "data", "na", "separator", "decimal")
# From here on a target without % was likely meant as one with it.
UNLIKELY = 0.5
# What the reader says of a column of classes, and what it is.
OF_CLASSES = ("(it groups the rows)", "(it holds the classes)")
# What no file can hold.
NOT_WRITTEN = ("functions", "dataset")
# What says which data are read, and how: keys that only a design with data has. Those with a usual
# value are written where they differ from it.
OF_DATA = ("data", "data_sha256", "columns")
NA, SEPARATOR, DECIMAL, IS_EXACT = "refuse", "", ".", False
READING = {"na": NA, "separator": SEPARATOR, "decimal": DECIMAL, "exact": IS_EXACT}


@dataclass(frozen=True)
class Unread:
    """What a design says of its data where these are not to be read."""

    name: str
    columns: tuple[str, ...]
    size: int
    sha256: str

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Unread:
        """Take it from the keys of a design.

        Raises
        ------
        SimnormError
            If the columns are no texts.
        """
        columns = values.get("columns")
        if not (isinstance(columns, list) and columns and all(isinstance(c, str) for c in columns)):
            raise SimnormError("columns", columns, "the names of the columns are needed")
        size = whole_number(values.get("full_size"), "full_size", 1, LARGEST_SIZE)
        return cls(values["data"], tuple(columns), size, values.get("data_sha256", ""))

    def digest(self, columns: object = None, groups: object = ()) -> str:  # noqa: ARG002
        """Return the hash that the design has of the data."""
        return self.sha256


@dataclass(frozen=True)
class Design:
    """What a study is to compute, in canonical form.

    Make one with `Design.make`, which checks and canonizes; two designs that ask for the same
    numbers in the same order are equal. Functions of yours stand among the estimators by their
    names, ``user.NAME``, and beside them, in `functions`, as themselves; a file holds the names.

    With data, `distributions` is empty and the full set is a column: `data` says where the data
    come from, `columns` which of their columns are measured, `data_sha256` what these hold, and
    `dataset` is the data themselves, where they have been read.

    With a `target_mcse`, `replications` is the most there may be: a file calls it
    ``max_replications``. A `time_limit` is in seconds, 0 if there is none.

    A trial (`simnorm.trials`) has no distributions: it is of bundled `datasets`, of data whose
    column `target` holds the classes, or of neither. Where the data have the say, N is 0.

    Examples
    --------
    >>> design = Design.make(["t"], estimators=["std"], batch_sizes="2:8:x2")
    >>> design.distributions, design.estimators, design.batch_sizes
    (('t(df=5)',), ('std(ddof=0)',), (2, 4, 8))
    >>> Design.from_toml(design.to_toml()) == design
    True
    """

    study: str
    distributions: tuple[str, ...]
    estimators: tuple[str, ...]
    batch_sizes: tuple[int, ...]
    full_size: int
    sampling: tuple[str, ...]
    replications: int
    seed: int
    target_mcse: str = ""
    time_limit: float = 0.0
    data: str = ""
    data_sha256: str = ""
    columns: tuple[str, ...] = ()
    na: str = NA
    separator: str = SEPARATOR
    decimal: str = DECIMAL
    exact: bool = IS_EXACT
    epsilon: tuple[float, ...] = ()
    gamma: tuple[float, ...] = ()
    beta: tuple[float, ...] = ()
    presets: tuple[str, ...] = ()
    steps: int = 0
    drift: tuple[float, ...] = ()
    datasets: tuple[str, ...] = ()
    target: str = ""
    models: tuple[str, ...] = ()
    scalers: tuple[str, ...] = ()
    folds: int = 0
    nets: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    rates: tuple[float, ...] = ()
    widths: tuple[int, ...] = ()
    epochs: int = 0
    functions: tuple[UserEstimator, ...] = ()
    # Left out of comparisons: its hash stands for it.
    dataset: Dataset | None = field(default=None, compare=False, repr=False)

    @classmethod
    def make(
        cls,
        distributions: object = None,
        *,
        study: str = SWEEP,
        estimators: object = None,
        batch_sizes: str | Iterable[object] | None = None,
        full_size: object = None,
        sampling: object = None,
        replications: object = None,
        target_mcse: object = None,
        max_replications: object = None,
        time_limit: object = None,
        seed: object = DEFAULT_SEED,
        functions: object = (),
        data: object = None,
        columns: object = None,
        exclude: object = (),
        na: str = NA,
        separator: str = SEPARATOR,
        decimal: str = DECIMAL,
        exact: bool = IS_EXACT,
        notes: list[str] | None = None,
        **settings: object,
    ) -> Design:
        """Check every part and return the canonical design.

        Parameters
        ----------
        distributions, estimators
            Specs, laws, estimators or functions of ``(sample, axis=-1)``: one, several, or one
            text that joins specs with commas. No distributions with `data`.
        study
            A word of `simnorm.options.STUDIES`, which also has the defaults of what follows.
        batch_sizes
            Text such as ``2:1024:x2`` or whole numbers.
        full_size, replications, seed
            Whole numbers, also as text. With `data`, the full size is their number of rows.
        target_mcse, max_replications
            In place of replications: the largest Monte Carlo standard error that is wanted, such as
            ``1%``, and the most replications that may be drawn for it.
        time_limit
            When to stop drawing: seconds, or text such as ``10m``.
        sampling
            Schemes such as ``shuffle`` or ``grouped:COLUMN``, one or several.
        functions
            The functions that estimators named ``user.NAME`` stand for.
        data
            The data that are the full set, column by column: a file, an array, a table, or a
            `Dataset` that was read before.
        columns, exclude, na, separator, decimal
            Which columns are measured, and how a file is read: see `simnorm.dataset.read_dataset`.
        exact
            Whether every subset of the data is enumerated where there are few.
        notes
            A list that receives a sentence for everything dropped or cut.
        settings
            What the study alone takes: `simnorm.options.SETTINGS`.

        Raises
        ------
        SimnormError
            For the first part that cannot be used.
        """
        from simnorm.estimators import estimator

        notes = [] if notes is None else notes
        usual = study_settings(study)
        own = read_settings(study, settings)
        if usual.is_trial:
            _check_trial(
                study, own, settings, distributions, data, full_size, sampling, target_mcse, exact
            )
        precision = _precision(
            usual, replications, target_mcse, max_replications, time_limit, notes
        )
        if sampling is None:
            sampling = usual.law_sampling if data is None else usual.data_sampling
        schemes = parse_sampling(sampling, from_file=data is not None)
        if data is None:
            _refuse_without_data(columns, exclude, na, separator, decimal, exact)
            size, what = usual.full_size, {}
            if full_size is not None:
                size = whole_number(full_size, "full_size", 1, LARGEST_SIZE)
        else:
            if distributions is not None:
                hint = "Give one of them."
                raise SimnormError("distributions", distributions, "data are given too", hint)
            groups = grouping(schemes, own.get("target", ""))
            with _about_target(own.get("target", ""), notes):
                dataset = _read(data, columns, exclude, na, separator, decimal, groups, notes)
            size = _rows(dataset, full_size)
            if own.get("target") in dataset.columns:
                allowed = "it holds the classes, and is no feature"
                raise SimnormError("columns", own["target"], allowed, "Leave it out of them.")
            what = _data_fields(dataset, groups, na, separator, decimal, exact)
        # With replacement a batch may be larger than the full set.
        is_free = set(schemes) == {REPLACEMENT} or not size
        limit = LARGEST_SIZE if is_free else size
        if batch_sizes is None:
            batch_sizes = usual.batch_sizes
            if usual.is_trial and data is not None:
                batch_sizes = _usual_sizes(usual, size * (own["folds"] - 1) // own["folds"], notes)
        sizes = parse_batch_sizes(batch_sizes, limit)
        notes.extend(sizes.notes)
        has_laws = data is None and not usual.is_trial
        names = _laws(distributions, notes) if has_laws else ()
        if usual.has_estimators:
            estimators = DEFAULT_ESTIMATORS if estimators is None else estimators
            kinds = _all_read(estimators, estimator, "estimators")
        elif estimators is None and not _parts(functions):
            kinds = []
        else:
            got = functions if estimators is None else estimators
            raise SimnormError("estimators", got, f"the study {study} has quantities of its own")
        return cls(
            study=study,
            distributions=names,
            estimators=_canonical(kinds, "estimators", notes),
            batch_sizes=sizes.sizes,
            full_size=size,
            sampling=schemes,
            seed=whole_number(seed, "seed", 0, LARGEST_SEED),
            functions=_functions(kinds, functions),
            **precision,
            **what,
            **own,
        )

    @property
    def names(self) -> tuple[str, ...]:
        """What the study is of: its distributions or bundled data, or the columns of its data."""
        if STUDIES[self.study].is_trial:
            return self.datasets
        return self.columns if self.data else self.distributions

    def with_functions(self, functions: object) -> Design:
        """Return the design with the functions that its ``user.NAME`` stand for."""
        return dataclasses.replace(
            self, functions=_functions(list(self.estimators), [*self.functions, *_parts(functions)])
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain lists, texts and numbers; functions by their names alone."""
        found = {
            f.name: list(value) if isinstance(value := getattr(self, f.name), tuple) else value
            for f in fields(self)
            if self._is_written(f.name)
        }
        if not self.target_mcse:
            return found
        names = {"replications": "max_replications"}
        return {names.get(name, name): value for name, value in found.items()}

    def _is_written(self, key: str) -> bool:
        if key in OF_PRECISION:
            return bool(getattr(self, key))
        if key in SETTINGS:
            # Where data are the user's, the names of others are empty, and the other way round.
            return key in STUDIES[self.study].settings and getattr(self, key) not in ((), "")
        if key == "full_size":
            return self.full_size > 0
        if key == "estimators":
            return STUDIES[self.study].has_estimators
        if key in READING:
            return bool(getattr(self, key) != READING[key])
        if key in OF_DATA:
            return bool(self.data)
        has_laws = not (self.data or STUDIES[self.study].is_trial)
        return key not in NOT_WRITTEN and (key != "distributions" or has_laws)

    def to_toml(self) -> str:
        """Return the design as the text of a TOML file."""
        lines = [f"{key} = {_toml(value)}" for key, value in self.to_dict().items()]
        return "\n".join(["# A simnorm design. Run it with: simnorm run design.toml", *lines, ""])

    @classmethod
    def from_toml(
        cls,
        text: str,
        notes: list[str] | None = None,
        functions: object = (),
        *,
        data: object = None,
        read: bool = True,
    ) -> Design:
        """Read a design from the text of a TOML file; what is left out takes its default.

        Raises
        ------
        SimnormError
            If it is no TOML, or a key or value cannot be used.
        """
        try:
            values = tomllib.loads(text)
        except (ValueError, RecursionError) as error:
            # Beside its own error, tomllib lets those of odd numbers, dates and depths through.
            raise SimnormError("design", str(error), "a TOML file is expected") from None
        return cls.from_dict(values, notes, functions, data=data, read=read)

    @classmethod
    def from_dict(
        cls,
        values: Mapping[str, Any],
        notes: list[str] | None = None,
        functions: object = (),
        *,
        data: object = None,
        read: bool = True,
    ) -> Design:
        """Make a design from `to_dict`'s output or part of it.

        Parameters
        ----------
        values
            Keys and values of a design.
        notes, functions
            As in `make`.
        data
            The data themselves, in place of those that the design names.
        read
            Whether the data are to be read; without them nothing can be computed.
        """
        known = [f.name for f in fields(cls) if f.name not in NOT_WRITTEN] + ["max_replications"]
        if not values:
            raise SimnormError("design", "nothing", f"a design has {', '.join(known)}")
        for key in values:
            if key not in known:
                hint = nearest(key, known) + f"Known are {', '.join(known)}."
                raise SimnormError("design", key, "it is no key of a design", hint)
        left = {key: value for key, value in values.items() if key != "data_sha256"}
        for key in ("data", "na", "separator", "decimal", "data_sha256"):
            if not isinstance(values.get(key, ""), str):
                raise SimnormError(key, values[key], "a text is needed")
        if not isinstance(values.get("exact", False), bool):
            raise SimnormError("exact", values["exact"], "true or false is needed")
        if "data" not in values:
            return cls.make(**left, functions=functions, data=data, notes=notes)
        if not read:
            absent = Unread.of(values)
            left |= {"data": absent, "columns": None}
            made = cls.make(**left, functions=functions, notes=notes)
            return dataclasses.replace(made, dataset=None)
        if data is None and _is_in_memory(left["data"]):
            hint = "Give them from Python: simnorm.run(design, data=...)."
            raise SimnormError("data", left["data"], "it is in no file", hint)
        made = cls.make(
            **(left | {"data": left["data"] if data is None else data}),
            functions=functions,
            notes=notes,
        )
        expected = values.get("data_sha256", made.data_sha256)
        if made.data_sha256 != expected:
            hint = "Take out data_sha256 and full_size to run with these data."
            allowed = "the data are not those that the design was made with"
            raise SimnormError("data", made.data, allowed, hint)
        return made

    @classmethod
    def from_file(
        cls,
        path: str | Path,
        notes: list[str] | None = None,
        functions: object = (),
        *,
        data: object = None,
        read: bool = True,
    ) -> Design:
        """Read a design from a TOML file, or from the one in a run folder.

        Raises
        ------
        SimnormError
            If the file cannot be read or is no design.
        """
        path = Path(path)
        try:
            path = path / "design.toml" if path.is_dir() else path
            with path.open("rb") as file:
                content = file.read(LARGEST_FILE + 1)
            if len(content) > LARGEST_FILE:
                # A device has no end.
                raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
            text = content.decode()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
            raise SimnormError("design", str(path), f"it cannot be read ({reason})") from None
        try:
            return cls.from_toml(text, notes, functions, data=data, read=read)
        except SimnormError as error:
            inside = error.sentence(error.parameter).rstrip(".")
            raise SimnormError("design", str(path), f"in it, {inside}") from None

    def identity(self) -> str:
        """Return 8 hex digits that name the design without its replications."""
        values = {k: v for k, v in self.to_dict().items() if k not in NOT_IN_IDENTITY}
        return hashlib.sha256(canonical_json(values).encode()).hexdigest()[:8]


def grouping(schemes: Iterable[str], target: str = "") -> list[str]:
    """Return the columns of data that say what belongs together: groups of rows, and classes."""
    found = group_columns(schemes)
    return [*found, target] if target and target not in found else found


def _check_trial(
    study: str,
    own: dict[str, Any],
    settings: Mapping[str, object],
    distributions: object,
    data: object,
    full_size: object,
    sampling: object,
    target_mcse: object,
    exact: bool,
) -> None:
    """Refuse what a trial does not take; its own settings say what it is of."""
    usual = STUDIES[study]
    refused = {"distributions": distributions, "exact": exact or None, "target_mcse": target_mcse}
    # A design that was written says shuffle, as all do.
    is_usual = sampling in (None, SHUFFLE, [SHUFFLE], (SHUFFLE,))
    refused["sampling"] = None if is_usual else sampling
    if not usual.full_size and data is None:
        refused["full_size"] = full_size
    if not usual.takes_data:
        refused["data"] = data
    for name, value in refused.items():
        if value is not None and not (isinstance(value, str) and not value):
            value = value if isinstance(value, str | int | float) else type(value).__name__
            raise SimnormError(name, value, f"the study {study} takes none", "Leave it out.")
    if not usual.takes_data:
        return
    if data is None:
        if own["target"]:
            allowed = "it names the column of data that holds the classes"
            raise SimnormError("target", own["target"], allowed, "Give data too.")
        return
    if settings.get("datasets") not in (None, ()):
        raise SimnormError("datasets", settings["datasets"], "data are given too", "Drop one.")
    own["datasets"] = ()
    if not own["target"]:
        allowed = f"the study {study} needs the column that holds the classes"
        raise SimnormError("target", "nothing", allowed, "Name it: --target COLUMN.")


def _precision(
    usual: Study,
    replications: object,
    target_mcse: object,
    max_replications: object,
    time_limit: object,
    notes: list[str],
) -> dict[str, Any]:
    """Return how many replications, how precise and how long, checked against each other."""
    wanted = "" if target_mcse in (None, "") else str(target(target_mcse))
    seconds = 0.0 if time_limit is None else read_time_limit(time_limit)
    name, given, default = "replications", replications, usual.replications
    if wanted:
        if not wanted.endswith("%") and float(wanted) >= UNLIKELY:
            notes.append(
                f"target MCSE {wanted} is in the unit of every estimate; {wanted}% would be a share"
            )
        if replications is not None:
            allowed = "with a target MCSE their number is found"
            hint = "Drop one, or name the most of them: max_replications."
            raise SimnormError("replications", replications, allowed, hint)
        name, given, default = "max_replications", max_replications, DEFAULT_MOST
    elif max_replications is not None:
        allowed = "there is no target MCSE, for which it is the limit"
        hint = "Give target_mcse too, or replications in its place."
        raise SimnormError("max_replications", max_replications, allowed, hint)
    limit = MOST_TRIALS if usual.is_trial else MOST_REPLICATIONS
    most = whole_number(default if given is None else given, name, 1, limit)
    return {"replications": most, "target_mcse": wanted, "time_limit": seconds}


def _usual_sizes(usual: Study, rows: int, notes: list[str]) -> list[int]:
    """Return the batch sizes of a trial that rows to train on are enough for, one at least."""
    every = parse_batch_sizes(usual.batch_sizes, LARGEST_SIZE).sizes
    found = [n for n in every if n <= rows] or [min(every)]
    if left := [str(n) for n in every if n not in found]:
        notes.append(f"batch sizes without {', '.join(left)}: {rows:,} rows are trained on")
    return found


def _laws(given: object, notes: list[str]) -> tuple[str, ...]:
    from simnorm.distributions import distribution

    laws = _all_read(
        DEFAULT_DISTRIBUTIONS if given is None else given, distribution, "distributions"
    )
    return _canonical(laws, "distributions", notes)


def _refuse_without_data(
    columns: object, exclude: object, na: str, separator: str, decimal: str, exact: bool
) -> None:
    """Refuse what only says how data are read where there are none."""
    given = {"na": na, "separator": separator, "decimal": decimal, "exact": exact}
    wanted = {key: value for key, value in given.items() if value != READING[key]}
    wanted |= {"columns": columns} if columns is not None and list(_texts(columns)) else {}
    wanted |= {"exclude": exclude} if list(_texts(exclude)) else {}
    for key, value in wanted.items():
        raise SimnormError(key, value, "it says how data are read", "Give data too.")


def _texts(given: object) -> list[object]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        return [given]
    return list(given)


def _is_in_memory(name: str) -> bool:
    """Tell whether data of that name came as objects."""
    from simnorm.readers.base import IN_MEMORY  # loads numpy, which the words alone do without

    return name in IN_MEMORY


def _read(
    data: object,
    columns: object,
    exclude: object,
    na: str,
    separator: str,
    decimal: str,
    groups: list[str],
    notes: list[str],
) -> Dataset | Unread:
    """Return the data, read unless they are already."""
    if isinstance(data, Unread):
        return data
    from simnorm.dataset import Dataset, read_dataset

    if isinstance(data, Dataset):
        for column in groups:
            data.group_codes(column)
        return data
    found = read_dataset(
        data,
        columns=columns,
        exclude=exclude,
        na=na,
        groups=groups,
        separator=separator or None,
        decimal=decimal,
    )
    notes.extend(found.notes)
    return found


@contextlib.contextmanager
def _about_target(target: str, notes: list[str]) -> Iterator[None]:
    """Say of a column of classes that it is one: to the reader it is a grouping of rows."""
    try:
        yield
    except SimnormError as error:
        if not target or (error.parameter, error.got) != ("sampling", f"grouped:{target}"):
            raise
        raise SimnormError("target", target, error.allowed, error.hint) from None
    if target:
        notes[:] = [note.replace(*OF_CLASSES) for note in notes]


def _rows(dataset: Dataset | Unread, full_size: object) -> int:
    """Return N; refuse another one that is asked for."""
    if full_size is None:
        return dataset.size
    size = whole_number(full_size, "full_size", 1, LARGEST_SIZE)
    if size != dataset.size:
        allowed = f"with data the full size is their number of rows, {dataset.size:,}"
        raise SimnormError("full_size", size, allowed, "Leave it out.")
    return size


def _data_fields(
    dataset: Dataset | Unread,
    groups: list[str],
    na: str,
    separator: str,
    decimal: str,
    exact: bool,
) -> dict[str, Any]:
    return {
        "data": dataset.name,
        "data_sha256": dataset.digest(None, groups),
        "columns": dataset.columns,
        "na": na,
        "separator": separator,
        "decimal": decimal,
        "exact": exact,
        "dataset": dataset,
    }


def _all_read(given: object, read: Callable[[Any], Any], parameter: str) -> list[Any]:
    """Return what the parts of `given` name, in their order."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        given = [given]
    if isinstance(given, Mapping):
        raise SimnormError(parameter, given, "a list of specs is allowed")
    parts: list[Any] = []
    for part in given:
        parts.extend(split_list(part) if isinstance(part, str) else [part])
    if not parts or parts == [""]:
        raise SimnormError(parameter, "", "at least one is needed", "`simnorm list` shows all.")
    return [read(part) for part in parts]


def _canonical(read: list[Any], parameter: str, notes: list[str]) -> tuple[str, ...]:
    """Return canonical specs in the order given, without those that come twice."""
    specs = [str(part) for part in read]
    unique = tuple(dict.fromkeys(specs))
    twice = [spec for spec in unique if specs.count(spec) > 1]
    if twice:
        notes.append(f"{parameter}: {', '.join(twice)} given more than once, used once")
    return unique


def _parts(functions: object) -> list[Any]:
    """Return functions as they are given: one, several, or by their names."""
    from simnorm.estimators import UserEstimator

    if isinstance(functions, Mapping):
        return [UserEstimator(function, name) for name, function in functions.items()]
    return list(functions) if isinstance(functions, Iterable) else [functions]


def _functions(kinds: list[Any], given: object) -> tuple[UserEstimator, ...]:
    """Return the functions among the estimators and those given beside them, one of each name."""
    from simnorm.estimators import UserEstimator, estimator

    beside = [estimator(part) for part in _parts(given)]
    specs = list(dict.fromkeys(str(kind) for kind in kinds))
    found: dict[str, UserEstimator] = {}
    for kind in [*kinds, *beside]:
        if str(kind) not in specs:
            allowed = "the design has no such estimator"
            raise SimnormError("functions", str(kind), allowed, f"It has {', '.join(specs)}.")
        if not isinstance(kind, UserEstimator) or kind.function is None:
            continue
        if found.setdefault(str(kind), kind) != kind:
            hint = "Name them: UserEstimator(function, name=...)."
            allowed = "two different functions have this name"
            raise SimnormError("estimators", str(kind), allowed, hint)
    return tuple(found[spec] for spec in specs if spec in found)


def _toml(value: object) -> str:
    """Return a text, a number or a list of those: JSON writes them as TOML does.

    But for what JSON escapes in pairs and TOML does not, and the delete character.
    """
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def canonical_json(value: object) -> str:
    """Return the one JSON text of `value`: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
