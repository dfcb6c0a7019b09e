"""The run folder: which design may go on in it, what is in it, and files written in one step.

Its tables are a function of its design as last given. What is stored beside them, in ``run.db``
(`simnorm.keeping`), may be more: another design takes from it what it asks for.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from simnorm.database import DATABASE as DATABASE
from simnorm.database import STORE_VERSION, Contents, read_contents
from simnorm.design import Design, canonical_json, grouping
from simnorm.disk import refused
from simnorm.errors import SimnormError
from simnorm.labels import labels
from simnorm.locking import LOCK as LOCK
from simnorm.machine import processor
from simnorm.options import STUDIES
from simnorm.studies.drawing import sources
from simnorm.tasks import ENGINE_VERSION, KEPT_REPLICATIONS, block_count

DESIGN, RESULTS = "design.toml", "results.csv"
CURVES, PROVENANCE, REPORT = "curves.csv", "provenance.json", "report.pdf"
# Of a run on data only: what the columns are like.
COLUMNS = "columns.csv"
# What is made of the stored nodes, and made again whenever the design is another one. Provenance is
# written last: with it a run is finished.
MADE = (PROVENANCE, RESULTS, CURVES, COLUMNS)
# Where provenance says which design the tables are of, by the checksum of its file.
MADE_OF = "design_sha256"
# A database that takes a damaged one's place, while it does.
MENDED = f"{DATABASE}.mended"
OURS = (DESIGN, DATABASE, LOCK, REPORT, *MADE)

# Another value of these means other numbers: such a run never shares a folder.
IDENTITY = ("study", "full_size", "seed", "steps", "target", "folds", "epochs")
# What another design in the same folder may have more of, or less.
GROWING = (
    "distributions", "columns", "sampling", "estimators", "batch_sizes",
    "epsilon", "gamma", "beta", "presets", "drift",
    "datasets", "models", "scalers", "nets", "variants", "rates", "widths",
)  # fmt: skip
# What a damaged database is called once it is put aside, before the time.
ASIDE = f"{DATABASE}.corrupt-"
# What makes a folder an answer's, and what it has when it is finished: see `simnorm.answering`.
ANSWER, OUTCOME = "answer.json", "outcome.json"
# How the names of files end that are not there yet.
TEMPORARY = ".tmp"
# Pages of a database, its log and tables, beside the numbers themselves.
SPARE_BYTES = 1 << 22


def default_folder(design: Design) -> Path:
    """Return the folder a design's run goes to unless another is named."""
    return Path("runs") / f"{design.study}-{design.identity()}"


def home_of(design: Design) -> Path:
    """Return the folder in which a design's run goes on, or begins, unless another is named.

    That is its default folder if there is one; otherwise one beside it whose design this one
    contains, so that nothing there is lost, and what it has need not be drawn again.
    """
    default = default_folder(design)
    if is_run(default):
        return default
    found = []
    for path in sorted(default.parent.glob(f"{design.study}-*/{DESIGN}")):
        with contextlib.suppress(SimnormError):
            before = Design.from_file(path, read=False)
            same = is_run(path.parent) and not differences(path.parent, design)
            if same and _contains(design, before):
                found.append((len(before.batch_sizes) * len(before.names), path.parent))
    return max(found, default=(0, default), key=lambda pair: pair[0])[1]


def _contains(design: Design, before: Design) -> bool:
    """Tell whether a design asks for all the cells of another one."""
    return all(set(getattr(before, key)) <= set(getattr(design, key)) for key in GROWING)


def identity_of(design: Design) -> str:
    """Return what every number of a run follows from, beside its label and data, as JSON."""
    values = {key: getattr(design, key) for key in IDENTITY}
    return canonical_json({"store": STORE_VERSION, "engine": ENGINE_VERSION, **values})


def data_of(design: Design) -> dict[str, str]:
    """Return hashes of the columns of a design's data, and of what groups their rows."""
    if design.dataset is None or not design.data:
        return {}
    found = {f"column {name}": design.dataset.digest([name]) for name in design.columns}
    for name in grouping(design.sampling, design.target):
        found[f"groups of {name}"] = design.dataset.group_digest(name)
    return found


def check_folder(folder: Path, design: Design) -> None:
    """Refuse a folder that the run may not write to; create nothing.

    Raises
    ------
    SimnormError
        If it is a file, not writable, holds something that is no run, or a run of another seed,
        full size, study, or of other data.
    """
    check_writable(folder, "out")
    if folder.exists() and not folder.is_dir():
        raise SimnormError("out", str(folder), "it is a file, a folder is needed")
    if not folder.is_dir() or not _strangers(folder):
        return
    if not is_run(folder):
        raise SimnormError(
            "out", str(folder), "the folder holds files but no run", "Name a new or empty folder."
        )
    if differs := differences(folder, design):
        raise SimnormError(
            "out",
            str(folder),
            f"it holds the run of another design ({'; '.join(differs)})",
            "Name another folder.",
        )


def _strangers(folder: Path) -> bool:
    """Tell whether a folder holds more than what a run leaves that was killed as it began."""
    begun = (DESIGN, LOCK, DATABASE, *(f"{DATABASE}-{end}" for end in ("wal", "shm", "journal")))
    names = [path.name for path in folder.iterdir()]
    if is_run(folder) or any(name not in begun and not is_temporary(name) for name in names):
        return True
    # A design alone may be somebody's own, in a folder of their own.
    return bool(names) and LOCK not in names


def differences(folder: Path, design: Design) -> list[str]:
    """Return in which fields a design is of other numbers than a folder's run."""
    return differences_of(read_contents(folder, with_rows=False), design)


def differences_of(contents: Contents, design: Design) -> list[str]:
    """Return in which fields a design is of other numbers than those that are stored."""
    if not contents.identity:
        return []
    before = json.loads(contents.identity)
    here = json.loads(identity_of(design))
    if before.get("store") != here["store"]:
        return [f"kept by simnorm's store {before.get('store', 1)}, this one is {here['store']}"]
    keys = ("study",) if before["study"] != here["study"] else ("engine", *IDENTITY)
    found = [
        f"{'engine version' if key == 'engine' else key} {before.get(key)} there, {here[key]} here"
        for key in keys
        if before.get(key) != here[key]
    ]
    return found or _other_data(contents, design) or _other_machine(contents, design)


def _other_data(contents: Contents, design: Design) -> list[str]:
    """Return in which way a run is of other data than a design's."""
    if contents.groups and bool(contents.data) != bool(design.data):
        kinds = ["data", "distributions"] if contents.data else ["distributions", "data"]
        return [f"{kinds[0]} there, {kinds[1]} here"]
    here = data_of(design)
    changed = [name for name, sha256 in contents.data.items() if here.get(name, sha256) != sha256]
    return [f"the numbers of {', '.join(changed[:3])} have changed"] if changed else []


def _other_machine(contents: Contents, design: Design) -> list[str]:
    """Return on which other processor times were taken."""
    if not STUDIES[design.study].is_timed:
        return []
    names = [json.loads(session.versions).get("processor") for session in contents.sessions]
    others = [name for name in names if name not in (None, processor())]
    return [f"times taken on {others[0]} there, {processor()} here"] if others else []


def where_runs_are(folder: Path) -> str:
    """Return what to do where a folder with a run is needed, and this one holds none."""
    # os.path says no to names that are too long for the system, where pathlib raises.
    there = os.path.isdir(folder)
    inside = [path.parent.name for path in sorted(folder.glob(f"*/{DESIGN}"))] if there else []
    if len(inside) == 1:
        return f"There is a run inside: {folder / inside[0]}."
    if inside:
        return f"There are runs inside: {folder / inside[0]} and others."
    return "`simnorm sweep` makes one."


def is_run(folder: Path) -> bool:
    """Return whether a folder holds a run, finished or not."""
    return all(os.path.isfile(folder / name) for name in (DESIGN, DATABASE))


def is_finished(folder: Path) -> bool:
    """Return whether a folder holds the tables of its design."""
    is_there = is_run(folder) and all(os.path.isfile(folder / name) for name in MADE[:3])
    return is_there and is_current(folder)


def is_current(folder: Path) -> bool:
    """Tell whether what was made is of the design that is there: its file may have been changed."""
    try:
        made_of = json.loads((folder / PROVENANCE).read_bytes()).get(MADE_OF)
        return made_of in (None, checksum((folder / DESIGN).read_bytes()))
    except (OSError, ValueError, AttributeError, RecursionError):
        return True  # who reads it says what is wrong with it


def checksum(data: bytes) -> str:
    """Return the checksum of a file's bytes."""
    return hashlib.sha256(data).hexdigest()


def bytes_needed(design: Design) -> int:
    """Return about how many bytes a run's folder takes, and half as many more."""
    from simnorm.schedule import task_level

    total, blocks = SPARE_BYTES, 2 ** task_level(design, 1)
    for source in sources(design):
        nodes = block_count(design, source) / blocks
        width = len(labels(design, source))
        kept = 16 * width * min(KEPT_REPLICATIONS, design.replications)
        total += round(1.5 * (nodes * (8 * 7 * width + 400) + kept + 400 * 8 * width))
    return total


def check_writable(path: Path, parameter: str) -> None:
    """Refuse a path whose nearest existing parent cannot be written to.

    A file is made and removed again, because permission bits do not tell all (a read-only disk).
    """
    try:
        parent = path if path.is_dir() else path.parent
        while not parent.exists():
            parent = parent.parent
        path.exists()  # a name may be longer than the system allows
        with tempfile.TemporaryFile(dir=parent):
            pass
    except OSError as error:
        raise SimnormError(
            parameter,
            str(path),
            f"it cannot be written ({error.strerror})",
            "Name a place that you may write to.",
        ) from None


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside `path` that takes its place when the block ends well."""
    # The ending stays the last: it says how a figure is written.
    ending = f"{TEMPORARY}{path.suffix}"
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=ending)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes private files; a result should be as readable as any other file.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        _keep_names(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _keep_names(folder: Path) -> None:
    """Have the disk keep the names of a folder's files, where systems can be asked to."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_text(path: Path, text: str) -> None:
    """Write a text file in one step: either all of it is there or none."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def is_temporary(name: str) -> bool:
    """Tell whether a file's name is that of one that was never finished."""
    return name.startswith(".") and TEMPORARY in Path(name).suffixes[-2:]


def kept(folder: Path, action: Callable[[Path], Any]) -> Any:
    """Run an action that writes to the folder; say so in one line if the disk will not have it.

    Raises
    ------
    RunError
        If it cannot be written.
    """
    try:
        return action(folder)
    except (OSError, sqlite3.Error) as error:
        raise refused(folder, error) from None
