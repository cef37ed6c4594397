"""The functions of `kernels.cpu.compiled`, called from a plain @numba.njit as a user writes it."""

import inspect

import numba
import numpy as np
import pytest
from numpy.typing import NDArray

from rmtsim import kernels
from rmtsim.kernels.cpu import compiled
from rmtsim.verify import cases

STREAM = np.array([1, 2, 3, 4], np.uint32)
PRECISIONS = ("float32", "float64")
FILLING = {"fill_normals", "fill_uniforms", "fill_labels", "fill_class_weights", "fill_gated_weights"}
EPS = float(np.finfo(np.float64).eps)


@pytest.fixture(scope="module")
def cpu() -> kernels.Operations:
    return kernels.load("cpu")


@numba.njit
def philox4x32(counters, key):
    return compiled.philox4x32(counters, key)


@numba.njit
def class_weights(p_row, p_col, same):
    return compiled.class_weights(p_row, p_col, same)


@numba.njit
def gated_weights(a_row, a_col, factor):
    return compiled.gated_weights(a_row, a_col, factor)


@numba.njit
def weighted_gram(X, weights):
    return compiled.weighted_gram(X, weights)


@numba.njit
def tridiagonal(A):
    return compiled.tridiagonal(A)


@numba.njit
def sturm_counts(diagonal, off_diagonal, shifts):
    return compiled.sturm_counts(diagonal, off_diagonal, shifts)


@numba.njit
def histogram(diagonal, off_diagonal, edges):
    return compiled.histogram(diagonal, off_diagonal, edges)


@numba.njit
def extremes(diagonal, off_diagonal):
    return compiled.extremes(diagonal, off_diagonal)


@numba.njit
def moments(diagonal, off_diagonal):
    return compiled.moments(diagonal, off_diagonal)


SAME = {
    function.__name__: function
    for function in (
        philox4x32, class_weights, gated_weights, weighted_gram, tridiagonal,
        sturm_counts, histogram, extremes, moments,
    )
}  # fmt: skip


def test_every_exported_function_is_tested_and_documented() -> None:
    assert set(compiled.__all__) == {*SAME, *FILLING, "class_probabilities"}
    for name in compiled.__all__:
        assert inspect.getdoc(getattr(compiled, name))


def _bytes(result: object) -> list[bytes]:
    return [part.tobytes() for part in (result if isinstance(result, tuple) else (result,))]


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", SAME)
def test_the_same_bits_as_the_operation(cpu: kernels.Operations, name: str, precision: str) -> None:
    given = cases.arguments(name, 17, precision)
    if name in ("weighted_gram", "sturm_counts", "histogram", "extremes", "moments"):
        # What is said to be float64 there; the operation converts it.
        given = tuple(x if name == "weighted_gram" and x.ndim == 2 else x.astype(np.float64) for x in given)
    assert _bytes(SAME[name](*given)) == _bytes(getattr(cpu, name)(*given))


@numba.njit
def draw(stream, start, scale, normals, uniforms, labels):
    compiled.fill_normals(stream, start, scale, normals)
    compiled.fill_uniforms(stream, start, uniforms)
    compiled.fill_labels(stream, start, 10, labels)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("size", [0, 1, 2, 7, 40])
@pytest.mark.parametrize("start", [0, 1, 2, 3, 2**40 + 3])
def test_numbers_of_any_range_of_a_stream(
    cpu: kernels.Operations, start: int, size: int, precision: str
) -> None:
    normals, uniforms, labels = np.empty(size, precision), np.empty(size, precision), np.empty(size, np.int64)
    draw(STREAM, start, 0.3, normals, uniforms, labels)
    np.testing.assert_array_equal(normals, cpu.normals(STREAM, start, size, precision, 0.3))
    np.testing.assert_array_equal(uniforms, cpu.uniforms(STREAM, start, size, precision))
    np.testing.assert_array_equal(labels, cpu.labels(STREAM, start, size, 10))


@numba.njit
def weigh(p, q, factor, diagonal, off_diagonal, gated):
    compiled.fill_class_weights(p, p, True, diagonal)
    compiled.fill_class_weights(p, q, False, off_diagonal)
    compiled.fill_gated_weights(p, q, factor, gated)


def test_weights_written_in_place(cpu: kernels.Operations) -> None:
    p, q, factor = np.random.default_rng(1).normal(size=(3, 21))
    out = np.empty((3, 21))
    weigh(p, q, factor, *out)
    np.testing.assert_array_equal(out[0], cpu.class_weights(p, p, True))
    np.testing.assert_array_equal(out[1], cpu.class_weights(p, q, False))
    np.testing.assert_array_equal(out[2], cpu.gated_weights(p, q, factor))


@numba.njit
def class_probabilities(features, V, classes):
    return compiled.class_probabilities(features, V, classes)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_probabilities_are_those_of_the_operation(cpu: kernels.Operations, precision: str) -> None:
    features, V, classes = cases.arguments("class_probabilities", 33, precision)
    ours, wanted = (f(features, V, classes) for f in (class_probabilities, cpu.class_probabilities))
    # Logits up to z are rounded by z eps either way, and p by as much of itself.
    logits = (np.abs(features) @ np.abs(V).T).max()
    bound = 4 * (features.shape[1] + len(V)) * float(np.finfo(precision).eps) * max(1.0, logits)
    np.testing.assert_allclose(ours, wanted, rtol=bound)
    assert ours.dtype == np.float64


@numba.njit(parallel=True)
def below(streams: NDArray, weights: NDArray, shift: float) -> NDArray:
    counts = np.empty(len(streams), np.int64)
    for t in numba.prange(len(streams)):
        X = np.empty((len(weights), 12))
        compiled.fill_normals(streams[t], 0, 1.0, X.ravel())
        diagonal, off_diagonal = compiled.tridiagonal(compiled.weighted_gram(X, weights))
        counts[t] = compiled.sturm_counts(diagonal, off_diagonal, np.array([shift]))[0]
    return counts


def test_a_loop_of_ones_own_over_trials(cpu: kernels.Operations) -> None:
    streams = np.arange(20, dtype=np.uint32).reshape(5, 4)
    weights = np.random.default_rng(2).random(30)
    wanted = []
    for words in streams:
        form = cpu.tridiagonal(cpu.weighted_gram(cpu.normals(words, 0, (30, 12)), weights))
        wanted.append(cpu.sturm_counts(*form, [0.4])[0])
    np.testing.assert_array_equal(below(streams, weights, 0.4), wanted)
    assert 0 < min(wanted) <= max(wanted) < 12
