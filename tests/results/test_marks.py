"""Marks of finished trials: never on the disk without their rows, soon there, and not where it failed."""

import errno
import itertools
import os
import threading
import time

import numpy as np
import pytest

from rmtsim.results.hdf5 import HDF5Store, StoreError, marks, open_results

from .stores import EXPERIMENT, assert_is_formula, edges_of, fill


class Disk:
    """A disk without power from some instant on: what it was asked to take is there, of the rest anything."""

    def __init__(self, monkeypatch, path):
        self.start = path.read_bytes()
        self.events = []
        pwrite, fdatasync = os.pwrite, os.fdatasync

        def writing(descriptor, data, offset):
            self.events.append((offset, bytes(data)))
            return pwrite(descriptor, data, offset)

        def syncing(descriptor):
            asked = len(self.events)
            fdatasync(descriptor)
            self.events.append(asked)  # the disk has taken what came before it was asked

        monkeypatch.setattr(os, "pwrite", writing)
        monkeypatch.setattr(os, "fdatasync", syncing)

    def image(self, instant, choose):
        """Return the bytes after a power cut; ``choose`` says whether a write that may be lost is there."""
        events = self.events[:instant]
        taken = max((event for event in events if isinstance(event, int)), default=0)
        image = bytearray(self.start)
        for number, event in enumerate(events):
            if not isinstance(event, int) and (number < taken or choose()):
                image[event[0] : event[0] + len(event[1])] = event[1]
        return bytes(image)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "results.h5"
    HDF5Store.create(path, EXPERIMENT).close()
    return path


def test_a_power_cut_leaves_no_mark_without_its_rows(path, tmp_path, monkeypatch):
    disk = Disk(monkeypatch, path)
    with HDF5Store.open_for_resume(path, EXPERIMENT) as store:
        for cell in (0, 1):
            store.set_edges(cell, edges_of(EXPERIMENT, cell))
        for trial, cell in itertools.product(range(6), (0, 1)):
            fill(store, cell, trial, 1)
            if trial % 2:
                store.flush()
    rng, cut, marked = np.random.default_rng(0), tmp_path / "cut.h5", set()
    for instant in range(len(disk.events) + 1):
        likely = rng.choice([0.0, 0.5, 0.9])  # to be on the disk without having been asked for
        cut.write_bytes(disk.image(instant, lambda: rng.random() < likely))  # noqa: B023
        with open_results(cut) as results:
            for cell in (0, 1):
                assert_is_formula(results, cell, results.trials(cell))
                marked.add(len(results.trials(cell)))
    assert marked >= {0, 2, 4, 6}
    monkeypatch.undo()
    cut.write_bytes(
        disk.image(len(disk.events), lambda: False)
    )  # all was on the disk when the file was closed
    with open_results(cut) as results:
        assert_is_formula(results, 0, range(6))


def test_marks_reach_the_disk_in_seconds_without_another_trial(path, monkeypatch):
    with HDF5Store.open_for_resume(path, EXPERIMENT) as store:
        store.set_edges(0, edges_of(EXPERIMENT, 0))
        disk = Disk(monkeypatch, path)
        start = time.monotonic()
        fill(store, 0, 3, 1)

        def lost_by_a_power_cut():
            path.with_name("cut.h5").write_bytes(disk.image(len(disk.events), lambda: False))
            with open_results(path.with_name("cut.h5")) as results:
                return not results.done(0)[3]

        assert lost_by_a_power_cut()
        while lost_by_a_power_cut():
            assert (
                time.monotonic() - start < 60
            )  # of a machine with much else to do; five seconds are promised
            time.sleep(0.05)
        assert 2 * marks.LONGEST_WAIT < 5


def test_waits_are_many_times_as_long_as_what_they_wait_for(path, monkeypatch):
    """And at most two seconds, which is what a trial may wait for."""
    clock, waits = itertools.accumulate(itertools.cycle([0.0, 0.004, 0.0, 0.5, 0.0, 1e-5])), []
    monkeypatch.setattr(marks, "perf_counter", lambda: next(clock))
    waiting = marks.Marks.__new__(marks.Marks)
    waiting._waiting, waiting._on_disk, waiting._failure = [], True, None
    waiting._writing = threading.Lock()

    class Ended:
        def wait(self, seconds):
            waits.append(seconds)
            return len(waits) == 5

    waiting._ended = Ended()
    waiting._write_now_and_then()
    assert waits == pytest.approx([0.1, 0.8, 2.0, 0.1, 0.8])


def test_no_mark_is_lost_or_early_where_a_signal_writes_too(path, monkeypatch):
    """While the disk takes rows, another trial ends and a signal writes what waits."""
    waiting, asked, written = marks.Marks.__new__(marks.Marks), [], []
    waiting._descriptor, waiting._waiting, waiting._on_disk, waiting._failure = -1, [(0, b"a")], True, None
    waiting._writing = threading.Lock()

    def sync(descriptor):
        asked.append(descriptor)
        if len(asked) == 1:
            waiting.add(1, b"b")
            waiting.write_at_end()

    monkeypatch.setattr(os, "fdatasync", sync)
    monkeypatch.setattr(
        marks, "write_at", lambda descriptor, mark, offset: written.append((len(asked), mark))
    )
    waiting.write()
    assert waiting._waiting == [(1, b"b")]  # whose rows are younger than the request of this write
    assert (2, b"b") in written  # the signal's own request took them
    waiting.write()
    assert waiting._waiting == []
    assert {mark for _, mark in written} == {b"a", b"b"}


def test_a_failure_is_remembered_whoever_met_it(path, monkeypatch):
    """The system tells of rows that it lost once, and later requests seem to succeed."""
    failures = iter([OSError(errno.EIO, os.strerror(errno.EIO))])

    def failing_once(descriptor):
        for failure in failures:
            raise failure

    store = HDF5Store.open_for_resume(path, EXPERIMENT)
    store.set_edges(0, edges_of(EXPERIMENT, 0))
    store._waiting._ended.set()
    store._waiting._thread.join(60)
    monkeypatch.setattr(os, "fdatasync", failing_once)
    fill(store, 0, 0, 1)
    for call in (store.flush, lambda: fill(store, 0, 1, 1), store.close):
        with pytest.raises(StoreError, match="expected room to write, got Input/output error"):
            call()
    with open_results(path) as results:
        assert_is_formula(results, 0, [])


def test_a_disk_that_fails_is_told_and_leaves_no_mark(path, monkeypatch):
    def failing(descriptor):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    store = HDF5Store.open_for_resume(path, EXPERIMENT)
    store.set_edges(0, edges_of(EXPERIMENT, 0))
    monkeypatch.setattr(os, "fdatasync", failing)
    fill(store, 0, 0, 1)
    store._waiting._thread.join(60)  # it ends with the first failure
    monkeypatch.undo()
    refused = "expected room to write, got Input/output error"
    for call in (lambda: fill(store, 0, 1, 1), store.flush, store.close):
        with pytest.raises(StoreError, match=refused):
            call()
    store.close()
    with open_results(path) as results:
        assert_is_formula(results, 0, [])
    with HDF5Store.open_for_resume(path, EXPERIMENT) as store:
        fill(store, 0, 0, 6)
    with open_results(path) as results:
        assert_is_formula(results, 0, range(6))
