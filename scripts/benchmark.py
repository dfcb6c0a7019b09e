"""Speed and memory as ratios in one run: the rivals take turns, and medians are compared.

Absolute times swing by a factor of two on shared machines; ratios of things that ran in turn do
not. Nothing here is a test: a number above its target is printed, not failed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import numpy as np

import simnorm as sn

FULL_SIZE = 16_384
SIZES = [2**k for k in range(1, 11)]
# Batches of every size in the comparison with what people write themselves.
BATCHES = 20_000


def numpy_fill(replications: int) -> None:
    """Draw the sweep's normals with numpy alone, from the same kind of generator."""
    rng = np.random.Generator(np.random.PCG64DXSM(1))
    out = np.empty(1 << 15)
    for _ in range(replications * FULL_SIZE // out.size):
        rng.standard_normal(out=out)


def compiled_fill(replications: int, workers: int) -> None:
    """Draw the normals alone in compiled threads: what a second thread can give on this machine."""
    from simnorm.kernels import fill_normal

    def draw(seed: int) -> None:
        rng, out = np.random.Generator(np.random.PCG64DXSM(seed)), np.empty((64, FULL_SIZE))
        for _ in range(replications // 64 // workers):
            fill_normal(rng, out)

    threads = [threading.Thread(target=draw, args=(seed,)) for seed in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def sweep(replications: int, workers: int) -> None:
    """Run the whole sweep: ten sizes, five moment estimators, errors, theory and table."""
    sn.sweep(
        "normal",
        batch_sizes=SIZES,
        full_size=FULL_SIZE,
        replications=replications,
        workers=workers,
    )


def numpy_loop(batches: int) -> None:
    """Do the job as a first script would: a loop over batches."""
    rng = np.random.default_rng(1)
    for size in SIZES:
        found = np.empty((batches, 5))
        for i in range(batches):
            x = rng.standard_normal(size)
            found[i] = x.mean(), x.var(), x.var(ddof=1), x.std(), x.std(ddof=1)
        (found * found).mean(axis=0)


def numpy_vectorised(batches: int) -> None:
    """Do the job as a practised numpy user would: one array for each size."""
    rng = np.random.default_rng(1)
    for size in SIZES:
        x = rng.standard_normal((batches, size))
        for found in (x.mean(1), x.var(1), x.var(1, ddof=1), x.std(1), x.std(1, ddof=1)):
            (found.mean(), (found * found).mean())


def torch_loop(batches: int) -> Callable[[], None] | None:
    """Return the job as torch would do it, a layer in training mode, or None without torch."""
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(1)

    def job() -> None:
        for size in SIZES:
            layer = torch.nn.BatchNorm1d(1, momentum=1.0)  # keeps the last batch's statistics
            found = torch.empty(batches, 2)
            with torch.no_grad():
                for i in range(batches):
                    layer(torch.randn(size, 1))
                    found[i, 0], found[i, 1] = layer.running_mean[0], layer.running_var[0]

    return job


def in_turn(jobs: dict[str, Callable[[], None]], rounds: int) -> dict[str, float]:
    """Return every job's median seconds, the jobs taking turns."""
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            begin = time.perf_counter()
            job()
            seconds[name].append(time.perf_counter() - begin)
    return {name: statistics.median(values) for name, values in seconds.items()}


def peak_memory(draws: int) -> int:
    """Return the peak resident kilobytes of a process that sweeps so many draws."""
    code = (
        "import resource, simnorm as sn;"
        f"sn.sweep('normal', full_size={FULL_SIZE}, replications={draws // FULL_SIZE});"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    return int(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)


def process(*arguments: str) -> Callable[[], None]:
    """Return a job that runs a fresh Python process."""
    return lambda: void(
        subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
    )


def void(_: object) -> None:
    """Drop a value."""


def measured(rounds: int, scale: float) -> list[tuple[str, float, str]]:
    """Return (what, ratio, target) for every comparison."""
    rows: list[tuple[str, float, str]] = []
    replications = max(256, int(65_536 * scale))
    sweep(64, 1)  # compiles, so that it is not timed
    times = in_turn(
        {
            "fill": lambda: numpy_fill(replications),
            "one": lambda: sweep(replications, 1),
            "two": lambda: sweep(replications, 2),
            "fill one": lambda: compiled_fill(replications // 2, 1),
            "fill two": lambda: compiled_fill(replications // 2, 2),
        },
        rounds,
    )
    rows.append(
        ("sweep, one thread / numpy drawing alone", times["one"] / times["fill"], "<= 0.75")
    )
    rows.append(("sweep, one thread / two threads", times["one"] / times["two"], ">= 1.8"))
    limit = times["fill one"] / times["fill two"]
    rows.append(("    bare compiled drawing, one thread / two threads", limit, "its limit here"))

    batches = max(500, int(BATCHES * min(1.0, 4 * scale)))
    needed = -(-batches * max(SIZES) // FULL_SIZE)
    jobs = {
        "sweep": lambda: sweep(needed, 1),
        "numpy, vectorised": lambda: numpy_vectorised(batches),
        "numpy, a loop over batches": lambda: numpy_loop(batches),
    }
    if torch_job := torch_loop(batches):
        jobs["torch BatchNorm1d, a loop over batches"] = torch_job
    times = in_turn(jobs, rounds)
    rows += [
        (f"{name} / sweep, {batches:,} batches of each size", times[name] / times["sweep"], "")
        for name in jobs
        if name != "sweep"
    ]

    times = in_turn(
        {"help": process("-m", "simnorm", "--help"), "typer": process("-c", "import typer")},
        max(rounds, 5),
    )
    rows.append(
        ("simnorm --help / python -c 'import typer'", times["help"] / times["typer"], "<= 3")
    )

    large = int(10**9 * scale)
    rows.append(
        (
            f"peak memory, {large:.0e} / {large // 100:.0e} draws",
            peak_memory(large) / peak_memory(large // 100),
            "<= 1.10",
        )
    )
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="scripts/benchmark", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="turns of each rival [5]")
    parser.add_argument("--quick", action="store_true", help="a sixteenth of the work")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    rows = measured(options.rounds, 1 / 16 if options.quick else 1.0)
    if options.json:
        print(json.dumps([{"what": w, "ratio": r, "target": t} for w, r, t in rows]))
        return
    width = max(len(what) for what, _, _ in rows)
    print(f"{'':<{width}}   ratio  target")
    for what, ratio, target in rows:
        print(f"{what:<{width}}  {ratio:6.2f}  {target}")


if __name__ == "__main__":
    main()
