"""Properties that are computed once, and by several threads at once for several objects."""

import threading
from pathlib import Path

from rmtsim.lazy import lazy_property

PACKAGE = Path(__file__).parents[1] / "rmtsim"


class Owner:
    def __init__(self, meeting: threading.Barrier) -> None:
        self.meeting, self.calls = meeting, 0

    @lazy_property
    def value(self) -> int:
        """Documented."""
        self.calls += 1
        self.meeting.wait(timeout=60)
        return self.calls


def test_it_is_computed_once() -> None:
    owner = Owner(threading.Barrier(1))
    assert (owner.value, owner.value, owner.calls) == (1, 1, 1)
    assert vars(owner)["value"] == 1
    assert Owner.value.__doc__ == "Documented."


def test_threads_compute_those_of_two_objects_at_once() -> None:
    """Each waits for the other in the midst of its own: under one lock both would wait for ever."""
    meeting = threading.Barrier(2)
    owners = [Owner(meeting), Owner(meeting)]
    threads = [threading.Thread(target=lambda owner=owner: owner.value) for owner in owners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [owner.value for owner in owners] == [1, 1]


def test_nothing_else_locks_threads_out() -> None:
    text = {path: path.read_text() for path in PACKAGE.rglob("*.py") if "kernels" not in path.parts}
    assert [path for path, lines in text.items() if "@cached_property" in lines] == []
