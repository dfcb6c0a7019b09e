"""What a function is made of tells it from what it was before, in every process alike."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import os
import re
import subprocess
import sys
import types
from array import array
from collections import OrderedDict, deque
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest

from simnorm.fingerprint import fingerprint, hidden_in, visible

SOURCE = """
import functools, sys
import numpy as np
from simnorm.fingerprint import fingerprint
from simnorm.distributions import distribution

TABLE = {"b": 1.0, "a": np.arange(3.0)}

class Power:
    def __init__(self, p): self.p = p
    def __call__(self, x, axis=-1): return (x**self.p).mean(axis)

def of(x, axis=-1):
    if x.shape[-1] in {"one", "two", "three", 4}:
        return x.max(axis)
    return of(x[..., 1:]) + sum(v.sum() for v in TABLE.values())

some = of, Power(3), functools.partial(of, axis=-1), np.ptp, np.max, Power(2).__call__
print(*map(fingerprint, some))
"""


def made(text, **names):
    """Return the function f that a text defines."""
    space = {"__name__": "cells"} | names
    exec(text, space)
    return space["f"]


def test_it_is_the_same_in_every_process():
    """Sets of texts, objects and functions that call themselves: no address, no order by chance."""
    found = set()
    for seed in ("0", "1", "2"):
        run = subprocess.run(
            [sys.executable, "-c", SOURCE], capture_output=True, text=True, check=True,
            env=os.environ | {"PYTHONHASHSEED": seed},
        )  # fmt: skip
        found.add(run.stdout)
    assert len(found) == 1
    assert len(set(found.pop().split())) == 6


def test_what_changes_it():
    """Code, constants, defaults, what is closed over, helpers, tables and values beside it."""
    plain = made("def f(x, axis=-1): return x.max(axis)")
    assert fingerprint(plain) == fingerprint(made("def f(x, axis=-1): return x.max(axis)"))

    def closed(value):
        return lambda x: x * value

    helped = "def g(x): return x + {}\ndef f(x): return g(x)"
    inner = "def f(x): return [v + {} for v in x]"
    methods = "class G:\n  def go(self, x): return x + {}\ndef f(x): return G().go(x)"
    pairs = [
        (plain, made("def f(x, axis=-1): return x.min(axis)")),
        (plain, made("def f(x, axis=-2): return x.max(axis)")),
        (closed(1.0), closed(2.0)),
        (closed(np.arange(3.0)), closed(np.arange(3.0) + 1e-9)),
        (closed([1, (2, {"a": 3})]), closed([1, (2, {"a": 4})])),
        (made(helped.format(1)), made(helped.format(2))),
        (made(inner.format(1)), made(inner.format(2))),
        (made(methods.format(1)), made(methods.format(2))),
        (made("def f(x): return x * K", K=1.0), made("def f(x): return x * K", K=2.0)),
        (functools.partial(plain, axis=0), functools.partial(plain, axis=1)),
        (np.ptp, np.max),
        (np.sum, plain),
    ]
    for one, other in pairs:
        assert fingerprint(one) == fingerprint(one)
        assert fingerprint(one) != fingerprint(other), (one, other)
    assert fingerprint(plain, 1.0) != fingerprint(plain, 2.0)
    assert fingerprint(plain, None) != fingerprint(plain)


def test_what_does_not_change_it():
    """Where it stands, and what a name that it does not use means."""
    one = made("def f(x): return x + 1", unused=1)
    assert fingerprint(one) == fingerprint(made("\n\n\ndef f(x): return x + 1", unused=2))


def test_it_ends():
    """Functions that call each other, lists that hold themselves, objects that hold their owner."""
    loop: list[object] = [1]
    loop.append(loop)
    text = "def g(x): return f(x)\ndef f(x): return g(x) or loop"
    assert fingerprint(made(text, loop=loop)) == fingerprint(made(text, loop=loop))

    class Owner:
        def __init__(self):
            self.me = self

        def __call__(self, x):
            return x

    assert fingerprint(Owner()) == fingerprint(Owner())


class Scaled:
    """An object whose function has a name that others look for."""

    def __init__(self, func, by):
        self.func, self.by = func, by

    def __call__(self, x, axis=-1):
        return self.by * self.func(x, axis)


class Renamed(Scaled):
    """The same, under the name of its function: what a decorator makes."""

    def __init__(self, func, by):
        super().__init__(func, by)
        functools.update_wrapper(self, func)


@dataclasses.dataclass(slots=True)
class Slotted:
    by: float

    def __call__(self, x, axis=-1):
        return self.by * x.max(axis)


def largest(x, axis=-1):
    return x.max(axis)


@pytest.mark.parametrize(
    "make",
    [
        lambda by: Scaled(largest, by),
        lambda by: Renamed(largest, by),
        Slotted,
        lambda by: Slotted(by).__call__,
        lambda by: np.vectorize(lambda row: by * row.max(), signature="(n)->()"),
        lambda by: functools.lru_cache(lambda x: x * by),
        lambda by: functools.partial(Scaled(largest, by), axis=-1),
        lambda by: np.frompyfunc(lambda x: x * by, 1, 1).__call__,
    ],
)
def test_objects_that_are_called_differ_by_what_they_hold(make):
    """Attributes, slots, and functions inside: two alike are one, two others are two."""
    hidden = bool(hidden_in(make(1)))
    assert (fingerprint(make(1)) == fingerprint(make(1))) is not hidden
    assert fingerprint(make(1)) != fingerprint(make(2))


def test_what_a_class_makes_of_a_function_is_no_mere_name(monkeypatch):
    """Where a decorator is a class, its object is found by the function's name, and seen into."""

    def decorated(by):
        module = types.ModuleType("cells_decorated")
        module.f = Renamed(made("def f(x): return x", __name__="cells_decorated"), by)
        monkeypatch.setitem(sys.modules, "cells_decorated", module)
        assert (module.f.__module__, module.f.__qualname__) == ("cells_decorated", "f")
        return fingerprint(module.f)

    assert decorated(1) == decorated(1)
    assert decorated(1) != decorated(2)


CLASSES = """
class Base:
    weights = [{0}]
    def __call__(self, x, axis=-1): return self.k() * x.mean(axis)
    @staticmethod
    def k(): return {1}
    @classmethod
    def m(cls): return {2}
    @property
    def p(self): return {3}
class Kind(Base):
    pass
f = Kind()
"""


@pytest.mark.parametrize("place", range(4))
def test_all_of_a_class_is_seen_and_of_those_it_inherits_from(place):
    """Lists, static and class methods and properties of a base."""
    values = [1] * 4
    one = made(CLASSES.format(*values))
    assert fingerprint(one) == fingerprint(made(CLASSES.format(*values)))
    values[place] = 2
    assert fingerprint(one) != fingerprint(made(CLASSES.format(*values)))


KINDS = {
    "Decimal": Decimal, "Fraction": Fraction, "deque": deque, "array": array, "re": re,
    "MappingProxyType": MappingProxyType, "OrderedDict": OrderedDict, "Slotted": Slotted,
    "np": np, "pd": pd,
}  # fmt: skip
VALUES = [
    "range(1, {})", "Decimal('{}')", "Fraction(1, {})", "deque([{}])", "bytearray(b'{}')",
    "array('d', [{}])", "MappingProxyType({{0: {}}})", "slice(0, {})", "re.compile('{}')",
    "pd.Series([{}.0])", "pd.DataFrame({{'a': ['{}']}})", "np.ma.array([{}])", "np.dtype('i{}')",
    "OrderedDict(a={})", "np.random.default_rng({})", "Slotted({})", "frozenset(['a', '{}'])",
    "np.array([{}, None], dtype=object)",
]  # fmt: skip


@pytest.mark.parametrize("text", VALUES)
def test_values_that_a_function_uses_are_seen_whatever_they_are(text):
    """Equal ones are one, others are others, in this and in every other process."""

    def using(number):
        table = eval(text.format(number), dict(KINDS))
        return made("def f(x, axis=-1): return TABLE", TABLE=table)

    # 4 and 8, since not every number is one of a dtype.
    assert fingerprint(using(4)) == fingerprint(using(4))
    assert fingerprint(using(4)) != fingerprint(using(8))
    assert hidden_in(using(4)) == []


def test_what_is_hidden_is_never_taken_for_the_same():
    """Not if it looks the same, nor in another process; the very same object is the same."""
    text = "def f(x, axis=-1): return next(TABLE)"
    ones = [made(text, TABLE=(i for i in range(3))) for _ in range(2)]
    assert hidden_in(ones[0]) == ["generator"]
    assert fingerprint(ones[0]) == fingerprint(ones[0])
    assert fingerprint(ones[0]) != fingerprint(ones[1])
    assert visible(ones[0]) == visible(ones[1])
    made_alike = [fingerprint(made(text, TABLE=(i for i in range(3)))) for _ in range(20)]
    assert len(set(made_alike)) == 20


class Shy:
    """It does not let itself be looked at."""

    def __getattr__(self, name):
        raise RuntimeError(name)

    def __call__(self, x, axis=-1):
        return x.max(axis)


class Fickle:
    """It is another one each time that it is pickled."""

    count = itertools.count()

    def __reduce__(self):
        return Fickle, (next(self.count),)


@pytest.mark.parametrize("kind", [Shy, Fickle])
def test_objects_that_tell_nothing_of_use_are_hidden(kind):
    """They are what they are in this process, and nothing else is."""
    one, other = kind(), kind()
    assert fingerprint(one) == fingerprint(one) != fingerprint(other)
    assert hidden_in(one) == [kind.__name__]


def test_modules_that_are_not_installed_are_seen_into(tmp_path, monkeypatch):
    """A helper in another file of the user's, however it is imported; not one in numpy."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "cells_helper.py").write_text("def g(x): return x\ndef other(x): return x\n")
    import cells_helper

    texts = [
        "import cells_helper\ndef f(x): return cells_helper.g(x)",
        "from cells_helper import g\ndef f(x): return g(x)",
        "def f(x):\n  import cells_helper\n  return cells_helper.g(x)",
    ]
    before = [fingerprint(made(text)) for text in texts]
    assert before == [fingerprint(made(text)) for text in texts]
    space = {"__name__": "cells_helper"}
    exec("def g(x): return x + 1\ndef other(x): return x + 1", space)
    monkeypatch.setattr(cells_helper, "other", space["other"])
    assert before == [fingerprint(made(text)) for text in texts]
    monkeypatch.setattr(cells_helper, "g", space["g"])
    after = [fingerprint(made(text)) for text in texts]
    assert not set(before) & set(after)


def test_functions_of_packages_are_the_same_in_every_process():
    """Compiled ones, scipy's with a generator behind them, and those that use them."""
    text = """
from scipy.stats import norm, trim_mean
import numpy as np
from simnorm.fingerprint import fingerprint, hidden_in
def f(x, axis=-1): return norm.ppf(x) + trim_mean(x, 0.1) + np.random.normal()
some = f, trim_mean, np.add.reduce, np.linalg.norm
print(*map(fingerprint, some), *map(hidden_in, some))
"""
    found = [
        subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    assert found[0].stdout == found[1].stdout
    assert found[0].stdout.endswith("[] [] [] []\n")
    assert len(set(found[0].stdout.split()[:4])) == 4
