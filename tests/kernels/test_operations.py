"""Every operation, on every device, against the plain NumPy reference."""

import inspect
import subprocess
import sys
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray

from rmtsim import kernels

STREAM = np.array([1, 2, 3, 4], np.uint32)
SIZES = (0, 1, 7, 33)
DTYPES = (np.float32, np.float64)
HELD = [(device, name) for device in kernels.DEVICES for name in kernels.OPERATIONS]
UNCHECKED = ("uniforms", "normals", "labels")

Arguments = tuple
Build = Callable[[np.random.Generator, int, type], Arguments]


def _model(rng: np.random.Generator, n: int, dtype: type) -> Arguments:
    return rng.normal(size=(n, 5)).astype(dtype), rng.normal(size=(n + 3, 5)).astype(dtype)


def _samples(rng: np.random.Generator, n: int, dtype: type) -> Arguments:
    weights = rng.normal(size=n + 1) * (rng.random(n + 1) < 0.5)
    return rng.normal(size=(n + 1, n)).astype(dtype), weights.astype(dtype)


def _symmetric(rng: np.random.Generator, n: int, dtype: type) -> Arguments:
    A = rng.normal(size=(n, n)).astype(dtype)
    return (A + A.T,)


def _tridiagonal(rng: np.random.Generator, n: int, dtype: type) -> Arguments:
    return rng.normal(size=n).astype(dtype), rng.normal(size=max(n - 1, 0)).astype(dtype)


def _masses(rng: np.random.Generator, n: int, dtype: type) -> Arguments:
    X = rng.normal(size=(n + 1, 4))
    return ((X @ X.T) ** 2).astype(dtype), rng.normal(size=(n + 1, n)).astype(dtype)


def _vectors(rng: np.random.Generator, n: int, dtype: type, count: int) -> Arguments:
    return tuple(rng.normal(size=n).astype(dtype) for _ in range(count))


PAIRS = np.array([[0, 0], [3, 1], [1, 0]])


def _streams(roles: int) -> NDArray:
    return np.arange(8 * roles, dtype=np.uint32).reshape(2, roles, 4)


GRAMS = np.array([[[2.0, 0.5], [0.5, 1.0]], [[3.0, -1.0], [-1.0, 2.0]]])


def _bands(rng: np.random.Generator, trials: int, n: int, dtype: type) -> NDArray:
    return rng.normal(size=(trials, 3, n)).astype(dtype)


CASES: dict[str, Build] = {
    "philox4x32": lambda rng, n, dtype: (
        rng.integers(0, 2**32, (n, 4), np.uint32),
        rng.integers(0, 2**32, 2, np.uint32),
    ),
    "uniforms": lambda rng, n, dtype: (STREAM, n, n, dtype),
    "normals": lambda rng, n, dtype: (STREAM, n, n, dtype, 1.5),
    "labels": lambda rng, n, dtype: (STREAM, n, n, 10),
    "log_normalizers": _model,
    # logits of which some samples are sure
    "softmax_tops": lambda rng, n, dtype: tuple(3 * a for a in _model(rng, n, dtype)),
    "class_probabilities": lambda rng, n, dtype: (*_model(rng, n, dtype), np.array([n, 0, n + 2, 0])),
    "class_means": _model,
    "class_mass_totals": lambda rng, n, dtype: _model(rng, n + 1, dtype),
    "class_covariances": lambda rng, n, dtype: (*_model(rng, n, dtype), np.array([[0, 0], [4, 1]])),
    "class_weights": lambda rng, n, dtype: (*_vectors(rng, n, dtype, 2), n % 2 == 0),
    "gated_weights": lambda rng, n, dtype: _vectors(rng, n, dtype, 3),
    "weighted_gram": _samples,
    "eigenvalues": _symmetric,
    "tridiagonal": _symmetric,
    "sturm_counts": lambda rng, n, dtype: (*_tridiagonal(rng, n, dtype), rng.normal(size=n).astype(dtype)),
    "histogram": lambda rng, n, dtype: (*_tridiagonal(rng, n, dtype), np.linspace(-3.1, 3.3, n + 2)),
    "extremes": lambda rng, n, dtype: _tridiagonal(rng, n + 1, dtype),
    "moments": lambda rng, n, dtype: _tridiagonal(rng, n + 1, dtype),
    "masses": _masses,
    "gram_sum": lambda rng, n, dtype: (rng.normal(size=(n, n + 2)).astype(dtype),),
    # n + 1 samples, more features than those that have weight in most blocks
    "linear_forms": lambda rng, n, dtype: (_streams(2), (n + 1, 7, 5), "ce", PAIRS, dtype),
    "hidden_forms": lambda rng, n, dtype: (_streams(3), (n + 1, 7, n + 4, 4), "ce", PAIRS, PAIRS, dtype),
    "chi": lambda rng, n, dtype: (STREAM, n, rng.uniform(1, 60, n).astype(dtype)),
    "half_space_counts": lambda rng, n, dtype: (_streams(1)[:, 0], 3 * n + 1),
    "wedge_samples": lambda rng, n, dtype: (_streams(2), n + 1, 3 * n + 1, (0, 2), dtype),
    "output_grams": lambda rng, n, dtype: (_streams(1)[:, 0], n + 1, 4, PAIRS, dtype),
    "wishart_forms": lambda rng, n, dtype: (_streams(1)[:, 0], [n, 2], 5, np.array([1.0, -0.5], dtype)),
    "wedge_forms": lambda rng, n, dtype: (_streams(2), [n, 3], GRAMS.astype(dtype), 5, np.ones(2, dtype)),
    "banded_counts": lambda rng, n, dtype: (_bands(rng, 1, n, dtype)[0], np.linspace(-3.1, 3.3, n)),
    "banded_statistics": lambda rng, n, dtype: (
        _bands(rng, 2, n + 1, dtype),
        np.array([1.0, -2.0], dtype),
        np.linspace(-3.1, 3.3, n + 2),
    ),
    "spectral_statistics": lambda rng, n, dtype: (
        rng.normal(size=(3, n + 1)).astype(dtype),
        rng.normal(size=(3, n)).astype(dtype),
        np.array([1.0, -2.0, 0.5], dtype),
        np.linspace(-3.1, 3.3, n + 2),
    ),
}


def _spectra(diagonals: NDArray, off_diagonals: NDArray) -> NDArray:
    """Eigenvalues of tridiagonal matrices (..., n): rounding can change the matrices entirely."""
    assert diagonals.dtype == off_diagonals.dtype == np.float64
    n = diagonals.shape[-1]
    dense = np.zeros((*diagonals.shape, n))
    dense[..., range(n), range(n)] = diagonals
    dense[..., range(1, n), range(n - 1)] = off_diagonals
    return np.linalg.eigvalsh(dense) if n else diagonals


def _call(module: ModuleType, name: str, arguments: Arguments) -> list[NDArray]:
    """What an operation returns, as arrays; tridiagonal forms by their spectra."""
    result = getattr(module, name)(*arguments)
    if name in ("tridiagonal", "linear_forms"):
        return [_spectra(*result)]
    if name == "hidden_forms":
        return [_spectra(*result.hidden), _spectra(*result.classes), result.scales]
    return list(result) if isinstance(result, tuple) else [result]


def _arguments(name: str, n: int, dtype: type) -> Arguments:
    return CASES[name](np.random.default_rng([n, 20250505]), n, dtype)


@pytest.mark.parametrize("device", kernels.DEVICES)
def test_a_device_has_every_operation_with_the_signature_of_the_reference(device: str) -> None:
    module, reference = kernels.load(device), kernels.load("reference")
    assert sorted(module.__all__) == sorted(kernels.OPERATIONS)
    for name in kernels.OPERATIONS:
        found = inspect.signature(getattr(module, name)).parameters.values()
        wanted = inspect.signature(getattr(reference, name)).parameters.values()
        assert [(p.name, p.kind, p.default) for p in found] == [(p.name, p.kind, p.default) for p in wanted]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize(("device", "name"), [pair for pair in HELD if pair[0] != "reference"])
def test_parity_with_the_reference(device: str, name: str, n: int, dtype: type) -> None:
    arguments = _arguments(name, n, dtype)
    results = _call(kernels.load(device), name, arguments), _call(kernels.load("reference"), name, arguments)
    for found, wanted in zip(*results, strict=True):
        assert found.dtype == wanted.dtype
        assert found.shape == wanted.shape
        if found.dtype.kind in "iu":
            np.testing.assert_array_equal(found, wanted)
        else:
            # Sums of at most (n + 8)^2 terms of the size of the result, each rounded a few times.
            scale = max(1.0, np.abs(wanted).max(initial=0.0))
            bound = 4 * (n + 8) * np.finfo(dtype).eps * scale
            np.testing.assert_allclose(found, wanted, rtol=0, atol=bound)


def _strided(value: object) -> object:
    """The same numbers in an array that is contiguous in neither order, and read-only."""
    if not isinstance(value, np.ndarray):
        return value
    spread = np.zeros(tuple(2 * length for length in value.shape), value.dtype)
    view = spread[tuple(slice(None, None, 2) for _ in value.shape)]
    view[...] = value
    view.flags.writeable = False
    return view


@pytest.mark.parametrize(("device", "name"), HELD)
def test_strided_read_only_input_gives_the_same_bits_and_input_is_left_alone(device: str, name: str) -> None:
    module, arguments = kernels.load(device), _arguments(name, 9, np.float64)
    kept = [np.copy(value) if isinstance(value, np.ndarray) else value for value in arguments]
    wanted = _call(module, name, arguments)
    for found, same in zip(_call(module, name, tuple(map(_strided, arguments))), wanted, strict=True):
        np.testing.assert_array_equal(found, same)
    for value, before in zip(arguments, kept, strict=True):
        np.testing.assert_array_equal(value, before)


@pytest.mark.parametrize(("device", "name"), [pair for pair in HELD if pair[1] not in UNCHECKED])
def test_a_foreign_dtype_or_dimension_is_refused_by_name(device: str, name: str) -> None:
    operation, arguments = getattr(kernels.load(device), name), _arguments(name, 5, np.float64)
    first = next(iter(inspect.signature(operation).parameters))
    with pytest.raises(TypeError, match=rf"^{first}: expected .*got complex128"):
        operation(arguments[0].astype(complex), *arguments[1:])
    with pytest.raises(ValueError, match=rf"^{first}: expected .*got .*1"):
        operation(arguments[0][None], *arguments[1:])


def test_importing_the_package_imports_no_device() -> None:
    script = "import sys, rmtsim.kernels; assert not {'numba', 'scipy', 'cupy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(ValueError, match=r"device: expected one of 'cpu'.*got 'tpu'"):
        kernels.load("tpu")
