"""What takes turns: simnorm's own jobs and the rivals', for a fraction of the work."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

import simnorm as sn
from benchmarking import rivals
from benchmarking.timing import Job, peak_memory, python
from simnorm import engine
from simnorm.design import Design

FULL_SIZE = 16_384
SIZES = [2**k for k in range(1, 11)]
# Batches of every size in the comparison with what people write themselves.
BATCHES = 20_000
# Blocks are drawn whole, so work comes in multiples of a block's replications.
LANES = 64
# Jobs of a group by name; a text says why a job cannot run.
Jobs = Mapping[str, Job | str]


def replications(count: int, scale: float) -> int:
    """Return a fraction of so many replications, in whole blocks."""
    return max(LANES, round(count * scale / LANES) * LANES)


def sweep(law: str = "normal", *, R: int, workers: int | None = 1, **design: object) -> None:
    """Run a whole sweep: draws, errors, theory, diagnostics, tables."""
    options = {"batch_sizes": SIZES, "full_size": FULL_SIZE, **design}
    sn.sweep(law, replications=R, workers=workers, **options)


def warmed(law: str = "normal", *, share: float = 1.0, **options: object) -> Job:
    """Return a sweep as a job; compiling and building a law's table is not counted."""
    small = {**options, "R": LANES}
    return Job(partial(sweep, law, **options), share, warm=partial(sweep, law, **small))


# The sweep against drawing alone.

# scipy is slow: it draws this part of what the sweep draws.
RVS_SHARE = 1 / 4


def fill_jobs(law: str, scale: float) -> Jobs:
    """Compare with numpy drawing the same number alone."""
    R = replications(16_384, scale)
    return {
        "sweep": warmed(law, R=R),
        "numpy": Job(
            partial(rivals.numpy_fill, law, R * FULL_SIZE),
            warm=partial(rivals.numpy_fill, law, 1 << 20),
            how="numpy drawing alone: PCG64DXSM, 32,768 at a time, into out= where there is one",
        ),
    }


def rvs_jobs(law: str, function: str, shapes: dict[str, float], scale: float) -> Jobs:
    """Compare with scipy.stats drawing the same law alone."""
    R = replications(4_096, scale)
    draws = int(R * FULL_SIZE * RVS_SHARE)
    ours: Job | str = warmed(law, R=R)
    try:
        sn.distributions.distribution(law)
    except sn.SimnormError:
        ours = f"this simnorm has no {law}"
    return {
        "sweep": ours,
        "scipy": Job(
            partial(rivals.scipy_rvs, function, shapes, draws),
            RVS_SHARE,
            partial(rivals.scipy_rvs, function, shapes, 1 << 16),
            "scipy's rvs alone: random_state=Generator, 32,768 at a time",
        ),
    }


# The same batches by other means.

HOWS = {
    "vectorised": "default_rng, one array of (batches, size) for each size; mean and var of axis 1",
    "numpy": "default_rng, standard_normal(size), x.mean() and x.var() batch by batch",
    "torch": "float32, train mode, one batch a call, momentum=1, statistics read off its buffers",
    "monaco": "a Sim for each size, a case for each batch, the case's seed as random input",
    "SimDesign": "runSimulation on one core, rnorm(n), mean and var; R's start not counted",
}
RUNS = {
    "vectorised": (rivals.numpy_vectorised, 1.0),
    "numpy": (rivals.numpy_loop, 1 / 4),
    "torch": (rivals.torch_loop, 1 / 8),
    "monaco": (rivals.monaco_cases, 1 / 16),
    "SimDesign": (rivals.simdesign, 1 / 16),
}


def peer_jobs(scale: float) -> Jobs:
    """Make the jobs with at least so many batches of every size, mean and var."""
    batches = max(320, int(BATCHES * scale))
    design = {"estimators": ["mean", "biased_variance"], "R": -(-batches * SIZES[-1] // FULL_SIZE)}
    jobs: dict[str, Job | str] = {
        "one thread": warmed(**design),
        "two threads": warmed(workers=2, **design),
    }
    for name, (run, share) in RUNS.items():
        count = int(batches * share)
        packaged = name in ("torch", "monaco", "SimDesign")
        reason = rivals.missing(name) if packaged else ""
        jobs[name] = reason or Job(
            partial(run, SIZES, count),
            count / batches,
            warm=None if name == "SimDesign" else partial(run, SIZES[:1], 10),
            how=f"{name}: {HOWS[name]}",
        )
    return jobs


# More sizes, more threads, other estimators.


def log_sizes(count: int) -> list[int]:
    """Return so many whole numbers from 2 to 1,024, evenly spread in the logarithm."""
    points = count
    while len(found := np.unique(np.geomspace(2, 1024, points).round().astype(int))) < count:
        points += 1
    return [int(size) for size in found]


def size_jobs(scale: float) -> Jobs:
    """Make the same sweep with ten and with 35 sizes."""
    R = replications(16_384, scale)
    return {"ten": warmed(R=R), "many": warmed(R=R, batch_sizes=log_sizes(35))}


def compiled_fill(R: int, workers: int) -> None:
    """Draw the normals alone in compiled threads: what a second thread can give on this machine."""
    normal = sn.distributions.distribution("normal")

    def draw(seed: int) -> None:
        rng, out = np.random.Generator(np.random.PCG64DXSM(seed)), np.empty(rivals.BUFFER)
        for _ in range(R * FULL_SIZE // rivals.BUFFER // workers):
            normal.fill(rng, out)

    threads = [threading.Thread(target=draw, args=(seed,)) for seed in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def thread_jobs(scale: float) -> Jobs:
    """Make the same jobs on one and two threads."""
    R = replications(32_768, scale)
    return {
        "one": warmed(R=R),
        "two": warmed(R=R, workers=2),
        "bare one": Job(partial(compiled_fill, R, 1), warm=partial(compiled_fill, LANES, 1)),
        "bare two": Job(partial(compiled_fill, R, 2)),
    }


def order_jobs(scale: float) -> Jobs:
    """Make the order statistics on fewer draws, the moments on more."""
    R, fewer = replications(8_192, scale), replications(512, scale)
    order = ["min", "max", "median", "quantile(q=0.9)"]
    return {
        "moments": warmed(R=R),
        "order": warmed(R=fewer, estimators=order, share=fewer / R),
    }


# The user's own rows.

DATA_ROWS, DATA_COLUMNS = 100_000, 30


def data_jobs(scale: float) -> Jobs:
    """Make the sweep of a table's columns, and numpy's shuffling and statistics of one size."""
    rng = np.random.Generator(np.random.PCG64DXSM(1))
    table = rng.lognormal(size=(DATA_ROWS, DATA_COLUMNS))
    R = max(4, round(32 * scale))
    fewer = max(1, R // 16)

    def swept(replications: int, workers: int) -> None:
        engine.run(rows_design(table, replications), workers=workers)

    return {
        "one": Job(partial(swept, R, 1), warm=partial(swept, 1, 1)),
        "two": Job(partial(swept, R, 2), warm=partial(swept, 1, 2)),
        "numpy": Job(
            partial(rivals.numpy_permuted, table, 16, fewer),
            fewer / R,
            how="numpy on data: Generator.permuted of every column, mean and var of batches of 16",
        ),
    }


def rows_design(table: NDArray[np.float64], replications: int) -> Design:
    """Return the design of the comparison: mean and both variances at ten sizes."""
    return Design.make(
        data=table,
        estimators=["mean", "biased_variance", "unbiased_variance"],
        batch_sizes=SIZES,
        replications=replications,
    )


# The time to an answer of a given precision.

PILOT = 1_024
DEFAULT_SIGMA = {"normal": 1.0, "uniform": 12**-0.5, "laplace": 2**0.5, "exponential": 1.0}


def sets_needed(precision: float) -> dict[str, dict[int, int]]:
    """Return the full sets that each default law and size needs, from a pilot run.

    MCSE / variance falls like 1 / sqrt(R); the hardest of a size's cells counts, where the cell
    has a valid MCSE.
    """
    frame = sn.sweep(replications=PILOT).frame
    cells = frame[(frame["measure"] == "variance") & (frame["status"] == "ok")]
    needed = np.ceil(PILOT * (cells["mcse"] / cells["estimate"] / precision) ** 2)
    found: dict[str, dict[int, int]] = {}
    hardest = needed.groupby([cells["distribution"], cells["batch_size"]]).max()
    for (law, size), most in hardest.items():
        found.setdefault(law, {})[int(size)] = int(most)
    return found


def numpy_to_precision(needed: Mapping[str, Mapping[int, int]], five: object) -> None:
    """Do with numpy what the default sweep does, each law and size as often as it needs."""
    for law, sizes in needed.items():
        sigma = DEFAULT_SIGMA.get(law, (5 / 3) ** 0.5)
        mean = {"uniform": 0.5, "exponential": 1.0}.get(law, 0.0)
        population = [mean, sigma**2, sigma**2, sigma, sigma]
        rivals.numpy_full_sets(law, FULL_SIZE, sizes, population, five)


def precision_jobs(scale: float) -> Jobs:
    """Make the jobs that reach a relative MCSE of 1 %; a fraction of the work reaches less."""
    needed = sets_needed(0.01 / scale**0.5)
    R = max(max(sizes.values()) for sizes in needed.values())
    how = (
        "numpy to 1 %: full sets of 16,384 drawn 32 at a time and cut for all sizes, each size for "
        "as many as it needs; five estimators at every size, errors against both references"
    )
    return {
        "one": Job(partial(sn.sweep, replications=R, workers=1)),
        "all": Job(partial(sn.sweep, replications=R)),
        # Every measure of every cell, at two looks running: more than the rival is asked for.
        "target": Job(partial(sn.sweep, target_mcse=f"{100 * 0.01 / scale**0.5:.6g}%")),
        "numpy": Job(partial(numpy_to_precision, needed, rivals.five_apart), how=how),
        "derived": Job(
            partial(numpy_to_precision, needed, rivals.five_derived),
            how="one var: the same, both variances and both stds from it",
        ),
    }


# Memory and start-up.


def study_job(word: str, **design: object) -> Job:
    """Return a study on one thread as a job; what it compiles is not counted."""
    run = partial(sn.study, word, "normal", workers=1, full_size=FULL_SIZE)
    return Job(partial(run, **design), warm=partial(run, **{**design, "replications": LANES}))


def inputs_jobs(scale: float) -> Jobs:
    """Compare all quantities with numpy's errors of four scalers, at the same ten sizes."""
    R = replications(256, scale)
    return {
        "study": study_job("inputs", replications=R, batch_sizes=SIZES),
        "numpy": Job(partial(rivals.numpy_inputs, SIZES, R, FULL_SIZE)),
    }


def running_jobs(scale: float) -> Jobs:
    """Compare four averages with all they are split into with numpy's one average."""
    R, size, steps = replications(1024, scale), 32, 1000
    return {
        "study": study_job(
            "running", replications=R, batch_sizes=[size], steps=steps, sampling="iid", drift=[0.0]
        ),
        "numpy": Job(partial(rivals.numpy_running, size, steps, R, 0.99)),
    }


def memory_jobs(scale: float) -> Jobs:
    """Make processes that draw a little and a hundred times as much."""

    def peak(draws: int) -> float:
        R = replications(draws // FULL_SIZE, scale)
        return peak_memory(f"import simnorm as sn; sn.sweep('normal', replications={R})")

    return {"little": Job(partial(peak, 10**7)), "much": Job(partial(peak, 10**9))}


TINY = "import simnorm as sn; sn.sweep(replications=64)"


def first_ever() -> float:
    """Return the seconds of a process that finds nothing compiled."""
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        python("-c", TINY, NUMBA_CACHE_DIR=folder)
        return time.perf_counter() - begin


def start_jobs(_scale: float) -> Jobs:
    """Make the first calls; they are what they are, and no fraction of the work is less."""
    return {
        "ever": Job(first_ever),
        "process": Job(partial(python, "-c", TINY), warm=partial(python, "-c", TINY)),
        "tiny": warmed(R=LANES),
    }


def reported(name: str) -> float:
    """Return the seconds of the process that writes a report of the default run, made before."""
    with tempfile.TemporaryDirectory() as folder:
        sn.sweep(out=f"{folder}/run")
        begin = time.perf_counter()
        python("-m", "simnorm", "report", f"{folder}/run", "-q", "-o", f"{folder}/{name}")
        return time.perf_counter() - begin


def report_jobs(_scale: float) -> Jobs:
    """Write the report in both forms; no fraction of the work is less."""
    return {
        "pdf": Job(partial(reported, "report.pdf")),
        "md": Job(partial(reported, "report.md")),
    }


def help_jobs(_scale: float) -> Jobs:
    """Make the two processes."""
    help_, typer = ("-m", "simnorm", "--help"), ("-c", "import typer")
    return {
        "help": Job(partial(python, *help_), warm=partial(python, *help_)),
        "typer": Job(partial(python, *typer), warm=partial(python, *typer)),
    }
