"""Servers for all tests of this folder."""

from collections.abc import Iterator

import pytest

from .harness import Servers


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Processes that run commands in forks of themselves."""
    running = Servers()
    yield running
    running.close()
