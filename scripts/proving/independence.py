"""That streams of random numbers are distinct and uncorrelated: those that runs draw from.

A stream belongs to (seed, source, N, sampling, block, batch size). Its fingerprint is its first
128 bits. Two random streams share one with a chance of 2^-128, so that a million of them should
hold no two alike.
"""

from __future__ import annotations

import argparse
import ast
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import simnorm
from simnorm.distributions import DISTRIBUTIONS, distribution
from simnorm.streams import block_stream, rows_source

Words = NDArray[np.uint64]

TABLE = Path(__file__).resolve().parents[2] / "reports" / "proof" / "independence.csv"

STREAMS = 1_000_000
SIZES = (64, 569, 16_384)
BATCH_SIZES = (2, 8, 32)
# Neighbours, at the seams of the words that a seed is made of too.
SEEDS = (0, 1, 2, 2**32 - 1, 2**32, 2**64 - 1, 2**64, 2**128 - 2, 2**128 - 1)

ALIKE = (
    *("t(df=5)", "t(df=5.000000000000001)", "t(df=4.999999999999999)"),
    *("normal", "normal(scale=1.0000000000000002)", "normal(scale=0.9999999999999999)"),
)
ROWS = (rows_source(), rows_source("a"), rows_source("b"), rows_source("aa"), "normal")

# All pairs of so many streams, of so many normal numbers each.
CORRELATED, LENGTH = 1_000, 4_096
# False alarms of the correlations, by chance once in a million seeds: the largest |z| by Sidak,
# the mean of z^2 by its standard error, sqrt(2/pairs).
ALPHA = 1e-6


class Key(NamedTuple):
    """What a stream belongs to."""

    seed: int
    source: str
    full_size: int
    sampling: str
    block: int
    batch_size: int = 0


class Finding(NamedTuple):
    """What was looked at, how many, what was found, and what is allowed."""

    what: str
    count: int
    value: float
    bound: float

    @property
    def passed(self) -> bool:
        return self.value <= self.bound


def sources() -> list[str]:
    """Return every law that is known by a word, and the rows of files, grouped or not."""
    laws = [str(distribution(word)) for word in DISTRIBUTIONS]
    return [*laws, rows_source(), rows_source("0" * 64), rows_source("0" * 63 + "1")]


def series(seed: int = 0) -> list[Key]:
    """Return the first block of everything that is drawn block by block."""
    drawn = [("shuffle", 0), ("iid", 0), *(("replacement", size) for size in BATCH_SIZES)]
    return [
        Key(seed, source, size, sampling, 0, batch_size)
        for source, size, (sampling, batch_size) in itertools.product(sources(), SIZES, drawn)
    ]


def keys(count: int, seed: int = 0) -> Iterator[Key]:
    """Return so many keys, the blocks of all series in turn."""
    first = series(seed)
    blocks = (key._replace(block=block) for block in itertools.count() for key in first)
    return itertools.islice(blocks, count)


def fingerprints(wanted: Iterable[Key], words: int = 2) -> Words:
    """Return the first 64-bit words of streams, shape (streams, words)."""
    found = [block_stream(*key).bit_generator.random_raw(words) for key in wanted]
    return np.array(found, dtype=np.uint64).reshape(-1, words)


def repeated(prints: Words) -> int:
    """Return how many rows were there before."""
    return len(prints) - len(np.unique(prints, axis=0))


def shared(what: str, sets: Iterable[Iterable[Key]]) -> Finding:
    """Return how many streams sets of keys have in common, and any that one has twice."""
    prints = np.concatenate([fingerprints(dict.fromkeys(part)) for part in sets])
    return Finding(f"streams shared by {what}", len(prints), repeated(prints), 0)


def neighbours(count: int) -> list[Finding]:
    """Return what streams share whose keys differ in one thing; up to `count` for each value."""
    base = list(keys(count))

    def varied(what: str, name: str, values: Sequence[object]) -> Finding:
        return shared(what, [[key._replace(**{name: value}) for key in base] for value in values])

    return [
        varied("seeds s and s + 1", "seed", SEEDS),
        varied("laws that differ in the last digit", "source", ALIKE),
        varied("rows of files, grouped or not, and laws", "source", ROWS),
        varied("sampling schemes", "sampling", ["shuffle", "iid", "replacement", "grouped:a"]),
        varied("full sizes", "full_size", [63, 64, 65, 2**31 - 1]),
        varied("batch sizes", "batch_size", [0, 1, 2, 3, 4]),
        varied("blocks", "block", [0, 1, 2, 2**32 - 1]),
    ]


def correlations(streams: int = CORRELATED, length: int = LENGTH) -> list[Finding]:
    """Return what correlations of normal numbers in the same place of different streams are like.

    Of independent normal numbers, r sqrt(length - 1) has mean square 1, and any two are
    independent of each other.
    """
    draws = np.array([block_stream(*key).standard_normal(length) for key in keys(streams)])
    z = np.corrcoef(draws)[np.triu_indices(streams, 1)] * math.sqrt(length - 1.0)
    return [
        Finding("correlations: mean z^2, distance from 1", z.size, *_mean_square(z)),
        Finding("correlations: largest |z|", z.size, float(np.abs(z).max()), sidak(z.size)),
    ]


def _mean_square(z: NDArray[np.float64]) -> tuple[float, float]:
    from scipy.special import ndtri

    bound = -float(ndtri(ALPHA / 2.0)) * math.sqrt(2.0 / z.size)
    return abs(float((z * z).mean()) - 1.0), bound


def sidak(count: int) -> float:
    """Return the |z| that the largest of so many exceeds with probability ALPHA."""
    from scipy.special import ndtri

    each = -math.expm1(math.log1p(-ALPHA) / count)
    return -float(ndtri(each / 2.0))


def overlaps(streams: int, words: int) -> Finding:
    """Return how many 64-bit words come twice in streams: one that runs into another repeats all.

    By chance a million words hold two alike once in 37 million times.
    """
    found = fingerprints(keys(streams), words).reshape(-1, 1)
    return Finding("words repeated", found.size, repeated(found), 0)


def hidden_randomness() -> Finding:
    """Return how often the package uses a generator that is no stream of a key."""
    allowed = ("Generator", "PCG64DXSM", "SeedSequence")
    # scikit-learn takes nothing newer; with a key it is as good as a Generator.
    keyed = "np.random.RandomState(np.random.PCG64DXSM(seed))"
    paths = list(Path(simnorm.__file__).parent.rglob("*.py"))
    hidden = 0
    for path in paths:
        text = path.read_text(encoding="utf-8").replace(keyed, "keyed")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "np.random":
                hidden += node.attr not in allowed
            hidden += isinstance(node, ast.Name) and node.id in ("default_rng", "RandomState")
    return Finding("generators without a key in the package's modules", len(paths), hidden, 0)


def findings(streams: int, each: int, correlated: int, length: int) -> list[Finding]:
    """Return all that is looked at, in the size that is given."""
    prints = fingerprints(keys(streams))
    return [
        Finding("fingerprints repeated", len(prints), repeated(prints), 0),
        overlaps(max(1, streams // 1000), 1000),
        *neighbours(each),
        *correlations(correlated, length),
        hidden_randomness(),
    ]


def main(arguments: list[str]) -> None:
    """Write the table, and say whether all is within its bounds."""
    parser = argparse.ArgumentParser(prog="scripts/prove independence", description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=TABLE)
    output = parser.parse_args(arguments).output
    found = findings(STREAMS, 20_000, CORRELATED, LENGTH)
    table = pd.DataFrame(found)
    output.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(output, index=False, float_format="%.4g")
    print(table.to_string(index=False))
    print(f"written: {output}")
    if not all(each.passed for each in found):
        raise SystemExit(3)
