"""The order of work on CUDA streams: what the stand-in calls a race, and that the launchers have none."""

import contextlib

import numpy as np
import pytest

from rmtsim.kernels.gpu import batches, device, trials

from ..emulator import lookalike, streams
from ..emulator.module import EmulatorError
from ..emulator.streams import Stream
from .test_trials import hidden, linear
from .test_trials import streams as random_streams

pytestmark = pytest.mark.emulated


def test_an_array_of_another_stream_waits_for_an_event_or_the_host() -> None:
    first, second = Stream(), Stream()
    with first:
        array = device.empty((3,))
        ready = first.record()
        later = array.copy()
    with second:
        with pytest.raises(EmulatorError, match=r"uses an array that .* may still be at"):
            array.copy()
        second.wait_event(ready)
        with pytest.raises(EmulatorError, match="may still be at"):
            array.copy()  # the first stream has read it since
        first.synchronize()
        array.copy()
        later.copy()


def test_what_a_stream_has_seen_goes_on_with_its_events() -> None:
    first, second, third = Stream(), Stream(), Stream()
    with first:
        array = device.empty((3,))
    second.wait_event(first.record())
    third.wait_event(second.record())
    with third:
        array.copy()


def test_a_copy_to_the_host_orders_everything_before_it() -> None:
    first, second = Stream(), Stream()
    with first:
        array = device.empty((3,))
        device.to_host(array)
    with second:
        array.copy()


def test_memory_goes_back_to_the_stream_that_took_it() -> None:
    first, second = Stream(), Stream()
    with first:
        array = device.empty((3,))
    second.wait_event(first.record())
    with second:
        array.copy()
    del array
    with first, pytest.raises(EmulatorError, match=r"memory for stream .* may still be used by"):
        device.empty((3,))
    second.synchronize()
    with first:
        device.empty((3,))


@pytest.mark.parametrize("run", [linear, hidden])
def test_batches_have_no_race(monkeypatch, run) -> None:
    roles = 2 if run is linear else 4
    monkeypatch.setattr(trials, "batch_size", lambda *memory: 2)
    run("gpu", random_streams(7, roles), "ce", np.float64)
    kept = batches._streams.current()
    run("gpu", random_streams(7, roles), "mse", np.float64)
    assert kept == batches._streams.current()


def test_batches_that_do_not_wait_are_found(monkeypatch) -> None:
    monkeypatch.setattr(Stream, "wait_event", lambda self, event: None)
    with pytest.raises(EmulatorError, match="uses an array that"):
        linear("gpu", random_streams(3, 2), "mse", np.float64)


def _draws_after_a_measure_that_fails() -> list[int]:
    """Results of a second call, after one whose `measure` raises with a read of what was drawn queued."""

    def fails(batch, drawn) -> int:
        drawn.copy()
        raise ArithmeticError

    def draw(batch):
        return device.empty((3,))

    with contextlib.suppress(ArithmeticError):
        list(batches.pipelined([1], draw, fails))
    return list(batches.pipelined([2], draw, lambda batch, drawn: batch))


def test_an_error_leaves_nothing_that_the_next_call_could_overtake(monkeypatch) -> None:
    monkeypatch.setattr(batches, "_streams", batches._Streams())
    assert _draws_after_a_measure_that_fails() == [2]
    monkeypatch.setattr(Stream, "synchronize", lambda self: None)
    with pytest.raises(EmulatorError, match=r"memory for stream .* may still be used by"):
        _draws_after_a_measure_that_fails()


def test_drawing_calls_no_library(monkeypatch) -> None:
    """Bits of cuBLAS are promised as long as one stream at a time uses it."""
    used = set()
    sound = lookalike.matmul

    def noted(*arguments, **keywords):
        used.add(streams.get_current_stream().ptr)
        return sound(*arguments, **keywords)

    monkeypatch.setattr(device.cupy(), "matmul", noted)
    monkeypatch.setattr(trials, "batch_size", lambda *memory: 2)
    hidden("gpu", random_streams(5, 4), "ce", np.float64)
    assert len(used) == 1
