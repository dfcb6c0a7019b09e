"""Reports of random designs: every text can be read, whatever was run, and nothing raises."""

from __future__ import annotations

import re

import numpy as np
import pytest
from test_report_text import MOST_SENTENCES, faults, names_in, sentences

import simnorm as sn
from simnorm.report.content import Content
from simnorm.report.pieces import plain

LAWS = (
    "normal", "uniform", "exponential", "t(df=5)", "t(df=3)", "t(df=2)", "cauchy",
    "bernoulli(p=0.5)", "bernoulli(p=0.01)", "poisson(mu=3)", "lognormal(s=2)", "pareto(b=1.5)",
    "pareto(b=3)", "rectified_normal", "normal(loc=5,scale=0.001)", "uniform(loc=1e6,scale=1)",
)  # fmt: skip
STATISTICS = (
    "mean", "biased_variance", "unbiased_variance", "std(ddof=0)", "std(ddof=1)", "min", "max",
    "range", "median", "quantile(q=0.9)", "mad", "iqr", "trimmed_mean(proportion=0.1)", "skewness",
    "excess_kurtosis",
)  # fmt: skip
NAMES = ("a", "long name of a column that goes on and on and on", "列", "5", "x*y #z")
# Few designs in the usual tests, many in the long ones.
FEW, MANY = range(4), range(4, 30)


def often_fails(x, axis=-1):
    """A function of a user that has no value for some samples."""
    largest = np.max(x, axis=axis)
    return np.where(largest > 2.0, np.nan, largest)


def some(rng, words, most):
    """Some of the words in their order, at least one."""
    count = int(rng.integers(1, most + 1))
    return [words[at] for at in sorted(rng.choice(len(words), min(count, len(words)), False))]


def columns(rng, N):
    """Columns of data: random, constant, of two values, heavy, ordered, nearly constant, a jump."""
    found = {}
    for place in range(int(rng.integers(1, 6)) if rng.random() < 0.9 else 30):
        kinds = (
            rng.standard_normal(N), np.full(N, 3.0), rng.integers(0, 2, N) * 1.0,
            rng.standard_cauchy(N), np.arange(N) * 1.0, 1e9 + 1e-3 * rng.standard_normal(N),
            np.where(np.arange(N) == 0, 1e6, 0.0),
        )  # fmt: skip
        found[f"{rng.choice(NAMES)}{place}"] = kinds[rng.integers(len(kinds))]
    return found


def design(seed):
    """Arguments of a sweep."""
    rng = np.random.default_rng(seed)
    N = int(rng.choice([4, 16, 40, 64, 200]))
    sizes = [n for n in (1, 2, 3, 5, 8, 16, 30, 64, 200) if n <= N]
    given = {
        "batch_sizes": some(rng, sizes, 4),
        "estimators": [*some(rng, STATISTICS, 4), *([often_fails] if rng.random() < 0.15 else [])],
        "seed": int(rng.integers(1000)),
    }
    if rng.random() < 0.25:
        given["target_mcse"] = str(rng.choice(["5%", "0.05", "50%"]))
        given["max_replications"] = int(rng.choice([2, 64, 300]))
    else:
        given["replications"] = int(rng.choice([1, 2, 5, 30, 64, 300]))
    if rng.random() < 0.5:
        laws = some(rng, LAWS, 5) if rng.random() < 0.9 else list(LAWS)
        return given | {
            "distributions": laws, "full_size": N,
            "sampling": some(rng, ("shuffle", "replacement", "iid"), 2),
        }  # fmt: skip
    data = columns(rng, N) | {"g": np.repeat(np.arange(N // 4 + 1.0), 4)[:N]}
    schemes = some(rng, ("shuffle", "replacement", "sequential", "grouped:g"), 2)
    return given | {"data": data, "sampling": schemes}


def texts(article):
    """All texts of an article that are whole sentences, as somebody reads them."""
    for key in ("setting", "answer", "shape", "tiles_note", "trust"):
        yield plain(getattr(article, key))
    for block in article.blocks():
        yield from (plain(block[key]) for key in ("caption", "alt") if block.get(key))


def cells(article):
    """The cells of all tables that have nothing but a text."""
    for block in article.blocks():
        if block["kind"] == "table":
            for row in block["rows"]:
                yield from (part for part in row if isinstance(part, str))


def check(seed):
    result = sn.sweep(**design(seed))
    article = Content.of(result).article
    names = names_in(result.frame)
    wrong = [fault for words in texts(article) for fault in faults(words, names=names)]
    for block in article.blocks():
        if block["kind"] == "text":  # A formula may end it.
            wrong += faults(plain(block["text"]), names=names, sentence=False)
    for tile in article.tiles:
        wrong += [fault for part in tile.values() for fault in faults(part, names=names,
                                                                      sentence=False)]  # fmt: skip
    wrong += [
        part
        for part in cells(article)
        if re.search(r"\d[†‡°]|\bNone\b|\binf\b|\bnan\b(?<!returned nan)", part)
    ]
    answer = f"{article.answer} {article.shape}"
    for name in sorted(names, key=len, reverse=True):
        answer = answer.replace(name, "NAME") if name.strip() else answer
    if sentences(answer) > MOST_SENTENCES:
        wrong.append(answer)
    if len(answer.split()) > 110:
        wrong.append(f"{len(answer.split())} words: {answer}")
    assert len(article.tiles) <= 3
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("seed", FEW)
def test_texts_of_random_designs_can_be_read(seed):
    """A few designs; the slow tests have more."""
    check(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", MANY)
def test_texts_of_many_random_designs_can_be_read(seed):
    """Laws and data of all kinds, sizes, statistics, samplings, from one replication to 300."""
    check(seed)
