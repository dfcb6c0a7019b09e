"""How a fault gets into the running package, and out of it again.

A fault is one edit of a function's source, or a function in the place of another. The changed
function takes the old one's place wherever a module of the package has it by name; what is cached
is forgotten on both occasions, so that neither world sees numbers of the other.
"""

from __future__ import annotations
import __future__

import contextlib
import functools
import importlib
import inspect
import pkgutil
import sys
import textwrap
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import simnorm

FLAGS = __future__.annotations.compiler_flag
# What draws pictures and talks to terminals is no part of the numbers.
LEFT_OUT = ("simnorm.cli", "simnorm.figures", "simnorm.report", "simnorm.__main__")


@functools.cache
def load() -> None:
    """Import every module that computes: one imported under a fault would keep the fault."""
    for found in pkgutil.walk_packages(simnorm.__path__, "simnorm."):
        # What an extra is missing for cannot be imported under a fault either.
        if not found.name.startswith(LEFT_OUT):
            with contextlib.suppress(ImportError):
                importlib.import_module(found.name)


def modules() -> list[ModuleType]:
    """Return the package's modules that are imported."""
    here = [name for name in sys.modules if name == "simnorm" or name.startswith("simnorm.")]
    return [sys.modules[name] for name in sorted(here)]


def classes() -> list[type]:
    """Return the package's classes, once each."""
    found = {
        value
        for module in modules()
        for value in vars(module).values()
        if isinstance(value, type) and value.__module__.startswith("simnorm")
    }
    return sorted(found, key=lambda kind: (kind.__module__, kind.__qualname__))


def forget() -> None:
    """Empty every cache of the package."""
    for owner in (*modules(), *classes()):
        for value in list(vars(owner).values()):
            clear = getattr(value, "cache_clear", None)
            if callable(clear) and not isinstance(value, type):
                clear()


def snapshot() -> dict[tuple[str, str], int]:
    """Return which object every name of the package's modules and classes stands for."""
    found = {}
    for owner in (*modules(), *classes()):
        where = owner.__name__ if isinstance(owner, ModuleType) else f"{owner.__module__}.{owner}"
        for name, value in vars(owner).items():
            # Python fills these in as it goes.
            if name not in ("__warningregistry__", "__annotations_cache__", "__doc__"):
                found[where, name] = id(value)
    return found


def resolve(place: str) -> tuple[Any, str, Any]:
    """Return the owner of ``module.function`` or ``module.Class.method``, its name, and what is it.

    The part of the place in front of the last word that is not a module is a class.
    """
    words = place.split(".")
    for count in range(len(words) - 1, 0, -1):
        name = ".".join(["simnorm", *words[:count]])
        try:
            owner: Any = importlib.import_module(name)
        except ModuleNotFoundError:
            continue
        for word in words[count:-1]:
            owner = getattr(owner, word)
        return owner, words[-1], inspect.getattr_static(owner, words[-1])
    raise LookupError(f"there is no {place}")


def source_of(value: Any) -> str:
    """Return the source of a function, behind what decorates it."""
    for name in ("fget", "func", "__func__"):
        if not inspect.isfunction(value) and hasattr(value, name):
            value = getattr(value, name)
    return textwrap.dedent(inspect.getsource(inspect.unwrap(value)))


def edited(place: str, *edits: tuple[str, str]) -> Any:
    """Return the function at `place` with pieces of its source exchanged.

    Raises
    ------
    LookupError
        If a piece is not there exactly once: the code has changed, and the fault has to follow.
    """
    owner, name, value = resolve(place)
    text = source_of(value)
    for old, new in edits:
        if text.count(old) != 1:
            raise LookupError(f"{place} has {text.count(old)} times {old!r}")
        text = text.replace(old, new)
    module = owner if isinstance(owner, ModuleType) else sys.modules[owner.__module__]
    made: dict[str, Any] = {}
    code = compile(text, f"<{place} with a fault>", "exec", flags=FLAGS, dont_inherit=True)
    exec(code, vars(module), made)  # our own source, with our own edit
    return made[name]


@contextlib.contextmanager
def replaced(place: str, make: Callable[[Any], Any]) -> Iterator[None]:
    """Put ``make(old)`` in the place of a function, wherever the package has it by name."""
    load()
    owner, _, value = resolve(place)
    new = make(value)
    if isinstance(owner, ModuleType):
        held = [
            (module, key) for module in modules() for key, v in vars(module).items() if v is value
        ]
    else:
        # A method may have a second name, as `__add__` is `merge`.
        held = [(owner, key) for key, v in vars(owner).items() if v is value]
    forget()
    for where, key in held:
        setattr(where, key, new)
    try:
        yield
    finally:
        for where, key in held:
            setattr(where, key, value)
        forget()
