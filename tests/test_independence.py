"""Streams are distinct and uncorrelated: a sample in every run, a million with --all.

`scripts/prove independence` writes the whole into reports/proof/independence.csv. False alarms:
fingerprints collide by chance with a probability of 1e-27 for a million; correlations pass their
bounds once in a million choices of seeds.
"""

from __future__ import annotations

import hashlib
import math

import numpy as np
import pandas as pd
import pytest
from proving import independence as proof

from simnorm.streams import block_stream, stream_words


def failed(found):
    return [each for each in found if not each.passed]


def test_a_sample_of_streams_is_distinct():
    """No two of 20,000 streams of all laws, rows, schemes, sizes and blocks begin alike."""
    found = proof.fingerprints(proof.keys(20_000))
    assert (len(found), proof.repeated(found)) == (20_000, 0)


@pytest.mark.full_size
def test_a_million_streams_are_distinct():
    """No two of a million begin with the same 128 bits."""
    found = proof.fingerprints(proof.keys(proof.STREAMS))
    assert (len(found), proof.repeated(found)) == (1_000_000, 0)


def test_the_keys_are_those_of_runs():
    """All laws and rows, three sizes, five ways to draw from each; a million are all different."""
    first = proof.series()
    assert len(first) == len(proof.sources()) * 3 * 5
    assert len({key.source for key in first}) == len(proof.sources())
    some = list(proof.keys(50_000))
    assert len(set(some)) == 50_000
    assert {key.block for key in some} == set(range(-(-50_000 // len(first))))


def test_neighbouring_keys_share_no_stream():
    """Seeds s and s + 1, laws that differ in the last digit, schemes, sizes, rows and blocks."""
    found = proof.neighbours(400)
    assert len(found) == 7
    assert failed(found) == []
    assert all(each.count >= 20 for each in found)


def test_no_stream_runs_into_another():
    """Of a hundred streams of 1,000 words, no 64 bits come twice."""
    assert proof.overlaps(100, 1000).passed


def test_streams_are_uncorrelated():
    """499,500 pairs of streams: the mean of z^2 is 1, and the largest |z| below Sidak's bound."""
    square, largest = proof.correlations()
    assert square.count == largest.count == 499_500
    assert square.bound == pytest.approx(0.0098, abs=2e-4)
    assert square.passed, square
    assert largest.bound == pytest.approx(7.03, abs=0.01)
    assert largest.passed, largest


def test_no_generator_in_the_package_is_without_a_key():
    """Neither default_rng nor RandomState nor numpy's global state is used anywhere."""
    found = proof.hidden_randomness()
    assert found.count > 100
    assert found.passed


def test_sidaks_bound():
    """The largest of 499,500 independent |z| exceeds it once in a million."""
    each = math.erfc(proof.sidak(499_500) / math.sqrt(2))
    assert -math.expm1(499_500 * math.log1p(-each)) == pytest.approx(1e-6, rel=1e-6)


def test_the_table_that_is_kept_passes():
    """The full size was run: a million streams, and nothing beyond its bound."""
    kept = pd.read_csv(proof.TABLE)
    assert list(kept.columns) == ["what", "count", "value", "bound"]
    assert kept["count"].max() == 1_000_000
    assert (kept["value"] <= kept["bound"]).all()
    now = [proof.neighbours(30), proof.correlations(10, 100)]
    names = {each.what for part in now for each in part}
    assert names < set(kept["what"])


# ---------------------------------------------------------------------------------------------
# Faults that must be seen


def spoiled(monkeypatch, stream):
    monkeypatch.setattr(proof, "block_stream", stream)


def generator(entropy):
    return np.random.Generator(np.random.PCG64DXSM(entropy))


def test_a_key_without_the_batch_size_is_seen(monkeypatch):
    """Batches of all sizes drawn from one stream are repeated fingerprints."""
    spoiled(monkeypatch, lambda *key: block_stream(*key[:5]))
    assert proof.repeated(proof.fingerprints(proof.keys(2000))) > 0
    names = [each.what for each in failed(proof.neighbours(100))]
    assert "streams shared by batch sizes" in names


def test_seeds_that_are_added_to_are_seen(monkeypatch):
    """With seed + block, the studies of seeds s and s + 1 share nearly all streams."""

    def stream(seed, source, size, sampling, block, batch_size=0):
        words = stream_words(source, size, sampling)
        return generator([(seed + block) % 2**128, *words, batch_size])

    spoiled(monkeypatch, stream)
    assert proof.repeated(proof.fingerprints(proof.keys(2000))) == 0
    names = [each.what for each in failed(proof.neighbours(1000))]
    assert names == ["streams shared by seeds s and s + 1"]


def test_a_short_hash_is_seen(monkeypatch):
    """Streams named by 24 bits meet by chance among 20,000."""

    def stream(*key):
        digest = hashlib.sha256(repr(key).encode()).digest()
        return generator(int.from_bytes(digest[:3]))

    spoiled(monkeypatch, stream)
    # 20,000^2 / 2 / 2^24 = 12 are expected, and none once in 160,000 times.
    assert proof.repeated(proof.fingerprints(proof.keys(20_000))) > 0


def test_parameters_that_are_rounded_are_seen(monkeypatch):
    """Laws named by six digits of their parameters share streams."""

    def stream(seed, source, *rest):
        return block_stream(seed, source.replace("5.000000000000001", "5"), *rest)

    spoiled(monkeypatch, stream)
    names = [each.what for each in failed(proof.neighbours(100))]
    assert names == ["streams shared by laws that differ in the last digit"]


def test_streams_that_run_into_each_other_are_seen(monkeypatch):
    """Blocks cut from one sequence, 500 words apart, repeat words but no fingerprint."""

    def stream(*key):
        found = generator(0)
        found.bit_generator.advance(500 * places[key])
        return found

    places = {key: place for place, key in enumerate(proof.keys(50))}
    spoiled(monkeypatch, stream)
    assert proof.repeated(proof.fingerprints(proof.keys(50))) == 0
    assert not proof.overlaps(50, 1000).passed


@pytest.mark.parametrize("common", [0.002, 0.5])
def test_a_common_part_of_streams_is_seen(common, monkeypatch):
    """A correlation of 0.002 between all pairs moves the mean of z^2, one of 0.5 both."""
    shock = np.random.default_rng(0).normal(size=proof.LENGTH)

    class Spoiled:
        def __init__(self, *key):
            self.own = block_stream(*key)

        def standard_normal(self, size):
            own = self.own.standard_normal(size)
            return math.sqrt(1 - common) * own + math.sqrt(common) * shock

    spoiled(monkeypatch, Spoiled)
    square, largest = proof.correlations()
    assert not square.passed
    assert largest.passed == (common < 0.5)


def test_one_doubled_stream_is_seen(monkeypatch):
    """Two equal streams among a thousand have a correlation of 1, far beyond the bound."""
    some = list(proof.keys(2))
    spoiled(monkeypatch, lambda *key: block_stream(*(some[0] if key == some[1] else key)))
    assert not proof.correlations()[1].passed
