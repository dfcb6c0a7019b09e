"""What a function is made of tells it from what it was before, in every process alike."""

from __future__ import annotations

import functools
import os
import subprocess
import sys

import numpy as np

from simnorm.fingerprint import fingerprint

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
