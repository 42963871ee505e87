"""Fixtures for the whole suite."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parents[1]

# Examples depend on nothing but the test, so that a failure seen once is seen again.
settings.register_profile(
    "suite",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("suite")


@pytest.fixture(autouse=True)
def _one_thread():
    """Two test processes share two cores; sums in one thread are the same everywhere."""
    import torch

    torch.set_num_threads(1)


def program(name: str) -> str:
    """The path of a system program; without it the test is skipped, but in CI it fails."""
    found = shutil.which(name)
    if found is None:
        message = f"{name} is not installed (Debian: apt-get install {name})"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return found


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Chromium."""
    return program("chromium")


@pytest.fixture(scope="session")
def node() -> str:
    """The path of Node.js."""
    return program("node")
