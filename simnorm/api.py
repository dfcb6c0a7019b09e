"""The library's front door: run a design, keep it in a folder if asked, return its result."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simnorm import design as defaults
from simnorm.design import Design
from simnorm.errors import Interrupted, SimnormError
from simnorm.options import STUDIES
from simnorm.provenance import bits_of, provenance_of

if TYPE_CHECKING:
    from simnorm.crews import Crew
    from simnorm.distributions import Distribution
    from simnorm.engine import Progress
    from simnorm.estimators import Estimator
    from simnorm.keeping import Store
    from simnorm.results import Result
    from simnorm.settling import Maker
    from simnorm.tasks import Job, Node

    # A word, an estimator, or any function of (sample, axis=-1).
    Statistic = str | Estimator | Callable[..., Any]


def sweep(
    distributions: str | Distribution | Iterable[str | Distribution] | None = None,
    *,
    data: Any = None,
    columns: str | Iterable[str] | None = None,
    exclude: str | Iterable[str] = (),
    na: str = "refuse",
    separator: str = "",
    decimal: str = ".",
    sampling: str | Iterable[str] = "shuffle",
    exact: bool = False,
    batch_sizes: str | Iterable[int] = defaults.DEFAULT_BATCH_SIZES,
    estimators: Statistic | Iterable[Statistic] = defaults.DEFAULT_ESTIMATORS,
    full_size: int | None = None,
    replications: int | None = None,
    target_mcse: str | float | None = None,
    max_replications: int | None = None,
    time_limit: str | float | None = None,
    seed: int = defaults.DEFAULT_SEED,
    workers: int | None = None,
    executor: Any = None,
    scheduler: str = "",
    out: str | Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Result:
    """Estimate bias, variance and RMSE of batch statistics for every batch size.

    In every replication a full set of N observations is drawn and cut into batches of n; the
    errors of the batches' statistics are taken against the full set and the population. With
    `data`, the full set is each of their columns, and the rows are drawn instead.

    Parameters
    ----------
    distributions
        Specs such as ``"t(df=5)"`` or laws of `simnorm.distributions`; ``normal``, ``uniform``,
        ``laplace``, ``exponential`` and ``t(df=5)`` if neither these nor `data` are given.
    data
        A file (CSV, TSV, also .gz; Parquet; NPY, NPZ), an array of shape (N,) or (N, columns), a
        DataFrame, or a dict of arrays.
    columns, exclude
        Names of the columns that are measured, or are not; every numeric column if None.
    na
        ``"refuse"`` missing values, or ``"drop"`` the rows that have one.
    separator, decimal
        How a text file separates fields (by its ending if empty) and writes a decimal point.
    sampling
        How batches come from the full set: ``shuffle`` (an epoch of shuffled batches),
        ``replacement``; for distributions ``iid`` too; for data ``sequential`` (file order) and
        ``grouped:COLUMN`` (groups in random order, rows in file order inside). One or several.
    exact
        Whether all subsets of the data are enumerated where there are 100,000 or fewer: exact
        theory for any estimator.
    batch_sizes
        Whole numbers, or text such as ``"2:1024:x2"``.
    estimators
        Specs such as ``"std(ddof=1)"``, estimators of `simnorm.estimators`, or functions of yours
        that are called as ``function(sample, axis=-1)``; `simnorm.estimators.UserEstimator` gives
        such a function a name and a population value.
    full_size
        N, the number of observations in a full set: 16,384 unless given, or the rows of the data.
    replications
        R, the number of independent full sets, or orders of the rows: 256 unless given.
    target_mcse
        In place of R: the largest Monte Carlo standard error that is wanted, ``"1%"`` of every
        variance, MSE and RMSE (and of the RMSE for a bias), or a number in the unit of the
        estimate. Every cell stops alone, after 256, 512, 1,024, ... replications; rows without a
        valid standard error take no part.
    max_replications
        The most replications that may be drawn for it, 131,072 unless given.
    time_limit
        When to stop drawing: seconds, or text such as ``"10m"``. What is there by then is the
        result, and says so; every source gets at least its first block.
    seed
        From 0 to 2^128 - 1. The same seed gives the same bits for any number of workers.
    workers
        Threads; as many as there are processors if None.
    executor
        Who computes in their place: any `concurrent.futures.Executor`, such as a
        ``ProcessPoolExecutor``, or a `distributed.Client`, or a function that makes one (so that a
        broken executor can be replaced, and all is closed at the end). No effect on any bit.
    scheduler
        The address of a Dask scheduler, such as ``"tcp://host:8786"``, or its scheduler file.
    out
        Folder that receives the run. Nothing is written if None. What a run has left there is not
        drawn again: the same call goes on, and another one computes what is missing.
    on_progress
        Called now and then with the observations drawn so far and in all.

    Returns
    -------
    Result
        Tables with estimates, standard errors, intervals and theory.

    Raises
    ------
    SimnormError
        For the first argument that cannot be used.

    Examples
    --------
    >>> import simnorm as sn
    >>> result = sn.sweep(["normal"], batch_sizes=[2, 4, 8], full_size=256, replications=128)
    >>> exact = result.table("rmse", value="theory")
    >>> float(exact.loc[("normal", 4), "mean"].round(4))
    0.4961

    Four batches of 25 of one's own hundred numbers:

    >>> result = sn.sweep(data=[float(i * i) for i in range(100)], batch_sizes=[25])
    >>> exact = result.table("relative_rmse", value="theory")
    >>> exact.round(3)["mean"].to_list(), result.columns["excess_kurtosis"].round(2).to_list()
    ([0.174], [-0.85])
    """
    design = Design.make(
        distributions,
        data=data,
        columns=columns,
        exclude=exclude,
        na=na,
        separator=separator,
        decimal=decimal,
        sampling=sampling,
        exact=exact,
        batch_sizes=batch_sizes,
        estimators=estimators,
        full_size=full_size,
        replications=replications,
        target_mcse=target_mcse,
        max_replications=max_replications,
        time_limit=time_limit,
        seed=seed,
    )
    return run(
        design,
        workers=workers,
        executor=executor,
        scheduler=scheduler,
        out=out,
        on_progress=on_progress,
    )


def study(
    word: str,
    distributions: str | Distribution | Iterable[str | Distribution] | None = None,
    *,
    workers: int | None = None,
    executor: Any = None,
    scheduler: str = "",
    out: str | Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    **given: Any,
) -> Result:
    """Run a study by its name.

    Parameters
    ----------
    word
        ``inputs``: what a batch-normalized input is worth against a z-score by the full set;
        ``running``: how good running averages of batch statistics are at test time; ``scaling``:
        accuracy of classifiers by how features are scaled; ``shift``: internal covariate shift with
        batch normalization and without; ``overhead``: what it costs in time; or ``sweep``. The
        studies ``shift`` and ``overhead`` need PyTorch.
    distributions, workers, executor, scheduler, out, on_progress
        As in `sweep`.
    given
        What else `sweep` takes, but for the estimators, and what only the study takes: for
        ``inputs`` the numbers `epsilon`, `gamma` and `beta`, one or several of each; for
        ``running`` `presets` such as ``"keras3(momentum=0.9)"``, the number of `steps`, and
        `drift` of the mean in standard deviations a step; for ``scaling`` `datasets`, or `data`
        with the `target` that holds the classes, `models`, `scalers` and `folds`; for ``shift``
        `datasets`, `nets`, `variants`, learning `rates` and `steps`; for ``overhead`` `widths` and
        `epochs`. The last three take no distributions, no target MCSE, and at most 1,024
        replications: repeats, seeds or rounds.

    Returns
    -------
    Result
        Its tables have the same columns as a sweep's; the quantity stands under `estimator`, and
        what the study alone varies in columns of its own, such as `epsilon`.

    Raises
    ------
    SimnormError
        For the first argument that cannot be used.

    Examples
    --------
    The error of a value that is normalized by its batch of 16, against its z-score:

    >>> import simnorm as sn
    >>> result = sn.study("inputs", "normal", batch_sizes=[16], full_size=64, replications=64)
    >>> frame = result.frame
    >>> at = frame[(frame.estimator == "normalized_value") & (frame.measure == "rmse")]
    >>> at = at[(at.reference == "population") & (at.epsilon == "0")]
    >>> round(float(at.theory.iloc[0]), 3)
    0.309
    """
    design = Design.make(distributions, study=word, **given)
    return run(
        design,
        workers=workers,
        executor=executor,
        scheduler=scheduler,
        out=out,
        on_progress=on_progress,
    )


def run(
    design: Design | str | Path,
    *,
    functions: Iterable[Statistic] | Mapping[str, Callable[..., Any]] = (),
    data: Any = None,
    workers: int | None = None,
    executor: Any = None,
    scheduler: str = "",
    out: str | Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_note: Callable[[str], None] | None = None,
    stop: Callable[[], bool] | None = None,
    command: str = "",
) -> Result:
    """Run a design and return its result; parameters as `sweep`.

    Parameters
    ----------
    design
        What to compute, or the file or run folder that says it.
    functions
        The functions that its estimators named ``user.NAME`` stand for: a file does not hold them.
    data
        The data themselves, in place of the file that the design names: an array is in no file.
    workers, executor, scheduler, out, on_progress
        As in `sweep`.
    on_note
        Called with sentences about what was met: damage, lost workers, another environment.
    stop
        Asked before anything is handed out: once it says yes, what runs is finished and kept.
    command
        The command line to name in the provenance.

    Raises
    ------
    SimnormError
        If the design cannot be run here, or the folder is not its own.
    Interrupted
        If `stop` has said so before all was there; the same call goes on.
    """
    from simnorm import crews, store

    if not isinstance(design, Design):
        design = Design.from_file(design, functions=functions, data=data)
    elif functions:
        design = design.with_functions(functions)
    crews.check_timed(design.study, executor, scheduler)
    folder = None if out is None else Path(out)
    check(design, folder, 1 if executor or scheduler else workers)
    started = datetime.now(UTC)
    note = on_note or _nothing
    with ExitStack() as stack:
        few = 1 if STUDIES[design.study].is_timed else workers
        crew = stack.enter_context(crews.opened(few, executor, scheduler or None, note))
        keeper = None
        if folder is not None:
            session = {"workers": crew.workers, "backend": crew.name, "command": command}
            keeper = stack.enter_context(_opened(folder, design, session))
        for sentence in [*crew.notes, *(keeper.notes if keeper else ())]:
            note(sentence)
        made, facts = _computed(design, crew, keeper, on_progress, note, stop)
        for sentence in keeper.changed(design) if keeper else ():
            note(sentence)
        facts |= {
            "started": started.isoformat(timespec="seconds"),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        result = _result(design, made, provenance_of(design, command, facts))
        if folder is not None:
            # The folder is still ours alone.
            store.kept(folder, result.save)
    return result


def check(design: Design, folder: Path | None = None, workers: int | None = None) -> None:
    """Refuse a design that cannot be run here, before anything is drawn.

    Raises
    ------
    SimnormError
        With the reason.
    """
    from simnorm import disk, store
    from simnorm.studies import check_extra, study_of
    from simnorm.workers import worker_count

    check_extra(design)
    check_memory(design, 1 if STUDIES[design.study].is_timed else worker_count(workers))
    study_of(design).check(design)
    if folder is not None:
        store.check_folder(folder, design)
        disk.check_room(folder, store.bytes_needed(design))


def _computed(
    design: Design,
    crew: Crew,
    keeper: Store | None,
    on_progress: Callable[[Progress], None] | None,
    note: Callable[[str], None],
    stop: Callable[[], bool] | None,
) -> tuple[Maker, dict[str, Any]]:
    """Compute what is missing; return what makes the tables, and how it went."""
    from simnorm import engine
    from simnorm.schedule import LOST
    from simnorm.settling import Maker

    made, clock = Maker(design), time.perf_counter()
    last = engine.Progress(0, 0)
    given_up: list[str] = []

    def keep(job: Job, node: Node, origin: str) -> None:
        if origin == LOST:
            given_up.append(words := lost_words(job, node))
            note(words)
        elif keeper is not None:
            keeper.add(job, node)

    def tell(progress: Progress) -> None:
        nonlocal last
        last = progress
        if keeper is not None:
            keeper.note(progress)
        if on_progress is not None:
            on_progress(progress)

    try:
        engine.run(
            design, crew=crew, pool=keeper, on_node=keep, on_progress=tell,
            on_source=made.add, on_look=made.look, stop=stop,
        )  # fmt: skip
    except Interrupted as error:
        raise Interrupted(error.done, error.total, keeper.folder if keeper else "") from None
    seconds = time.perf_counter() - clock
    facts: dict[str, Any] = {
        "workers": crew.workers,
        "backend": crew.name,
        "draws": last.draws,
        "seconds": round(keeper.seconds if keeper else seconds, 3),
        "sessions": keeper.sessions if keeper else 1,
        "session_draws": last.drawn,
        "session_seconds": round(seconds, 3),
    }
    if given_up:
        facts["tasks_given_up"] = given_up
    return made, facts


def lost_words(job: Job, node: Node) -> str:
    """Return what is said of a task that was given up."""
    from simnorm.database import blocks_words, stream_words
    from simnorm.labels import stream_name
    from simnorm.studies.drawing import sources

    name = stream_words(stream_name(job.design, sources(job.design)[job.task.source]))
    blocks = blocks_words(job.task.level, job.task.position)
    said = next((failure.message for failure in node.failures.values()), "it was given up")
    return f"{name}, {blocks}: {said}; its replications count as failed, and a new run tries again"


def _result(design: Design, made: Maker, provenance: dict[str, Any]) -> Result:
    from simnorm.results import Result

    frame, curves, columns = made.tables()
    return Result(design, frame, curves, provenance, columns)


def _nothing(sentence: str) -> None:
    """Tell nobody."""


def _opened(folder: Path, design: Design, session: dict[str, Any]) -> Store:
    """Open a folder's store, which may have to be made."""
    from simnorm import store
    from simnorm.keeping import Store

    def open_store(place: Path) -> Store:
        place.mkdir(parents=True, exist_ok=True)
        versions = bits_of(design.study)
        return Store(place, design, session | {"versions": versions})

    found: Store = store.kept(folder, open_store)
    return found


def memory_needed(design: Design, workers: int) -> int:
    """Return the bytes that a run needs at most, beside what the imports take."""
    from simnorm.studies import study_of

    return study_of(design).memory_needed(design, workers)


def check_memory(design: Design, workers: int) -> None:
    """Refuse a design that cannot fit into this machine's memory."""
    needed = memory_needed(design, workers)
    if hasattr(os, "sysconf") and sys.platform != "win32":
        there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        if needed > 0.9 * there:
            raise SimnormError(
                "full_size",
                design.full_size,
                f"with these estimators and batch sizes the run needs {needed / 2**30:.0f} GiB, "
                f"{there / 2**30:.0f} GiB are there",
                "Take a smaller N, fewer batch sizes, fewer workers, or moment estimators only.",
            )
