"""Options and fixtures for all tests."""

from __future__ import annotations

import secrets

import numpy as np
import pytest

LEFT_OUT = ("slow", "full_size", "random_seed")
SEED = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("simnorm")
    group.addoption("--all", action="store_true", help="run the tests with these marks too")
    group.addoption(
        "--seed",
        type=int,
        default=None,
        metavar="N",
        help="run the random_seed tests, with this seed: to repeat a failure",
    )


def pytest_configure(config: pytest.Config) -> None:
    seed = config.getoption("--seed")
    # One seed for the whole run, known before the first test: a failure can be repeated.
    config.stash[SEED] = secrets.randbits(32) if seed is None else seed


def pytest_report_header(config: pytest.Config) -> list[str]:
    lines = []
    if left_out := marks_left_out(config):
        lines.append(f"simnorm: without {', '.join(left_out)} tests (all: --all)")
    if "random_seed" not in left_out:
        lines.append(f"simnorm: random_seed tests use --seed {config.stash[SEED]}")
    return lines


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = marks_left_out(config)
    dropped = [item for item in items if any(item.get_closest_marker(mark) for mark in left_out)]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item in items if item not in set(dropped)]


def marks_left_out(config: pytest.Config) -> tuple[str, ...]:
    """Marks whose tests do not run; a mark expression (-m) of the user's own decides alone."""
    if config.getoption("--all") or config.getoption("markexpr"):
        return ()
    if config.getoption("--seed") is not None:
        return tuple(mark for mark in LEFT_OUT if mark != "random_seed")
    return LEFT_OUT


@pytest.fixture
def fresh_seed(pytestconfig: pytest.Config) -> int:
    """Return a seed that differs from run to run (see --seed), for tests marked random_seed."""
    return pytestconfig.stash[SEED]


@pytest.fixture
def rng() -> np.random.Generator:
    """Return a generator that is the same in every run, and new in every test."""
    return np.random.default_rng(20260)
