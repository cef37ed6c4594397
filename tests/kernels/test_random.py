"""Random operations: known answers, exact conversions, ranges of a stream, refusals, the compiled random."""

import hashlib
import itertools
import os
import platform
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numba import njit

from rmtsim import kernels
from rmtsim.experiment.streams import Role, stream
from rmtsim.kernels.cpu.compiled import words
from rmtsim.kernels.cpu.compiled.random import fill_normals32, fill_normals64

KNOWN_ANSWERS = Path(__file__).parents[2] / "data" / "known_answers" / "philox4x32.txt"
STREAM = np.array([0xA4093822, 0x299F31D0, 0x13198A2E, 0x03707344], np.uint32)
STARTS = (0, 1, 2, 3, 4, 2**33 + 1, 2**63 + 2, 2**64 - 40)
SIZES = (0, 1, 2, 3, 5, 17, 40)
DTYPES = (np.float32, np.float64)


@pytest.fixture(params=["cpu", "reference"])
def device(request: pytest.FixtureRequest) -> kernels.Operations:
    return kernels.load(request.param)


def philox(counter: int, key: int) -> int:
    """Philox4x32-10 on Python integers of 128 and 64 bits."""
    c, k = [counter >> 32 * i & 0xFFFFFFFF for i in range(4)], [key & 0xFFFFFFFF, key >> 32]
    for _ in range(10):
        high0, low0 = divmod(0xD2511F53 * c[0], 2**32)
        high1, low1 = divmod(0xCD9E8D57 * c[2], 2**32)
        c = [high1 ^ c[1] ^ k[0], low1, high0 ^ c[3] ^ k[1], low0]
        k = [(k[0] + 0x9E3779B9) % 2**32, (k[1] + 0xBB67AE85) % 2**32]
    return sum(word << 32 * i for i, word in enumerate(c))


def word(start: int, bits: int) -> int:
    """Word `start` of STREAM, of 32 or 64 bits."""
    k0, k1, c2, c3 = (int(w) for w in STREAM)
    block, lane = divmod(start, 128 // bits)
    return philox(block | c2 << 64 | c3 << 96, k0 | k1 << 32) >> bits * lane & (2**bits - 1)


def known_answers() -> list[list[int]]:
    rows = (line.split() for line in KNOWN_ANSWERS.read_text().splitlines())
    return [[int(w, 16) for w in row[2:]] for row in rows if row[:2] == ["philox4x32", "10"]]


def test_philox_gives_the_known_answers(device):
    rows = known_answers()
    assert len(rows) == 3
    for row in rows:
        counter, key, words = (np.array(part, np.uint32) for part in (row[:4], row[4:6], row[6:]))
        assert np.array_equal(device.philox4x32(counter[None], key), words[None])


def test_philox_of_many_counters(device):
    counters = np.random.default_rng(1).integers(0, 2**32, (37, 4), np.uint32)
    words = device.philox4x32(counters[::-1][::2], STREAM[:2])
    key = int(STREAM[0]) | int(STREAM[1]) << 32
    for counter, found in zip(counters[::-1][::2].tolist(), words.tolist(), strict=True):
        joined = philox(sum(w << 32 * i for i, w in enumerate(counter)), key)
        assert found == [joined >> 32 * i & 0xFFFFFFFF for i in range(4)]


@pytest.mark.parametrize("start", STARTS)
def test_uniforms_are_exact(device, start):
    for dtype, bits, kept in ((np.float64, 64, 53), (np.float32, 32, 24)):
        found = device.uniforms(STREAM, start, 7, dtype)
        assert found.dtype == dtype
        expected = [Fraction((word(start + i, bits) >> bits - kept) + 1, 2**kept) for i in range(7)]
        assert [Fraction(float(u)) for u in found] == expected


def test_uniforms_range_from_one_step_to_one():
    none, all_set = np.uint64(0), np.uint64(2**64 - 1)
    assert words.uniform64(none) == 2.0**-53
    assert words.uniform64(all_set) == 1.0
    assert words.uniform32(none) == np.float32(2.0**-24)
    assert words.uniform32(np.uint64(2**32 - 1)) == np.float32(1)


@pytest.mark.parametrize("n_classes", [1, 2, 3, 10, 1000, 2**31 + 1, 2**32 - 1])
def test_labels_are_exact(device, n_classes):
    for start in STARTS:
        found = device.labels(STREAM, start, 9, n_classes)
        assert found.dtype == np.int64
        assert found.tolist() == [word(start + i, 64) * n_classes >> 64 for i in range(9)]


def test_extreme_words_give_the_first_and_the_last_label():
    for n_classes in (1, 7, 2**32 - 1):
        assert words.label(np.uint64(0), np.uint64(n_classes)) == 0
        assert words.label(np.uint64(2**64 - 1), np.uint64(n_classes)) == n_classes - 1


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("start", STARTS)
def test_cpu_agrees_with_the_reference(start, dtype):
    cpu, reference = kernels.load("cpu"), kernels.load("reference")
    for size in SIZES:
        arguments = (STREAM, start, size, dtype)
        assert np.array_equal(cpu.uniforms(*arguments), reference.uniforms(*arguments))
        found, expected = cpu.normals(*arguments), reference.normals(*arguments)
        # Each is within 4 ulp of the exact value.
        assert np.all(np.abs(found - expected) <= 8 * np.spacing(np.abs(expected)))
        assert found.dtype == dtype


@pytest.mark.parametrize("dtype", DTYPES)
def test_any_range_is_the_slice_of_the_whole(device, dtype):
    draws = (device.uniforms, device.normals, lambda *a: device.labels(*a[:3], 10))
    for draw in draws:
        whole = draw(STREAM, 2**40, 60, dtype)
        for start in range(6):
            for size in SIZES:
                part = draw(STREAM, 2**40 + start, size, dtype)
                assert np.array_equal(part, whole[start : start + size])


@pytest.mark.parametrize("dtype", DTYPES)
def test_normals_scaled_into_place(device, dtype):
    scale, buffer = 1 / np.sqrt(7), np.full((4, 5), np.nan, dtype)
    out = buffer[1:3].reshape(-1)
    assert device.normals(STREAM, 3, 10, dtype, scale, out) is out
    assert np.array_equal(out, device.normals(STREAM, 3, 10, dtype) * dtype(scale))
    assert np.array_equal(buffer[1:3].ravel(), out)
    assert np.isnan(buffer[[0, 3]]).all()


FOUR, ONE = STREAM.astype(np.int64), (STREAM, 0, 1)
REFUSED = [
    (lambda d: d.normals(-1, 0, 1), ValueError, "stream: expected an integer in .* got -1"),
    (lambda d: d.normals(2**64, 0, 1), ValueError, "stream: .* got 18446744073709551616"),
    (lambda d: d.normals(1.5, 0, 1), TypeError, "stream: expected dtype uint32, got float64"),
    (lambda d: d.normals(STREAM, 0, (2, -1)), ValueError, "size: expected an integer in .* got -1"),
    (lambda d: d.normals(STREAM, 0, (2, 0.5)), TypeError, "size: expected an integer, got float 0.5"),
    (lambda d: d.normals(STREAM, 0, (2**40, 2**40)), ValueError, f"size: .* got {2**80}"),
    (lambda d: d.normals(STREAM, 0, (2, 3), out=np.empty(6)), ValueError, r"out: .* shape \(2, 3\), got"),
    (lambda d: d.normals(FOUR, 0, 1), TypeError, "stream: expected dtype uint32, got int64"),
    (lambda d: d.normals(STREAM[:3], 0, 1), ValueError, r"stream: expected shape \(4,\), got \(3,\)"),
    (lambda d: d.normals(STREAM, -1, 1), ValueError, "start: expected an integer in .* got -1"),
    (lambda d: d.normals(STREAM, 0, -1), ValueError, "size: expected an integer in .* got -1"),
    (lambda d: d.normals(STREAM, 0.5, 1), TypeError, "start: expected an integer, got float 0.5"),
    (lambda d: d.normals(STREAM, 2**64, 1), ValueError, "start: .* got 18446744073709551616"),
    (lambda d: d.uniforms(STREAM, 2**64 - 1, 2), ValueError, "start: expected an integer in"),
    (lambda d: d.labels(STREAM, 2**64 - 1, 2, 3), ValueError, "start: expected an integer in"),
    (lambda d: d.uniforms(*ONE, "f2"), TypeError, "dtype: expected float32 or float64, got float16"),
    (lambda d: d.normals(*ONE, int), TypeError, "dtype: expected float32 or float64, got int64"),
    (lambda d: d.normals(*ONE, scale=np.nan), ValueError, "scale: expected a finite float64 .* got nan"),
    (lambda d: d.normals(*ONE, "f4", 1e39), ValueError, "scale: expected a finite float32 number"),
    (lambda d: d.normals(*ONE, scale="m"), TypeError, "scale: expected a real number, got str 'm'"),
    (lambda d: d.normals(*ONE, out=np.empty(3)), ValueError, r"out: .* shape \(1,\), got shape \(3,\)"),
    (lambda d: d.normals(*ONE, out=np.empty(1, "f4")), TypeError, "out: expected .* float64, got float32"),
    (lambda d: d.normals(STREAM, 0, 2, out=np.empty(4)[::2]), ValueError, r"out: .* strides \(16,\)"),
    (lambda d: d.normals(*ONE, out=[0.0]), TypeError, "out: expected an array of dtype float64, got list"),
    (lambda d: d.labels(*ONE, 0), ValueError, "n_classes: expected an integer in .* got 0"),
    (lambda d: d.labels(*ONE, 2**32), ValueError, "n_classes: expected an integer in .* got 4294967296"),
    (lambda d: d.philox4x32(STREAM[None, :3], STREAM[:2]), ValueError, r"counters: .* shape \(any, 4\)"),
    (lambda d: d.philox4x32(STREAM[None], STREAM), ValueError, r"key: expected shape \(2,\), got \(4,\)"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "message"), REFUSED)
def test_refused(device, call, error, message):
    with pytest.raises(error, match=message):
        call(device)


def test_no_two_arrays_share_random_words():
    """1000 numbers of 53 bits from each of 240 streams: chance repeats one with probability 3e-6."""
    seeds, cells, trials = (0, 1, 2**32, 2**63 + 5), (0, 1, 2**24 - 1), (0, 1, 2, 2**31, 2**32 - 1)
    roles = (Role.X, Role.LABELS, Role.W, Role.V)
    streams = [stream(*name) for name in itertools.product(seeds, cells, trials, roles)]
    numbers = [kernels.load("cpu").uniforms(words, 0, 1000) for words in streams]
    assert len(np.unique(numbers)) == 1000 * len(streams)


def test_an_integer_is_the_stream_that_has_it_for_a_key(device):
    for seed in (0, 1, np.int64(7), 2**32 + 5, 2**64 - 1):
        words = np.array([seed % 2**32, int(seed) >> 32, 0, 0], np.uint32)
        for draw in (device.uniforms, device.normals, lambda *a: device.labels(*a, 10)):
            np.testing.assert_array_equal(draw(seed, 3, 8), draw(words, 3, 8))
    np.testing.assert_array_equal(
        device.normals(2**40 + 1, 0, 5), device.normals(stream(2**40 + 1, 0, 0, Role.X), 0, 5)
    )
    np.testing.assert_array_equal(
        device.chi(5, 0, np.ones(3)), device.chi(np.array([5, 0, 0, 0], "u4"), 0, np.ones(3))
    )


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (4, 0), (2, 1, 3)])
def test_a_shape_is_filled_row_by_row(device, shape):
    count = int(np.prod(shape))
    for draw in (device.uniforms, device.normals, lambda *a: device.labels(*a, 10)):
        found = draw(STREAM, 5, shape)
        assert found.shape == shape
        np.testing.assert_array_equal(found.ravel(), draw(STREAM, 5, count))
    out = np.empty(shape, np.float32)
    assert device.normals(STREAM, 5, shape, "f4", 2.0, out) is out
    np.testing.assert_array_equal(out.ravel(), device.normals(STREAM, 5, count, "f4", 2.0))


def test_threads_draw_what_one_thread_draws():
    starts, normals = range(0, 400_000, 100_000), kernels.load("cpu").normals
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda start: normals(STREAM, start, 100_000), starts))
    assert np.array_equal(np.concatenate(parts), normals(STREAM, 0, 400_000))


# The bits on every machine. Found equal with the instruction sets of x86-64, nehalem, haswell, znver3,
# znver4, skylake-avx512 and sapphirerapids (NUMBA_CPU_NAME).
DIGESTS = {
    "float64": "0c6d5e6ff27985ee2130da4213d943012c57d76395167e7460066d9351141889",
    "float32": "1a882d8b635713d9f880bfd91b6c7dc497f69311df6928543c0080cd30473f8e",
}


def digest(dtype: str) -> str:
    return hashlib.sha256(kernels.load("cpu").normals(STREAM, 1, 100_003, dtype).tobytes()).hexdigest()


@pytest.mark.parametrize("dtype", DIGESTS)
def test_normals_have_the_same_bits_everywhere(dtype):
    assert digest(dtype) == DIGESTS[dtype]


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DIGESTS)
def test_normals_have_the_same_bits_at_the_smallest_vector_width(dtype, tmp_path):
    program = (
        "import hashlib, numpy; from rmtsim import kernels; "
        f"stream = numpy.array({STREAM.tolist()}, numpy.uint32); "
        f"numbers = kernels.load('cpu').normals(stream, 1, 100_003, {dtype!r}); "
        "print(hashlib.sha256(numbers.tobytes()).hexdigest())"
    )
    plain = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "", "NUMBA_CACHE_DIR": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | plain, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == DIGESTS[dtype]


def assembly(function, *arguments) -> str:
    compiled = njit(nogil=True, error_model="numpy")(function.py_func)
    compiled(*arguments)
    return next(iter(compiled.inspect_asm().values()))


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="looks for x86 instructions")
@pytest.mark.parametrize(
    ("fill", "dtype", "root"),
    [(fill_normals64, np.float64, "sqrtpd"), (fill_normals32, np.float32, "sqrtps")],
)
def test_normals_are_vectorised_without_fused_operations(fill, dtype, root):
    code = assembly(fill, STREAM, np.uint64(0), dtype(1), np.empty(8, dtype))
    # Two products in each of ten rounds, less the first round's of the trial number, which leaves the loop.
    assert len(re.findall(r"\bv?pmuludq\b", code)) >= 19
    assert len(re.findall(rf"\bv?{root}\b", code)) >= 1
    assert not re.findall(r"\bvfn?m(add|sub)", code)
    assert not re.findall(r"\b(log|logf|sin|sinf|cos|cosf|sincos|sqrt|sqrtf)\b", code)


def seconds(draw, repeats: int = 20) -> float:
    """The shortest of several runs."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        draw()
        times.append(time.perf_counter() - begin)
    return min(times)


@pytest.mark.slow
@pytest.mark.parametrize(("dtype", "ratio"), [(np.float64, 1.4), (np.float32, 2.5)])
def test_normals_are_faster_than_the_ziggurat_of_numpy(dtype, ratio):
    """The bounds leave room for a busy machine; a loop that is no longer vectorised is slower than NumPy."""
    out, generator = np.empty(1_000_000, dtype), np.random.default_rng(1)
    ours = seconds(lambda: kernels.load("cpu").normals(STREAM, 0, out.size, dtype, out=out))
    assert seconds(lambda: generator.standard_normal(out=out, dtype=dtype)) > ratio * ours
