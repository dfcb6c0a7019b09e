"""Sorted batches: whichever way they are made, they are the sorted batches."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from simnorm.compiled import compiled_kernels
from simnorm.sampling import cut
from simnorm.sorting import SortedBatches

LADDERS = [
    (2, 4, 8, 16, 32, 64, 128, 256, 512, 1024),
    (1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
    (8, 512, 1000),
    (5, 10, 40, 320, 640),
    (2, 7, 14, 1000),
    (3, 1000),
    (512, 512, 1000),
    (300, 600),
]


@pytest.mark.parametrize("sizes", LADDERS)
@pytest.mark.parametrize("kind", ["normal", "ties", "falling"])
def test_every_size_is_sorted_whatever_came_before(sizes, kind):
    """All ladders of sizes, with ties, with sizes that do not divide each other or N."""
    rng = np.random.default_rng(5)
    full_sets = {
        "normal": rng.standard_normal((3, 1100)),
        "ties": rng.integers(0, 4, (3, 1100)).astype(float),
        "falling": np.arange(3300.0)[::-1].reshape(3, 1100).copy(),
    }[kind]
    before = full_sets.copy()
    batches = SortedBatches(full_sets)
    for size in sizes:
        assert np.array_equal(batches.of(size), np.sort(cut(full_sets, size), axis=-1)), size
    assert np.array_equal(full_sets, before)


@pytest.mark.skipif(compiled_kernels() is None, reason="numba is not installed")
def test_a_merge_of_every_pattern_of_zeros_and_ones_is_sorted():
    """By the 0-1 principle's idea: all sorted halves of three, with every kind of ties."""
    from simnorm.kernels import merge_halves

    halves = list(itertools.combinations_with_replacement([0.0, 1.0, 2.0], 3))
    source = np.array([[*left, *right] for left in halves for right in halves])
    target = np.full_like(source, np.nan)
    merge_halves(source, target, 3, 6)
    assert np.array_equal(target, np.sort(source, axis=-1))


@pytest.mark.parametrize("sizes", LADDERS)
def test_without_compiled_loops_the_values_are_the_same(sizes, monkeypatch):
    """Numpy alone gives the very same sorted batches."""
    full_sets = np.random.default_rng(6).standard_normal((2, 1100))
    found = [batch.copy() for size in sizes for batch in [SortedBatches(full_sets).of(size)]]
    monkeypatch.setattr("simnorm.sorting.compiled_kernels", lambda: None)
    batches = SortedBatches(full_sets)
    for size, batch in zip(sizes, found, strict=True):
        assert np.array_equal(batches.of(size), batch)
