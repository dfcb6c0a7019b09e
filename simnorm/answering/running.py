"""Runs the studies of an answer one after the other; what is finished is loaded, not run again."""

from __future__ import annotations

import contextlib
import json
import platform
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simnorm import api, crews, options, store
from simnorm._version import __version__
from simnorm.answering.judging import judged
from simnorm.answering.needed import needed_sizes, nothing_needed, read_needed, write_needed
from simnorm.answering.plan import DEFAULT_BATCH_SIZE, Plan, make_plan
from simnorm.answering.settings import DEFAULT, SETTINGS, Settings
from simnorm.answering.whole import STUDIES, Answer, Missing
from simnorm.engine import Progress
from simnorm.errors import Interrupted, RunError, SimnormError
from simnorm.locking import is_held
from simnorm.results import Result, csv_text, load
from simnorm.tasks import ENGINE_VERSION

if TYPE_CHECKING:
    import pandas as pd

    from simnorm.design import Design

VERDICTS = "verdicts.csv"
# The question of the smallest batch size has no folder of its own.
SOLVE = "solve"
# The same numbers come from another copy of a file.
NOT_COMPARED = ("data", "na", "separator", "decimal")
RUN_FILES = (
    store.DESIGN, store.DATABASE, f"{store.DATABASE}-wal", f"{store.DATABASE}-shm", store.RESULTS,
    store.CURVES, store.COLUMNS, store.PROVENANCE,
)  # fmt: skip
UNFINISHED = Missing("It was not run to its end.", "Run the same command again.")

OnProgress = Callable[[Progress], None]


class Watcher:
    """What is told of an answer under way; this one says nothing."""

    def begin(self, study: str) -> OnProgress | None:
        """Take that a study begins; return what is to be told of its progress."""

    def end(self, study: str, seconds: float, *, loaded: bool) -> None:
        """Take that a study is there, after so many seconds or loaded from the folder."""

    def left_out(self, study: str, missing: Missing) -> None:
        """Take that a study has no result."""


def answer(
    data: Any = None,
    *,
    target: str = "",
    batch_size: int = DEFAULT_BATCH_SIZE,
    level: str = DEFAULT,
    columns: str | Iterable[str] | None = None,
    exclude: str | Iterable[str] = (),
    na: str = "refuse",
    separator: str = "",
    decimal: str = ".",
    seed: int = 0,
    workers: int | None = None,
    scheduler: str = "",
    out: str | Path | None = None,
    watcher: Watcher | None = None,
) -> Answer:
    """Say whether batch normalization replaces standardizing the inputs: all studies at once.

    Parameters
    ----------
    data
        Your own data, as in `simnorm.sweep`; bundled data and distributions if None.
    target
        The column of the data that holds the classes: accuracies are then those of your data.
    batch_size
        n, the batch size that the verdicts are about.
    level
        ``quick`` (about five minutes on two processors), ``default`` or ``thorough``.
    columns, exclude, na, separator, decimal
        As in `simnorm.sweep`.
    seed
        Of all studies.
    workers
        Threads; as many as there are processors if None. Timings take one.
    scheduler
        The address of a Dask scheduler, or its scheduler file, for the studies that take long.
        Timings and searches stay here.
    out
        Folder that receives every study and the verdicts; a study that is finished there is not
        run again. Nothing is written if None.
    watcher
        Is told what begins and ends.

    Returns
    -------
    Answer
        Results, and a verdict for each claim. A study that cannot be run here, such as one that
        needs PyTorch, is missing and says why.

    Raises
    ------
    SimnormError
        For the first argument that cannot be used, or if the folder holds something else.

    Examples
    --------
    >>> import simnorm as sn
    >>> found = sn.answer("train.csv", target="label", level="quick")  # doctest: +SKIP
    >>> found.table[["claim", "word", "number"]]  # doctest: +SKIP
    """
    plan = make_plan(
        data, target=target, batch_size=batch_size, level=level, columns=columns,
        exclude=exclude, na=na, separator=separator, decimal=decimal, seed=seed,
    )  # fmt: skip
    folder = None if out is None else Path(out)
    return carry_out(plan, folder, workers=workers, scheduler=scheduler, watcher=watcher)


def default_folder(settings: Settings) -> Path:
    """Return the folder an answer goes to unless another is named."""
    return Path("runs") / f"answer-{settings.identity()}"


def is_answer(folder: Path) -> bool:
    """Return whether a folder holds an answer, finished or not."""
    return (folder / SETTINGS).is_file()


def check_folder(folder: Path, settings: Settings) -> None:
    """Refuse a folder that the answer may not write to; create nothing.

    Raises
    ------
    SimnormError
        If it is a file, not writable, or holds something other than this answer.
    """
    store.check_writable(folder, "out")
    if folder.exists() and not folder.is_dir():
        raise SimnormError("out", str(folder), "it is a file, a folder is needed")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if not is_answer(folder):
        allowed = "the folder holds files but no answer"
        raise SimnormError("out", str(folder), allowed, "Name a new or empty folder.")
    if differs := settings.differences(Settings.from_folder(folder)):
        allowed = f"it holds another answer ({'; '.join(differs)})"
        raise SimnormError("out", str(folder), allowed, "Name another folder.")


def carry_out(
    plan: Plan,
    folder: Path | None = None,
    *,
    workers: int | None = None,
    scheduler: str = "",
    watcher: Watcher | None = None,
    command: str = "",
    stop: Callable[[], bool] | None = None,
) -> Answer:
    """Run what a plan says and judge it; see `answer`.

    Raises
    ------
    Interrupted
        If `stop` has said so: studies that are finished, and what is of the one under way, stay.
    """
    watcher = watcher or Watcher()
    crews.check_scheduler(scheduler or None)
    if folder is not None:
        check_folder(folder, plan.settings)
        _open(folder, plan.settings)
    results: dict[str, Result | Missing] = {}
    for word, design in plan.designs.items():
        place = None if folder is None else folder / word
        _go_on(stop, folder)
        results[word] = _study(word, design, place, workers, scheduler, watcher, command, stop)
    _go_on(stop, folder)
    table = _needed(plan, folder, workers, watcher, stop)
    provenance = {
        "command": command or "simnorm answer, from Python",
        "simnorm": __version__,
        "python": platform.python_version(),
        "platform": " ".join([platform.system(), *platform.libc_ver()]).strip(),
    }
    found = judged(plan.settings, results, table, provenance)
    if folder is not None:
        _save(found, folder)
    return found


def load_answer(folder: str | Path) -> Answer:
    """Return the answer that a folder holds, with verdicts from its tables.

    Raises
    ------
    SimnormError
        If it holds none.
    """
    folder = Path(folder)
    settings = Settings.from_folder(folder)
    said = _outcome(folder)
    results: dict[str, Result | Missing] = {}
    for word in said.get("studies", STUDIES):
        if word in said.get("missing", {}):
            results[word] = Missing(*said["missing"][word])
            continue
        # What an unfinished study has come to so far is no ground for a verdict.
        results[word] = finished_run(folder / word) or _unfinished(word)
    table = read_needed(folder)
    table = nothing_needed() if table is None else table
    return judged(settings, results, table, said.get("provenance", {}))


def _outcome(folder: Path) -> dict[str, Any]:
    """Return what an answer says of its studies: nothing if it was not run to its end."""
    try:
        said = json.loads((folder / store.OUTCOME).read_text(encoding="utf-8"))
        studies, missing = said.get("studies", []), said.get("missing", {})
        is_sound = (
            isinstance(said.get("provenance", {}), dict)
            and set(studies) <= set(STUDIES)
            and all(isinstance(one, str) for of_one in missing.values() for one in of_one)
            and all(isinstance(of_one, list) and len(of_one) == 2 for of_one in missing.values())
        )
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}
    return said if is_sound else {}


def _unfinished(word: str) -> Missing:
    """Return why a study was not finished: it may need what is not installed here."""
    from simnorm.design import Design
    from simnorm.studies import check_extra

    try:
        check_extra(Design.make(study=word))
    except SimnormError as error:
        return missing_for(error)
    return UNFINISHED


def finished_run(folder: Path) -> Result | None:
    """Return the finished run that a folder holds, None if it holds none."""
    if not store.is_finished(folder):
        return None
    with contextlib.suppress(SimnormError):
        return load(folder)
    return None


def finished(folder: Path, design: Design) -> Result | None:
    """Return the finished run of a design that a folder holds, None if it holds none."""
    found = finished_run(folder)
    if found is None:
        return None
    facts = found.provenance
    if facts.get("engine_version") != ENGINE_VERSION or facts.get("simnorm") != __version__:
        return None
    return found if _compared(found.design) == _compared(design) else None


def _compared(design: Design) -> dict[str, Any]:
    return {key: v for key, v in design.to_dict().items() if key not in NOT_COMPARED}


def _open(folder: Path, settings: Settings) -> None:
    """Make the folder an answer's, or leave it as it is if it is one."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not is_answer(folder):
            store.write_text(folder / SETTINGS, settings.to_json())
    except OSError as error:
        reason = error.strerror or error
        raise RunError("out", str(folder), f"it cannot be written ({reason})") from None


def _study(
    word: str,
    design: Design,
    folder: Path | None,
    workers: int | None,
    scheduler: str,
    watcher: Watcher,
    command: str,
    stop: Callable[[], bool] | None,
) -> Result | Missing:
    """Load a study or run it; say why it is missing if it cannot be run."""
    begin = time.perf_counter()
    found = None if folder is None else finished(folder, design)
    if found is not None:
        watcher.end(word, 0.0, loaded=True)
        return found
    if folder is not None:
        _refuse_held(folder)
    on_progress = watcher.begin(word)
    if options.STUDIES[design.study].is_timed:
        scheduler = ""
    try:
        if folder is not None:
            _make_room(folder, design)
        found = api.run(
            design,
            workers=None if scheduler else workers,
            scheduler=scheduler,
            out=folder,
            on_progress=on_progress,
            command=command,
            stop=stop,
        )
    except RunError:
        raise  # a disk that is full ends everything
    except (SimnormError, ImportError, MemoryError) as error:
        missing = missing_for(error)
        watcher.left_out(word, missing)
        return missing
    watcher.end(word, time.perf_counter() - begin, loaded=False)
    return found


def _refuse_held(folder: Path) -> None:
    """Refuse an answer that another process is at work on: none of its studies is left out."""
    if is_held(folder):
        allowed, hint = "another process is at work there", "Wait for it, or stop it."
        raise SimnormError("out", str(folder), allowed, hint)


def missing_for(error: Exception) -> Missing:
    """Return why a study has no result, from what it raised."""
    if isinstance(error, SimnormError):
        # What is said of the study itself needs no other subject.
        about = "" if error.parameter == "study" else f"{error.parameter}: "
        said = f"{about}{error.allowed}."
        return Missing(said[0].upper() + said[1:], error.hint)
    if isinstance(error, MemoryError):
        return Missing("The memory of this machine is too small for it.", "Close other programs.")
    return Missing(f"It needs a package that is not installed ({error}).", "")


def _make_room(folder: Path, design: Design) -> None:
    """Take away the run of another design, which only an earlier version can have left here."""
    try:
        store.check_folder(folder, design)
    except SimnormError:
        if not store.is_run(folder):
            raise
        for name in RUN_FILES:
            (folder / name).unlink(missing_ok=True)


def _go_on(stop: Callable[[], bool] | None, folder: Path | None) -> None:
    """Raise if there is to be an end."""
    if stop is not None and stop():
        raise Interrupted(0, 0, folder or "")


def _needed(
    plan: Plan,
    folder: Path | None,
    workers: int | None,
    watcher: Watcher,
    stop: Callable[[], bool] | None,
) -> pd.DataFrame:
    """Return the batch sizes that are needed, from the folder if they are there."""
    begin = time.perf_counter()
    table = None if folder is None else read_needed(folder)
    if table is not None and list(table["name"]) == list(plan.settings.names):
        watcher.end(SOLVE, 0.0, loaded=True)
        return table
    tell = watcher.begin(SOLVE)

    def on_progress(progress: Progress) -> None:
        # Nothing of a search is kept, so that it may end in the middle.
        _go_on(stop, folder)
        if tell is not None:
            tell(progress)

    try:
        table = needed_sizes(plan, on_progress, workers)
    except RunError:
        raise
    except (SimnormError, MemoryError) as error:
        watcher.left_out(SOLVE, missing_for(error))
        return nothing_needed()
    if folder is not None:
        write_needed(folder, table)
    watcher.end(SOLVE, time.perf_counter() - begin, loaded=False)
    return table


def _save(found: Answer, folder: Path) -> None:
    """Write the verdicts, and why studies are missing."""
    outcome = {
        "studies": list(found.results),
        "missing": found.missing,
        "provenance": found.provenance,
    }
    store.write_text(folder / VERDICTS, csv_text(found.table))
    store.write_text(
        folder / store.OUTCOME, json.dumps(outcome, indent=2, ensure_ascii=False) + "\n"
    )
