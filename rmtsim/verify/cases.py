"""One case for each operation, at any size: what parity with the reference is tested and verified on."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from .. import kernels

Rng = np.random.Generator
Arguments = tuple

STREAM = np.array([0xA4093822, 0x299F31D0, 0x13198A2E, 0x03707344], np.uint32)
PAIRS = np.array([[0, 0], [3, 1], [1, 0]])
GRAMS = np.array([[[2.0, 0.5], [0.5, 1.0]], [[3.0, -1.0], [-1.0, 2.0]]])
NETWORK = kernels.Network(w_std=1.5, v_std=0.75)
SCALES = np.array([1.0, -2.0, 0.5])


def _reals(rng: Rng, dtype: np.dtype, *shape: int) -> NDArray:
    return rng.normal(size=shape).astype(dtype)


def _model(rng: Rng, n: int, dtype: np.dtype) -> Arguments:
    return _reals(rng, dtype, n, 5), _reals(rng, dtype, n + 3, 5)


def _samples(rng: Rng, n: int, dtype: np.dtype) -> Arguments:
    weights = rng.normal(size=n + 1) * (rng.random(n + 1) < 0.5)
    return _reals(rng, dtype, n + 1, n), weights.astype(dtype)


def _symmetric(rng: Rng, n: int, dtype: np.dtype) -> Arguments:
    A = _reals(rng, dtype, n, n)
    return (A + A.T,)


def _tridiagonal(rng: Rng, n: int, dtype: np.dtype) -> Arguments:
    return _reals(rng, dtype, n), _reals(rng, dtype, max(n - 1, 0))


def _masses(rng: Rng, n: int, dtype: np.dtype) -> Arguments:
    X = rng.normal(size=(n + 1, 4))
    return ((X @ X.T) ** 2).astype(dtype), _reals(rng, dtype, n + 1, n)


def _streams(rng: Rng, *roles: int) -> NDArray[np.uint32]:
    """Streams of two trials."""
    return rng.integers(0, 2**32, (2, *roles, 4), np.uint32)


def _edges(n: int) -> NDArray[np.float64]:
    return np.linspace(-3.1, 3.3, n + 2)


CASES: Mapping[str, Callable[[Rng, int, np.dtype], Arguments]] = {
    "philox4x32": lambda rng, n, real: (rng.integers(0, 2**32, (n, 4), np.uint32), STREAM[:2]),
    "uniforms": lambda rng, n, real: (STREAM, n, n, real),
    "normals": lambda rng, n, real: (STREAM, n, n, real, 1.5),
    "labels": lambda rng, n, real: (STREAM, n, n, 10),
    "log_normalizers": _model,
    # logits of which some samples are sure
    "softmax_tops": lambda rng, n, real: tuple(3 * a for a in _model(rng, n, real)),
    "class_probabilities": lambda rng, n, real: (*_model(rng, n, real), np.array([n, 0, n + 2, 0])),
    "class_means": _model,
    "class_covariances": lambda rng, n, real: (*_model(rng, n, real), np.array([[0, 0], [4, 1]])),
    "class_weights": lambda rng, n, real: (*_reals(rng, real, 2, n), n % 2 == 0),
    "gated_weights": lambda rng, n, real: tuple(_reals(rng, real, 3, n)),
    "weighted_gram": _samples,
    "eigenvalues": _symmetric,
    "tridiagonal": _symmetric,
    "gram_sum": lambda rng, n, real: (_reals(rng, real, n, n + 2),),
    "sturm_counts": lambda rng, n, real: (*_tridiagonal(rng, n, real), _reals(rng, real, n)),
    "histogram": lambda rng, n, real: (*_tridiagonal(rng, n, real), _edges(n)),
    "extremes": lambda rng, n, real: _tridiagonal(rng, n + 1, real),
    "moments": lambda rng, n, real: _tridiagonal(rng, n + 1, real),
    "spectral_statistics": lambda rng, n, real: (
        _reals(rng, real, 3, n + 1),
        _reals(rng, real, 3, n),
        SCALES.astype(real),
        _edges(n),
    ),
    "banded_counts": lambda rng, n, real: (_reals(rng, real, 3, n), np.linspace(-3.1, 3.3, n)),
    "banded_statistics": lambda rng, n, real: (
        _reals(rng, real, 2, 3, n + 1),
        SCALES[:2].astype(real),
        _edges(n),
    ),
    "masses": _masses,
    # logits of which some samples are sure
    "linear_masses": lambda rng, n, real: (*(3 * a for a in _model(rng, n + 1, real)), "ce"),
    "hidden_masses": lambda rng, n, real: (
        _reals(rng, real, n + 1, 3),
        _reals(rng, real, 4, 3),
        3 * _reals(rng, real, n + 2, 4),
        "ce",
        rng.integers(0, n + 2, n + 1),
    ),
    # few more samples than features: of W_ij most have no weight, so that it has zero eigenvalues
    "linear_forms": lambda rng, n, real: (
        _streams(rng, 2),
        (n + 5, n + 1, 5),
        "ce",
        PAIRS,
        real,
        NETWORK,
        True,
    ),
    "hidden_forms": lambda rng, n, real: (
        _streams(rng, 4),
        (n + 5, n + 1, n + 4, 4),
        "ce",
        PAIRS,
        PAIRS,
        real,
        NETWORK,
        True,
    ),
    "chi": lambda rng, n, real: (STREAM, n, rng.uniform(1, 60, n).astype(real)),
    "half_space_counts": lambda rng, n, real: (_streams(rng), 3 * n + 1),
    "wedge_samples": lambda rng, n, real: (_streams(rng, 2), n + 1, 3 * n + 1, (0, 2), real),
    "output_grams": lambda rng, n, real: (_streams(rng), n + 1, 4, PAIRS, real),
    "wishart_forms": lambda rng, n, real: (_streams(rng), [n, 2], 5, SCALES[:2].astype(real)),
    "wedge_forms": lambda rng, n, real: (
        _streams(rng, 2),
        [n, 3],
        GRAMS.astype(real),
        5,
        SCALES[:2].astype(real),
    ),
}
"""Arguments of each operation, of size n >= 0; real arrays are float32 or float64."""


def arguments(name: str, n: int, precision: str) -> Arguments:
    """The case of an operation; the same numbers whenever it is asked for."""
    return CASES[name](np.random.default_rng([n, 20250505]), n, np.dtype(precision))


def results(ops: kernels.Operations, name: str, inputs: Arguments) -> list[NDArray]:
    """Arrays that an operation returns; of tridiagonal forms, which are not unique, the eigenvalues."""
    result = getattr(ops, name)(*inputs)
    if name == "tridiagonal":
        return [_spectra(*result)]
    if name == "linear_forms":
        return [_spectra(*result.classes), result.masses]
    if name == "hidden_forms":
        return [_spectra(*result.hidden), _spectra(*result.classes), result.scales, result.masses]
    return list(result) if isinstance(result, tuple) else [result]


def _spectra(diagonals: NDArray, off_diagonals: NDArray) -> NDArray[np.float64]:
    """Eigenvalues of tridiagonal matrices (..., n)."""
    i = np.arange(diagonals.shape[-1])
    matrices = np.zeros((*diagonals.shape, len(i)), np.result_type(diagonals, off_diagonals))
    matrices[..., i, i] = diagonals
    matrices[..., i[1:], i[:-1]] = off_diagonals
    return np.linalg.eigvalsh(matrices) if len(i) else diagonals


def parity(ops: kernels.Operations, name: str, n: int, precision: str) -> float:
    """Largest difference of an operation from the reference in units of what is allowed.

    Integers and uniforms must be equal; sums of n terms, each rounded a few times, are allowed 4 (n + 8) eps
    of the largest result.
    """
    inputs = arguments(name, n, precision)
    pairs = zip(results(ops, name, inputs), results(kernels.load("reference"), name, inputs), strict=True)
    allowed = 0.0 if name == "uniforms" else 4 * (n + 8) * float(np.finfo(precision).eps)
    return max(
        difference(ours, expected, allowed * max(1.0, float(np.abs(expected).max(initial=0.0))))
        for ours, expected in pairs
    )


def difference(ours: NDArray, expected: NDArray, allowed: float) -> float:
    """Largest difference in units of `allowed`; infinite where it is NaN, or for another dtype or shape.

    Integers must be equal, and so must all else that is allowed nothing.
    """
    if ours.dtype != expected.dtype or ours.shape != expected.shape:
        return np.inf
    if expected.dtype.kind in "iu" or allowed == 0:
        return 0.0 if np.array_equal(ours, expected) else np.inf
    return float(np.nan_to_num(np.abs(ours - expected).max(initial=0.0) / allowed, nan=np.inf))
