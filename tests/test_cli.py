"""The command line: words in, table or JSON out, one line for every mistake."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import simnorm
from simnorm.cli import app
from simnorm.design import Design
from simnorm.distributions import DISTRIBUTIONS
from simnorm.estimators import ESTIMATORS
from simnorm.tables import ALL_MEASURES

SMALL = ["--full-size", "16", "--batch-sizes", "2,5,16", "--replications", "60"]
SWEEP = ["sweep", *SMALL, "--dist", "normal", "--estimators", "mean,std"]
COMMANDS = ["sweep", "solve", "run", "report", "list", "study"]
HEAVY = ["numpy", "pandas", "seaborn", "matplotlib", "scipy", "numba", "sklearn"]


@pytest.fixture(autouse=True)
def empty_cwd(tmp_path, monkeypatch):
    """Run every test in an empty folder of its own, 80 columns wide."""
    folder = tmp_path / "cwd"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")
    return folder


def call(*arguments):
    """Run a command in this process; an exception of it is a failure of the test."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@contextlib.contextmanager
def program(*arguments, **options):
    """Run the command in a process of its own, which does not outlive the block."""
    # Where the tests run in the background, a shell has told all of them to ignore Ctrl-C.
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from simnorm.cli import main; main()"
    )
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
    command = [sys.executable, "-c", code, *map(str, arguments)]
    with subprocess.Popen(command, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# What every command does


def test_sweep_prints_a_table_and_leaves_a_run(empty_cwd):
    """stdout is the table; the paths go to stderr; the run folder has its default name."""
    result = call(*SWEEP)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith("Batches against the full set of N = 16")
    assert "normal" in lines
    rows = [line for line in lines if re.match(r" +\d+ ", line)]
    assert [int(line.split()[0]) for line in rows] == [2, 5, 16]
    assert "\u00b1" in rows[0]
    # Not 16, the full set, whose errors are all 0.
    assert "At batch size 5" in result.stdout
    folder = next((empty_cwd / "runs").iterdir())
    assert re.fullmatch(r"sweep-[0-9a-f]{8}", folder.name)
    said = f"run: runs/{folder.name}\nfor a PDF: simnorm report runs/{folder.name}\n"
    assert result.stderr == said
    assert files(folder) == [
        "curves.csv",
        "design.toml",
        "provenance.json",
        "results.csv",
        "run.db",
        "run.lock",
    ]


def test_the_table_shows_the_numbers_of_the_results(empty_cwd):
    """The estimate and the exact value in a line are those of results.csv, rounded."""
    result = call(*SWEEP, "-o", "run")
    with (empty_cwd / "run" / "results.csv").open(encoding="utf-8", newline="") as file:
        rows = {
            (row["estimator"], row["batch_size"]): row
            for row in csv.DictReader(file)
            if (row["measure"], row["reference"]) == ("relative_rmse", "full_set")
        }
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("     5 ")]
    size, *numbers = re.findall(r"\d+(?:\.\d+)?", line)
    assert size == "5"
    expected = []
    for kind, factor in (("mean", 1.0), ("std(ddof=0)", 100.0)):
        row = rows[kind, "5"]
        expected += [factor * float(row[name]) for name in ("estimate", "mcse", "theory")]
    assert len(numbers) == len(expected)
    for text, value in zip(numbers, expected, strict=True):
        decimals = len(text.partition(".")[2])
        assert float(text) == pytest.approx(value, abs=0.5001 * 10.0**-decimals)


def test_json_is_one_document_and_nothing_else(empty_cwd):
    """With --json stdout is pure JSON: design, folder, provenance and every row, null for empty."""
    result = call(*SWEEP, "--json", "--seed", 2**128 - 1, "-o", "run")
    document = json.loads(result.stdout, parse_constant=lambda text: pytest.fail(text))
    assert document["design"] == {
        **Design.from_file(empty_cwd / "run" / "design.toml").to_dict(),
        "seed": 2**128 - 1,
    }
    assert document["folder"] == "run"
    assert document["provenance"]["command"].startswith("simnorm")
    with (empty_cwd / "run" / "results.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert len(document["results"]) == len(table)
    # Beside these, cells whose error bar is doubtful have quantiles.
    assert sum(row["measure"] in ALL_MEASURES for row in table) == 2 * 3 * 2 * 8
    for row, texts in zip(document["results"], table, strict=True):
        assert list(row) == list(texts)
        for name, value in row.items():
            text = texts[name]
            assert text == ("" if value is None else str(value)) or float(text) == value
    assert any(row["z"] is None for row in document["results"])


def test_notes_go_to_stderr():
    """What was dropped or cut is noted on stderr, and does not touch the table."""
    plain = call(*SWEEP)
    noted = call(*SWEEP, "--batch-sizes", "2,5,16,5,16:99:x2", "--dist", "normal,normal")
    assert noted.stdout == plain.stdout
    notes = [line for line in noted.stderr.splitlines() if line.startswith("note: ")]
    assert notes == [
        "note: batch_sizes: 16:99:x2 is cut at N = 16",
        "note: batch_sizes: 5, 16 given more than once, used once",
        "note: distributions: normal given more than once, used once",
    ]


def test_quiet_leaves_stderr_empty():
    """With -q there is no note, path or progress; the table is the same."""
    result = call(*SWEEP, "-q", "--batch-sizes", "2,5,16,5", "-v")
    assert result.stderr == ""
    assert result.stdout == call(*SWEEP).stdout


def test_verbose_tells_how_the_run_went():
    """With -v stderr says draws, time, threads and reducer; stdout is the same."""
    result = call(*SWEEP, "-v", "--workers", "2")
    assert "draws in" in result.stderr
    assert "2 threads" in result.stderr
    assert result.stdout == call(*SWEEP).stdout


@pytest.mark.parametrize("more", [[], ["--json"], ["-q"], ["--report", "a.pdf", "-o", "there"]])
def test_a_dry_run_writes_nothing(more, empty_cwd):
    """--dry-run prints cells, draws, time, memory and folder, and leaves no file behind."""
    result = call(*SWEEP, "--dry-run", *more)
    assert result.exit_code == 0
    assert list(empty_cwd.iterdir()) == []
    if not more:
        for word in ("cells", "draws", "time", "memory", "run folder", "seed"):
            assert re.search(rf"^{word}.*:", result.stdout, re.MULTILINE), word
        assert re.search(r"^cells: +12$", result.stdout, re.MULTILINE)


def test_a_dry_run_of_a_huge_design_is_quick(empty_cwd):
    """What would take years is foretold in seconds."""
    begin = time.perf_counter()
    result = call("sweep", "--replications", 10**10, "--full-size", 2**31 - 1, "--dry-run")
    assert result.exit_code == 0
    # It times one block of each law: half a second, or ten where the loops must be compiled.
    assert time.perf_counter() - begin < 30
    assert list(empty_cwd.iterdir()) == []


def test_a_dry_run_with_json_prints_json():
    """With --json stdout is pure JSON, a plan too."""
    json.loads(call(*SWEEP, "--dry-run", "--json").stdout)


def test_version():
    """--version prints the version and ends."""
    result = call("--version")
    assert (result.exit_code, result.stdout) == (0, f"simnorm {simnorm.__version__}\n")


def test_no_arguments_print_help_with_examples():
    """`simnorm` alone prints help with all commands and three examples, and ends well."""
    result = call()
    assert result.exit_code == 0
    for command in COMMANDS:
        assert re.search(rf"^ +{command} ", result.stdout, re.MULTILINE)
    assert len(re.findall(r"^ +simnorm ", result.stdout, re.MULTILINE)) == 3
    assert result.stdout == call("--help").stdout == call("-h").stdout


def test_the_examples_of_the_help_are_right():
    """Every example that the help shows is understood."""
    import shlex

    for line in re.findall(r"^ +simnorm (.*)$", call().stdout, re.MULTILINE):
        assert call(*shlex.split(line), "--help").exit_code == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_names_every_option(command):
    """Help names every option and argument, at 80 columns."""
    group = typer.main.get_command(app)
    text = call(command, "--help").stdout
    for parameter in group.commands[command].params:
        for name in (*parameter.opts, *parameter.secondary_opts):
            if name.startswith("-"):
                assert re.search(rf"(?<![\w-]){name}(?![\w-])", text), name
        assert getattr(parameter, "help", "x"), parameter.name
    assert max(map(len, text.splitlines())) <= 80


def test_the_options_of_a_sweep_are_those_documented():
    """The options present are those of the paper; those of later issues are absent."""
    params = typer.main.get_command(app).commands["sweep"].params
    wanted = "batch-sizes dist estimators full-size replications seed workers out report json"
    wanted += " data columns exclude na sep decimal sampling exact"
    wanted += " target-mcse max-replications time-limit paper scheduler"
    assert {f"--{name}" for name in f"{wanted} dry-run quiet verbose".split()} == {
        name for parameter in params for name in parameter.opts if name.startswith("--")
    } - {"--help"}
    shorts = {name for parameter in params for name in parameter.opts if len(name) == 2}
    assert {"-o", "-q", "-v"} <= shorts


def test_list_shows_every_word():
    """`list` shows every law and estimator with its default parameters, alone or together."""
    both, laws, kinds = (
        call("list", *what).stdout for what in ([], ["distributions"], ["estimators"])
    )
    for kind in DISTRIBUTIONS.values():
        assert re.search(rf"^ +{re.escape(str(kind()))} ", laws, re.MULTILINE)
        assert kind.note in laws
    for kind in ESTIMATORS.values():
        assert re.search(rf"^ +{re.escape(str(kind()))} ", kinds, re.MULTILINE)
    assert laws.partition("\nWhat theory knows")[0] in both
    assert kinds.partition("\nTheory")[0] in both
    assert "trimmed_mean" not in laws
    assert "laplace" not in kinds


def test_list_says_what_theory_knows():
    """Marks of the table are those of the theory itself; a row for every law."""
    text = call("list", "distributions").stdout
    table = text[text.index("What theory knows") :].splitlines()
    rows = {line.split()[0]: line for line in table[3:]}
    assert set(rows) == set(DISTRIBUTIONS)
    heads = table[2]
    assert heads.split()[:3] == ["mean", "var", "std"]
    for word, mark in (("normal", "="), ("laplace", "\N{ALMOST EQUAL TO}"), ("cauchy", " ")):
        at = heads.index("std")
        assert rows[word].ljust(80)[at : at + 3].strip() == mark.strip(), word
    kinds = call("list", "estimators").stdout
    assert re.search(r"median +exact", kinds[kinds.index("Theory") :])
    assert max(widths(text), widths(kinds)) <= 80


def test_the_lists_fit_80_columns():
    """No line of `list` is longer than 80 columns."""
    assert widths(call("list").stdout) <= 80


# The same again


def test_a_design_file_reproduces_the_results(empty_cwd):
    """`run design.toml` of a run folder gives the same bytes, whatever the workers."""
    call(*SWEEP, "--seed", 2**128 - 1, "-o", "first")
    assert call("run", "first/design.toml", "-o", "second", "--workers", "3").exit_code == 0
    for name in ("results.csv", "curves.csv", "design.toml"):
        assert (empty_cwd / "first" / name).read_bytes() == (
            empty_cwd / "second" / name
        ).read_bytes()


def test_a_design_file_may_leave_things_out():
    """`run` takes a hand-written file and notes what it drops."""
    Path("design.toml").write_text(
        'distributions = "t"\nbatch_sizes = "2:64:x2"\nfull_size = 16\nreplications = 9\n',
        encoding="utf-8",
    )
    result = call("run", "design.toml", "-o", "out")
    assert result.exit_code == 0
    assert "note: batch_sizes: 2:64:x2 is cut at N = 16" in result.stderr
    assert Design.from_file("out/design.toml").distributions == ("t(df=5)",)


def test_the_same_command_twice_uses_the_same_folder(empty_cwd):
    """A run repeated, or topped up, returns to its folder; another grid gets its own."""
    for more in ([], [], ["--replications", "99"], ["--batch-sizes", "2"]):
        assert call(*SWEEP, *more).exit_code == 0
    assert len(list((empty_cwd / "runs").iterdir())) == 2


def test_options_repeat_and_split_at_commas():
    """--dist and --estimators may repeat and join specs with commas outside parentheses."""
    parts = ["--dist", "normal,gamma(a=3,scale=2)", "--dist", "t", "--estimators", "mean"]
    call("sweep", *SMALL, *parts, "--estimators", "std(ddof=1),max", "-o", "run")
    design = Design.from_file("run/design.toml")
    assert design.distributions == ("normal", "gamma(a=3,scale=2)", "t(df=5)")
    assert design.estimators == ("mean", "std(ddof=1)", "max")


def test_the_command_is_in_the_provenance(empty_cwd):
    """The command line stands in provenance.json as it could be typed again."""
    words = ["sweep", "--dist", "t(df=5)", *SMALL, "-o", "run"]
    with program(*words) as process:
        assert process.wait(60) == 0
        process.communicate()
    provenance = json.loads((empty_cwd / "run" / "provenance.json").read_text(encoding="utf-8"))
    assert provenance["command"] == "simnorm sweep --dist 't(df=5)' " + " ".join([*SMALL, "-o run"])


def test_a_report_of_a_run(empty_cwd):
    """`report RUN` writes RUN/report.pdf, `-o` another file, and computes nothing again."""
    pytest.importorskip("simnorm.report")
    pytest.importorskip("typst")
    call(*SWEEP, "-o", "run")
    before = (empty_cwd / "run" / "run.db").read_bytes()
    result = call("report", "run")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "report: run/report.pdf\n"
    assert (empty_cwd / "run" / "report.pdf").read_bytes().startswith(b"%PDF")
    assert call("report", "run", "-o", "deep/mine.pdf", "-q").stderr == ""
    assert (empty_cwd / "deep" / "mine.pdf").read_bytes().startswith(b"%PDF")
    assert (empty_cwd / "run" / "run.db").read_bytes() == before


def test_a_sweep_with_a_report(empty_cwd):
    """`sweep --report FILE` writes the PDF and names it after the folder."""
    pytest.importorskip("simnorm.report")
    pytest.importorskip("typst")
    result = call(*SWEEP, "-o", "run", "--report", "mine.pdf")
    assert result.exit_code == 0
    assert result.stderr == "run: run\nreport: mine.pdf\n"
    assert (empty_cwd / "mine.pdf").read_bytes().startswith(b"%PDF")


# Bad input

NINES = "9" * 20
BAD = [
    (["--dist", "nrmal"], "--dist", "nrmal"),
    (["--dist", "nrmal"], "--dist", "Did you mean 'normal'"),
    (["--dist", "scipy.nothing"], "--dist", "scipy.nothing"),
    (["--estimators", "meen"], "--estimators", "Did you mean 'mean'"),
    (["--estimators", "mean,meen"], "--estimators", "meen"),
    (["--dist", "t(df=0)"], "--dist", "df=0"),
    (["--dist", "t(df=-1)"], "--dist", "df=-1"),
    (["--dist", "gamma(a=0)"], "--dist", "a=0"),
    (["--dist", "normal(scale=0)"], "--dist", "scale=0"),
    (["--dist", "t(df=nan)"], "--dist", "t(df=nan)"),
    (["--dist", "t(df=inf)"], "--dist", "t(df=inf)"),
    (["--dist", "normal(loc=1e999)"], "--dist", "loc=1e999"),
    (["--dist", "normal(sigma=2)"], "--dist", "normal(sigma=2)"),
    (["--dist", "__import__('os').system('id')"], "--dist", "__import__"),
    (["--dist", "9**9**9"], "--dist", "9**9**9"),
    (["--dist", "t(df=9**9**9)"], "--dist", "t(df=9**9**9)"),
    (["--dist", "t(df=5"], "--dist", "t(df=5"),
    (["--dist", "t(df=5))"], "--dist", "t(df=5))"),
    (["--dist", ""], "--dist", "''"),
    (["--dist", "normal\ninjected: line"], "--dist", "normal\\ninjected"),
    (["--estimators", "std(ddof=2)"], "--estimators", "std(ddof=2)"),
    (["--estimators", ""], "--estimators", "''"),
    (["--batch-sizes", "0"], "--batch-sizes", "0"),
    (["--batch-sizes", "-4"], "--batch-sizes", "-4"),
    (["--batch-sizes", "1.5"], "--batch-sizes", "1.5"),
    (["--batch-sizes", "1e3"], "--batch-sizes", "1e3"),
    (["--batch-sizes", "ten"], "--batch-sizes", "ten"),
    (["--batch-sizes", ""], "--batch-sizes", "''"),
    (["--batch-sizes", "4,,8"], "--batch-sizes", "4,,8"),
    (["--batch-sizes", "8:2:2"], "--batch-sizes", "8:2:2"),
    (["--batch-sizes", "2:64:x1"], "--batch-sizes", "2:64:x1"),
    (["--batch-sizes", "2:64:0"], "--batch-sizes", "2:64:0"),
    (["--batch-sizes", NINES], "--batch-sizes", NINES),
    (["--batch-sizes", f"2:{NINES}:x2"], "--batch-sizes", NINES),
    (["--batch-sizes", "2,17"], "--batch-sizes", "17"),
    (["--replications", "0"], "--replications", "0"),
    (["--replications", "-3"], "--replications", "-3"),
    (["--replications", "many"], "--replications", "many"),
    (["--replications", NINES], "--replications", NINES),
    (["--seed", "-1"], "--seed", "-1"),
    (["--seed", "text"], "--seed", "text"),
    (["--seed", "1.0"], "--seed", "1.0"),
    (["--seed", str(2**128)], "--seed", str(2**128)),
    (["--workers", "0"], "--workers", "0"),
    (["--workers", "-2"], "--workers", "-2"),
    (["--workers", "auto"], "--workers", "auto"),
    (["--full-size", "0"], "--full-size", "0"),
    (["--full-size", "-16"], "--full-size", "-16"),
    (["--full-size", "x"], "--full-size", "x"),
    (["--full-size", NINES], "--full-size", NINES),
    (["--report", "report.txt"], "--report", "report.txt"),
    (["--report", "."], "--report", "."),
]


def said_in_one_line(result, option, value):
    """Check exit code 2, an empty stdout and one line on stderr with the option and the value."""
    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"simnorm: {option}: got ")
    assert value in line
    assert "Traceback" not in result.stderr
    assert len(line) < 600


@pytest.mark.parametrize("dry", [[], ["--dry-run"], ["--json", "-q"]], ids=["run", "dry", "quiet"])
@pytest.mark.parametrize(("more", "option", "value"), BAD, ids=lambda part: str(part)[:40])
def test_bad_input_is_one_line_and_exit_2(more, option, value, dry, empty_cwd):
    """Bad input: one line naming option and value, exit 2, nothing on stdout, nothing written."""
    said_in_one_line(call(*SWEEP, *more, *dry), option, value)
    assert list(empty_cwd.iterdir()) == []


def test_a_bad_output_folder_is_one_line_and_exit_2(empty_cwd):
    """A foreign folder, a file, or a run of another seed as -o: refused, and left as it was."""
    (empty_cwd / "mine").mkdir()
    (empty_cwd / "mine" / "notes.txt").write_text("mine", encoding="utf-8")
    call(*SWEEP, "-o", "run")
    before = files(empty_cwd)
    said_in_one_line(call(*SWEEP, "-o", "mine"), "--out", "'mine'; the folder holds files")
    said_in_one_line(call(*SWEEP, "--out", "mine/notes.txt"), "--out", "it is a file")
    said_in_one_line(call(*SWEEP, "-o", "mine/notes.txt/run"), "--out", "cannot be written")
    said_in_one_line(call(*SWEEP, "-o", "run", "--seed", "5"), "--out", "seed 0 there, 5 here")
    assert files(empty_cwd) == before


def test_a_folder_that_cannot_be_written_is_one_line_and_exit_2(empty_cwd, monkeypatch):
    """Where no file can be made, -o and --report are refused before anything is drawn."""
    from simnorm import store

    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(store.tempfile, "TemporaryFile", refuse)
    said_in_one_line(call(*SWEEP, "-o", "run"), "--out", "Permission denied")
    assert list(empty_cwd.iterdir()) == []


def test_a_full_disk_is_one_line_and_exit_1(monkeypatch):
    """A disk that fills up during the run is no user error: exit 1, still one message."""
    from simnorm import store

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.os, "fsync", fail)
    result = call(*SWEEP, "-o", "run")
    assert result.exit_code == 1
    assert result.stdout == ""
    said = " ".join(result.stderr.split())
    assert said.startswith(
        "simnorm: --out: got 'run'; it cannot be written (No space left on device;"
    )
    assert said.count("simnorm:") == 1


@pytest.mark.parametrize("option", ["-o", "--report"])
def test_a_name_too_long_for_the_system_is_one_line(option):
    """A path that the system itself refuses is one line and exit 2."""
    assert call(*SWEEP, option, "a" * 300 + ".pdf").exit_code == 2


@pytest.mark.parametrize(
    "text",
    [
        "seeds = 1",
        'batch_sizes = [2, "x"]',
        "seed = -1",
        "no toml",
        'distributions = ["t(df=9**9**9)"]',
        f"seed = {2**128}",
    ],
)
def test_a_bad_design_file_is_one_line_and_exit_2(text, empty_cwd):
    """A wrong design file: one line, exit 2, nothing on stdout, nothing written."""
    Path("design.toml").write_text(text, encoding="utf-8")
    result = call("run", "design.toml")
    assert (result.exit_code, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1
    assert files(empty_cwd) == ["design.toml"]


@pytest.mark.parametrize(
    "words",
    [
        ["run", "missing.toml"],
        ["run", "."],
        ["report", "missing"],
        ["report", "."],
        ["list", "laws"],
    ],
)
def test_bad_arguments_are_one_line_and_exit_2(words, empty_cwd):
    """A missing file or run and an unknown list: one line that shows the value, exit 2."""
    result = call(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert "got '" in line
    assert words[1] in line
    assert list(empty_cwd.iterdir()) == []


def test_arguments_are_named_as_the_help_names_them():
    """An argument is no option: it is named without dashes."""
    assert call("list", "laws").stderr.startswith("simnorm: WHAT: got 'laws'")
    assert call("run", "missing.toml").stderr.startswith("simnorm: DESIGN: got")


@pytest.mark.parametrize(
    "words", [["sweeep"], ["sweep", "--sed", "1"], ["sweep", "--seed"], ["sweep", "extra"], ["run"]]
)
def test_unknown_commands_and_options_are_exit_2(words, empty_cwd):
    """What Typer itself refuses ends with 2, an empty stdout and no traceback."""
    result = call(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Error" in result.stderr
    assert "Traceback" not in result.stderr
    assert list(empty_cwd.iterdir()) == []


# The table


def widths(text):
    """Return the length of the longest line; the keys below a table have a test of their own."""
    return max(len(line) for line in text.splitlines() if not line.startswith("( ) "))


def test_the_keys_below_a_table_fit_80_columns():
    """Every explanation below a table is at most 80 letters."""
    from simnorm.cli.summary import KEY

    assert max(map(len, KEY.values())) <= 80


def test_the_default_table_fits_80_columns():
    """Five laws, ten batch sizes, N = 16,384: at most 80 columns."""
    result = call("sweep", "--replications", "64")
    assert result.exit_code == 0
    assert widths(result.stdout) <= 80
    for law in ("normal", "uniform", "laplace", "exponential", "t(df=5)"):
        assert f"\n{law}\n" in result.stdout
    assert len(re.findall(r"^ +\d+ ", result.stdout, re.MULTILINE)) == 50


@pytest.mark.parametrize(
    "more",
    [
        ["--dist", "cauchy,lognormal(s=3),t(df=1.5),t(df=2.5)"],
        ["--dist", "normal(loc=-1e20,scale=1e10),normal(scale=1e29)"],
        ["--dist", "gamma(a=0.1234567890123456,loc=-0.123456789012345,scale=0.01234567890123)"],
        ["--dist", "lognormal(s=4)"],
        ["--estimators", "std(ddof=1),unbiased_variance"],
        ["--estimators", "biased_variance,unbiased_variance"],
        ["--estimators", "unbiased_variance,median"],
        ["--estimators", "min,max"],
        ["--estimators", "median"],
        ["--batch-sizes", "1:16:1"],
        ["--batch-sizes", "16"],
        ["--batch-sizes", "1"],
        ["--replications", "1"],
        ["--replications", "2"],
        ["--full-size", "1000000", "--batch-sizes", "2,999999,1000000", "--dist", "normal"],
        ["--seed", str(2**128 - 1), "--dist", "normal"],
        ["--full-size", "1", "--batch-sizes", "1", "--dist", "normal,cauchy"],
    ],
    ids=lambda more: " ".join(more)[:50],
)
def test_tables_of_odd_designs_fit_80_columns(more):
    """Whatever the laws, scales, estimators and sizes, no line is longer than 80 columns."""
    result = call("sweep", *SMALL, *more)
    assert result.exit_code == 0
    assert widths(result.stdout) <= 80
    assert "nan" not in result.stdout.lower().replace("nanmean", "")
    assert not re.search(r"\binf\b", result.stdout)


@pytest.mark.parametrize(
    "law",
    [
        "t(df=1e-300)",
        "t(df=2.0000000000000004,scale=1e29)",
        "t(df=1e300)",
        "normal(loc=1e29,scale=1e-29)",
        "gamma(a=1e300)",
        "lognormal(s=1e-300)",
        "gamma(a=1e-300)",
        "normal(scale=1e-200)",
        "exponential(scale=5e-324)",
    ],
)
def test_laws_at_the_ends_of_their_ranges_give_a_table_or_one_line(law):
    """Parameters that are allowed work, or are refused in one line; there is no traceback."""
    result = call("sweep", *SMALL, "--dist", law)
    if result.exit_code:
        said_in_one_line(result, "--dist", "got '")
    else:
        assert widths(result.stdout) <= 80


def test_what_has_no_error_bar_is_in_parentheses_with_a_key():
    """Unreliable estimates stand in parentheses, undefined ones are a dash, both explained."""
    text = call("sweep", *SMALL, "--dist", "t(df=5),cauchy").stdout
    assert re.search(r"\(\d", text)
    assert "( ) has no error bar" in text
    assert "\N{EN DASH} is undefined" in text
    plain = call(*SWEEP).stdout
    assert "no error bar" not in plain
    assert "undefined" not in plain


# Being stopped


def nodes_in(path):
    """Return how many nodes a database holds; none if it is not there yet."""
    if not path.exists():
        return 0
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return database.execute("select count(*) from nodes").fetchone()[0]
    except sqlite3.OperationalError:
        return 0
    finally:
        database.close()


def test_ctrl_c_is_130(monkeypatch):
    """Ctrl-C ends with 130 and one word, no traceback."""
    from simnorm.studies import sweep

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(sweep, "block_errors", interrupted)
    result = call(*SWEEP)
    assert (result.exit_code, result.stdout) == (130, "")
    assert re.fullmatch(r"simnorm: interrupted\b.*\n", result.stderr)


@pytest.mark.skipif(os.name == "nt", reason="signals are another matter there")
def test_a_real_ctrl_c_is_130(empty_cwd):
    """A long run that is interrupted ends within seconds with 130, and its folder is a run's."""
    words = ["sweep", "--dist", "normal", "--replications", 10**8, "-o", "run"]
    with program(*words) as process:
        for _ in range(600):
            if nodes_in(empty_cwd / "run" / "run.db"):
                break
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        # The task that each thread has begun is finished first: a tenth of a second of work.
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out == ""
    assert re.search(r"^simnorm: interrupted\b.* is done and kept in run$", err, re.MULTILINE)
    assert {"design.toml", "run.db"} <= set(files(empty_cwd / "run"))


@pytest.mark.skipif(os.name == "nt", reason="pipes are another matter there")
def test_a_reader_that_leaves_is_no_error():
    """`simnorm sweep --json | head -c 10` ends without a word on stderr."""
    words = [*SWEEP, "--dist", "normal,t,gamma,laplace", "--json", "-q"]
    with program(*words) as process:
        assert len(process.stdout.read(10)) == 10
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(60) == 0


@pytest.mark.skipif(not hasattr(os, "pipe"), reason="needs a pipe")
def test_a_reader_that_was_never_there_is_no_error():
    """Even with its reader gone before the first byte, a small table ends without a word."""
    reader, writer = os.pipe()
    os.close(reader)
    with program("list", stdout=writer) as process:
        os.close(writer)
        assert process.stderr.read() == ""
        assert process.wait(60) == 0


# What is imported


@pytest.mark.parametrize(
    "start",
    [
        "import simnorm; simnorm.__version__; dir(simnorm)",
        "import simnorm.cli",
        "import sys; sys.argv = ['simnorm', '--help']; from simnorm.cli import main; main()",
        "import sys; sys.argv = ['simnorm', 'sweep', '-h']; from simnorm.cli import main; main()",
        "import sys; sys.argv = ['simnorm', '--version']; from simnorm.cli import main; main()",
    ],
    ids=["import", "import cli", "help", "sweep help", "version"],
)
def test_nothing_heavy_is_imported_for_nothing(start):
    """Import, help and version load none of numpy, pandas, seaborn, matplotlib, scipy, ..."""
    code = (
        "import atexit, sys\n"
        f"heavy = {HEAVY!r}\n"
        "atexit.register(lambda: print('LOADED', [m for m in heavy if m in sys.modules]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code + start], capture_output=True, check=True, text=True
    )
    assert done.stdout.splitlines()[-1] == "LOADED []"


def test_the_module_runs_like_the_command():
    """`python -m simnorm` is the same program."""
    done = subprocess.run(
        [sys.executable, "-m", "simnorm", "--version"], capture_output=True, check=True, text=True
    )
    assert done.stdout == f"simnorm {simnorm.__version__}\n"
