"""The check of files: all there, readable, of the versions this simnorm reads, undamaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from simnorm import store
from simnorm.checking.finding import Failure, Finding, ImpossibleError
from simnorm.checking.folder import FILES, Folder
from simnorm.formatting import plural
from simnorm.schema import SCHEMA_VERSION
from simnorm.tasks import ENGINE_VERSION

NAME = "files"


def check(folder: Folder) -> Finding:
    """Look at every file for itself, and whether they are of one design."""
    # What cannot be read several parts stumble over.
    failures = dict.fromkeys(failure for part in _PARTS for failure in _told(part, folder))
    names = _names(folder)
    there = [name for name in names if (folder.path / name).is_file()]
    try:
        count = len(folder.contents.rows)
        rows = f"{plural(count, 'stored node')} with {'its' if count == 1 else 'their'} checksum"
        rows += "s" * (count != 1)
    except ImpossibleError:
        rows = f"{store.DATABASE} unread"
    looked = f"{len(there)} of {len(names)} files, {rows}, engine version {ENGINE_VERSION}"
    aside = _aside(folder)
    return Finding.of(NAME, f"{looked}; {aside}" if aside else looked, failures)


def _aside(folder: Folder) -> str:
    """Return that a damaged database lies beside the one that has taken its place."""
    found = sorted(folder.path.glob(f"{store.ASIDE}*Z"))
    if not found:
        return ""
    which = found[0].name if len(found) == 1 else f"{len(found)} files {store.ASIDE}*"
    return f"{which} put aside as damaged"


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
    if not all((folder.path / name).is_file() for name in (store.DESIGN, store.DATABASE)):
        return
    written = folder.written
    for key in folder.other_design:
        one, other = getattr(written, key), folder.identity.get(key)
        yield Failure(f"{store.DESIGN}, {key}", f"{one}", f"{other} as in {store.DATABASE}")
    for words in folder.other_data:
        yield Failure(store.DESIGN, f"not what {store.DATABASE} is of: {words}", "")


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
    contents = folder.contents
    for fault in contents.faults:
        yield _fault(fault)
    if folder.engine != ENGINE_VERSION:
        where = f"{store.DATABASE}, engine version"
        yield Failure(where, str(folder.engine), f"{ENGINE_VERSION}")
    elif not contents.rows:
        yield Failure(store.DATABASE, "no node", "the nodes of the run")


def _fault(fault: str) -> Failure:
    """Return the failure of what is not believed of a database: of a node, or of all of it."""
    if fault.startswith(f"{store.DATABASE} "):
        return Failure(store.DATABASE, fault.removeprefix(f"{store.DATABASE} "), "")
    where, colon, what = fault.partition(": ")
    return Failure(f"{store.DATABASE}, {where}" if colon else store.DATABASE, what or where, "")


_PARTS = (_there, _design, _tables, _schema_version, _provenance, _database)
