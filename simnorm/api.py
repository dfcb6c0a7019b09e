"""The library's front door: run a design, keep it in a folder if asked, return its result."""

from __future__ import annotations

import functools
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simnorm import design as defaults
from simnorm._version import __version__
from simnorm.design import Design
from simnorm.errors import RunError, SimnormError
from simnorm.machine import packages_of, processor
from simnorm.options import STUDIES

if TYPE_CHECKING:
    from simnorm.dataset import Dataset
    from simnorm.distributions import Distribution
    from simnorm.engine import Progress
    from simnorm.estimators import Estimator
    from simnorm.results import Result

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
    out
        Folder that receives the run. Nothing is written if None.
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
    return run(design, workers=workers, out=out, on_progress=on_progress)


def study(
    word: str,
    distributions: str | Distribution | Iterable[str | Distribution] | None = None,
    *,
    workers: int | None = None,
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
    distributions, workers, out, on_progress
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
    return run(design, workers=workers, out=out, on_progress=on_progress)


def run(
    design: Design | str | Path,
    *,
    functions: Iterable[Statistic] | Mapping[str, Callable[..., Any]] = (),
    data: Any = None,
    workers: int | None = None,
    out: str | Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    command: str | None = None,
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
    workers, out, on_progress
        As in `sweep`.
    command
        The command line to name in the provenance.
    """
    from simnorm import engine, results, settling, store
    from simnorm.compiled import compiled_kernels
    from simnorm.studies import check_extra, study_of

    if not isinstance(design, Design):
        design = Design.from_file(design, functions=functions, data=data)
    elif functions:
        design = design.with_functions(functions)
    usual = STUDIES[design.study]
    workers = engine.worker_count(workers)
    if usual.is_timed:
        workers = 1  # whatever else runs would be timed too
    check_extra(design)
    check_memory(design, workers)
    study_of(design).check(design)
    folder = None if out is None else Path(out)
    if folder is not None:
        store.check_folder(folder, design)
    started, clock = datetime.now(UTC), time.perf_counter()
    with ExitStack() as stack:
        on_node = None
        if folder is not None:
            on_node = stack.enter_context(_opened(folder, design)).add
        made = settling.Maker(design)
        drawn = 0

        def count(progress: Progress) -> None:
            nonlocal drawn
            drawn = progress.done
            if on_progress is not None:
                on_progress(progress)

        engine.run(
            design,
            workers=workers,
            on_node=on_node,
            on_progress=count,
            on_source=made.add,
            on_look=made.look,
        )
    frame, curves, columns = made.tables()
    provenance: dict[str, Any] = {
        "command": command or f"simnorm {design.study}, from Python",
        "simnorm": __version__,
        "engine_version": engine.ENGINE_VERSION,
        "python": platform.python_version(),
        **{name: version_of(name) for name in ("numpy", "scipy", "pandas")},
        "platform": " ".join([platform.system(), *platform.libc_ver()]).strip(),
        "cpu": platform.machine(),
        "started": started.isoformat(timespec="seconds"),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(time.perf_counter() - clock, 3),
        "draws": drawn,
        "workers": workers,
        "reducer": "compiled" if compiled_kernels() is not None else "array",
    }
    if compiled_kernels() is not None:
        provenance["numba"] = version_of("numba")
    provenance |= {package: version_of(package) for package in packages_of(design.study)}
    if usual.is_trial:
        provenance["processor"] = processor()
    if design.dataset is not None:
        provenance |= _data_provenance(design, design.dataset)
    result = results.Result(design, frame, curves, provenance, columns)
    if folder is not None:
        _kept(folder, result.save)
    return result


def _data_provenance(design: Design, dataset: Dataset) -> dict[str, Any]:
    """Return which data were read, and what was left out of them."""
    found: dict[str, Any] = {"data": dataset.name, "data_sha256": design.data_sha256}
    if dataset.dropped:
        found["rows_dropped"] = dataset.dropped
    if dataset.skipped:
        found["columns_skipped"] = {
            name: "it holds the classes" if name == design.target else reason
            for name, reason in dataset.skipped.items()
        }
    return found


@functools.cache
def version_of(package: str) -> str:
    """Return an installed package's version, which takes milliseconds to find."""
    return version(package)


def _opened(folder: Path, design: Design) -> Any:
    from simnorm import store

    def open_store(place: Path) -> Any:
        place.mkdir(parents=True, exist_ok=True)
        if (place / store.DESIGN).exists():
            return store.Store(place, design)
        store.write_text(place / store.DESIGN, design.to_toml())
        try:
            return store.Store(place, design)
        except BaseException:
            # A design alone would make the folder neither empty nor a run's.
            (place / store.DESIGN).unlink()
            raise

    return _kept(folder, open_store)


def _kept(folder: Path, action: Callable[[Path], Any]) -> Any:
    """Run an action that writes to the folder; say so in one line if the disk will not have it."""
    import sqlite3

    try:
        return action(folder)
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise RunError("out", str(folder), f"it cannot be written ({reason})") from None


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
