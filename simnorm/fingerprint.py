"""What can be seen of a function: so that a changed one is not taken for what it was before.

A fingerprint is the same in another process under the same version of Python. It sees the compiled
code, constants, defaults, what is closed over, and the names it uses of its own module: functions
there, classes, and plain values. It does not see into other modules, files or what is read later.
"""

from __future__ import annotations

import functools
import hashlib
import types
from typing import Any

import numpy as np

PLAIN = (type(None), type(...), bool, int, float, complex, str, bytes, np.generic)


def fingerprint(value: object, *beside: object) -> str:
    """Return 16 hex digits of what can be seen of a function, and of other values beside it.

    Examples
    --------
    >>> fingerprint(lambda x: x + 1) == fingerprint(lambda x: x + 1)
    True
    >>> fingerprint(lambda x: x + 1) == fingerprint(lambda x: x + 2)
    False
    """
    inner = _inner(value)
    home = getattr(inner, "__module__", None) or type(inner).__module__
    return hashlib.sha256(
        _Teller(home).told([value, *beside]).encode("utf-8", "replace")
    ).hexdigest()[:16]


def _inner(value: Any) -> Any:
    """Return the function inside what wraps one: part of it, or a compiled form."""
    while not isinstance(value, types.FunctionType | type):
        for name in ("func", "__func__", "py_func", "__wrapped__"):
            if callable(found := getattr(value, name, None)):
                value = found
                break
        else:
            break
    return value


class _Teller:
    """Tells values, and of functions and classes of one module what they are made of."""

    def __init__(self, home: str) -> None:
        self.home = home
        # Where a thing was met before, its number says so: functions may call themselves.
        self.met: dict[int, int] = {}
        self.kept: list[object] = []

    def told(self, value: Any) -> str:
        if isinstance(value, PLAIN):
            return f"{type(value).__name__} {value!r}"
        if isinstance(value, types.ModuleType):
            return f"module {value.__name__}"
        if id(value) in self.met:
            return f"met {self.met[id(value)]}"
        self.met[id(value)] = len(self.met)
        self.kept.append(value)  # an id is one thing's as long as that lives
        return self._told(value)

    def _told(self, value: Any) -> str:
        if isinstance(value, tuple | list):
            return self._joined("list", map(self.told, value))
        if isinstance(value, set | frozenset):
            # In an order of their own: that of a set of texts differs from process to process.
            return self._joined("set", sorted(map(self.told, sorted(value, key=repr))))
        if isinstance(value, dict):
            return self._joined("dict", (f"{self.told(k)}: {self.told(value[k])}" for k in value))
        if isinstance(value, np.ndarray):
            content = str(value.tolist()) if value.dtype.hasobject else value.tobytes()
            content = content.encode() if isinstance(content, str) else content
            return f"array {value.dtype} {value.shape} {hashlib.sha256(content).hexdigest()}"
        if isinstance(value, types.CodeType):
            return self._code(value)
        if isinstance(value, functools.partial):
            return f"part of {self.told(value.func)} {self.told([*value.args, value.keywords])}"
        if isinstance(value, types.MethodType):
            return f"method {self.told(value.__func__)} of {self.told(value.__self__)}"
        return self._named(value)

    def _named(self, value: Any) -> str:
        """Tell what has a name, or else a type that has one."""
        inner = _inner(value)
        name = f"{getattr(inner, '__module__', '')}.{getattr(inner, '__qualname__', '')}"
        if isinstance(inner, types.FunctionType):
            return self._function(inner) if inner.__module__ == self.home else f"named {name}"
        if isinstance(inner, type):
            return f"class {name} {self._parts_of(inner)}"
        if hasattr(inner, "__qualname__"):
            return f"named {name}"
        parts = [self.told(type(inner)), self.told(getattr(inner, "__dict__", {}))]
        return self._joined("one", parts)

    def _parts_of(self, kind: type) -> str:
        if kind.__module__ != self.home:
            return ""
        parts = {k: v for k, v in vars(kind).items() if isinstance(v, (types.FunctionType, *PLAIN))}
        left_out = ("__firstlineno__", "__module__", "__doc__")
        return self.told({k: v for k, v in parts.items() if k not in left_out})

    def _function(self, function: types.FunctionType) -> str:
        code = function.__code__
        used = {k: function.__globals__[k] for k in _names(code) if k in function.__globals__}
        inside = [_content(cell) for cell in function.__closure__ or ()]
        parts = [code, function.__defaults__, function.__kwdefaults__, inside, used]
        return self._joined("function", map(self.told, parts))

    def _code(self, code: types.CodeType) -> str:
        names = [code.co_names, code.co_varnames, code.co_freevars, code.co_flags]
        return self._joined("code", [code.co_code.hex(), *map(self.told, [*names, code.co_consts])])

    @staticmethod
    def _joined(word: str, parts: Any) -> str:
        return f"{word}({', '.join(parts)})"


def _content(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not filled in yet
        return None


def _names(code: types.CodeType) -> list[str]:
    """Return the names that a function uses, and functions inside it."""
    inner = [part for part in code.co_consts if isinstance(part, types.CodeType)]
    found = [*code.co_names, *(name for part in inner for name in _names(part))]
    return sorted(set(found))
