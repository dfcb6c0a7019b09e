"""How many digits of mean and standard deviation are right, against exact rational arithmetic.

The data are NIST's Statistical Reference Datasets for univariate statistics. Five of the nine are
made here: the digits of pi (NIST's file has a 3 where the 957th digit is 8, which its certified
values need) and NumAcc1 to 4. The other four (Lew, Lottery, Mavro, Michelso) are read from the
JSON file that the environment variable SIMNORM_STRD names: {"data": {name: [text, ...]},
"certified": {name: [mean, standard deviation]}}.

Two questions are asked of every code path. Against the exact value of the numbers as stored, every
path must have 15 digits. Against the certified value, which is that of the decimals, it must have
what rounding the decimals to doubles has left, less 0.3.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import simnorm as sn
from simnorm.estimators import biased_variance, estimator, mean, unbiased_variance
from simnorm.preprocessing import PreciseBatchNormalizer, StreamingMoments
from simnorm.tally import Tally

Floats = NDArray[np.float64]
# A code path: mean and standard deviation (ddof = 1) of some numbers, NaN for what it has not.
Path_ = Callable[[list[str]], tuple[float, float]]

FILE = "SIMNORM_STRD"
TABLE = Path(__file__).resolve().parents[2] / "reports" / "proof" / "digits.csv"

# Digits that are asked for against the exact value, and those a double can have.
ENOUGH, MOST = 15.0, -math.log10(2.0**-53)
# What may be missing to the digits that the decimals have left when they were stored.
SLACK = 0.3
# NIST's wrong digit of pi, from 0 for the leading 3.
WRONG_DIGIT, ITS_VALUE = 956, 3
OFFSETS = tuple(10.0**power for power in range(3, 16, 3))
OFFSET_SIZE = 10_000


@dataclass(frozen=True)
class Data:
    """A data set: its numbers as text, and its certified mean and standard deviation, if any."""

    name: str
    texts: list[str]
    certified: tuple[str, str] | None = None

    @property
    def stored(self) -> Floats:
        return doubles(self.texts)


def doubles(texts: list[str]) -> Floats:
    """Return numbers as they are stored."""
    return np.array([float(text) for text in texts])


def pi_digits(count: int) -> str:
    """Return the first digits of pi, by Machin's formula in whole numbers."""
    unit = 10 ** (count + 10)

    def arctan_of_inverse(x: int) -> int:
        power, total, n = unit // x, 0, 1
        while power:
            total += power // n if n % 4 == 1 else -(power // n)
            power, n = power // (x * x), n + 2
        return total

    pi = 4 * (4 * arctan_of_inverse(5) - arctan_of_inverse(239))
    # Python refuses to print longer numbers at once.
    pieces, rest = [], pi // 10**11
    while rest:
        rest, piece = divmod(rest, 10**1000)
        pieces.append(f"{piece:01000d}" if rest else str(piece))
    return "".join(reversed(pieces))


def generated() -> Iterator[Data]:
    """Return the five sets that need no file."""
    digits = list(pi_digits(5000))
    digits[WRONG_DIGIT] = str(ITS_VALUE)
    yield Data("PiDigits", digits, ("4.5348", "2.86733906028871"))
    yield Data("NumAcc1", ["10000001", "10000003", "10000002"], ("10000002", "1"))
    for name, first, pair in (
        ("NumAcc2", "1.2", ["1.1", "1.3"]),
        ("NumAcc3", "1000000.2", ["1000000.1", "1000000.3"]),
        ("NumAcc4", "10000000.2", ["10000000.1", "10000000.3"]),
    ):
        yield Data(name, [first, *(pair * 500)], (first, "0.1"))


def from_file(path: str) -> Iterator[Data]:
    """Return the four sets of the JSON file."""
    held = json.loads(Path(path).read_text(encoding="utf-8"))
    names = {"Lew": "lew", "Lottery": "lottery", "Mavro": "mavro", "Michelso": "michelson"}
    for name, key in names.items():
        middle, spread = held["certified"][key]
        yield Data(name, list(held["data"][key]), (middle, spread))


def shifted(offset: float) -> Data:
    """Return 10,000 normal numbers with standard deviation 1 at an offset, rounded as stored."""
    draws = np.random.default_rng(5).normal(size=OFFSET_SIZE) + offset
    return Data(f"normal + 1e{round(math.log10(offset))}", [repr(float(x)) for x in draws])


def sets() -> list[Data]:
    """Return all data sets that there are."""
    path = os.environ.get(FILE, "")
    return [*generated(), *(from_file(path) if path else ())]


# Exact values


def root(square: Fraction) -> Fraction:
    """Return a square root to 60 digits and more."""
    scale = 10**120
    shift = scale * 10 ** (2 * max(0, -math.floor(math.log10(float(square) or 1.0))))
    return Fraction(math.isqrt(int(square * shift * shift)), shift)


def exact(numbers: list[Fraction]) -> tuple[Fraction, Fraction]:
    """Return mean and standard deviation (ddof = 1) in rational arithmetic."""
    middle = sum(numbers) / len(numbers)
    squares = sum((x - middle) ** 2 for x in numbers) / (len(numbers) - 1)
    return middle, root(squares)


def digits(found: float, truth: Fraction) -> float:
    """Return the digits that are right: -log10 of the relative error; 0 if there is no number."""
    if not math.isfinite(found):
        return 0.0
    error = abs(Fraction(found) - truth) / abs(truth)
    return min(MOST, max(0.0, -math.log10(error))) if error else MOST


# Code paths


def _sd(variance: float, of: int, ddof: int) -> float:
    """Return the standard deviation with divisor n - 1 from a variance with divisor n - ddof."""
    return math.sqrt(variance * ((of - ddof) / (of - 1)))


def by_estimators(texts: list[str]) -> tuple[float, float]:
    x = doubles(texts)
    return float(mean(x)), math.sqrt(float(unbiased_variance(x)))


def by_biased_variance(texts: list[str]) -> tuple[float, float]:
    x = doubles(texts)
    return math.nan, _sd(float(biased_variance(x)), x.size, 0)


def by_std(ddof: int) -> Path_:
    def path(texts: list[str]) -> tuple[float, float]:
        x = doubles(texts)
        found = float(estimator(f"std(ddof={ddof})")(x))
        return math.nan, found * math.sqrt((x.size - ddof) / (x.size - 1))

    return path


def by_mcse(texts: list[str]) -> tuple[float, float]:
    x = doubles(texts)
    return sn.mcse(x, "bias").estimate, sn.mcse(x, "sd").estimate


def by_streaming(parts: int) -> Path_:
    def path(texts: list[str]) -> tuple[float, float]:
        x = doubles(texts)
        cut = np.array_split(x, min(parts, x.size))
        moments = reduce(StreamingMoments.merge, (StreamingMoments.of(part) for part in cut))
        return float(moments.mean), math.sqrt(float(moments.variance(ddof=1)))

    return path


def by_precise(batch_size: int) -> Path_:
    def path(texts: list[str]) -> tuple[float, float]:
        x = doubles(texts)
        fitted = PreciseBatchNormalizer(batch_size=batch_size, shuffle=False).fit(x[:, np.newaxis])
        return float(fitted.mean_[0]), _sd(float(fitted.var_[0]), x.size, 0)

    return path


def by_tally(parts: int, *, tree: bool) -> Path_:
    """Return the path of A through a tally in so many parts, merged in a row or as a tree."""

    def path(texts: list[str]) -> tuple[float, float]:
        x = doubles(texts)
        nodes = [Tally.of([part], [part]) for part in np.array_split(x, min(parts, x.size))]
        while tree and len(nodes) > 1:
            pairs = zip(nodes[::2], nodes[1::2], strict=False)
            odd = nodes[-1:] if len(nodes) % 2 else []
            nodes = [left.merge(right) for left, right in pairs] + odd
        whole = reduce(Tally.merge, nodes)
        return float(whole.mean[0, 0]), math.sqrt(float(whole.scatter[0, 0]) / (x.size - 1))

    return path


def by_column(texts: list[str]) -> tuple[float, float]:
    """What a run on a file says of its column: read as text, shown as mean and sd (ddof = 0)."""
    facts = _run(texts).columns.iloc[0]
    return float(facts["mean"]), _sd(float(facts["std"]) ** 2, len(texts), 0)


def by_theory(texts: list[str]) -> tuple[float, float]:
    """The exact theory of a run on a file: Var(batch mean) = S^2 (1/n - 1/N)."""
    rows = _run(texts).frame.query("estimator == 'mean' and measure == 'variance'")
    size, whole = int(rows["batch_size"].iloc[0]), len(texts)
    variance = float(rows["theory"].iloc[0]) * size * whole / (whole - size)
    return math.nan, math.sqrt(variance)


def _run(texts: list[str]) -> sn.Result:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.csv"
        path.write_text("\n".join(["x", *texts, ""]), encoding="utf-8")
        sizes = [2, len(texts)]
        return sn.sweep(data=path, batch_sizes=sizes, replications=2, estimators=["mean", "std"])


PATHS: dict[str, Path_] = {
    "mean, unbiased_variance": by_estimators,
    "biased_variance": by_biased_variance,
    "std(ddof=0)": by_std(0),
    "std(ddof=1)": by_std(1),
    "mcse: bias, sd": by_mcse,
    "file: facts of the column": by_column,
    "file: theory of the mean": by_theory,
    "tally, whole": by_tally(1, tree=False),
    "tally, 8 parts": by_tally(8, tree=False),
    "tally, 100 parts": by_tally(100, tree=False),
    "tally, 64 parts as a tree": by_tally(64, tree=True),
    "tally, one by one": by_tally(10**9, tree=False),
    "StreamingMoments, whole": by_streaming(1),
    "StreamingMoments, 8 parts": by_streaming(8),
    "StreamingMoments, 100 parts": by_streaming(100),
    "StreamingMoments, one by one": by_streaming(10**9),
    "PreciseBatchNormalizer, n = 2": by_precise(2),
    "PreciseBatchNormalizer, n = 32": by_precise(32),
    "PreciseBatchNormalizer, n = 1000": by_precise(1000),
}


def rows_of(data: Data) -> Iterator[dict[str, object]]:
    """Return the digits of every path on a data set, a row for each quantity."""
    stored = exact([Fraction(x) for x in data.stored.tolist()])
    certified = tuple(Fraction(text) for text in data.certified) if data.certified else None
    for name, path in PATHS.items():
        found = path(data.texts)
        for place, quantity in enumerate(("mean", "standard deviation")):
            if math.isnan(found[place]):
                continue
            row: dict[str, object] = {
                "set": data.name,
                "quantity": quantity,
                "path": name,
                "digits": digits(found[place], stored[place]),
            }
            if certified:
                best = abs(stored[place] - certified[place]) / abs(certified[place])
                row["certified_digits"] = digits(found[place], certified[place])
                row["reachable"] = min(MOST, -math.log10(best)) if best else MOST
            yield row


def table(wanted: list[Data]) -> pd.DataFrame:
    """Return one row for every set, quantity and code path.

    `digits` are those against the exact value of the stored numbers, `certified_digits` those
    against the certified value, of which `reachable` can be had from numbers stored as doubles.
    """
    return pd.DataFrame([row for data in wanted for row in rows_of(data)])


def main(arguments: list[str]) -> None:
    """Write the table, and say what falls short."""
    parser = argparse.ArgumentParser(prog="scripts/prove digits", description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=TABLE)
    output = parser.parse_args(arguments).output
    found = table([*sets(), *(shifted(offset) for offset in OFFSETS)])
    output.parent.mkdir(parents=True, exist_ok=True)
    found.round(2).to_csv(output, index=False)
    short = found[found["digits"] < ENOUGH]
    lost = found[found["certified_digits"] < found["reachable"] - SLACK]
    print(f"{len(found):,} numbers, {len(short)} with fewer than {ENOUGH:g} digits:")
    print(short.round(2).to_string(index=False))
    print(f"{len(lost)} further from the certified value than the stored numbers are:")
    print(lost.round(2).to_string(index=False))
    print(f"written: {output}")
