"""What is compared with what, and the targets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from benchmarking import jobs


@dataclass(frozen=True)
class Row:
    """A number: `over` / `under`, or `over` alone where `unit` says in what.

    Parameters
    ----------
    name
        What --only looks for, beside `what`.
    what
        The line in the table.
    over, under
        Jobs of the row's group.
    limit, at_least
        The target: at most so much, or at least; none where the number only explains another.
    unit
        Of a number that is no ratio.
    readme, short
        The line of the README's table it stands in, none if empty, and its name there.
    """

    name: str
    what: str
    over: str
    under: str = ""
    limit: float | None = None
    at_least: bool = False
    unit: str = ""
    readme: str = ""
    short: str = ""


at_least = partial(Row, at_least=True)


@dataclass(frozen=True)
class Group:
    """Rows whose jobs take turns; `jobs` makes them for a fraction of the work."""

    rows: list[Row]
    jobs: Callable[[float], jobs.Jobs]


def against_numpy(name: str, law: str, limit: float) -> Group:
    """Compare the sweep of a law with drawing it alone."""
    what = f"sweep of {law}, one thread / numpy drawing alone"
    line = "the sweep on one thread / numpy drawing as many numbers"
    row = Row(f"draw-{name}", what, "sweep", "numpy", limit, readme=line, short=law)
    return Group([row], partial(jobs.fill_jobs, law))


def against_scipy(law: str, function: str, **shapes: float) -> Group:
    """Compare the sweep of a law that only scipy draws with drawing it alone."""
    what = f"sweep of {law}, one thread / scipy's rvs alone"
    line = "the sweep on one thread / scipy's `rvs` drawing as many numbers"
    row = Row(f"draw-{function}", what, "sweep", "scipy", 0.5, readme=line, short=function)
    return Group([row], partial(jobs.rvs_jobs, law, function, shapes))


def slow_peer(name: str, what: str, over: str, limit: float) -> Row:
    """Compare a rival that goes batch by batch."""
    line = "batch by batch / the sweep on one thread, the same job"
    what = f"{what} / the sweep on one thread"
    return at_least(name, what, over, "one thread", limit, readme=line, short=over)


def numpy_peer(name: str, threads: str, limit: float) -> Row:
    """Compare with what a practised numpy user writes."""
    line = "vectorised numpy / the sweep, 20,000 batches or more of every size"
    what = f"vectorised numpy / the sweep on {threads}"
    return at_least(name, what, "vectorised", threads, limit, readme=line, short=threads)


DRAWS = [
    against_numpy("normal", "normal", 0.6),
    against_numpy("laplace", "laplace", 0.6),
    against_numpy("lognormal", "lognormal(s=1)", 0.6),
    against_numpy("gamma", "gamma(a=2)", 0.6),
    against_numpy("t", "t(df=5)", 0.4),
    against_numpy("exponential", "exponential", 1.5),
    against_numpy("uniform", "uniform", 2.5),
    against_scipy("skewnormal(a=4)", "skewnorm", a=4.0),
    against_scipy("scipy.genextreme(c=-0.1)", "genextreme", c=-0.1),
]
PEERS = [
    numpy_peer("vectorised-one", "one thread", 5),
    numpy_peer("vectorised-two", "two threads", 9),
    slow_peer("loop", "numpy, a loop over batches", "numpy", 30),
    slow_peer("torch", "torch BatchNorm1d, a loop over batches", "torch", 60),
    slow_peer("monaco", "monaco", "monaco", 120),
    slow_peer("simdesign", "SimDesign (R)", "SimDesign", 300),
]
SIZES = [Row("sizes", "35 batch sizes / 10", "many", "ten", 2, readme="35 batch sizes / ten")]
TURNS = "the sweep on one thread / on two"
THREADS = [
    at_least("threads", TURNS, "one", "two", 1.8, readme=TURNS),
    Row(
        "threads-bare",
        "  the machine's own limit: bare compiled drawing",
        "bare one",
        "bare two",
        readme=TURNS,
        short="compiled drawing alone",
    ),
]
ORDER = [
    Row(
        "order",
        "min, max, median, quantile(q=0.9) / the moment estimators, per draw",
        "order",
        "moments",
        12,
        readme="min, max, median, quantile(q=0.9) / the moment estimators, per draw",
    )
]
PRECISE = "numpy / the default sweep, until every variance has an MCSE of 1 %"
PRECISION = [
    at_least("precision", PRECISE, "numpy", "all", 15, readme=PRECISE),
    Row("precision-one", "  the same, the sweep on one thread", "numpy", "one"),
    Row("precision-target", "  with --target-mcse 1%: every measure, two looks", "numpy", "target"),
    Row("precision-derived", "  numpy with one var for four estimators", "derived", "all"),
]
PEAK = "peak memory, 10^9 draws / 10^7"
ROWS = "rows of data, ten batch sizes / numpy shuffling for one, per value"
DATA = [
    Row(
        "data",
        "30 columns x 100,000 rows on two threads, ten sizes / permuted, mean, var for one",
        "two",
        "numpy",
        0.6,
        readme=ROWS,
        short="two threads",
    ),
    Row("data-one", "  the same on one thread", "one", "numpy", readme=ROWS, short="one"),
]
INPUTS = "study inputs on one thread / vectorised numpy, four scalers' errors alone"
STUDIES = [Row("inputs", INPUTS, "study", "numpy", 0.5, readme=INPUTS)]
RUNNING = "study running, four averages, on one thread / vectorised numpy, one average"
AVERAGES = [Row("running", RUNNING, "study", "numpy", 1, readme=RUNNING)]
MEMORY = [
    Row("memory", PEAK, "much", "little", 1.05, readme=PEAK),
    Row("memory-mb", "peak memory at 10^9 draws", "much", "", 300, unit="MB"),
]
# Seconds are no ratios: they are as slow as the machine is at the time.
START = [
    Row("start-ever", "default sweep, R = 64, nothing compiled yet", "ever", "", 6, unit="s"),
    Row("start-process", "default sweep, R = 64, in a new process", "process", "", 1.2, unit="s"),
    Row("start-tiny", "10^6 draws in a process that has run", "tiny", "", 0.6, unit="s"),
]
# A process from its start to its end, of a run that is there.
REPORTS = [
    Row("report-pdf", "report of the default run", "pdf", "", 5, unit="s"),
    Row("report-md", "  the same as Markdown, with its pictures", "md", "", 5, unit="s"),
]
HELP = [Row("help", "simnorm --help / python -c 'import typer'", "help", "typer", 3)]

GROUPS = [
    *DRAWS,
    Group(PEERS, jobs.peer_jobs),
    Group(SIZES, jobs.size_jobs),
    Group(THREADS, jobs.thread_jobs),
    Group(ORDER, jobs.order_jobs),
    Group(PRECISION, jobs.precision_jobs),
    Group(DATA, jobs.data_jobs),
    Group(STUDIES, jobs.inputs_jobs),
    Group(AVERAGES, jobs.running_jobs),
    Group(MEMORY, jobs.memory_jobs),
    Group(START, jobs.start_jobs),
    Group(REPORTS, jobs.report_jobs),
    Group(HELP, jobs.help_jobs),
]
