"""What stands between a command and the shell: user errors become one line and an exit code."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import ParamSpec

import typer

from simnorm.errors import SimnormError

Arguments = ParamSpec("Arguments")

INTERRUPTED = 130


def guarded(command: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """Return the command with its errors shown on stderr; no traceback for a user's mistake."""

    @functools.wraps(command)
    def safely(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except SimnormError as error:
            typer.echo(f"simnorm: {error.sentence(error.option())}", err=True)
            raise typer.Exit(error.exit_code) from None
        except BrokenPipeError:
            # The reader of our output has left, as in `simnorm sweep | head`. Nothing is wrong;
            # stdout is pointed elsewhere so that Python's own flush at exit stays silent.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except OSError as error:
            typer.echo(f"simnorm: {error.filename or 'a file'}: {error.strerror}", err=True)
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            typer.echo("simnorm: interrupted; what was drawn is not kept, run it again", err=True)
            raise typer.Exit(INTERRUPTED) from None

    return safely
