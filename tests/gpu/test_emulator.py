"""The emulator reports what is undefined on a GPU; kernels that do such things are its test cases."""

import numpy as np
import pytest

from ..emulator.lookalike import Device, DeviceArray, OutOfMemoryError, asnumpy, empty
from ..emulator.module import EmulatorError, Module

pytestmark = pytest.mark.emulated

FAULTY = """
extern "C" __global__ void divergent(float* out) {
    if (threadIdx.x < 16) { __syncthreads(); out[threadIdx.x] = 1; }
    else { __syncthreads(); out[threadIdx.x] = 2; }
}
extern "C" __global__ void deserted(float* out) {
    if (threadIdx.x < 40) { __syncthreads(); out[threadIdx.x] = 1; }
}
extern "C" __global__ void absent_lane(float* out) {
    if (threadIdx.x < 16) out[threadIdx.x] = __shfl_sync(0xffffu, (float)threadIdx.x, 20);
}
extern "C" __global__ void other_masks(float* out) {
    out[threadIdx.x] = __ballot_sync(threadIdx.x < 8 ? 0xffu : 0xffffffffu, 1);
}
extern "C" __global__ void past_the_end(float* out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i <= n) out[i] = 1;
}
extern "C" __global__ void unwritten(float* out) {
    __shared__ float scratch[64];
    if (threadIdx.x > 0) scratch[threadIdx.x] = 1;
    __syncthreads();
    out[blockIdx.x * 64 + threadIdx.x] = scratch[threadIdx.x];
}
extern "C" __global__ void too_early(float* out) {
    __shared__ float scratch[64];
    scratch[threadIdx.x] = threadIdx.x;
    out[threadIdx.x] = scratch[63 - threadIdx.x];
}
"""


def run(name: str, *arguments: object, threads: int = 64, blocks: int = 1, shared: int = 0) -> np.ndarray:
    out = np.full(128, -1, np.float32)
    kernel = Module(code=FAULTY).get_function(name)
    kernel((blocks,), (threads,), (out, *arguments), shared_mem=shared)
    return out


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("divergent", "divergence: thread .* __syncthreads at .*, others at .*__syncthreads"),
        ("deserted", "deadlock: .* thread .* at __syncthreads"),
        ("absent_lane", "lane 0 reads lane 20, which takes no part"),
        ("other_masks", "different masks|not in its own mask|deadlock"),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_undefined_behaviour_is_an_error(monkeypatch, name: str, message: str, seed: int) -> None:
    monkeypatch.setattr(Module, "seed", seed)
    with pytest.raises(EmulatorError, match=message):
        run(name)


def test_writing_past_the_end_is_an_error() -> None:
    run("past_the_end", np.int32(127), blocks=2)
    with pytest.raises(EmulatorError, match="argument 0: written out of bounds"):
        run("past_the_end", np.int32(128), blocks=3)


def test_shared_memory_begins_as_nan_in_each_block() -> None:
    out = run("unwritten", blocks=2)
    assert np.isnan(out[[0, 64]]).all()
    assert np.isnan(out).sum() == 2


def test_a_missing_barrier_shows_in_some_schedule(monkeypatch) -> None:
    wrong = []
    for seed in range(6):
        monkeypatch.setattr(Module, "seed", seed)
        wrong.append(not np.array_equal(run("too_early")[:64], np.arange(63.0, -1.0, -1.0)))
    assert any(wrong)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((128,), "expected an array or a NumPy scalar, got int"),
        ((np.int64(1),), "expected i4, got i8"),
        ((np.zeros(1, np.int32),), r"expected i4, got \*i4"),
        ((), "got 1 arguments for"),
    ],
)
def test_arguments_that_cupy_would_pack_wrongly_are_refused(arguments: tuple, message: str) -> None:
    with pytest.raises(EmulatorError, match=message):
        run("past_the_end", *arguments)


def test_strided_arrays_are_refused() -> None:
    kernel = Module(code=FAULTY).get_function("too_early")
    with pytest.raises(EmulatorError, match="ignores strides"):
        kernel((1,), (64,), (np.zeros(128, np.float32)[::2],))


@pytest.mark.parametrize(("threads", "shared"), [(1025, 0), (0, 0), (32, 50_000)])
def test_launches_outside_the_limits_are_refused(threads: int, shared: int) -> None:
    with pytest.raises(EmulatorError, match="expected"):
        run("too_early", threads=threads, shared=shared)


def test_arrays_on_the_device_do_not_become_numpy_arrays_unasked(monkeypatch) -> None:
    array = empty((3,))
    assert isinstance(array, DeviceArray)
    assert np.isnan(asnumpy(array)).all()
    with pytest.raises(TypeError, match="Implicit conversion"):
        np.asarray(array)
    monkeypatch.setattr(Device, "limit", 100)
    with pytest.raises(OutOfMemoryError):
        empty((13,))
