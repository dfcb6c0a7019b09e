"""``simnorm status``: how a run stands, or all the runs in a folder; nothing is changed."""

from __future__ import annotations

import json as to_json
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simnorm.cli.guard import guarded
from simnorm.cli.plain import echo, plain

if TYPE_CHECKING:
    from simnorm.counting import SourceStatus
    from simnorm.standing import Overview, Status

WIDTH, INDENT = 80, 12
# Sources that are shown, of those that are under way.
MOST_SOURCES = 8
# Letters of a name in a list.
LONGEST = 40
# Batch sizes that are shown each.
MOST_SIZES = 6
# What stays on one line.
EQUALS = "\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}"
# How an answer's command begins.
ANSWER = "simnorm answer"
RUN = Annotated[
    Path,
    typer.Argument(help="A run folder, an answer's folder, or a folder of them.", metavar="RUN"),
]
AS_JSON = Annotated[
    bool, typer.Option("--json", help="Print one JSON document; keys as in sn.status.")
]


@guarded
def status(run: RUN = Path("runs"), json: AS_JSON = False) -> None:
    """Show how a run stands, who is at work on it, and how it goes on.

    Reads only, also while the run is under way: `watch -n 1 simnorm status RUN` follows it. Of a
    folder with several runs, or of an answer, a line for each. Nodes are counted, not read: whether
    they are sound, `simnorm check` tells. Exit code 2 if there is no run.
    """
    from simnorm.standing import Overview, overview

    found = overview(run)
    if json:
        echo(to_json.dumps(found.to_dict(), allow_nan=False))
    elif isinstance(found, Overview):
        print_overview(found)
    else:
        print_status(found)


def print_status(found: Status) -> None:
    """Print how a run stands, in lines of 80 columns."""
    echo(_filled(_headline(found), "", "  "))
    for word, text in _lines(found):
        head = f"  {word:<{INDENT}}"
        echo(_filled(text, head, " " * len(head)))


def _filled(text: str, first: str, others: str) -> str:
    # Names may be of any length; paths and commands stay in one piece to be copied.
    folded = textwrap.fill(
        plain(text).replace(" = ", EQUALS), WIDTH, initial_indent=first, subsequent_indent=others,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
    return folded.replace(EQUALS, " = ")


def _headline(found: Status) -> str:
    text = f"{found.folder}: {found.state}"
    if share := _share(found):
        text += f", {share}"
    if found.seconds_left is not None:
        from simnorm.formatting import seconds_text

        text += f", about {seconds_text(found.seconds_left)} left"
    return text


def _share(found: Status) -> str:
    """Return how far a run is, where that is not plain from its state."""
    from simnorm.cli.going_on import percent
    from simnorm.standing import DAMAGED, EMPTY, FINISHED

    if found.state in (EMPTY, FINISHED, DAMAGED):
        return ""
    if found.cells is not None and found.precise_cells is not None:
        return f"{found.precise_cells:,} of {found.cells:,} cells precise"
    return "" if found.share is None else percent(found.share, 1.0)


def _lines(found: Status) -> Iterator[tuple[str, str]]:
    """Yield what is said of a run, line by line, each with a word before it."""
    from simnorm.disk import size_text
    from simnorm.standing import FINISHED, RUNNING

    if found.reason:
        yield "why", found.reason
    if found.design:
        yield "study", _study(found.design)
    if found.state == RUNNING and found.sessions and not found.sessions[-1]["ended"]:
        yield "at work", _worker(found.sessions[-1])
    if found.sessions:
        yield "worked", _worked(found)
    if found.state != FINISHED:
        yield from _sources(found)
    elif found.sources:
        counts = [source.replications for source in found.sources]
        most = f" to {max(counts):,}" if max(counts) > min(counts) else ""
        yield "stored", f"R = {min(counts):,}{most}"
    free = "" if found.free_bytes is None else f", {size_text(found.free_bytes)} free"
    yield "disk", f"{size_text(found.bytes)}{free}"
    if files := _files(found):
        yield "made", files
    if found.beside:
        yield "also stored", "; ".join(found.beside)
    if found.aside:
        yield "put aside", ", ".join(found.aside)
    if found.command and found.state not in (FINISHED, RUNNING):
        yield "to go on", found.command


def _study(design: dict[str, Any]) -> str:
    """Return what a run is of."""
    names = design.get("distributions") or design.get("datasets") or []
    subject = f" of {_listed(names)}" if names else ""
    if columns := design.get("columns"):
        many = f"{len(columns):,} columns" if len(columns) > 1 else columns[0]
        subject = f" of {many} of {_short(design['data'], 50)}"
    sizes = design["batch_sizes"]
    parts = [f"{design['study']}{subject}"]
    if "full_size" in design:
        parts.append(f"N = {design['full_size']:,}")
    each = ", ".join(f"{n:,}" for n in sizes)
    if len(sizes) > MOST_SIZES:
        each = f"{min(sizes):,} to {max(sizes):,} ({len(sizes):,})"
    parts.append(f"batch size{'s' * (len(sizes) > 1)} {each}")
    if design["sampling"] != ["shuffle"]:
        parts.append(_listed(design["sampling"]))
    if "target_mcse" in design:
        most = f"R up to {design['max_replications']:,}"
        parts.append(f"target MCSE {design['target_mcse']} ({most})")
    else:
        parts.append(f"R = {design['replications']:,}")
    if "time_limit" in design:
        from simnorm.formatting import seconds_text

        parts.append(f"time limit {seconds_text(design['time_limit'])}")
    return "; ".join([*parts, f"seed {design['seed']}"])


def _listed(names: list[str], most: int = 5) -> str:
    shown = [_short(name) for name in names[:most]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")


def _short(name: str, longest: int = LONGEST) -> str:
    """Return a name in at most so many letters; its end tells most where names are alike."""
    name = plain(name)
    if len(name) <= longest:
        return name
    half = (longest - 3) // 2
    return f"{name[: longest - 3 - half]}...{name[-half:]}"


def _worker(session: dict[str, Any]) -> str:
    from simnorm.formatting import utc_text

    return (
        f"process {session['pid']} on {session['host']} since {utc_text(session['started'])}, "
        f"{_workers(session)}"
    )


def _workers(session: dict[str, Any]) -> str:
    from simnorm.formatting import plural

    if session["backend"] == "threads":
        return plural(session["workers"], "thread")
    what = "thread" if session["backend"] == "dask" else "worker"  # Dask's are counted so
    return f"{plural(session['workers'], what)} ({session['backend']})"


def _worked(found: Status) -> str:
    from simnorm.formatting import plural, seconds_text, utc_text

    backends = list(dict.fromkeys(_workers(session) for session in found.sessions))
    text = f"{seconds_text(found.seconds)} in {plural(len(found.sessions), 'session')}"
    text += f": {', '.join(backends)}"
    if not found.committed:
        return text
    return f"{text}; last commit {utc_text(found.committed)}, {_ago(found.committed)}"


def _ago(text: str) -> str:
    """Return how long ago a time is, in one unit."""
    from simnorm.formatting import seconds_text

    seconds = (datetime.now(UTC) - datetime.fromisoformat(text)).total_seconds()
    return f"{' '.join(seconds_text(seconds).split()[:2])} ago" if seconds >= 10 else "just now"


def _sources(found: Status) -> Iterator[tuple[str, str]]:
    """Yield how much is stored of every source that has not all."""
    if not any(source.share for source in found.sources):
        return
    done = [source for source in found.sources if source.blocks == source.all_blocks]
    begun = [source for source in found.sources if source.share and source not in done]
    rest = len(found.sources) - len(done) - len(begun)
    has_schemes = len({source.sampling for source in found.sources}) > 1
    of = "at most " if "target_mcse" in found.design else ""
    verb = "is" if len(done) == 1 else "are"
    lines = [f"{len(done):,} of {len(found.sources):,} {verb} complete"] * bool(done)
    lines += [_source(source, of, has_schemes) for source in begun[:MOST_SOURCES]]
    if len(begun) > MOST_SOURCES:
        lines.append(f"{len(begun) - MOST_SOURCES:,} more have begun")
    if rest:
        lines.append(f"{rest:,} {'has' if rest == 1 else 'have'} not begun")
    if len(found.sources) == len(done) == 1:
        lines = [_source(done[0], of, has_schemes)]
    for number, line in enumerate(lines):
        yield "" if number else "stored", line


def _source(source: SourceStatus, of: str, has_schemes: bool) -> str:
    from simnorm.formatting import plural

    name = _short(source.name, 36) + (f", {source.sampling}" if has_schemes else "")
    if source.parts:
        return f"{name}: {_parts(source)}".removeprefix(": ")
    blocks = f"{source.blocks:,} of {of}{plural(source.all_blocks, 'block')}"
    some = ""
    if source.share * source.all_blocks > source.blocks:
        some = " and parts of others"
    return f"{name}: R = {source.replications:,} ({blocks}{some})".removeprefix(": ")


def _parts(source: SourceStatus) -> str:
    """Return what is stored of a source of which some cells have more than others."""
    (most_cells, most), *others = source.parts
    every = sum(cells for cells, _ in source.parts)
    counts = [count for _, count in others]
    rest = f"{min(counts):,}" + (f" to {max(counts):,}" if len(counts) > 1 else "")
    return (
        f"R = {most:,} in {most_cells:,} of {every:,} cells, {rest} in the "
        f"other{'s' * (every - most_cells > 1)} (of {source.all_replications:,})"
    )


def _files(found: Status) -> str:
    """Return which files are made of what is stored, and whether they still tell the truth."""
    said = []
    if found.results:
        said.append("results.csv" + (" (of another design)" if found.results == "older" else ""))
    if found.report:
        said.append("report.pdf" + (" (older)" if found.report == "older" else ""))
    return ", ".join(said)


def print_overview(found: Overview, indent: str = "") -> None:
    """Print a line for every run in a folder."""
    from simnorm.standing import UNFINISHED, Status

    state = f": {found.state}" if found.state else ""
    echo(f"{indent}{_short(found.folder if not indent else Path(found.folder).name, 60)}{state}")
    for one in found.runs:
        if isinstance(one, Status):
            echo(_line(one, f"{indent}  "))
        else:
            print_overview(one, f"{indent}  ")
    # Of a run in an answer the command is the answer's own.
    commands = [one.command for one in found.runs if isinstance(one, Status)]
    own = next((command for command in commands if command.startswith(ANSWER)), "")
    if own and found.state == UNFINISHED:
        echo(_filled(own, f"{indent}  to go on    ", f"{indent}              "))


def _line(found: Status, indent: str) -> str:
    name = indent + _short(Path(found.folder).name, 28 - len(indent))
    far = _share(found).partition(" cells")[0]
    if found.seconds_left is not None:
        from simnorm.formatting import seconds_text

        far += f", {' '.join(seconds_text(found.seconds_left).split()[:2])} left"
    when = _ago(found.committed) if found.committed else ""
    return f"{name:<29}{found.state:<12}{far:<27}{when}".rstrip()
