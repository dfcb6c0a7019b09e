"""Runs that end in the middle of things, for tests of what is left of them."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

import simnorm as sn
from simnorm import keeping
from simnorm.design import Design


class PowerIsGoneError(Exception):
    """What ends a run in the middle of things."""


def interrupted(folder: Path, design: Design, nodes: int, monkeypatch, **options) -> Path:
    """Leave a run after so many of its nodes are kept."""
    true, count = keeping.Store.add, itertools.count(1)

    def add(self, job, node):
        true(self, job, node)
        if next(count) == nodes:
            raise PowerIsGoneError

    with monkeypatch.context() as patched:
        patched.setattr(keeping.Store, "add", add)
        with pytest.raises(PowerIsGoneError):
            sn.run(design, out=folder, **options)
    return folder
