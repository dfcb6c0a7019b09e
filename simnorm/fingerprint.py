"""What can be seen of a function: so that a changed one is not taken for what it was before.

A fingerprint is the same in another process under the same version of Python. It sees the compiled
code, constants, defaults, what is closed over, and what the function uses of its own module and of
others that are not installed: functions, classes, objects, values. Objects are told by what their
pickle would be made of. Of installed packages it sees names alone: their versions are noted
elsewhere. It does not see files, nor what is read later.

What cannot be seen into, such as an open file, is *hidden*. A function with something hidden has a
fingerprint that no other process has: its numbers are never taken for those of another run.
"""

from __future__ import annotations

import copyreg
import dis
import functools
import hashlib
import importlib
import itertools
import os
import secrets
import sys
import threading
import types
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import Any, NamedTuple

import numpy as np

PLAIN = (type(None), type(...), bool, int, float, complex, str, bytes)
# They say nothing of a value that a function returns.
LOCKS = (type(threading.Lock()), type(threading.RLock()))
DESCRIPTORS = (types.MemberDescriptorType, types.GetSetDescriptorType)
BOUND = (types.BuiltinFunctionType, types.MethodWrapperType)
INSTALLED = {"site-packages", "dist-packages"}
# Of a class, what Python notes for itself.
NOTED = {"__annotate__", "__annotate_func__", "_abc_impl", "__class_getitem__"}

# Hidden things are told apart by their places here: an id is one thing's as long as that lives.
_PROCESS = secrets.token_hex(8)
_HIDDEN: list[object] = []


def fingerprint(value: object, *beside: object) -> str:
    """Return 16 hex digits of what can be seen of a function, and of other values beside it.

    If something is hidden they are of this process and of these very objects alone.

    Examples
    --------
    >>> fingerprint(lambda x: x + 1) == fingerprint(lambda x: x + 1)
    True
    >>> fingerprint(lambda x: x + 1) == fingerprint(lambda x: x + 2)
    False
    """
    seen = _looked_at([value, *beside])
    tokens = [f"{_PROCESS} {os.getpid()} {_number(thing)}" for thing in seen.hidden]
    return _digest("\n".join([seen.text, *seen.chance, *tokens]))


def visible(value: object, *beside: object) -> str:
    """Return the same of what a copy in another process has too.

    That is without what is hidden, and without the states of random generators.

    Examples
    --------
    >>> visible(open) == visible(open), visible(open) == visible(max)
    (True, False)
    """
    return _digest(_looked_at([value, *beside]).text)


def hidden_in(value: object, *beside: object) -> list[str]:
    """Return the types of what cannot be seen into.

    Examples
    --------
    >>> numbers = iter([1, 2])
    >>> hidden_in(lambda x: x), hidden_in(lambda x: next(c for c in x), (n for n in numbers))
    ([], ['generator'])
    """
    return sorted({type(thing).__name__ for thing in _looked_at([value, *beside]).hidden})


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def _number(thing: object) -> int:
    for number, other in enumerate(_HIDDEN):
        if other is thing:
            return number
    _HIDDEN.append(thing)
    return len(_HIDDEN) - 1


class _Seen(NamedTuple):
    """A text that tells values; states of chance in them, and what is hidden."""

    text: str
    chance: list[str]
    hidden: list[object]


def _looked_at(values: list[object]) -> _Seen:
    try:
        first = _Teller(_home(values[0]))
        seen = _Seen(first.told(values), first.chance, first.hidden)
        # A pickle may name addresses, which are others the next time.
        if not first.is_pickled or _Teller(first.home).told(values) == seen.text:
            return seen
    except Exception:  # whatever an object says against being looked at
        pass
    return _Seen(f"hidden {type(values[0])}", [], [values[0]])


def _home(value: Any) -> str:
    """Return the module of the function inside what wraps one, or of an object's class."""
    while not isinstance(value, types.FunctionType | type):
        for name in ("func", "__func__", "py_func", "__wrapped__"):
            if callable(found := getattr(value, name, None)) and not _is_own(type(value)):
                value = found
                break
        else:
            break
    found = getattr(value, "__module__", None)
    return found if isinstance(found, str) else type(value).__module__


def _is_of_chance(kind: type) -> bool:
    """Tell whether things of a type are numpy's sources of random numbers."""
    return any(
        base.__name__ in ("RandomState", "BitGenerator")
        and base.__module__.startswith("numpy.random")
        for base in kind.__mro__
    )


class _Teller:
    """Tells values, and what functions, classes and objects are made of.

    Attributes
    ----------
    chance
        The states of random generators.
    hidden
        What cannot be seen into.
    is_pickled
        Whether something was told by what its pickle would be made of.
    """

    def __init__(self, home: str) -> None:
        self.home = home
        self.chance: list[str] = []
        self.hidden: list[object] = []
        self.is_pickled = False
        # Where a thing was met before, its number says so: functions may call themselves.
        self.met: dict[int, int] = {}
        self.kept: list[object] = []

    def told(self, value: Any) -> str:
        kind = type(value)
        if kind in PLAIN or isinstance(value, np.generic):
            return f"{kind.__name__} {value!r}"
        if isinstance(value, types.ModuleType):
            return f"module {value.__name__}"
        self.kept.append(value)  # an id is one thing's as long as that lives
        if kind is tuple or kind is types.CodeType:
            # Whether equal ones are one thing is Python's affair.
            return self._code(value) if kind is types.CodeType else self._row("tuple", value)
        if id(value) in self.met:
            return f"met {self.met[id(value)]}"
        self.met[id(value)] = len(self.met)
        return self._told(value)

    def _told(self, value: Any) -> str:
        kind = type(value)
        if kind is list:
            return self._row("list", value)
        if isinstance(value, set | frozenset):
            return self._set(value)
        if kind is dict or kind is types.MappingProxyType:
            return self._joined(
                "dict", (f"{self.told(k)}: {self.told(v)}" for k, v in value.items())
            )
        if kind is np.ndarray:
            return self._array(value)
        if kind in LOCKS:
            return "lock"
        if _is_of_chance(kind):
            self.chance.append(_Teller(self.home).told(_state(value)))
            return f"chance {kind.__name__}"
        if isinstance(value, types.FunctionType):
            return self._function(value)
        if isinstance(value, type):
            return self._class(value)
        if (inside := _inside(value)) is not None:
            return self._row(kind.__name__, inside)
        return self._object(value)

    def _row(self, word: str, values: Iterable[Any]) -> str:
        return self._joined(word, map(self.told, values))

    def _set(self, value: Any) -> str:
        """Tell a set in an order of its own: Python's differs from process to process."""
        texts = []
        for one in value:
            alone = _Teller(self.home)
            alone.met, alone.chance, alone.hidden = dict(self.met), self.chance, self.hidden
            texts.append(alone.told(one))
            self.is_pickled |= alone.is_pickled
            self.kept += alone.kept
        kind = [] if type(value) in (set, frozenset) else [self.told(type(value))]
        return self._joined("set", [*sorted(texts), *kind])

    def _array(self, value: Any) -> str:
        if value.dtype.hasobject:
            return self._row("array", [value.shape, value.tolist()])
        return f"array {value.dtype} {value.shape} {hashlib.sha256(value.tobytes()).hexdigest()}"

    def _function(self, function: types.FunctionType) -> str:
        """Tell a function; of one of an installed package the name, if it has one there."""
        is_own = self._is_home(function.__module__)
        if not is_own and (name := _name_of(function)):
            return f"named {name}"
        code = function.__code__
        inside = [_content(cell) for cell in function.__closure__ or ()]
        parts: list[Any] = [code, function.__defaults__, function.__kwdefaults__, inside]
        parts.append(function.__dict__)
        texts = [*map(self.told, parts)]
        if is_own:
            texts += self._used(function)
        return self._joined("function", texts)

    def _used(self, function: types.FunctionType) -> Iterator[str]:
        """Yield what a function uses by names of its module, or imports when it is called."""
        globals_, names = function.__globals__, set()
        found: dict[str, Any] = {}
        for code in _codes(function.__code__):
            names |= set(code.co_names)
            for step in dis.get_instructions(code):
                if step.opname in ("LOAD_GLOBAL", "LOAD_NAME") and step.argval in globals_:
                    found[step.argval] = globals_[step.argval]
                if step.opname == "IMPORT_NAME" and (module := _imported(step.argval)):
                    found[f"import {step.argval}"] = module
        for name in sorted(found):
            value = found[name]
            if isinstance(value, types.ModuleType):
                yield f"{name}: {self._module(value, sorted(names), set())}"
            else:
                yield f"{name}: {self.told(value)}"

    def _module(self, module: types.ModuleType, names: list[str], seen: set[str]) -> str:
        """Tell what there is by some names in a module that is not installed."""
        if _is_installed(module.__name__) or module.__name__ in seen:
            return self.told(module)
        seen.add(module.__name__)
        parts = {name: vars(module)[name] for name in names if name in vars(module)}
        texts = [
            f"{name}: {self._module(value, names, seen)}"
            if isinstance(value, types.ModuleType)
            else f"{name}: {self.told(value)}"
            for name, value in parts.items()
        ]
        return self._joined(f"module {module.__name__}", texts)

    def _code(self, code: types.CodeType) -> str:
        names = [code.co_names, code.co_varnames, code.co_freevars, code.co_flags]
        counts = [code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount]
        texts = [code.co_code.hex(), getattr(code, "co_exceptiontable", b"").hex()]
        return self._joined("code", [*texts, *map(self.told, [*names, *counts, code.co_consts])])

    def _class(self, kind: type) -> str:
        """Tell a class, and those that it inherits from."""
        name = f"{kind.__module__}.{kind.__qualname__}"
        if not self._is_home(kind.__module__) and _name_of(kind):
            return f"class {name}"
        parts = {
            key: part
            for key, part in sorted(vars(kind).items())
            if key not in NOTED
            and not isinstance(part, DESCRIPTORS)
            # With underscores on both sides only methods are of the user's making.
            and (not _is_dunder(key) or isinstance(part, types.FunctionType | staticmethod))
        }
        return self._row(f"class {name}", [kind.__bases__, parts])

    def _object(self, value: Any) -> str:
        """Tell an object by its name, or by what its pickle would be made of."""
        name = _name_of(value)
        # At home a name says nothing: what a class makes of a function has that one's name.
        if name and not self._is_home(getattr(value, "__module__", None)):
            return f"named {name}"
        try:
            reduce = copyreg.dispatch_table.get(type(value))
            made: Any = reduce(value) if reduce else value.__reduce_ex__(4)
        except Exception:  # whatever an object says against it
            made = None
        if name and isinstance(made, str):
            return f"named {name}"
        if not isinstance(made, tuple):
            self.hidden.append(value)
            return f"hidden {type(value).__module__}.{type(value).__qualname__}"
        self.is_pickled = True
        parts = [list(part) if isinstance(part, Iterator) else part for part in made]
        return self._row("object", [type(value), *parts])

    def _is_home(self, module: Any) -> bool:
        """Tell whether a module's content is told, not only named."""
        return module == self.home or not (isinstance(module, str) and _is_installed(module))

    @staticmethod
    def _joined(word: str, parts: Iterable[str]) -> str:
        return f"{word}({', '.join(parts)})"


def _inside(value: Any) -> list[Any] | None:
    """Return what is inside some kinds of objects that hold functions; None for all others."""
    if isinstance(value, functools.partial):
        return [value.func, value.args, value.keywords]
    if isinstance(value, types.MethodType):
        return [value.__func__, value.__self__]
    if isinstance(value, BOUND) and not _name_of(value) and value.__self__ is not None:
        return [value.__name__, value.__self__]
    if isinstance(value, staticmethod | classmethod):
        return [value.__func__]
    if isinstance(value, property):
        return [value.fget, value.fset, value.fdel]
    if isinstance(value, functools.cached_property):
        return [value.func]
    if isinstance(value, functools._lru_cache_wrapper):
        return [value.__wrapped__, value.cache_parameters()]
    if isinstance(value, np.vectorize):
        signature = getattr(value, "signature", None)
        return [value.pyfunc, value.otypes, value.excluded, signature, value.cache]
    if callable(function := getattr(value, "py_func", None)) and _is_of(value, "numba"):
        return [function, getattr(value, "targetoptions", None)]
    return None


def _state(value: Any) -> Any:
    return value.get_state(legacy=False) if hasattr(value, "get_state") else value.state


def _is_of(value: Any, package: str) -> bool:
    return type(value).__module__.partition(".")[0] == package


def _is_own(value: Any) -> bool:
    """Tell whether a function or class is of a module that is not installed."""
    return isinstance(value.__module__, str) and not _is_installed(value.__module__)


def _is_installed(module: str) -> bool:
    """Tell whether a module is Python's, simnorm's or of an installed package."""
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names or top == "simnorm":
        return True
    found = sys.modules.get(top)
    path = getattr(found, "__file__", None) or next(iter(getattr(found, "__path__", ())), "")
    return bool(INSTALLED & set(PurePath(path).parts))


def _name_of(value: Any) -> str:
    """Return the name by which everyone finds a thing in its module; empty if there is none."""
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
    homes = [getattr(value, "__module__", None)]
    if isinstance(value, np.ufunc):
        homes = ["numpy", "scipy.special"]
    for home in homes:
        found: Any = sys.modules.get(home) if isinstance(home, str) else None
        for part in name.split(".") if isinstance(name, str) else ():
            found = getattr(found, part, None)
        if found is value:
            return f"{home}.{name}"
    return "" if isinstance(value, type) else _name_beside(value)


def _name_beside(value: Any) -> str:
    """Return the name of an object beside its class in a package, as scipy.stats.norm has one."""
    home = type(value).__module__
    if home in sys.modules and _is_installed(home):
        for name, found in list(vars(sys.modules[home]).items()):
            if found is value:
                return f"{home}.{name}"
    return ""


def _imported(name: str) -> types.ModuleType | None:
    """Return a module that a function imports, if it is there and not installed."""
    if not name or _is_installed(name):
        return None
    try:
        # The function does the same when it is called.
        return importlib.import_module(name)
    except Exception:  # whatever a module does
        return None


def _content(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not filled in yet
        return None


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """Yield a code and those of functions inside it."""
    yield code
    inner = (part for part in code.co_consts if isinstance(part, types.CodeType))
    yield from itertools.chain.from_iterable(map(_codes, inner))
