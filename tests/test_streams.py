"""Random streams: one for every (seed, source, block), found from content, shared by nobody."""

from __future__ import annotations

import ast
import hashlib
import itertools
from pathlib import Path

import numpy as np
import pytest

import simnorm
from simnorm import streams
from simnorm.design import Design
from simnorm.distributions import DISTRIBUTIONS
from simnorm.estimators import ESTIMATORS
from simnorm.streams import block_stream, lanes_of, slab_rows, stream_words
from simnorm.studies import drawing, sweep

PACKAGE = Path(simnorm.__file__).parent


def fingerprint(seed, source, full_size=64, sampling="shuffle", block=0):
    """Return the first 128 raw bits of a stream."""
    bits = block_stream(seed, source, full_size, sampling, block).bit_generator
    return bytes(bits.random_raw(2))


def fingerprints(seed, blocks):
    """Return those of a big study: every law at three full sizes, `blocks` blocks each."""
    return [
        fingerprint(seed, word, full_size, block=block)
        for word in DISTRIBUTIONS
        for full_size in (64, 569, 16_384)
        for block in range(blocks)
    ]


def test_all_streams_of_a_big_study_are_distinct():
    """No two blocks of any two sources begin with the same 128 bits."""
    # 5,400 fingerprints of 128 bits collide by chance with probability 4e-32.
    found = fingerprints(seed=0, blocks=200)
    assert len(set(found)) == len(found)


def test_neighbouring_seeds_share_no_stream():
    """Studies with the seeds s and s + 1 have no stream in common."""
    seeds = (0, 1, 2, 2**32, 2**32 + 1, 2**64, 2**127, 2**128 - 1)
    found = list(itertools.chain(*(fingerprints(seed, blocks=20) for seed in seeds)))
    assert len(set(found)) == len(found)


def test_everything_in_the_key_makes_another_stream():
    """A change in seed, law, last digit of a parameter, full size, sampling or block counts."""
    base = ("t(df=5)", 64, "shuffle", 0)
    others = [
        (0, *base),
        (1, *base),
        (0, "t(df=5.000000000000001)", *base[1:]),
        (0, "normal", *base[1:]),
        (0, "t(df=5)", 65, "shuffle", 0),
        (0, "t(df=5)", 64, "replacement", 0),
        (0, "t(df=5)", 64, "shuffle", 1),
        (0, "t(df=5)", 64, "shuffle", 2**32 - 1),
    ]
    assert len({fingerprint(*key) for key in others}) == len(others)


def test_the_streams_of_many_blocks_are_uncorrelated():
    """Normals of the same place in different streams have correlations like independent ones."""
    streams_, length = 300, 2048
    draws = np.array(
        [
            block_stream(7, "normal", 64, "shuffle", b).standard_normal(length)
            for b in range(streams_)
        ]
    )
    z = np.corrcoef(draws)[np.triu_indices(streams_, 1)] * np.sqrt(length)
    # 44,850 pairs: the mean of z^2 has standard error sqrt(2/44,850) = 0.0067, five of which are
    # passed by chance once in 2 million seeds; the largest |z| passes 6 once in 10,000.
    assert abs((z * z).mean() - 1.0) < 5.0 * np.sqrt(2.0 / z.size)
    assert np.abs(z).max() < 6.0


def test_the_key_can_be_found_again_outside_this_program():
    """The words are sha256 of the documented JSON text, and the generator is the documented one."""
    text = '{"full_size":569,"sampling":"shuffle","source":"t(df=5)","stream_version":2}'
    words = np.frombuffer(hashlib.sha256(text.encode()).digest(), dtype="<u4")
    assert stream_words("t(df=5)", 569, "shuffle") == tuple(int(word) for word in words)
    sequence = np.random.SeedSequence(2**127 + 5, spawn_key=(*map(int, words), 3))
    expected = np.random.PCG64DXSM(sequence).random_raw(8)
    stream = block_stream(2**127 + 5, "t(df=5)", 569, "shuffle", 3)
    assert isinstance(stream.bit_generator, np.random.PCG64DXSM)
    assert np.array_equal(stream.bit_generator.random_raw(8), expected)


def test_words_are_eight_of_32_bits():
    """Every word is below 2^32, and there are always eight: keys cannot run into each other."""
    for word, full_size in itertools.product(DISTRIBUTIONS, (1, 64, 2**31 - 1)):
        words = stream_words(word, full_size, "shuffle")
        assert len(words) == 8
        assert all(0 <= part < 2**32 for part in words)
        assert len(set(words)) == 8


def test_block_indices_are_one_word():
    """The most replications that are allowed leave block indices below 2^32."""
    from simnorm.design import MOST_REPLICATIONS

    assert MOST_REPLICATIONS // streams.FEWEST_LANES < 2**32


@pytest.mark.parametrize(
    "change",
    [
        {"batch_sizes": [3, 5, 7]},
        {"estimators": list(ESTIMATORS)},
        {"replications": 9},
        {"distributions": ["cauchy", "normal", "uniform"]},
    ],
    ids=["batch sizes", "estimators", "replications", "laws"],
)
def test_what_is_computed_is_not_in_the_key(change, monkeypatch):
    """Batch sizes, estimators, replications and other laws do not change what is drawn."""
    asked = []

    def spy(*key):
        asked.append(key)
        return block_stream(*key)

    monkeypatch.setattr(sweep, "block_stream", spy)
    base = {
        "distributions": ["normal"],
        "estimators": ["mean"],
        "batch_sizes": [2],
        "full_size": 8,
        "replications": 3,
        "seed": 5,
    }
    keys = []
    for values in (base, base | change):
        design = Design.make(**values)
        for source in drawing.sources(design):
            sweep.block_errors(design, source, 0)
        keys.append(list(asked))
        asked.clear()
    assert len(keys[0]) == 1
    assert keys[0][0] in keys[1]


@pytest.mark.parametrize(
    ("full_size", "lanes"),
    [
        (1, 4096),
        (100, 4096),
        (256, 4096),
        (257, 4096),
        (512, 2048),
        (569, 2048),
        (16_384, 64),
        (16_385, 64),
        (32_768, 32),
        (65_536, 16),
        (10**7, 16),
        (2**31 - 1, 16),
    ],
)
def test_lanes_by_hand(full_size, lanes):
    """The replications in a block: 2^20 draws' worth, as a power of two from 16 to 4,096."""
    assert lanes_of(full_size) == lanes


def test_lanes_are_the_smallest_power_of_two_that_holds_enough_draws():
    """B is the least power of two >= 2^20/N within its limits, for every N."""
    powers = [2**j for j in range(4, 13)]
    for full_size in [*range(1, 3000), *range(3001, 200_000, 977), 2**20, 2**31 - 1]:
        enough = [power for power in powers if power * full_size >= 2**20]
        assert lanes_of(full_size) == (enough[0] if enough else powers[-1])


def test_slabs_are_whole_observations_that_fit_the_cache():
    """A slab holds at least one observation of every lane and at most 2^15 draws."""
    for full_size in (1, 100, 257, 569, 16_384, 10**6, 2**31 - 1):
        rows = slab_rows(full_size)
        assert rows >= 1
        assert rows * lanes_of(full_size) <= max(streams.SLAB_DRAWS, lanes_of(full_size))
    assert slab_rows(16_384) == 512
    assert slab_rows(100) == 8


# What the package's source may not contain


def forbidden(tree):
    """Return the places of a module that use hidden global state, evaluate text or unpickle."""
    allowed_of_numpy = {"Generator", "PCG64DXSM", "SeedSequence"}
    builtin = {"eval", "exec", "compile", "hash", "__import__", "input"}
    modules = {"random", "pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib"}
    found = []
    # A hash of an object, for sets and caches, is what __hash__ is there to return.
    hashes = {
        id(inside)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name == "__hash__"
        for inside in ast.walk(node)
    }
    # scikit-learn takes nothing newer; with a key it is as good as a Generator.
    keyed = {
        id(node.func)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "np.random.RandomState"
        and [ast.unparse(arg) for arg in node.args] == ["np.random.PCG64DXSM(seed)"]
    }  # fmt: skip
    for node in ast.walk(tree):
        if id(node) in keyed:
            continue
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id == "hash" and id(node) in hashes:
                continue
            if node.func.id in builtin | {"default_rng"}:
                found.append((node.lineno, node.func.id))
        elif isinstance(node, ast.Attribute):
            text = ast.unparse(node)
            prefix, _, last = text.rpartition(".")
            numpy_random = prefix in ("np.random", "numpy.random")
            if numpy_random and last not in allowed_of_numpy:
                found.append((node.lineno, text))
            if last in {"spawn", "read_pickle", "to_pickle", "RandomState"}:
                found.append((node.lineno, text))
            if last in {"eval", "query"} and prefix not in {"re"}:
                found.append((node.lineno, text))
        elif isinstance(node, ast.ImportFrom | ast.Import):
            names = [alias.name for alias in node.names]
            home = getattr(node, "module", None) or ""
            tops = {name.split(".")[0] for name in ([home] if home else names)}
            if tops & modules:
                found.append((node.lineno, ast.unparse(node)))
            if home == "numpy.random" and set(names) - allowed_of_numpy:
                found.append((node.lineno, ast.unparse(node)))
        elif isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            if not (isinstance(node.value, ast.Constant) and node.value.value is False):
                found.append((node.value.lineno, "allow_pickle"))
        elif isinstance(node, ast.keyword) and node.arg == "shell":
            found.append((node.value.lineno, "shell"))
    return found


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_no_global_randomness_no_evaluation_no_pickle(path):
    """No module draws without a key, evaluates text, uses Python's hash or unpickles.

    But for what a run sends its own workers and has back from them, which is in one module.
    """
    found = forbidden(ast.parse(path.read_text(encoding="utf-8")))
    if path.name == "parcels.py":
        found = [place for place in found if place[1] != "import pickle"]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "np.random.default_rng(0)",
        "np.random.seed(1)",
        "x = numpy.random.normal()",
        "np.random.rand(3)",
        "np.random.PCG64(1)",
        "np.random.RandomState(1)",
        "np.random.RandomState(np.random.PCG64DXSM())",
        "from numpy.random import default_rng",
        "from numpy.random import PCG64DXSM, Philox",
        "default_rng()",
        "import random",
        "from random import choice",
        "import pickle",
        "from joblib import load",
        "eval('1')",
        "exec(text)",
        "frame.query('x > 1')",
        "hash('x')",
        "sequence.spawn(3)",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=wanted)",
        "pd.read_pickle(path)",
        "subprocess.run(text, shell=True)",
    ],
)
def test_the_static_check_sees_what_it_looks_for(line):
    """Each forbidden thing, planted in a module, is found."""
    assert forbidden(ast.parse(line))


def test_the_static_check_lets_the_allowed_pass():
    """What the package does use is not reported."""
    text = "np.random.Generator(np.random.PCG64DXSM(np.random.SeedSequence(1)))\nre.compile('x')"
    assert forbidden(ast.parse(text)) == []
    assert forbidden(ast.parse("np.load(path, allow_pickle=False)")) == []
