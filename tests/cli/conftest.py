"""Commands are tested as a terminal starts them."""

import signal
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def hang_up_is_not_ignored() -> Iterator[None]:
    """Children inherit what is ignored, which SIGHUP is where the tests run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)
