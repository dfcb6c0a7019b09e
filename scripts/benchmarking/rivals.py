"""The jobs as they are written without simnorm, each as its users would write it.

`BATCHES` batches of every size, mean and variance of each, then the mean squared error of both
about the population's values: every function returns these, shape (sizes, 2), so that a test can
tell that the work was done.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, object], Floats]

# numpy's own draws of the standard laws, by simnorm's names.
DRAWS: dict[str, Draw] = {
    "normal": lambda rng, size: rng.standard_normal(size),
    "uniform": lambda rng, size: rng.random(size),
    "laplace": lambda rng, size: rng.laplace(size=size),
    "exponential": lambda rng, size: rng.standard_exponential(size),
    "t(df=5)": lambda rng, size: rng.standard_t(5, size),
    "lognormal(s=1)": lambda rng, size: rng.lognormal(size=size),
}
# The same into an array that is there already, where numpy can.
FILLS: dict[str, Callable[[np.random.Generator, Floats], object]] = {
    "normal": lambda rng, out: rng.standard_normal(out=out),
    "uniform": lambda rng, out: rng.random(out=out),
    "exponential": lambda rng, out: rng.standard_exponential(out=out),
    "gamma(a=2)": lambda rng, out: rng.standard_gamma(2.0, out=out),
    "laplace": lambda rng, out: rng.laplace(size=out.size),
    "lognormal(s=1)": lambda rng, out: rng.lognormal(size=out.size),
    "t(df=5)": lambda rng, out: rng.standard_t(5, out.size),
}
BUFFER = 1 << 15
# Full sets that numpy takes at a time: a few megabytes, as fast as any number that was tried.
CHUNK = 32


def numpy_fill(law: str, draws: int) -> None:
    """Draw with numpy alone, from the kind of generator that simnorm uses."""
    rng, out = np.random.Generator(np.random.PCG64DXSM(1)), np.empty(BUFFER)
    for _ in range(draws // BUFFER):
        FILLS[law](rng, out)


def numpy_permuted(table: Floats, size: int, replications: int) -> Floats:
    """Shuffle every column of a table and take mean and variance of its batches of one size."""
    rng, columns = np.random.Generator(np.random.PCG64DXSM(1)), np.ascontiguousarray(table.T)
    found = np.zeros((2, len(columns)))
    for _ in range(replications):
        shuffled = rng.permuted(columns, axis=1)
        batches = shuffled[:, : len(table) // size * size].reshape(len(columns), -1, size)
        found += [batches.mean(axis=2).mean(axis=1), batches.var(axis=2).mean(axis=1)]
    return found / replications


def numpy_inputs(sizes: Sequence[int], replications: int, full_size: int) -> Floats:
    """Take the errors of four scalers fitted to batches against those of the full set.

    Z-score, min-max, robust and quantile scaling, vectorised over the batches of a full set; what
    else the study tells (shape of the outputs, worst cases, unseen values) is left out.
    """
    rng, total = np.random.Generator(np.random.PCG64DXSM(0)), np.zeros((4, len(sizes)))
    for _ in range(replications):
        x = rng.standard_normal(full_size)
        whole = _scaled(x[np.newaxis])
        for j, size in enumerate(sizes):
            batches = _scaled(x[: full_size // size * size].reshape(-1, size))
            for i, (part, full) in enumerate(zip(batches, whole, strict=True)):
                error = part.ravel() - full[0, : part.size]
                total[i, j] += (error * error).mean()
    return np.sqrt(total / replications)


def _scaled(x: Floats) -> list[Floats]:
    """Return batches scaled in four ways, shape (batches, values)."""
    low, q1, median, q3, high = np.quantile(x, [0, 0.25, 0.5, 0.75, 1], axis=1, keepdims=True)
    ranks = x.argsort(axis=1).argsort(axis=1)
    mean, std = x.mean(axis=1, keepdims=True), x.std(axis=1, keepdims=True)
    pairs = ((x - mean, std), (x - low, high - low), (x - median, q3 - q1))
    scaled = [value / scale for value, scale in pairs]
    return [*scaled, (ranks + 0.5) / x.shape[1]]


def numpy_running(size: int, steps: int, replications: int, momentum: float) -> None:
    """Take the error of running averages at inference, all replications side by side."""
    rng = np.random.Generator(np.random.PCG64DXSM(0))
    mean, variance = np.zeros(replications), np.ones(replications)
    for _ in range(steps):
        x = rng.standard_normal((replications, size))
        mean = momentum * mean + (1 - momentum) * x.mean(axis=1)
        variance = momentum * variance + (1 - momentum) * x.var(axis=1)
    scale = 1 / np.sqrt(variance)
    summary((scale - 1) ** 2 + (mean * scale) ** 2, scale)


def scipy_rvs(name: str, shapes: Mapping[str, float], draws: int) -> None:
    """Draw with scipy.stats alone."""
    from scipy import stats

    law, rng = getattr(stats, name), np.random.Generator(np.random.PCG64DXSM(1))
    for _ in range(draws // BUFFER):
        law.rvs(**shapes, size=BUFFER, random_state=rng)


def summary(means: Floats, variances: Floats) -> tuple[float, float]:
    """Return the mean squared error of the batch means and variances of a standard normal."""
    return float(np.mean(means**2)), float(np.mean((variances - 1.0) ** 2))


def numpy_vectorised(sizes: Sequence[int], batches: int) -> Floats:
    """Draw one array of (batches, size) for each size."""
    rng = np.random.default_rng(1)
    found = []
    for size in sizes:
        x = rng.standard_normal((batches, size))
        found.append(summary(x.mean(axis=1), x.var(axis=1)))
    return np.array(found)


def numpy_loop(sizes: Sequence[int], batches: int) -> Floats:
    """Draw batch by batch, as a first script would."""
    rng = np.random.default_rng(1)
    found = []
    for size in sizes:
        means, variances = np.empty(batches), np.empty(batches)
        for i in range(batches):
            x = rng.standard_normal(size)
            means[i], variances[i] = x.mean(), x.var()
        found.append(summary(means, variances))
    return np.array(found)


def torch_loop(sizes: Sequence[int], batches: int) -> Floats:
    """Send batch by batch through a layer in training mode, whose buffers keep the last batch's."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(1)
    found = []
    for size in sizes:
        layer = torch.nn.BatchNorm1d(1, momentum=1.0)
        kept = torch.empty(batches, 2)
        with torch.no_grad():
            for i in range(batches):
                layer(torch.randn(size, 1))
                kept[i, 0], kept[i, 1] = layer.running_mean[0], layer.running_var[0]
        found.append(summary(*kept.double().numpy().T))
    return np.array(found)


def monaco_cases(sizes: Sequence[int], batches: int) -> Floats:
    """Make one simulation of each size, one case of each batch; the random input is its seed."""
    from monaco import Sim
    from scipy.stats import randint

    found = []
    for size in sizes:

        def before(case, size=size):  # type: ignore[no-untyped-def]
            return case.invals["seed"].val, size

        def run(seed, size):  # type: ignore[no-untyped-def]
            x = np.random.default_rng(int(seed)).standard_normal(size)
            return x.mean(), x.var()

        def after(case, mean, variance):  # type: ignore[no-untyped-def]
            case.addOutVal("mean", mean)
            case.addOutVal("variance", variance)

        sim = Sim(
            "batches",
            batches,
            {"preprocess": before, "run": run, "postprocess": after},
            samplemethod="random",
            seed=1,
            singlethreaded=True,
            verbose=False,
        )
        sim.addInVar("seed", randint, {"low": 0, "high": 2**31})
        sim.runSim()
        outs = [np.array(sim.outvars[name].nums, dtype=float) for name in ("mean", "variance")]
        found.append(summary(*outs))
    return np.array(found)


SIMDESIGN = """
suppressPackageStartupMessages(library(SimDesign))
design <- createDesign(n = c(SIZES))
generate <- function(condition, fixed_objects) rnorm(condition$n)
analyse <- function(condition, dat, fixed_objects) c(mean = mean(dat), var = var(dat))
summarise <- function(condition, results, fixed_objects) {
  errors <- cbind(results[, 1], results[, 2] - 1)
  c(mean = mean(errors[, 1]^2), var = mean(errors[, 2]^2))
}
seconds <- system.time(found <- runSimulation(
  design, replications = BATCHES, generate = generate, analyse = analyse,
  summarise = summarise, verbose = FALSE, save = FALSE
))[["elapsed"]]
cat(seconds, found$mean, found$var)
"""


def simdesign_program(sizes: Sequence[int], batches: int) -> str:
    """Return the R program, which prints its seconds and what it found."""
    text = SIMDESIGN.replace("SIZES", ", ".join(map(str, sizes)))
    return text.replace("BATCHES", str(batches))


def simdesign(sizes: Sequence[int], batches: int) -> float:
    """Return the seconds that runSimulation takes on one core, R's start not counted."""
    program = simdesign_program(sizes, batches)
    done = subprocess.run(["Rscript", "-e", program], capture_output=True, check=True, text=True)
    return float(done.stdout.split()[0])


def missing(name: str) -> str:
    """Return why a rival cannot run; nothing where it can."""
    if name != "SimDesign":
        return "" if importlib.util.find_spec(name) else f"{name} is not installed"
    if shutil.which("Rscript") is None:
        return "R is not installed"
    asked = ["Rscript", "-e", "quit(status = !requireNamespace('SimDesign', quietly = TRUE))"]
    there = subprocess.run(asked, capture_output=True, check=False).returncode == 0
    return "" if there else "SimDesign is not installed in R"


FIVE: tuple[Callable[[Floats], Floats], ...] = (
    lambda x: x.mean(axis=-1),
    lambda x: x.var(axis=-1),
    lambda x: x.var(axis=-1, ddof=1),
    lambda x: x.std(axis=-1),
    lambda x: x.std(axis=-1, ddof=1),
)


def five_apart(x: Floats) -> list[Floats]:
    """Call the five estimators, each on the data."""
    return [estimator(x) for estimator in FIVE]


def five_derived(x: Floats) -> list[Floats]:
    """Take the mean and the variance from the data and the others from the variance."""
    variance, n = x.var(axis=-1), x.shape[-1]
    unbiased = variance * (n / (n - 1))
    return [x.mean(axis=-1), variance, unbiased, np.sqrt(variance), np.sqrt(unbiased)]


def numpy_full_sets(
    law: str,
    full_size: int,
    needed: Mapping[int, int],
    population: Sequence[float],
    five: Callable[[Floats], list[Floats]] = five_apart,
) -> dict[int, Floats]:
    """Do the whole sweep: errors against the batch's own full set and the population.

    Full sets are drawn a few at a time and cut into batches of every size, and a size is left out
    as soon as it has had as many full sets as it needs.

    Returns
    -------
    dict
        For each size the mean errors A and mean squared errors Q of every full set, shape
        (A and Q, full sets, estimators, references).
    """
    rng = np.random.default_rng(1)
    found: dict[int, list[Floats]] = {size: [] for size in needed}
    for first in range(0, max(needed.values()), CHUNK):
        x = DRAWS[law](rng, (CHUNK, full_size))
        whole = five(x)
        for size, most in needed.items():
            if first >= most:
                continue
            rows = np.empty((2, CHUNK, len(whole), 2))
            for i, values in enumerate(five(x.reshape(CHUNK, -1, size))):
                for j, reference in enumerate((whole[i][:, np.newaxis], population[i])):
                    errors = values - reference
                    rows[0, :, i, j] = errors.mean(axis=1)
                    rows[1, :, i, j] = np.square(errors).mean(axis=1)
            found[size].append(rows)
    return {size: np.concatenate(parts, axis=1) for size, parts in found.items()}
