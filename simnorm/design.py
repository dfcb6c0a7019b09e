"""`Design`: the frozen, printable, comparable specification of a study; reads and writes TOML."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
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

if TYPE_CHECKING:
    from simnorm.estimators import UserEstimator

DEFAULT_DISTRIBUTIONS = ("normal", "uniform", "laplace", "exponential", "t(df=5)")
DEFAULT_ESTIMATORS = (
    "mean",
    "biased_variance",
    "unbiased_variance",
    "std(ddof=0)",
    "std(ddof=1)",
)
DEFAULT_BATCH_SIZES = "2:1024:x2"
DEFAULT_FULL_SIZE = 16_384
DEFAULT_REPLICATIONS = 256
DEFAULT_SEED = 0

# Block indices stay below 2^32 even with the fewest lanes to a block.
MOST_REPLICATIONS = 10**10

# What a run folder's name does not depend on: a top-up returns to its folder.
NOT_IN_IDENTITY = ("replications",)
# What no file can hold.
NOT_WRITTEN = ("functions",)


@dataclass(frozen=True)
class Design:
    """What a study is to compute, in canonical form.

    Make one with `Design.make`, which checks and canonizes; two designs that ask for the same
    numbers in the same order are equal. Functions of yours stand among the estimators by their
    names, ``user.NAME``, and beside them, in `functions`, as themselves; a file holds the names.

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
    functions: tuple[UserEstimator, ...] = ()

    @classmethod
    def make(
        cls,
        distributions: object = DEFAULT_DISTRIBUTIONS,
        *,
        estimators: object = DEFAULT_ESTIMATORS,
        batch_sizes: str | Iterable[object] = DEFAULT_BATCH_SIZES,
        full_size: object = DEFAULT_FULL_SIZE,
        replications: object = DEFAULT_REPLICATIONS,
        seed: object = DEFAULT_SEED,
        functions: object = (),
        notes: list[str] | None = None,
    ) -> Design:
        """Check every part and return the canonical design.

        Parameters
        ----------
        distributions, estimators
            Specs, laws, estimators or functions of ``(sample, axis=-1)``: one, several, or one
            text that joins specs with commas.
        batch_sizes
            Text such as ``2:1024:x2`` or whole numbers.
        full_size, replications, seed
            Whole numbers, also as text.
        functions
            The functions that estimators named ``user.NAME`` stand for.
        notes
            A list that receives a sentence for everything dropped or cut.

        Raises
        ------
        SimnormError
            For the first part that cannot be used.
        """
        from simnorm.distributions import distribution
        from simnorm.estimators import estimator

        notes = [] if notes is None else notes
        size = whole_number(full_size, "full_size", 1, LARGEST_SIZE)
        sizes = parse_batch_sizes(batch_sizes, size)
        notes.extend(sizes.notes)
        laws = _all_read(distributions, distribution, "distributions")
        kinds = _all_read(estimators, estimator, "estimators")
        return cls(
            study="sweep",
            distributions=_canonical(laws, "distributions", notes),
            estimators=_canonical(kinds, "estimators", notes),
            batch_sizes=sizes.sizes,
            full_size=size,
            sampling=("shuffle",),
            replications=whole_number(replications, "replications", 1, MOST_REPLICATIONS),
            seed=whole_number(seed, "seed", 0, LARGEST_SEED),
            functions=_functions(kinds, functions),
        )

    def with_functions(self, functions: object) -> Design:
        """Return the design with the functions that its ``user.NAME`` stand for."""
        return dataclasses.replace(
            self, functions=_functions(list(self.estimators), [*self.functions, *_parts(functions)])
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain lists, texts and numbers; functions by their names alone."""
        return {
            f.name: list(value) if isinstance(value := getattr(self, f.name), tuple) else value
            for f in fields(self)
            if f.name not in NOT_WRITTEN
        }

    def to_toml(self) -> str:
        """Return the design as the text of a TOML file."""
        # Every value is a text, a whole number or a list of those: JSON writes them as TOML does.
        lines = [f"{key} = {json.dumps(value)}" for key, value in self.to_dict().items()]
        return "\n".join(["# A simnorm design. Run it with: simnorm run design.toml", *lines, ""])

    @classmethod
    def from_toml(cls, text: str, notes: list[str] | None = None, functions: object = ()) -> Design:
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
        return cls.from_dict(values, notes, functions)

    @classmethod
    def from_dict(
        cls, values: Mapping[str, Any], notes: list[str] | None = None, functions: object = ()
    ) -> Design:
        """Make a design from `to_dict`'s output or part of it."""
        known = [f.name for f in fields(cls) if f.name not in NOT_WRITTEN]
        if not values:
            raise SimnormError("design", "nothing", f"a design has {', '.join(known)}")
        for key in values:
            if key not in known:
                hint = nearest(key, known) + f"Known are {', '.join(known)}."
                raise SimnormError("design", key, "it is no key of a design", hint)
        only = {"study": "sweep", "sampling": ["shuffle"]}
        for key, allowed in only.items():
            if values.get(key, allowed) != allowed:
                raise SimnormError(key, values[key], f"allowed is {allowed!r}")
        return cls.make(
            **{key: value for key, value in values.items() if key not in only},
            functions=functions,
            notes=notes,
        )

    @classmethod
    def from_file(
        cls, path: str | Path, notes: list[str] | None = None, functions: object = ()
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
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
            raise SimnormError("design", str(path), f"it cannot be read ({reason})") from None
        try:
            return cls.from_toml(text, notes, functions)
        except SimnormError as error:
            inside = error.sentence(error.parameter).rstrip(".")
            raise SimnormError("design", str(path), f"in it, {inside}") from None

    def identity(self) -> str:
        """Return 8 hex digits that name the design without its replications."""
        values = {k: v for k, v in self.to_dict().items() if k not in NOT_IN_IDENTITY}
        return hashlib.sha256(canonical_json(values).encode()).hexdigest()[:8]

    @property
    def draws(self) -> int:
        """Number of observations the design draws, before whole blocks are cut."""
        sources = len(self.distributions) * len(self.sampling)
        return sources * self.replications * self.full_size


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


def canonical_json(value: object) -> str:
    """Return the one JSON text of `value`: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
