"""A run folder as the checks see it: every part read once, and what could not be read noted."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import pandas as pd

from simnorm import store
from simnorm.checking.finding import ImpossibleError
from simnorm.checking.taken import Nodes, Taken, taken
from simnorm.database import FIRST_STORE, Contents, read_contents
from simnorm.describe import COLUMNS_SCHEMA
from simnorm.design import Design
from simnorm.errors import SimnormError
from simnorm.locking import is_held
from simnorm.options import STUDIES, SWEEP
from simnorm.quantities import split_factors
from simnorm.readers.base import IN_MEMORY
from simnorm.results import read_table
from simnorm.schema import CURVES_SCHEMA, SCHEMA
from simnorm.studies import study_of
from simnorm.tasks import ENGINE_VERSION

FILES = (store.DESIGN, store.DATABASE, store.RESULTS, store.CURVES, store.PROVENANCE)
# A folder with fewer of them is no run that something has happened to.
FEWEST_FILES = 2

T = TypeVar("T")


@dataclass
class Folder:
    """A run folder, with the functions and the data that are in no file.

    What a part of it needs and cannot have is a `ImpossibleError`, raised when it is asked for.
    """

    path: Path
    functions: object = ()
    data: Any = None
    # Whether nodes that were drawn again had the same bits: then all else must have them too.
    same_bits: bool | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Refuse what is no run folder, and what is no finished run of this kind of store."""
        there = [name for name in FILES if os.path.isfile(self.path / name)]
        if len(there) < FEWEST_FILES:
            self._refuse(
                f"a folder with a run is needed ({', '.join(FILES)})",
                store.where_runs_are(self.path),
            )
        if is_held(self.path):
            self._refuse("a process is at work there", "Check it when that has ended.")
        if store.DATABASE in there and self._stored.identity == FIRST_STORE:
            self._refuse(
                f"its {store.DATABASE} was made by an earlier simnorm, in another form",
                "Check it with the simnorm that made it.",
            )
        if store.PROVENANCE not in there and store.is_run(self.path):
            self._refuse(
                f"it is not finished ({store.PROVENANCE} is missing)",
                f"Go on: simnorm run {self.path}.",
            )

    def _refuse(self, allowed: str, hint: str) -> NoReturn:
        raise SimnormError("run", str(self.path), allowed, hint)

    def read(self, name: str) -> bytes:
        """Return the content of a file of the folder."""
        return _possible(f"{name} cannot be read", (self.path / name).read_bytes)

    @cached_property
    def written(self) -> Design:
        """The design that the file says, its data not read."""
        return _possible(
            f"{store.DESIGN} is no design",
            lambda: Design.from_file(self.path / store.DESIGN, read=False),
        )

    @cached_property
    def design(self) -> Design:
        """The design with its data and functions: all that drawing again needs but packages."""
        written = self.written
        missing = [spec for spec in written.estimators if spec.startswith("user.")]
        if missing and not self.functions:
            reason = f"the functions {', '.join(missing)} are in no file"
            raise ImpossibleError(reason, "From Python: simnorm.check(run, functions=[...]).")
        if written.data in IN_MEMORY and self.data is None:
            reason = f"the data ({written.data}) are in no file"
            raise ImpossibleError(reason, "From Python: simnorm.check(run, data=...).")
        text = self.read(store.DESIGN).decode()
        try:
            design = Design.from_toml(text, functions=self.functions, data=self.data)
            if not STUDIES[design.study].is_trial:
                study_of(design).check(design)
            return design
        except SimnormError as error:
            moved = "Name the data where they are now: --data FILE, or data= from Python."
            hint = moved if written.data and self.data is None else ""
            reason = f"{error.parameter}: {error.got}; {error.allowed}"
            raise ImpossibleError(reason, hint) from None

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The results, with a column for every factor of a study."""
        frame = self._table(store.RESULTS, SCHEMA)
        return split_factors(frame) if set(frame["study"]) != {SWEEP} else frame

    @cached_property
    def curves(self) -> pd.DataFrame:
        """The curves."""
        return self._table(store.CURVES, CURVES_SCHEMA)

    @cached_property
    def columns(self) -> pd.DataFrame:
        """What the columns of data are like."""
        return self._table(store.COLUMNS, COLUMNS_SCHEMA)

    def _table(self, name: str, schema: dict[str, type]) -> pd.DataFrame:
        return _possible(f"{name} cannot be read", lambda: read_table(self.path / name, schema))

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """Versions, platform, times and command."""
        found = _possible(
            f"{store.PROVENANCE} is no JSON", lambda: json.loads(self.read(store.PROVENANCE))
        )
        if not isinstance(found, dict):
            raise ImpossibleError(f"{store.PROVENANCE} is no JSON object")
        return found

    @cached_property
    def _stored(self) -> Contents:
        """All that is believed of run.db, which may be nothing."""
        return _possible(f"{store.DATABASE} cannot be read", lambda: read_contents(self.path))

    @cached_property
    def contents(self) -> Contents:
        """The same, where it is known at least what the run is of."""
        found = self._stored
        if not found.identity:
            fault = found.faults[0] if found.faults else "it holds nothing"
            known = fault.startswith(store.DATABASE)
            raise ImpossibleError(fault if known else f"{store.DATABASE} cannot be used ({fault})")
        return found

    @cached_property
    def taken(self) -> Taken:
        """What a run of the design would take of the database, and what that comes to."""
        self.check_engine()
        design, contents = self.design, self.contents
        return _possible(f"{store.DATABASE} cannot be used", lambda: taken(design, contents))

    @property
    def nodes(self) -> Nodes:
        """The stored nodes of every source of the design, in the order of their blocks."""
        return self.taken.nodes

    @property
    def given_up(self) -> list[str]:
        """What is said of tasks that were given up: their blocks are in no file."""
        try:
            return [str(words) for words in self.provenance.get("tasks_given_up", [])]
        except (ImpossibleError, TypeError):
            return []

    @cached_property
    def other_design(self) -> list[str]:
        """What design.toml says otherwise than run.db; nothing where one cannot be read."""
        try:
            here = json.loads(store.identity_of(self.written))
            there = self.identity
        except ImpossibleError:
            return []
        if here["study"] != there.get("study"):
            return ["study"]
        return [key for key in store.IDENTITY if here[key] != there.get(key)]

    @property
    def identity(self) -> dict[str, Any]:
        """What every number of run.db follows from, beside labels and data."""
        found: dict[str, Any] = json.loads(self.contents.identity)
        return found

    @property
    def other_data(self) -> list[str]:
        """What else design.toml, or the data, say otherwise than run.db."""
        if self.other_design or self.engine != ENGINE_VERSION:
            return []
        try:
            design = self.design
        except ImpossibleError:
            design = self.written
        # Without sessions, which say on which processor times were taken: not to the point here.
        return store.differences_of(self.contents._replace(sessions=[]), design)

    @property
    def engine(self) -> object:
        """The version of the engine that has drawn what is stored."""
        return self.identity.get("engine", "none")

    def check_engine(self) -> None:
        """Refuse to compare with what another version of the engine has drawn."""
        if self.engine != ENGINE_VERSION:
            raise ImpossibleError(
                f"{store.DATABASE} is of engine version {self.engine}, this simnorm has "
                f"{ENGINE_VERSION}",
                "Check it with the simnorm that made it.",
            )

    @cached_property
    def digest(self) -> str:
        """A hash of results and stored nodes: another content, other blocks are drawn again."""
        found = hashlib.sha256(self.read(store.RESULTS))
        for row in self.contents.rows:
            found.update(row.sha256.encode())
        return found.hexdigest()


def _possible(what: str, action: Callable[[], T]) -> T:
    """Return what an action returns; what it cannot do is said in one line.

    `what` begins with the name of a file, which the reason need not name again.
    """
    name = what.partition(" ")[0]
    try:
        return action()
    except SimnormError as error:
        reason = error.sentence(error.parameter).rstrip(".")
        _refuse(what, reason.removeprefix(f"{name}: "))
    except (OSError, sqlite3.Error, ValueError, LookupError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        _refuse(what, reason.removeprefix(f"{name}: "))


def _refuse(what: str, reason: str) -> NoReturn:
    raise ImpossibleError(f"{what} ({reason.strip().splitlines()[0]})") from None
