"""The launchers with the emulator in CuPy's place: refusals, geometry, compilation, and what is missing."""

import hashlib
import re
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from rmtsim import kernels
from rmtsim.kernels.gpu import device, eigen, matrices, softmax, sources

from ..emulator import lookalike, solver
from ..emulator.module import KERNEL, Kernel
from .checks import forget_kernels

pytestmark = pytest.mark.emulated

README = sources.FOLDER / "README.md"


def test_kernels_are_compiled_when_first_used_and_once(monkeypatch) -> None:
    made, asked = [], []

    class Counting(lookalike.Module):
        def __init__(self, **arguments) -> None:
            made.append(arguments["options"])
            super().__init__(**arguments)

        def get_function(self, name: str) -> Kernel:
            asked.append(name)
            return super().get_function(name)

    monkeypatch.setattr(device.cupy(), "RawModule", Counting)
    forget_kernels()
    gpu = kernels.load("gpu")
    assert made == []
    for _ in range(3):
        gpu.uniforms(np.ones(4, np.uint32), 0, 5, np.float32)
    assert made == [("--std=c++17", "--fmad=false", "-DREAL=float")]
    assert asked == ["fill_uniforms"]
    monkeypatch.setattr(lookalike.Device, "id", 1)
    gpu.uniforms(np.ones(4, np.uint32), 0, 5, np.float32)
    assert len(made) == 2, "a second GPU needs its own module"
    forget_kernels()


def test_numbers_that_are_no_numpy_scalars_are_refused_before_the_launch() -> None:
    out = device.empty((3,))
    with pytest.raises(
        TypeError, match=r"weights.class_weights, argument 2: expected a NumPy scalar, got int"
    ):
        device.launch("weights.class_weights", None, (1,), (32,), out, out, 1, np.int64(3), out)


def test_strided_arrays_are_refused_before_the_launch() -> None:
    out = device.empty((3, 2))[:, 0]
    with pytest.raises(TypeError, match="argument 0: expected a contiguous array, got strides"):
        device.launch("weights.class_weights", None, (1,), (32,), out, out, np.int32(1), np.int64(3), out)


def test_more_trials_than_a_grid_holds_are_refused() -> None:
    with pytest.raises(ValueError, match="expected at most 65535 trials at once, got 65536"):
        matrices.symmetrize(device.empty((65536, 1, 1)))


def test_launches_beyond_the_limits_of_every_gpu_are_refused() -> None:
    out = device.empty((1,))
    arguments = out, out, np.int32(1), np.int64(1), out
    with pytest.raises(ValueError, match="expected at most 2147483647 blocks at once, got 2147483648"):
        device.launch("weights.class_weights", None, (2**31,), (32,), *arguments)
    with pytest.raises(ValueError, match="expected at most 49152 bytes of shared memory, got 49153"):
        device.launch("weights.class_weights", None, (1,), (32,), *arguments, shared=49153)


def test_products_of_ten_bits_are_refused(monkeypatch) -> None:
    monkeypatch.setenv("CUPY_TF32", "1")
    with pytest.raises(kernels.DeviceError, match="CUPY_TF32 makes CuPy round the factors of float32"):
        device.cupy.__wrapped__()


@pytest.mark.parametrize("name", ["nvrtc", "cublas"])
def test_cupy_without_its_libraries_is_refused_with_the_extra_that_brings_them(monkeypatch, name) -> None:
    assert device.cupy.__wrapped__() is device.cupy()
    monkeypatch.setattr(solver.Faults, "missing", {name})
    with pytest.raises(
        kernels.DeviceError, match=rf"needs NVRTC and cuBLAS, .*cupy-cuda13x\[ctk\].* \"lib{name}.so\""
    ) as failure:
        device.cupy.__wrapped__()
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize("n", [1, 32, 64, 65, 256, 257, 1024])
def test_geometry_is_within_the_limits_of_every_gpu(n: int) -> None:
    for threads in (
        eigen.householder_threads(n),
        softmax.fold_threads(n),
        matrices._row_threads(n),
    ):
        assert threads % 32 == 0
        assert 32 <= threads <= 512
    shared = 2 * min(n, eigen.HOUSEHOLDER_LIMIT) * 8 + eigen.STATIC_SHARED
    assert shared <= device.SHARED_LIMIT, "shared memory of Householder"
    (blocks,), (threads,) = device.elements(n)
    assert (blocks - 1) * threads < n <= blocks * threads


def test_every_include_is_put_in_once() -> None:
    for unit in sources.UNITS:
        text = sources.source(unit)
        assert "#include" not in text
        assert text.count("typedef unsigned long long u64;") == 1


def test_the_device_says_what_it_is() -> None:
    assert device.describe()["cupy_version"] == device.cupy().__version__
    assert device.describe()["gpu_number"] == "0"


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        (
            "device.find_spec = lambda name: None",
            "device 'gpu' needs CuPy, which is not installed: pip install 'rmtsim[gpu]'",
        ),
        (
            "device.find_spec = bool; device.driver_present = bool",
            "device 'gpu' needs an NVIDIA GPU and its driver",
        ),
    ],
)
def test_what_is_missing_is_told_in_one_sentence_within_a_second(missing: str, message: str) -> None:
    program = f"""
        import time
        from rmtsim import kernels
        from rmtsim.kernels.gpu import device
        {missing}
        start = time.process_time()
        try:
            kernels.load("gpu")
        except kernels.DeviceError as error:
            assert time.process_time() - start < 1
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(message)
    assert "pip install 'rmtsim[gpu]'" in done.stdout
    assert done.stdout.count("\n") == 1


def source_hash(unit: str) -> str:
    """First 12 hexadecimal digits of the SHA-256 of a unit's text."""
    return hashlib.sha256(sources.source(unit).encode()).hexdigest()[:12]


def test_the_table_of_evidence_is_of_these_sources() -> None:
    rows = re.findall(
        r"^\| (\w+) \| `(\w+)` \| ([\w, ]+) \|", README.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert {unit: found for unit, found, _ in rows} == {unit: source_hash(unit) for unit in sources.UNITS}
    for unit, _, names in rows:
        assert set(names.split(", ")) == set(KERNEL.findall(sources.source(unit)))
