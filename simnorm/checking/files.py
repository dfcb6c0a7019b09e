"""The check of files: all there, readable, of the versions this simnorm reads, undamaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from simnorm import store, stored
from simnorm.checking.finding import Failure, Finding, ImpossibleError
from simnorm.checking.folder import FILES, Folder
from simnorm.formatting import plural
from simnorm.schema import SCHEMA_VERSION
from simnorm.studies.drawing import sources
from simnorm.tasks import ENGINE_VERSION

NAME = "files"


def check(folder: Folder) -> Finding:
    """Look at every file for itself, and whether they are of one design."""
    # What cannot be read several parts stumble over.
    failures = dict.fromkeys(failure for part in _PARTS for failure in _told(part, folder))
    names = _names(folder)
    there = [name for name in names if (folder.path / name).is_file()]
    try:
        count = len(folder.database.rows)
        rows = f"{plural(count, 'stored node')} with {'its' if count == 1 else 'their'} checksum"
        rows += "s" * (count != 1)
    except ImpossibleError:
        rows = f"{store.DATABASE} unread"
    looked = f"{len(there)} of {len(names)} files, {rows}, engine version {ENGINE_VERSION}"
    return Finding.of(NAME, looked, failures)


def _told(part: Callable[[Folder], Iterator[Failure]], folder: Folder) -> list[Failure]:
    try:
        return list(part(folder))
    except ImpossibleError as error:
        return [_unread(error)]


def _unread(error: ImpossibleError) -> Failure:
    """Return the failure of a file that cannot be read, whose name the reason begins with."""
    name, _, what = error.reason.partition(" ")
    return Failure(name, what, "")


def _names(folder: Folder) -> tuple[str, ...]:
    try:
        return (*FILES, store.COLUMNS) if folder.written.data else FILES
    except ImpossibleError:
        return FILES


def _there(folder: Folder) -> Iterator[Failure]:
    for name in _names(folder):
        if not (folder.path / name).is_file():
            yield Failure(name, "no such file", "a file")


def _design(folder: Folder) -> Iterator[Failure]:
    if not (folder.path / store.DESIGN).is_file():
        return
    written = folder.written.to_dict()
    if not (folder.path / store.DATABASE).is_file():
        return
    try:
        kept = stored.stored_design(folder.database).to_dict()
    except ValueError:
        yield Failure(store.DATABASE, "no design in it", "the design of the run")
        return
    for key in folder.other_design:
        one, other = written.get(key), kept.get(key)
        yield Failure(f"{store.DESIGN}, {key}", f"{one}", f"{other} as in {store.DATABASE}")


def _tables(folder: Folder) -> Iterator[Failure]:
    parts: dict[str, Callable[[Folder], object]] = {
        store.RESULTS: lambda folder: folder.frame,
        store.CURVES: lambda folder: folder.curves,
        store.COLUMNS: lambda folder: folder.columns,
    }
    for name, read in parts.items():
        if name in _names(folder) and (folder.path / name).is_file():
            try:
                read(folder)
            except ImpossibleError as error:
                yield _unread(error)


def _schema_version(folder: Folder) -> Iterator[Failure]:
    if (folder.path / store.RESULTS).is_file():
        for version in sorted(set(folder.frame["schema_version"]) - {SCHEMA_VERSION}):
            yield Failure(f"{store.RESULTS}, schema_version", str(version), str(SCHEMA_VERSION))


def _provenance(folder: Folder) -> Iterator[Failure]:
    if (folder.path / store.PROVENANCE).is_file():
        version = folder.provenance.get("engine_version")
        if version != ENGINE_VERSION:
            yield Failure(f"{store.PROVENANCE}, engine_version", str(version), f"{ENGINE_VERSION}")


def _database(folder: Folder) -> Iterator[Failure]:
    if not (folder.path / store.DATABASE).is_file():
        return
    database = folder.database
    for line in database.faults:
        yield Failure(store.DATABASE, line, "a sound database")
    version = database.meta.get("engine_version", "none")
    if version != str(ENGINE_VERSION):
        yield Failure(f"{store.DATABASE}, engine version", version, f"{ENGINE_VERSION}")
        return
    if not database.rows:
        yield Failure(store.DATABASE, "no node", "the nodes of the run")
    names = {store.source_name(source) for source in sources(folder.written)}
    for row in database.rows:
        if row.source not in names:
            yield Failure(f"{store.DATABASE}, {row.words}", "a node", "a source of the design")
        try:
            stored.read_payload(row)
        except ValueError as error:
            yield Failure(f"{store.DATABASE}, {row.words}", str(error), "")


_PARTS = (_there, _design, _tables, _schema_version, _provenance, _database)
