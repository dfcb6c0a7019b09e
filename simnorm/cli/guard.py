"""What stands between a command and the shell: user errors become one line and an exit code."""

from __future__ import annotations

import functools
import signal
import sys
import textwrap
from collections.abc import Callable
from typing import ParamSpec

import typer

from simnorm.cli import interrupts
from simnorm.cli.interrupts import Stopped, say
from simnorm.cli.plain import plain
from simnorm.errors import SimnormError, shown

Arguments = ParamSpec("Arguments")

# Letters of a path that are worth to be seen whole.
LONGEST = 200
WIDTH = 80
INTERRUPTED = interrupts.exit_code(signal.SIGINT)


def guarded(command: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """Return the command with its errors shown on stderr; no traceback for a user's mistake."""

    @functools.wraps(command)
    def safely(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        try:
            with interrupts.raised():
                command(*args, **kwargs)
        except SimnormError as error:
            say(_folded(f"simnorm: {error.sentence(error.option())}"))
            raise typer.Exit(error.exit_code) from None
        except BrokenPipeError:
            # The reader of our output has left, as in `simnorm sweep | head`. Nothing is wrong.
            interrupts.silence(sys.stdout.fileno())
            raise typer.Exit(0) from None
        except OSError as error:
            say(_folded(f"simnorm: {_name(error)}: {error.strerror or 'it cannot be used'}"))
            raise typer.Exit(1) from None
        except KeyboardInterrupt as error:
            stopped = error if isinstance(error, Stopped) else Stopped()
            first, *others = stopped.lines
            say("\n".join([f"simnorm: {first}", *others]))
            raise typer.Exit(interrupts.exit_code(stopped.signum)) from None

    return safely


def _folded(text: str) -> str:
    """Return a message in lines of 80 columns for a terminal, which breaks words; else as it is."""
    try:
        is_terminal = sys.stderr.isatty()
    except (AttributeError, ValueError):  # it is closed, or none
        return text
    if not is_terminal:
        return text
    return textwrap.fill(plain(text), WIDTH, break_long_words=False, break_on_hyphens=False)


def _name(error: OSError) -> str:
    """Return which file it is about; a name may be longer than the system allows."""
    name = str(error.filename or "a file")
    return name if len(name) <= LONGEST else shown(name)
