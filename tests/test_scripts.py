"""The scripts and files around the package: there, executable, and as the README says."""

from __future__ import annotations

import json
import math
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from simnorm.cli import app

ROOT = Path(__file__).parent.parent
LOCKS = ["requirements.lock", "requirements-dask.lock", "requirements-dev.lock"]

pytestmark = pytest.mark.skipif(
    not (ROOT / "scripts").is_dir(), reason="the scripts are not part of an installed package"
)


def readme():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    if not text.strip():
        pytest.skip("the README is not written yet")
    return text


def commands_of(text, program):
    """Return the argument lists of the commands that a README shows in code."""
    spans = re.findall(r"`([^`\n]+)`", text)
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = spans + [line for block in blocks for line in block.splitlines()]
    found = []
    for line in lines:
        stripped = line.removeprefix("$ ").strip()
        if re.match(rf"{re.escape(program)}( |$)", stripped):
            words = shlex.split(stripped, comments=True)
            ends = [i for i, word in enumerate(words) if word in {"|", ">", "&&", ";"}]
            found.append(words[1 : min(ends, default=len(words))])
    return found


@pytest.mark.parametrize("name", ["quickstart", "test"])
def test_the_scripts_are_there_and_can_be_run(name):
    """scripts/quickstart and scripts/test exist, are executable and say what runs them."""
    path = ROOT / "scripts" / name
    assert path.is_file()
    assert path.read_text(encoding="utf-8").startswith("#!/bin/sh\n")
    if os.name != "nt":
        assert os.access(path, os.X_OK)


@pytest.mark.skipif(shutil.which("sh") is None, reason="needs a POSIX shell")
@pytest.mark.parametrize("name", ["quickstart", "test", "install.sh", "lock"])
def test_the_scripts_are_clean_sh(name):
    """The shell reads every script without complaint."""
    path = ROOT / "scripts" / name
    done = subprocess.run(["sh", "-n", str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_pins_hashed_packages_and_names_no_place(name):
    """Every requirement is one exact version with hashes; no URL, path or option is in the file."""
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*-(?!-hash=)", text, re.MULTILINE)
    joined = re.sub(r"\\\n", " ", text)
    lines = [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]
    assert len(lines) > 20
    for line in lines:
        assert re.match(
            r"[A-Za-z0-9._-]+==[^\s;]+( ;.*?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*$", line
        ), line[:80]


def test_every_lock_holds_the_smaller_ones():
    """All pin the same versions: the cluster's lock holds the user's, the developer's both."""
    pins = [
        set(
            re.findall(
                r"^([A-Za-z0-9._-]+==[^\s;]+)", (ROOT / name).read_text("utf-8"), re.MULTILINE
            )
        )
        for name in LOCKS
    ]
    assert pins[0] < pins[1] < pins[2]
    assert {pin.partition("==")[0] for pin in pins[1] - pins[0]} >= {"dask", "distributed"}


QUICKSTART = r"""
root=$PWD
. scripts/install.sh
find_home() { echo here; }
mkdir -p .venv
run_pip() { echo "$@" >>asked; }
write_state() { printf '%s\n' "$asked_level" here "$sum_now" >"$venv/simnorm-install"; }
for level in "$@"; do install_simnorm "$level"; done
"""


@pytest.mark.skipif(shutil.which("sh") is None, reason="needs a POSIX shell")
@pytest.mark.parametrize(
    ("levels", "files"),
    [
        (["core", "core"], [""]),
        (["core", "dask", "core", "dask"], ["", "-dask"]),
        (["dask", "core"], ["-dask"]),
        (["dev", "dask", "core"], ["-dev"]),
        (["dask", "dev", "dask"], ["-dask", "-dev"]),
    ],
)
def test_what_was_installed_stays_and_is_not_fetched_again(levels, files, tmp_path):
    """A call for less than there is does nothing; one for more takes the lock that has it."""
    (tmp_path / "scripts").mkdir()
    for name in ["scripts/install.sh", "pyproject.toml", *LOCKS]:
        shutil.copy(ROOT / name, tmp_path / name)
    done = subprocess.run(
        ["sh", "-c", QUICKSTART, "sh", *levels], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    asked = re.findall(r"requirements(-\w+)?\.lock", (tmp_path / "asked").read_text("utf-8"))
    assert asked == files


def test_quickstart_takes_both_of_its_options_in_any_order(tmp_path):
    """`--with-dask` and `--with-torch` stand before the command, alone or together."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    shutil.copy(ROOT / "scripts" / "quickstart", tmp_path / "scripts")
    (tmp_path / "scripts" / "install.sh").write_text(
        'install_simnorm() { echo "install $1"; }\ninstall_torch() { echo torch; }\n'
    )
    program = tmp_path / ".venv" / "bin" / "simnorm"
    program.write_text('#!/bin/sh\necho "simnorm $*"\n')
    program.chmod(0o755)
    for given, said in {
        "--version": "install core\nsimnorm --version\n",
        "--with-dask --version": "install dask\nsimnorm --version\n",
        "--with-torch --with-dask list": "install dask\ntorch\nsimnorm list\n",
        "--with-dask --with-torch list --x": "install dask\ntorch\nsimnorm list --x\n",
    }.items():
        done = subprocess.run(
            ["sh", tmp_path / "scripts" / "quickstart", *given.split()],
            capture_output=True, text=True,
        )  # fmt: skip
        assert (done.returncode, done.stdout) == (0, said), done.stderr


def test_the_lock_covers_what_the_package_asks_for():
    """Every dependency of pyproject.toml is pinned."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (ROOT / LOCKS[0]).read_text(encoding="utf-8")
    for requirement in project["dependencies"]:
        name = re.match(r"[A-Za-z0-9._-]+", requirement).group()
        assert re.search(rf"^{re.escape(name)}==", text, re.MULTILINE), name


def test_the_readme_names_scripts_that_exist():
    """Every scripts/NAME and every relative link of the README exists."""
    text = readme()
    names = set(re.findall(r"\bscripts/([\w.]+\w)", text))
    assert {"quickstart", "test"} <= names
    for name in names:
        assert (ROOT / "scripts" / name).exists(), name
    # Short enough to be read whole; data, batch normalization, precision, the proof, reports, the
    # answer and runs that go on, on one machine or many, took a page of their own each.
    assert len(text.splitlines()) <= 500


def test_the_first_commands_of_the_readme_are_the_two_scripts():
    """The first code block of the README is the two commands that one needs."""
    block = re.search(r"^```\w*\n(.*?)^```", readme(), re.MULTILINE | re.DOTALL).group(1)
    assert block.split() == ["scripts/quickstart", "scripts/test"]


def test_every_simnorm_command_of_the_readme_is_understood():
    """Every `simnorm ...` that the README shows has a command and options that exist."""
    commands = commands_of(readme(), "simnorm")
    of_quickstart = commands_of(readme(), "scripts/quickstart")
    commands += [
        words[words[:1] in (["--with-torch"], ["--with-dask"]) :] for words in of_quickstart
    ]
    assert len(commands) > 5
    for words in commands:
        result = CliRunner().invoke(app, [*words, "--help"])
        assert result.exit_code == 0, (words, result.stderr)
        assert result.stdout.startswith("Usage: simnorm")


def test_designs_of_the_readme_are_designs():
    """The specs and batch sizes of the README's sweeps are of the grammar."""
    from simnorm.design import Design

    names = {
        "--dist": "distributions",
        "--batch-sizes": "batch_sizes",
        "--estimators": "estimators",
        "--full-size": "full_size",
        "--replications": "replications",
        "--seed": "seed",
    }
    for words in commands_of(readme(), "simnorm"):
        values = {
            names[word]: words[i + 1]
            for i, word in enumerate(words)
            if word in names and i + 1 < len(words)
        }
        Design.make(**values)


def test_the_python_of_the_readme_runs(tmp_path, monkeypatch):
    """Every name that the README's Python uses exists (nothing is computed)."""
    import simnorm as sn
    from simnorm.results import Result

    monkeypatch.chdir(tmp_path)
    text = readme()
    for name in set(re.findall(r"\bsn\.(\w+)", text)):
        assert hasattr(sn, name), name
    for name in set(re.findall(r"\bresult\.(\w+)", text)):
        assert hasattr(Result, name) or name in Result.__dataclass_fields__, name


# The benchmark: its numbers are read by people, so tests look at how they come about.


@pytest.fixture
def benchmarking(monkeypatch):
    """Make scripts/ importable, as it is for scripts/benchmark."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import benchmarking.rows
    import benchmarking.tables

    return benchmarking


def ran_benchmark(*arguments):
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "benchmark.py"), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_benchmark_prints_ratio_target_and_verdict():
    """A row chosen by name is measured; JSON holds the values behind the ratio."""
    done = ran_benchmark("--quick", "--only", "draw-uniform", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    (row,) = report["rows"]
    assert row["value"] == pytest.approx(row["of"][0] / row["by"][0])
    assert row["met"] is (row["value"] <= row["limit"])
    assert report["rounds"] == 1
    assert {"Python", "numpy", "simnorm"} <= set(report["versions"])


def test_the_benchmark_names_its_rows_where_none_is_meant():
    """A pattern without rows is answered with the names that there are."""
    done = ran_benchmark("--only", "no such row")
    assert done.returncode == 1
    assert "draw-normal" in done.stderr
    assert "Traceback" not in done.stderr


def test_every_row_has_its_jobs(benchmarking):
    """The jobs that rows divide exist in their group; names of rows are unique."""
    names = [row.name for group in benchmarking.rows.GROUPS for row in group.rows]
    assert len(set(names)) == len(names)
    for group in benchmarking.rows.GROUPS:
        jobs = group.jobs(1 / 64)
        for row in group.rows:
            assert row.over in jobs, row.name
            # Seconds and megabytes stand alone, ratios have two jobs.
            assert (row.under in jobs) is not bool(row.unit), row.name


def test_jobs_take_turns_and_parts_are_scaled_up(benchmarking):
    """Rounds go forth and back; a job's value is divided by its share; ratios go by round."""
    timing, ran = benchmarking.timing, []

    def saying(name, values):
        rest = iter(values)
        return lambda: ran.append(name) or next(rest)

    jobs = {
        "a": timing.Job(saying("a", [1.0, 2.0, 9.0]), warm=lambda: ran.append("warm")),
        "b": timing.Job(saying("b", [1.0, 4.0, 1.0]), share=0.25),
    }
    values = timing.in_turn(jobs, 3)
    assert ran == ["warm", "a", "b", "b", "a", "a", "b"]
    assert values == {"a": [1.0, 2.0, 9.0], "b": [4.0, 16.0, 4.0]}
    # The ratios are 1/4, 1/8 and 9/4; that of the medians would be 1/2.
    assert timing.median_ratio(values["a"], values["b"]) == 0.25
    slept = timing.Job(lambda: time.sleep(0.02), share=0.5).measure()
    assert slept >= 0.04


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a process may inherit a peak")
def test_peak_memory_is_that_of_the_process(benchmarking):
    """Megabytes that the code holds are seen, those of this process are not."""
    here = bytearray(300_000_000)
    little = benchmarking.timing.peak_memory("x = 0")
    more = benchmarking.timing.peak_memory("x = bytearray(100_000_000); del x")
    assert little < 60
    assert 90 < more - little < 115
    assert len(here) == 300_000_000


@pytest.mark.parametrize(
    ("value", "at_least", "met"), [(2, True, True), (1, True, False), (1, False, True)]
)
def test_a_target_is_met_on_its_side(benchmarking, value, at_least, met):
    """A limit of 1.5 is met from above or from below."""
    import benchmark

    row = benchmarking.rows.Row("x", "x", "a", "b", 1.5, at_least)
    assert benchmark.finding(row, {"a": [value], "b": [1.0]}, "")["met"] is met
    gone = benchmark.finding(row, {}, "b is not installed")
    assert (gone["value"], gone["met"]) == (None, None)
    assert benchmarking.tables.verdict(gone) == "b is not installed"


@pytest.mark.parametrize("name", ["numpy_vectorised", "numpy_loop", "torch_loop", "monaco_cases"])
def test_the_rivals_do_the_job(benchmarking, name):
    """Mean squared errors of mean and variance are those of the normal law.

    Var(mean) = 1/n; E (s^2 - 1)^2 = (2n - 1)/n^2 with divisor n and 2/(n - 1) with n - 1, which is
    what torch's running variance has. The spread of these from M batches follows from moments of
    chi2. Bounds of 5.5 standard errors are missed by chance once in 10,000 times, the skewness of
    the squares counted in; the wrong divisor is off by 19 at n = 4.
    """
    packaged = {"torch_loop": "torch", "monaco_cases": "monaco"}
    if name in packaged:
        pytest.importorskip(packaged[name])
    sizes, M = [4, 16], 4_000
    found = getattr(benchmarking.rivals, name)(sizes, M)
    for n, (mean, variance) in zip(sizes, found, strict=True):
        divisor = n - 1 if name == "torch_loop" else n
        m1, m2, m3, m4 = (chi2_moment(n - 1, r) / divisor**r for r in (1, 2, 3, 4))
        squared = m2 - 2 * m1 + 1
        fourth = m4 - 4 * m3 + 6 * m2 - 4 * m1 + 1
        assert squared == pytest.approx(2 / (n - 1) if divisor < n else (2 * n - 1) / n**2)
        assert abs(mean - 1 / n) < 5.5 * math.sqrt(2 / M) / n
        assert abs(variance - squared) < 5.5 * math.sqrt((fourth - squared**2) / M)


def chi2_moment(df, r):
    """E X^r = df (df + 2) ... (df + 2r - 2)."""
    return math.prod(df + 2 * i for i in range(r))


def test_the_numpy_shuffle_does_the_job(benchmarking):
    """The means of batch means are the columns'; of biased variances (n-1)/n N/(N-1) of theirs."""
    table = np.random.Generator(np.random.PCG64DXSM(2)).standard_normal((64, 3))
    mean, variance = benchmarking.rivals.numpy_permuted(table, 16, 2000)
    assert mean == pytest.approx(table.mean(axis=0), abs=1e-12)
    assert variance == pytest.approx(table.var(axis=0) * 15 / 16 * 64 / 63, rel=0.02)


@pytest.mark.parametrize("five", ["five_apart", "five_derived"])
def test_the_numpy_sweep_does_the_job(benchmarking, five):
    """Mean squared errors agree with exact theory, for both references, by full set.

    16 z-values within 5: by chance one is beyond once in 20,000 times (t with 511 degrees of
    freedom, and some skewness).
    """
    import simnorm as sn

    rivals, N, n, R = benchmarking.rivals, 64, 8, 512
    needed = {n: R, 32: 40}
    population = [0.0, 1.0, 1.0, 1.0, 1.0]
    found = rivals.numpy_full_sets("normal", N, needed, population, getattr(rivals, five))
    # A size that needs less stops at the end of its chunk.
    assert {size: rows.shape for size, rows in found.items()} == {
        n: (2, R, 5, 2),
        32: (2, 64, 5, 2),
    }
    squares = found[n][1]
    mean, mcse = squares.mean(axis=0), squares.std(axis=0, ddof=1) / math.sqrt(R)
    for i, word in enumerate(["mean", "biased_variance", "unbiased_variance"]):
        for j, against in enumerate((N, None)):
            variance = sn.theory.variance_of(word, n=n, N=against, excess_kurtosis=0.0)
            bias = sn.theory.bias_of(word, n=n, N=against, excess_kurtosis=0.0)
            assert abs(mean[i, j] - (variance + bias**2)) < 5 * mcse[i, j], (word, against)
    # What is derived is what is called, to rounding.
    apart = rivals.numpy_full_sets("normal", N, {n: 32}, population)
    assert abs(apart[n] - found[n][:, :32]).max() < 1e-12


def test_the_table_of_the_readme_is_written_between_its_markers(benchmarking, tmp_path):
    """Lines that share a label stand side by side; a look at a fraction is refused."""
    tables = benchmarking.tables
    path = tmp_path / "README.md"
    path.write_text(f"before\n{tables.BEGIN}\nold\n{tables.END}\nafter\n", encoding="utf-8")
    plain = {"unit": "", "limit": 1, "at_least": False, "short": "", "why_not": "", "met": True}
    rows = [
        {**plain, "what": "x", "readme": "line", "short": "one", "value": 0.567},
        {**plain, "what": "y", "readme": "line", "short": "two", "value": 12.34},
        {**plain, "what": "z", "readme": "", "value": 3.0},
        {**plain, "what": "w", "readme": "gone", "value": None},
    ]
    tables.write_readme(path, {"scale": 1.0, "rows": rows})
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "before"
    assert lines[-1] == "after"
    assert lines[4:-2] == ["| line | one 0.57, two 12.3 |"]
    with pytest.raises(SystemExit, match="fraction"):
        tables.write_readme(path, {"scale": 0.1, "rows": rows})
    assert readme().count(tables.BEGIN) == readme().count(tables.END) == 1


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="needs R")
def test_the_program_for_simdesign_is_r(benchmarking):
    """R reads the program; whether SimDesign is there or not."""
    program = benchmarking.rivals.simdesign_program([2, 4], 10)
    code = f"invisible(parse(text = {json.dumps(program)}))"
    done = subprocess.run(["Rscript", "-e", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
